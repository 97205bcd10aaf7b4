/** Unpacks the chunks of an MCAP file, the same on every Node: zstd by the reference code as WebAssembly, LZ4 by ../lz4. */
import { unpackLz4 } from '../formats/lz4.js';

/** Writers make chunks of a few megabytes; a header may claim anything. */
const mostBytes = 256 * 1024 * 1024;

export const knownCompressions: readonly string[] = ['', 'zstd', 'lz4'];

/**
 * `length` is what the chunk says that it holds. Rejects with RangeError, in words, where it does not unpack to exactly
 * that; `compression` must be one of `knownCompressions`.
 */
export async function unpackChunk(
  compression: string,
  packed: Uint8Array,
  length: number,
): Promise<Uint8Array> {
  if (compression === '') return packed;
  if (length > mostBytes)
    throw new RangeError(
      `it says that it holds ${Math.round(length / 2 ** 20)} megabytes, more than ${mostBytes / 2 ** 20}`,
    );
  if (length === 0) return new Uint8Array(0);
  if (compression === 'lz4') return unpackLz4(packed, length);
  // Few recordings need it, and it compiles 200 KB.
  const zstd = await import('@foxglove/wasm-zstd');
  await zstd.isLoaded;
  const records = zstd.decompress(packed, length);
  if (records.byteLength !== length) throw new RangeError('it is shorter than its header says');
  return records;
}
