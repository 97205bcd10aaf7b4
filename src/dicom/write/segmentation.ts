/**
 * The description of a binary DICOM Segmentation (PS3.3 A.51): one segment per tracked object, one frame per object and source
 * frame on which it is shown, ordered by segment and then by time. Pure; the pixels are the caller's.
 *
 * The picture lies flat in a space of its own and time is the third axis, one millimetre per analysed frame: without an
 * orientation and a place for each moment OHIF, dcmqi and SimpleITK refuse the file or lay all frames upon each other
 * (docs/decisions/0107).
 */
import { isCalibrated, type SpacingMm } from '../../vocabulary/calibration.js';
import { rgbOf } from '../../vocabulary/hex-colour.js';
import { colourOf, slotOfId } from '../../vocabulary/palette.js';
import {
  attributeTag,
  codeSequence,
  dataSet,
  fileStart,
  item,
  sequence,
  text,
  unsignedLong,
  unsignedShort,
} from './elements.js';
import { cieLab } from './cie-lab.js';
import {
  lossy,
  patientAndStudy,
  referencedImage,
  referencedSeries,
  researchUse,
  seriesAndEquipment,
  sopCommon,
  sourceImage,
  uidsOf,
  type WrittenRun,
} from './modules.js';
import { segmentCodes } from './segment-codes.js';
import { decimal } from './values.js';

export const segmentationStorage = '1.2.840.10008.5.1.4.1.1.66.4';
export const perFrameGroups = 0x52009230;

export interface SegmentationFrame {
  /** Number of the segment, from 1. */
  readonly segment: number;
  /** Index in the source, from 0. */
  readonly sourceFrame: number;
  /** Number among the analysed frames, from 1. */
  readonly timeIndex: number;
  /** Position in the source in nanoseconds. */
  readonly mediaNs: number;
}

/** Everything in front of the frames' descriptions, from the preamble on. */
export function segmentationHeader(
  run: WrittenRun,
  facts: {
    readonly frames: number;
    readonly overlap: boolean;
    /** The scale that holds for everything shown; null: none does. */
    readonly spacingMm: SpacingMm | null;
  },
): Buffer {
  const { source, objects, clip } = run;
  const uids = uidsOf(run);
  const dimension = (pointer: number, group: number, label: string): Buffer =>
    item(
      text(0x00209164, 'UI', uids.dimensions),
      attributeTag(0x00209165, pointer),
      attributeTag(0x00209167, group),
      text(0x00209421, 'LO', label),
    );
  return Buffer.concat([
    fileStart(segmentationStorage, uids.segmentation),
    dataSet(
      ...sopCommon(run, segmentationStorage, uids.segmentation),
      ...patientAndStudy(run),
      ...seriesAndEquipment(run, {
        modality: 'SEG',
        uid: uids.segmentationSeries,
        number: 9001,
        description: `sonoscope ${clip}`,
      }),
      text(0x00080008, 'CS', ['DERIVED', 'PRIMARY']),
      ...referencedSeries(run),
      text(0x00200020, 'CS', (run.dicom?.attributes['PatientOrientation'] ?? '').split('\\')),
      text(0x00200052, 'UI', uids.frameOfReference),
      text(0x00201040, 'LO', ''),
      text(0x00204000, 'LT', comment(run, facts.spacingMm)),
      sequence(0x00209221, item(text(0x00209164, 'UI', uids.dimensions))),
      sequence(
        0x00209222,
        dimension(0x0062000b, 0x0062000a, 'Segment'),
        dimension(0x00209128, 0x00209111, 'Position in time'),
      ),
      unsignedShort(0x00280002, 1),
      text(0x00280004, 'CS', 'MONOCHROME2'),
      text(0x00280008, 'IS', String(facts.frames)),
      unsignedShort(0x00280010, source.size.height),
      unsignedShort(0x00280011, source.size.width),
      unsignedShort(0x00280100, 1),
      unsignedShort(0x00280101, 1),
      unsignedShort(0x00280102, 0),
      unsignedShort(0x00280103, 0),
      ...lossy(run, null),
      text(0x00620001, 'CS', 'BINARY'),
      sequence(0x00620002, ...objects.map((object, index) => segmentItem(run, object, index + 1))),
      text(0x00620013, 'CS', facts.overlap ? 'YES' : 'NO'),
      text(0x00700080, 'CS', 'SEGMENTATION'),
      text(0x00700081, 'LO', `Tracked objects of ${clip}`),
      text(0x00700084, 'PN', 'sonoscope'),
      sequence(0x52009229, sharedGroups(facts.spacingMm)),
    ),
  ]);
}

/** One item of the Per-frame Functional Groups Sequence. */
export function segmentationFrameItem(run: WrittenRun, frame: SegmentationFrame): Buffer {
  const { segment, sourceFrame, timeIndex, mediaNs } = frame;
  const source = sourceImage(run, sourceFrame);
  return item(
    ...(source === null
      ? []
      : [
          // Derivation Image: which frame of which instance was segmented.
          sequence(
            0x00089124,
            item(
              sequence(
                0x00082112,
                item(
                  ...referencedImage(source),
                  // Same pixels at the same places.
                  text(0x0028135a, 'CS', 'YES'),
                  codeSequence(0x0040a170, {
                    value: '121322',
                    scheme: 'DCM',
                    meaning: 'Source image for image processing operation',
                  }),
                ),
              ),
              codeSequence(0x00089215, { value: '113076', scheme: 'DCM', meaning: 'Segmentation' }),
            ),
          ),
        ]),
    // Frame Content
    sequence(
      0x00209111,
      item(
        unsignedLong(0x00209128, timeIndex),
        unsignedLong(0x00209157, segment, timeIndex),
        text(
          0x00209158,
          'LT',
          `Picture ${sourceFrame + 1} of the source, at ${(mediaNs / 1e9).toFixed(6)} s`,
        ),
      ),
    ),
    // Plane Position (Patient)
    sequence(0x00209113, item(text(0x00200032, 'DS', ['0', '0', String(timeIndex - 1)]))),
    // Segment Identification
    sequence(0x0062000a, item(unsignedShort(0x0062000b, segment))),
  );
}

function comment({ source: { calibration } }: WrittenRun, spacingMm: SpacingMm | null): string {
  return [
    researchUse,
    'The third axis is time: one millimetre per picture.',
    ...(spacingMm !== null
      ? []
      : [
          isCalibrated(calibration)
            ? 'No one scale holds for all objects: one millimetre stands for one pixel.'
            : 'Not calibrated: one millimetre stands for one pixel.',
        ]),
  ].join(' ');
}

function segmentItem(run: WrittenRun, { id, label }: WrittenRun['objects'][number], number: number): Buffer {
  const { category, type } = segmentCodes(label);
  return item(
    codeSequence(0x00620003, category),
    unsignedShort(0x00620004, number),
    text(0x00620005, 'LO', label),
    text(0x00620008, 'CS', run.segmentation === 'automatic' ? 'AUTOMATIC' : 'SEMIAUTOMATIC'),
    text(0x00620009, 'LO', `sonoscope ${run.software.model}`),
    unsignedShort(0x0062000d, ...cieLab(rgbOf(colourOf(slotOfId(id), run.source.pictureKind)))),
    codeSequence(0x0062000f, type),
    text(0x00620020, 'UT', `${label} (${id})`),
    text(0x00620021, 'UI', uidsOf(run).object(id)),
  );
}

/** Plane orientation and pixel measures. */
function sharedGroups(spacingMm: SpacingMm | null): Buffer {
  const { x, y } = spacingMm ?? { x: 1, y: 1 };
  return item(
    sequence(0x00209116, item(text(0x00200037, 'DS', ['1', '0', '0', '0', '1', '0']))),
    sequence(
      0x00289110,
      item(
        text(0x00180050, 'DS', '1'),
        text(0x00180088, 'DS', '1'),
        // Rows first, then columns.
        text(0x00280030, 'DS', [decimal(y), decimal(x)]),
      ),
    ),
  );
}
