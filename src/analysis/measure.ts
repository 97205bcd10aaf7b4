/**
 * Everything that is measured on the analysed frames of one source. Pure; runs where results come in: in the graph of a stream, in
 * replay, in evaluation, and in playback of recordings that hold no measurements. Throws nothing. A new measurement is a file beside
 * this one and a member of `measures`; one that looks back keeps its own state in the closure that its maker returns.
 */
import { uncalibrated } from '../vocabulary/calibration.js';
import { echoMeasures } from '../vocabulary/echo.js';
import type { Measurement } from '../vocabulary/measurement.js';
import { areaName, areas } from './area.js';
import { createEchoMeasure } from './echo.js';
import type { MeasuredResult, MeasuredSource } from './measured.js';

type Measure = (result: MeasuredResult, source: MeasuredSource) => Measurement[];

/** Each makes a measurement for one source: what it remembers ends with it. */
const measures: readonly (() => Measure)[] = [() => areas, createEchoMeasure];

/** `format` null: the source has not said its size yet; mask pixels stand for its own. */
export type Measurer = (result: MeasuredResult, format: MeasuredSource | null) => Measurement[];

/**
 * One per source, called with its frames in their order. A frame of another `discontinuity`, or of another size or calibration, begins
 * anew: what was measured over time before belongs to other pictures.
 */
export function createMeasurer(): Measurer {
  let own = measures.map((make) => make());
  let seen = '';
  return (result, format) => {
    const source = format ?? { size: result.maskSize, calibration: uncalibrated };
    const { size, calibration } = source;
    const now = JSON.stringify([result.frame.discontinuity, size.width, size.height, calibration]);
    if (now !== seen) own = measures.map((make) => make());
    seen = now;
    return withOneVerdict(own.flatMap((of) => of(result, source)));
  };
}

/** Of one outline there are not two opinions: what the area of a ventricle is refused or doubted for, its plain area is, too. */
function withOneVerdict(measured: Measurement[]): Measurement[] {
  const verdict = measured.find(({ name, quality }) => name === echoMeasures.area && quality !== 'good');
  if (verdict === undefined) return measured;
  const { quality, note, objectId } = verdict;
  return measured.map((one) =>
    one.name !== areaName || one.objectId !== objectId || one.value === null
      ? one
      : { ...one, quality, note, ...(verdict.value === null && { value: null }) },
  );
}
