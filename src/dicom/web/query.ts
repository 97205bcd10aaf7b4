/** What is in a study or series of an archive, and which of it is a cine (QIDO-RS, PS3.18 section 10.6). Any Node thread. */
import { z } from 'zod';
import { SonoError } from '../../vocabulary/errors.js';
import { dicomError } from '../errors.js';
import { withTarget, type ArchiveAddress, type ArchiveTarget } from './address.js';
import type { ArchiveHttp } from './http.js';
import { numberOf, pages, textOf, type Row } from './rows.js';
import { checkArchive } from './studies.js';

interface FoundObject {
  readonly study: string;
  readonly series: string;
  readonly instance: string;
  readonly sopClass: string;
  readonly modality: string;
  readonly seriesDescription: string;
  readonly seriesNumber: number | null;
  readonly number: number | null;
  /** null where the archive does not say: one, or unknown. */
  readonly frames: number | null;
  readonly width: number | null;
  readonly height: number | null;
}

/** A study of an echo room has some hundred objects, one of a CT several thousand, of which none is a cine. */
const mostObjects = 5000;
const pageObjects = 1000;

/** Objects of a study or of one of its series, by series and number. @throws SONO_ARCHIVE_*, SONO_ARCHIVE_GONE where there are none */
export async function findObjects(
  http: ArchiveHttp,
  target: { readonly study: string; readonly series?: string },
  signal?: AbortSignal,
): Promise<readonly FoundObject[]> {
  const path =
    `/studies/${target.study}` +
    (target.series === undefined ? '' : `/series/${target.series}`) +
    '/instances';
  const found = new Map<string, FoundObject>();
  try {
    for await (const rows of pages(
      http,
      {
        path,
        matches: [],
        fields: ['SeriesDescription', 'SeriesNumber', 'Modality', 'NumberOfFrames', 'Rows', 'Columns'],
        limit: pageObjects,
        signal,
        subject: http.address.location,
      },
      (row) => textOf(row, 'SOPInstanceUID'),
    )) {
      for (const row of rows) {
        const object = objectOf(row, target);
        if (object !== null) found.set(object.instance, object);
      }
      if (found.size >= mostObjects) break;
    }
  } catch (error) {
    // Nothing is at this path. Where nothing is at that of a search either, the root is wrong, not the study.
    if (error instanceof SonoError && error.code === 'SONO_ARCHIVE_GONE') await checkArchive(http, signal);
    throw error;
  }
  if (found.size === 0) throw dicomError('SONO_ARCHIVE_GONE', { uri: http.address.location });
  const order = (a: FoundObject, b: FoundObject): number =>
    (a.seriesNumber ?? 0) - (b.seriesNumber ?? 0) ||
    (a.series < b.series ? -1 : a.series > b.series ? 1 : 0) ||
    (a.number ?? 0) - (b.number ?? 0) ||
    (a.instance < b.instance ? -1 : 1);
  return [...found.values()].sort(order);
}

/** Classes of objects that hold several pictures, where an archive does not say how many. PS3.4 annex B. */
const cineClasses = new Set([
  '1.2.840.10008.5.1.4.1.1.3.1',
  '1.2.840.10008.5.1.4.1.1.3',
  '1.2.840.10008.5.1.4.1.1.12.1',
  '1.2.840.10008.5.1.4.1.1.12.2',
  '1.2.840.10008.5.1.4.1.1.77.1.1.1',
  '1.2.840.10008.5.1.4.1.1.77.1.2.1',
  '1.2.840.10008.5.1.4.1.1.77.1.4.1',
  '1.2.840.10008.5.1.4.1.1.7.1',
  '1.2.840.10008.5.1.4.1.1.7.2',
  '1.2.840.10008.5.1.4.1.1.7.3',
  '1.2.840.10008.5.1.4.1.1.7.4',
]);

/** Segmentations have several frames too, but no pictures. */
const segmentationClass = '1.2.840.10008.5.1.4.1.1.66.4';

export function isCine({ frames, sopClass }: FoundObject): boolean {
  if (sopClass === segmentationClass) return false;
  return frames === null ? cineClasses.has(sopClass) : frames > 1;
}

/**
 * The cines that an address stands for: itself, or those of its study or series.
 * @throws SONO_ARCHIVE_NO_CINE, SONO_ARCHIVE_*
 */
export async function cinesOf(http: ArchiveHttp, signal?: AbortSignal): Promise<readonly ArchiveAddress[]> {
  const { address } = http;
  const target = await dicomTarget(http, signal);
  if (target.kind === 'instance') return [address];
  if (target.kind === 'archive') throw notNamed(address);
  const objects = await findObjects(http, target, signal);
  const cines = objects.filter(isCine);
  if (cines.length === 0) throw dicomError('SONO_ARCHIVE_NO_CINE', { uri: address.location });
  return cines.map(({ study, series, instance }) =>
    withTarget(address, { kind: 'instance', study, series, instance }),
  );
}

function notNamed(address: ArchiveAddress): SonoError {
  return dicomError('SONO_ARCHIVE_ADDRESS', {
    uri: address.location,
    why: 'it names no study, series or instance',
  });
}

const orthancObject = z.object({
  MainDicomTags: z.record(z.string(), z.string()),
  ParentStudy: z.string().optional(),
});

/** A study or series by its DICOM identifiers, where the address has Orthanc's own; an instance stays as it is. */
async function dicomTarget(
  http: ArchiveHttp,
  signal?: AbortSignal,
): Promise<Exclude<ArchiveTarget, { kind: 'orthanc' }>> {
  const { address } = http;
  const { target, orthanc } = address;
  if (target.kind !== 'orthanc') return target;
  const about = async (path: string): Promise<z.infer<typeof orthancObject>> => {
    const answer = orthancObject.safeParse(
      await http.json({
        path,
        root: orthanc ?? '',
        accept: 'application/json',
        subject: address.location,
        action: 'open it',
        signal,
      }),
    );
    if (answer.success) return answer.data;
    throw dicomError('SONO_ARCHIVE_ANSWER', { archive: http.name, why: 'it is not as Orthanc answers' });
  };
  const uid = (object: z.infer<typeof orthancObject>, name: string): string =>
    object.MainDicomTags[name] ?? '';
  switch (target.level) {
    case 'instances':
      return { kind: 'instance', study: '', series: '', instance: target.id };
    case 'studies':
      return { kind: 'study', study: uid(await about(`/studies/${target.id}`), 'StudyInstanceUID') };
    case 'series': {
      const series = await about(`/series/${target.id}`);
      const study = await about(`/studies/${series.ParentStudy ?? ''}`);
      return {
        kind: 'series',
        study: uid(study, 'StudyInstanceUID'),
        series: uid(series, 'SeriesInstanceUID'),
      };
    }
  }
}

function objectOf(
  row: Row,
  target: { readonly study: string; readonly series?: string },
): FoundObject | null {
  const series = textOf(row, 'SeriesInstanceUID') || (target.series ?? '');
  const instance = textOf(row, 'SOPInstanceUID');
  if (series === '' || instance === '') return null;
  return {
    study: target.study,
    series,
    instance,
    sopClass: textOf(row, 'SOPClassUID'),
    modality: textOf(row, 'Modality'),
    seriesDescription: textOf(row, 'SeriesDescription'),
    seriesNumber: numberOf(row, 'SeriesNumber'),
    number: numberOf(row, 'InstanceNumber'),
    frames: numberOf(row, 'NumberOfFrames'),
    width: numberOf(row, 'Columns'),
    height: numberOf(row, 'Rows'),
  };
}
