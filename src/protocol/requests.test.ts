import { describe, expect, it } from 'vitest';
import { maskFromBitmap } from '../mask/rle.js';
import type { Prompt } from '../vocabulary/prompt.js';
import { nearestRank, summariseAcceptance } from './acceptance.js';
import { ServerClock } from './clock.js';
import { operations } from './operations.js';
import { describeProblem, limits, promptFromWire, promptToWire } from './requests.js';

const prompt = (value: unknown, rest: Record<string, unknown> = {}) =>
  operations.prompt.request.safeParse({ stream: 's', prompts: [value], ...rest });

describe('prompt requests', () => {
  const mask = maskFromBitmap(Uint8Array.of(0, 1, 1, 0, 1, 0), 3, 2);
  const prompts: Prompt[] = [
    { type: 'click', point: [10, 20.5], positive: false },
    { type: 'box', box: [1, 2, 30, 40] },
    {
      type: 'scribble',
      points: [
        [1, 2],
        [3, 4],
      ],
      positive: true,
    },
    { type: 'mask', mask },
  ];

  it.each(prompts)('carry a $type there and back', (given) => {
    const request = prompt(JSON.parse(JSON.stringify(promptToWire(given))));
    expect(request.data?.prompts).toEqual([given]);
    expect(promptFromWire(promptToWire(given))).toEqual(given);
  });

  it('take the frame as number, text or null', () => {
    const click = { type: 'click', point: [1, 1] };
    expect(prompt(click, { ptsNs: 40_000_000 }).data?.ptsNs).toBe(40_000_000);
    expect(prompt(click, { ptsNs: '40000000' }).data?.ptsNs).toBe(40_000_000);
    expect(prompt(click).data).toEqual({
      stream: 's',
      ptsNs: null,
      objectId: null,
      label: null,
      prompts: [{ type: 'click', point: [1, 1], positive: true }],
    });
  });

  it.each([
    ['a coordinate that is null, as JSON writes NaN', { type: 'click', point: [null, 1] }],
    ['NaN', { type: 'click', point: [Number.NaN, 1] }],
    ['infinity', { type: 'box', box: [0, 0, Infinity, 1] }],
    ['a box inside out', { type: 'box', box: [10, 0, 5, 5] }],
    ['a point with three coordinates', { type: 'click', point: [1, 2, 3] }],
    ['an unknown type', { type: 'polygon', points: [] }],
    ['an unknown key', { type: 'click', point: [1, 2], positve: true }],
    ['an empty scribble', { type: 'scribble', points: [] }],
    ['too many points', { type: 'scribble', points: new Array(limits.scribblePoints + 1).fill([1, 1]) }],
    ['a mask of no size', { type: 'mask', mask: { size: [0, 4], counts: '' } }],
  ])('with %s are refused and say where', (_, value) => {
    const { error } = prompt(value);
    expect(error && describeProblem(error)).toMatch(/^prompts\[0\]/);
  });

  it('may have as many points together as one scribble, and a name without line breaks', () => {
    const half = { type: 'scribble', points: new Array(limits.scribblePoints / 2).fill([1, 1]) };
    const request = (prompts: unknown[], label: string | null = null) =>
      operations.prompt.request.safeParse({ stream: 's', prompts, label });
    expect(request([half, half], 'x'.repeat(limits.labelCharacters)).success).toBe(true);
    const { error } = request([half, half, { type: 'click', point: [1, 1] }]);
    expect(error && describeProblem(error)).toBe('prompts: there are more than 10,000 points');
    for (const label of ['', ' ', 'a\nb', 'x'.repeat(limits.labelCharacters + 1)])
      expect(request([half], label).success).toBe(false);
  });

  it.each(['', '0', '??', 'not a mask', '\u{1F600}'])(
    'with counts "%s" that make no mask are refused and say where, elsewhere with a code',
    (counts) => {
      const mask = { type: 'mask' as const, mask: { size: [2, 3] as [number, number], counts } };
      const { error } = prompt(mask);
      expect(error && describeProblem(error)).toMatch(/^prompts\[0\]\.mask: the counts do not make a mask/);
      expect(() => promptFromWire(mask)).toThrow(
        expect.objectContaining({ code: 'SONO_REQUEST_INVALID' }) as Error,
      );
    },
  );
});

describe('acceptance figures', () => {
  it('are nearest ranks', () => {
    const samples = Array.from({ length: 1000 }, (_, index) => index + 1).reverse();
    const summary = summariseAcceptance(
      samples.map((age) => age / 10),
      0,
    );
    expect(summary).toMatchObject({
      frames: 1000,
      p50Ms: 50,
      p95Ms: 95,
      p99Ms: 99,
      p999Ms: 99.9,
      maxMs: 100,
    });
    expect(summary.deadlines).toEqual([
      { limitMs: 50, missed: 500, missRate: 0.5, verdict: 'fail' },
      { limitMs: 80, missed: 200, missRate: 0.2, verdict: 'fail' },
      { limitMs: 100, missed: 0, missRate: 0, verdict: 'pass' },
    ]);
    expect(nearestRank([], 0.5)).toBeNaN();
    expect(nearestRank([7], 0)).toBe(7);
  });

  it('count frames that were never painted as missed', () => {
    const { deadlines } = summariseAcceptance(new Array<number>(1000).fill(10), 1000);
    expect(deadlines[0]).toMatchObject({ missed: 1000, missRate: 0.5 });
  });

  it('of too few frames give no verdict', () => {
    const { deadlines } = summariseAcceptance(new Array<number>(999).fill(10), 0);
    expect(deadlines.map(({ verdict }) => verdict)).toEqual(['undecided', 'undecided', 'undecided']);
  });
});

describe('server clock', () => {
  it('believes the shortest round trip and says how wrong it can be', () => {
    const clock = new ServerClock();
    expect(clock.ready).toBe(false);
    expect(() => clock.uncertaintyMs).toThrow(RangeError);
    clock.add({ sentMs: 0, receivedMs: 100, serverMonotonicNs: 999_000_000n, serverUnixNs: 5_999_000_000n });
    clock.add({
      sentMs: 200,
      receivedMs: 204,
      serverMonotonicNs: 1_202_000_000n,
      serverUnixNs: 6_202_000_000n,
    });
    expect(clock.uncertaintyMs).toBe(2);
    // Server monotonic 1202 ms is local 202 ms.
    expect(clock.localMsOfMonotonic(1_302_000_000)).toBe(302);
    expect(clock.localMsOfLogTime(6_102_500_000n)).toBe(102.5);
  });

  it('forgets old samples', () => {
    const clock = new ServerClock(2);
    clock.add({ sentMs: 0, receivedMs: 1, serverMonotonicNs: 0n, serverUnixNs: 0n });
    for (const sentMs of [10, 20])
      clock.add({ sentMs, receivedMs: sentMs + 10, serverMonotonicNs: 0n, serverUnixNs: 0n });
    expect(clock.roundTripMs).toBe(10);
  });
});
