/** Files of which a part is missing or wrong: what there is is shown, then the loss is said; nothing else ever happens. */
import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SonoError } from '../../../src/vocabulary/errors.js';
import { Recording } from '../ingest/harness.js';
import {
  dicomFile,
  encapsulated,
  explicitLittleEndian,
  jpegBaseline,
  native,
  picture,
  producerAt,
  rleLossless,
  type Fields,
} from './fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-damaged-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'cine.dcm');
const size = 32;
let pictures: Buffer[] = [];
beforeAll(async () => {
  pictures = await Promise.all(
    [20, 60, 100, 140, 180, 220].map((grey) =>
      sharp({ create: { width: size, height: size, channels: 3, background: { r: grey, g: grey, b: grey } } })
        .jpeg({ quality: 95 })
        .toBuffer(),
    ),
  );
});

const fields = (count: number, photometric = 'YBR_FULL_422'): Fields =>
  picture(size, size, photometric, { '00280008': ['IS', `${count}`], '00181063': ['DS', '40'] });
const jpegCine = (frames: readonly Uint8Array[], count = frames.length): Buffer =>
  dicomFile(jpegBaseline, fields(count), encapsulated(frames));
/** Grey of every frame, null for those that are left out. */
async function greys(file: Uint8Array): Promise<(number | null)[]> {
  writeFileSync(path, file);
  const producer = await producerAt(path);
  try {
    const out: (number | null)[] = [];
    for (let i = 0; i < (producer.frameCount ?? 0); i += 1) out.push((await producer.frame(i))?.[0] ?? null);
    return out;
  } finally {
    producer.close?.();
  }
}

describe('a cine of which a part is bad', () => {
  it('shows the others, each under its own number', async () => {
    const bad = pictures.map((frame, i) => (i === 0 || i === 3 ? Buffer.alloc(64) : frame));
    expect(await greys(jpegCine(bad))).toEqual([null, 60, 100, null, 180, 220]);
    // Again in the other direction: nothing depends on what was decoded before.
    writeFileSync(path, jpegCine(bad));
    const producer = await producerAt(path);
    expect((await producer.frame(5))?.[0]).toBe(220);
    expect((await producer.frame(1))?.[0]).toBe(60);
    expect((await producer.frame(1))?.[0]).toBe(60);
    producer.close?.();
  });

  it('needs no end marker', async () => {
    expect(await greys(jpegCine(pictures.map((frame) => frame.subarray(0, -2))))).toEqual([
      20, 60, 100, 140, 180, 220,
    ]);
  });

  it('is refused where no picture is good', async () => {
    await expect(greys(jpegCine([Buffer.alloc(64), Buffer.alloc(64)]))).rejects.toMatchObject({
      code: 'SONO_DICOM_DAMAGED',
    });
  });

  const played = async (file: Uint8Array, mode: 'live' | 'replay'): Promise<Recording> => {
    writeFileSync(path, file);
    const seen = new Recording(path, { mode });
    await seen.over();
    return seen;
  };
  it.each(['live', 'replay'] as const)('says so at its end, %s', async (mode) => {
    const bad = await played(
      jpegCine([...pictures.slice(0, 3), Buffer.alloc(64), ...pictures.slice(4)]),
      mode,
    );
    expect(bad.outcome).toBe('complete');
    expect(bad.analysis.map(({ sourceFrame }) => sourceFrame)).toEqual([0, 1, 2, 4, 5]);
    expect(bad.analysis.map(({ mediaNs }) => mediaNs / 1e6)).toEqual([0, 40, 80, 160, 200]);
    expect(bad.lost.map(({ reason }) => [reason.code, reason.details])).toMatchObject([
      ['SONO_SOURCE_PICTURES', { count: 1, seconds: '0.1' }],
    ]);
    const short = await played(jpegCine(pictures, 10), mode);
    expect(short.outcome).toBe('complete');
    expect(short.formats.at(-1)?.frameCount).toBe(6);
    expect(short.analysis.map(({ sourceFrame }) => sourceFrame)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(short.lost.map(({ reason }) => [reason.code, reason.details])).toMatchObject([
      ['SONO_SOURCE_DAMAGED', { seconds: '0.2' }],
    ]);
    const more = await played(jpegCine(pictures, 4), mode);
    expect(more.formats.at(-1)?.frameCount).toBe(4);
    expect(more.display.at(-1)?.sourceFrame).toBe(3);
    expect(more.lost.map(({ reason }) => [reason.code, reason.details])).toMatchObject([
      ['SONO_SOURCE_MORE_PICTURES', { count: 2 }],
    ]);
    const good = await played(jpegCine(pictures), mode);
    expect([good.outcome, good.lost.length, good.analysis.length]).toEqual(['complete', 0, 6]);
  });
});

describe('whatever is wrong with a file', () => {
  const sharing = 'RLE, frames that share a fragment';
  const small = (syntax: string): Buffer => {
    const grey = picture(4, 3, 'MONOCHROME2', { '00280008': ['IS', '3 '], '00181063': ['DS', '40'] });
    const rle = Buffer.alloc(78);
    rle.writeUInt32LE(1, 0);
    rle.writeUInt32LE(64, 4);
    rle.set([11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 64);
    // Three frames in one fragment, without a table.
    if (syntax === sharing)
      return dicomFile(rleLossless, grey, encapsulated([Buffer.concat([rle, rle, rle])]));
    return syntax === rleLossless
      ? dicomFile(syntax, grey, encapsulated([rle, rle, rle], [0, 86, 172]))
      : dicomFile(syntax, grey, native(Uint8Array.from({ length: 36 }, (_, i) => i)));
  };
  /** Number of frames that could be shown, or the code. Anything else fails. */
  const outcome = async (file: Uint8Array): Promise<number | string> => {
    try {
      return (await greys(file)).filter((grey) => grey !== null).length;
    } catch (error) {
      if (error instanceof SonoError) return String(error.code);
      throw error;
    }
  };

  it.each([explicitLittleEndian, rleLossless, sharing])('cut at every byte: %s', async (syntax) => {
    const file = small(syntax);
    let before = 0;
    for (let cut = 0; cut <= file.length; cut += 1) {
      const found = await outcome(file.subarray(0, cut));
      if (typeof found === 'string') {
        expect(found).toMatch(/^SONO_DICOM_(DAMAGED|NO_PIXELS)$/);
        expect(before).toBe(0);
      } else {
        expect(found).toBeGreaterThanOrEqual(before);
        before = found;
      }
    }
    expect(before).toBe(3);
  });

  it.each([explicitLittleEndian, rleLossless, sharing])('with bits turned: %s', async (syntax) => {
    const file = small(syntax);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: file.length - 1 }), fc.nat({ max: 7 })), {
          minLength: 1,
          maxLength: 8,
        }),
        async (bits) => {
          const bytes = Buffer.from(file);
          for (const [at, bit] of bits) bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
          const before = process.memoryUsage().arrayBuffers;
          const found = await outcome(bytes);
          expect(found).toSatisfy(
            (value: unknown) => typeof value === 'number' || /^SONO_(DICOM|SOURCE)_\w+$/.test(String(value)),
          );
          // No more than a picture of the largest size that may be claimed.
          expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(512 * 1024 * 1024);
        },
      ),
      { numRuns: 400, seed: 14 },
    );
  });

  it('a header of a kilobyte cannot claim 65,535 by 65,535 points', async () => {
    const huge = dicomFile(explicitLittleEndian, picture(65_535, 65_535, 'RGB'), native(new Uint8Array(64)));
    expect(await outcome(huge)).toBe('SONO_SOURCE_SIZE');
  });

  it('a syntax that nobody knows is refused by its name', async () => {
    const refused = (syntax: string): Promise<unknown> => {
      writeFileSync(path, dicomFile(syntax, fields(1), encapsulated([Buffer.alloc(4)])));
      return producerAt(path).catch((error: unknown) => (error as Error).message);
    };
    expect(await refused('1.2.840.10008.1.2.4.94')).toContain('JPIP Referenced, 1.2.840.10008.1.2.4.94');
    expect(await refused('1.2.840.113619.5.2')).toContain("a maker's own, 1.2.840.113619.5.2");
  });
});
