/**
 * RLE: up to 15 PackBits segments, one per byte plane, most significant first, colour planes one after the other (PS3.5 annex G). Pure.
 * Own code, because the one library that has it (dcmjs-codecs) is 4 MB of WebAssembly for these lines, and leaves its memory in
 * disorder after a damaged frame (docs/decisions/0103-codecs-of-dicom.md).
 */
import { DamagedFrame } from './damaged-frame.js';

/**
 * @param count pixels
 * @param bytesPerSample 1, 2 or 4
 * @returns little-endian samples, one plane after the other
 * @throws DamagedFrame
 */
export function decodeRle(
  frame: Uint8Array,
  count: number,
  samplesPerPixel: number,
  bytesPerSample: number,
): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const wanted = samplesPerPixel * bytesPerSample;
  if (frame.length < 64 || view.getUint32(0, true) !== wanted)
    throw new DamagedFrame(`RLE frame without ${wanted} segments`);
  const out = new Uint8Array(count * wanted);
  for (let segment = 0; segment < wanted; segment += 1) {
    const start = view.getUint32(4 + 4 * segment, true);
    const end = segment + 1 < wanted ? view.getUint32(8 + 4 * segment, true) : frame.length;
    const sample = Math.floor(segment / bytesPerSample);
    const byte = bytesPerSample - 1 - (segment % bytesPerSample);
    unpackBits(
      frame.subarray(start, end),
      out,
      sample * count * bytesPerSample + byte,
      bytesPerSample,
      count,
    );
  }
  return out;
}

function unpackBits(packed: Uint8Array, out: Uint8Array, from: number, step: number, count: number): void {
  const end = from + count * step;
  let at = 0;
  let to = from;
  while (to < end && at < packed.length) {
    const head = packed[at] ?? 0;
    at += 1;
    if (head < 128) {
      const last = Math.min(at + head + 1, packed.length);
      for (; at < last && to < end; to += step) {
        out[to] = packed[at] ?? 0;
        at += 1;
      }
    } else if (head > 128) {
      const value = packed[at] ?? 0;
      at += 1;
      for (let left = 257 - head; left > 0 && to < end; left -= 1, to += step) out[to] = value;
    }
  }
  if (to < end) throw new DamagedFrame('RLE segment too short');
}
