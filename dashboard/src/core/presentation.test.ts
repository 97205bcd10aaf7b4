import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Presenter } from './presentation.js';
import type { PresentationSettings } from './presentation.js';

const settings: PresentationSettings = { overlayOn: true, limitMs: 100, slow: 'auto' };
const frameMs = 40;
const time = (frame: number): bigint => BigInt(frame + 1) * 40_000_000n;

interface Run {
  readonly presenter: Presenter<number, number>;
  readonly released: number[];
  /** At the end of the source. */
  readonly regime: string;
  /** What was on screen, in order: frame, whether its overlay was with it, age. */
  readonly painted: {
    readonly frame: number;
    readonly overlay: number | null;
    readonly ageMs: number;
    readonly atMs: number;
  }[];
}

/** Plays a source of 25 pictures per second on a 60 Hz display. Delays are from capture; null: never comes. */
function play(
  frames: number,
  pictureMs: (frame: number) => number | null,
  maskMs: (frame: number) => number | null,
  choice: Partial<PresentationSettings> = {},
  drawable: (frame: number) => boolean = () => true,
): Run {
  const released: number[] = [];
  const presenter = new Presenter<number, number>({ release: (frame) => released.push(frame) });
  presenter.configure({ ...settings, ...choice });
  const events: { readonly atMs: number; readonly run: () => void }[] = [];
  for (let frame = 0; frame < frames; frame += 1) {
    const captureMs = frame * frameMs;
    const picture = pictureMs(frame);
    const mask = maskMs(frame);
    if (picture !== null)
      events.push({
        atMs: captureMs + picture,
        run: () => presenter.addPicture(time(frame), captureMs, frame, captureMs + picture),
      });
    if (mask !== null)
      events.push({
        atMs: captureMs + mask,
        run: () => presenter.addOverlay(time(frame), frame, drawable(frame), captureMs + mask),
      });
  }
  events.sort((a, b) => a.atMs - b.atMs);
  const painted: Run['painted'] = [];
  let regime = '';
  for (let nowMs = 0; nowMs < frames * frameMs + 400; nowMs += 1000 / 60) {
    while (events[0] && events[0].atMs <= nowMs) events.shift()?.run();
    const decision = presenter.next(nowMs);
    if (nowMs <= frames * frameMs) regime = presenter.regime;
    if (decision.kind !== 'keep')
      painted.push({
        frame: decision.shown.picture,
        overlay: decision.shown.overlay,
        ageMs: nowMs - decision.shown.captureMs,
        atMs: nowMs,
      });
  }
  return { presenter, released, painted, regime };
}

describe('a picture and its overlay', () => {
  it('go on screen together when the mask comes soon', () => {
    const { painted, presenter } = play(
      100,
      () => 20,
      () => 60,
    );
    expect(new Set(painted.map(({ frame }) => frame)).size).toBe(100);
    // Before the first mask nobody knows that there is something to wait for.
    expect(painted.filter(({ frame, overlay }) => frame > 0 && frame < 99 && overlay === null)).toEqual([]);
    expect(presenter.counts).toMatchObject({
      painted: 100,
      withOverlay: 100,
      withoutOverlay: 0,
      lateOverlays: 0,
    });
  });

  it('never carry different timestamps, are painted in order and within the limit, and every picture is released once', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            picture: fc.option(fc.integer({ min: 0, max: 250 }), { freq: 5 }),
            mask: fc.option(fc.integer({ min: 0, max: 300 }), { freq: 3 }),
          }),
          { minLength: 1, maxLength: 80 },
        ),
        fc.constantFrom<PresentationSettings['slow']>('auto', 'every-picture', 'steady-outlines'),
        (plan, slow) => {
          const run = play(
            plan.length,
            (frame) => plan[frame]?.picture ?? null,
            (frame) => plan[frame]?.mask ?? null,
            { slow },
          );
          let before = -1;
          for (const { frame, overlay, ageMs } of run.painted) {
            expect(frame).toBeGreaterThanOrEqual(before);
            before = frame;
            if (overlay !== null) {
              expect(overlay).toBe(frame);
              expect(ageMs).toBeLessThanOrEqual(100);
            }
          }
          run.presenter.clear();
          const given = plan.filter(({ picture }) => picture !== null).length;
          expect(run.released).toHaveLength(given);
          expect(new Set(run.released).size).toBe(given);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('the raw picture', () => {
  it('does not wait when outlines are off', () => {
    const { painted } = play(
      50,
      () => 20,
      () => 90,
      { overlayOn: false },
    );
    expect(Math.max(...painted.map(({ ageMs }) => ageMs))).toBeLessThan(20 + 17);
    expect(painted.every(({ overlay }) => overlay === null)).toBe(true);
  });

  it.each([
    ['alone', { overlayOn: false }],
    ['with outlines', { overlayOn: true }],
  ])('is shown even when two are decoded between two refreshes: %s', (_, choice) => {
    // Every odd picture comes just after the next even one has.
    const { painted } = play(
      60,
      (frame) => (frame % 2 === 0 ? 20 : -18),
      (frame) => (frame % 2 === 0 ? 30 : -8),
      choice,
    );
    expect(new Set(painted.map(({ frame }) => frame)).size).toBe(60);
  });

  it('does not wait when nothing is followed', () => {
    const { painted } = play(
      50,
      () => 20,
      () => 90,
      {},
      () => false,
    );
    expect(Math.max(...painted.slice(1).map(({ ageMs }) => ageMs))).toBeLessThan(20 + 17);
  });

  it('does not wait for masks that stopped coming', () => {
    const { painted, presenter } = play(
      200,
      () => 20,
      (frame) => (frame < 40 ? 50 : null),
    );
    const late = painted.filter(({ frame }) => frame > 150);
    expect(presenter.regime).toBe('paused');
    expect(Math.max(...late.map(({ ageMs }) => ageMs))).toBeLessThan(20 + 17);
    expect(late.every(({ overlay }) => overlay === null)).toBe(true);
    expect(new Set(painted.map(({ frame }) => frame)).size).toBeGreaterThan(195);
  });

  it('waits no longer than masks usually take when one is missing', () => {
    const { painted } = play(
      100,
      () => 20,
      (frame) => (frame % 20 === 19 ? null : 40),
    );
    const without = painted.filter(({ frame, overlay }) => frame > 20 && overlay === null);
    expect(without.map(({ frame }) => frame)).toEqual([39, 59, 79, 99]);
    expect(Math.max(...without.map(({ ageMs }) => ageMs))).toBeLessThanOrEqual(40 + 20 + 17);
  });
});

describe('slow analysis', () => {
  // Every second picture is analysed: outlines on every picture would blink 12 times a second.
  const everySecond = (frame: number): number | null => (frame % 2 === 0 ? 50 : null);

  /** Changes from with to without in the last two seconds, per second. */
  const blinks = ({ painted }: Run): number => {
    const end = 300 * frameMs;
    const last = painted.filter(({ atMs }) => atMs > end - 2000 && atMs < end);
    return (
      last.filter(({ overlay }, index) => overlay === null && (last[index - 1]?.overlay ?? null) !== null)
        .length / 2
    );
  };

  it('automatic: only analysed pictures are shown, outlines do not blink', () => {
    const run = play(300, () => 20, everySecond);
    expect(run.regime).toBe('steady');
    expect(blinks(run)).toBe(0);
    const late = new Set(
      run.painted.filter(({ frame }) => frame > 200 && frame < 298).map(({ frame }) => frame % 2),
    );
    expect(late).toEqual(new Set([0]));
  });

  it('every picture: outlines rest instead', () => {
    const run = play(300, () => 20, everySecond, { slow: 'every-picture' });
    expect(run.regime).toBe('paused');
    expect(blinks(run)).toBe(0);
    expect(run.painted.filter(({ frame }) => frame >= 200)).toHaveLength(100);
  });

  it('asked for, steady outlines also hold at six pictures per second, where automatic gives them up', () => {
    const everyFourth = (frame: number): number | null => (frame % 4 === 0 ? 50 : null);
    const asked = play(300, () => 20, everyFourth, { slow: 'steady-outlines' });
    expect(asked.regime).toBe('steady');
    expect(blinks(asked)).toBe(0);
    expect(play(300, () => 20, everyFourth).regime).toBe('paused');
  });

  it('goes back to outlines on every picture when analysis keeps up again', () => {
    const run = play(
      500,
      () => 20,
      (frame) => (frame < 200 ? everySecond(frame) : 50),
    );
    expect(run.regime).toBe('in-step');
    expect(new Set(run.painted.filter(({ frame }) => frame > 400).map(({ frame }) => frame)).size).toBe(99);
  });

  it('shows every picture when masks always come too late', () => {
    const run = play(
      200,
      () => 20,
      () => 150,
    );
    expect(run.regime).toBe('paused');
    expect(run.presenter.counts.withOverlay).toBe(0);
    expect(run.presenter.counts.lateOverlays).toBeGreaterThan(150);
    expect(run.painted.filter(({ frame }) => frame >= 150)).toHaveLength(50);
  });
});

describe('an overlay on screen', () => {
  it('goes when no newer picture comes', () => {
    const presenter = new Presenter<number, number>({ release: () => undefined });
    presenter.configure(settings);
    presenter.addPicture(time(0), 0, 0, 20);
    presenter.addOverlay(time(0), 0, true, 50);
    expect(presenter.next(60)).toMatchObject({ kind: 'paint', shown: { overlay: 0 } });
    expect(presenter.next(100)).toEqual({ kind: 'keep' });
    expect(presenter.next(300)).toMatchObject({ kind: 'repaint', shown: { overlay: null } });
    expect(presenter.next(310)).toEqual({ kind: 'keep' });
  });

  it('goes at once when switched off, and comes back with the next picture', () => {
    const presenter = new Presenter<number, number>({ release: () => undefined });
    presenter.configure(settings);
    presenter.addPicture(time(0), 0, 0, 20);
    presenter.addOverlay(time(0), 0, true, 30);
    presenter.next(40);
    presenter.configure({ ...settings, overlayOn: false });
    expect(presenter.next(50)).toMatchObject({ kind: 'repaint', shown: { overlay: null } });
    presenter.configure(settings);
    expect(presenter.next(60)).toMatchObject({ kind: 'repaint', shown: { overlay: 0 } });
  });

  it('joins its picture even when the mask came first', () => {
    const presenter = new Presenter<number, number>({ release: () => undefined });
    presenter.configure(settings);
    presenter.addOverlay(time(0), 7, true, 10);
    presenter.addPicture(time(0), 0, 0, 20);
    expect(presenter.next(30)).toMatchObject({ kind: 'paint', shown: { overlay: 7 } });
  });
});
