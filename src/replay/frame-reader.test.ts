/** A source that says nothing while the reader waits: given up after the time, told from one that gives signs of life, and from sleep. */
import { Subject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SourceEvent } from '../ingest/frame-source.js';
import { FrameReader } from './frame-reader.js';

// The clock that real timers and this one are told by.
const clock = vi.hoisted(() => ({ ns: 0 }));
vi.mock('../node/clock.js', () => ({ monotonicNs: () => clock.ns, unixNowMs: () => 0 }));

beforeEach(() =>
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'] }),
);
afterEach(() => vi.useRealTimers());

/** Lets time pass; `asleep`: this process did not run meanwhile. */
async function pass(ms: number, asleepMs = 0): Promise<void> {
  clock.ns += (ms + asleepMs) * 1e6;
  await vi.advanceTimersByTimeAsync(ms);
}

function waiting(): { events: Subject<SourceEvent>; outcome: () => unknown } {
  const events = new Subject<SourceEvent>();
  const reader = new FrameReader(
    { uri: 'clip.mp4', open: () => events, pause: () => undefined },
    { streamId: 'clip', analysisSize: { width: 8, height: 8 }, displayQuality: null, silenceMs: 1000 },
  );
  let outcome: unknown = 'waiting';
  reader.next().then(
    (frame) => (outcome = frame),
    (error: unknown) => (outcome = error),
  );
  return { events, outcome: () => outcome };
}
const silent = { code: 'SONO_REPLAY_SOURCE_SILENT', details: { seconds: 1, what: 'its first picture' } };

describe('a reader that waits', () => {
  it('gives up a source that says nothing', async () => {
    const { outcome } = waiting();
    await pass(999);
    expect(outcome()).toBe('waiting');
    await pass(2);
    expect(outcome()).toMatchObject(silent);
  });

  it('waits for one that gives signs of life', async () => {
    const { events, outcome } = waiting();
    for (let i = 0; i < 5; i += 1) {
      await pass(900);
      events.next({ kind: 'state', state: { phase: 'starting' } });
    }
    expect(outcome()).toBe('waiting');
    await pass(1001);
    expect(outcome()).toMatchObject(silent);
  });

  it('gives the time once more where the machine slept', async () => {
    const { outcome } = waiting();
    await pass(1001, 60_000);
    expect(outcome()).toBe('waiting');
    await pass(1001);
    expect(outcome()).toMatchObject(silent);
  });
});
