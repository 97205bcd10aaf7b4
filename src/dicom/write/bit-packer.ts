/**
 * Pixels of one bit, frame behind frame without padding between them (PS3.5 8.1.1), in blocks of bounded size. Pure.
 */
import type { Mask } from '../../vocabulary/mask.js';

const blockBytes = 1 << 20;

/** Pixel data of so many frames has this many bytes, one for padding to an even number included. */
export function packedBytes(frames: number, pixelsPerFrame: number): number {
  const bytes = Math.ceil((frames * pixelsPerFrame) / 8);
  return bytes + (bytes % 2);
}

/** Takes masks of one size and gives their bits, the first pixel of a frame in the lowest free bit. */
export class BitPacker {
  #block = Buffer.alloc(blockBytes);
  #bit = 0;
  #bytes = 0;

  /** The blocks that this mask fills; each belongs to the caller. */
  *push({ counts, width, height }: Mask): Generator<Buffer> {
    const bitmap = rowMajor(counts, width, height);
    for (let pixel = 0; pixel < bitmap.length;) {
      const block = this.#block;
      const end = pixel + Math.min(bitmap.length - pixel, blockBytes * 8 - this.#bit);
      let bit = this.#bit;
      for (; pixel < end; pixel++, bit++)
        if (bitmap[pixel] === 1) block[bit >> 3] = (block[bit >> 3] as number) | (1 << (bit & 7));
      this.#bit = bit;
      if (this.#bit === blockBytes * 8) {
        yield this.#block;
        this.#bytes += blockBytes;
        this.#block = Buffer.alloc(blockBytes);
        this.#bit = 0;
      }
    }
  }

  /** What is left, with a byte of padding where the sum would be odd. */
  end(): Buffer {
    const left = Math.ceil(this.#bit / 8);
    return Buffer.concat([this.#block.subarray(0, left), Buffer.alloc((this.#bytes + left) % 2)]);
  }
}

/** Run lengths go down the columns, DICOM's pixels along the rows. */
function rowMajor(counts: Uint32Array, width: number, height: number): Uint8Array {
  const bitmap = new Uint8Array(width * height);
  let position = 0;
  for (const [run, count] of counts.entries()) {
    if (run % 2 === 1) {
      let [x, y] = [Math.floor(position / height), position % height];
      for (let left = count; left > 0; left--) {
        bitmap[y * width + x] = 1;
        y += 1;
        if (y === height) [x, y] = [x + 1, 0];
      }
    }
    position += count;
  }
  return bitmap;
}
