/**
 * Unpacks LZ4 frames (lz4_Frame_format.md 1.6.3, lz4_Block_format.md), which other programs put into MCAP files. Pure.
 * Own code: of the two decoders on npm one loses frames with block checksums, the other fails for good after one damaged
 * block (decision 0014); @mcap/support 1.1.0 uses the latter.
 */
const magic = 0x184d2204;

/** Bytes of the shortest match. The format stores how much longer a match is than this. */
const shortestMatch = 4;

const flag = {
  independent: 0x20,
  blockChecksum: 0x10,
  contentSize: 0x08,
  contentChecksum: 0x04,
  dictionary: 0x01,
};

/**
 * All frames of `packed` one behind the other. Throws RangeError, in words, for anything that does not come to exactly
 * `length` bytes. Checksums are skipped: the chunk's own one covers the same bytes.
 */
export function unpackLz4(packed: Uint8Array, length: number): Uint8Array {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const out = new Uint8Array(length);
  let at = 0;
  let written = 0;
  const needs = (bytes: number): void => {
    if (at + bytes > packed.length) throw new RangeError('it ends too early');
  };
  while (at < packed.length) {
    needs(7);
    if (view.getUint32(at, true) !== magic) throw new RangeError('it is no LZ4 frame');
    const flags = packed[at + 4] as number;
    if (flags >> 6 !== 1) throw new RangeError('its LZ4 version is not known');
    if (flags & flag.dictionary) throw new RangeError('it needs a dictionary');
    at += 4 + 2 + (flags & flag.contentSize ? 8 : 0) + 1;
    // Where blocks depend on each other, a match may reach back into earlier ones, never into an earlier frame.
    const frameStart = written;
    for (;;) {
      needs(4);
      const word = view.getUint32(at, true);
      at += 4;
      if (word === 0) break;
      const size = word & 0x7fffffff;
      needs(size);
      if (word >>> 31) {
        if (written + size > length) throw new RangeError('it is longer than its header says');
        out.set(packed.subarray(at, at + size), written);
        written += size;
      } else
        written = unpackBlock(
          packed.subarray(at, at + size),
          out,
          written,
          flags & flag.independent ? written : frameStart,
        );
      at += size + (flags & flag.blockChecksum ? 4 : 0);
    }
    if (flags & flag.contentChecksum) at += 4;
    if (at > packed.length) throw new RangeError('it ends too early');
  }
  if (written !== length) throw new RangeError('it is shorter than its header says');
  return out;
}

/** One block, written to `out` from `to` on; matches reach back to `earliest` at most. Returns where it ends. */
function unpackBlock(block: Uint8Array, out: Uint8Array, to: number, earliest: number): number {
  let at = 0;
  let written = to;
  /** 15 in a token means that bytes follow that are added, up to the first below 255. */
  const lengthFrom = (token: number): number => {
    let length = token;
    if (token === 15)
      for (let byte = 255; byte === 255;) {
        if (at >= block.length) throw new RangeError('a block ends too early');
        byte = block[at++] as number;
        length += byte;
      }
    return length;
  };
  while (at < block.length) {
    const token = block[at++] as number;
    const literals = lengthFrom(token >> 4);
    if (at + literals > block.length) throw new RangeError('a block ends too early');
    if (written + literals > out.length) throw new RangeError('it is longer than its header says');
    out.set(block.subarray(at, at + literals), written);
    at += literals;
    written += literals;
    // The last sequence has literals only.
    if (at === block.length) break;
    if (at + 2 > block.length) throw new RangeError('a block ends too early');
    const distance = (block[at] as number) | ((block[at + 1] as number) << 8);
    at += 2;
    const match = lengthFrom(token & 15) + shortestMatch;
    if (distance === 0 || written - distance < earliest)
      throw new RangeError('a block refers to bytes that are not there');
    if (written + match > out.length) throw new RangeError('it is longer than its header says');
    // Byte by byte where source and target overlap: that is how a short pattern is repeated.
    if (distance >= match) out.copyWithin(written, written - distance, written - distance + match);
    else
      for (let index = 0; index < match; index++)
        out[written + index] = out[written + index - distance] as number;
    written += match;
  }
  return written;
}
