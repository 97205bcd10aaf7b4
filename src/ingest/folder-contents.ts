/**
 * What lies in a folder that a person names: clips, pictures that are a clip together, and files that are neither, each with the reason.
 * A file is known by its ending, and where that says nothing by its first bytes: files on a CD have no endings. Process of a command or
 * of a look, never that of a server.
 */
import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { looksLikeDicom } from '../dicom/data-set-file.js';
import { groupSeries, type SeriesClip, type SeriesMember } from '../dicom/series.js';
import { readMember, seriesQuery } from '../dicom/series-folder.js';
import { isPictureName } from './picture-order.js';
import { holdsSeveral } from './still-picture.js';

export interface SkippedFile {
  readonly path: string;
  /** In words, to stand behind the path. */
  readonly reason: string;
}

interface FolderClip {
  /** Path of a file, or of a folder with the options that choose among its DICOM files. */
  readonly uri: string;
  /** For people: its path, or that of its folder with what the series is called. */
  readonly name: string;
  /** Where it is several files. */
  readonly pictures: number | null;
}

export interface FolderContents {
  /** By name. */
  readonly clips: readonly FolderClip[];
  readonly skipped: readonly SkippedFile[];
  /** There is more than was looked at. */
  readonly more: boolean;
}

/** How much of a folder is looked at. Counts down. */
interface FolderBudget {
  /** Files and folders. */
  entries: number;
  /** Folders within folders. */
  readonly depth: number;
  /** On the clock of `performance.now`. */
  readonly untilMs: number;
  /** Links may lead to where whoever asks may not look. */
  readonly links: boolean;
}

const videoEndings = new Set(
  '.mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .ts .m2ts .mts .wmv .flv .ogv .3gp .dcm .dicom .mcap .mxf .vob'.split(
    ' ',
  ),
);

/** Enough for the file meta information of DICOM (PS3.10 7.1), in which the class of the object stands. */
const headBytes = 2048;

/** DICOM objects without pictures to be analysed, by the beginning of their class (PS3.4 B.5, PS3.10 8.6). */
const otherObjects: readonly (readonly [classBegins: string, what: string])[] = [
  ['1.2.840.10008.1.3.10', 'it is the directory of the medium'],
  ['1.2.840.10008.5.1.4.1.1.88.', 'it is a DICOM report'],
  ['1.2.840.10008.5.1.4.1.1.104.', 'it is a document in DICOM'],
  ['1.2.840.10008.5.1.4.1.1.11.', 'it is a DICOM presentation state'],
  ['1.2.840.10008.5.1.4.1.1.66', 'it is a DICOM segmentation, registration or raw data'],
  ['1.2.840.10008.5.1.4.1.1.481.', 'it is an object of radiotherapy'],
  ['1.2.840.10008.5.1.4.1.1.9.', 'it is a DICOM wave form'],
];

/** First bytes of recordings, with where they stand. */
const signatures: readonly (readonly [at: number, bytes: Buffer])[] = [
  [4, Buffer.from('ftyp')],
  [0, Buffer.from([0x1a, 0x45, 0xdf, 0xa3])], // Matroska, WebM
  [8, Buffer.from('AVI ')],
  [0, Buffer.from('OggS')],
  [0, Buffer.from('GIF8')],
  [0, Buffer.from([0, 0, 1, 0xba])], // MPEG program stream
  [0, Buffer.from([0x30, 0x26, 0xb2, 0x75])], // Windows Media
];

type Named = readonly [name: string, clip: FolderClip];

const everything = (): FolderBudget => ({
  ...{ entries: Infinity, depth: Infinity, untilMs: Infinity },
  links: true,
});

/** Everything in a folder and in its folders; hidden files and folders are left out. Rejects where it cannot be read. */
export async function readFolderContents(
  folder: string,
  budget: FolderBudget = everything(),
): Promise<FolderContents> {
  const entries = (await readdir(folder, { withFileTypes: true })).sort((a, b) => compare(a.name, b.name));
  /** Each with the name of the entry that it comes from. */
  const clips: Named[] = [];
  const skipped: SkippedFile[] = [];
  const members: SeriesMember[] = [];
  let stills = 0;
  let more = false;
  for (const entry of entries.filter(({ name }) => !name.startsWith('.'))) {
    const path = join(folder, entry.name);
    const isSpent = budget.entries <= 0 || performance.now() > budget.untilMs;
    if (isSpent || (entry.isDirectory() && budget.depth === 0)) {
      more = true;
      // Which pictures are a clip together is known only of all of them.
      if (isSpent) members.length = 0;
      continue;
    }
    budget.entries -= 1;
    if (entry.isSymbolicLink() && !budget.links) skipped.push({ path, reason: 'it is a link' });
    else if (entry.isDirectory()) {
      const within = { ...budget, depth: budget.depth - 1 };
      const inner = await readFolderContents(path, within);
      budget.entries = within.entries;
      more ||= inner.more;
      clips.push(...inner.clips.map((clip) => [entry.name, clip] as const));
      skipped.push(...inner.skipped);
    } else if (isPictureName(entry.name)) {
      if (await holdsSeveral(path)) clips.push([entry.name, fileClip(path)]);
      else stills += 1;
    } else {
      const found = await whatIs(path, entry.name);
      const member = found === 'dicom' ? await readMember(folder, entry.name) : found;
      if (member === 'clip') clips.push([entry.name, fileClip(path)]);
      else if (member === 'none') skipped.push({ path, reason: 'it is DICOM without pictures' });
      else if ('reason' in member) skipped.push({ path, reason: member.reason });
      else members.push(member);
    }
  }
  const series = seriesOf(folder, members);
  skipped.push(...series.skipped);
  return {
    clips: [
      ...(stills > 0 ? [{ uri: folder, name: folder, pictures: stills }] : []),
      ...[...clips, ...series.clips].sort(([a], [b]) => compare(a, b)).map(([, clip]) => clip),
    ],
    skipped: skipped.sort((a, b) => compare(a.path, b.path)),
    more,
  };
}

const fileClip = (path: string): FolderClip => ({ uri: path, name: path, pictures: null });

function nameOf(folder: string, { members, seriesUid, part, parts }: SeriesClip): string {
  const title = members[0]?.seriesTitle || `series ${seriesUid}`;
  return join(folder, `${title.replaceAll('/', ' ')}${parts === 1 ? '' : ` (${part} of ${parts})`}`);
}

/** A picture without companions is a clip by its own name, as every other file. */
function seriesOf(
  folder: string,
  members: readonly SeriesMember[],
): { readonly clips: readonly Named[]; readonly skipped: readonly SkippedFile[] } {
  const { clips, copies } = groupSeries(members);
  return {
    clips: clips.map((clip): Named => {
      const names = clip.members.map(({ name }) => name).sort(compare);
      const [name = ''] = names;
      return names.length === 1
        ? [name, fileClip(join(folder, name))]
        : [
            name,
            { uri: `${folder}${seriesQuery(clip)}`, name: nameOf(folder, clip), pictures: names.length },
          ];
    }),
    skipped: copies.map(({ name, of }) => ({
      path: join(folder, name),
      reason: `it holds the same picture as ${of}`,
    })),
  };
}

/** Damaged files of a kind that is read are clips too: their own error says more. */
async function whatIs(path: string, name: string): Promise<'clip' | 'dicom' | { readonly reason: string }> {
  const isNamed = videoEndings.has(extname(name).toLowerCase());
  let head: Buffer;
  try {
    head = await readHead(path);
  } catch {
    return isNamed ? 'clip' : { reason: 'it cannot be read' };
  }
  if (looksLikeDicom(head)) {
    const storageClass = storageClassOf(head);
    const other = otherObjects.find(([begins]) => storageClass.startsWith(begins));
    return other === undefined ? 'dicom' : { reason: other[1] };
  }
  if (isNamed || signatures.some(([at, bytes]) => head.subarray(at, at + bytes.length).equals(bytes)))
    return 'clip';
  return { reason: head.length === 0 ? 'it is empty' : 'it is no recording of a known kind' };
}

/** Media Storage SOP Class UID (0002,0002) of the file meta information, which is always explicit little-endian; '' where absent. */
function storageClassOf(head: Buffer): string {
  const at = head.indexOf(Buffer.from([2, 0, 2, 0, 0x55, 0x49]), 132);
  if (at < 0 || at + 8 > head.length) return '';
  return head.toString('latin1', at + 8, at + 8 + head.readUInt16LE(at + 6)).replace(/\0.*$/, '');
}

async function readHead(path: string): Promise<Buffer> {
  // Without waiting: a pipe would be opened for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error('not a file');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Code-point order, the same on every machine. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
