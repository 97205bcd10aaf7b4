/** What a model that looks closer is checked for: pictures that stand on their heads, and a second one of what it looks at. */
import { describe, expect, it } from 'vitest';
import { maskToBitmap } from '../mask/rle.js';
import { checkLimits, secondPart, turnOver } from './checks.js';
import { structuresOf, type SemanticModel } from './model.js';
import { Segmenter } from './segmenter.js';

const side = 96;
const classes = ['background', 'chamber', 'wall'].map((name) => ({ name, color: '#000000' }));
const scalar = (name: string) =>
  ({ name, as: 'probability', calibration: { temperature: 1, bias: 0 } }) as const;
const square = { width: side, height: side };
const model: SemanticModel = {
  ...{ inputSize: square, pictureSize: square, logitsSize: { width: 48, height: 48 }, fit: 'letterbox' },
  ...{ classes, structures: structuresOf(classes), activation: 'softmax', temporal: null },
  calibration: { temperature: 1, bias: 0 },
  scalars: [scalar('view'), scalar('quality')],
  verdict: { view: 'view', quality: 'quality', least: { view: 0.5, quality: 0.7, probability: 0.6 } },
  closer: { margin: 1.35, shift: 0.08, zoom: 1.15, classes: ['chamber', 'wall'] },
};

interface Heart {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}
const heart: Heart = { x: 40, y: 44, radius: 20 };

/** Hearts with a bright chamber above and a grey wall below, or all of it on its head. */
function picture(index: number, hearts: readonly Heart[], { down = false, discontinuity = 0 } = {}) {
  const data = new Uint8Array(side * side * 3).fill(10);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      for (const one of hearts) {
        const row = down ? side - 1 - y : y;
        if (Math.hypot(x + 0.5 - one.x, row + 0.5 - one.y) > one.radius) continue;
        data.fill(row + 0.5 < one.y ? 220 : 110, (y * side + x) * 3, (y * side + x) * 3 + 3);
      }
  return { ptsNs: index * 40e6, discontinuity, size: square, data };
}

/** A network that knows hearts upright; of others it takes one part for the other, and is nearly as sure. */
function answer(fed: Uint8Array) {
  const rows = [0, 0];
  const counts = [0, 0];
  const level = (x: number, y: number): number => fed[(2 * y * side + 2 * x) * 3] as number;
  const kind = (x: number, y: number): number => (level(x, y) > 160 ? 0 : level(x, y) > 60 ? 1 : 2);
  for (let y = 0; y < 48; y++)
    for (let x = 0; x < 48; x++) {
      const part = kind(x, y);
      if (part === 2) continue;
      rows[part] = (rows[part] ?? 0) + y;
      counts[part] = (counts[part] ?? 0) + 1;
    }
  const middle = (part: number): number => (rows[part] ?? 0) / (counts[part] ?? 1);
  const upright = middle(0) < middle(1);
  const logits = new Float32Array(3 * 48 * 48);
  for (let y = 0; y < 48; y++)
    for (let x = 0; x < 48; x++) {
      const part = kind(x, y);
      const label = part === 2 ? 0 : upright === (part === 0) ? 1 : 2;
      logits[label * 48 * 48 + y * 48 + x] = 8;
    }
  const found = (counts[0] ?? 0) + (counts[1] ?? 0) > 0;
  return {
    logits,
    view: Float32Array.of(found ? (upright ? 5 : 1) : -4),
    quality: Float32Array.of(upright ? 2.6 : 1.8),
  };
}

/** As the engine does it; `looks`: so often the network ran. */
function see(segmenter: Segmenter, frame: ReturnType<typeof picture>) {
  let looks = 0;
  let objects = [] as ReturnType<Segmenter['commit']>;
  do {
    objects = segmenter.commit(frame, answer(segmenter.picture(frame)));
    looks++;
  } while (segmenter.looksAgain && looks < 20);
  return { objects, looks };
}
const fresh = (): Segmenter => new Segmenter(model, { sourceSize: square, keepLogits: false });
const states = ({ objects }: ReturnType<typeof see>) => objects.map(({ state }) => state);
const bitmaps = ({ objects }: ReturnType<typeof see>) => objects.map(({ mask }) => maskToBitmap(mask));
const every = checkLimits.everyNs / 40e6;

describe('a picture on its head', () => {
  it('is outlined as the same picture upright, from the first one on', () => {
    const [up, down] = [fresh(), fresh()];
    for (let index = 0; index < 5; index++) {
      const right = see(up, picture(index, [heart]));
      const over = see(down, picture(index, [heart], { down: true }));
      expect(states(right)).toEqual(['tracking', 'tracking']);
      expect(states(over)).toEqual(['tracking', 'tracking']);
      const turned = bitmaps(right);
      for (const bitmap of turned) turnOver(bitmap, side, side);
      expect(bitmaps(over)).toEqual(turned);
    }
    expect([up, down].map((one) => one.snapshot().checks?.turned)).toEqual([false, true]);
  });

  it('that is turned while it runs is noticed at the next check, and so is one that is turned back', () => {
    const segmenter = fresh();
    let index = 0;
    for (const down of [false, true, false]) {
      const upright = bitmaps(see(fresh(), picture(0, [heart], { down })));
      const from = index;
      while (index < from + every + 2) see(segmenter, picture(index++, [heart], { down }));
      expect(bitmaps(see(segmenter, picture(index++, [heart], { down })))).toEqual(upright);
      expect(segmenter.snapshot().checks?.turned).toBe(down);
    }
  });

  it('costs two more looks at a time, and none between', () => {
    const segmenter = fresh();
    const looks = Array.from(
      { length: 2 * every + 1 },
      (_, index) => see(segmenter, picture(index, [heart])).looks,
    );
    expect(looks.filter((count) => count > 1)).toEqual([4, 3, 3]);
    // The first one begins with the whole picture.
    expect(looks[0]).toBe(4);
    expect(looks[every]).toBe(3);
  });

  it('is looked for where nothing is found either way, and nothing is made of nothing', () => {
    const segmenter = fresh();
    for (let index = 0; index < 20; index++) {
      const seen = see(segmenter, picture(index, []));
      expect([seen.looks, states(seen)]).toEqual([1, ['searching', 'searching']]);
    }
    const upright = see(fresh(), picture(0, [heart]));
    for (let index = 20; index < 30; index++)
      expect(bitmaps(see(segmenter, picture(index, [heart])))).toEqual(bitmaps(upright));
  });
});

describe('two of what it looks at', () => {
  const small: Heart = { x: 24, y: 44, radius: 15 };
  const beside: Heart = { x: 72, y: 44, radius: 14 };

  it('are said at once, and nothing of them is sure', () => {
    const segmenter = fresh();
    for (let index = 0; index < 4; index++) {
      expect(states(see(segmenter, picture(index, [small, beside])))).toEqual(['uncertain', 'uncertain']);
      expect(segmenter.several).toBe(true);
    }
    segmenter.reset();
    expect(segmenter.several).toBe(false);
  });

  it('are noticed when the second one comes later, and forgotten when it has gone; a speck is none', () => {
    const segmenter = fresh();
    let index = 0;
    const steps: [readonly Heart[], boolean][] = [
      [[small], false],
      [[small, beside], true],
      [[small], false],
      [[small, { ...beside, radius: 5 }], false],
    ];
    for (const [hearts, several] of steps) {
      const from = index;
      while (index < from + every + 2) see(segmenter, picture(index++, hearts));
      expect([hearts.length, segmenter.several]).toEqual([hearts.length, several]);
    }
  });

  it('goes on identically from what it has stored', () => {
    const [one, two] = [fresh(), fresh()];
    for (let index = 0; index < every + 1; index++)
      see(one, picture(index, index < 3 ? [small] : [small, beside], { down: true }));
    two.restore(one.snapshot());
    expect(two.snapshot()).toEqual(one.snapshot());
    for (let index = every + 1; index < every + 6; index++) {
      const frame = picture(index, [small, beside], { down: true });
      expect(see(two, frame)).toEqual(see(one, frame));
      expect(two.several).toBe(one.several);
    }
    expect(two.several).toBe(true);
  });
});

it('measures the second part of a class against the largest', () => {
  const size = { width: 6, height: 3 };
  const of = (text: string): number => {
    const logits = new Float32Array(2 * 18);
    [...text].forEach((one, place) => {
      logits[place] = 1;
      logits[18 + place] = one === '#' ? 2 : 0;
    });
    return secondPart(logits, size, 1);
  };
  expect(of('......' + '......' + '......')).toBe(0);
  expect(of('##....' + '##....' + '##....')).toBe(0);
  expect(of('##...#' + '##...#' + '##..##')).toBeCloseTo(4 / 6);
  // Not around the edge of the rows.
  expect(of('.....#' + '#.....' + '......')).toBe(1);
});
