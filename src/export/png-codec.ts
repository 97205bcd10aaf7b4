/**
 * PNG of label maps: written with a palette or as grey, read back as the numbers in the file. sharp turns palette
 * indices into colours, and indices are what a label map is about. Runs anywhere; packs in Node's thread pool.
 */
import { constants, crc32, deflate, inflate, inflateSync } from 'node:zlib';
import { promisify } from 'node:util';
import type { Mask } from '../mask.js';

const deflateAsync = promisify(deflate);
const inflateAsync = promisify(inflate);
const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Colour of each index, R G B, as in DAVIS (and PASCAL VOC): the bits of the index dealt out to the channels. */
export const davisPalette: Uint8Array = Uint8Array.from({ length: 768 }, (_, index) => {
  const channel = index % 3;
  let label = Math.floor(index / 3);
  let value = 0;
  for (let bit = 7; bit >= 0; bit--, label >>= 3) value |= ((label >> channel) & 1) << bit;
  return value;
});

function chunk(type: string, data: Uint8Array): Buffer {
  const buffer = Buffer.alloc(12 + data.byteLength);
  buffer.writeUInt32BE(data.byteLength, 0);
  buffer.write(type, 4, 'latin1');
  buffer.set(data, 8);
  buffer.writeUInt32BE(crc32(buffer.subarray(4, 8 + data.byteLength)), 8 + data.byteLength);
  return buffer;
}

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
  return pngOf(await pack(rows), width, height, palette);
}

/**
 * Rows hold little but zeros (see the filters above and below), and those in long runs. Looking for nothing but runs
 * takes a fifth of the time of zlib's usual search and gives smaller files.
 */
function pack(rows: Uint8Array): Promise<Buffer> {
  return deflateAsync(rows, { level: 1, strategy: constants.Z_RLE, chunkSize: 1 << 16 });
}

function pngOf(packed: Uint8Array, width: number, height: number, palette: Uint8Array | null): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, palette === null ? 0 : 3, 0, 0, 0], 8);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    ...(palette === null ? [] : [chunk('PLTE', palette)]),
    chunk('IDAT', packed),
    chunk('IEND', new Uint8Array()),
  ]);
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
      return pngOf(await pack(rows), width, height, null);
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

export interface LabelPicture {
  readonly width: number;
  readonly height: number;
  /** Row-major, one byte per pixel: palette indices, or grey levels as stored (1, 2 and 4 bits are not stretched). */
  readonly data: Uint8Array;
  readonly indexed: boolean;
}

/** Bytes of packed picture that are unpacked in the calling thread. */
const unpackedHere = 32 * 1024;

const colourGrey = 0;
const colourIndexed = 3;

/**
 * Reads grey and palette PNGs of up to eight bits without interlacing; null for any other PNG (sharp reads those).
 * Throws RangeError for a file that is no PNG or is cut off.
 */
export async function decodeLabelPng(file: Uint8Array): Promise<LabelPicture | null> {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.length < 33 || !bytes.subarray(0, 8).equals(signature)) throw new RangeError('not a PNG file');
  const width = bytes.readUInt32BE(16);
  const height = bytes.readUInt32BE(20);
  const [depth, colour, , , interlace] = bytes.subarray(24, 29) as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (depth > 8 || (colour !== colourGrey && colour !== colourIndexed) || interlace !== 0) return null;
  const parts: Buffer[] = [];
  for (let at = 8; ;) {
    if (at + 12 > bytes.length) throw new RangeError('PNG file is cut off');
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (type === 'IEND') break;
    if (at + 12 + length > bytes.length) throw new RangeError('PNG file is cut off');
    if (type === 'IDAT') parts.push(bytes.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const stride = Math.ceil((width * depth) / 8);
  let rows: Buffer;
  try {
    // The result in one piece: zlib's default pieces of 16 KB cost more than the decompression.
    const length = Math.min((stride + 1) * height + 64, 1 << 26);
    const chunkSize = Math.max(64, length);
    const packed = Buffer.concat(parts);
    // A mask is a few kilobytes and unpacked sooner than another thread would have taken it over.
    rows =
      packed.length <= unpackedHere
        ? inflateSync(packed, { chunkSize })
        : await inflateAsync(packed, { chunkSize });
  } catch (error) {
    throw new RangeError('PNG file is damaged', { cause: error });
  }
  if (rows.length < (stride + 1) * height) throw new RangeError('PNG file is cut off');
  const packed = unfilter(rows, stride, height);
  const data = depth === 8 ? packed : unpack(packed, width, height, depth, stride);
  return { width, height, data, indexed: colour === colourIndexed };
}

/** Undoes the five PNG filters for one byte per pixel (or less), in place: writing never catches up with reading. */
function unfilter(rows: Buffer, stride: number, height: number): Uint8Array {
  const data = new Uint8Array(rows.buffer, rows.byteOffset, stride * height);
  const four = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  const blank = new Uint8Array(stride);
  for (let y = 0, from = 0, to = 0; y < height; y++) {
    const filter = rows[from++] as number;
    const above = y > 0 ? to - stride : -1;
    // Most rows of a mask are blank once filtered: native comparison finds them. What the other filters make of a blank
    // row depends on the row above.
    if (filter <= filterUp && rows.compare(blank, 0, stride, from, from + stride) === 0) {
      if (filter === filterUp && above >= 0) data.copyWithin(to, above, to);
      else data.fill(0, to, to + stride);
      from += stride;
      to += stride;
      continue;
    }
    switch (filter) {
      case filterNone:
        data.set(rows.subarray(from, from + stride), to);
        from += stride;
        to += stride;
        break;
      case 1:
        for (let x = 0, left = 0; x < stride; x++) {
          // Between two edges of a mask nothing changes: four bytes at a time.
          for (; x + 4 <= stride && four.getUint32(from) === 0; x += 4, from += 4, to += 4)
            four.setUint32(to, left * 0x01010101);
          if (x === stride) break;
          left = ((rows[from++] as number) + left) & 255;
          data[to++] = left;
        }
        break;
      case filterUp: {
        if (above < 0) {
          data.set(rows.subarray(from, from + stride), to);
          from += stride;
          to += stride;
          break;
        }
        let x = 0;
        for (; x + 4 <= stride; x += 4, from += 4, to += 4) {
          // Four sums without carries between them.
          const a = four.getUint32(from);
          const b = four.getUint32(above + x);
          four.setUint32(to, ((a & 0x7f7f7f7f) + (b & 0x7f7f7f7f)) ^ ((a ^ b) & 0x80808080));
        }
        for (; x < stride; x++) data[to++] = (rows[from++] as number) + (data[above + x] as number);
        break;
      }
      case 3:
        for (let x = 0, left = 0; x < stride; x++) {
          left =
            ((rows[from++] as number) + ((left + (above < 0 ? 0 : (data[above + x] as number))) >> 1)) & 255;
          data[to++] = left;
        }
        break;
      case 4:
        for (let x = 0, left = 0, corner = 0; x < stride; x++) {
          const up = above < 0 ? 0 : (data[above + x] as number);
          const toLeft = Math.abs(up - corner);
          const toUp = Math.abs(left - corner);
          const toCorner = Math.abs(left + up - 2 * corner);
          const predicted = toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
          left = ((rows[from++] as number) + predicted) & 255;
          corner = up;
          data[to++] = left;
        }
        break;
      default:
        throw new RangeError(`PNG row ${y} has the unknown filter ${filter}`);
    }
  }
  return data;
}

function unpack(
  packed: Uint8Array,
  width: number,
  height: number,
  depth: number,
  stride: number,
): Uint8Array {
  const data = new Uint8Array(width * height);
  const perByte = 8 / depth;
  const mask = (1 << depth) - 1;
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++, to++) {
      const byte = packed[y * stride + Math.floor(x / perByte)] as number;
      data[to] = (byte >> (8 - depth * ((x % perByte) + 1))) & mask;
    }
  return data;
}
