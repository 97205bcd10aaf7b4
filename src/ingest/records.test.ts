import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeHeader,
  encodeMessage,
  headerBytes,
  RecordFormatError,
  RecordParser,
  type IngestRecord,
  type RecordHeader,
} from './records.js';

const time = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const count = fc.integer({ min: 0, max: 0xffffffff });
const header: fc.Arbitrary<RecordHeader> = fc.record({
  type: fc.constantFrom('display' as const, 'analysis' as const),
  ptsNs: time,
  captureNs: time,
  mediaNs: time,
  decodedNs: time,
  encodedNs: time,
  sourceFrame: count,
  pass: count,
  size: fc.record({ width: count, height: count }),
});
const record = fc.record({ header, payload: fc.uint8Array({ maxLength: 300 }) });

function drain(parser: RecordParser): IngestRecord[] {
  const out: IngestRecord[] = [];
  for (let next = parser.take(); next !== null; next = parser.take()) out.push(next);
  return out;
}

const bytesOf = (records: readonly { header: RecordHeader; payload: Uint8Array }[]): Buffer =>
  Buffer.concat(records.flatMap(({ header, payload }) => [encodeHeader(header, payload.length), payload]));

describe('record stream', () => {
  it('gives back what was written, wherever the pipe cuts it', () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
        (records, cuts) => {
          const bytes = bytesOf(records);
          const parser = new RecordParser();
          const seen: IngestRecord[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const step = cuts[turn % cuts.length] ?? 1;
            parser.push(bytes.subarray(at, at + step));
            seen.push(...drain(parser));
            at += step;
          }
          expect(seen.map(({ header }) => header)).toEqual(records.map(({ header }) => header));
          expect(seen.map(({ payload }) => [...payload])).toEqual(records.map(({ payload }) => [...payload]));
          expect(parser.empty).toBe(true);
        },
      ),
    );
  });

  it('cut at every byte, waits for the rest and loses nothing', () => {
    const one = fc.sample(record, { numRuns: 1, seed: 7 })[0];
    if (one === undefined) throw new Error('no sample');
    const bytes = bytesOf([one]);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const parser = new RecordParser();
      parser.push(bytes.subarray(0, cut));
      const early = drain(parser);
      parser.push(bytes.subarray(cut));
      const all = [...early, ...drain(parser)];
      expect(early.length).toBe(cut === bytes.length ? 1 : 0);
      expect(all).toHaveLength(1);
      expect([...(all[0]?.payload ?? [])]).toEqual([...one.payload]);
    }
  });

  it('gives each payload its own transferable buffer', () => {
    const [a, b] = [Buffer.from('first'), Buffer.from('second')];
    const parser = new RecordParser();
    const base = fc.sample(header, { numRuns: 1, seed: 3 })[0] as RecordHeader;
    parser.push(Buffer.concat([encodeHeader(base, a.length), a, encodeHeader(base, b.length), b]));
    const records = drain(parser);
    for (const { payload } of records) {
      expect(payload.byteOffset).toBe(0);
      expect(payload.buffer.byteLength).toBe(payload.length);
    }
    expect(records[0]?.payload.buffer).not.toBe(records[1]?.payload.buffer);
  });

  it('carries messages as JSON', () => {
    const parser = new RecordParser();
    parser.push(encodeMessage({ kind: 'ended', damagedAtS: null }));
    const message = parser.take();
    expect(message?.header.type).toBe('message');
    expect(JSON.parse(Buffer.from(message?.payload ?? []).toString())).toEqual({
      kind: 'ended',
      damagedAtS: null,
    });
  });

  it('refuses what is no record: other bytes, another version, a record beyond any picture', () => {
    const good = encodeHeader(fc.sample(header, { numRuns: 1, seed: 3 })[0] as RecordHeader, 5);
    const changed = (at: number, value: number): Buffer => {
      const bytes = Buffer.from(good);
      bytes[at] = value;
      return bytes;
    };
    for (const bytes of [changed(0, 0), changed(2, 9), changed(3, 77), changed(7, 0xff)]) {
      const parser = new RecordParser();
      parser.push(bytes);
      expect(() => parser.take()).toThrow(RecordFormatError);
    }
    expect(good).toHaveLength(headerBytes);
  });
});
