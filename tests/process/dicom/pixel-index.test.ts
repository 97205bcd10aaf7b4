/** Where frames lie: tables right and wrong, fragments cut in every way, parts that are missing. */
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/dicom/byte-source.js';
import { openCine, type DicomCine } from '../../../src/dicom/cine.js';
import {
  bigEndianElements,
  decoded,
  dicomFile,
  elements,
  encapsulated,
  explicitLittleEndian,
  jpegBaseline,
  native,
  picture,
  rleLossless,
  type Fields,
} from './fixture.js';

/** Something that begins and ends as a JPEG. */
const jpeg = (number: number, bytes: number): Buffer =>
  Buffer.concat([
    Buffer.from([0xff, 0xd8, 0xff]),
    Buffer.alloc(bytes - 5, number),
    Buffer.from([0xff, 0xd9]),
  ]);
const frames = [jpeg(1, 20), jpeg(2, 30), jpeg(3, 24)];
const halves = frames.flatMap((frame) => [frame.subarray(0, 10), frame.subarray(10)]);
/** Offsets of the first fragment of each frame. */
const offsetsOf = (fragments: readonly Uint8Array[], each: number): number[] =>
  fragments.flatMap((_, i) =>
    i % each === 0
      ? [fragments.slice(0, i).reduce((sum, { length }) => sum + 8 + length + (length % 2), 0)]
      : [],
  );

const cine = (
  pixels: Buffer,
  count: string | null,
  syntax = jpegBaseline,
  more: Fields = {},
): Promise<DicomCine> =>
  openCine(
    memorySource(
      dicomFile(
        syntax,
        picture(4, 2, 'MONOCHROME2', { ...(count === null ? {} : { '00280008': ['IS', count] }), ...more }),
        pixels,
      ),
    ),
    'x',
  );
const all = ({ index }: DicomCine): Promise<Buffer[]> =>
  Promise.all(Array.from({ length: index.frameCount }, async (_, i) => Buffer.from(await index.read(i))));

describe('compressed frames', () => {
  const extended = (offsets: readonly number[]): Fields => ({
    '7fe00001': ['OV', new Uint8Array(new BigUint64Array(offsets.map(BigInt)).buffer)],
  });
  const wrong = offsetsOf(halves, 2).map((offset) => offset + 2);
  const odd = frames.map((frame) => Buffer.concat([frame.subarray(0, -1), Buffer.from([0xff, 0xd9])]));
  const cases: Readonly<Record<string, readonly [pixels: Buffer, more?: Fields]>> = {
    'one fragment each': [encapsulated(frames)],
    'one fragment each, with a table': [encapsulated(frames, offsetsOf(frames, 1))],
    'two fragments each, with a table': [encapsulated(halves, offsetsOf(halves, 2))],
    'two fragments each, with a table that is wrong': [encapsulated(halves, wrong)],
    'two fragments each, with a table that ends early': [encapsulated(halves, [0, 36])],
    'two fragments each, without a table': [encapsulated(halves)],
    'an extended table': [encapsulated(halves), extended(offsetsOf(halves, 2))],
    'an extended table that is wrong': [encapsulated(halves), extended(wrong)],
  };
  it.each(Object.entries(cases))('%s', async (name, [pixels, more]) => {
    expect(await all(await cine(pixels, '3', jpegBaseline, more))).toEqual(frames);
    // Without a number of frames as well, where the table, if any, is whole.
    if (name.includes('early')) return;
    expect(await all(await cine(pixels, null, jpegBaseline, more))).toEqual(frames);
  });

  it('whose end marker is divided between fragments', async () => {
    const divided = odd.flatMap((frame) => [frame.subarray(0, -1), frame.subarray(-1)]);
    const read = await all(await cine(encapsulated(divided), '3'));
    expect(read.map((frame, i) => frame.subarray(0, odd[i]?.length))).toEqual(odd);
  });

  it('in one fragment too many for one frame', async () => {
    expect(await all(await cine(encapsulated(halves.slice(0, 2)), '1'))).toEqual([frames[0]]);
  });

  it('of RLE begin with the number of their segments', async () => {
    const rle = [1, 2, 3].map((value) => {
      const frame = Buffer.alloc(70, value);
      frame.fill(0, 0, 64).writeUInt32LE(1, 0);
      frame.writeUInt32LE(64, 4);
      return frame;
    });
    const parts = rle.flatMap((frame) => [frame.subarray(0, 66), frame.subarray(66)]);
    expect(await all(await cine(encapsulated(parts), '3', rleLossless))).toEqual(rle);
  });

  it('of a syntax whose beginning is not known have equally many fragments', async () => {
    const parts = [1, 2, 3, 4, 5, 6].map((value) => Buffer.alloc(4, value));
    const read = await all(await cine(encapsulated(parts), '3', '1.2.840.10008.1.2.4.112'));
    expect(read.map(([first]) => first)).toEqual([1, 3, 5]);
  });

  it('whose pixel data say how long they are', async () => {
    const pixels = encapsulated(frames);
    pixels.writeUInt32LE(pixels.length - 12, 8);
    expect(await all(await cine(pixels, '3'))).toEqual(frames);
  });

  it('are fewer than the header says', async () => {
    const part = await cine(encapsulated(frames), '7');
    expect(part).toMatchObject({ promisedFrames: 7 });
    expect(await all(part)).toEqual(frames);
    // A table for more than there are.
    const offsets = offsetsOf(frames, 1);
    expect(await all(await cine(encapsulated(frames.slice(0, 2), offsets), '3'))).toEqual(frames.slice(0, 2));
  });

  it('of which several share a fragment, or are divided anywhere, end where their markers say', async () => {
    const together = Buffer.concat([jpeg(1, 20), jpeg(2, 31), Buffer.alloc(1), jpeg(3, 24)]);
    const expected = [jpeg(1, 20), jpeg(2, 31), jpeg(3, 24)];
    for (const table of [[], [0], [0, 20, 52], [0, 20, 51]])
      expect(await all(await cine(encapsulated([together], table), '3'))).toEqual(expected);
    const even = Buffer.concat(frames);
    for (const cut of [2, 10, 20, 34, 50, 72])
      expect(await all(await cine(encapsulated([even.subarray(0, cut), even.subarray(cut)]), '3'))).toEqual(
        frames,
      );
  });

  it('that share fragments are refused where they are not as many as promised', async () => {
    for (const count of ['4', '2', '5'])
      await expect(cine(encapsulated([Buffer.concat(frames)]), count)).rejects.toMatchObject({
        code: 'SONO_DICOM_DAMAGED',
      });
  });

  it('behind the last one that is promised are counted, and are no part of it', async () => {
    const more = [...frames, jpeg(4, 26), jpeg(5, 22)];
    const parts = more.flatMap((frame) => [frame.subarray(0, 10), frame.subarray(10)]);
    for (const [pixels, extra] of [
      [encapsulated(more), 2],
      [encapsulated(more, offsetsOf(more, 1).slice(0, 3)), 2],
      [encapsulated(parts), 2],
      [encapsulated(parts, offsetsOf(parts, 2).slice(0, 3)), 2],
      [encapsulated(frames), 0],
      [encapsulated(halves, offsetsOf(halves, 2)), 0],
    ] as const) {
      const read = await cine(pixels, '3');
      expect([read.index.extraFrames, await all(read)]).toEqual([extra, frames]);
    }
    const one = await cine(encapsulated(frames), '1');
    expect([one.index.extraFrames, await all(one)]).toEqual([2, [frames[0]]]);
  });

  it('behind a fragment with a wrong length are found by the table', async () => {
    const pixels = encapsulated(frames, offsetsOf(frames, 1));
    const second = pixels.indexOf(Buffer.from([0xff, 0xd8, 0xff, 2])) - 4;
    pixels.writeUInt32LE(0x7ffffff0, second);
    const broken = await cine(pixels, '3');
    expect(await all(broken)).toEqual([frames[0], Buffer.alloc(0), frames[2]]);
  });
});

describe('uncompressed frames', () => {
  const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => i);
  const counts = async (
    length: number,
    count: string | null,
    more: Fields = {},
  ): Promise<[number, number]> => {
    const { index, promisedFrames } = await cine(native(bytes(length)), count, explicitLittleEndian, more);
    return [index.frameCount, promisedFrames];
  };

  it('behind the last one that is promised are counted; padding is none', async () => {
    const extra = async (length: number, count: string, more: Fields = {}): Promise<number> =>
      (await cine(native(bytes(length)), count, explicitLittleEndian, more)).index.extraFrames;
    expect(await extra(24, '3')).toBe(0);
    expect(await extra(24, '1')).toBe(2);
    const odd = { '00280010': ['US', 1], '00280011': ['US', 1] } as const;
    expect([await extra(3, '3', odd), await extra(5, '3', odd), await extra(3, '1', odd)]).toEqual([0, 2, 2]);
  });

  it('of an odd number of bytes in big-endian words begin within a word', async () => {
    const values = Uint8Array.from({ length: 27 }, (_, i) => 10 + i);
    const words = Buffer.alloc(28);
    words.set(values);
    const file = bigEndianElements({
      ...picture(3, 3, 'MONOCHROME2', { '00080060': ['CS', 'US'], '00280008': ['IS', '3 '] }),
      '7fe00010': ['OW', words],
    });
    const greys = async (index: number): Promise<number[]> =>
      [...(await decoded(file, index))].filter((_, i) => i % 3 === 0);
    for (const index of [0, 1, 2])
      expect(await greys(index)).toEqual([...values.subarray(9 * index, 9 * index + 9)]);
  });

  it('are as many as there is room for', async () => {
    expect(await counts(24, '3')).toEqual([3, 3]);
    expect(await counts(24, null)).toEqual([3, 3]);
    expect(await counts(22, '3')).toEqual([2, 3]);
    // Padding, or frames that nobody speaks of.
    expect(await counts(24, '2')).toEqual([2, 2]);
    await expect(counts(6, '3')).rejects.toMatchObject({ code: 'SONO_DICOM_DAMAGED' });
    await expect(counts(24, '0')).rejects.toMatchObject({ code: 'SONO_DICOM_NO_PIXELS' });
    await expect(counts(24, '-1')).rejects.toMatchObject({ code: 'SONO_DICOM_DAMAGED' });
  });

  it('share the chroma of pairs where there is no room for more', async () => {
    const colour: Fields = { '00280002': ['US', 3], '00280004': ['CS', 'YBR_FULL_422'] };
    expect(await counts(32, '2', colour)).toEqual([2, 2]);
    expect((await cine(native(bytes(32)), '2', explicitLittleEndian, colour)).index).toMatchObject({
      frameCount: 2,
    });
    const full = await cine(native(bytes(48)), '2', explicitLittleEndian, colour);
    expect((await full.index.read(1))[0]).toBe(24);
  });

  it('of single bits follow each other without padding', async () => {
    const bits: Fields = {
      '00280010': ['US', 1],
      '00280011': ['US', 12],
      '00280100': ['US', 1],
      '00280101': ['US', 1],
    };
    // Twelve ones, twelve zeros, alternating bits.
    const packed = native(Uint8Array.of(0xff, 0x0f, 0x00, 0x55, 0x05, 0x00));
    const read = await all(await cine(packed, '3', explicitLittleEndian, bits));
    expect(read.map((frame) => (frame.readUInt16LE() & 0xfff).toString(2).padStart(12, '0'))).toEqual([
      '111111111111',
      '000000000000',
      '010101010101',
    ]);
  });

  it('longer than 4 GB have lengths that wrapped around', async () => {
    const frameBytes = 1_000_000_000;
    const head = dicomFile(
      explicitLittleEndian,
      picture(8000, 5000, 'RGB', { '00280008': ['IS', '40'] }),
      native(new Uint8Array(0)),
    );
    const total = 8000 * 5000 * 3 * 40;
    head.writeUInt32LE(total % 2 ** 32, head.length - 4);
    const get = (at: number, length: number): Uint8Array =>
      at < head.length ? head.subarray(at, at + length) : new Uint8Array(Math.min(length, frameBytes));
    const source = {
      size: head.length + total,
      read: (at: number, length: number) => {
        const bytes = Buffer.alloc(Math.min(length, 200_000));
        bytes.set(get(at, length).subarray(0, bytes.length));
        return Promise.resolve(bytes);
      },
      fd: null,
      readNow: get,
      close: () => Promise.resolve(),
    };
    expect((await openCine(source, 'x')).index.frameCount).toBe(40);
  });
});

it('a file without pictures says what it is', async () => {
  const refusal = (more: Fields): Promise<unknown> =>
    openCine(memorySource(dicomFile(explicitLittleEndian, more, null)), 'x').then(
      () => null,
      (error: unknown) => error,
    );
  const sopClass = (uid: string): Fields => ({ '00080016': ['UI', uid] });
  expect(await refusal(sopClass('1.2.840.10008.5.1.4.1.1.88.33'))).toMatchObject({
    code: 'SONO_DICOM_NO_PIXELS',
    message: expect.stringContaining('report') as string,
  });
  expect(await refusal(sopClass('1.2.840.10008.5.1.4.1.1.104.1'))).toMatchObject({
    message: expect.stringContaining('document') as string,
  });
  expect(
    await refusal({ ...sopClass('1.2.840.10008.5.1.4.1.1.3.1'), '04000500': ['SQ', elements({})] }),
  ).toMatchObject({ code: 'SONO_DICOM_ENCRYPTED' });
});
