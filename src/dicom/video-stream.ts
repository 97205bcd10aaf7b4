/**
 * Where the bytes of a stream of video lie in the pixel data of a DICOM image (PS3.5 annex A.4 and 8.2.5 to 8.2.13): its fragments one
 * after the other, whatever they say about frames. Child process of a source.
 */
import type { DicomFile } from './data-set-file.js';
import { memoryError } from './memory-limits.js';
import type { ByteRange } from './byte-source.js';
import { beginsWithItem, fragmentsAtOnce, itemBytes, itemLength, mostFragments } from './pixel-index.js';

export interface VideoStream {
  /** In order, none of them empty; together they are the stream. */
  readonly parts: readonly ByteRange[];
  /** The file ends, or no fragment follows, before the stream does. */
  readonly isCut: boolean;
}

/**
 * Fragments as far as they follow each other: a picture behind a hole would have a wrong number.
 * @throws SONO_SOURCE_MEMORY; an Error where there is not a byte of a stream
 */
export async function findVideoStream({ source, path, pixels }: DicomFile): Promise<VideoStream> {
  if (pixels === null) throw new Error('no pixel data');
  const { valueAt, length } = pixels;
  const end = length === 'undefined' ? Infinity : valueAt + length;
  const found =
    length === 'undefined' || beginsWithItem(source, valueAt)
      ? await fragments()
      : { parts: [{ at: valueAt, length: Math.min(end, source.size) - valueAt }], isCut: end > source.size };
  if (!found.parts.some((part) => part.length > 0)) throw new Error('no fragment has a byte');
  return { ...found, parts: found.parts.filter((part) => part.length > 0) };

  async function fragments(): Promise<VideoStream> {
    const parts: ByteRange[] = [];
    let at = isTable()
      ? valueAt + itemBytes + (itemLength(source.readNow(valueAt, itemBytes)) ?? 0)
      : valueAt;
    while (at < end) {
      const head = source.readNow(at, itemBytes);
      const bytes = itemLength(head);
      if (bytes === null) return { parts, isCut: !isDelimiter(head) };
      const there = Math.min(bytes, source.size - at - itemBytes);
      parts.push({ at: at + itemBytes, length: there });
      if (there < bytes) return { parts, isCut: true };
      at += itemBytes + bytes;
      if (parts.length === mostFragments)
        throw memoryError(path, 'its fragments', mostFragments * 64, mostFragments * 64);
      if (parts.length % fragmentsAtOnce === 0) await new Promise(setImmediate);
    }
    return { parts, isCut: false };
  }

  /** Whether the first item is the table of offsets, of which the first is 0. No stream of video begins with four zeros. */
  function isTable(): boolean {
    const head = source.readNow(valueAt, itemBytes + 4);
    return itemLength(head) === 0 || head.subarray(itemBytes).every((byte) => byte === 0);
  }
}

/** The item that ends all fragments. */
const isDelimiter = (head: Uint8Array): boolean =>
  head[0] === 0xfe && head[1] === 0xff && head[2] === 0xdd && head[3] === 0xe0;
