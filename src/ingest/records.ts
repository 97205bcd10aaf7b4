/**
 * The byte stream from a source's child process to its parent: records of a 64-byte header and a payload.
 * Pure; both ends use it. The parser gives every payload its own ArrayBuffer (transferable), filled with one
 * copy from the pipe's chunks.
 *
 * Header, little-endian: u16 magic, u8 version, u8 type, u32 payload bytes, f64 ptsNs, captureNs, mediaNs,
 * decodedNs, encodedNs, u32 sourceFrame, pass, width, height. Type 3 (message) carries JSON and no header fields.
 */
import type { PictureSize } from '../vocabulary/frame.js';

const magic = 0x5353;
const version = 1;
export const headerBytes = 64;
/** Larger than an 8K RGB picture (7680 × 4320 × 3 ≈ 100 MB); anything above is a broken stream. */
const payloadLimitBytes = 256 * 1024 * 1024;

export type RecordType = 'display' | 'analysis' | 'message';
const typeCodes: Record<RecordType, number> = { display: 1, analysis: 2, message: 3 };
const typesByCode = new Map<number, RecordType>(
  (Object.keys(typeCodes) as RecordType[]).map((type) => [typeCodes[type], type]),
);

export interface RecordHeader {
  readonly type: RecordType;
  readonly ptsNs: number;
  readonly captureNs: number;
  readonly mediaNs: number;
  readonly decodedNs: number;
  /** 0 for analysis frames. */
  readonly encodedNs: number;
  readonly sourceFrame: number;
  readonly pass: number;
  readonly size: PictureSize;
}

export interface IngestRecord {
  readonly header: RecordHeader;
  /** Own ArrayBuffer, offset 0. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

export function encodeHeader(header: RecordHeader, payloadBytes: number): Buffer {
  const out = Buffer.allocUnsafe(headerBytes);
  out.writeUInt16LE(magic, 0);
  out.writeUInt8(version, 2);
  out.writeUInt8(typeCodes[header.type], 3);
  out.writeUInt32LE(payloadBytes, 4);
  out.writeDoubleLE(header.ptsNs, 8);
  out.writeDoubleLE(header.captureNs, 16);
  out.writeDoubleLE(header.mediaNs, 24);
  out.writeDoubleLE(header.decodedNs, 32);
  out.writeDoubleLE(header.encodedNs, 40);
  out.writeUInt32LE(header.sourceFrame, 48);
  out.writeUInt32LE(header.pass, 52);
  out.writeUInt32LE(header.size.width, 56);
  out.writeUInt32LE(header.size.height, 60);
  return out;
}

export function encodeMessage(message: unknown): Buffer {
  const payload = Buffer.from(JSON.stringify(message));
  const header = encodeHeader(
    {
      type: 'message',
      ptsNs: 0,
      captureNs: 0,
      mediaNs: 0,
      decodedNs: 0,
      encodedNs: 0,
      sourceFrame: 0,
      pass: 0,
      size: { width: 0, height: 0 },
    },
    payload.length,
  );
  return Buffer.concat([header, payload]);
}

/** Thrown when the bytes cannot be a record: the child is broken and must be restarted. */
export class RecordFormatError extends Error {}

/** Incremental parser: feed chunks cut anywhere with `push`, take finished records with `take`. */
export class RecordParser {
  readonly #header = Buffer.alloc(headerBytes);
  #headerFilled = 0;
  #current: RecordHeader | null = null;
  #payload: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #payloadFilled = 0;
  readonly #chunks: Uint8Array[] = [];
  #chunkOffset = 0;

  push(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
  }

  /** True while no part of a record is held: a clean place for the stream to end. */
  get empty(): boolean {
    return this.#headerFilled === 0 && this.#chunks.length === 0;
  }

  /** @throws RecordFormatError on bytes that are no record */
  take(): IngestRecord | null {
    if (this.#current === null) {
      this.#headerFilled += this.#move(this.#header, this.#headerFilled);
      if (this.#headerFilled < headerBytes) return null;
      this.#begin();
    }
    this.#payloadFilled += this.#move(this.#payload, this.#payloadFilled);
    if (this.#payloadFilled < this.#payload.length) return null;
    const record = { header: this.#current as unknown as RecordHeader, payload: this.#payload };
    this.#current = null;
    this.#headerFilled = 0;
    this.#payloadFilled = 0;
    this.#payload = new Uint8Array(0);
    return record;
  }

  #begin(): void {
    const bytes = this.#header;
    const type = typesByCode.get(bytes.readUInt8(3));
    if (bytes.readUInt16LE(0) !== magic || bytes.readUInt8(2) !== version || type === undefined)
      throw new RecordFormatError('not a record header');
    const payloadBytes = bytes.readUInt32LE(4);
    if (payloadBytes > payloadLimitBytes)
      throw new RecordFormatError(`record of ${payloadBytes} bytes is too large`);
    this.#current = {
      type,
      ptsNs: bytes.readDoubleLE(8),
      captureNs: bytes.readDoubleLE(16),
      mediaNs: bytes.readDoubleLE(24),
      decodedNs: bytes.readDoubleLE(32),
      encodedNs: bytes.readDoubleLE(40),
      sourceFrame: bytes.readUInt32LE(48),
      pass: bytes.readUInt32LE(52),
      size: { width: bytes.readUInt32LE(56), height: bytes.readUInt32LE(60) },
    };
    // Every byte is overwritten before anybody sees it; zeros first would be one more pass over each picture.
    this.#payload = new Uint8Array(Buffer.allocUnsafeSlow(payloadBytes).buffer);
  }

  /** Move waiting bytes into `target` from `filled` on; returns how many. */
  #move(target: Uint8Array, filled: number): number {
    let moved = 0;
    while (filled + moved < target.length) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) break;
      const count = Math.min(target.length - filled - moved, chunk.length - this.#chunkOffset);
      target.set(chunk.subarray(this.#chunkOffset, this.#chunkOffset + count), filled + moved);
      moved += count;
      this.#chunkOffset += count;
      if (this.#chunkOffset === chunk.length) {
        this.#chunks.shift();
        this.#chunkOffset = 0;
      }
    }
    return moved;
  }
}
