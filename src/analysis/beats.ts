/**
 * Heart beats, from one end-diastole to the next: volumes, ejection fraction and rate of each, or the reason why it does not count.
 * Pure. Times are those of the pictures.
 */
import { beatRejections, type BeatRejection } from '../vocabulary/echo.js';
import type { Glance } from '../vocabulary/glance.js';
import type { Point } from '../vocabulary/prompt.js';
import type { CycleEvent } from './cycle.js';
import { repeatsItself } from './repeats.js';
import { medianOf, smoothedAt } from './smooth.js';

/** What a beat needs of a picture. `shape` null: there is no outline that could be measured. */
export interface BeatFrame {
  readonly ptsNs: number;
  /** seen: the outline is sure; unsure: shown as uncertain, or it cannot be measured; lost: not the four-chamber view. */
  readonly view: 'seen' | 'unsure' | 'lost';
  /** Dice that the model expects, 0..1. */
  readonly score: number;
  readonly shape: {
    readonly volume: number;
    readonly area: number;
    readonly length: number;
    /** Of the disks, apex first; in the unit of the length. */
    readonly diameters: readonly number[];
    readonly centroid: Point;
    readonly cut: boolean;
    readonly plausible: boolean;
  } | null;
  /** See repeats.ts. */
  readonly picture: {
    readonly glance: Glance;
    readonly box: readonly [number, number, number, number];
  } | null;
  /** There is a second ventricle on it. */
  readonly several: boolean;
}

export interface BeatValues {
  /** mL where the source is calibrated, else cubes of source pixels. */
  readonly endDiastolicVolume: number;
  readonly endSystolicVolume: number;
  readonly strokeVolume: number;
  /** Per cent. */
  readonly ejectionFraction: number;
  readonly fractionalAreaChange: number;
  /** Per minute. */
  readonly heartRate: number;
}

interface BeatTimes {
  /** From 1. */
  readonly number: number;
  readonly fromPtsNs: number;
  readonly toPtsNs: number;
}

/** The ventricle at one moment as the method of disks sees it. Length and diameters in the same unit, apex first. */
export interface Disks {
  readonly length: number;
  readonly diameters: readonly number[];
}

/** One picture near a moment; `at`: seconds from it. */
interface DisksNear extends Disks {
  readonly at: number;
}

/** The disks of a moment, smoothed in time as volumes are; null: too little is known around it. `half`: seconds. */
export function smoothedDisks(near: readonly DisksNear[], half: number): Disks | null {
  const level = (of: (disks: Disks) => number): number | null =>
    smoothedAt(
      near.map((one) => ({ at: one.at, value: of(one) })),
      0,
      half,
    );
  const count = near[0]?.diameters.length ?? 0;
  const length = level((disks) => disks.length);
  const diameters = Array.from({ length: count }, (_, disk) =>
    // A parabola may fall below nothing where a disk at the apex is hardly there.
    Math.max(0, level((disks) => disks.diameters[disk] ?? NaN) ?? NaN),
  );
  return length !== null && count > 0 && diameters.every(Number.isFinite) ? { length, diameters } : null;
}

export interface BeatDisks {
  readonly endDiastole: Disks;
  readonly endSystole: Disks;
}

export type Beat = BeatTimes &
  (
    | {
        readonly rejection: null;
        readonly values: BeatValues;
        readonly irregularRhythm: boolean;
        /** null: they are not known of this beat, so that it takes no part in what is measured from two views. */
        readonly disks: BeatDisks | null;
      }
    | { readonly rejection: BeatRejection; readonly values: null; readonly detail?: string | undefined }
  );

/** Times in seconds. */
export const beatLimits = {
  /** Frames of this much are kept: a longer beat is none. */
  longest: 4,
  /** Half the window in which volumes, areas and lengths are smoothed around end-diastole and end-systole: at least
   * five pictures. On
   * seeded curves the ejection fraction is then off by less than one point on average, by four with the single pictures' spread. */
  smoothing: 0.1,
  /** Time without an outline, and share of the beat. */
  longestGap: 0.15,
  gapShare: 0.25,
  leastRate: 12,
  leastSystolicFrames: 4,
  /** Share of frames that may be cut off, implausible or uncertain. */
  badShare: 0.2,
  unsureShare: 0.3,
  leastScore: 0.75,
  /** Of the length of the ventricle. */
  moved: 0.2,
  /** Length at end-diastole, share of the longest of the last beats; length at end-systole, share of that at end-diastole. */
  foreshortened: 0.9,
  /** Longer than all of the last beats by this factor: it was enlarged, and what was measured before has another scale. */
  enlarged: 1.2,
  leastShortening: 0.6,
  mostShortening: 1.06,
  /** Beats that are compared, and how long they are remembered. */
  remembered: 8,
  memory: 20,
  /** A rhythm whose newest beat is older than this is over. */
  rhythmAge: 10,
  /** Length of the beat against the median. */
  irregular: 0.2,
  /** Fewer than half of at least `rhythmBeats` beats within this share of the median: the rhythm itself is irregular. */
  regular: 0.12,
  rhythmBeats: 5,
  /** Per cent, per minute. */
  ejectionFraction: { low: 3, high: 90 },
  heartRate: { low: 25, high: 220 },
} as const;

/** Pictures are kept for so long. */
const keptSeconds = beatLimits.longest + 1;

/** What is wrong in words: the code's, and what more is known. */
export const rejectionWords = ({
  rejection,
  detail,
}: {
  readonly rejection: BeatRejection;
  readonly detail?: string | undefined;
}): string => (detail === undefined ? beatRejections[rejection] : `${beatRejections[rejection]}: ${detail}`);

/**
 * How many pictures there were, in words; undefined: it is not known how many there should have been. Both per second.
 */
export function pictureWords(analysed: number, shown: number | null | undefined): string | undefined {
  if (typeof shown !== 'number' || !(shown > 0)) return undefined;
  const all = Math.round(shown);
  const some = Math.round(analysed);
  return some < all ? `only ${some} of ${all} were analysed` : `the source has ${all}`;
}

interface Remembered {
  readonly toPtsNs: number;
  readonly seconds: number;
  readonly length: number;
}

const secondsBetween = (fromPtsNs: number, toPtsNs: number): number => (toPtsNs - fromPtsNs) / 1e9;

interface BeatCollector {
  /** Every analysed picture, in order. */
  add(frame: BeatFrame): void;
  /**
   * A turn that was decided on the newest picture; gives the beat that an end-diastole closes, and the number of the one it is of.
   * `repeated`: what has come since the last beat was that beat once more, picture by picture; it was a loop, and counts no longer.
   */
  turn(event: CycleEvent): {
    readonly number: number;
    readonly closed: Beat | null;
    readonly repeated: boolean;
    /** The picture was enlarged before this beat: those before it are of another scale. */
    readonly enlarged: boolean;
  };
  /** Smoothed volume at a picture that was added. */
  volumeAt(ptsNs: number): number | null;
  /** Median length of the last beats, seconds, and whether they differ much; null: none lately. */
  rhythm(nowPtsNs: number): { readonly seconds: number; readonly irregular: boolean } | null;
}

/** `shownPerSecond`: what the source says of its pictures; null: nothing. */
export function createBeatCollector(shownPerSecond: () => number | null = () => null): BeatCollector {
  const frames: BeatFrame[] = [];
  let remembered: Remembered[] = [];
  let open: { readonly number: number; readonly fromPtsNs: number; systolePtsNs: number | null } | null =
    null;
  let count = 0;
  /** Length of the last closed beat. */
  let periodNs: number | null = null;
  let enlarged = false;
  /** Length of the loop that was noticed last; null: what comes now is none. A beat in it may be found longer or shorter than it is. */
  let loopNs: number | null = null;

  type Quantity = 'volume' | 'area' | 'length';
  type Shape = NonNullable<BeatFrame['shape']>;
  /** The outlines around a moment, and half the window in which they are smoothed. */
  function near(ptsNs: number): { readonly shapes: readonly (Shape & DisksNear)[]; readonly half: number } {
    const [first, last] = [frames[0], frames.at(-1)];
    if (first === undefined || last === undefined) return { shapes: [], half: beatLimits.smoothing };
    // A parabola through fewer than five pictures is none, and their mean cuts the top off.
    const spacing = secondsBetween(first.ptsNs, last.ptsNs) / Math.max(1, frames.length - 1);
    const half = Math.max(beatLimits.smoothing, 2.2 * spacing);
    const shapes = frames.flatMap(({ ptsNs: own, shape }) => {
      const at = secondsBetween(ptsNs, own);
      return shape === null || Math.abs(at) > half ? [] : [{ ...shape, at }];
    });
    return { shapes, half };
  }
  /** Smoothed in time: the highest of single pictures would be too high by their noise. */
  function levelAt(quantity: Quantity, ptsNs: number): number | null {
    const { shapes, half } = near(ptsNs);
    return smoothedAt(
      shapes.map((shape) => ({ at: shape.at, value: shape[quantity] })),
      0,
      half,
    );
  }
  function disksAt(ptsNs: number): Disks | null {
    const { shapes, half } = near(ptsNs);
    return smoothedDisks(shapes, half);
  }

  function recent(nowPtsNs: number): readonly Remembered[] {
    return remembered.filter(({ toPtsNs }) => secondsBetween(toPtsNs, nowPtsNs) <= beatLimits.memory);
  }

  function rhythmOf(lengths: readonly number[]): { seconds: number; irregular: boolean } | null {
    const seconds = medianOf(lengths);
    if (seconds === null) return null;
    const alike = lengths.filter((one) => Math.abs(one / seconds - 1) <= beatLimits.regular).length;
    return { seconds, irregular: lengths.length >= beatLimits.rhythmBeats && alike < lengths.length / 2 };
  }

  function close(toPtsNs: number): Beat | null {
    if (open === null) return null;
    const { number, fromPtsNs, systolePtsNs } = open;
    const times: BeatTimes = { number, fromPtsNs, toPtsNs };
    const rejected = (rejection: BeatRejection, detail?: string): Beat => ({
      ...{ ...times, rejection, values: null, detail },
    });
    const seconds = secondsBetween(fromPtsNs, toPtsNs);
    const within = frames.filter(({ ptsNs }) => ptsNs >= fromPtsNs && ptsNs <= toPtsNs);
    const outlined = within.flatMap(({ ptsNs, score, view, shape }) =>
      shape === null ? [] : [{ ptsNs, score, view, shape }],
    );
    const share = (some: readonly unknown[]): number => some.length / Math.max(1, within.length);
    // Of a longer one the earlier pictures are forgotten, which is not to say that nobody has looked at them.
    const sincePtsNs = Math.max(fromPtsNs, toPtsNs - keptSeconds * 1e9);
    const rate = within.length / secondsBetween(sincePtsNs, toPtsNs);
    const hasGap = (some: readonly Pick<BeatFrame, 'ptsNs'>[]): boolean =>
      [...some.map(({ ptsNs }) => ptsNs), toPtsNs].some((ptsNs, index) => {
        const gap = secondsBetween(some[index - 1]?.ptsNs ?? sincePtsNs, ptsNs);
        return gap > beatLimits.longestGap || gap > beatLimits.gapShare * seconds;
      });
    const gapTooLong = hasGap(outlined);
    if (share(within.filter(({ several }) => several)) > beatLimits.badShare) return rejected('two-hearts');
    const lost = within.filter(({ view }) => view === 'lost');
    if (lost.length > 0 && (gapTooLong || share(lost) > beatLimits.badShare)) return rejected('view-lost');
    // Pictures that nobody has looked at may have held the moment that is missing.
    if (rate < beatLimits.leastRate || hasGap(within))
      return rejected('rate-too-low', pictureWords(rate, shownPerSecond()));
    if (seconds > beatLimits.longest || systolePtsNs === null) return rejected('incomplete');

    const systolic = outlined.filter(({ ptsNs }) => ptsNs <= systolePtsNs);
    if (outlined.length / seconds < beatLimits.leastRate || systolic.length < beatLimits.leastSystolicFrames)
      return rejected('rate-too-low', pictureWords(rate, shownPerSecond()));
    if (gapTooLong) return rejected('incomplete');
    const ownNs = toPtsNs - fromPtsNs;
    loopNs = [ownNs, ...(loopNs === null ? [] : [loopNs])].find((ns) => repeatsItself(frames, ns)) ?? null;
    if (loopNs !== null) {
      remembered = [];
      return rejected('repeated');
    }
    const scores = within.map(({ score }) => score);
    const meanScore = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    const unsure = within.filter(({ view }) => view !== 'seen');
    if (share(unsure) > beatLimits.unsureShare || !(meanScore >= beatLimits.leastScore))
      return rejected('low-confidence');
    if (share(outlined.filter(({ shape }) => shape.cut)) > beatLimits.badShare)
      return rejected('cut-by-sector');

    const first = outlined[0];
    const last = outlined.at(-1);
    const [diastole, systole] = [fromPtsNs, systolePtsNs].map((ptsNs) => ({
      volume: levelAt('volume', ptsNs) ?? NaN,
      area: levelAt('area', ptsNs) ?? NaN,
      length: levelAt('length', ptsNs) ?? NaN,
    })) as [Record<Quantity, number>, Record<Quantity, number>];
    if (first === undefined || last === undefined) return rejected('incomplete');
    const lengths = recent(toPtsNs).map(({ seconds: length }) => length);
    let longestBefore = recent(toPtsNs).reduce((longest, { length }) => Math.max(longest, length), 0);
    enlarged = longestBefore > 0 && diastole.length > beatLimits.enlarged * longestBefore;
    if (enlarged) {
      remembered = [];
      longestBefore = 0;
    }
    remembered = [...recent(toPtsNs), { toPtsNs, seconds, length: diastole.length }].slice(
      -beatLimits.remembered,
    );

    const moved = Math.hypot(
      first.shape.centroid[0] - last.shape.centroid[0],
      first.shape.centroid[1] - last.shape.centroid[1],
    );
    if (!(moved <= beatLimits.moved * diastole.length)) return rejected('moved');
    const shortening = systole.length / diastole.length;
    if (
      diastole.length < beatLimits.foreshortened * longestBefore ||
      !(shortening >= beatLimits.leastShortening && shortening <= beatLimits.mostShortening)
    )
      return rejected('foreshortened');

    const strokeVolume = diastole.volume - systole.volume;
    const values: BeatValues = {
      endDiastolicVolume: diastole.volume,
      endSystolicVolume: systole.volume,
      strokeVolume,
      ejectionFraction: (100 * strokeVolume) / diastole.volume,
      fractionalAreaChange: (100 * (diastole.area - systole.area)) / diastole.area,
      heartRate: 60 / seconds,
    };
    const inside = (value: number, { low, high }: { low: number; high: number }): boolean =>
      value >= low && value <= high;
    if (
      share(outlined.filter(({ shape }) => !shape.plausible)) > beatLimits.badShare ||
      !inside(values.ejectionFraction, beatLimits.ejectionFraction) ||
      !inside(values.heartRate, beatLimits.heartRate) ||
      !(values.fractionalAreaChange > 0)
    )
      return rejected('implausible');

    const rhythm = rhythmOf([...lengths, seconds].slice(-beatLimits.remembered));
    const irregularRhythm = rhythm?.irregular ?? false;
    const usual = medianOf(lengths);
    // Where hardly two beats are alike none of them is the odd one out: they all count, and more of them are averaged.
    if (!irregularRhythm && usual !== null && Math.abs(seconds / usual - 1) > beatLimits.irregular)
      return rejected('irregular');
    const [endDiastole, endSystole] = [disksAt(fromPtsNs), disksAt(systolePtsNs)];
    const disks = endDiastole !== null && endSystole !== null ? { endDiastole, endSystole } : null;
    return { ...times, rejection: null, values, irregularRhythm, disks };
  }

  return {
    add(frame) {
      frames.push(frame);
      const oldest = frame.ptsNs - keptSeconds * 1e9;
      while (frames.length > 0 && (frames[0] as BeatFrame).ptsNs < oldest) frames.shift();
    },
    turn({ kind, atPtsNs }) {
      switch (kind) {
        case 'end-diastole': {
          enlarged = false;
          const closed = close(atPtsNs);
          periodNs = open === null ? null : atPtsNs - open.fromPtsNs;
          open = { number: ++count, fromPtsNs: atPtsNs, systolePtsNs: null };
          return { number: count, closed, repeated: closed?.rejection === 'repeated', enlarged };
        }
        case 'end-systole':
          if (open !== null) open.systolePtsNs = atPtsNs;
          if (periodNs === null || !repeatsItself(frames, periodNs))
            return { number: count, closed: null, repeated: false, enlarged: false };
          remembered = [];
          return { number: count, closed: null, repeated: true, enlarged: false };
      }
    },
    volumeAt: (ptsNs) => levelAt('volume', ptsNs),
    rhythm(nowPtsNs) {
      const last = remembered.at(-1);
      if (last === undefined || secondsBetween(last.toPtsNs, nowPtsNs) > beatLimits.rhythmAge) return null;
      return rhythmOf(recent(nowPtsNs).map(({ seconds }) => seconds));
    },
  };
}
