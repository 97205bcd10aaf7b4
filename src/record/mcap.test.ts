/** MCAP writer and reader: round trips, cuts at every byte, failures of the disk. */
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { McapIndexedReader, McapStreamReader } from '@mcap/core';
import type { SonoError } from '../vocabulary/errors.js';
import { McapFileReader } from './mcap-reader.js';
import type { RecordedMessage, TimeRange } from './mcap-reader.js';
import { McapFileWriter } from './mcap-writer.js';
import type { McapWriterOptions } from './mcap-writer.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-mcap-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let fileCount = 0;
const newPath = () => join(folder, `${fileCount++}.mcap`);
const fail = (error: SonoError) => expect.unreachable(error.message);

const schema = { name: 'note', encoding: 'jsonschema', data: Buffer.from('{"type":"object"}') };

interface Note {
  readonly topic: string;
  readonly timeNs: bigint;
  readonly data: Uint8Array;
}

async function writeNotes(notes: readonly Note[], options: Partial<McapWriterOptions> = {}): Promise<string> {
  const path = newPath();
  const writer = await McapFileWriter.create(path, options, fail);
  writer.addMetadata('about', { schema: '1' });
  const channels = new Map<string, number>();
  for (const { topic, timeNs, data } of notes) {
    const id = channels.get(topic) ?? writer.addChannel({ topic, messageEncoding: 'json', schema });
    channels.set(topic, id);
    writer.add(id, timeNs, data);
  }
  await writer.close();
  return path;
}

async function readNotes(path: string, order: 'file' | 'time' = 'file', range: TimeRange = {}) {
  const reader = await McapFileReader.open(path);
  const notes: Note[] = [];
  const messages: AsyncGenerator<RecordedMessage> =
    order === 'file' ? reader.inFileOrder(null) : reader.inTimeOrder(null, range);
  try {
    for await (const { topic, timeNs, data } of messages)
      notes.push({ topic, timeNs, data: Uint8Array.from(data) });
  } finally {
    await reader.close();
  }
  return { notes, reader };
}

const noteArbitrary = fc.record({
  topic: fc.constantFrom('/a/x', '/a/y', '/b/x'),
  timeNs: fc.bigInt(0n, 2n ** 62n),
  data: fc.uint8Array({ maxLength: 300 }),
});

const fixedNotes: Note[] = Array.from({ length: 40 }, (_, index) => ({
  topic: index % 3 === 2 ? '/b/x' : '/a/x',
  timeNs: BigInt(1_000_000 + index * 10),
  data: Uint8Array.from({ length: 30 }, (__, byte) => (byte * 7 + index) & 255),
}));

describe('MCAP file', () => {
  it('gives back every message, in file order and in time order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(noteArbitrary, { maxLength: 60 }),
        fc.integer({ min: 1, max: 2000 }),
        async (notes, chunkBytes) => {
          const path = await writeNotes(notes, { chunkBytes });
          const { notes: inFile, reader } = await readNotes(path);
          expect(inFile).toEqual(notes);
          expect(reader.complete).toBe(true);
          expect(reader.metadata.get('about')).toEqual({ schema: '1' });
          const { notes: inTime } = await readNotes(path, 'time');
          const sorted = notes
            .map((note, index) => ({ note, index }))
            .sort((a, b) =>
              a.note.timeNs === b.note.timeNs ? a.index - b.index : a.note.timeNs < b.note.timeNs ? -1 : 1,
            )
            .map(({ note }) => note);
          expect(inTime).toEqual(sorted);
          rmSync(path);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('reads a range of time', async () => {
    const path = await writeNotes(fixedNotes, { chunkBytes: 200 });
    const { notes } = await readNotes(path, 'time', { fromNs: 1_000_100n, toNs: 1_000_200n });
    expect(notes).toEqual(fixedNotes.slice(10, 21));
  });

  it('is read by both readers of the reference library, all checksums right', async () => {
    const path = await writeNotes(fixedNotes, { chunkBytes: 200 });
    const bytes = readFileSync(path);
    const indexed = await McapIndexedReader.Initialize({
      readable: {
        size: () => Promise.resolve(BigInt(bytes.byteLength)),
        read: (offset, size) =>
          Promise.resolve(new Uint8Array(bytes.subarray(Number(offset), Number(offset + size)))),
      },
    });
    const times: bigint[] = [];
    for await (const message of indexed.readMessages({ validateCrcs: true })) times.push(message.logTime);
    expect(times).toEqual(fixedNotes.map(({ timeNs }) => timeNs));
    expect(indexed.statistics?.messageCount).toBe(40n);
    const stream = new McapStreamReader({ validateCrcs: true });
    stream.append(bytes);
    let count = 0;
    for (let record = stream.nextRecord(); record; record = stream.nextRecord())
      if (record.type === 'Message') count += 1;
    expect(count).toBe(40);
    expect(stream.done()).toBe(true);
  });

  it('of ours is opened by its summary alone: an hour has tens of thousands of chunks', async () => {
    const path = await writeNotes(fixedNotes, { chunkBytes: 300 });
    const bytes = readFileSync(path);
    let chunk = 8;
    while (bytes[chunk] !== 6) chunk += 9 + Number(bytes.readBigUInt64LE(chunk + 1));
    // A walk from the front would pass over a record of an unknown kind.
    bytes[chunk] = 0x90;
    writeFileSync(path, bytes);
    expect((await readNotes(path)).notes).toEqual(fixedNotes);
  });

  it('cut at any byte gives the complete chunks before the cut, and nothing else', async () => {
    const few = fixedNotes.slice(0, 12);
    const path = await writeNotes(few, { chunkBytes: 200 });
    const whole = await McapFileReader.open(path);
    const ends = whole.chunks.map((chunk) => chunk.offset + chunk.length);
    const counts = await Promise.all(
      whole.chunks.map(async (chunk) => [...whole.messagesOf(await whole.readChunk(chunk), null)].length),
    );
    await whole.close();
    expect(ends.length).toBeGreaterThan(3);
    const cut = newPath();
    copyFileSync(path, cut);
    for (let size = statSync(path).size - 1; size >= 0; size--) {
      truncateSync(cut, size);
      if (size < 8) {
        await expect(McapFileReader.open(cut)).rejects.toMatchObject({ code: 'SONO_RECORDING_NOT_MCAP' });
        continue;
      }
      const { notes } = await readNotes(cut);
      const expected = counts.filter((_, index) => (ends[index] ?? 0) <= size).reduce((a, b) => a + b, 0);
      expect(notes).toEqual(few.slice(0, expected));
    }
  });

  it('with a flipped bit in a chunk says where it is damaged', async () => {
    const path = await writeNotes(fixedNotes, { chunkBytes: 400 });
    const whole = await McapFileReader.open(path);
    const position = (whole.chunks[1]?.offset ?? 0) + 60;
    await whole.close();
    const bytes = readFileSync(path);
    bytes[position] = (bytes[position] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    await expect(readNotes(path)).rejects.toMatchObject({ code: 'SONO_RECORDING_DAMAGED' });
  });

  it('whose last block was lost with its length kept gives the chunks before', async () => {
    const path = await writeNotes(fixedNotes, { chunkBytes: 400 });
    const whole = await McapFileReader.open(path);
    const last = whole.chunks.at(-1);
    await whole.close();
    const bytes = readFileSync(path).subarray(0, (last?.offset ?? 0) + (last?.length ?? 0));
    bytes.fill(0, last?.offset);
    writeFileSync(path, bytes);
    const { notes, reader } = await readNotes(path);
    expect(reader.complete).toBe(false);
    expect(reader.chunks.length).toBe(whole.chunks.length - 1);
    expect(notes).toEqual(fixedNotes.slice(0, notes.length));
    expect(notes.length).toBeGreaterThan(0);
  });

  it('with zeros somewhere gives everything, or says that it does not', async () => {
    const few = fixedNotes.slice(0, 12);
    const path = await writeNotes(few, { chunkBytes: 200 });
    const bytes = readFileSync(path);
    const { reader, notes } = await readNotes(path);
    const last = reader.chunks.at(-1);
    const lastCount = notes.filter(({ timeNs }) => timeNs >= (last?.startNs ?? 0n)).length;
    const withoutSummary = bytes.subarray(0, (last?.offset ?? 0) + (last?.length ?? 0));
    const holed = newPath();
    let told = 0;
    for (const whole of [bytes, withoutSummary])
      for (const length of [40, 100, 700])
        for (let at = 8; at + length < withoutSummary.length - 1; at += 7) {
          writeFileSync(holed, Buffer.from(whole).fill(0, at, at + length));
          const found = await readNotes(holed).catch((error: unknown) => {
            expect(error).toMatchObject({ code: 'SONO_RECORDING_DAMAGED' });
            return null;
          });
          if (found === null || found.reader.brokenAt !== null) told += 1;
          // Without its end the last chunk may be one that was being written.
          else if (!found.reader.complete && found.notes.length < few.length)
            expect([at, length, found.notes]).toEqual([at, length, few.slice(0, -lastCount)]);
          else expect([at, length, found.notes]).toEqual([at, length, few]);
        }
    expect(told).toBeGreaterThan(100);
  });

  it('refuses other files and absent ones with their codes', async () => {
    const other = newPath();
    writeFileSync(other, 'not a recording, but long enough to be looked at');
    await expect(McapFileReader.open(other)).rejects.toMatchObject({ code: 'SONO_RECORDING_NOT_MCAP' });
    await expect(McapFileReader.open(folder)).rejects.toMatchObject({ code: 'SONO_RECORDING_NOT_MCAP' });
    await expect(McapFileReader.open(newPath())).rejects.toMatchObject({ code: 'SONO_RECORDING_MISSING' });
  });
});

describe('MCAP writer', () => {
  it('puts a chunk on the disk by time, without another message', async () => {
    const path = newPath();
    const writer = await McapFileWriter.create(path, { chunkMs: 20 }, fail);
    const id = writer.addChannel({ topic: '/a/x', messageEncoding: 'json', schema });
    writer.add(id, 5n, Buffer.from('{}'));
    await expect.poll(async () => (await readNotes(path)).notes.length, { timeout: 20_000 }).toBe(1);
    await writer.close();
  });

  it('never writes over a file, and says when it cannot write', async () => {
    const path = newPath();
    writeFileSync(path, 'precious');
    await expect(McapFileWriter.create(path, {}, fail)).rejects.toMatchObject({ code: 'SONO_RECORD_EXISTS' });
    expect(readFileSync(path, 'utf8')).toBe('precious');
    await expect(McapFileWriter.create(join(folder, 'absent', 'x.mcap'), {}, fail)).rejects.toMatchObject({
      code: 'SONO_RECORD_NOT_WRITABLE',
    });
  });

  it('fails once and loudly when more waits for the disk than it may hold, and keeps what it accepted', async () => {
    const path = newPath();
    const failures: string[] = [];
    const writer = await McapFileWriter.create(path, { chunkBytes: 1000, queueBytes: 5000 }, (error) =>
      failures.push(error.code),
    );
    const id = writer.addChannel({ topic: '/a/x', messageEncoding: 'json', schema });
    // All in one turn of the event loop: the disk cannot take any of it in between.
    for (let index = 0; index < 20; index++) writer.add(id, BigInt(index), new Uint8Array(1000));
    expect(failures).toEqual(['SONO_RECORD_OVERFLOW']);
    await expect(writer.close()).rejects.toMatchObject({ code: 'SONO_RECORD_OVERFLOW' });
    const { notes, reader } = await readNotes(path);
    expect(reader.complete).toBe(false);
    expect(notes.length).toBeGreaterThan(0);
    expect(notes.map(({ timeNs }) => Number(timeNs))).toEqual(notes.map((_, index) => index));
    expect(failures).toHaveLength(1);
  });
});
