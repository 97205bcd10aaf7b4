/**
 * Lossless PNG of raw pictures, quick enough for every analysed frame of a live stream: one filter (Up), fast deflate in
 * the thread pool. On 448×256 endoscopy: 142 KB of 336 KB, about 1 ms here and 3 ms in the pool; sharp's PNG makes 235 KB.
 */
import { crc32, deflate, constants } from 'node:zlib';
import { promisify } from 'node:util';
import type { PictureSize } from '../vocabulary/frame.js';

const deflateAsync = promisify(deflate);
const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const filterUp = 2;
const colourTypes = { grey: 0, rgb: 2, indexed: 3 } as const;

/** `rgb` is uint8, height × width × 3, tightly packed; it is read before the first await and may be reused after the call. */
export async function encodeRgbPng(rgb: Uint8Array, size: PictureSize): Promise<Uint8Array> {
  const rowBytes = size.width * 3;
  if (rgb.byteLength !== rowBytes * size.height)
    throw new RangeError(`${rgb.byteLength} bytes do not make ${size.width}×${size.height} RGB`);
  const rows = new Uint8Array((rowBytes + 1) * size.height);
  for (let y = 0, from = 0, to = 0; y < size.height; y++) {
    rows[to++] = filterUp;
    if (y === 0) {
      rows.set(rgb.subarray(0, rowBytes), to);
      from += rowBytes;
      to += rowBytes;
      continue;
    }
    for (let above = from - rowBytes; above < y * rowBytes;)
      rows[to++] = (rgb[from++] as number) - (rgb[above++] as number);
  }
  return pngFile(size, 'rgb', await packRows(rows));
}

/**
 * Deflates filtered rows. Looking for nothing but runs takes a fifth of the time of zlib's usual search; of label maps, whose
 * rows hold little but zeros in long runs, it even gives smaller files.
 */
export function packRows(rows: Uint8Array): Promise<Uint8Array> {
  return deflateAsync(rows, { level: 1, strategy: constants.Z_RLE, chunkSize: 1 << 16 });
}

/** The file around packed rows of eight bits per sample. `indexed`: `palette` holds R, G, B of up to 256 colours. */
export function pngFile(
  { width, height }: PictureSize,
  kind: keyof typeof colourTypes,
  packed: Uint8Array,
  palette: Uint8Array | null = null,
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, colourTypes[kind], 0, 0, 0], 8);
  return Buffer.concat([
    signature,
    pngChunk('IHDR', header),
    ...(palette === null ? [] : [pngChunk('PLTE', palette)]),
    pngChunk('IDAT', packed),
    pngChunk('IEND', new Uint8Array()),
  ]);
}

function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = Buffer.alloc(12 + data.byteLength);
  chunk.writeUInt32BE(data.byteLength, 0);
  chunk.write(type, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.byteLength)), 8 + data.byteLength);
  return chunk;
}
