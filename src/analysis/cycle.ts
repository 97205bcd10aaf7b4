/**
 * End-diastole and end-systole of a ventricle, decided while the pictures come in. Pure and causal; times are those of the pictures.
 *
 * The curve (of the area; a volume does as well) turns where it begins to fall (end-diastole) or to rise (end-systole) for sure: straight lines are
 * fitted to its newest 50 to 400 ms, and one of them must be too steep for the noise that the curve has shown. So a clean curve is
 * decided in the shortest window and a noisy one in a longer one. It takes less to be sure of a turn that is due by the length of the
 * beats before. The change must also be a share of the amplitude, of more than one picture, and the level must have moved since
 * the last turn, so that the dip between early filling and atrial kick makes no beat. Which picture it was is read from the curve
 * smoothed in time. docs/echo.md has the figures.
 */
import { medianOf, smoothedAt } from './smooth.js';

export interface CycleEvent {
  readonly kind: 'end-diastole' | 'end-systole';
  /** The picture that it was. */
  readonly atPtsNs: number;
}

/** Times in seconds; chosen on seeded curves (tests/volume-curves.ts). */
const limits = {
  /** Highest and lowest level are those of so much past: a whole beat at 30 per minute. */
  amplitudeWindow: 2.5,
  /** No decision before so much of the curve is known; none of the first end-diastole before `firstLearning`, and so many third differences. */
  learning: 0.4,
  firstLearning: 0.25,
  firstDifferences: 4,
  /** Half the window of the smoothed curve. */
  smoothing: 0.07,
  shortestTrend: 0.05,
  longestTrend: 0.4,
  /** Due: after this share of the usual beat, or of the usual systole. Usual: each of the last beats is within `regular` of the median. */
  dueFall: 0.95,
  dueRise: 0.75,
  regular: 0.15,
  /** Slope of the line, share of the amplitude per second. */
  leastSlope: 1.5,
  /** The level has moved by this share of the amplitude since the last turn. */
  leastSwing: 0.4,
  /** A curve that begins level: for so long, within this share of what it has fallen by since. */
  leastLevel: 0.15,
  level: 0.2,
  /** One that begins so long before the turn, from no higher than this share of what it would have fallen by meanwhile at its later speed. */
  briefLevel: 0.045,
  briefShare: 0.35,
  /** Amplitude over the standard deviation of one picture, and over the level: less is no heart beat that could be told. */
  leastContrast: 4.5,
  leastAmplitude: 0.04,
  /** Shortest phase and shortest beat. */
  leastPhase: 0.1,
  leastBeat: 0.28,
  /** The turn is looked for from this long before the line on. */
  lookBack: 0.12,
  /** End-diastole is the last picture within this share of the amplitude of the highest: a plateau ends where ejection begins. */
  flat: 0.02,
  /** A phase without an end, or a gap, that is this long begins anew. */
  longestPhase: 2.5,
  longestGap: 0.5,
  /** A fall that is due to end has ended where the line through so much of the newest curve falls by less than this per second, share of the amplitude. */
  settledWindow: 0.08,
  settledSlope: 1,
  /** Not before the usual systole and this share of it. */
  settledAfter: 1.05,
  /** Each of the last systoles is within this share of their median. */
  regularSystole: 0.2,
  /** What a usual moment is worth: the level, share of the amplitude, that it takes to be `usualSpread` away from it. */
  usualWeight: 0.02,
  usualSpread: 0.04,
} as const;

/** What it takes to be sure of a turn. */
interface Need {
  /** Slope of the line over its standard deviation. */
  readonly certainty: number;
  /** Change of the line over its window, share of the amplitude. */
  readonly change: number;
  /** So much of the amplitude the picture before the newest must have gone the same way. */
  readonly before: number;
}

const needs = {
  fall: { certainty: 5.2, change: 0.1, before: 0.03 },
  rise: { certainty: 4, change: 0.1, before: 0.03 },
  dueFall: { certainty: 2, change: 0.05, before: 0 },
  dueRise: { certainty: 3, change: 0.1, before: 0.03 },
} as const satisfies Record<string, Need>;

const beatsRemembered = 4;
/** Pictures between two estimates of the noise. */
const noiseEvery = 12;

interface Sample {
  readonly ptsNs: number;
  /** Seconds since the first. */
  readonly at: number;
  readonly value: number;
}

/** Called once per picture in order; `value` null: no ventricle on it. */
type CycleFinder = (ptsNs: number, value: number | null) => CycleEvent | null;

export function createCycleFinder(): CycleFinder {
  let zeroPtsNs: number | null = null;
  let samples: Sample[] = [];
  /** Ends `smoothing` behind the newest sample, where the window is whole. */
  let smooth: Sample[] = [];
  /** Third difference at each sample: it leaves little of a heart's curve, and 20 variances of the noise. */
  let roughness: number[] = [];
  /** Standard deviation of one picture. */
  let noise = 0;
  let sinceNoise = 0;
  let direction: 'fall' | 'rise' = 'fall';
  let turnedAt = -Infinity;
  let beatAt = -Infinity;
  let beats: number[] = [];
  let systoles: number[] = [];

  function begin(): void {
    samples = [];
    smooth = [];
    roughness = [];
    loseBeat();
  }

  function loseBeat(): void {
    direction = 'fall';
    turnedAt = -Infinity;
    beatAt = -Infinity;
    beats = [];
    systoles = [];
  }

  function add(sample: Sample): void {
    samples.push(sample);
    const [d, c, b, a] = samples.slice(-4);
    if (a && b && c && d) roughness.push(Math.abs(a.value - 3 * b.value + 3 * c.value - d.value));
    const ready = samples.findLast(({ at }) => at <= sample.at - limits.smoothing);
    if (ready !== undefined && ready.at > (smooth.at(-1)?.at ?? -Infinity)) {
      const value = smoothedAt(samples, ready.at, limits.smoothing);
      if (value !== null) smooth.push({ ...ready, value });
    }
    const old = sample.at - limits.amplitudeWindow;
    while (samples.length > 0 && (samples[0] as Sample).at < old) samples.shift();
    while (smooth.length > 0 && (smooth[0] as Sample).at < old) smooth.shift();
    if (roughness.length > samples.length) roughness.splice(0, roughness.length - samples.length);
    // It changes slowly, and to sort hundreds of values for each picture takes longer than all else here.
    if (roughness.length < noiseEvery || ++sinceNoise >= noiseEvery) {
      noise = (medianOf(roughness) ?? 0) / 0.6745 / Math.sqrt(20);
      sinceNoise = 0;
    }
  }

  /** Where the last systoles were alike. */
  function usualSystole(): number | null {
    const usual = systoles.length > 1 ? medianOf(systoles) : null;
    return usual !== null && systoles.every((one) => Math.abs(one / usual - 1) <= limits.regularSystole)
      ? usual
      : null;
  }

  function needAt(at: number): Need {
    switch (direction) {
      case 'rise': {
        const systole = usualSystole();
        return systole !== null && at - beatAt >= limits.dueRise * systole ? needs.dueRise : needs.rise;
      }
      case 'fall': {
        const beat = beats.length > 1 ? medianOf(beats) : null;
        const due =
          beat !== null &&
          beats.every((one) => Math.abs(one / beat - 1) <= limits.regular) &&
          at - beatAt >= limits.dueFall * beat;
        return due ? needs.dueFall : needs.fall;
      }
    }
  }

  /**
   * Where the line begins that says most clearly that the curve has turned; null: it has not, or nobody can tell yet.
   */
  function trendFrom(sign: 1 | -1, deviation: number, amplitude: number): number | null {
    const newest = samples.at(-1) as Sample;
    const need = needAt(newest.at);
    const before = sign * ((samples.at(-2) as Sample).value - newest.value);
    let certain = false;
    let from: number | null = null;
    let clearest = 0;
    let [n, sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0, 0];
    for (let index = samples.length - 1; index >= 0; index--) {
      const { at, value } = samples[index] as Sample;
      const x = at - newest.at;
      const y = sign * (value - newest.value);
      if (-x > limits.longestTrend || at < turnedAt) break;
      n++;
      sumX += x;
      sumY += y;
      sumXX += x * x;
      sumXY += x * y;
      if (n < 3 || -x < limits.shortestTrend) continue;
      const spread = sumXX - (sumX * sumX) / n;
      const slope = (sumXY - (sumX * sumY) / n) / spread;
      if (slope < limits.leastSlope * amplitude || slope * -x < need.change * amplitude) continue;
      const clear = slope * Math.sqrt(spread);
      if (clear > clearest) {
        clearest = clear;
        from = at;
      }
      // One picture that is far off makes no trend: the one before it must have left the level of those before, too.
      const level = (sumY - before) / (n - 2);
      if (before - level < need.before * amplitude) continue;
      certain ||= clear >= need.certainty * deviation;
    }
    return certain ? from : null;
  }

  /** A systole that is due has ended: the curve no longer falls. Nothing moves for some 50 ms then, and a rise would come later. */
  function settledFrom(at: number, amplitude: number): number | null {
    const systole = usualSystole();
    if (systole === null || at - beatAt < limits.settledAfter * systole) return null;
    let [n, sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0, 0];
    for (let index = samples.length - 1; index >= 0; index--) {
      const { at: time, value } = samples[index] as Sample;
      const x = time - at;
      if (n >= 3 && -x > limits.settledWindow + 1e-6) break;
      n++;
      sumX += x;
      sumY += value;
      sumXX += x * x;
      sumXY += x * value;
    }
    if (n < 3) return null;
    const slope = (sumXY - (sumX * sumY) / n) / (sumXX - (sumX * sumX) / n);
    return slope > -limits.settledSlope * amplitude ? at : null;
  }

  /** The lowest picture of the systole that is over, where all that came after it is known. */
  function refinedSystole(): number | null {
    let best: { readonly at: number; readonly value: number } | null = null;
    for (const { at } of samples) {
      if (Math.abs(at - turnedAt) > 0.1) continue;
      const value = smoothedAt(samples, at, limits.smoothing);
      if (value !== null && (best === null || value < best.value)) best = { at, value };
    }
    return best === null ? null : best.at - beatAt;
  }

  /** The picture of the turn, with its smoothed level. */
  function turnNear(from: number, sign: 1 | -1, amplitude: number): Sample | null {
    const systole = sign > 0 ? usualSystole() : null;
    const strange = (at: number): number =>
      systole === null
        ? 0
        : limits.usualWeight * amplitude * ((at - beatAt - systole) / limits.usualSpread) ** 2;
    const near = samples
      // Of the newest nobody knows yet what comes after it.
      .slice(0, -1)
      .filter(({ at }) => at > turnedAt && at >= from - limits.lookBack)
      .flatMap((sample) => {
        const value = smoothedAt(samples, sample.at, limits.smoothing);
        return value === null ? [] : [{ ...sample, value }];
      });
    const worth = ({ at, value }: Sample): number => -sign * value - strange(at);
    const peak = near.reduce((best, one) => Math.max(best, worth(one)), -Infinity);
    const slack = sign < 0 ? limits.flat * amplitude : 0;
    return near.findLast((one) => worth(one) >= peak - slack) ?? null;
  }

  /** The curve begins with a level that lasts, or does not come down to its turn as it falls later: it began in diastole. */
  function beginsLevel(turn: Sample, newest: Sample, amplitude: number): boolean {
    if (direction !== 'fall' || turnedAt !== -Infinity) return false;
    const before = samples.filter(({ at }) => at <= turn.at);
    const first = before[0];
    if (first === undefined) return false;
    const length = turn.at - first.at;
    const above = before.reduce((most, { value }) => Math.max(most, value - turn.value), 0);
    const below = before.reduce((most, { value }) => Math.max(most, turn.value - value), 0);
    if (length >= limits.leastLevel && Math.max(above, below) <= limits.level * amplitude) return true;
    const slope = (turn.value - newest.value) / (newest.at - turn.at);
    return length >= limits.briefLevel && before.length > 2 && above <= limits.briefShare * slope * length;
  }

  function decide(at: number): CycleEvent | null {
    const known = at - (samples[0] as Sample).at;
    const early = known < limits.learning;
    if (smooth.length < 2) return null;
    if (early && (known < limits.firstLearning || roughness.length < limits.firstDifferences)) return null;
    if (at - turnedAt > limits.longestPhase) loseBeat();
    if (at - turnedAt < limits.leastPhase) return null;
    let high = -Infinity;
    let low = Infinity;
    for (const { value } of smooth) {
      if (value > high) high = value;
      if (value < low) low = value;
    }
    const amplitude = high - low;
    if (amplitude < limits.leastContrast * noise || !(amplitude > limits.leastAmplitude * high)) return null;
    const sign = direction === 'fall' ? -1 : 1;
    const from =
      trendFrom(sign, Math.max(noise, 0.01 * amplitude), amplitude) ??
      (direction === 'rise' ? settledFrom(at, amplitude) : null);
    const turn = from === null ? null : turnNear(from, sign, amplitude);
    if (turn === null) return null;
    // Of a maximum the rise must have been seen, or the level from which the curve falls: one that begins within systole has none yet.
    const seen = turnedAt === -Infinity ? smooth.filter(({ at: time }) => time < turn.at) : smooth;
    const swing =
      direction === 'fall'
        ? turn.value - seen.reduce((least, { value }) => Math.min(least, value), Infinity)
        : high - turn.value;
    const risen =
      (!early && swing >= limits.leastSwing * amplitude) ||
      beginsLevel(turn, samples.at(-1) as Sample, amplitude);
    if (!risen || turn.at - turnedAt < limits.leastPhase) return null;
    switch (direction) {
      case 'fall':
        if (turn.at - beatAt < limits.leastBeat) return null;
        if (beatAt > -Infinity) {
          beats = [...beats, turn.at - beatAt].slice(-beatsRemembered);
          const systole = refinedSystole();
          if (systole !== null) systoles = [...systoles, systole].slice(-beatsRemembered);
        }
        beatAt = turnedAt = turn.at;
        direction = 'rise';
        return { kind: 'end-diastole', atPtsNs: turn.ptsNs };
      case 'rise':
        turnedAt = turn.at;
        direction = 'fall';
        return { kind: 'end-systole', atPtsNs: turn.ptsNs };
    }
  }

  return (ptsNs, value) => {
    if (value === null || !Number.isFinite(value)) return null;
    zeroPtsNs ??= ptsNs;
    const at = (ptsNs - zeroPtsNs) / 1e9;
    const newest = samples.at(-1);
    if (newest !== undefined && at <= newest.at) return null;
    if (newest !== undefined && at - newest.at > limits.longestGap) begin();
    add({ ptsNs, at, value });
    return decide(at);
  };
}
