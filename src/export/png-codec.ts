/**
 * PNG of label maps, written with a palette or as grey. Runs in any Node thread; packs in Node's thread pool. Read by
 * src/formats/label-png.ts.
 */
import { packRows, pngFile } from '../formats/png.js';
import type { Mask } from '../vocabulary/mask.js';

/** Colour of each index, R G B, as in DAVIS (and PASCAL VOC): the bits of the index dealt out to the channels. */
export const davisPalette: Uint8Array = Uint8Array.from({ length: 768 }, (_, index) => {
  const channel = index % 3;
  let label = Math.floor(index / 3);
  let value = 0;
  for (let bit = 7; bit >= 0; bit--, label >>= 3) value |= ((label >> channel) & 1) << bit;
  return value;
});

const filterNone = 0;
const filterUp = 2;

/**
 * `data` is row-major, one byte per pixel, width × height. With a palette (768 bytes) the file is indexed, without it
 * grey. The bytes depend on the content only.
 */
export async function encodePng(
  data: Uint8Array,
  width: number,
  height: number,
  palette: Uint8Array | null,
): Promise<Buffer> {
  if (data.length !== width * height)
    throw new RangeError(`${data.length} bytes do not make ${width}×${height}`);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const blank = new Uint8Array(width);
  const rows = new Uint8Array((width + 1) * height);
  for (let y = 0, from = 0, to = 0; y < height; y++, from += width, to += width + 1) {
    const end = from + width;
    // Most rows of a label map are blank or equal the row above: native comparison finds them.
    if (bytes.compare(blank, 0, width, from, end) === 0) continue;
    rows[to] = filterUp;
    if (y === 0) rows.set(data.subarray(0, width), 1);
    else if (bytes.compare(bytes, from - width, from, from, end) !== 0)
      for (let x = from, out = to + 1; x < end; x++, out++)
        rows[out] = (data[x] as number) - (data[x - width] as number);
  }
  return pngFile({ width, height }, palette === null ? 'grey' : 'indexed', await packRows(rows), palette);
}

/**
 * PNGs of masks, grey 0 and 255, straight from the run lengths. With the filter "up" a row holds only where columns
 * begin and end, which is what run lengths down the columns say; rows without foreground stay blank with no filter. So
 * the picture itself is never made, and between two frames only the few bytes that were set are cleared.
 */
export class MaskPngEncoder {
  readonly #rows: Uint8Array;
  #busy = false;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.#rows = new Uint8Array((width + 1) * height);
  }

  /** The file; its bytes depend on the mask only. One call at a time. */
  async encode(mask: Mask): Promise<Buffer> {
    const { width, height } = this;
    if (mask.width !== width || mask.height !== height)
      throw new RangeError(`a mask of ${mask.width}×${mask.height} in a picture of ${width}×${height}`);
    if (this.#busy) throw new Error('the encoder is still at work');
    this.#busy = true;
    const rows = this.#rows;
    const changed = filterMask(mask, rows);
    try {
      return pngFile({ width, height }, 'grey', await packRows(rows));
    } finally {
      for (const index of changed) rows[index] = 0;
      this.#busy = false;
    }
  }
}

/** Writes a mask's filtered rows over zeros; returns the places it wrote to. */
function filterMask({ width, height, counts }: Mask, rows: Uint8Array): readonly number[] {
  const stride = width + 1;
  // Columns that begin minus columns that end at each row: their sum down to a row says whether it is blank.
  const steps = new Int32Array(height + 1);
  const begins: number[] = [];
  const ends: number[] = [];
  let position = 0;
  for (let run = 0; run < counts.length; run++) {
    const end = position + (counts[run] as number);
    if (run % 2 === 1)
      while (position < end) {
        const x = Math.floor(position / height);
        const top = position - x * height;
        const bottom = Math.min(height, end - x * height);
        steps[top] = (steps[top] as number) + 1;
        steps[bottom] = (steps[bottom] as number) - 1;
        begins.push(top * stride + x + 1);
        if (bottom < height) ends.push(bottom * stride + x + 1);
        position = x * height + bottom;
      }
    position = end;
  }
  const changed: number[] = [];
  for (let y = 0, columns = 0; y < height; y++) {
    columns += steps[y] as number;
    if (columns === 0) continue;
    rows[y * stride] = filterUp;
    changed.push(y * stride);
  }
  // Added, not set: where an empty run parts two others, a column ends and begins in one place and nothing changes.
  for (const index of begins) {
    rows[index] = (rows[index] as number) + 255;
    changed.push(index);
  }
  for (const index of ends) {
    if (rows[index - (index % stride)] === filterNone) continue;
    rows[index] = (rows[index] as number) + 1;
    changed.push(index);
  }
  return changed;
}
