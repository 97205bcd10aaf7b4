/**
 * Volume of a left ventricle over time with its true end-diastoles and end-systoles, drawn from a seed: what cycles and beats are
 * tested on. Time goes by phases: ejection, isovolumic relaxation, early filling, diastasis, atrial kick, isovolumic contraction.
 */
import { seededRandom } from '../src/vocabulary/random.js';

export interface CurveOptions {
  readonly seed: number;
  readonly seconds?: number;
  readonly picturesPerSecond?: number;
  /** Beats per minute. */
  readonly heartRate?: number;
  /** Of a beat of usual length, per cent. */
  readonly ejectionFraction?: number;
  /** Standard deviation of one picture's volume, share of the end-diastolic volume. */
  readonly noise?: number;
  /** Standard deviation of the length of a beat, share. */
  readonly irregularity?: number;
  /** Lengths at random and no atrial kick. */
  readonly fibrillation?: boolean;
  /** Share of beats that come early, with a pause after them. */
  readonly extrasystoles?: number;
  /** Share of pictures that are far off. */
  readonly outliers?: number;
  /** Share of pictures that are missing. */
  readonly dropped?: number;
  /** Breathing: amplitude of the slow change of all volumes, share. */
  readonly breathing?: number;
  /** Standard deviation of the time between two pictures, share. */
  readonly jitter?: number;
}

export interface TrueBeat {
  readonly endDiastole: number;
  readonly endSystole: number;
  readonly ejectionFraction: number;
}

export interface VolumeCurve {
  /** Seconds and volume of each picture, mL. */
  readonly samples: readonly { readonly at: number; readonly volume: number }[];
  /** Seconds. */
  readonly beats: readonly TrueBeat[];
  /** The volume without noise. */
  readonly trueVolume: (at: number) => number;
}

interface Beat {
  readonly start: number;
  readonly length: number;
  readonly ejection: number;
  readonly relaxation: number;
  readonly early: number;
  readonly kick: number;
  readonly contraction: number;
  readonly from: number;
  readonly bottom: number;
  readonly plateau: number;
  readonly to: number;
}

/** 0 to 1, level at both ends; `skew` below 1 is early, above 1 late. */
const smooth = (share: number, skew: number): number =>
  (1 - Math.cos(Math.PI * Math.min(1, Math.max(0, share)) ** skew)) / 2;

function volumeWithin(beat: Beat, time: number): number {
  const { length, ejection, relaxation, early, kick, contraction, from, bottom, plateau, to } = beat;
  const stroke = from - bottom;
  if (time < contraction) return from - 0.01 * stroke * (time / contraction);
  if (time < contraction + ejection)
    return bottom + 0.99 * stroke * (1 - smooth((time - contraction) / ejection, 0.75));
  const filling = time - contraction - ejection;
  if (filling < relaxation) return bottom + 0.02 * stroke * (filling / relaxation);
  const low = bottom + 0.02 * stroke;
  const high = kick > 0 ? plateau : to;
  const diastasis = length - contraction - ejection - relaxation - early - kick;
  const slope = 0.05 * (high - low);
  if (filling < relaxation + early)
    return low + (high - slope - low) * smooth((filling - relaxation) / early, 0.8);
  if (filling < relaxation + early + diastasis)
    return high - slope * (1 - (filling - relaxation - early) / diastasis);
  return high + (to - high) * smooth((filling - relaxation - early - diastasis) / kick, 1);
}

export function volumeCurve(options: CurveOptions): VolumeCurve {
  const { seed, seconds = 12, picturesPerSecond = 30, heartRate = 70, ejectionFraction = 55 } = options;
  const { noise = 0.03, irregularity = 0.03, fibrillation = false, extrasystoles = 0 } = options;
  const { outliers = 0, dropped = 0, breathing = 0, jitter = 0.02 } = options;
  const random = seededRandom(seed);
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const usual = 60 / heartRate;
  const largest = 80 + 120 * random();

  const beats: Beat[] = [];
  let early = false;
  let level = largest;
  // From anywhere in a beat.
  for (let start = -usual * random(); start < seconds + usual;) {
    let share = 1 + irregularity * gauss();
    if (fibrillation) share = Math.max(0.55, 0.65 + 0.75 * random());
    if (early) share = 1.35;
    const premature: boolean = !early && random() < extrasystoles;
    if (premature) share = 0.65;
    early = premature;
    const length = Math.max(0.28, usual * share);
    const root = Math.sqrt(Math.min(length, usual));
    const contraction = 0.02 * root;
    const ejection = 0.31 * root;
    const relaxation = 0.06 * root;
    // What fast hearts leave for the filling is shared between its two waves.
    const rest = length - contraction - ejection - relaxation;
    const kick = fibrillation ? 0 : Math.min(0.11 * Math.sqrt(length), 0.4 * rest);
    const wave = Math.min(0.19 * Math.sqrt(usual), 0.95 * (rest - kick));
    const fill =
      (fibrillation ? 0.9 + 0.1 * Math.min(share, 1.2) : Math.min(1, 0.75 + 0.25 * share)) * largest;
    const fraction = (ejectionFraction / 100) * (level / largest) ** 0.5 * (1 + 0.02 * gauss());
    const bottom = level * (1 - fraction);
    const to = fill;
    const plateau = bottom + (0.72 + 0.12 * random()) * (to - bottom);
    beats.push({
      ...{ start, length, ejection, relaxation, early: wave, kick, contraction },
      ...{ from: level, bottom, plateau, to },
    });
    level = to;
    start += length;
  }

  const period = 3.5 + 1.5 * random();
  const phase = 2 * Math.PI * random();
  const [first] = beats;
  if (first === undefined) throw new Error('a curve has at least one beat');
  const trueVolume = (at: number): number => {
    const beat = beats.find(({ start, length }) => at < start + length) ?? beats.at(-1) ?? first;
    return (
      volumeWithin(beat, at - beat.start) * (1 + breathing * Math.sin((2 * Math.PI * at) / period + phase))
    );
  };
  const samples: { at: number; volume: number }[] = [];
  for (let index = 0; index < seconds * picturesPerSecond; index++) {
    const at = (index + jitter * Math.max(-5, Math.min(5, gauss()))) / picturesPerSecond;
    const off = random() < outliers ? (random() < 0.5 ? -1 : 1) * (0.1 + 0.15 * random()) : 0;
    const volume = trueVolume(at) + largest * (noise * gauss() + off);
    if (random() >= dropped) samples.push({ at: at + 0.5, volume });
  }
  return {
    samples,
    trueVolume: (at) => trueVolume(at - 0.5),
    beats: beats
      .filter(({ start }) => start >= 0 && start < seconds)
      .map(({ start, contraction, ejection, from, bottom }) => ({
        endDiastole: start + 0.5,
        endSystole: start + contraction + ejection + 0.5,
        ejectionFraction: (100 * (from - bottom)) / from,
      })),
  };
}
