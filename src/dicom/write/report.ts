/**
 * A Comprehensive SR with the template Measurement Report (PS3.16 TID 1500): per tracked object a measurement group with the
 * segment of the run's segmentation as region (TID 1411), and for a heart a group per beat and one for the whole recording
 * (TID 1501, codes of TID 5200). Written piece by piece: header, groups, `reportEnd`. Pure.
 */
import type { EchoView } from '../../vocabulary/echo.js';
import { dataSet, fileStart, item, sequence, text, type Code } from './elements.js';
import {
  inheritedFrom,
  patientAndStudy,
  referencedImage,
  researchUse,
  seriesAndEquipment,
  sopCommon,
  sourceImage,
  sourceImages,
  uidsOf,
  type SourceImage,
  type WrittenRun,
} from './modules.js';
import {
  codeItem,
  container,
  containerElements,
  containerEnd,
  containerStart,
  contentEnd,
  contentStart,
  dcm,
  imageItem,
  ln,
  numberItem,
  sct,
  textItem,
  ucum,
  uidItem,
  type ImageReference,
} from './report-items.js';
import { segmentCodes } from './segment-codes.js';
import { segmentationStorage } from './segmentation.js';
import { derivedUid } from './uid.js';

const comprehensiveSr = '1.2.840.10008.5.1.4.1.1.88.33';

const measurementGroup = dcm('125007', 'Measurement Group');
const comment = dcm('121106', 'Comment');
const findingSite = sct('363698007', 'Finding Site');
const leftVentricle = sct('87878005', 'Left ventricle');
const disks = dcm('125208', 'Method of Disks, Single Plane');

/** What a number was made of several by. */
const derivations = {
  mean: sct('373098007', 'Mean'),
  median: sct('373099004', 'Median'),
  lowest: sct('255605001', 'Minimum'),
  highest: sct('56851009', 'Maximum'),
} as const satisfies Record<string, Code>;
type Derivation = keyof typeof derivations;

/** Units as UCUM has them; a count of pixels is no unit of UCUM and stands in braces. */
export const reportUnits = {
  mm2: ucum('mm2', 'square millimeter'),
  px: ucum('{pixels}', 'pixels'),
  mL: ucum('mL', 'milliliter'),
  '%': ucum('%', 'percent'),
  '/min': ucum('/min', 'per minute'),
} as const satisfies Record<string, Code>;
export type ReportUnit = keyof typeof reportUnits;

/** What is measured of a heart, by the codes of the adult echocardiography report (PS3.16 TID 5200, CID 12201). */
export const heartConcepts = {
  endDiastolicVolume: ln('18026-5', 'Left Ventricular End Diastolic Volume'),
  endSystolicVolume: ln('18148-7', 'Left Ventricular End Systolic Volume'),
  strokeVolume: sct('90096001', 'Stroke Volume'),
  ejectionFraction: ln('18043-0', 'Left Ventricular Ejection Fraction'),
  fractionalAreaChange: sct('399287000', 'Left Ventricular Fractional Area Change'),
  heartRate: ln('8867-4', 'Heart rate'),
} as const satisfies Record<string, Code>;
export type HeartFigure = keyof typeof heartConcepts;

/** Preamble, header and content up to the first measurement group. `remarks` are for the person who reads it. */
export function reportHeader(run: WrittenRun, remarks: readonly string[]): Buffer {
  const uids = uidsOf(run);
  const { dicom, software } = run;
  const modality = inheritedFrom(run)('Modality');
  return Buffer.concat([
    fileStart(comprehensiveSr, uids.report),
    dataSet(
      ...sopCommon(run, comprehensiveSr, uids.report),
      ...patientAndStudy(run),
      ...seriesAndEquipment(run, {
        modality: 'SR',
        uid: uids.reportSeries,
        number: 9002,
        description: `sonoscope ${run.clip}: measurements`,
      }),
      // Performed procedure: not known.
      sequence(0x00081111),
      sequence(0x0040a372),
      sequence(0x0040a375, ...evidence(run)),
      text(0x0040a491, 'CS', 'COMPLETE'),
      text(0x0040a493, 'CS', 'UNVERIFIED'),
      ...containerElements(dcm('126000', 'Imaging Measurement Report'), '1500'),
    ),
    contentStart,
    codeItem('HAS CONCEPT MOD', dcm('121049', 'Language of Content Item and Descendants'), {
      ...{ value: 'en', scheme: 'RFC5646', meaning: 'English' },
    }),
    codeItem('HAS OBS CONTEXT', dcm('121005', 'Observer Type'), dcm('121007', 'Device')),
    uidItem('HAS OBS CONTEXT', dcm('121012', 'Device Observer UID'), deviceUid(software)),
    textItem('HAS OBS CONTEXT', dcm('121013', 'Device Observer Name'), 'sonoscope'),
    textItem('HAS OBS CONTEXT', dcm('121014', 'Device Observer Manufacturer'), 'sonoscope'),
    textItem('HAS OBS CONTEXT', dcm('121015', 'Device Observer Model Name'), software.model || 'sonoscope'),
    codeItem(
      'HAS CONCEPT MOD',
      dcm('121058', 'Procedure reported'),
      dicom === null ? imaging : (procedures[modality] ?? imaging),
    ),
    containerStart(dcm('126010', 'Imaging Measurements'), null),
    ...[researchUse, ...remarks].map((remark) => textItem('CONTAINS', comment, remark)),
  ]);
}

export const reportEnd = Buffer.concat([containerEnd, contentEnd]);

/** Everything of an object but its numbers; these and `containerEnd` follow. `frames`: of the source, on which it is shown. */
export function objectGroupStart(run: WrittenRun, index: number, frames: readonly number[]): Buffer {
  const uids = uidsOf(run);
  const { dicom, objects } = run;
  const { id, label } = objects[index] ?? { id: 0, label: '' };
  const { category, type } = segmentCodes(label);
  return Buffer.concat([
    containerStart(measurementGroup, '1411'),
    ...tracking(`${label} (${id})`, uids.object(id)),
    codeItem('CONTAINS', sct('276214006', 'Finding category'), category),
    codeItem('CONTAINS', dcm('121071', 'Finding'), type),
    imageItem('CONTAINS', dcm('121191', 'Referenced Segment'), {
      ...{ sopClassUid: segmentationStorage, sopInstanceUid: uids.segmentation },
      ...{ frames: [], segment: index + 1 },
    }),
    ...(dicom === null
      ? [uidItem('CONTAINS', dcm('121232', 'Source series for segmentation'), uids.sourceSeries)]
      : segmentedImages(run, frames).map((image) =>
          imageItem('CONTAINS', dcm('121233', 'Source image for segmentation'), image),
        )),
  ]);
}

/** Area of an object on one frame. `segmentationFrame` (from 1) is named where the source is no DICOM object. */
export function areaItem(
  run: WrittenRun,
  area: { readonly value: string; readonly unit: ReportUnit },
  at:
    | { readonly sourceFrame: number; readonly segmentationFrame: number; readonly segment: number }
    | Derivation,
): Buffer {
  const children =
    typeof at === 'string'
      ? [derivation(at)]
      : [
          imageItem(
            'INFERRED FROM',
            dcm('121112', 'Source of Measurement'),
            imageOf(run, at.sourceFrame) ?? {
              ...{ sopClassUid: segmentationStorage, sopInstanceUid: uidsOf(run).segmentation },
              ...{ frames: [at.segmentationFrame], segment: null },
            },
          ),
        ];
  return numberItem(sct('42798000', 'Area'), area.value, reportUnits[area.unit], children);
}

export interface HeartNumber {
  readonly figure: HeartFigure;
  readonly value: string;
  readonly unit: ReportUnit;
  readonly derivation: Derivation | null;
  /** Frames of the source from which it was read. */
  readonly sourceFrames: readonly number[];
}

/** Numbers of a beat or of a whole recording; `remarks` say what a number cannot, such as why there is none. */
export function heartGroup(
  run: WrittenRun,
  view: EchoView,
  name: string,
  numbers: readonly HeartNumber[],
  remarks: readonly string[],
): Buffer {
  return container(measurementGroup, '1501', [
    ...tracking(name, derivedUid(run.identity, `${run.clip}/${name}`)),
    codeItem('HAS CONCEPT MOD', findingSite, leftVentricle),
    ...numbers.map(({ figure, value, unit, derivation: by, sourceFrames }) =>
      numberItem(heartConcepts[figure], value, reportUnits[unit], [
        ...(figure === 'heartRate' ? [] : [method, imageViews[view]]),
        ...(by === null ? [] : [derivation(by)]),
        ...sourceFrames.flatMap((frame) => {
          const image = imageOf(run, frame);
          return image === null
            ? []
            : [imageItem('INFERRED FROM', dcm('121112', 'Source of Measurement'), image)];
        }),
      ]),
    ),
    ...remarks.map((remark) => textItem('CONTAINS', comment, remark)),
  ]);
}

const method = codeItem('HAS CONCEPT MOD', sct('370129005', 'Measurement Method'), disks);

const imageView = (view: Code): Buffer => codeItem('HAS CONCEPT MOD', dcm('111031', 'Image View'), view);
const imageViews: Readonly<Record<EchoView, Buffer>> = {
  a4c: imageView(sct('399214001', 'Apical four chamber')),
  a2c: imageView(sct('399232001', 'Apical two chamber')),
};

function derivation(by: Derivation): Buffer {
  return codeItem('HAS CONCEPT MOD', dcm('121401', 'Derivation'), derivations[by]);
}

function tracking(name: string, uid: string): Buffer[] {
  return [
    textItem('HAS OBS CONTEXT', dcm('112039', 'Tracking Identifier'), name),
    uidItem('HAS OBS CONTEXT', dcm('112040', 'Tracking Unique Identifier'), uid),
  ];
}

function imageOf(run: WrittenRun, sourceFrame: number): ImageReference | null {
  const image = sourceImage(run, sourceFrame);
  if (image === null) return null;
  const { frame, ...object } = image;
  return { ...object, frames: frame === null ? [] : [frame], segment: null };
}

/** An image for each object of the source on which something is shown, with the frames in it; all where nothing is. */
function segmentedImages(run: WrittenRun, sourceFrames: readonly number[]): readonly ImageReference[] {
  const images = new Map<string, ImageReference & { readonly frames: number[] }>();
  for (const sourceFrame of sourceFrames) {
    const image = sourceImage(run, sourceFrame);
    if (image === null) continue;
    const { frame, ...object } = image;
    const known = images.get(object.sopInstanceUid) ?? { ...object, frames: [], segment: null };
    if (frame !== null) known.frames.push(frame);
    images.set(object.sopInstanceUid, known);
  }
  if (images.size > 0) return [...images.values()];
  return sourceImages(run).map(({ frame: _, ...object }) => ({ ...object, frames: [], segment: null }));
}

const imaging = sct('363679005', 'Imaging');
const procedures: Readonly<Record<string, Code>> = {
  US: sct('16310003', 'Ultrasonography'),
  IVUS: sct('16310003', 'Ultrasonography'),
  ES: sct('423827005', 'Endoscopy'),
};

/** One version of the software with one model is one observer. */
function deviceUid({ version, model, modelSha256 }: WrittenRun['software']): string {
  return derivedUid(modelSha256, `${version} ${model}`);
}

/** Instances that the report refers to: the segmentation, and the source where it is an object. */
function evidence(run: WrittenRun): Buffer[] {
  const uids = uidsOf(run);
  const { dicom } = run;
  const series = (uid: string, images: readonly SourceImage[]): Buffer =>
    item(
      sequence(0x00081199, ...images.map((image) => item(...referencedImage(image)))),
      text(0x0020000e, 'UI', uid),
    );
  return [
    item(
      sequence(
        0x00081115,
        series(uids.segmentationSeries, [
          { sopClassUid: segmentationStorage, sopInstanceUid: uids.segmentation, frame: null },
        ]),
        ...(dicom === null ? [] : [series(dicom.seriesInstanceUid, sourceImages(run))]),
      ),
      text(0x0020000d, 'UI', uids.study),
    ),
  ];
}
