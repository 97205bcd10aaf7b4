import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readLabelColours, readLabelPicture } from './label-picture.js';

const [width, height] = [6, 4];
const label = (x: number, y: number): number => (x < 2 ? 1 : y === 3 ? 2 : 0);
const each = <T>(value: (x: number, y: number) => T): T[] =>
  Array.from({ length: width * height }, (_, at) => value(at % width, Math.floor(at / width)));
const labels = each(label);
const raw = (data: readonly number[], channels: 1 | 2 | 3 | 4) =>
  sharp(Uint8Array.from(data), { raw: { width, height, channels } });

/** An uncompressed grey TIFF of 32 bits, as PIL, scikit-image and ITK write int32, uint32 and float32 arrays. */
function tiff32(values: readonly number[], format: 'uint' | 'int' | 'float'): Buffer {
  const data = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => {
    if (format === 'float') data.writeFloatLE(value, 4 * index);
    else if (format === 'int') data.writeInt32LE(value, 4 * index);
    else data.writeUInt32LE(value, 4 * index);
  });
  const entries: readonly (readonly [tag: number, type: number, value: number])[] = [
    [256, 3, width],
    [257, 3, height],
    [258, 3, 32],
    [259, 3, 1],
    [262, 3, 1],
    [273, 4, 8],
    [277, 3, 1],
    [278, 3, height],
    [279, 4, data.length],
    [339, 3, { uint: 1, int: 2, float: 3 }[format]],
  ];
  const directory = Buffer.alloc(2 + 12 * entries.length + 4);
  directory.writeUInt16LE(entries.length, 0);
  entries.forEach(([tag, type, value], index) => {
    directory.writeUInt16LE(tag, 2 + 12 * index);
    directory.writeUInt16LE(type, 4 + 12 * index);
    directory.writeUInt32LE(1, 6 + 12 * index);
    directory.writeUInt32LE(value, 10 + 12 * index);
  });
  const head = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0]);
  head.writeUInt32LE(8 + data.length, 4);
  return Buffer.concat([head, data, directory]);
}

describe('mask files as numbers', () => {
  it('grey in three equal channels, whatever its transparency: the numbers, not colours', async () => {
    const equal = await raw(
      labels.flatMap((value) => [value, value, value]),
      3,
    )
      .png()
      .toBuffer();
    expect(await readLabelPicture(equal)).toMatchObject({ kind: 'grey', white: 255, lossy: false });
    expect([...(await readLabelPicture(equal)).values]).toEqual(labels);
    // Half transparent where there is an object (an overlay), fully transparent white elsewhere.
    const overlay = await raw(
      labels.flatMap((value) => (value > 0 ? [value, value, value, 128] : [255, 255, 255, 0])),
      4,
    )
      .png()
      .toBuffer();
    expect([...(await readLabelPicture(overlay)).values]).toEqual(labels);
  });

  it('sixteen bits and 32 bits exactly, whole numbers or stored as fractions', async () => {
    const large = labels.map((value) => 1000 * value);
    const tiff16 = await sharp(Uint16Array.from(large), { raw: { width, height, channels: 1 } })
      .toColourspace('grey16')
      .tiff({ compression: 'lzw' })
      .toBuffer();
    for (const file of [tiff16, tiff32(large, 'uint'), tiff32(large, 'int'), tiff32(large, 'float')]) {
      const read = await readLabelPicture(file);
      expect(read).toMatchObject({ kind: 'grey', white: 65535, lossy: false });
      expect([...read.values]).toEqual(large);
    }
    await expect(readLabelPicture(tiff32([0.5, ...large.slice(1)], 'float'))).rejects.toThrow('value 0.5');
    await expect(readLabelPicture(tiff32([70000, ...large.slice(1)], 'uint'))).rejects.toThrow('70000');
    await expect(readLabelPicture(tiff32([-1, ...large.slice(1)], 'int'))).rejects.toThrow('-1');
  });

  it('colours as 0xRRGGBB, of a palette too where they are asked for', async () => {
    const rgb = labels.flatMap((value) => [value === 1 ? 255 : 0, value === 2 ? 128 : 0, 0]);
    const expected = labels.map((value) => [0, 0xff0000, 0x008000][value]);
    const plain = await raw(rgb, 3).png().toBuffer();
    const read = await readLabelPicture(plain);
    expect(read.kind).toBe('colour');
    expect([...read.values]).toEqual(expected);
    const indexed = await raw(rgb, 3).png({ palette: true, dither: 0 }).toBuffer();
    expect((await readLabelPicture(indexed)).kind).toBe('indexed');
    expect([...(await readLabelColours(indexed)).values]).toEqual(expected);
  });

  it('JPEG and lossy WebP are told from lossless files', async () => {
    const white = raw(
      labels.map((value) => (value === 0 ? 0 : 255)),
      1,
    );
    const jpeg = await readLabelPicture(await white.clone().jpeg().toBuffer());
    expect(jpeg).toMatchObject({ kind: 'grey', lossy: true });
    expect(await readLabelPicture(await white.clone().webp().toBuffer())).toMatchObject({ lossy: true });
    const tiff = white.clone().tiff({ compression: 'jpeg' });
    expect(await readLabelPicture(await tiff.toBuffer())).toMatchObject({ lossy: true });
    const exact = await readLabelPicture(await white.clone().webp({ lossless: true }).toBuffer());
    expect(exact).toMatchObject({ kind: 'grey', lossy: false });
    expect([...exact.values]).toEqual(labels.map((value) => (value === 0 ? 0 : 255)));
  });

  it('turned as their EXIF orientation says; colour profiles are not applied to labels', async () => {
    const turned = await raw(labels, 1)
      .withMetadata({ orientation: 6 })
      .tiff({ compression: 'lzw' })
      .toBuffer();
    const read = await readLabelPicture(turned);
    expect([read.width, read.height]).toEqual([height, width]);
    // A quarter clockwise: the first row shown is the first column stored, from below.
    expect([...read.values].slice(0, height)).toEqual([3, 2, 1, 0].map((y) => label(0, y)));
    const profiled = await raw(
      labels.flatMap((value) => [value, value, value]),
      3,
    )
      .withIccProfile('p3')
      .png()
      .toBuffer();
    const stored = [...(await sharp(profiled, { ignoreIcc: true }).raw().toBuffer())];
    expect([...(await readLabelPicture(profiled)).values]).toEqual(stored.filter((_, at) => at % 3 === 0));
  });

  it('files of several pictures are refused', async () => {
    const frames = Buffer.concat([0, 80, 160].map((value) => Buffer.alloc(width * height * 3, value)));
    const gif = await sharp(frames, {
      raw: { width, height: 3 * height, channels: 3, pageHeight: height },
    })
      .gif()
      .toBuffer();
    await expect(readLabelPicture(gif)).rejects.toThrow('it holds 3 pictures');
  });
});
