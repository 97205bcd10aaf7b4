/**
 * The corrections of a recording applied to what was measured on it: beats, curve and summary as a page shows them, and the masks and
 * measurements of each frame as exports write them. Runs in the main process and in the item's process.
 */
import {
  correctBeats,
  correctionProblem,
  picturesForDisks,
  summaryOfBeats,
  type BeatCorrection,
  type BeatSummary,
  type CorrectedBeat,
  type CurveValues,
  type DisksOfPictures,
} from '../analysis/corrected-beats.js';
import { BeatNumbers, createCorrectedStream } from '../analysis/corrected-stream.js';
import type { Disks } from '../analysis/beats.js';
import type { ViewBeats } from '../analysis/biplane-beats.js';
import {
  drawnObjects,
  measureDrawn,
  sizeNames,
  withDrawnOutlines,
  type DrawnOutlines,
} from '../analysis/drawn-outline.js';
import { disksOn } from '../analysis/echo.js';
import { reasonIn } from '../analysis/beat-table.js';
import { maskArea, maskFromCocoBytes, maskFromCocoString } from '../mask/rle.js';
import type { SegmentationMessage } from '../protocol/messages.js';
import type { Correction } from '../protocol/project-requests.js';
import { chambers, echoMeasures } from '../vocabulary/echo.js';
import { isCalibrated } from '../vocabulary/calibration.js';
import type { FrameIdentity, MeasuredSource, PictureSize } from '../vocabulary/frame.js';
import type { Mask } from '../vocabulary/mask.js';
import { isShown } from '../vocabulary/prompt.js';
import type { Measurement } from '../vocabulary/measurement.js';
import { ClipMeasurements, type ClipUnits, type CurvePoint } from './clip-measurements.js';
import type { LabelledObject } from './clip-result.js';
import type { EarlierMasks } from './forward-pass.js';
import type { StoredMeasurement } from './frame-measurer.js';
import type { StoredMasks } from './stored-masks.js';

export { rejectionCode } from '../analysis/corrected-beats.js';
export type { DrawnOutlines };

export function unitsOf({ calibration }: MeasuredSource): ClipUnits {
  return isCalibrated(calibration)
    ? { length: 'mm', area: 'mm2', volume: 'mL' }
    : { length: 'px', area: 'px2', volume: 'px3' };
}

/** Outlines that are drawn, by picture; of two of one structure the later counts. */
export function drawnByFrame(corrections: readonly Correction[]): ReadonlyMap<number, DrawnOutlines> {
  const drawn = new Map<number, Map<string, Mask>>();
  for (const correction of corrections) {
    if (correction.kind !== 'contour') continue;
    const { frame, label, mask } = correction;
    const [height, width] = mask.size;
    const own = drawn.get(frame) ?? new Map<string, Mask>();
    own.set(label, maskFromCocoString(mask.counts, width, height));
    drawn.set(frame, own);
  }
  return drawn;
}

/** The objects of a stored frame with masks at source size, and those that are drawn in their place. */
export function objectsOf(message: SegmentationMessage, drawn: DrawnOutlines | undefined): LabelledObject[] {
  const { width, height } = message.maskSize;
  const objects = message.objects.map(({ label, state, score, confidence, counts }) => ({
    ...{ label, state, score, confidence },
    mask: maskFromCocoBytes(counts, width, height),
  }));
  return drawn === undefined ? objects : withDrawnOutlines(objects, drawn);
}

/** What is measured on a picture with drawn outlines, by the ids of the file. */
export function measureFrame(
  message: SegmentationMessage,
  drawn: DrawnOutlines,
  source: MeasuredSource,
): Measurement[] {
  const objects = objectsOf(message, undefined).map((object, index) => ({
    ...object,
    id: message.objects[index]?.id ?? 0,
    areaPx: maskArea(object.mask),
  }));
  const frame = { ptsNs: message.ptsNs, discontinuity: 0 };
  return measureDrawn({ frame, maskSize: message.maskSize, objects }, drawn, source);
}

/** How the ventricle is cut into disks on a picture, as it was found or drawn; null: it cannot be measured there. */
export function disksOfFrame(
  message: SegmentationMessage,
  drawn: DrawnOutlines | undefined,
  source: MeasuredSource,
): Disks | null {
  const found = objectsOf(message, undefined);
  const objects = (drawn === undefined ? found : drawnObjects(found, drawn)).map((object, index) => ({
    ...object,
    id: message.objects[index]?.id ?? 0,
    areaPx: 0,
  }));
  return disksOn({ maskSize: message.maskSize, objects }, source);
}

/** A picture with drawn outlines, and what is measured on it by itself. */
export interface DrawnFrame {
  readonly ptsNs: number;
  readonly measurements: readonly Measurement[];
}

export class CorrectedClip {
  readonly #beatCorrections: readonly BeatCorrection[];
  readonly beats: readonly CorrectedBeat[];
  readonly summary: BeatSummary;

  constructor(
    readonly clip: ClipMeasurements,
    corrections: readonly Correction[],
    /** By picture. */
    readonly drawn: ReadonlyMap<number, DrawnFrame>,
    /** Of the pictures that `forDisks` names: without them a corrected beat takes no part in what is measured from two views. */
    disks: DisksOfPictures = new Map(),
  ) {
    this.#beatCorrections = corrections.flatMap((correction) => timed(correction, clip));
    this.beats = correctBeats(clip.found, this.#beatCorrections, this.#sizes, disks);
    this.summary = summaryOfBeats(this.beats, clip.units.volume);
  }

  /** Why the last of the corrections cannot be made; null: it can. */
  get problem(): string | null {
    return correctionProblem(this.clip.found, this.#beatCorrections, this.#sizes);
  }

  /** Pictures whose disks its corrected beats need, rising. */
  get forDisks(): readonly number[] {
    return picturesForDisks(this.beats, this.clip.found.curve, this.#sizes).flatMap(
      (ptsNs) => this.clip.frameOf(ptsNs) ?? [],
    );
  }

  /** The beats that count as one of two views, or why there are none. */
  get viewBeats(): ViewBeats | { readonly reason: string } {
    const beats = this.beats.flatMap(({ accepted, disks, heartRate }) =>
      accepted && disks !== null && typeof heartRate?.value === 'number'
        ? [{ disks, heartRate: heartRate.value }]
        : [],
    );
    const { value, note } = this.summary.ejectionFraction;
    if (beats.length === 0) return { reason: value === null ? reasonIn(note) : 'no beat has its disks' };
    const irregularRhythm = this.beats.some(
      ({ accepted, ejectionFraction }) => accepted && ejectionFraction?.note.includes('irregular') === true,
    );
    return { beats, irregularRhythm, unit: this.clip.units.length };
  }

  /** What was measured on a drawn picture in place of what the network's outlines gave. */
  drawnOn(frame: number): readonly Measurement[] | null {
    return this.drawn.get(frame)?.measurements ?? null;
  }

  get #sizes(): ReadonlyMap<number, CurveValues> {
    return new Map([...this.drawn.values()].map(({ ptsNs, measurements }) => [ptsNs, sizesOf(measurements)]));
  }
}

/** Size of the ventricle among the measurements of a picture; null where there is none. */
export function sizesOf(
  measurements: readonly Measurement[],
): Pick<CurvePoint, 'area' | 'length' | 'volume' | 'quality'> {
  const of = (name: string): Measurement | null =>
    measurements.find((measurement) => measurement.name === name) ?? null;
  const volume = of(echoMeasures.volume);
  return {
    area: of(echoMeasures.area)?.value ?? null,
    length: of(echoMeasures.length)?.value ?? null,
    volume: volume?.value ?? null,
    quality: volume?.quality ?? null,
  };
}

function timed(correction: Correction, clip: ClipMeasurements): BeatCorrection[] {
  // A picture that was not measured has a time that no picture has: it is refused when the correction is made.
  const at = (frame: number): number => clip.timeOf(frame) ?? -1;
  switch (correction.kind) {
    case 'moment': {
      const { kind, beat, which, frame } = correction;
      return [{ kind, beat, which, atPtsNs: at(frame) }];
    }
    case 'accept':
      return [correction];
    case 'add':
      return [
        {
          kind: 'add',
          endDiastolePtsNs: at(correction.endDiastole),
          endSystolePtsNs: at(correction.endSystole),
          nextEndDiastolePtsNs: at(correction.nextEndDiastole),
        },
      ];
    case 'contour':
      return [];
  }
}

/** Reads a recording's masks and measurements once, and applies the corrections. */
export async function readCorrectedClip(
  masks: StoredMasks,
  corrections: readonly Correction[],
  source: MeasuredSource,
): Promise<CorrectedClip> {
  const clip = new ClipMeasurements(unitsOf(source));
  const outlines = drawnByFrame(corrections);
  const drawn = new Map<number, DrawnFrame>();
  for await (const entry of masks.entriesSince(0)) {
    clip.take(entry);
    if (entry.kind !== 'frame') continue;
    const own = outlines.get(entry.message.sourceFrame);
    if (own !== undefined)
      drawn.set(entry.message.sourceFrame, {
        ptsNs: entry.message.ptsNs,
        measurements: measureFrame(entry.message, own, source),
      });
  }
  clip.finish();
  const corrected = new CorrectedClip(clip, corrections, drawn);
  const disks = new Map<number, Disks>();
  for await (const message of masks.among(corrected.forDisks)) {
    const own = disksOfFrame(message, outlines.get(message.sourceFrame), source);
    if (own !== null) disks.set(message.ptsNs, own);
  }
  return disks.size === 0 ? corrected : new CorrectedClip(clip, corrections, drawn, disks);
}

/** Masks of an earlier run as a person has corrected them, with measurements that follow. */
export class CorrectedMasks implements EarlierMasks {
  readonly #numbers = new BeatNumbers();
  readonly #stream;
  readonly #outlines: ReadonlyMap<number, DrawnOutlines>;
  #seen = false;

  constructor(
    private readonly masks: StoredMasks,
    private readonly corrected: CorrectedClip,
    corrections: readonly Correction[],
  ) {
    const { beats, clip } = corrected;
    this.#outlines = drawnByFrame(corrections);
    this.#stream = createCorrectedStream(beats, clip.units, clip.lastPtsNs);
  }

  async at(frame: FrameIdentity, size: PictureSize): Promise<readonly LabelledObject[]> {
    const objects = await this.masks.at(frame, size);
    const drawn = this.#outlines.get(frame.sourceFrame);
    const shown = drawn === undefined ? objects : withDrawnOutlines(objects, drawn);
    this.#seen = shown.some(({ label, state }) => label === chambers.ventricle && isShown(state));
    return shown;
  }

  async measurements(frame: FrameIdentity): Promise<readonly StoredMeasurement[]> {
    const stored = await this.masks.measurements(frame);
    const { clip } = this.corrected;
    const drawn = this.corrected.drawnOn(frame.sourceFrame);
    const found = stored.map(({ measurement }) => measurement);
    const own = drawn === null ? found : [...drawn, ...found.filter(({ name }) => !sizeNames.has(name))];
    return this.#stream(Math.round(frame.mediaNs), this.#seen, this.#numbers.unique(own)).flatMap(
      (measurement) => {
        const label = clip.labelOf(measurement.objectId);
        return label === null ? [] : [{ label, measurement }];
      },
    );
  }
}
