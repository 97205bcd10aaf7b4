/** Searching an archive for studies by patient and date (QIDO-RS, PS3.18 section 10.6). Any Node thread. */
import { z } from 'zod';
import { SonoError } from '../../vocabulary/errors.js';
import type { ArchiveHttp } from './http.js';
import { isFormRefused } from './refused.js';
import { numberOf, pages, textOf, valuesOf, withTexts, type Row } from './rows.js';

/** What may be asked for; null or '' where it does not matter. */
interface StudyQuestion {
  /** Any part of it, in any case of letters. */
  readonly patientName: string;
  /** The whole number, or with * and ?. */
  readonly patientId: string;
  /** YYYY-MM-DD, both included. */
  readonly from: string | null;
  readonly to: string | null;
  /** Any part of the study's description. */
  readonly description: string;
  /** Such as US; null: any. */
  readonly modality: string | null;
}

interface FoundStudy {
  readonly study: string;
  /** As it is read: family name, given name; in its own script behind that. */
  readonly patientName: string;
  readonly patientId: string;
  /** YYYY-MM-DD, or as the archive wrote it; '' where it does not say. */
  readonly date: string;
  readonly description: string;
  readonly modalities: readonly string[];
  /** null where the archive does not say. */
  readonly objects: number | null;
}

const mostStudies = 100;
/** Looked through where not all that is asked for can be asked of the archive. */
const mostLookedAt = 5000;
const pageStudies = 500;

/**
 * Studies that fit, `mostStudies` at most, the newest of these first. Which ones an archive names first it decides itself.
 * @throws SONO_ARCHIVE_*
 */
export async function findStudies(
  http: ArchiveHttp,
  question: StudyQuestion,
  signal?: AbortSignal,
): Promise<{ readonly studies: readonly FoundStudy[]; readonly more: boolean }> {
  if (isPlain(question)) return findBy(http, question, false, signal);
  // Orthanc's plug-in 1.7 does not decode what a query escapes, so it finds nobody when asked for M%C3%BCller, or for a space.
  const found = await findBy(http, question, false, signal).catch((error: unknown) => {
    if (!isFormRefused(error)) throw error;
    return { studies: [], more: false };
  });
  return found.studies.length > 0 ? found : findBy(http, question, true, signal);
}

/** @param inStars what a query escapes is asked for as `*`, and compared here */
async function findBy(
  http: ArchiveHttp,
  question: StudyQuestion,
  inStars: boolean,
  signal: AbortSignal | undefined,
): Promise<{ readonly studies: readonly FoundStudy[]; readonly more: boolean }> {
  const asked = (text: string): string => (inStars ? starred(text) : text.normalize('NFC'));
  const { patientName, patientId, description, from, to, modality } = question;
  const wanted: [string, string][] = [];
  if (patientName.trim() !== '') wanted.push(['PatientName', asked(namePattern(patientName))]);
  if (patientId.trim() !== '') wanted.push(['PatientID', asked(patientId.trim())]);
  if (description.trim() !== '') wanted.push(['StudyDescription', asked(anywhere(description.trim()))]);
  if (from !== null || to !== null) wanted.push(['StudyDate', `${dicomDate(from)}-${dicomDate(to)}`]);
  if (modality !== null) wanted.push(['ModalitiesInStudy', modality]);
  const studies: FoundStudy[] = [];
  let looked = 0;
  for await (const rows of pages(
    http,
    {
      path: '/studies',
      matches: wanted.map(([keyword, value]) => `${keyword}=${escaped(value)}`),
      fields: ['StudyDescription', 'ModalitiesInStudy', 'NumberOfStudyRelatedInstances'],
      // One more than is shown, so that it can be said that there are more.
      limit: inStars ? pageStudies : mostStudies + 1,
      signal,
    },
    (row) => textOf(row, 'StudyInstanceUID'),
  )) {
    const named = await inOwnScript(http, rows, signal);
    studies.push(...named.filter((row) => suits(row, question)).map(studyOf));
    looked += rows.length;
    if (studies.length > mostStudies || looked >= mostLookedAt) break;
  }
  studies.sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0));
  const more = studies.length > mostStudies || looked >= mostLookedAt;
  return { studies: studies.slice(0, mostStudies), more };
}

/** Whether it is an archive that answers this user. @throws SONO_ARCHIVE_* */
export async function checkArchive(http: ArchiveHttp, signal?: AbortSignal): Promise<void> {
  const question = { path: '/studies', matches: [], fields: [], limit: 1, signal };
  for await (const _ of pages(http, question, () => '')) return;
}

function studyOf(row: Row): FoundStudy {
  const [alphabetic = '', ...others] = nameOf(row).map(readable);
  // Of the groups of a name: letters that most can read, its own script, how it sounds.
  const [script = '', sound = ''] = others;
  const own = script || sound;
  return {
    study: textOf(row, 'StudyInstanceUID'),
    patientName:
      alphabetic === '' ? own : own === '' || own === alphabetic ? alphabetic : `${alphabetic} (${own})`,
    patientId: textOf(row, 'PatientID'),
    date: textOf(row, 'StudyDate').replace(/^(\d{4})\.?(\d\d)\.?(\d\d)$/, '$1-$2-$3'),
    description: textOf(row, 'StudyDescription'),
    modalities: valuesOf(row, 'ModalitiesInStudy').map((value) => String(value)),
    objects: numberOf(row, 'NumberOfStudyRelatedInstances'),
  };
}

/** Alphabetic, ideographic and phonetic group; some archives write them as one text. */
function nameOf(row: Row): readonly string[] {
  const [value] = valuesOf(row, 'PatientName');
  if (typeof value !== 'object' || value === null) return textOf(row, 'PatientName').split('=');
  return ['Alphabetic', 'Ideographic', 'Phonetic'].map((group) => {
    const text: unknown = (value as Record<string, unknown>)[group];
    return typeof text === 'string' ? text : '';
  });
}

const readable = (name: string): string => name.replaceAll('^', ' ').replace(/\s+/g, ' ').trim();
const dicomDate = (date: string | null): string => date?.replaceAll('-', '') ?? '';
const hasWildcard = (text: string): boolean => /[*?]/.test(text);
const anywhere = (text: string): string => (hasWildcard(text) ? text : `*${text}*`);

/** "anna müller", "Müller, Anna" and "Müller^Anna" all find Müller^Anna^Maria, the last two in that order. */
function namePattern(text: string): string {
  const words = text.trim().split(/[\s,^]+/);
  return hasWildcard(text) ? words.join('^') : `*${words.join('*')}*`;
}

/** As in a query; what may stand there as it is stays so. An apostrophe may not, says the standard of addresses. */
const escaped = (text: string): string =>
  encodeURIComponent(text)
    .replace(/%(?:2F|3F|3A|40)/g, decodeURIComponent)
    .replaceAll("'", '%27');
const isPlain = ({ patientName, patientId, description }: StudyQuestion): boolean =>
  ![namePattern(patientName), patientId.trim(), description.trim()].some((text) =>
    escaped(text).includes('%'),
  );
const starred = (text: string): string =>
  [...text.normalize('NFC')]
    .map((letter) => (escaped(letter).includes('%') ? '*' : letter))
    .join('')
    .replace(/\*+/g, '*');

/** Compares what could not be asked for. Wildcards in the question are left to the archive. */
function suits(row: Row, question: StudyQuestion): boolean {
  const { patientName, patientId, description } = question;
  if (isPlain(question)) return true;
  const has = (text: string, asked: string): boolean =>
    hasWildcard(asked) ||
    folded(asked)
      .split(/[\s,^]+/)
      .every((word) => folded(text).includes(word));
  const id = patientId.trim();
  return (
    has(nameOf(row).map(readable).join(' '), patientName) &&
    (id === '' || hasWildcard(id) || folded(textOf(row, 'PatientID')) === folded(id)) &&
    has(textOf(row, 'StudyDescription'), description)
  );
}

const orthancStudies = z.array(
  z.object({
    MainDicomTags: z.object({ StudyInstanceUID: z.string(), StudyDescription: z.string().optional() }),
    PatientMainDicomTags: z.object({ PatientName: z.string().optional() }),
  }),
);

/** Names as Orthanc itself has them: its plug-in writes them in the server's default set, in which most scripts are lost. */
async function inOwnScript(
  http: ArchiveHttp,
  rows: readonly Row[],
  signal: AbortSignal | undefined,
): Promise<readonly Row[]> {
  const { orthanc } = http.address;
  if (orthanc === null || rows.length === 0) return rows;
  const studies = rows.map((row) => textOf(row, 'StudyInstanceUID'));
  const query = { Level: 'Study', Expand: true, Query: { StudyInstanceUID: studies.join('\\') } };
  const body = Buffer.from(JSON.stringify(query));
  const answer = await http
    .json(
      { root: orthanc, path: '/tools/find', accept: 'application/json', action: 'search', signal },
      {
        contentType: 'application/json',
        bytes: body.length,
        body: async function* () {
          yield await Promise.resolve(body);
        },
      },
    )
    .catch((error: unknown) => {
      // A user or a proxy may let the plug-in alone be asked.
      if (error instanceof SonoError && /_(FORBIDDEN|NOT_DICOMWEB|ANSWER|FAILED)$/.test(String(error.code)))
        return [];
      throw error;
    });
  const known = new Map(
    (orthancStudies.safeParse(answer).data ?? []).map((study) => [
      study.MainDicomTags.StudyInstanceUID,
      study,
    ]),
  );
  return rows.map((row) => {
    const study = known.get(textOf(row, 'StudyInstanceUID'));
    if (study === undefined) return row;
    const { PatientName: name = '' } = study.PatientMainDicomTags;
    const { StudyDescription: description = textOf(row, 'StudyDescription') } = study.MainDicomTags;
    return withTexts(row, { PatientName: name, StudyDescription: description });
  });
}

const folded = (text: string): string => text.normalize('NFC').toLocaleLowerCase('und');
