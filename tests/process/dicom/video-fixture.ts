/** Streams of video made by the installed ffmpeg, put into DICOM objects; and what a feed makes of such an object. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { openDicomFeed } from '../../../src/ingest/dicom-feed.js';
import type { FeedFormat, FrameFeed } from '../../../src/ingest/feed.js';
import type { Damage, ResumePoint } from '../../../src/ingest/messages.js';
import { dicomFile, encapsulated, picture, type Fields } from './fixture.js';

const run = promisify(execFile);

/** Widths of whole blocks: a picture lies in memory as ffmpeg writes it. */
export const size = { width: 160, height: 96 };
export const pictures = 24;

/** @param args of ffmpeg, behind its input of `pictures` pictures, 30 a second */
export async function made(path: string, ...args: string[]): Promise<Buffer> {
  const seconds = String(pictures / 30);
  const source = `testsrc2=size=${size.width}x${size.height}:rate=30`;
  const input = ['-f', 'lavfi', '-i', source, '-f', 'lavfi', '-i', 'sine', '-t', seconds];
  await run('ffmpeg', ['-v', 'error', '-y', ...input, '-map', '0:v', ...args, path]);
  return readFileSync(path);
}

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 12);

/** The pictures that ffmpeg makes of a file, in 8 bits, as hashes of their samples. */
export async function decodedByFfmpeg(path: string, { width, height } = size): Promise<string[]> {
  const { stdout } = await run(
    'ffmpeg',
    ['-v', 'error', '-i', path, '-fps_mode', 'passthrough', '-pix_fmt', 'yuv420p', '-f', 'rawvideo', '-'],
    { encoding: 'buffer', maxBuffer: 1024 ** 3 },
  );
  const bytes = (width * height * 3) / 2;
  return Array.from({ length: stdout.length / bytes }, (_, n) =>
    hash(stdout.subarray(n * bytes, (n + 1) * bytes)),
  );
}

/** Behind 1.2.840.10008.1.2.4. */
export const syntax = (end: string): string => `1.2.840.10008.1.2.4.${end}`;

/** Header of an endoscopic video of `pictures` pictures, 30 a second. */
export const header = (more: Fields = {}): Fields =>
  picture(size.width, size.height, 'YBR_PARTIAL_420', {
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.77.1.1.1'],
    '00080060': ['CS', 'ES'],
    '00280008': ['IS', String(pictures)],
    '00280009': ['AT', [0x0018, 0x1063]],
    '00181063': ['DS', '33.333333'],
    // Means something for grey alone.
    '00281050': ['DS', '40'],
    '00281051': ['DS', '10'],
    ...more,
  });

/** All of the stream in one fragment, as the standard has it. */
export const videoObject = (end: string, stream: Uint8Array, more: Fields = {}): Buffer =>
  dicomFile(syntax(end), header(more), encapsulated([stream]));

/** Without the named elements. */
export const without = (fields: Fields, ...tags: string[]): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([tag]) => !tags.includes(tag)));

/** Of even length, as fragments are. */
export function inPieces(stream: Uint8Array, bytes: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(stream.length / bytes) }, (_, n) =>
    stream.subarray(n * bytes, (n + 1) * bytes),
  );
}

interface Seen {
  readonly hashes: readonly string[];
  readonly indexes: readonly number[];
  readonly mediaNs: readonly number[];
  readonly endNs: number;
  /** Signs of life beside pictures. */
  readonly signs: number;
  readonly damage: Damage | null;
  readonly format: FeedFormat;
  readonly feed: Pick<FrameFeed, 'size' | 'pixelFormat' | 'colorimetry'>;
}

/** Everything that a file gives, until its end. */
export async function seen(path: string, resume: ResumePoint | null = null, passes = 1): Promise<Seen> {
  let signs = 0;
  const feed = await openDicomFeed(path, resume, () => (signs += 1));
  try {
    const hashes: string[] = [];
    const indexes: number[] = [];
    const mediaNs: number[] = [];
    for (let pass = 0; pass < passes; pass += 1) {
      if (pass > 0) feed.rewind();
      for (let next = await feed.next(); next !== null; next = await feed.next()) {
        hashes.push(hash(next.data));
        indexes.push(next.index);
        mediaNs.push(next.mediaNs);
      }
    }
    const { endNs, format, size: shown, pixelFormat, colorimetry } = feed;
    const of = { size: shown, pixelFormat, colorimetry };
    return { hashes, indexes, mediaNs, endNs, signs, damage: feed.damage(), format, feed: of };
  } finally {
    feed.close();
  }
}
