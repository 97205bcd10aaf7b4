import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskArea, maskFromLogits, maskToBitmap } from '../mask/rle.js';
import { structuresOf, type SemanticModel } from './model.js';
import { Segmenter } from './segmenter.js';

const size = { width: 32, height: 32 };
const pixels = size.width * size.height;
const classes = ['background', 'chamber', 'wall'].map((name) => ({ name, color: '#000000' }));
const scalar = (name: string) =>
  ({ name, as: 'probability', calibration: { temperature: 1, bias: 0 } }) as const;
const model: SemanticModel = {
  inputSize: size,
  pictureSize: size,
  logitsSize: size,
  fit: 'stretch',
  classes,
  structures: structuresOf(classes),
  activation: 'softmax',
  calibration: { temperature: 2, bias: 0 },
  scalars: [scalar('view'), scalar('quality')],
  verdict: { view: 'view', quality: 'quality', least: { view: 0.5, quality: 0.7, probability: 0.6 } },
  temporal: null,
  closer: null,
};
const temporal = { halfLifeMs: 60, change: 3, drift: 0.75, cell: 4, gapMs: 250, scene: 0.12 };

const options = { sourceSize: { width: 320, height: 320 }, keepLogits: false };
const frame = (index: number, discontinuity = 0) => ({
  ptsNs: index * 40e6,
  discontinuity,
  size,
  data: new Uint8Array(pixels * 3).fill(90),
});

/** Outputs in which each pixel is of the class that `at` names, by `sure` (before the calibration). */
function outputs(at: (x: number, y: number) => number, { sure = 10, view = 4, quality = 4 } = {}) {
  const logits = new Float32Array(classes.length * pixels);
  for (let pixel = 0; pixel < pixels; pixel++)
    logits[at(pixel % size.width, Math.floor(pixel / size.width)) * pixels + pixel] = sure;
  return { logits, view: Float32Array.of(view), quality: Float32Array.of(quality) };
}

/** A chamber with a wall to its right, and a speck of chamber far away. */
const scene = (x: number, y: number): number => {
  if (y >= 10 && y < 20) return x >= 5 && x < 15 ? 1 : x >= 15 && x < 18 ? 2 : 0;
  return x >= 28 && y >= 29 ? 1 : 0;
};
const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

describe('Segmenter', () => {
  it('makes an object of each class that is no background: its largest part', () => {
    const [chamber, wall, ...more] = new Segmenter(model, options).commit(frame(0), outputs(scene));
    expect(more).toEqual([]);
    expect(chamber).toMatchObject({
      id: 1,
      label: 'chamber',
      state: 'tracking',
      areaPx: 100,
      box: [5, 10, 10, 10],
    });
    expect(wall).toMatchObject({ id: 2, label: 'wall', state: 'tracking', areaPx: 30, box: [15, 10, 3, 10] });
    expect(chamber && maskArea(chamber.mask)).toBe(100);
    expect(
      maskToBitmap(chamber?.mask ?? fail()).every(
        (on, pixel) => on === +(scene(pixel % 32, pixel >> 5) === 1 && pixel >> 5 < 25),
      ),
    ).toBe(true);
    const probability = 1 / (1 + 2 * Math.exp(-5));
    expect(chamber?.confidence).toBeCloseTo(probability * sigmoid(4), 6);
    expect(chamber?.score).toBeCloseTo(sigmoid(4), 6);
  });

  it('says so where it is not sure, and looks for what is not there', () => {
    const segmenter = new Segmenter(model, options);
    const states = (given: ReturnType<typeof outputs>) =>
      segmenter.commit(frame(0), given).map(({ state, areaPx }) => [state, areaPx]);
    expect(states(outputs(scene, { quality: 0.5 }))).toEqual([
      ['uncertain', 100],
      ['uncertain', 30],
    ]);
    expect(states(outputs(scene, { sure: 1 }))).toEqual([
      ['uncertain', 100],
      ['uncertain', 30],
    ]);
    expect(states(outputs((x, y) => scene(x, y) % 2))).toEqual([
      ['tracking', 100],
      ['searching', 0],
    ]);
    expect(states(outputs(scene, { view: -0.1 }))).toEqual([
      ['searching', 0],
      ['searching', 0],
    ]);
  });

  it('asks no scalar where model.json names none', () => {
    const verdict = { ...model.verdict, view: null, quality: null };
    const [chamber] = new Segmenter({ ...model, verdict }, options).commit(
      frame(0),
      outputs(scene, { view: -4, quality: -4 }),
    );
    expect(chamber).toMatchObject({ state: 'tracking', score: 1 });
  });

  it('keeps logits whose sign is the mask, for outlines at any size', () => {
    const segmenter = new Segmenter(model, { ...options, keepLogits: true });
    const found = segmenter.commit(frame(0), outputs(scene));
    for (const { logits, mask } of found) {
      expect(logits).toHaveLength(pixels);
      expect(maskFromLogits(logits ?? new Float32Array(), size.width, size.height)).toEqual(mask);
    }
    expect(new Segmenter(model, options).commit(frame(0), outputs(scene))[0]).not.toHaveProperty('logits');
  });

  it('gives a letterbox network the true shape, and its answer back in the stretched picture', () => {
    const segmenter = new Segmenter(
      { ...model, fit: 'letterbox' },
      { ...options, sourceSize: { width: 640, height: 320 } },
    );
    const fed = segmenter.picture(frame(0));
    const rows = Array.from({ length: 32 }, (_, y) => fed[(y * 32 + 16) * 3]);
    expect(rows).toEqual(Array.from({ length: 32 }, (_, y) => (y >= 8 && y < 24 ? 90 : 0)));
    // Half of the content's height is half of the picture's.
    const [chamber] = segmenter.commit(
      frame(0),
      outputs((x, y) => (x >= 8 && x < 16 && y >= 8 && y < 16 ? 1 : 0)),
    );
    expect(chamber?.box).toEqual([8, 0, 8, 16]);
    segmenter.setSourceSize({ width: 500, height: 500 });
    const next = frame(1);
    expect(segmenter.picture(next)).toBe(next.data);
    expect(segmenter.commit(frame(1), outputs(scene))[0]?.box).toEqual([5, 10, 10, 10]);
  });

  it('remembers what its filter does, goes on from it identically, and forgets it when asked', () => {
    const steady = { ...model, temporal };
    const unsure = (x: number, y: number, flip: boolean) =>
      outputs((column, row) => +(column === x && row === y && flip), { sure: 0.4 });
    const areas = (segmenter: Segmenter, index: number, flip: boolean) =>
      segmenter.commit(frame(index), unsure(9, 9, flip)).map(({ areaPx }) => areaPx);
    const one = new Segmenter(steady, options);
    expect(areas(one, 0, true)).toEqual([1, 0]);
    expect(areas(one, 1, true)).toEqual([1, 0]);
    const stored = one.snapshot();
    const two = new Segmenter(steady, { ...options, sourceSize: { width: 1, height: 1 } });
    two.restore(stored);
    expect(two.snapshot()).toEqual(stored);
    expect(two.commit(frame(2), unsure(9, 9, false))).toEqual(one.commit(frame(2), unsure(9, 9, false)));
    expect(two.snapshot()).toEqual(one.snapshot());
    expect(one.snapshot(false).temporal).toBeNull();
    // Nothing of a view that was lost comes back.
    two.commit(frame(3), outputs(scene, { view: -3 }));
    expect(two.snapshot().temporal).toBeNull();
    one.reset();
    expect(one.snapshot().temporal).toBeNull();
  });
});

describe('a closer look', () => {
  const closer = { margin: 1.35, shift: 0.08, zoom: 1.15, classes: ['chamber', 'wall'] };
  const near: SemanticModel = {
    ...model,
    inputSize: { width: 80, height: 80 },
    pictureSize: { width: 128, height: 128 },
    logitsSize: { width: 40, height: 40 },
    fit: 'letterbox',
    temporal,
    closer,
  };
  const source = { width: 640, height: 480 };
  const options = { sourceSize: source, keepLogits: false };
  /** Source pixels. */
  interface Disc {
    readonly x: number;
    readonly y: number;
    readonly radius: number;
  }
  /** A disc in red and what is left of its middle in green, as the stretched picture shows them, with soft edges. */
  function shown({ x, y, radius }: Disc, index: number, size = source, { discontinuity = 0 } = {}) {
    const { width, height } = near.pictureSize;
    const data = new Uint8Array(width * height * 3);
    const [acrossPx, downPx] = [size.width / width, size.height / height];
    for (let pixel = 0; pixel < width * height; pixel++) {
      const [offX, offY] = [
        ((pixel % width) + 0.5) * acrossPx - x,
        (Math.floor(pixel / width) + 0.5) * downPx - y,
      ];
      const inside = Math.min(
        1,
        Math.max(0, (radius - Math.hypot(offX, offY)) / Math.max(acrossPx, downPx) + 0.5),
      );
      const left = Math.min(1, Math.max(0, 0.5 - offX / acrossPx));
      data.set([20 + 160 * inside, 20 + 160 * left], pixel * 3);
    }
    return { ptsNs: index * 40e6, discontinuity, size: near.pictureSize, data };
  }
  /** A network that sees wall in the left half of the disc and chamber in the right one, at half the size of what it is fed. */
  function answer(fed: Uint8Array, view = 4) {
    const { width, height } = near.logitsSize;
    const logits = new Float32Array(3 * width * height);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        let [red, green] = [0, 0];
        for (const at of [0, 1, 80, 81]) {
          const pixel = (2 * y * 80 + 2 * x + at) * 3;
          red += fed[pixel] as number;
          green += fed[pixel + 1] as number;
        }
        const pixel = y * width + x;
        const [disc, left] = [(red - 400) / 32, (green - 400) / 32];
        logits[width * height + pixel] = disc + Math.min(0, -left);
        logits[2 * width * height + pixel] = disc + Math.min(0, left);
      }
    return { logits, view: Float32Array.of(view), quality: Float32Array.of(4) };
  }
  const step = (segmenter: Segmenter, frame: ReturnType<typeof shown>, view = 4) => {
    const fed = segmenter.picture(frame).slice();
    return { fed, objects: segmenter.commit(frame, answer(fed, view)) };
  };

  it('feeds the network what it has found, larger, and moves with it', () => {
    const segmenter = new Segmenter(near, options);
    const bright = (fed: Uint8Array) => fed.filter((value, at) => at % 3 === 0 && value > 100).length;
    const disc = { x: 300, y: 250, radius: 90 };
    const first = step(segmenter, shown(disc, 0));
    expect(first.objects.map(({ state }) => state)).toEqual(['tracking', 'tracking']);
    const second = step(segmenter, shown(disc, 1));
    // From 80 pixels for 640 to 80 for 1.35 times 180.
    const zoom = 640 / (1.35 * 180);
    expect(Math.abs(bright(second.fed) / bright(first.fed) / zoom ** 2 - 1)).toBeLessThan(0.15);
    expect(step(segmenter, shown(disc, 2)).fed).toEqual(second.fed);
    const far = { ...disc, x: 380 };
    // What was cut off by the look's border is seen whole only then.
    for (const index of [3, 4]) step(segmenter, shown(far, index));
    const { fed } = step(segmenter, shown(far, 5));
    const columns = Array.from({ length: 80 }, (_, x) => fed[(40 * 80 + x) * 3] as number);
    const edges = [columns.findIndex((value) => value > 100), columns.findLastIndex((value) => value > 100)];
    const middle = edges.reduce((sum, edge) => sum + edge + 0.5, 0) / 2;
    expect(Math.abs(middle - 40)).toBeLessThanOrEqual(0.08 * 80 + 0.5);
  });

  it('draws the disc where it is, from any look, within half a pixel of the picture', () => {
    const discs = fc.record({
      width: fc.integer({ min: 400, max: 800 }),
      height: fc.integer({ min: 400, max: 800 }),
      x: fc.double({ min: 0.05, max: 0.95, noNaN: true }),
      y: fc.double({ min: 0.05, max: 0.95, noNaN: true }),
      radius: fc.double({ min: 0.2, max: 0.45, noNaN: true }),
      mirrored: fc.boolean(),
    });
    fc.assert(
      fc.property(discs, ({ width, height, mirrored, ...given }) => {
        const size = { width, height };
        const segmenter = new Segmenter({ ...near, temporal: null }, { ...options, sourceSize: size });
        const x = given.x * width;
        const disc = {
          x: mirrored ? width - x : x,
          y: given.y * height,
          radius: given.radius * Math.min(width, height),
        };
        let objects = step(segmenter, shown(disc, 0, size)).objects;
        for (let index = 1; index < 4; index++) objects = step(segmenter, shown(disc, index, size)).objects;
        fc.pre(objects.every(({ state }) => state === 'tracking'));
        const [across, down] = [128 / width, 128 / height];
        const clamp = (value: number) => Math.min(128, Math.max(0, value));
        const [chamber, wall] = objects.map(({ box }) => box);
        if (chamber === undefined || wall === undefined) return fail();
        // The left half is the wall.
        const edges = [
          [wall[0], (disc.x - disc.radius) * across],
          [chamber[0] + chamber[2], (disc.x + disc.radius) * across],
          [Math.min(chamber[1], wall[1]), (disc.y - disc.radius) * down],
          [Math.max(chamber[1] + chamber[3], wall[1] + wall[3]), (disc.y + disc.radius) * down],
        ] as const;
        // A mask has whole pixels: half of one on either side of the outline.
        for (const [found, truth] of edges)
          expect(Math.abs(found - clamp(truth))).toBeLessThanOrEqual(1 + 1e-9);
        const area = objects.reduce((sum, { areaPx }) => sum + areaPx, 0);
        let truth = 0;
        for (let pixel = 0; pixel < 128 * 128; pixel++) {
          const offX = ((pixel % 128) + 0.5) / across - disc.x;
          const offY = (Math.floor(pixel / 128) + 0.5) / down - disc.y;
          if (Math.hypot(offX, offY) < disc.radius) truth += 1;
        }
        // On average over the outline.
        const length = 2 * Math.PI * disc.radius * Math.max(across, down);
        expect(Math.abs(area - truth)).toBeLessThan(0.5 * length);
        return undefined;
      }),
      { numRuns: 40 },
    );
  });

  it.each<[string, (segmenter: Segmenter, disc: Disc) => { fed: Uint8Array }]>([
    [
      'the view was lost',
      (segmenter, disc) => (step(segmenter, shown(disc, 3), -4), step(segmenter, shown(disc, 4))),
    ],
    [
      'something was not found',
      (segmenter, disc) => (
        step(segmenter, shown({ ...disc, radius: 1 }, 3)),
        step(segmenter, shown(disc, 4))
      ),
    ],
    ['a discontinuity', (segmenter, disc) => step(segmenter, shown(disc, 3, source, { discontinuity: 1 }))],
    ['a reset', (segmenter, disc) => (segmenter.reset(), step(segmenter, shown(disc, 3)))],
    [
      'another source',
      (segmenter, disc) => (
        segmenter.setSourceSize({ width: 64, height: 48 }),
        segmenter.setSourceSize(source),
        step(segmenter, shown(disc, 3))
      ),
    ],
  ])('is at the whole picture again after %s', (_, then) => {
    const segmenter = new Segmenter(near, options);
    const disc = { x: 300, y: 250, radius: 90 };
    const { fed } = step(segmenter, shown(disc, 0));
    for (const index of [1, 2]) expect(step(segmenter, shown(disc, index)).fed).not.toEqual(fed);
    expect(segmenter.snapshot().closer).not.toBeNull();
    expect(then(segmenter, disc).fed).toEqual(fed);
  });

  it('goes on identically from what it has stored, wherever the other one looked', () => {
    const one = new Segmenter(near, options);
    const two = new Segmenter(near, { ...options, sourceSize: { width: 1, height: 1 } });
    for (const segmenter of [one, two])
      for (let index = 0; index < 3; index++)
        step(segmenter, shown({ x: segmenter === one ? 300 : 200, y: 240, radius: 80 }, index));
    two.restore(one.snapshot());
    expect(two.snapshot()).toEqual(one.snapshot());
    for (let index = 3; index < 9; index++) {
      const frame = shown({ x: 300 + 20 * index, y: 240, radius: 80 }, index);
      expect(step(two, frame)).toEqual(step(one, frame));
    }
    expect(one.snapshot(false)).toMatchObject({ closer: null, temporal: null });
  });

  it('sees a source of one pixel', () => {
    const segmenter = new Segmenter(near, { ...options, sourceSize: { width: 1, height: 1 } });
    const frame = { ...shown({ x: 0, y: 0, radius: 0 }, 0), data: new Uint8Array(128 * 128 * 3).fill(150) };
    for (const ptsNs of [0, 40e6]) {
      const { objects } = step(segmenter, { ...frame, ptsNs });
      expect(objects.map(({ areaPx }) => areaPx)).toEqual([0, 128 * 128]);
    }
  });

  it('keeps logits whose sign is the mask, also beside what the network saw', () => {
    const segmenter = new Segmenter(near, { ...options, keepLogits: true });
    const disc = { x: 300, y: 250, radius: 90 };
    step(segmenter, shown(disc, 0));
    for (const { logits, mask } of step(segmenter, shown(disc, 1)).objects)
      expect(maskFromLogits(logits ?? new Float32Array(), 128, 128)).toEqual(mask);
  });
});

function fail(): never {
  throw new Error('there is no object');
}
