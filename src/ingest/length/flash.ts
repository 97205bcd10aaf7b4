/** FLV: the last picture tag. Child process; throws on tags that point outside of the file. */
import { readBackwards, type FileBytes } from './file-bytes.js';
import type { PictureLength } from './picture-length.js';

export const isFlashVideo = (head: Buffer): boolean => head.toString('latin1', 0, 3) === 'FLV';
const tagBytes = 11;

/** Tags can be walked from either end: each is followed by its own length. */
export async function flashLength(bytes: FileBytes): Promise<PictureLength> {
  /** Not the tables and end marks of H.264, which come as pictures too. */
  const isPicture = (tag: Buffer): boolean =>
    ((tag[0] ?? 0) & 0x1f) === 9 && (((tag[11] ?? 0) & 0x0f) !== 7 || tag[12] === 1);
  const timeMs = (tag: Buffer): number => {
    const decodedMs = tag.readUIntBE(4, 3) + (tag[7] as number) * 2 ** 24;
    return ((tag[11] as number) & 0x0f) === 7 ? decodedMs + tag.readIntBE(13, 3) : decodedMs;
  };
  let firstMs = -1;
  const head = await bytes.read(0, 9);
  for (let at = head.readUInt32BE(5) + 4, steps = 0; firstMs < 0 && steps < 1000; steps += 1) {
    const tag = await bytes.read(at, tagBytes + 5);
    if (tag.length < tagBytes) break;
    if (isPicture(tag)) firstMs = timeMs(tag);
    at += tagBytes + tag.readUIntBE(1, 3) + 4;
  }
  const times: number[] = [];
  let cut = true;
  for (let end = bytes.size, steps = 0; end > 9 && times.length < 8 && steps < 100_000; steps += 1) {
    const trailer = await readBackwards(bytes, end - 4, 4);
    const at = end - 4 - trailer.readUInt32BE(0);
    const tag = await readBackwards(bytes, at, tagBytes + 5);
    if (tag.length < tagBytes || at + tagBytes + tag.readUIntBE(1, 3) !== end - 4) break;
    cut = false;
    if (isPicture(tag)) times.push(timeMs(tag));
    end = at;
  }
  times.sort((a, b) => b - a);
  const [latest, before] = times;
  if (firstMs < 0 || latest === undefined) return { seconds: null, cut };
  return { seconds: (latest - firstMs + (before === undefined ? 0 : latest - before)) / 1000, cut };
}
