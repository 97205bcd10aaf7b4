/**
 * Everything that is measured on one analysed frame. Pure; runs where results come in: in the graph of a stream, in the MCAP
 * export, and in playback of recordings that hold no measurements. Throws nothing. A new measurement is a file beside
 * this one and a member of `measures`.
 */
import type { Measurement } from '../vocabulary/measurement.js';
import { areas } from './area.js';
import type { MeasuredResult, MeasuredSource } from './measured.js';

const measures: readonly ((result: MeasuredResult, source: MeasuredSource) => Measurement[])[] = [areas];

/** `format` null: the source has not said its size yet; mask pixels stand for its own. */
export function measure(result: MeasuredResult, format: MeasuredSource | null): Measurement[] {
  const source = format ?? { size: result.maskSize, pixelSpacingMm: null };
  return measures.flatMap((of) => of(result, source));
}
