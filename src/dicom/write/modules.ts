/**
 * What every object that is written has in common: patient, study, series, equipment, dates and what a lossy source lost
 * (PS3.3 C.7.1 to C.7.6.1). Each function gives elements; `dataSet` puts them in order. Pure.
 */
import type { MeasuredSource } from '../../vocabulary/frame.js';
import type { DicomReference } from '../reference.js';
import { item, sequence, text } from './elements.js';
import { isMultiFrame } from './multi-frame.js';
import { derivedUid } from './uid.js';
import { firstValue } from './values.js';

/** What a written object says of the run that it comes from. */
export interface WrittenRun {
  /** Name of the clip. */
  readonly clip: string;
  readonly source: MeasuredSource;
  /** Every tracked object, in the order of their segments. */
  readonly objects: readonly { readonly id: number; readonly label: string }[];
  readonly software: { readonly version: string; readonly model: string; readonly modelSha256: string };
  /** Hash (hex) over all that decides the masks. */
  readonly identity: string;
  /** Hash (hex) over the source alone, or its address: what several runs on one source share follows from it. */
  readonly inputIdentity: string;
  /** Whether a person marked the objects, or the model found them by itself. */
  readonly segmentation: 'automatic' | 'semiautomatic';
  /** Modification time of the source, Unix ms; 0: it is no file. */
  readonly sourceModifiedUnixMs: number;
  readonly dicom: DicomReference | null;
  /** What the pictures lost before they were analysed; null: nothing, as far as is known. */
  readonly loss: { readonly ratios: readonly string[]; readonly methods: readonly string[] } | null;
}

/** Stands in every object, where a reader of it sees it. */
export const researchUse = 'Research use only: not for diagnosis.';

/** UIDs of what a run writes. Those of one source are the same in all runs on it, the others belong to the run. */
export function uidsOf(run: WrittenRun) {
  const own = (purpose: string): string => derivedUid(run.identity, `${run.clip}/${purpose}`);
  const { dicom } = run;
  return {
    segmentation: own('instance'),
    segmentationSeries: own('series'),
    dimensions: own('dimensions'),
    report: own('report'),
    reportSeries: own('report series'),
    capture: own('capture'),
    captureSeries: own('capture series'),
    object: (id: number): string => derivedUid(run.identity, `${run.clip}/object ${id}`),
    study: dicom?.studyInstanceUid ?? derivedUid(run.inputIdentity, 'study'),
    /** Of a source that is no DICOM object: the series that its pictures would be. */
    sourceSeries: dicom?.seriesInstanceUid ?? derivedUid(run.inputIdentity, 'source series'),
    frameOfReference: derivedUid(dicom?.sopInstanceUid ?? run.inputIdentity, 'frame of reference'),
  };
}

/** Reads an attribute of the source; empty where it has none. */
export function inheritedFrom({ dicom }: WrittenRun): (keyword: string) => string {
  return (keyword) => firstValue(dicom?.attributes[keyword]);
}

interface Moment {
  readonly date: string;
  readonly time: string;
}

/** Modification time in UTC; empty for what is no file. */
function modified({ sourceModifiedUnixMs }: WrittenRun): Moment {
  if (sourceModifiedUnixMs === 0) return { date: '', time: '' };
  const written = new Date(sourceModifiedUnixMs).toISOString();
  return {
    date: written.slice(0, 10).replaceAll('-', ''),
    time: written.slice(11, 19).replaceAll(':', ''),
  };
}

/** When the content was made: that of the source, since the result follows from it alone. Never empty. */
function contentMoment(run: WrittenRun): Moment {
  const inherited = inheritedFrom(run);
  const { date, time } = modified(run);
  return {
    date: inherited('ContentDate') || inherited('StudyDate') || date || '19700101',
    time: inherited('ContentTime') || inherited('StudyTime') || time || '000000',
  };
}

/** SOP common: class, instance, character set, time zone. */
export function sopCommon(run: WrittenRun, sopClassUid: string, sopInstanceUid: string): Buffer[] {
  const zone = run.dicom === null ? '+0000' : inheritedFrom(run)('TimezoneOffsetFromUTC');
  return [
    text(0x00080005, 'CS', 'ISO_IR 192'),
    text(0x00080016, 'UI', sopClassUid),
    text(0x00080018, 'UI', sopInstanceUid),
    ...(/^[+-]\d{4}$/.test(zone) ? [text(0x00080201, 'SH', zone)] : []),
  ];
}

/**
 * Patient and study. Those of a DICOM source are taken over; a video or a folder is given a study of its own, the same for
 * all that is written of it, and an identifier in place of a patient's, so that no archive takes two of them for one person.
 */
export function patientAndStudy(run: WrittenRun): Buffer[] {
  const inherited = inheritedFrom(run);
  const optional = (tag: number, vr: 'AS' | 'CS' | 'LO', keyword: string): Buffer[] =>
    inherited(keyword) === '' ? [] : [text(tag, vr, inherited(keyword))];
  const own = run.dicom === null;
  const { date, time } = modified(run);
  return [
    text(0x00080020, 'DA', own ? date : inherited('StudyDate')),
    text(0x00080030, 'TM', own ? time : inherited('StudyTime')),
    text(0x00080050, 'SH', inherited('AccessionNumber')),
    text(0x00080090, 'PN', inherited('ReferringPhysicianName')),
    ...optional(0x00081030, 'LO', 'StudyDescription'),
    text(0x00100010, 'PN', inherited('PatientName')),
    text(0x00100020, 'LO', own ? standInPatientId(run) : inherited('PatientID')),
    ...(own ? [text(0x00100021, 'LO', 'sonoscope')] : optional(0x00100021, 'LO', 'IssuerOfPatientID')),
    text(0x00100030, 'DA', inherited('PatientBirthDate')),
    text(0x00100040, 'CS', inherited('PatientSex')),
    ...optional(0x00101010, 'AS', 'PatientAge'),
    ...optional(0x00120062, 'CS', 'PatientIdentityRemoved'),
    ...optional(0x00120063, 'LO', 'DeidentificationMethod'),
    text(0x0020000d, 'UI', uidsOf(run).study),
    text(0x00200010, 'SH', inherited('StudyID')),
  ];
}

function standInPatientId(run: WrittenRun): string {
  return `FILE-${derivedUid(run.inputIdentity, 'patient').slice(-12)}`;
}

/** Series, content date and time, equipment. `number` tells apart what is written of one source. */
export function seriesAndEquipment(
  run: WrittenRun,
  series: {
    readonly modality: string;
    readonly uid: string;
    readonly number: number;
    readonly description: string;
  },
): Buffer[] {
  const { software } = run;
  const { date, time } = contentMoment(run);
  return [
    text(0x00080021, 'DA', date),
    text(0x00080023, 'DA', date),
    text(0x00080031, 'TM', time),
    text(0x00080033, 'TM', time),
    text(0x00080060, 'CS', series.modality),
    text(0x00080070, 'LO', 'sonoscope'),
    text(0x0008103e, 'LO', series.description),
    text(0x00081090, 'LO', software.model || 'sonoscope'),
    text(0x00181000, 'LO', software.modelSha256 || 'none'),
    text(0x00181020, 'LO', software.version),
    text(0x0020000e, 'UI', series.uid),
    text(0x00200011, 'IS', String(series.number)),
    text(0x00200013, 'IS', '1'),
  ];
}

/** Once lossy, always lossy; `own` is what writing this object lost as well. */
export function lossy(
  run: WrittenRun,
  own: { readonly ratio: string; readonly method: string } | null,
): Buffer[] {
  const before = run.loss;
  // Ratios and methods stand for each other by their place; where the earlier ones do not, they cannot stand before ours.
  const paired = before !== null && before.ratios.length === before.methods.length;
  const keep = before !== null && (own === null || paired);
  const ratios = [...(keep ? before.ratios : []), ...(own === null ? [] : [own.ratio])];
  const methods = [...(keep ? before.methods : []), ...(own === null ? [] : [own.method])];
  return [
    text(0x00282110, 'CS', before === null && own === null ? '00' : '01'),
    ...(ratios.length > 0 ? [text(0x00282112, 'DS', ratios)] : []),
    ...(methods.length > 0 ? [text(0x00282114, 'CS', methods)] : []),
  ];
}

/** An object of the source, and the frame in it (from 1) where its class has several; null: all of its frames. */
export interface SourceImage {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly frame: number | null;
}

/** Where a frame of the source is to be found; null for a source that is no DICOM object. */
export function sourceImage({ dicom }: Pick<WrittenRun, 'dicom'>, sourceFrame: number): SourceImage | null {
  if (dicom === null) return null;
  const { sopClassUid, instances } = dicom;
  const sopInstanceUid = instances === undefined ? dicom.sopInstanceUid : instances[sourceFrame];
  if (sopInstanceUid === undefined) return null;
  const frame = isMultiFrame(dicom) ? (instances === undefined ? sourceFrame + 1 : 1) : null;
  return { sopClassUid, sopInstanceUid, frame };
}

/** All objects of the source; empty for one that is no DICOM object. */
export function sourceImages({ dicom }: Pick<WrittenRun, 'dicom'>): readonly SourceImage[] {
  if (dicom === null) return [];
  const { sopClassUid, sopInstanceUid, instances = [sopInstanceUid] } = dicom;
  return instances.map((uid) => ({ sopClassUid, sopInstanceUid: uid, frame: null }));
}

/** Class, instance and frame. */
export function referencedImage({ sopClassUid, sopInstanceUid, frame }: SourceImage): Buffer[] {
  return [
    text(0x00081150, 'UI', sopClassUid),
    text(0x00081155, 'UI', sopInstanceUid),
    ...(frame === null ? [] : [text(0x00081160, 'IS', String(frame))]),
  ];
}

/** Referenced Series Sequence with the objects of the source; none for a source that is no DICOM object. */
export function referencedSeries(run: WrittenRun): Buffer[] {
  const { dicom } = run;
  if (dicom === null) return [];
  return [
    sequence(
      0x00081115,
      item(
        sequence(0x0008114a, ...sourceImages(run).map((image) => item(...referencedImage(image)))),
        text(0x0020000e, 'UI', dicom.seriesInstanceUid),
      ),
    ),
  ];
}
