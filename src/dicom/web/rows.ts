/**
 * Lists that an archive answers (QIDO-RS, PS3.18 section 10.6) in DICOM JSON, page by page. Any Node thread.
 */
import type { SonoError } from '../../vocabulary/errors.js';
import { dicomError } from '../errors.js';
import { described, firstCount, firstText, type Described } from './described.js';
import type { ArchiveHttp } from './http.js';
import { isFormRefused } from './refused.js';

export type Row = Described;

const tags = {
  SOPClassUID: '00080016',
  SOPInstanceUID: '00080018',
  StudyDate: '00080020',
  Modality: '00080060',
  ModalitiesInStudy: '00080061',
  StudyDescription: '00081030',
  SeriesDescription: '0008103E',
  PatientName: '00100010',
  PatientID: '00100020',
  StudyInstanceUID: '0020000D',
  SeriesInstanceUID: '0020000E',
  SeriesNumber: '00200011',
  InstanceNumber: '00200013',
  NumberOfStudyRelatedInstances: '00201208',
  NumberOfFrames: '00280008',
  Rows: '00280010',
  Columns: '00280011',
} as const;
type Keyword = keyof typeof tags;

interface Question {
  /** Below the root of the service, without a query. */
  readonly path: string;
  /** Of the query, encoded. */
  readonly matches: readonly string[];
  /** Attributes that are wanted beside the usual ones. */
  readonly fields: readonly Keyword[];
  /** Rows of one answer; the archive may give fewer. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
  /** What a 404 is about; see http.ts. */
  readonly subject?: string;
}

const json = 'application/dicom+json, application/json;q=0.9';

/**
 * Rows of an answer, and of those behind it. It ends with an answer that may be the last, that has nothing new, or when the caller stops.
 * @param identify tells rows apart; '' for one that cannot be used
 * @throws SONO_ARCHIVE_*
 */
export async function* pages(
  http: ArchiveHttp,
  question: Question,
  identify: (row: Row) => string,
): AsyncGenerator<readonly Row[], void, undefined> {
  const known = new Set<string>();
  for (let offset = 0; ;) {
    const { rows, isCut } = await page(http, question, offset);
    const fresh = rows.filter((row) => identify(row) !== '' && !known.has(identify(row)));
    for (const row of fresh) known.add(identify(row));
    yield fresh;
    offset += rows.length;
    // Some archives do not know `offset` and give the same again.
    if (fresh.length === 0 || !isCut) return;
  }
}

async function page(
  http: ArchiveHttp,
  question: Question,
  offset: number,
): Promise<{ readonly rows: readonly Row[]; readonly isCut: boolean }> {
  const { path, matches, fields, limit, signal, subject } = question;
  const asked = (wanted: readonly string[]) => ({
    path: `${path}?${[
      ...matches,
      ...wanted.map((field) => `includefield=${field}`),
      `limit=${limit}`,
      ...(offset === 0 ? [] : [`offset=${offset}`]),
    ].join('&')}`,
    accept: json,
    action: 'search',
    signal,
    ...(subject !== undefined && { subject }),
  });
  let isWarned = false;
  const listen = (headers: ReadonlyMap<string, string>): void => {
    isWarned = /\b299\b/.test(headers.get('warning') ?? '');
  };
  const answer = await http.json(asked(fields), null, listen).catch((error: unknown) => {
    // Some refuse an attribute that they have not.
    if (!isFormRefused(error) || fields.length === 0) throw error;
    return http.json(asked([]), null, listen);
  });
  if (answer === null) return { rows: [], isCut: false };
  if (!Array.isArray(answer)) throw noList(http);
  const rows = answer.map(described).filter((row) => row !== null);
  if (rows.length === 0 && answer.length > 0) throw noList(http);
  // An archive may give fewer than were asked for. It should warn of that; those that do not stop at a round number.
  return { rows, isCut: rows.length >= limit || isWarned || (rows.length > 0 && rows.length % 5 === 0) };
}

function noList(http: ArchiveHttp): SonoError {
  return dicomError('SONO_ARCHIVE_NOT_DICOMWEB', {
    archive: http.name,
    why: 'its answer to a search is no list of DICOM attributes',
  });
}

/** First value of an attribute, '' where there is none. */
export const textOf = (row: Row, keyword: Keyword): string => firstText(row, tags[keyword]);

export const valuesOf = (row: Row, keyword: Keyword): readonly unknown[] =>
  row.get(tags[keyword])?.values ?? [];

/** A whole number, also where the archive writes it as text; null where it is none. */
export const numberOf = (row: Row, keyword: Keyword): number | null => firstCount(row, tags[keyword]);

/** The row with other texts. */
export function withTexts(row: Row, texts: Readonly<Partial<Record<Keyword, string>>>): Row {
  const changed = Object.entries(texts).map(
    ([keyword, text]) =>
      [tags[keyword as Keyword], { vr: '', values: [text], inline: null, bulk: null }] as const,
  );
  return new Map([...row, ...changed]);
}
