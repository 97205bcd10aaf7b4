import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import type { FrameCache, ShownFrame } from './frame-cache.js';
import { FramePlayer } from './frame-player.js';

let tick: ((nowMs: number) => void) | null = null;
afterEach(() => vi.unstubAllGlobals());

/** Which picture is shown after so many milliseconds of playing 25 pictures per second at this rate. */
async function after(ms: number, rate: number): Promise<number> {
  vi.stubGlobal('requestAnimationFrame', (next: (nowMs: number) => void) => {
    tick = next;
    return 1;
  });
  vi.stubGlobal('cancelAnimationFrame', () => (tick = null));
  let nowMs = 1000;
  vi.stubGlobal('performance', { now: () => nowMs });
  const cache = { get: (frame: number) => Promise.resolve({ frame } as ShownFrame), ahead: () => undefined };
  const project = { pictures: { frames: 500 }, format: { framesPerSecond: 25 } } as ProjectState;
  const player = new FramePlayer(cache as unknown as FrameCache, () => project, {
    onShown: () => undefined,
    onSpeed: () => undefined,
  });
  await player.follow();
  player.rate = rate;
  player.play(1);
  for (const end = nowMs + ms; nowMs < end; nowMs += 10) {
    tick?.(nowMs);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  }
  return player.frame;
}

describe('playing a recording', () => {
  it.each([
    [0.25, 12],
    [0.5, 25],
    [1, 50],
    [2, 100],
  ])('at %f times its rate', async (rate, frames) => {
    expect(Math.abs((await after(2000, rate)) - frames)).toBeLessThanOrEqual(2);
  });
});
