import { describe, expect, it, vi } from 'vitest';
import { onFault } from '../vocabulary/faults.js';
import { SourceTrials } from './trials.js';

const refused = (code: string) => expect.objectContaining({ code }) as Error;
const limits = { atOnce: 2, limitMs: 20_000, lingerMs: 1_000 };
/** Never settles by itself. */
const hangs = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

describe('trying a source', () => {
  it('gives the result, or the coded error, and takes no place any more', async () => {
    const trials = new SourceTrials(limits);
    await expect(trials.run('a.mp4', undefined, () => Promise.resolve(7))).resolves.toBe(7);
    const faults: string[] = [];
    const stop = onFault(({ boundary, owner }) => faults.push(`${boundary} ${owner}`));
    await expect(
      trials.run('rtsp://nurse:secret@cam/x', undefined, () => Promise.reject(new TypeError('odd'))),
    ).rejects.toThrow(refused('SONO_SOURCE_FAILED'));
    stop();
    expect(faults).toEqual(['source rtsp://***@cam/x']);
    expect(trials.running).toBe(0);
  });

  it('takes a few at once, and says so beyond', async () => {
    vi.useFakeTimers();
    try {
      const trials = new SourceTrials(limits);
      const running = [1, 2].map(() => trials.run('cam', undefined, hangs));
      for (const run of running) run.catch(() => undefined);
      await expect(trials.run('cam', undefined, hangs)).rejects.toThrow(refused('SONO_SOURCE_TRIALS'));
      await vi.advanceTimersByTimeAsync(limits.limitMs);
      for (const run of running)
        await expect(run).rejects.toMatchObject({
          code: 'SONO_SOURCE_NO_ANSWER',
          details: { uri: 'cam', seconds: 20, what: 'its first picture' },
        });
      // Their processes may still be ending.
      await expect(trials.run('cam', undefined, hangs)).rejects.toThrow(refused('SONO_SOURCE_TRIALS'));
      await vi.advanceTimersByTimeAsync(limits.lingerMs);
      await expect(trials.run('cam', undefined, () => Promise.resolve(1))).resolves.toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends when the asker leaves, and does not begin for one who has left', async () => {
    const trials = new SourceTrials(limits);
    const asker = new AbortController();
    let given: AbortSignal | null = null;
    const run = trials.run('cam', asker.signal, (signal) => {
      given = signal;
      return hangs(signal);
    });
    asker.abort();
    await expect(run).rejects.toThrow(refused('SONO_SOURCE_TRIAL_LEFT'));
    expect(given).toMatchObject({ aborted: true });
    await expect(trials.run('cam', asker.signal, hangs)).rejects.toThrow(refused('SONO_SOURCE_TRIAL_LEFT'));
  });
});
