import { crc32, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeLabelPng } from './label-png.js';

const chunk = (type: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(data.length);
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(body));
  return Buffer.concat([head, body, tail]);
};

/** Passes of Adam7 as the PNG specification draws them: which pass each pixel of an 8 × 8 tile belongs to. */
const tile = ['16462646', '77777777', '56565656', '77777777', '36463646', '77777777', '56565656', '77777777'];

/** An unfiltered PNG of any depth, written from the specification. */
function png(
  values: readonly number[],
  width: number,
  depth: number,
  { indexed = false, interlaced = false, extra = [] as readonly Buffer[] } = {},
): Buffer {
  const height = values.length / width;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, indexed ? 3 : 0, 0, 0, interlaced ? 1 : 0], 8);
  const rows: Buffer[] = [];
  for (const pass of interlaced ? '1234567' : '-')
    for (let y = 0; y < height; y++) {
      const row = values
        .slice(y * width, (y + 1) * width)
        .filter((_, x) => pass === '-' || tile[y % 8]?.[x % 8] === pass);
      if (row.length === 0) continue;
      const bits = row.map((value) => value.toString(2).padStart(depth, '0')).join('');
      const bytes = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0').match(/.{8}/g) ?? [];
      rows.push(Buffer.from([0, ...bytes.map((byte) => parseInt(byte, 2))]));
    }
  const palette = Buffer.alloc(3 * 2 ** Math.min(depth, 8), 7);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    ...extra,
    ...(indexed ? [chunk('PLTE', palette)] : []),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('label maps as PNG', () => {
  it('have the numbers of the file at every depth, interlaced or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 19 }),
        fc.integer({ min: 1, max: 11 }),
        fc.constantFrom(1, 2, 4, 8, 16),
        fc.boolean(),
        fc.boolean(),
        fc.nat(),
        async (width, height, depth, interlaced, wantsPalette, seed) => {
          const values = Array.from(
            { length: width * height },
            (_, index) => (Math.imul(index + 1, seed | 1) >>> 7) % 2 ** depth,
          );
          const indexed = wantsPalette && depth <= 8;
          const read = await decodeLabelPng(png(values, width, depth, { indexed, interlaced }));
          expect(read).toMatchObject({ width, height, depth, indexed });
          expect([...(read?.data ?? [])]).toEqual(values);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('of sixteen bits are read through every filter, as OpenCV, scikit-image and ITK write them', async () => {
    const values = Uint16Array.from({ length: 60 * 40 }, (_, index) => (index * 977 + (index >> 4)) % 65536);
    for (const progressive of [false, true])
      for (const adaptiveFiltering of [false, true]) {
        const file = await sharp(values, { raw: { width: 60, height: 40, channels: 1 } })
          .toColourspace('grey16')
          .png({ progressive, adaptiveFiltering })
          .toBuffer();
        const read = await decodeLabelPng(file);
        expect(read?.data).toEqual(values);
      }
  });

  it('with colours per pixel are left to another reader', async () => {
    const colours = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
      .png({ palette: false })
      .toBuffer();
    expect(await decodeLabelPng(colours)).toBeNull();
  });

  it('are refused in words where they are animations, cut anywhere, or claim what they do not hold', async () => {
    const values = Array.from({ length: 35 }, (_, index) => index % 4);
    const animated = png(values, 7, 8, { extra: [chunk('acTL', Buffer.from([0, 0, 0, 3, 0, 0, 0, 0]))] });
    await expect(decodeLabelPng(animated)).rejects.toThrow('it holds several pictures');
    for (const interlaced of [false, true]) {
      const file = png(values, 7, 2, { indexed: true, interlaced });
      for (let length = 0; length < file.length - 12; length++)
        await expect(decodeLabelPng(file.subarray(0, length))).rejects.toBeInstanceOf(RangeError);
    }
    const huge = png(values, 7, 8);
    huge.writeUInt32BE(2_000_000_000, 16);
    await expect(decodeLabelPng(huge)).rejects.toThrow('its header says');
    const bomb = Buffer.concat([
      png(values, 7, 8).subarray(0, 33),
      chunk('IDAT', deflateSync(Buffer.alloc(50_000_000))),
      chunk('IEND', Buffer.alloc(0)),
    ]);
    await expect(decodeLabelPng(bomb)).rejects.toThrow('damaged');
  });
});
