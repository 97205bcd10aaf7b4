/** Expands what a person names on the command line into clips: files, image folders, recordings, folders of these, globs. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { safeName } from '../export/exporter.js';
import { isPictureName } from '../ingest/picture-order.js';
import { isLive, parseSourceUri, redact } from '../ingest/source-uri.js';
import { holdsSeveral } from '../ingest/still-picture.js';
import { replayError } from './errors.js';
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

const videoEndings = new Set([
  '.mp4',
  '.m4v',
  '.mov',
  '.mkv',
  '.webm',
  '.avi',
  '.mpg',
  '.mpeg',
  '.ts',
  '.m2ts',
  '.mts',
  '.wmv',
  '.flv',
  '.ogv',
  '.3gp',
  '.dcm',
  '.dicom',
  '.mcap',
  '.mxf',
  '.vob',
]);

/**
 * Files and URIs are taken as they are; a folder stands for everything in it, by name: its still pictures are one clip, each
 * video and each animation (GIF, WebP, APNG, TIFF of several pictures) is one, and so on in its folders. `*`, `?`, `**` are
 * understood where the shell has left them.
 * Throws SONO_REPLAY_INPUT_MISSING where an input gives nothing, SONO_REPLAY_INPUT_ENDLESS for a camera, SONO_SOURCE_URI.
 */
export async function expandInputs(inputs: readonly string[]): Promise<InputItem[]> {
  const uris: string[] = [];
  for (const input of inputs) {
    // Before anything is written: names of clips come from addresses, and an address may hold a password.
    if (isUri(input) && isLive(parseSourceUri(input)))
      throw replayError('SONO_REPLAY_INPUT_ENDLESS', { input: redact(input) });
    const found = isUri(input) ? [input] : await expandPath(input);
    if (found.length === 0) throw replayError('SONO_REPLAY_INPUT_MISSING', { input: redact(input) });
    uris.push(...found.filter((uri) => !uris.includes(uri)));
  }
  const items: InputItem[] = [];
  // What stands beside the folders of the clips.
  const taken = new Set<string>(['davis', 'manifest.json']);
  const add = (name: string, item: Omit<InputItem, 'clip'>): void => {
    const plain = safeName(name);
    let clip = plain;
    for (let number = 2; taken.has(clip.toLowerCase()); number++) clip = `${plain}-${number}`;
    taken.add(clip.toLowerCase());
    items.push({ clip, ...item });
  };
  for (const uri of uris) {
    const name = basename(uri, extname(uri)) || 'clip';
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

async function expandPath(input: string): Promise<string[]> {
  const information = await stat(input).catch(() => null);
  if (information?.isDirectory()) return expandFolder(input);
  if (information) return [input];
  return /[*?]/.test(input) ? expandGlob(input) : [];
}

async function expandFolder(folder: string): Promise<string[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).sort((a, b) => compare(a.name, b.name));
  const visible = entries.filter(({ name }) => !name.startsWith('.'));
  const found: string[] = [];
  let stills = 0;
  for (const entry of visible) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await expandFolder(path)));
    else if (isPictureName(entry.name)) {
      if (await holdsSeveral(path)) found.push(path);
      else stills += 1;
    } else if (videoEndings.has(extname(entry.name).toLowerCase())) found.push(path);
  }
  return stills > 0 ? [folder, ...found] : found;
}

/** Code-point order, the same on every machine. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

async function expandGlob(pattern: string): Promise<string[]> {
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
  if (!information) return { sha256: null, bytes: 0, modifiedUnixMs: 0, names: [] };
  if (!information.isDirectory())
    return {
      sha256: await hashFile(path),
      bytes: information.size,
      modifiedUnixMs: Math.floor(information.mtimeMs),
      names: [basename(path)],
    };
  const hash = createHash('sha256');
  let bytes = 0;
  let modifiedUnixMs = 0;
  const names = (await readdir(path)).sort(compare);
  for (const name of names) {
    const file = join(path, name);
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
