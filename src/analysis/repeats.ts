/**
 * Whether the pictures of the last beat are those of the one before it once more: a loop that nobody marked as such. Two beats of one
 * heart, however regular, differ by the noise of their pictures, and in a loop that noise comes again too. Told twice: by the pictures
 * themselves where they were kept, which holds for loops that were encoded anew with loss, and by what was outlined on them. Pure.
 */
import { glanceSize, type Glance } from '../vocabulary/glance.js';
import type { Point } from '../vocabulary/prompt.js';
import { medianOf } from './smooth.js';

/** What is compared; lengths and areas in units of the source. */
interface RepeatFrame {
  readonly ptsNs: number;
  readonly shape: { readonly area: number; readonly length: number; readonly centroid: Point } | null;
  /** The picture, and where the ventricle lies on it, [left, top, right, bottom] as shares of its size; null: nobody has kept it. */
  readonly picture: {
    readonly glance: Glance;
    readonly box: readonly [number, number, number, number];
  } | null;
}

const limits = {
  /** The true period lies within so many pictures of the one that the beats have. */
  around: 2,
  /** Two pictures are at the same place of the loop within this share of the time between two pictures. */
  apart: 0.2,
  /** So many pictures, and share of the period, must have been compared. */
  leastPictures: 8,
  leastShare: 0.3,
  /** Share of the pictures that must be alike: those right behind the seam may differ by what the model remembers. */
  alike: 0.8,
  /**
   * Every quantity differs by less than this share of what two beats differ by for the noise of single pictures alone. Beats of
   * a heart are at 1.9 where nothing but noise differs; a loop at 0. The limit is far below, because at few pictures per
   * second the third difference holds the curve, too, and the noise seems larger than it is.
   */
  noiseShare: 0.1,
  /** The same for whole pictures, as a share of the period: where a loop is cut the beats are uneven, and a heart is at no lag like a loop. */
  aroundShare: 0.25,
  /** Pictures of the last period that are compared. */
  probes: 16,
  /**
   * The same over so many periods where one has fewer pictures than `few`: of a short loop too few are analysed where the machine
   * does not keep up.
   */
  longer: [2, 3],
  few: 12,
  /** A picture is compared with that of one to so many periods before: of a loop others may be analysed in each round. */
  rounds: 3,
  /** What the picture a period before is held against: those so much before and after it, seconds. */
  aside: 0.08,
  /**
   * Difference of a picture to that a period before, over its difference to the pictures beside that one. Of hearts both are the
   * same but for what speckle there is to tell the moment by: 0.79 and more. Of loops the first is what the encoder has changed: 0.23
   * and less up to a coarseness that no outline survives (docs/echo.md).
   */
  contrast: 0.5,
  leastCells: 40,
} as const;

const quantities: readonly ((shape: NonNullable<RepeatFrame['shape']>) => number)[] = [
  ({ area }) => Math.sqrt(area),
  ({ length }) => length,
  ({ centroid }) => centroid[0],
  ({ centroid }) => centroid[1],
];

/** What nearly all of the values stay below. */
function mostOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(limits.alike * sorted.length) - 1] ?? 0;
}

interface Sample {
  readonly at: number;
  readonly values: readonly number[];
}

/**
 * `frames` in their order; compares those of the last `periodNs` with what was there one period before. Differences against the noise, which the third difference tells: 20 variances of a single picture, of two pictures the difference has 2.
 */
export function repeatsItself(frames: readonly RepeatFrame[], periodNs: number): boolean {
  return picturesRepeat(frames, periodNs) || outlinesRepeat(frames, periodNs);
}

function outlinesRepeat(frames: readonly RepeatFrame[], periodNs: number): boolean {
  const samples = frames.flatMap(({ ptsNs, shape }): Sample[] =>
    shape === null ? [] : [{ at: ptsNs, values: quantities.map((of) => of(shape)) }],
  );
  const newest = samples.at(-1);
  if (newest === undefined) return false;
  const last = samples.filter(({ at }) => at > newest.at - periodNs);
  const spacing = medianOf(last.slice(1).map(({ at }, index) => at - (last[index] as Sample).at));
  if (spacing === null || last.length < limits.leastPictures) return false;
  const noise = quantities.map((_, quantity) => {
    const value = (index: number): number => (last[index] as Sample).values[quantity] as number;
    const third = last
      .slice(3)
      .map((_, index) =>
        Math.abs(value(index + 3) - 3 * value(index + 2) + 3 * value(index + 1) - value(index)),
      );
    return (medianOf(third) ?? 0) / Math.sqrt(10);
  });
  return samples
    .map(({ at }) => newest.at - at)
    .filter((lag) => lag > 0 && Math.abs(lag - periodNs) <= limits.around * spacing)
    .some((lag) => isSame(samples, last, lag, limits.apart * spacing, noise));
}

function isSame(
  samples: readonly Sample[],
  last: readonly Sample[],
  lag: number,
  apart: number,
  noise: readonly number[],
): boolean {
  const pairs = last.flatMap((sample): [Sample, Sample][] => {
    const before = samples.find(({ at }) => Math.abs(sample.at - lag - at) <= apart);
    return before === undefined ? [] : [[sample, before]];
  });
  if (pairs.length < Math.max(limits.leastPictures, limits.leastShare * last.length)) return false;
  return noise.every((usual, quantity) => {
    const off = pairs.map(([now, before]) =>
      Math.abs((now.values[quantity] as number) - (before.values[quantity] as number)),
    );
    return mostOf(off) <= limits.noiseShare * usual;
  });
}

/** Whether the pictures of the last `periodNs`, or of a few times that, are far more like those of one period before than like those beside them. */
function picturesRepeat(frames: readonly RepeatFrame[], periodNs: number): boolean {
  const kept = frames.flatMap(({ ptsNs, picture }) => (picture === null ? [] : [{ at: ptsNs, ...picture }]));
  const newest = kept.at(-1);
  if (newest === undefined) return false;
  const since = (periods: number): readonly Kept[] =>
    kept.filter(({ at }) => at > newest.at - periods * periodNs);
  const one = since(1);
  return [one, ...(one.length < limits.few ? limits.longer.map(since) : [])]
    .filter(({ length }) => length >= limits.leastPictures)
    .some((last) => lastRepeat(kept, last, periodNs));
}

function lastRepeat(kept: readonly Kept[], last: readonly Kept[], periodNs: number): boolean {
  const spacing = medianOf(last.slice(1).map(({ at }, index) => at - (last[index] as Kept).at));
  if (spacing === null) return false;
  const cells = cellsOf(last.map(({ box }) => box));
  if (cells.length < limits.leastCells) return false;
  const step = Math.max(1, last.length / limits.probes);
  const probes = Array.from(
    { length: Math.min(limits.probes, last.length) },
    (_, index) => last[Math.floor(index * step)] as Kept,
  );
  const reach = Math.max(limits.around * spacing, limits.aroundShare * periodNs);
  // Of the picture a period before the newest one perhaps nobody knows, so all of them say what the period may be.
  const lags = probes.flatMap((probe) =>
    kept
      .map(({ at }) => probe.at - at)
      .filter((lag) => lag > 0 && Math.abs(lag - periodNs) <= reach)
      .map((lag) => Math.round(lag / 2e6) * 2e6),
  );
  return [...new Set(lags)].some(
    (lag) => contrastAt(lag, { kept, probes, cells, within: spacing / 2 }) <= limits.contrast,
  );
}

interface Kept {
  readonly at: number;
  readonly glance: Glance;
  readonly box: readonly [number, number, number, number];
}

/** Infinity where too little can be compared. */
function contrastAt(
  lag: number,
  {
    kept,
    probes,
    cells,
    within,
  }: {
    readonly kept: readonly Kept[];
    readonly probes: readonly Kept[];
    readonly cells: readonly number[];
    readonly within: number;
  },
): number {
  let [same, aside, count] = [0, 0, 0];
  for (const probe of probes) {
    const [before] = Array.from({ length: limits.rounds }, (_, round) => probe.at - (round + 1) * lag)
      .flatMap((at) => {
        const one = nearest(kept, at);
        return one === null ? [] : [{ at, one, off: Math.abs(one.at - at) }];
      })
      .sort((a, b) => a.off - b.off);
    if (before === undefined || before.off > within) continue;
    const beside = [-1, 1].flatMap((side) => {
      const at = before.at + side * limits.aside * 1e9;
      const one = nearest(kept, at);
      return one === null || one === before.one || Math.abs(one.at - at) > within ? [] : [one];
    });
    if (beside.length === 0) continue;
    count++;
    same += difference(probe, before.one, cells);
    aside += beside.reduce((sum, one) => sum + difference(probe, one, cells), 0) / beside.length;
  }
  return count >= limits.leastPictures && aside > 0 ? same / aside : Infinity;
}

function nearest(rising: readonly Kept[], at: number): Kept | null {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rising[middle] as Kept).at < at) low = middle + 1;
    else high = middle;
  }
  const [before, behind] = [rising[low - 1], rising[low]];
  if (before === undefined || behind === undefined) return before ?? behind ?? null;
  return at - before.at <= behind.at - at ? before : behind;
}

function difference(a: Kept, b: Kept, cells: readonly number[]): number {
  let sum = 0;
  for (const cell of cells) sum += Math.abs((a.glance[cell] as number) - (b.glance[cell] as number));
  return sum;
}

/** The places of a glance within all of the boxes together. */
function cellsOf(boxes: readonly Kept['box'][]): number[] {
  const edge = (side: 0 | 1 | 2 | 3, pick: (...values: number[]) => number): number =>
    Math.round(pick(...boxes.map((box) => box[side])) * glanceSize);
  const [left, top, right, bottom] = [
    edge(0, Math.min),
    edge(1, Math.min),
    edge(2, Math.max),
    edge(3, Math.max),
  ];
  const cells: number[] = [];
  for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) cells.push(y * glanceSize + x);
  return cells;
}
