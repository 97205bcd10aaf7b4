/**
 * The description of a Multi-frame True Color Secondary Capture (PS3.3 A.8.5) of pictures with their outlines burned in. Pure; the
 * frames, JPEG each, are the caller's.
 */
import { attributeTag, codeSequence, dataSet, fileStart, item, sequence, text, unsignedShort } from './elements.js'; // prettier-ignore
import {
  inheritedFrom,
  lossy,
  patientAndStudy,
  referencedImage,
  referencedSeries,
  researchUse,
  seriesAndEquipment,
  sopCommon,
  sourceImages,
  uidsOf,
  type WrittenRun,
} from './modules.js';
import { decimal } from './values.js';

const captureStorage = '1.2.840.10008.5.1.4.1.1.7.4';
const jpegBaseline = '1.2.840.10008.1.2.4.50';

const frameTimeTag = 0x00181063;
const frameTimeVectorTag = 0x00181065;
/** Frames are evenly apart where none is farther than this from its place. */
const evenNs = 10_000;

/** Everything in front of the pixel data. `timesNs`: of each frame in the source, ascending, at least one. */
export function captureHeader(
  run: WrittenRun,
  facts: {
    readonly width: number;
    readonly height: number;
    readonly timesNs: readonly number[];
    readonly compressedBytes: number;
  },
): Buffer {
  const uids = uidsOf(run);
  const { width, height, timesNs, compressedBytes } = facts;
  const ratio = ((width * height * 3 * timesNs.length) / compressedBytes).toFixed(2);
  const images = sourceImages(run);
  return Buffer.concat([
    fileStart(captureStorage, uids.capture, jpegBaseline),
    dataSet(
      ...sopCommon(run, captureStorage, uids.capture),
      ...patientAndStudy(run),
      ...seriesAndEquipment(run, {
        modality: inheritedFrom(run)('Modality') || 'OT',
        uid: uids.captureSeries,
        number: 9003,
        description: `sonoscope ${run.clip}: outlines burned in`,
      }),
      text(0x00080008, 'CS', ['DERIVED', 'SECONDARY']),
      text(0x00080064, 'CS', 'WSD'),
      text(
        0x00082111,
        'ST',
        `Outlines of ${run.objects.map(({ label }) => label).join(', ')} drawn into the pictures by sonoscope. ${researchUse}`,
      ),
      ...(images.length === 0
        ? []
        : [
            sequence(
              0x00082112,
              ...images.map((image) =>
                item(
                  ...referencedImage(image),
                  codeSequence(0x0040a170, {
                    ...{ value: '121322', scheme: 'DCM' },
                    meaning: 'Source image for image processing operation',
                  }),
                ),
              ),
            ),
          ]),
      ...referencedSeries(run),
      text(0x00200020, 'CS', (run.dicom?.attributes['PatientOrientation'] ?? '').split('\\')),
      text(0x00200060, 'CS', ''),
      text(0x00204000, 'LT', researchUse),
      unsignedShort(0x00280002, 3),
      text(0x00280004, 'CS', 'YBR_FULL_422'),
      unsignedShort(0x00280006, 0),
      text(0x00280008, 'IS', String(timesNs.length)),
      ...frameTimes(timesNs),
      unsignedShort(0x00280010, height),
      unsignedShort(0x00280011, width),
      unsignedShort(0x00280100, 8),
      unsignedShort(0x00280101, 8),
      unsignedShort(0x00280102, 7),
      unsignedShort(0x00280103, 0),
      text(0x00280301, 'CS', 'YES'),
      ...lossy(run, { ratio, method: 'ISO_10918_1' }),
    ),
  ]);
}

/** Frame Time where the frames are evenly apart, else Frame Time Vector; both in milliseconds. One frame has no time. */
function frameTimes(timesNs: readonly number[]): Buffer[] {
  if (timesNs.length < 2) return [];
  const first = timesNs[0] ?? 0;
  const last = timesNs.at(-1) ?? first;
  const stepNs = (last - first) / (timesNs.length - 1);
  const even = timesNs.every((time, index) => Math.abs(time - first - index * stepNs) <= evenNs);
  if (even) return [text(frameTimeTag, 'DS', decimal(stepNs / 1e6)), attributeTag(0x00280009, frameTimeTag)];
  const steps = timesNs.map((time, index) => decimal((time - (timesNs[index - 1] ?? time)) / 1e6));
  return [text(frameTimeVectorTag, 'DS', steps), attributeTag(0x00280009, frameTimeVectorTag)];
}
