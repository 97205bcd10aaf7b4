/**
 * Masks of a file, a folder or an archive (tar, as exports are handed out), whatever format they are in: DICOM segmentation, COCO, or PNG
 * files. Where a folder holds several formats the first of these counts, because they say the same. Runs in the main process.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { readFileHead } from '../../dicom/byte-source.js';
import { looksLikeDicom, tellingBytes } from '../../dicom/data-set-file.js';
import { isPng } from '../../formats/label-png.js';
import { replayError } from '../../replay/errors.js';
import type { SonoError } from '../../vocabulary/errors.js';
import { looksLikeCoco, readCocoMasks } from './read-coco.js';
import { readPngMasks } from './read-png.js';
import { readSegMasks } from './read-seg.js';
import type { FoundMask, PictureReference } from './found-mask.js';

export interface ImportWishes {
  /** Name of the one object, or the word before the numbers of several; null: what the files say. */
  readonly label: string | null;
  /** The picture that one file is of; null: what the file says. */
  readonly frame: number | null;
}

/** Files of a folder that are looked at. */
const mostFiles = 20_000;
const mostTextBytes = 512 * 1024 ** 2;
const headBytes = 512;

/**
 * @param named as the person called it, where it lies under another name
 * @throws SONO_PROJECT_IMPORT with the reason, SONO_DATASET_…, SONO_DICOM_…
 */
export async function* readMasks(
  path: string,
  named: string,
  wishes: ImportWishes,
): AsyncGenerator<FoundMask> {
  const refuse = (reason: string, cause?: unknown): SonoError =>
    replayError('SONO_PROJECT_IMPORT', { name: named, reason }, cause);
  try {
    const found = await stat(path).catch((error: unknown) => {
      throw refuse('it is not there, or may not be read', error);
    });
    if (found.isDirectory()) yield* readFolder(path, wishes, refuse);
    else if (await isTar(path)) yield* readTar(path, wishes, refuse);
    else yield* readOne(path, named, wishes, refuse);
  } catch (error) {
    // What readers say in words.
    if (error instanceof RangeError) throw refuse(error.message, error);
    throw error;
  }
}

type Refuse = (reason: string, cause?: unknown) => SonoError;

async function* readOne(
  path: string,
  named: string,
  { label, frame }: ImportWishes,
  refuse: Refuse,
): AsyncGenerator<FoundMask> {
  const picture: PictureReference | null = frame === null ? null : { kind: 'number', frame };
  const head = (await readFileHead(path, headBytes)) ?? new Uint8Array();
  const onIt = (found: FoundMask): FoundMask => ({ ...found, picture: picture ?? found.picture });
  if (isPng(head)) yield* readPngMasks([path], { label, picture, named });
  else if (looksLikeDicom(head.subarray(0, tellingBytes)))
    for await (const found of readSegMasks(path, named)) yield onIt(found);
  else if (Buffer.from(head).toString('utf8').trimStart().startsWith('{'))
    for (const found of readCocoMasks(await readText(path))) yield onIt(found);
  else throw refuse('it is no PNG, no COCO file and no DICOM segmentation');
}

async function* readFolder(root: string, { label }: ImportWishes, refuse: Refuse): AsyncGenerator<FoundMask> {
  const files = await filesBelow(root);
  if (files.length > mostFiles) throw refuse(`it holds more than ${mostFiles} files`);
  const segmentations: string[] = [];
  for (const path of files)
    if (/\.(dcm|dicom|)$/i.test(extname(path)) && (await isSegmentation(path))) segmentations.push(path);
  if (segmentations.length > 0) {
    for (const path of segmentations) yield* readSegMasks(path, path.slice(root.length + 1));
    return;
  }
  for (const path of files.filter((one) => /\.json$/i.test(one))) {
    const text = await readText(path);
    if (!looksLikeCoco(text)) continue;
    yield* readCocoMasks(text);
    return;
  }
  // Those of one folder are read alike.
  const folders = new Map<string, string[]>();
  for (const path of files.filter((one) => /\.png$/i.test(one))) {
    const folder = dirname(path);
    const own = folders.get(folder) ?? [];
    folders.set(folder, own);
    own.push(path);
  }
  if (folders.size === 0) throw refuse('it holds no PNG, no COCO file and no DICOM segmentation');
  // Masks of one label each say more than the map of all of them beside.
  const named = [...folders.keys()].filter((folder) => !folder.endsWith('/indexed'));
  for (const folder of named.length > 0 ? named : [...folders.keys()])
    yield* readPngMasks(folders.get(folder) ?? [], {
      label: folder === root ? label : null,
      picture: null,
    });
}

async function* readTar(path: string, wishes: ImportWishes, refuse: Refuse): AsyncGenerator<FoundMask> {
  const folder = await mkdtemp(join(tmpdir(), 'sonoscope-import-'));
  try {
    // Names that lead out of the folder are refused by tar itself; links are not followed when files are looked for.
    const tar = spawn('tar', ['-C', folder, '-xf', path, '--no-same-owner'], { stdio: 'ignore' });
    const [code] = (await once(tar, 'close').catch((error: unknown) => {
      throw refuse('the program "tar" cannot be started on the server', error);
    })) as [number | null];
    if (code !== 0) throw refuse('the archive is damaged');
    yield* readFolder(folder, wishes, refuse);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Plain files, by name, links left out. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function isTar(path: string): Promise<boolean> {
  const head = await readFileHead(path, headBytes);
  return Buffer.from(head?.subarray(257, 262) ?? []).toString('latin1') === 'ustar';
}

async function isSegmentation(path: string): Promise<boolean> {
  const head = await readFileHead(path, headBytes);
  if (head === null || !looksLikeDicom(head.subarray(0, tellingBytes))) return false;
  return Buffer.from(head).toString('latin1').includes('1.2.840.10008.5.1.4.1.1.66.');
}

async function readText(path: string): Promise<string> {
  if ((await stat(path)).size > mostTextBytes) throw new RangeError('it is longer than half a gigabyte');
  return readFile(path, 'utf8');
}
