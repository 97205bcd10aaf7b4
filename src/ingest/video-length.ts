/**
 * How long the picture of a video file is, and whether the file was cut off. FFmpeg tells the length of the whole file, which
 * the sound may exceed. Read from the container's own tables, some kilobytes of it. Never throws on a bad file. Child process.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { FileBytes } from './length/file-bytes.js';
import { flashLength, isFlashVideo } from './length/flash.js';
import { isMatroska, matroskaLength } from './length/matroska.js';
import { isMp4, mp4Length } from './length/mp4.js';
import type { PictureLength } from './length/picture-length.js';
import type { FilePart } from './recorded/tools.js';

/**
 * Seconds of picture that the file promises, null where nothing can be relied on.
 * @param own null for containers that are not read here, for which FFmpeg is believed
 * @param whole what FFmpeg says, not positive where it says nothing
 */
export function promisedSeconds(own: PictureLength | null, whole: number): number | null {
  const told = whole > 0 ? whole : null;
  if (own === null || (own.seconds === null && own.cut === null)) return told;
  if (own.seconds === null || told === null) return own.seconds;
  return Math.min(own.seconds, told);
}

/** null for containers that are not read here, and for what is no file at all. */
export async function readPictureLength(recorded: string | FilePart): Promise<PictureLength | null> {
  const part = typeof recorded === 'string' ? null : recorded;
  let file: FileHandle;
  try {
    file = await open(part?.path ?? (recorded as string));
  } catch {
    return null;
  }
  try {
    const { start, end } = part ?? { start: 0, end: (await file.stat()).size };
    const bytes = new FileBytes(file, end - start, start);
    const head = await bytes.read(0, 188 * 3);
    const read = isMp4(head)
      ? mp4Length
      : isMatroska(head)
        ? matroskaLength
        : isFlashVideo(head)
          ? flashLength
          : isTransportStream(head)
            ? openEnded
            : isAvi(head)
              ? aviLength
              : null;
    const length = (await read?.(bytes)) ?? null;
    const usable =
      length?.seconds !== null && Number.isFinite(length?.seconds) && Number(length?.seconds) > 0;
    return length && { ...length, seconds: usable ? length.seconds : null };
  } catch {
    // A table that points outside of itself: whatever it is, it does not tell the length.
    return null;
  } finally {
    await file.close();
  }
}

const isAvi = (head: Buffer): boolean =>
  head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'AVI ';

/** FFmpeg tells its length right, but not that it was cut off. */
async function aviLength(bytes: FileBytes): Promise<PictureLength> {
  const declared = (await bytes.read(4, 4)).readUInt32LE(0);
  const cut = declared !== 0xffffffff && declared + 8 > bytes.size;
  return { seconds: null, cut: cut ? true : null };
}

const packetBytes = 188;
const isTransportStream = (head: Buffer): boolean =>
  head.length >= packetBytes * 2 + 1 && head[0] === 0x47 && head[packetBytes] === 0x47;

/** A transport stream may begin and end anywhere, so it promises nothing. */
const openEnded = (): Promise<PictureLength> => Promise.resolve({ seconds: null, cut: false });
