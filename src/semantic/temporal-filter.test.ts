import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../vocabulary/random.js';
import { brightnessLength, TemporalFilter } from './temporal-filter.js';
import type { TemporalSettings } from './model.js';

const size = { width: 40, height: 40 };
const pictureSize = { width: 80, height: 80 };
const model = {
  logitsSize: size,
  pictureSize,
  activation: 'softmax' as const,
  classes: ['background', 'chamber'].map((name) => ({ name, color: '#000000' })),
};
const settings: TemporalSettings = {
  halfLifeMs: 60,
  change: 3,
  drift: 0.75,
  cell: 4,
  gapMs: 250,
  scene: 0.12,
};
const pixels = size.width * size.height;

const whole = { left: 0, top: 0, width: 400, height: 400 };

/** The `index`-th picture at 25 per second, of one grey level. */
const seen = (index: number, grey = 100, discontinuity = 0) => ({
  ptsNs: index * 40e6,
  discontinuity,
  look: whole,
  size: pictureSize,
  data: new Uint8Array(pictureSize.width * pictureSize.height * 3).fill(grey),
});

/** Logits of two classes from how much the second leads at each pixel. */
function fromLead(lead: (x: number, y: number) => number): Float32Array {
  const logits = new Float32Array(2 * pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const ahead = lead(pixel % size.width, Math.floor(pixel / size.width));
    logits[pixel] = -ahead / 2;
    logits[pixels + pixel] = ahead / 2;
  }
  return logits;
}

const leads = (logits: Float32Array): Float32Array =>
  Float32Array.from(
    { length: pixels },
    (_, pixel) => (logits[pixels + pixel] as number) - (logits[pixel] as number),
  );

/** Where the lead turns positive, averaged over the rows, in pixels. */
function meanCrossing(lead: Float32Array): number {
  let sum = 0;
  for (let row = 0; row < pixels; row += size.width) {
    const line = lead.subarray(row, row + size.width);
    const x = line.findIndex((value) => value > 0);
    const [before, here] = [line[x - 1] as number, line[x] as number];
    sum += x - here / (here - before);
  }
  return sum / size.height;
}

/** Gaussian noise that neighbours share, as that of a network does. */
function wobble(random: () => number, strength: number): (x: number, y: number) => number {
  const coarse = Float32Array.from(
    { length: 21 * 21 },
    () => strength * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
  return (x, y) => coarse[(y >> 1) * 21 + (x >> 1)] as number;
}

describe('TemporalFilter', () => {
  it('keeps every pixel between what was and what is', () => {
    const plane = fc.array(fc.float({ noNaN: true, min: -8, max: 8 }), {
      minLength: 2 * pixels,
      maxLength: 2 * pixels,
    });
    fc.assert(
      fc.property(plane, plane, fc.integer({ min: 1, max: 6 }), (one, two, gap) => {
        const filter = new TemporalFilter({ ...model, activation: 'sigmoid' }, settings);
        const before = Float32Array.from(one);
        const given = Float32Array.from(two);
        filter.blend(before, seen(0));
        expect(before).toEqual(Float32Array.from(one));
        const blended = given.slice();
        filter.blend(blended, seen(gap));
        for (let index = 0; index < blended.length; index++) {
          const [low, high] = [before[index] as number, given[index] as number].sort((a, b) => a - b);
          expect(blended[index]).toBeGreaterThanOrEqual((low as number) - 1e-5);
          expect(blended[index]).toBeLessThanOrEqual((high as number) + 1e-5);
          // What has changed by much is taken as it is.
          if ((high as number) - (low as number) >= settings.change)
            expect(blended[index]).toBe(given[index]);
        }
      }),
      { numRuns: 8 },
    );
  });

  it('a picture that stays the same stays the same, whatever is added to all classes', () => {
    const filter = new TemporalFilter(model, settings);
    const still = fromLead((x) => x - 20);
    for (let index = 0; index < 5; index++) {
      const logits = still.map((value) => value + 3 * index);
      filter.blend(logits, seen(index));
      leads(logits).forEach((lead, pixel) => expect(lead).toBeCloseTo((pixel % size.width) - 20, 4));
    }
  });

  it('an edge that stands still flickers less', () => {
    const random = seededRandom(3);
    const filter = new TemporalFilter(model, settings);
    const flips = { raw: 0, blended: 0 };
    let before: { raw: Float32Array; blended: Float32Array } | null = null;
    for (let index = 0; index < 60; index++) {
      const noise = wobble(random, 0.8);
      const logits = fromLead((x, y) => Math.max(-6, Math.min(6, (x - 19.5) * 1.2)) + noise(x, y));
      const raw = leads(logits);
      filter.blend(logits, seen(index));
      const now = { raw, blended: leads(logits) };
      for (const side of ['raw', 'blended'] as const)
        before?.[side].forEach((lead, pixel) => {
          if (lead > 0 !== (now[side][pixel] as number) > 0) flips[side] += 1;
        });
      before = now;
    }
    expect(flips.raw).toBeGreaterThan(1000);
    expect(flips.blended).toBeLessThan(0.7 * flips.raw);
  });

  it('an edge that moves is not left behind: two input pixels per picture, there and back', () => {
    const filter = new TemporalFilter(model, settings);
    const random = seededRandom(5);
    const lags: number[] = [];
    for (let index = 0; index < 40; index++) {
      // One pixel of the logits is two of the input.
      const edge = 8.3 + Math.abs(((index + 20) % 40) - 20);
      const wobbles = wobble(random, 0.3);
      const logits = fromLead((x, y) => Math.max(-6, Math.min(6, (x - edge) * 1.2)) + wobbles(x, y));
      const truth = meanCrossing(leads(logits));
      filter.blend(logits, seen(index));
      lags.push(2 * Math.abs(meanCrossing(leads(logits)) - truth));
    }
    expect(lags.reduce((sum, lag) => sum + lag, 0) / lags.length).toBeLessThan(0.25);
    expect(Math.max(...lags)).toBeLessThan(0.5);
  });

  it.each([
    ['a discontinuity', seen(4, 100, 1)],
    ['a pause', seen(12)],
    ['time that goes back', seen(2)],
    ['a wholly different picture', seen(4, 180)],
  ])('begins anew after %s', (_, next) => {
    const filter = new TemporalFilter(model, settings);
    filter.blend(
      fromLead((x) => x - 20),
      seen(3),
    );
    const logits = fromLead((x) => x - 20.4);
    const given = logits.slice();
    filter.blend(logits, next);
    expect(logits).toEqual(given);
  });

  it('begins anew after a reset; else the small change is damped', () => {
    const small = () => fromLead((x) => x - 20.4);
    for (const reset of [true, false]) {
      const filter = new TemporalFilter(model, settings);
      filter.blend(
        fromLead((x) => x - 20),
        seen(3),
      );
      if (reset) filter.reset();
      const logits = small();
      filter.blend(logits, seen(4));
      const rest = 1 - 2 ** (-40 / 60);
      expect(leads(logits)[20]).toBeCloseTo(-0.4 * (reset ? 1 : rest + (1 - rest) * (0.4 / 0.75) ** 2), 4);
    }
  });

  it('takes what it remembers along to where the network looks next, and believes what is new there', () => {
    const near = { left: 100, top: 100, width: 200, height: 200 };
    /** An edge at `x` (source pixels), seen from a look, a little further right on the second picture. */
    const edge = (look: typeof whole, x: number) =>
      fromLead((column) => (look.left + ((column + 0.5) * look.width) / 40 - x) / 40);
    for (const [before, after] of [
      [whole, near],
      [near, whole],
    ] as const) {
      const filter = new TemporalFilter(model, settings);
      filter.blend(edge(before, 200), { ...seen(0), look: before });
      const logits = edge(after, 206);
      const given = leads(logits);
      filter.blend(logits, { ...seen(1), look: after });
      const rest = 1 - 2 ** (-40 / 60);
      const damped = 0.15 * (rest + (1 - rest) * (0.15 / 0.75) ** 2);
      const blended = leads(logits);
      for (let pixel = 0; pixel < pixels; pixel++) {
        const x = after.left + (((pixel % 40) + 0.5) * after.width) / 40;
        const y = after.top + ((Math.floor(pixel / 40) + 0.5) * after.height) / 40;
        const known = [x, y].every((place) => place > 100 && place < 300);
        // Well inside of both looks it is damped as on a look that stays; beside what was seen it is taken as it is.
        if (!known) expect(blended[pixel]).toBe(given[pixel]);
        else if (x > 115 && x < 285)
          expect(Math.abs((blended[pixel] as number) - ((x - 200) / 40 - damped))).toBeLessThan(0.02);
      }
    }
  });

  it('goes on identically from what it has stored', () => {
    const random = seededRandom(7);
    const noisy = () => {
      const noise = wobble(random, 1);
      return fromLead((x, y) => x - 20 + noise(x, y));
    };
    const filter = new TemporalFilter(model, settings);
    filter.blend(noisy(), seen(0));
    filter.blend(noisy(), seen(1));
    const state = filter.snapshot();
    expect(state?.brightness).toHaveLength(brightnessLength(pictureSize));
    const other = new TemporalFilter(model, settings);
    other.restore(state);
    const one = noisy();
    const same = one.slice();
    filter.blend(one, seen(2));
    other.blend(same, seen(2));
    expect(same).toEqual(one);
    other.restore(null);
    const alone = noisy();
    const centred = alone.slice();
    other.blend(alone, seen(3));
    expect(alone).toEqual(centred);
  });
});
