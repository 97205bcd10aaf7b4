import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeHeader,
  encodeMessage,
  headerBytes,
  RecordFormatError,
  RecordParser,
  type IngestRecord,
  type SentFrame,
} from './records.js';

const time = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const count = fc.integer({ min: 0, max: 0xffffffff });
const fields = {
  ptsNs: time,
  captureNs: time,
  mediaNs: time,
  decodedNs: time,
  sourceFrame: count,
  discontinuity: count,
  size: fc.record({ width: count, height: count }),
  data: fc.uint8Array({ maxLength: 300 }),
};
const record: fc.Arbitrary<SentFrame> = fc.oneof(
  fc.record({
    kind: fc.constant('display' as const),
    frame: fc.record({ ...fields, encoding: fc.constant('jpeg' as const), encodedNs: time }),
  }),
  fc.record({ kind: fc.constant('analysis' as const), frame: fc.record(fields) }),
);

function drain(parser: RecordParser): IngestRecord[] {
  const out: IngestRecord[] = [];
  for (let next = parser.take(); next !== null; next = parser.take()) out.push(next);
  return out;
}

const parserOf = (): RecordParser => new RecordParser('theatre');
const bytesOf = (records: readonly SentFrame[]): Buffer =>
  Buffer.concat(records.flatMap((sent) => [encodeHeader(sent), sent.frame.data]));
const named = ({ kind, frame }: SentFrame) => ({ kind, frame: { streamId: 'theatre', ...frame } });
const sample = (seed: number, data: Uint8Array): SentFrame => {
  const sent = fc.sample(record, { numRuns: 1, seed })[0] as SentFrame;
  return { ...sent, frame: { ...sent.frame, data } } as SentFrame;
};

describe('record stream', () => {
  it('gives back what was written, wherever the pipe cuts it', () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
        (records, cuts) => {
          const bytes = bytesOf(records);
          const parser = parserOf();
          const seen: IngestRecord[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const step = cuts[turn % cuts.length] ?? 1;
            parser.push(bytes.subarray(at, at + step));
            seen.push(...drain(parser));
            at += step;
          }
          expect(seen).toEqual(records.map(named));
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
      const parser = parserOf();
      parser.push(bytes.subarray(0, cut));
      const early = drain(parser);
      parser.push(bytes.subarray(cut));
      const all = [...early, ...drain(parser)];
      expect(early.length).toBe(cut === bytes.length ? 1 : 0);
      expect(all).toHaveLength(1);
      expect(all[0]).toEqual(named(one));
    }
  });

  it('gives each payload its own transferable buffer', () => {
    const [a, b] = [Buffer.from('first'), Buffer.from('second')];
    const parser = parserOf();
    parser.push(bytesOf([sample(3, a), sample(3, b)]));
    const buffers = drain(parser).map((record) => {
      if (record.kind === 'message') throw new Error('a frame was written');
      const { data } = record.frame;
      expect(data.byteOffset).toBe(0);
      expect(data.buffer.byteLength).toBe(data.length);
      return data.buffer;
    });
    expect(buffers[0]).not.toBe(buffers[1]);
  });

  it('carries messages as JSON', () => {
    const parser = parserOf();
    parser.push(encodeMessage({ kind: 'ended', damage: null }));
    expect(parser.take()).toEqual({ kind: 'message', message: { kind: 'ended', damage: null } });
  });

  it('refuses what is no record: other bytes, another version, a record beyond any picture', () => {
    const good = encodeHeader(sample(3, new Uint8Array(5)));
    const changed = (at: number, value: number): Buffer => {
      const bytes = Buffer.from(good);
      bytes[at] = value;
      return bytes;
    };
    for (const bytes of [changed(0, 0), changed(2, 9), changed(3, 77), changed(7, 0xff)]) {
      const parser = parserOf();
      parser.push(bytes);
      expect(() => parser.take()).toThrow(RecordFormatError);
    }
    expect(good).toHaveLength(headerBytes);
  });
});
