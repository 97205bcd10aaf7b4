import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sameBytes } from './same-bytes.js';

let folder: string;
const file = async (name: string, content: Uint8Array): Promise<string> => {
  await writeFile(join(folder, name), content);
  return join(folder, name);
};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sono-same-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the same bytes', () => {
  const bytes = Buffer.alloc(3 * 1024 ** 2 + 17, 7);
  it.each([0, 1024 ** 2, 2 * 1024 ** 2 + 5, bytes.length - 1])('sees one other byte at %s', async (at) => {
    const one = await file('one', bytes);
    const other = await file('other', bytes);
    expect(await sameBytes(one, other)).toBe(true);
    const changed = Buffer.from(bytes);
    changed[at] = 8;
    expect(await sameBytes(one, await file('changed', changed))).toBe(false);
  });

  it('takes files of other lengths, missing files and folders for others', async () => {
    const one = await file('one', bytes);
    expect(await sameBytes(one, await file('short', bytes.subarray(1)))).toBe(false);
    expect(await sameBytes(one, join(folder, 'nothing'))).toBe(false);
    expect(await sameBytes(folder, folder)).toBe(false);
    expect(
      await sameBytes(await file('empty', Buffer.alloc(0)), await file('empty too', Buffer.alloc(0))),
    ).toBe(true);
  });

  it('ends when nobody waits for it any more', async () => {
    const one = await file('one', bytes);
    const gone = AbortSignal.abort(new Error('left'));
    await expect(sameBytes(one, await file('other', bytes), gone)).rejects.toThrow('left');
  });
});
