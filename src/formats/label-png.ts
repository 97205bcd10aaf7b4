/**
 * Reads PNG label maps as the numbers in the file. sharp turns palette indices into colours and stretches 1, 2 and 4 bits
 * to 8; indices and small numbers are what a label map is about. Runs anywhere; large files unpack in Node's thread pool.
 */
import { inflate, inflateSync } from 'node:zlib';
import { promisify } from 'node:util';

const inflateAsync = promisify(inflate);
const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

interface LabelPng {
  readonly width: number;
  readonly height: number;
  /**
   * Row-major, one number per pixel: palette indices, or grey levels as stored (1, 2 and 4 bits are not stretched).
   * Sixteen bits where the file has them.
   */
  readonly data: Uint8Array | Uint16Array;
  readonly indexed: boolean;
  /** Red, green, blue of each index; null for grey. */
  readonly palette: Uint8Array | null;
  /** Bits per pixel in the file: 1, 2, 4, 8 or 16. */
  readonly depth: number;
}

/** Bytes of packed picture that are unpacked in the calling thread. */
const unpackedHere = 32 * 1024;

/** Larger pictures are no label maps: a header may claim more than the machine has. */
const mostPixels = 1 << 27;

const colourGrey = 0;
const colourIndexed = 3;
const filterNone = 0;
const filterUp = 2;

/** Where the pixels of each of the seven passes of an interlaced PNG lie (PNG specification, 8.2 Adam7). */
const adam7 = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
] as const;

export function isPng(file: Uint8Array): boolean {
  return file.length >= 33 && signature.every((value, index) => file[index] === value);
}

/** The chunks from the first to IEND (or the end of what is given), without their checksums. */
function* chunks(bytes: Buffer): Generator<{ readonly type: string; readonly data: Buffer }> {
  for (let at = 8; ;) {
    if (at + 12 > bytes.length) throw new RangeError('the PNG file is cut off');
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (type === 'IEND') return;
    if (at + 12 + length > bytes.length) throw new RangeError('the PNG file is cut off');
    yield { type, data: bytes.subarray(at + 8, at + 8 + length) };
    at += 12 + length;
  }
}

/**
 * Reads grey and palette PNGs, interlaced or not; null for a PNG with colours or transparency per pixel (sharp reads
 * those exactly). Throws RangeError, in words, for a file that is no PNG, is cut off, damaged or an animation.
 */
export async function decodeLabelPng(file: Uint8Array): Promise<LabelPng | null> {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (!isPng(bytes)) throw new RangeError('it is not a PNG file');
  const width = bytes.readUInt32BE(16);
  const height = bytes.readUInt32BE(20);
  const [depth = 0, colour = 0, , , interlace] = bytes.subarray(24, 29);
  const parts: Buffer[] = [];
  let palette: Uint8Array | null = null;
  for (const { type, data } of chunks(bytes)) {
    if (type === 'PLTE' && colour === colourIndexed) palette = Uint8Array.from(data);
    if (type === 'acTL') throw new RangeError('it holds several pictures');
    if (type === 'IDAT') parts.push(data);
  }
  if (colour !== colourGrey && colour !== colourIndexed) return null;
  if (width === 0 || height === 0 || width * height > mostPixels)
    throw new RangeError(`its header says ${width} × ${height} pixels`);
  if (![1, 2, 4, 8, 16].includes(depth)) throw new RangeError(`its header says ${depth} bits per pixel`);
  const passes =
    interlace === 1
      ? adam7.map((pass) => ({
          ...pass,
          width: Math.ceil((width - pass.x) / pass.dx),
          height: Math.ceil((height - pass.y) / pass.dy),
        }))
      : [{ x: 0, y: 0, dx: 1, dy: 1, width, height }];
  const sizes = passes
    .filter((pass) => pass.width > 0 && pass.height > 0)
    .map((pass) => ({ ...pass, stride: Math.ceil((pass.width * depth) / 8) }));
  const length = sizes.reduce((sum, pass) => sum + (pass.stride + 1) * pass.height, 0);
  const rows = await unpacked(parts, length);
  const indexed = colour === colourIndexed;
  const [first] = sizes;
  if (interlace !== 1 && first !== undefined)
    return { width, height, data: pixels(rows, first, depth), indexed, palette, depth };
  const data = depth === 16 ? new Uint16Array(width * height) : new Uint8Array(width * height);
  let at = 0;
  for (const pass of sizes) {
    const end = at + (pass.stride + 1) * pass.height;
    const part = pixels(rows.subarray(at, end), pass, depth);
    at = end;
    for (let y = 0, from = 0; y < pass.height; y++) {
      let to = (pass.y + y * pass.dy) * width + pass.x;
      for (let x = 0; x < pass.width; x++, from++, to += pass.dx) data[to] = part[from] as number;
    }
  }
  return { width, height, data, indexed, palette, depth };
}

/** The rows as they were filtered; `length` is what the header promises. */
async function unpacked(parts: readonly Buffer[], length: number): Promise<Buffer> {
  const packed = Buffer.concat(parts);
  // The result in one piece: zlib's default pieces of 16 KB cost more than the decompression. A file that unpacks to
  // much more than its header says is refused before it fills the memory.
  const options = { chunkSize: Math.max(64, length + 64), maxOutputLength: length + (1 << 16) };
  let rows: Buffer;
  try {
    // A mask is a few kilobytes and unpacked sooner than another thread would have taken it over.
    rows = packed.length <= unpackedHere ? inflateSync(packed, options) : await inflateAsync(packed, options);
  } catch (error) {
    throw new RangeError('the PNG file is damaged', { cause: error });
  }
  if (rows.length < length) throw new RangeError('the PNG file is cut off');
  return rows;
}

interface Rows {
  readonly width: number;
  readonly height: number;
  /** Bytes of a row, without the byte that names its filter. */
  readonly stride: number;
}

/** Filtered rows → one number per pixel. */
function pixels(rows: Buffer, { width, height, stride }: Rows, depth: number): Uint8Array | Uint16Array {
  if (depth < 8) return unpack(unfilter(rows, stride, height), width, height, depth, stride);
  if (depth === 8) return unfilter(rows, stride, height);
  const bytes = unfilterPairs(rows, stride, height);
  const data = new Uint16Array(width * height);
  for (let index = 0; index < data.length; index++)
    data[index] = ((bytes[2 * index] as number) << 8) | (bytes[2 * index + 1] as number);
  return data;
}

const paeth = (left: number, up: number, corner: number): number => {
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
};

/** Undoes the five PNG filters for two bytes per pixel. */
function unfilterPairs(rows: Buffer, stride: number, height: number): Uint8Array {
  const data = new Uint8Array(stride * height);
  for (let y = 0, from = 0, to = 0; y < height; y++) {
    const filter = rows[from++] as number;
    if (filter > 4) throw new RangeError(`row ${y} of the PNG file has the unknown filter ${filter}`);
    for (let x = 0; x < stride; x++, from++, to++) {
      const left = x < 2 ? 0 : (data[to - 2] as number);
      const up = y === 0 ? 0 : (data[to - stride] as number);
      const corner = x < 2 || y === 0 ? 0 : (data[to - stride - 2] as number);
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] as number;
      data[to] = (rows[from] as number) + predicted;
    }
  }
  return data;
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
          const predicted = paeth(left, up, corner);
          left = ((rows[from++] as number) + predicted) & 255;
          corner = up;
          data[to++] = left;
        }
        break;
      default:
        throw new RangeError(`row ${y} of the PNG file has the unknown filter ${filter}`);
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
