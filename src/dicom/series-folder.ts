/**
 * The DICOM objects of a folder as clips: headers are read, no pixel data. In the process of a source, a look or a run; never in the
 * main process of a server, because a share may hang.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileHead } from './byte-source.js';
import { looksLikeDicom, openDicom, tellingBytes } from './data-set-file.js';
import { dicomError } from './errors.js';
import { readStoredPixels } from './image.js';
import { codingOf } from './pixels/coding.js';
import { referenceOf, type DicomReference } from './reference.js';
import { groupSeries, memberOf, type SeriesClip, type SeriesMember } from './series.js';
import { readCalibration } from './spacing.js';

/** A clip among the DICOM files of a folder. */
export interface SeriesAddress {
  /** The folder. */
  readonly path: string;
  /** Series Instance UID; null: the only clip that there is. */
  readonly series: string | null;
  /** From 1. */
  readonly part: number;
}

/** What stands behind the folder in an address; the part only where there is a choice. */
export function seriesQuery({ seriesUid, part, parts }: SeriesClip): string {
  return `?series=${seriesUid}${parts === 1 ? '' : `&part=${part}`}`;
}

/**
 * @returns clip: several frames, a video, or something whose own error says more; none: no pictures in it
 */
export async function readMember(folder: string, name: string): Promise<SeriesMember | 'clip' | 'none'> {
  const file = await openDicom(join(folder, name)).catch(() => null);
  if (file === null) return 'clip';
  try {
    const { set, pixels, transferSyntaxUid } = file;
    if (pixels === null || pixels.length === 0) return 'none';
    const coding = codingOf(transferSyntaxUid);
    if (coding === null || coding === 'video' || (set.number(0x00280008, 'DS') ?? 1) !== 1) return 'clip';
    const stored = readStoredPixels(file);
    return memberOf(name, set, stored, readCalibration(set, stored.size)) ?? 'clip';
  } catch {
    // Damaged, or of a size that nothing has: whoever opens it says so.
    return 'clip';
  } finally {
    await file.close();
  }
}

/** Files that are looked at between two signs of life. */
const progressEvery = 200;

/** Names of a folder's files that are DICOM by their content; hidden ones are left out. Throws as `readdir`. */
async function* dicomNames(folder: string, onProgress: () => void): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
  for (const [index, { name }] of names.entries()) {
    if (index % progressEvery === progressEvery - 1) onProgress();
    const head = await readFileHead(join(folder, name), tellingBytes);
    if (head !== null && looksLikeDicom(head)) yield name;
  }
}

/** Whether any file of a folder is DICOM. */
export async function holdsDicom(folder: string): Promise<boolean> {
  const { done } = await dicomNames(folder, () => undefined).next();
  return done !== true;
}

/**
 * @param onProgress called now and then while headers are read
 * @returns the clip; or the path of an object that is one by itself
 * @throws SONO_DICOM_SERIES where there is none, SONO_DICOM_CHOOSE where there are several and none is named, and as `readdir`
 */
export async function findSeries(
  { path, series, part }: SeriesAddress,
  onProgress: () => void = () => undefined,
): Promise<SeriesClip | string> {
  const members: SeriesMember[] = [];
  const own: string[] = [];
  for await (const name of dicomNames(path, onProgress)) {
    const member = await readMember(path, name);
    if (member === 'clip') own.push(join(path, name));
    else if (member !== 'none' && (series === null || member.seriesUid === series)) members.push(member);
  }
  const { clips } = groupSeries(members);
  const found = series === null ? [...clips, ...own] : clips.filter((clip) => clip.part === part);
  const [only] = found;
  if (only === undefined)
    throw dicomError('SONO_DICOM_SERIES', {
      path,
      series: `${series ?? 'any'}${part === 1 ? '' : `, part ${part}`}`,
    });
  if (found.length > 1) throw dicomError('SONO_DICOM_CHOOSE', { path, count: found.length });
  return only;
}

/** What is written about a clip refers to every one of its objects; null where they lack identifiers. Throws as `findSeries`. */
export async function seriesReference(address: SeriesAddress): Promise<DicomReference | string | null> {
  const clip = await findSeries(address);
  if (typeof clip === 'string') return clip;
  const [first] = clip.members;
  const instances = clip.members.map(({ instanceUid }) => instanceUid);
  if (first === undefined || instances.includes('')) return null;
  const file = await openDicom(join(address.path, first.name));
  try {
    const reference = referenceOf(file.set, file.transferSyntaxUid);
    return reference && { ...reference, instances };
  } finally {
    await file.close();
  }
}
