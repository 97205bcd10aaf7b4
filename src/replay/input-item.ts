/** Expands what a person names on the command line into clips: files, image folders, recordings, folders of these, globs. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { noArchiveAccess, withAccess, type ArchiveAccess } from '../dicom/web/access.js';
import { isArchiveUri } from '../dicom/web/address.js';
import { ArchiveHttp } from '../dicom/web/http.js';
import { cinesOf } from '../dicom/web/query.js';
import { safeName } from '../export/exporter.js';
import { findSeries } from '../dicom/series-folder.js';
import {
  folderAddress,
  isLive,
  nameOfPath,
  parseSourceUri,
  redact,
  splitOptions,
} from '../ingest/source-uri.js';
import { echoSummaryName } from './summary-names.js';
import { replayError } from './errors.js';
import { compare, readFolderContents, type SkippedFile } from '../ingest/folder-contents.js';
import { recordedStreams } from '../record/recording-streams.js';

type InputKind = 'source' | 'recording';

export interface InputItem {
  /** Name of the clip, safe as a file name and unique in the run. */
  readonly clip: string;
  /** Path as written by the person, or a URI. */
  readonly uri: string;
  /** Whether ingest opens it or it is a recording of ours. */
  readonly kind: InputKind;
  /** Stream of a recording, else null. */
  readonly stream: string | null;
}

interface ExpandOptions {
  readonly archives?: ArchiveAccess | undefined;
  /** Told of each file of a folder that is no clip. */
  readonly onSkipped?: (skipped: SkippedFile) => void;
}

/**
 * Files and URIs are taken as they are; a folder stands for everything in it, by name: its still pictures are one clip, each
 * video, DICOM file and animation (GIF, WebP, APNG, TIFF of several pictures) is one, whatever its name ends in, and so on in its
 * folders. `*`, `?`, `**` are understood where the shell has left them. A study or series of an archive stands for its cines.
 * Throws SONO_REPLAY_INPUT_MISSING where an input gives nothing, SONO_REPLAY_INPUT_ENDLESS for a camera, SONO_SOURCE_URI,
 * SONO_ARCHIVE_*.
 */
export async function expandInputs(
  inputs: readonly string[],
  { archives = noArchiveAccess, onSkipped = () => undefined }: ExpandOptions = {},
): Promise<InputItem[]> {
  const expandFolder = async (folder: string): Promise<readonly string[]> => {
    const { clips, skipped } = await readFolderContents(folder);
    skipped.forEach(onSkipped);
    return clips.map(({ uri }) => uri);
  };
  const uris: string[] = [];
  for (const input of inputs) {
    // Before anything is written: names of clips come from addresses, and an address may hold a password.
    if (isUri(input) && isLive(parseSourceUri(input)))
      throw replayError('SONO_REPLAY_INPUT_ENDLESS', { input: redact(input) });
    const found = isArchiveUri(input)
      ? await expandArchive(input, archives)
      : isUri(input)
        ? [input]
        : await expandPath(input, expandFolder);
    if (found.length === 0) throw replayError('SONO_REPLAY_INPUT_MISSING', { input: redact(input) });
    uris.push(...found.filter((uri) => !uris.includes(uri)));
  }
  const items: InputItem[] = [];
  // What stands beside the folders of the clips.
  const taken = new Set<string>(['davis', 'manifest.json', echoSummaryName]);
  const add = (name: string, item: Omit<InputItem, 'clip'>): void => {
    const plain = safeName(name);
    let clip = plain;
    for (let number = 2; taken.has(clip.toLowerCase()); number++) clip = `${plain}-${number}`;
    taken.add(clip.toLowerCase());
    items.push({ clip, ...item });
  };
  for (const uri of uris) {
    // The points in a DICOM identifier are no ending.
    const name = (isArchiveUri(uri) ? basename(uri) : nameOfPath(uri)) || 'clip';
    if (extname(uri).toLowerCase() !== '.mcap') {
      add(name, { uri, kind: 'source', stream: null });
      continue;
    }
    // An unreadable recording is an item too: it is reported when its turn comes.
    const streams = await recordedStreams(uri).catch(() => []);
    if (streams.length < 2) add(name, { uri, kind: 'recording', stream: streams[0] ?? null });
    else for (const stream of streams) add(`${name}-${stream}`, { uri, kind: 'recording', stream });
  }
  return items;
}

const isUri = (text: string): boolean =>
  /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || text.startsWith('synthetic:');

type ExpandFolder = (folder: string) => Promise<readonly string[]>;

/** Addresses of single cines, without a login. */
async function expandArchive(input: string, archives: ArchiveAccess): Promise<string[]> {
  const address = parseSourceUri(input);
  if (address.kind !== 'archive') return [input];
  await using http = new ArchiveHttp(withAccess(address.archive, archives));
  return (await cinesOf(http)).map(({ location }) => location);
}

async function expandPath(input: string, expandFolder: ExpandFolder): Promise<readonly string[]> {
  const information = await stat(input).catch(() => null);
  if (information?.isDirectory()) return expandFolder(input);
  if (information) return [input];
  // A folder with options: its rate, or which of its DICOM series.
  const split = splitOptions(input);
  if (split !== null && (await stat(split.path).catch(() => null))?.isDirectory()) return [input];
  return /[*?]/.test(input) ? expandGlob(input, expandFolder) : [];
}

async function expandGlob(pattern: string, expandFolder: ExpandFolder): Promise<string[]> {
  // The part before the first wildcard is a folder that is walked.
  const first = pattern.search(/[*?]/);
  const base = pattern.slice(0, first);
  const root = base.includes(sep) ? dirname(`${base}x`) : '.';
  const expression = globExpression(resolve(pattern));
  const found: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries.sort((a, b) => compare(a.name, b.name))) {
      if (entry.name.startsWith('.')) continue;
      const path = join(folder, entry.name);
      if (expression.test(resolve(path)))
        found.push(...(entry.isDirectory() ? await expandFolder(path) : [path]));
      else if (entry.isDirectory()) await walk(path);
    }
  };
  await walk(root);
  return found;
}

function globExpression(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*\/?|\*|\?/g, (mark) => (mark === '?' ? '[^/]' : mark === '*' ? '[^/]*' : '(?:.*/)?'));
  return new RegExp(`^${source}$`);
}

export interface InputIdentity {
  /** SHA-256 of the file, or of the names and hashes of a folder's files; null for something that is not a file. */
  readonly sha256: string | null;
  readonly bytes: number;
  readonly modifiedUnixMs: number;
  /** Of the file, or of a folder's files. */
  readonly names: readonly string[];
}

export async function identifyInput(uri: string): Promise<InputIdentity> {
  const path = uri.startsWith('file://') ? new URL(uri).pathname : uri;
  const information = await stat(path).catch(() => null);
  const split = splitOptions(path);
  if (information === null && split !== null) return identifyFolder(split.path, split.options);
  // A pipe would be waited for, perhaps for ever; whoever opens it as a source refuses it by name.
  if (!information?.isDirectory() && !information?.isFile()) return unknown;
  if (!information.isDirectory())
    return {
      sha256: await hashFile(path),
      bytes: information.size,
      modifiedUnixMs: Math.floor(information.mtimeMs),
      names: [basename(path)],
    };
  return identifyFiles(path, (await readdir(path)).sort(compare), '');
}

const unknown: InputIdentity = { sha256: null, bytes: 0, modifiedUnixMs: 0, names: [] };

/** Of a series, the files of its pictures alone: others may come into the folder. */
async function identifyFolder(path: string, options: string): Promise<InputIdentity> {
  const names = await readdir(path).catch(() => null);
  if (names === null) return unknown;
  const address = folderAddress(path, options);
  if (address.kind === 'folder') return identifyFiles(path, names.sort(compare), options);
  const clip = await findSeries(address);
  if (typeof clip === 'string') return identifyInput(clip);
  return identifyFiles(
    path,
    clip.members.map(({ name }) => name),
    options,
  );
}

async function identifyFiles(
  folder: string,
  names: readonly string[],
  options: string,
): Promise<InputIdentity> {
  const hash = createHash('sha256');
  if (options !== '') hash.update(`?${options}\n`);
  let bytes = 0;
  let modifiedUnixMs = 0;
  for (const name of names) {
    const file = join(folder, name);
    const { size, mtimeMs, isFile } = await stat(file).then((found) => ({
      size: found.size,
      mtimeMs: found.mtimeMs,
      isFile: found.isFile(),
    }));
    if (!isFile) continue;
    hash.update(`${name}\0${await hashFile(file)}\n`);
    bytes += size;
    modifiedUnixMs = Math.max(modifiedUnixMs, Math.floor(mtimeMs));
  }
  return { sha256: hash.digest('hex'), bytes, modifiedUnixMs, names };
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of createReadStream(path, { highWaterMark: 1024 * 1024 }))
    hash.update(block as Buffer);
  return hash.digest('hex');
}
