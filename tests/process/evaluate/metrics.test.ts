/** Every metric against an independent reference in Python (tests/python/check_metrics.py), on random and edge-case masks. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  bitmapFromBytes,
  bitmapFromMask,
  withoutVoid,
  type Bitmap,
} from '../../../src/evaluate/metrics/bitmap.js';
import { abstentionCurve, Calibration } from '../../../src/evaluate/metrics/calibration.js';
import { contourScores } from '../../../src/evaluate/metrics/contour.js';
import { nextClick, squaredDistanceInside } from '../../../src/evaluate/metrics/distance.js';
import { greyFromRgb, opticalFlow, opticalFlowWithin } from '../../../src/evaluate/metrics/flow.js';
import { ClassOverlap, dice, jaccard, overlap } from '../../../src/evaluate/metrics/overlap.js';
import { bootstrapMean, sequenceStatistics } from '../../../src/evaluate/metrics/statistics.js';
import { seededRandom } from '../../../src/vocabulary/random.js';
import { flicker, timingScores } from '../../../src/evaluate/metrics/temporal.js';
import { maskFromBitmap } from '../../../src/mask/rle.js';
import { runPython } from '../../python-env.js';

const random = seededRandom(7);
const whole = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
const base64 = (data: Uint8Array): string => Buffer.from(data).toString('base64');

type Draw = (x: number, y: number) => boolean;
const paint = (width: number, height: number, draw: Draw): Uint8Array =>
  Uint8Array.from({ length: width * height }, (_, index) =>
    draw(index % width, Math.floor(index / width)) ? 1 : 0,
  );

/** Some ellipses, partly outside, partly cut out again, plus a little noise. */
function blobs(width: number, height: number): Draw {
  const parts = Array.from({ length: whole(1, 4) }, (_, index) => ({
    x: whole(-3, width + 3),
    y: whole(-3, height + 3),
    a: whole(1, Math.max(2, width >> 2)),
    b: whole(1, Math.max(2, height >> 2)),
    on: index === 0 || random() < 0.8,
  }));
  const noise = random() < 0.3 ? 0.02 : 0;
  return (x, y) => {
    let value = false;
    for (const part of parts)
      if (((x - part.x) / part.a) ** 2 + ((y - part.y) / part.b) ** 2 <= 1) value = part.on;
    return random() < noise ? !value : value;
  };
}

interface Pair {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly prediction: Uint8Array;
  readonly truth: Uint8Array;
  readonly void: Uint8Array | null;
  /** row, column */
  readonly spacing: readonly [number, number];
}

const nothing: Draw = () => false;
const everything: Draw = () => true;
const tolerances = [1, 2, 3.7];

function edgeCases(): Pair[] {
  const [width, height] = [40, 31];
  const box =
    (left: number, top: number, right: number, bottom: number): Draw =>
    (x, y) =>
      x >= left && x < right && y >= top && y < bottom;
  const at =
    (px: number, py: number): Draw =>
    (x, y) =>
      x === px && y === py;
  const shapes: readonly (readonly [string, Draw, Draw])[] = [
    ['empty against empty', nothing, nothing],
    ['prediction empty', nothing, box(5, 5, 20, 20)],
    ['truth empty', box(5, 5, 20, 20), nothing],
    ['one pixel each', at(10, 10), at(13, 14)],
    ['the same pixel', at(10, 10), at(10, 10)],
    ['pixels in opposite corners', at(0, 0), at(39, 30)],
    ['pixel in the last corner', at(39, 30), box(30, 20, 40, 31)],
    ['touching all borders', box(0, 0, 40, 12), box(0, 5, 40, 31)],
    ['touching left and top', box(0, 0, 9, 9), box(0, 0, 11, 12)],
    ['touching right and bottom', box(30, 20, 40, 31), box(28, 18, 40, 31)],
    ['whole picture against whole picture', everything, everything],
    ['whole picture against a box', everything, box(3, 3, 20, 20)],
    ['whole picture against nothing', everything, nothing],
    ['rows', (_, y) => y % 2 === 0, (_, y) => y % 3 === 0],
    ['checkerboard', (x, y) => (x + y) % 2 === 0, (x, y) => (x + y) % 2 === 1],
    [
      'ring against disk',
      (x, y) => Math.abs(Math.hypot(x - 20, y - 15) - 9) < 2,
      (x, y) => Math.hypot(x - 20, y - 15) < 9,
    ],
    ['one column', box(0, 0, 1, 31), box(39, 0, 40, 31)],
  ];
  return shapes.flatMap(([name, prediction, truth]) =>
    (
      [
        [1, 1],
        [0.7, 1.9],
      ] as const
    ).map((spacing) => ({
      name,
      width,
      height,
      prediction: paint(width, height, prediction),
      truth: paint(width, height, truth),
      void: name.startsWith('ring') ? paint(width, height, box(15, 0, 26, 14)) : null,
      spacing,
    })),
  );
}

function randomPairs(count: number): Pair[] {
  return Array.from({ length: count }, (_, index) => {
    const [width, height] = [whole(1, 90), whole(1, 70)];
    const prediction = paint(width, height, blobs(width, height));
    // Half of the cases resemble each other, as a prediction and its truth do.
    const truth =
      random() < 0.5
        ? paint(width, height, blobs(width, height))
        : prediction.map((value) => (random() < 0.05 ? 1 - value : value));
    return {
      name: `random ${index}`,
      width,
      height,
      prediction,
      truth,
      void: random() < 0.3 ? paint(width, height, blobs(width, height)) : null,
      spacing:
        random() < 0.5 ? [1, 1] : random() < 0.5 ? [0.31, 0.31] : [0.2 + random() * 3, 0.2 + random() * 3],
    };
  });
}

/** Large pictures: the boundary tolerance exceeds one pixel, summation runs through all branches of numpy's. */
function largePairs(): Pair[] {
  return [
    [1280, 720, 1],
    [854, 480, 0.5],
  ].map(([width, height, spacing], index) => ({
    name: `large ${index}`,
    width: width as number,
    height: height as number,
    prediction: paint(
      width as number,
      height as number,
      (x, y) => Math.hypot(x - 500, (y - 300) * 1.3) < 190 + 12 * Math.sin(x / 9),
    ),
    truth: paint(width as number, height as number, (x, y) => Math.hypot(x - 509, (y - 296) * 1.2) < 185),
    void: null,
    spacing: [spacing as number, spacing as number],
  }));
}

const pairs = [...edgeCases(), ...randomPairs(150), ...largePairs()];
const sequences = [1, 2, 3, 4, 5, 7, 16, 49, 90, 300].map((count) =>
  Array.from({ length: count }, () => random()),
);
const calibrations = [
  { scores: Array.from({ length: 400 }, () => random()), bins: 50, events: true },
  {
    scores: [0, 1, 0.5, 0.1, 0.2, 0.3, 0.30000000000000004, 0.6, 0.7, 0.02, 0.04, 0.06],
    bins: 10,
    events: true,
  },
  { scores: Array.from({ length: 200 }, () => Math.round(random() * 50) / 50), bins: 50, events: false },
].map(({ scores, bins, events }) => ({
  scores,
  bins,
  observed: scores.map((score) => (events ? (random() < score ? 1 : 0) : random())),
}));
const coverages = Array.from({ length: 20 }, (_, index) => (index + 1) / 20);
const abstentions = [1, 7, 20, 133].map((count) => ({
  scores: Array.from({ length: count }, () => Math.round(random() * 20) / 20),
  accuracies: Array.from({ length: count }, () => random()),
  coverages,
}));
const bootstraps = [
  { values: [0.1, 0.9], seed: 1, block: 1, resamples: 300 },
  { values: Array.from({ length: 33 }, () => random()), seed: 4294967295, block: 1, resamples: 300 },
  { values: Array.from({ length: 50 }, () => random()), seed: 12345, block: 10, resamples: 300 },
];
const clips = Array.from({ length: 3 }, () => {
  const [width, height, frames] = [23, 17, 9];
  const labels = (): Uint8Array =>
    Uint8Array.from({ length: width * height }, () => (random() < 0.5 ? 0 : whole(0, 5)));
  const truth = Array.from({ length: frames }, labels);
  const prediction = Array.from({ length: frames }, labels);
  truth[2] = new Uint8Array(width * height);
  truth[3] = new Uint8Array(width * height);
  prediction[3] = new Uint8Array(width * height);
  prediction[4] = new Uint8Array(width * height);
  return { width, height, truth, prediction, classes: [1, 2, 3, 4, 5, 6] };
});
const distances = [nothing, everything, blobs(33, 27), blobs(33, 27), blobs(33, 27)].map((draw) => ({
  width: 33,
  height: 27,
  mask: paint(33, 27, draw),
}));
const flickers = Array.from({ length: 12 }, (_, index) => {
  const [width, height] = [31, 22];
  return {
    width,
    height,
    previous: paint(width, height, index === 0 ? nothing : blobs(width, height)),
    current: paint(width, height, index === 1 ? nothing : blobs(width, height)),
    dx: Array.from({ length: width * height }, () => Math.fround(random() * 6 - 3)),
    dy: Array.from({ length: width * height }, () => Math.fround(random() * 6 - 3)),
  };
});

interface PairReference {
  readonly j: number;
  readonly f: number;
  readonly dice: number;
  readonly cocoIou: number;
  readonly hd95: number | 'inf';
  readonly assd: number | 'inf';
  readonly nsd: readonly number[];
}
interface References {
  readonly pairs: readonly PairReference[];
  readonly sequences: readonly (readonly number[])[];
  readonly calibration: readonly {
    readonly ece: number;
    readonly counts: readonly number[];
    readonly observed?: readonly number[];
    readonly predicted?: readonly number[];
  }[];
  readonly abstention: readonly (readonly number[])[];
  readonly bootstrap: readonly (readonly [number, number])[];
  readonly classes: readonly (readonly [number, number, number])[];
  readonly distance: readonly (readonly number[])[];
  readonly flicker: readonly (number | null)[];
}

let references: References;
beforeAll(async () => {
  references = (await runPython('check_metrics.py', {
    pairs: pairs.map((pair) => ({
      ...pair,
      prediction: base64(pair.prediction),
      truth: base64(pair.truth),
      void: pair.void && base64(pair.void),
      tolerances,
    })),
    sequences,
    calibration: calibrations,
    abstention: abstentions,
    bootstrap: bootstraps,
    classes: clips.map((clip) => ({
      ...clip,
      truth: clip.truth.map(base64),
      prediction: clip.prediction.map(base64),
    })),
    distance: distances.map((entry) => ({ ...entry, mask: base64(entry.mask) })),
    flicker: flickers.map((entry) => ({
      ...entry,
      previous: base64(entry.previous),
      current: base64(entry.current),
    })),
  })) as References;
}, 180_000);

/** Within 1e-6, infinities equal. */
function close(actual: number | null, expected: number | 'inf' | null, what: string): void {
  if (expected === null || actual === null) expect(actual, what).toBe(expected);
  else if (expected === 'inf') expect(actual, what).toBe(Infinity);
  else if (Math.abs(actual - expected) > 1e-6) expect(actual, what).toBe(expected);
}

const bitmap = (
  data: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): Bitmap => bitmapFromBytes(data.slice(), width, height);

describe('overlap and contours', () => {
  it('agree with davis2017-evaluation, pycocotools and surface-distance', () => {
    expect(references.pairs).toHaveLength(pairs.length);
    pairs.forEach((pair, index) => {
      const reference = references.pairs[index] as PairReference;
      const voids = pair.void === null ? null : bitmap(pair.void, pair);
      const prediction = withoutVoid(bitmap(pair.prediction, pair), voids);
      const truth = withoutVoid(bitmap(pair.truth, pair), voids);
      const areas = overlap(prediction, truth);
      close(jaccard(areas), reference.j, `${pair.name}: J`);
      close(jaccard(areas), reference.cocoIou, `${pair.name}: IoU of pycocotools`);
      close(dice(areas), reference.dice, `${pair.name}: Dice`);
      const [y, x] = pair.spacing;
      const contour = contourScores(prediction, truth, { x, y }, tolerances);
      close(contour.f, reference.f, `${pair.name}: F`);
      close(contour.hd95, reference.hd95, `${pair.name}: HD95`);
      close(contour.assd, reference.assd, `${pair.name}: ASSD`);
      contour.nsd.forEach((value, at) => close(value, reference.nsd[at] as number, `${pair.name}: NSD`));
    });
  });

  it('are the same from run lengths as from bytes', () => {
    for (const pair of pairs) {
      const { data, ...fields } = bitmapFromMask(maskFromBitmap(pair.truth, pair.width, pair.height));
      const { data: expected, ...expectedFields } = bitmap(pair.truth, pair);
      expect(fields, pair.name).toEqual(expectedFields);
      expect(Buffer.compare(data, expected), pair.name).toBe(0);
    }
  });

  it('class scores agree with ISINet', () => {
    clips.forEach((clip, index) => {
      const scores = new ClassOverlap(clip.classes.length);
      clip.truth.forEach((truth, frame) =>
        scores.add(
          clip.classes.map((label) => {
            const only = (data: Uint8Array): Bitmap =>
              bitmap(
                data.map((value) => (value === label ? 1 : 0)),
                clip,
              );
            return overlap(only(clip.prediction[frame] as Uint8Array), only(truth));
          }),
        ),
      );
      const { challengeIoU, isiIoU, mcIoU, perClass } = scores.scores();
      const [challenge, isi, mc] = references.classes[index] as readonly [number, number, number];
      close(challengeIoU, challenge, 'Challenge IoU');
      close(isiIoU, isi, 'ISI IoU');
      close(mcIoU, mc, 'mc IoU');
      expect(perClass[5]).toBeNull();
    });
  });
});

describe('statistics', () => {
  it('mean, recall and decay agree with DAVIS, also beyond 256 frames', () => {
    sequences.forEach((values, index) => {
      const own = sequenceStatistics(values);
      const [mean, recall, decay] = references.sequences[index] as readonly [number, number, number];
      close(own?.mean ?? null, mean, 'mean');
      close(own?.recall ?? null, recall, 'recall');
      close(own?.decay ?? null, decay, 'decay');
    });
    expect(sequenceStatistics([])).toBeNull();
  });

  it('bootstrap intervals agree with the same draws in numpy', () => {
    bootstraps.forEach(({ values, ...options }, index) => {
      const own = bootstrapMean(values, options);
      close(own?.low ?? null, references.bootstrap[index]?.[0] as number, 'low');
      close(own?.high ?? null, references.bootstrap[index]?.[1] as number, 'high');
    });
    expect(bootstrapMean([0.5])).toBeNull();
  });
});

describe('calibration', () => {
  it('error, counts and curve agree with scikit-learn', () => {
    calibrations.forEach(({ scores, observed, bins }, index) => {
      const own = new Calibration(bins);
      scores.forEach((score, at) => own.add(score, observed[at] as number));
      const reference = references.calibration[index];
      close(own.error(), reference?.ece as number, 'ECE');
      const curve = own.curve();
      expect(curve.map(({ count }) => count)).toEqual(reference?.counts);
      const filled = curve.filter(({ count }) => count > 0);
      reference?.observed?.forEach((value, at) => close(filled[at]?.observed ?? null, value, 'observed'));
      reference?.predicted?.forEach((value, at) => close(filled[at]?.score ?? null, value, 'score'));
    });
    expect(new Calibration(10).error()).toBeNull();
  });

  it('abstention curve agrees with a plain sort', () => {
    abstentions.forEach(({ scores, accuracies }, index) => {
      const own = abstentionCurve(scores, accuracies, coverages);
      own.forEach(({ accuracy }, at) =>
        close(accuracy, references.abstention[index]?.[at] as number, 'accuracy'),
      );
    });
    expect(abstentionCurve([], [], coverages)).toEqual([]);
  });
});

describe('clicks', () => {
  it('the distance inside agrees with scipy', () => {
    distances.forEach((entry, index) => {
      const own = squaredDistanceInside(bitmap(entry.mask, entry));
      references.distance[index]?.forEach((value, at) =>
        close(own[at] as number, value, `distance ${index} at ${at}`),
      );
    });
  });

  it('first click in the deepest point, then on the larger error', () => {
    const size = { width: 50, height: 40 };
    const disk = bitmap(
      paint(50, 40, (x, y) => Math.hypot(x - 20, y - 15) < 9),
      size,
    );
    const none = bitmap(new Uint8Array(2000), size);
    expect(nextClick(none, disk)).toEqual({ x: 20, y: 15, positive: true });
    expect(nextClick(disk, disk)).toBeNull();
    const tooMuch = bitmap(
      paint(50, 40, (x, y) => Math.hypot(x - 20, y - 15) < 9 || (x > 38 && x < 46 && y < 9)),
      size,
    );
    expect(nextClick(tooMuch, disk)).toMatchObject({ positive: false });
    expect(nextClick(none, none)).toBeNull();
  });
});

describe('time', () => {
  it('flicker agrees with numpy for a given flow', () => {
    flickers.forEach((entry, index) => {
      const own = flicker(bitmap(entry.previous, entry), bitmap(entry.current, entry), {
        width: entry.width,
        height: entry.height,
        dx: Float32Array.from(entry.dx),
        dy: Float32Array.from(entry.dy),
      });
      close(own, references.flicker[index] as number | null, 'flicker');
    });
  });

  it('optical flow finds the motion of a textured picture', () => {
    const [width, height] = [160, 96];
    // Like real pictures: the coarser the detail, the stronger.
    const waves = [3, 5, 9, 16, 30, 55].flatMap((size) =>
      Array.from({ length: 4 }, () => ({ size, angle: random() * 6.3, phase: random() * 6.3 })),
    );
    const texture = (x: number, y: number): number =>
      waves.reduce(
        (sum, { size, angle, phase }) =>
          sum + Math.sqrt(size) * 3 * Math.sin((x * Math.cos(angle) + y * Math.sin(angle)) / size + phase),
        128,
      );
    const frame = (shiftX: number, shiftY: number): Uint8Array => {
      const rgb = new Uint8Array(width * height * 3);
      for (let index = 0; index < width * height; index++)
        rgb.fill(
          Math.max(0, Math.min(255, texture((index % width) - shiftX, Math.floor(index / width) - shiftY))),
          3 * index,
          3 * index + 3,
        );
      return rgb;
    };
    for (const [shiftX, shiftY] of [
      [0, 0],
      [1.5, -0.5],
      [6, 4],
    ] as const) {
      const flow = opticalFlow(
        greyFromRgb(frame(0, 0), width, height),
        greyFromRgb(frame(shiftX, shiftY), width, height),
        {
          iterations: 2,
        },
      );
      let error = 0;
      let count = 0;
      for (let y = 12; y < height - 12; y++)
        for (let x = 12; x < width - 12; x++, count++)
          error += Math.hypot(
            (flow.dx[y * width + x] as number) - shiftX,
            (flow.dy[y * width + x] as number) - shiftY,
          );
      expect(error / count, `shift ${shiftX}, ${shiftY}`).toBeLessThan(0.25);
    }
  });

  it('flow within a region is that of the cropped pictures, and nothing elsewhere', () => {
    const grey = (shift: number): { width: number; height: number; data: Float32Array } => ({
      width: 60,
      height: 40,
      data: Float32Array.from(
        { length: 2400 },
        (_, at) => 100 + 40 * Math.sin(((at % 60) - shift) / 4) + 30 * Math.cos(Math.floor(at / 60) / 5),
      ),
    });
    const [a, b] = [grey(0), grey(1)];
    const part = opticalFlowWithin(a, b, { left: 10, top: 5, right: 50, bottom: 35 });
    expect(part.dx[0]).toBe(0);
    expect(part.dx[20 * 60 + 30]).toBeGreaterThan(0.7);
    expect(opticalFlowWithin(a, b, { left: -9, top: -9, right: 99, bottom: 99 })).toEqual(opticalFlow(a, b));
    const none = opticalFlowWithin(a, b, { left: 0, top: 0, right: 0, bottom: 0 });
    expect(none.dx.every((value) => value === 0)).toBe(true);
  });

  it('first mask and re-acquisition are counted from prompt and return', () => {
    const frames = [
      [0, true, 0.2],
      [40, true, 0.7],
      [80, false, 1],
      [120, true, 0],
      [160, true, 0.5],
      [200, false, 1],
      [240, true, 0.1],
      [280, false, 0],
      [320, true, 0.1],
    ].map(
      ([timeMs, present, iou]) =>
        ({ timeMs, present, iou }) as { timeMs: number; present: boolean; iou: number },
    );
    expect(timingScores(frames)).toEqual({ timeToFirstMaskMs: 40, reacquisitionMs: [40, null, null] });
    expect(timingScores([])).toEqual({ timeToFirstMaskMs: null, reacquisitionMs: [] });
    expect(timingScores(frames.slice(0, 1)).timeToFirstMaskMs).toBeNull();
  });
});
