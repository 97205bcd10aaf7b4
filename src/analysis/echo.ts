/**
 * The left ventricle over time: what is measured where the outlines of an apical four-chamber view come in (docs/echo.md). Pure; keeps
 * the last seconds of one source. Names and units are those of `src/vocabulary/echo.ts`.
 */
import { emptyMask, maskBox } from '../mask/rle.js';
import { scaleOfMask } from '../mask/scale.js';
import { isCalibrated, type SpacingMm } from '../vocabulary/calibration.js';
import type { PictureSize } from '../vocabulary/frame.js';
import { beatRejections, chambers, echoMeasures, type EchoMeasure } from '../vocabulary/echo.js';
import type { Mask } from '../vocabulary/mask.js';
import type { Measurement, MeasurementQuality } from '../vocabulary/measurement.js';
import { isShown, type Point } from '../vocabulary/prompt.js';
import {
  beatLimits,
  createBeatCollector,
  pictureWords,
  rejectionWords,
  type Beat,
  type BeatFrame,
  type Disks,
} from './beats.js';
import { createCycleFinder } from './cycle.js';
import { createPresentKeeper, presentLimits, waitingWords, type Presented } from './ejection-fraction.js';
import type { MeasuredResult, MeasuredSource } from './measured.js';
import { createShapeReader, type VentricleShape } from './ventricle.js';

/** What a ventricle can be, in any source: wide ranges around what is seen in 400 patients (CAMUS: 1.4 to 3.8, 0.95 to 1.19). */
const plausible = {
  /** Length² over area. */
  slenderness: { low: 1.1, high: 5.5 },
  /** Volume of disks over volume of area-length. */
  disksToAreaLength: { low: 0.8, high: 1.3 },
  /** mm and mL, where the source is calibrated. */
  length: { low: 30, high: 150 },
  volume: { low: 4, high: 800 },
} as const;

/** Outline without wall behind it, away from the mitral plane; none of CAMUS' 800 outlines has any. */
const mostOpen = 0.15;

/** Of the root of the area against the place of the base: more, and the curve is noisier; less, and it follows the probe. */
const areaWeight = 4;
/** What a picture counts in the direction of the axis. */
const axisGain = 0.02;

/** Pictures per second are counted over this many seconds. */
const rateWindow = 2;

interface Units {
  readonly length: string;
  readonly area: string;
  readonly volume: string;
  /** Of a cubed length. */
  readonly perVolume: number;
}

const millimetres: Units = { length: 'mm', area: 'mm2', volume: 'mL', perVolume: 1e-3 };
const pixels: Units = { length: 'px', area: 'px2', volume: 'px3', perVolume: 1 };

const inside = (value: number, { low, high }: { readonly low: number; readonly high: number }): boolean =>
  value >= low && value <= high;

function isPlausible(shape: VentricleShape, { perVolume }: Units, calibrated: boolean): boolean {
  const { length, area, volume, volumeByAreaLength } = shape;
  return (
    inside((length * length) / area, plausible.slenderness) &&
    inside(volume / volumeByAreaLength, plausible.disksToAreaLength) &&
    (!calibrated || (inside(length, plausible.length) && inside(volume * perVolume, plausible.volume)))
  );
}

type Structure = MeasuredResult['objects'][number];

/**
 * The curve in which the cycle is looked for: twice the root of the area, and where the base is along an axis that changes
 * slowly. Area and base are read from different parts of the outline and wander independently of each other, so together
 * they tell the beat from the noise more clearly than the area alone (docs/echo.md). A length in source units.
 */
function createPulse(): (shape: VentricleShape) => number {
  let axis: Point | null = null;
  let origin: Point = [0, 0];
  return ({ apex, middle, length, area }) => {
    const own: Point = [(middle[0] - apex[0]) / length, (middle[1] - apex[1]) / length];
    if (axis === null) origin = middle;
    axis =
      axis === null
        ? own
        : [axis[0] + axisGain * (own[0] - axis[0]), axis[1] + axisGain * (own[1] - axis[1])];
    const descent = (middle[0] - origin[0]) * axis[0] + (middle[1] - origin[1]) * axis[1];
    return areaWeight * Math.sqrt(area) + descent;
  };
}

/** Of several masks of one size: [left, top, right, bottom] as shares of it. */
function boxIn(...masks: readonly Mask[]): readonly [number, number, number, number] {
  const boxes = masks.map(maskBox).filter(([, , width]) => width > 0);
  const { width = 1, height = 1 } = masks[0] ?? {};
  return [
    Math.min(...boxes.map(([left]) => left)) / width,
    Math.min(...boxes.map(([, top]) => top)) / height,
    Math.max(...boxes.map(([left, , across]) => left + across)) / width,
    Math.max(...boxes.map(([, top, , down]) => top + down)) / height,
  ];
}

type Chambers = Readonly<Record<keyof typeof chambers, Structure>>;

/** The three structures among the objects; null: not all of them are. */
function chambersIn({ objects }: Pick<MeasuredResult, 'objects'>): Chambers | null {
  const [ventricle, wall, atrium] = [chambers.ventricle, chambers.wall, chambers.atrium].map((label) =>
    objects.find((object) => object.label === label),
  );
  return ventricle && wall && atrium ? { ventricle, wall, atrium } : null;
}

type OutlineReader = (
  outlined: Chambers,
  maskSize: PictureSize,
  size: PictureSize,
  spacing: SpacingMm,
) => VentricleShape | null;

/** Reads the outlines of one picture of `size` as a shape, in the unit of `spacing`; null: there is none that could be measured. */
function createOutlineReader(): OutlineReader {
  const readShape = createShapeReader();
  return ({ ventricle, wall, atrium }, { width, height }, size, spacing) => {
    if (!isShown(ventricle.state) || !isShown(wall.state)) return null;
    const scale = { x: (spacing.x * size.width) / width, y: (spacing.y * size.height) / height };
    const own = isShown(atrium.state) ? atrium.mask : emptyMask(width, height);
    const shape = readShape({ cavity: ventricle.mask, wall: wall.mask, atrium: own }, scale);
    return shape !== null && Number.isFinite(shape.volume) && shape.volume > 0 ? shape : null;
  };
}

/** The scale where the ventricle lies: mm, or source pixels where nothing is calibrated. */
const placeOf = ({ ventricle }: Chambers, { size, calibration }: MeasuredSource) =>
  isCalibrated(calibration)
    ? scaleOfMask(ventricle.mask, size, calibration)
    : { spacingMm: { x: 1, y: 1 } as const };

/** The disks of one picture by itself, mm or source pixels; null: its outlines cannot be measured. */
export function disksOn(
  result: Pick<MeasuredResult, 'maskSize' | 'objects'>,
  source: MeasuredSource,
): Disks | null {
  const outlined = chambersIn(result);
  const spacing = outlined && placeOf(outlined, source).spacingMm;
  const shape = spacing && createOutlineReader()(outlined, result.maskSize, source.size, spacing);
  return shape && { length: shape.length, diameters: shape.diameters };
}

/** A measure over time of one source; nothing where the three structures are not among its objects. */
export function createEchoMeasure(): (result: MeasuredResult, source: MeasuredSource) => Measurement[] {
  const readOutline = createOutlineReader();
  const findTurn = createCycleFinder();
  const pulseOf = createPulse();
  /** Pictures per second, as the source says. */
  let shownPerSecond: number | null = null;
  const beats = createBeatCollector(() => shownPerSecond);
  const present = createPresentKeeper();
  /** Times of the pictures of the last seconds. */
  let analysed: number[] = [];
  let newestPtsNs = -Infinity;

  /** Too few pictures lately to tell a beat from, in words: said before the first beat that could be rejected for it. */
  function tooSlow(ptsNs: number): string | null {
    analysed = [...analysed, ptsNs].filter((one) => one >= ptsNs - rateWindow * 1e9);
    const seconds = (ptsNs - (analysed[0] as number)) / 1e9;
    const rate = (analysed.length - 1) / seconds;
    if (seconds <= rateWindow / 2 || rate >= beatLimits.leastRate) return null;
    const detail = pictureWords(rate, shownPerSecond);
    return rejectionWords({ rejection: 'rate-too-low', detail });
  }

  return (result, source) => {
    const outlined = chambersIn(result);
    if (outlined === null) return [];
    const { ventricle, wall } = outlined;
    const { ptsNs } = result.frame;
    if (!(ptsNs > newestPtsNs)) return [];
    newestPtsNs = ptsNs;
    shownPerSecond = source.framesPerSecond ?? null;
    const several = result.several === true;

    const calibrated = isCalibrated(source.calibration);
    const place = placeOf(outlined, source);
    /** Why it has no size in a calibrated picture: it lies where none can be told. */
    const unscaled = isShown(ventricle.state) && place.spacingMm === null ? place.reason : null;
    const units = calibrated ? millimetres : pixels;
    const measured: Measurement[] = [];
    const put = (
      name: EchoMeasure,
      value: number | null,
      unit: string,
      quality: MeasurementQuality,
      note: string,
      more: Partial<Pick<Measurement, 'interval' | 'atPtsNs' | 'beat' | 'values'>> = {},
    ): void => {
      const sound = value !== null && Number.isFinite(value);
      measured.push({
        ...{ name, value: sound ? value : null, unit, interval: null },
        ...{ quality: sound ? quality : 'rejected', note, objectId: ventricle.id, ...more },
      });
    };

    // Nobody knows which of two is meant.
    const shape =
      place.spacingMm === null || several
        ? null
        : readOutline(outlined, result.maskSize, source.size, place.spacingMm);
    const sure = ventricle.state === 'tracking' && wall.state === 'tracking';
    const frame: BeatFrame = {
      ptsNs,
      view: !isShown(ventricle.state) ? 'lost' : shape !== null && sure ? 'seen' : 'unsure',
      score: Number.isFinite(ventricle.score) ? ventricle.score : 0,
      shape: shape && {
        volume: shape.volume * units.perVolume,
        area: shape.area,
        length: shape.length,
        diameters: shape.diameters,
        centroid: shape.centroid,
        cut: shape.openShare > mostOpen,
        plausible: isPlausible(shape, units, calibrated),
      },
      picture:
        result.glance && isShown(ventricle.state)
          ? { glance: result.glance, box: boxIn(ventricle.mask, wall.mask) }
          : null,
      several,
    };
    beats.add(frame);
    const slow = tooSlow(ptsNs);

    if (frame.shape !== null) {
      const { length, area, volume, cut } = frame.shape;
      const note = !frame.shape.plausible
        ? beatRejections.implausible
        : cut
          ? beatRejections['cut-by-sector']
          : sure
            ? ''
            : beatRejections['low-confidence'];
      const of = (value: number): number | null => (frame.shape?.plausible === true ? value : null);
      const quality = note === '' ? 'good' : 'doubtful';
      put(echoMeasures.area, of(area), units.area, quality, note);
      put(echoMeasures.length, of(length), units.length, quality, note);
      put(echoMeasures.volume, of(volume), units.volume, quality, note || 'single-plane');
    } else if (several || unscaled !== null) {
      const why = several ? beatRejections['two-hearts'] : (unscaled as string);
      put(echoMeasures.area, null, units.area, 'rejected', why);
      put(echoMeasures.length, null, units.length, 'rejected', why);
      put(echoMeasures.volume, null, units.volume, 'rejected', why);
    }

    const turn = findTurn(ptsNs, shape === null ? null : pulseOf(shape));
    if (turn !== null) {
      const { number, closed, repeated, enlarged } = beats.turn(turn);
      if (enlarged) present.forget('foreshortened');
      if (closed !== null) {
        present.beat(closed);
        putBeat(closed, units, put);
      }
      if (repeated) present.forget('repeated');
      const name = turn.kind === 'end-diastole' ? echoMeasures.endDiastole : echoMeasures.endSystole;
      const { atPtsNs } = turn;
      put(name, beats.volumeAt(atPtsNs), units.volume, 'good', '', { atPtsNs, beat: number });
    }

    if (several) present.forget('two-hearts');
    const reason = several
      ? beatRejections['two-hearts']
      : slow !== null
        ? slow
        : frame.view === 'lost'
          ? waitingWords.view
          : frame.view === 'unsure'
            ? (unscaled ?? beatRejections['low-confidence'])
            : null;
    const state = present.now(ptsNs, frame.view !== 'lost', reason);
    const summaries = [
      [echoMeasures.ejectionFraction, '%', 'ejectionFraction'],
      [echoMeasures.endDiastolicVolume, units.volume, 'endDiastolicVolume'],
      [echoMeasures.endSystolicVolume, units.volume, 'endSystolicVolume'],
    ] as const;
    for (const [name, unit, key] of summaries)
      if (state.reason !== null) put(name, null, unit, 'rejected', `single-plane, 0 beats: ${state.reason}`);
      else {
        const { value, interval }: Presented = state[key];
        const count = `single-plane, ${state.beats} ${state.beats === 1 ? 'beat' : 'beats'}`;
        const quality = state.beats < presentLimits.goodBeats ? 'doubtful' : 'good';
        put(name, value, unit, quality, `${count}${state.irregularRhythm ? ', irregular rhythm' : ''}`, {
          interval,
        });
      }
    const rhythm = several || state.reason === waitingWords.view ? null : beats.rhythm(ptsNs);
    if (rhythm === null)
      put(echoMeasures.heartRate, null, '/min', 'rejected', state.reason ?? waitingWords.beat);
    else
      put(
        echoMeasures.heartRate,
        60 / rhythm.seconds,
        '/min',
        'good',
        rhythm.irregular ? 'irregular rhythm' : '',
      );
    return measured;
  };
}

/** One measurement per quantity: without a number where the beat does not count, so that no page can show a wrong one. */
function putBeat(
  beat: Beat,
  { volume, length }: Units,
  put: (
    name: EchoMeasure,
    value: number | null,
    unit: string,
    quality: MeasurementQuality,
    note: string,
    more: Pick<Measurement, 'atPtsNs' | 'beat' | 'values'>,
  ) => void,
): void {
  const note =
    beat.rejection !== null
      ? rejectionWords(beat)
      : beat.irregularRhythm
        ? 'single-plane, irregular rhythm'
        : 'single-plane';
  const rows = [
    [echoMeasures.beatEndDiastolicVolume, 'endDiastolicVolume', volume],
    [echoMeasures.beatEndSystolicVolume, 'endSystolicVolume', volume],
    [echoMeasures.beatStrokeVolume, 'strokeVolume', volume],
    [echoMeasures.beatEjectionFraction, 'ejectionFraction', '%'],
    [echoMeasures.beatFractionalAreaChange, 'fractionalAreaChange', '%'],
    [echoMeasures.beatHeartRate, 'heartRate', '/min'],
  ] as const;
  for (const [name, key, unit] of rows)
    put(name, beat.values?.[key] ?? null, unit, 'good', note, { atPtsNs: beat.toPtsNs, beat: beat.number });
  if (beat.rejection !== null || beat.disks === null) return;
  const { endDiastole, endSystole } = beat.disks;
  for (const [name, disks] of [
    [echoMeasures.beatEndDiastolicDisks, endDiastole],
    [echoMeasures.beatEndSystolicDisks, endSystole],
  ] as const)
    put(name, disks.length, length, 'good', '', {
      ...{ atPtsNs: beat.toPtsNs, beat: beat.number, values: disks.diameters },
    });
}
