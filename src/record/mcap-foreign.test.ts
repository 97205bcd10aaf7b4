/** MCAP files of other writers: everything that the specification lets them leave out, compress or put elsewhere. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compress, isLoaded } from '@foxglove/wasm-zstd';
import { McapWriter, type McapWriterOptions } from '@mcap/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { McapFileReader } from './mcap-reader.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-foreign-'));
beforeAll(() => isLoaded);
afterAll(() => rmSync(folder, { recursive: true }));

/** An LZ4 frame of stored blocks: what the format allows for bytes that cannot be packed. */
function storedLz4(bytes: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE((bytes.length | 0x80000000) >>> 0);
  return Buffer.concat([
    Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]),
    ...(bytes.length > 0 ? [size, bytes] : []),
    Buffer.alloc(4),
  ]);
}

type Feature = Partial<McapWriterOptions> & {
  readonly attachment?: boolean;
  readonly loose?: boolean;
};

const count = 12;
let fileCount = 0;

/** Twelve messages, alternating on two topics of one schema, in several chunks. */
async function write({ attachment = false, loose = false, ...options }: Feature): Promise<string> {
  const parts: Uint8Array[] = [];
  let position = 0n;
  const writer = new McapWriter({
    writable: {
      position: () => position,
      write: (bytes) => {
        parts.push(Uint8Array.from(bytes));
        position += BigInt(bytes.byteLength);
        return Promise.resolve();
      },
    },
    chunkSize: 200,
    ...options,
  });
  await writer.start({ profile: '', library: 'another program' });
  const schemaId = await writer.registerSchema({
    name: 'note',
    encoding: 'jsonschema',
    data: Buffer.from('{}'),
  });
  const channel = (topic: string): Promise<number> =>
    writer.registerChannel({ topic, messageEncoding: 'json', schemaId, metadata: new Map([['a', topic]]) });
  const ids = [await channel('/left'), await channel('/right')];
  const attach = (): Promise<void> =>
    writer.addAttachment({
      name: 'notes.txt',
      mediaType: 'text/plain',
      logTime: 1n,
      createTime: 1n,
      data: new Uint8Array(50_000),
    });
  for (let index = 0; index < count; index++) {
    if (attachment && index % 5 === 0) await attach();
    await writer.addMessage({
      channelId: ids[index % 2] as number,
      sequence: index,
      logTime: BigInt(1000 + index),
      publishTime: BigInt(1000 + index),
      data: Uint8Array.from({ length: 60 }, (_, byte) => byte + index),
    });
  }
  await writer.addMetadata({ name: 'about', metadata: new Map([['made', 'elsewhere']]) });
  await writer.end();
  const bytes = Buffer.concat(parts);
  const path = join(folder, `${fileCount++}.mcap`);
  writeFileSync(path, loose ? openFirstChunk(bytes) : bytes);
  return path;
}

/**
 * Makes the first chunk's messages stand outside of chunks, as a writer may begin, without moving a byte: the head of the
 * chunk becomes a record of an unknown kind, which readers skip, and the summary no longer tells of it.
 */
function openFirstChunk(bytes: Buffer): Buffer {
  const unknown = 0x90;
  const chunk = 8 + 9 + Number(bytes.readBigUInt64LE(9));
  expect(bytes[chunk]).toBe(6);
  bytes[chunk] = unknown;
  bytes.writeBigUInt64LE(40n, chunk + 1);
  const summary = Number(bytes.readBigUInt64LE(bytes.length - 28));
  for (let at = summary; at < bytes.length - 37; at += 9 + Number(bytes.readBigUInt64LE(at + 1))) {
    // Chunk index; its body says where the chunk begins behind the two times.
    if (bytes[at] === 8 && bytes.readBigUInt64LE(at + 9 + 16) === BigInt(chunk)) bytes[at] = unknown;
    // Statistics: one chunk less.
    if (bytes[at] === 11) bytes.writeUInt32LE(bytes.readUInt32LE(at + 9 + 22) - 1, at + 9 + 22);
  }
  // The summary's checksum: none.
  bytes.writeUInt32LE(0, bytes.length - 12);
  return bytes;
}

async function read(path: string): Promise<{
  readonly reader: McapFileReader;
  readonly seen: readonly (readonly [topic: string, time: number, first: number | undefined])[];
}> {
  const reader = await McapFileReader.open(path);
  const seen: (readonly [string, number, number | undefined])[] = [];
  try {
    for await (const { topic, timeNs, data } of reader.inTimeOrder(null))
      seen.push([topic, Number(timeNs), data[0]]);
  } finally {
    await reader.close();
  }
  return { reader, seen };
}

const expected = Array.from({ length: count }, (_, index) => [
  index % 2 === 0 ? '/left' : '/right',
  1000 + index,
  index,
]);

describe('an MCAP file of another writer', () => {
  it.each<readonly [string, Feature]>([
    ['as it comes', {}],
    ['without repeated channels', { repeatChannels: false }],
    ['without repeated schemas', { repeatSchemas: false }],
    ['without repeated channels and schemas', { repeatChannels: false, repeatSchemas: false }],
    ['without statistics', { useStatistics: false }],
    ['without an index of chunks', { useChunkIndex: false }],
    ['without indexes of messages', { useMessageIndex: false, repeatChannels: false }],
    ['without offsets of the summary', { useSummaryOffsets: false }],
    ['without any summary', bare()],
    ['without chunks', { useChunks: false }],
    ['without chunks and summary', { ...bare(), useChunks: false }],
    ['with attachments between the chunks', { attachment: true }],
    [
      'with attachments and nothing repeated',
      { attachment: true, repeatChannels: false, repeatSchemas: false },
    ],
    ['with attachments that no index names', { attachment: true, useAttachmentIndex: false }],
    ['packed with zstd', zstd()],
    ['packed with zstd, nothing repeated', { ...zstd(), ...bare() }],
    ['packed with lz4', lz4()],
    ['packed with lz4, nothing repeated', { ...lz4(), ...bare() }],
  ])('%s gives every message, on its topic', async (_, options) => {
    const { reader, seen } = await read(await write(options));
    expect(seen).toEqual(expected);
    expect(reader.complete).toBe(true);
    expect([...reader.channels.values()].map(({ topic, schemaName }) => [topic, schemaName])).toEqual([
      ['/left', 'note'],
      ['/right', 'note'],
    ]);
    expect(reader.metadata.get('about')).toEqual({ made: 'elsewhere' });
  });

  it('packed and cut anywhere gives the complete chunks before the cut', async () => {
    for (const packing of [zstd(), lz4()]) {
      const path = await write({ ...packing, repeatChannels: false });
      const whole = readFileSync(path);
      for (let length = whole.length - 1; length > 600; length -= 37) {
        writeFileSync(path, whole);
        truncateSync(path, length);
        const { seen } = await read(path);
        expect(seen).toEqual(expected.slice(0, seen.length));
      }
    }
  });

  it('whose packed chunk is damaged says where, and the next file is read all the same', async () => {
    for (const packing of [zstd(), lz4()]) {
      const path = await write(packing);
      const good = readFileSync(path);
      const damaged = Buffer.from(good);
      const headerEnd = 8 + 9 + Number(good.readBigUInt64LE(9));
      damaged.fill(0x5a, headerEnd + 60, headerEnd + 90);
      writeFileSync(path, damaged);
      await expect(read(path)).rejects.toMatchObject({ code: 'SONO_RECORDING_DAMAGED' });
      writeFileSync(path, good);
      expect((await read(path)).seen).toEqual(expected);
    }
  });

  it('whose chunk claims more than can be, or is packed otherwise, is refused in words', async () => {
    const path = await write(zstd());
    const bytes = readFileSync(path);
    const headerEnd = 8 + 9 + Number(bytes.readBigUInt64LE(9));
    // Without the summary, which has the size a second time.
    bytes.writeBigUInt64LE(2n ** 40n, headerEnd + 9 + 16);
    writeFileSync(path, bytes.subarray(0, bytes.length - 8));
    await expect(read(path)).rejects.toThrow(/megabytes/);
    const other = await write({ compressChunk: (data) => ({ compression: 'brotli', compressedData: data }) });
    await expect(read(other)).rejects.toMatchObject({ code: 'SONO_RECORDING_COMPRESSION' });
  });

  it('with messages outside of its chunks gives those too', async () => {
    const path = await write({ loose: true });
    const { seen } = await read(path);
    expect(seen).toEqual(expected);
  });
});

function bare(): Feature {
  return {
    repeatChannels: false,
    repeatSchemas: false,
    useStatistics: false,
    useChunkIndex: false,
    useMetadataIndex: false,
    useAttachmentIndex: false,
    useSummaryOffsets: false,
  };
}

function zstd(): Feature {
  return {
    compressChunk: (data) => ({ compression: 'zstd', compressedData: Uint8Array.from(compress(data, 3)) }),
  };
}

function lz4(): Feature {
  return { compressChunk: (data) => ({ compression: 'lz4', compressedData: storedLz4(data) }) };
}
