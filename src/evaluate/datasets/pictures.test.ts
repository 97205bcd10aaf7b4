import { describe, expect, it } from 'vitest';
import { inOrder } from './pictures.js';

describe('frames decoded ahead', () => {
  it('come in order, a few at a time', async () => {
    let open = 0;
    let most = 0;
    const seen: number[] = [];
    const make = async (index: number): Promise<number> => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, index % 3));
      open -= 1;
      return index;
    };
    for await (const value of inOrder(10, make)) seen.push(value);
    expect(seen).toEqual(Array.from({ length: 10 }, (_, index) => index));
    expect(most).toBe(3);
  });

  it('that cannot be read are told when their turn comes, not before', async () => {
    const seen: number[] = [];
    const make = async (index: number): Promise<number> => {
      // The first one takes its time while the next has failed already.
      if (index === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      if (index > 0) throw new Error(`no picture ${index}`);
      return index;
    };
    const reading = (async () => {
      for await (const value of inOrder(4, make)) seen.push(value);
    })();
    await expect(reading).rejects.toThrow('no picture 1');
    expect(seen).toEqual([0]);
  });
});
