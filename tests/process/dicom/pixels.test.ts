/** Pixels as a reader sees them: codecs in their thread, colours, windows, palettes. Pictures are made and compressed here. */
import { Context, NativeCodecs } from 'dcmjs-codecs';
import { deflateRawSync } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/dicom/byte-source.js';
import { openCine } from '../../../src/dicom/cine.js';
import { readJpeg2000Header, readJpegHeader } from '../../../src/dicom/pixels/codestream.js';
import { codingOf } from '../../../src/dicom/pixels/coding.js';
import { DamagedFrame } from '../../../src/dicom/pixels/damaged-frame.js';
import { createFrameDecoder, type FrameDecoder } from '../../../src/dicom/pixels/frame-decoder.js';
import { jpegColours } from '../../../src/dicom/pixels/jpeg.js';
import {
  decoded,
  dicomFile,
  encapsulated,
  explicitLittleEndian,
  jpegBaseline,
  native,
  picture,
  type Fields,
} from './fixture.js';

const width = 48;
const height = 32;
const count = width * height;
const jpegExtended = '1.2.840.10008.1.2.4.51';

/** 16 × 8, column x is 100 + 250 x; written by libjpeg-turbo 3 (imagecodecs' `jpeg8_encode` with 12 bits, quality 98). */
const jpegOf12Bits = Buffer.from(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAEBAQEBAQEBAQEBAQEBAQIBAQEBAQIBAQECAgICAgICAgIDAwQDAwMDAwICAwQDAwQEBAQEAgMFBQQEBQQEBAT/' +
    'wQALDAAIABABAREA/8QAFAABAAAAAAAAAAAAAAAAAAAADv/EABgQAAIDAAAAAAAAAAAAAAAAAAANSYfF/9oACAEBAAA/ADzuuM4Iq4zR9ALjOCKuM0//2Q==',
  'base64',
);

/** Ramps and a patch, so that every codec has something to do. */
const rgb = Uint8Array.from({ length: count * 3 }, (_, k) => {
  const i = Math.floor(k / 3);
  const [x, y] = [i % width, Math.floor(i / width)];
  return [x * 5, y * 7, x > 30 && y > 20 ? 220 : 30 + ((x * y) % 17)][k % 3] ?? 0;
});
const grey12 = Uint16Array.from({ length: count }, (_, i) => (i * 37) % 4096);
const shown12 = Uint8Array.from(grey12, (value) => Math.round(((value - 2047.5) / 4095 + 0.5) * 255));
const deep: Fields = { '00280100': ['US', 16], '00280101': ['US', 12], '00280102': ['US', 11] };
const wide: Fields = {
  ...deep,
  '00281050': ['DS', '2048'],
  '00281051': ['DS', '4096'],
};
const tripled = (grey: Uint8Array): number[] => [...grey].flatMap((value) => [value, value, value]);
const bytesOf = (values: Uint16Array): Uint8Array => new Uint8Array(values.buffer.slice(0));

type Encoder = 'encodeRle' | 'encodeJpeg' | 'encodeJpegLs' | 'encodeJpeg2000' | 'encodeHtJpeg2000';
const encode = (encoder: Encoder, samples: Uint8Array, bits: number, parameters = {}): Uint8Array => {
  const samplesPerPixel = samples.length === count * 3 ? 3 : 1;
  const context = new Context({
    width,
    height,
    bitsAllocated: bits > 8 ? 16 : 8,
    bitsStored: bits,
    samplesPerPixel,
    pixelRepresentation: 0,
    planarConfiguration: 0,
    photometricInterpretation: samplesPerPixel === 3 ? 'RGB' : 'MONOCHROME2',
    decodedBuffer: samples,
  });
  return NativeCodecs[encoder](context, parameters).getEncodedBuffer() ?? new Uint8Array();
};
beforeAll(() => NativeCodecs.initializeAsync());

const decoderOf = async (file: Uint8Array): Promise<FrameDecoder> => {
  const { pixels, index } = await openCine(memorySource(file), 'x');
  return createFrameDecoder(pixels, {
    path: 'x',
    frameCount: index.frameCount,
    readFrame: (frame) => index.read(frame),
  });
};

describe('transfer syntaxes', () => {
  it.each([
    ['1.2.840.10008.1.2.4.57', 'encodeJpeg', { lossy: false, predictor: 6 }],
    ['1.2.840.10008.1.2.4.70', 'encodeJpeg', { lossy: false }],
    ['1.2.840.10008.1.2.4.80', 'encodeJpegLs', {}],
    ['1.2.840.10008.1.2.4.90', 'encodeJpeg2000', {}],
    ['1.2.840.10008.1.2.4.201', 'encodeHtJpeg2000', {}],
    ['1.2.840.10008.1.2.4.202', 'encodeHtJpeg2000', {}],
  ] as const)(
    'gives back what %s holds without loss, colour and 12 bits',
    async (syntax, encoder, options) => {
      const colour = encode(encoder, rgb, 8, options);
      const inColour = dicomFile(syntax, picture(width, height, 'RGB'), encapsulated([colour]));
      expect(await decoded(inColour, 0)).toEqual(rgb);
      const grey = encode(encoder, bytesOf(grey12), 12, options);
      const inGrey = dicomFile(syntax, picture(width, height, 'MONOCHROME2', wide), encapsulated([grey]));
      expect([...(await decoded(inGrey, 0))]).toEqual(tripled(shown12));
    },
  );

  it.each([
    ['1.2.840.10008.1.2.4.57', 'encodeJpeg', { lossy: false, predictor: 6 }],
    ['1.2.840.10008.1.2.4.80', 'encodeJpegLs', {}],
    ['1.2.840.10008.1.2.4.90', 'encodeJpeg2000', {}],
    ['1.2.840.10008.1.2.4.201', 'encodeHtJpeg2000', {}],
    ['1.2.840.10008.1.2.5', 'encodeRle', {}],
    ['1.2.840.10008.1.2.1.98', null, {}],
  ] as const)('tells frames of %s in one fragment apart', async (syntax, encoder, options) => {
    const scenes = [0, 70, 140].map((shift) => rgb.map((value) => (value + shift) % 256));
    const streams = scenes.map((scene) => (encoder === null ? scene : encode(encoder, scene, 8, options)));
    const padded = streams.map((stream) => Buffer.concat([stream, Buffer.alloc(stream.length % 2)]));
    const fields = picture(width, height, 'RGB', { '00280008': ['IS', '3 '] });
    const file = dicomFile(syntax, fields, encapsulated([Buffer.concat(padded)]));
    for (const [index, scene] of scenes.entries()) expect(await decoded(file, index)).toEqual(scene);
  });

  it('tells JPEGs with restart markers, progressive scans and a thumbnail apart in one fragment', async () => {
    const jpegs = await Promise.all(
      [30, 120, 200].map(async (level, i) => {
        const noise = rgb.map((value) => (value + level) % 256);
        const made = sharp(noise, { raw: { width, height, channels: 3 } });
        const plain = await made.jpeg({ quality: 90, progressive: i === 1 }).toBuffer();
        // A picture within the picture, as cameras write it.
        const inner = await made.clone().resize(8, 8).jpeg().toBuffer();
        const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, 0]), inner]);
        segment.writeUInt16BE(inner.length + 2, 2);
        return Buffer.concat([plain.subarray(0, 2), segment, plain.subarray(2)]);
      }),
    );
    const fields = picture(width, height, 'YBR_FULL_422', { '00280008': ['IS', '3 '] });
    const together = dicomFile(jpegBaseline, fields, encapsulated([Buffer.concat(jpegs)]));
    const apart = dicomFile(jpegBaseline, fields, encapsulated(jpegs));
    for (const index of [0, 1, 2])
      expect(await decoded(together, index)).toEqual(await decoded(apart, index));
  });

  it('decodes a JPEG of 12 bits', async () => {
    expect(readJpegHeader(jpegOf12Bits)).toMatchObject({ bits: 12, isLossless: false });
    const file = dicomFile(jpegExtended, picture(16, 8, 'MONOCHROME2', wide), encapsulated([jpegOf12Bits]));
    const row = Array.from({ length: 16 }, (_, x) => {
      const grey = Math.round(((250 * x + 100 - 2047.5) / 4095 + 0.5) * 255);
      return [grey, grey, grey];
    });
    expect([...(await decoded(file, 0))].slice(0, 48)).toEqual(row.flat());
  });

  it('unpacks frames that are deflated, or only encapsulated', async () => {
    const fields = picture(width, height, 'RGB');
    const packed = dicomFile('1.2.840.10008.1.2.8.1', fields, encapsulated([deflateRawSync(rgb)]));
    expect(await decoded(packed, 0)).toEqual(rgb);
    const plain = dicomFile('1.2.840.10008.1.2.1.98', fields, encapsulated([rgb]));
    expect(await decoded(plain, 0)).toEqual(rgb);
  });

  it('knows the fragmentable videos, and what it does not know', () => {
    expect(codingOf('1.2.840.10008.1.2.4.102.1')).toBe('video');
    expect(codingOf('1.2.840.10008.1.2.4.110')).toBeNull();
  });
});

describe('colours by what the bytes are', () => {
  /** Without the markers that name the colours, as many machines write it. */
  const bare = (jpeg: Buffer): Buffer => {
    let out = jpeg;
    for (const [start, end] of [...readJpegHeader(jpeg).colourMarkers].reverse())
      out = Buffer.concat([out.subarray(0, start), out.subarray(end)]);
    return out;
  };
  const jpegOf = (chromaSubsampling: string): Promise<Buffer> =>
    sharp(rgb, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 95, chromaSubsampling })
      .toBuffer();

  it('never takes a subsampled JPEG for RGB, whatever the header says', async () => {
    const jpeg = await jpegOf('4:2:0');
    const right = await sharp(jpeg).raw().toBuffer();
    const file = dicomFile(jpegBaseline, picture(width, height, 'RGB'), encapsulated([bare(jpeg)]));
    expect(Buffer.compare(await decoded(file, 0), right)).toBe(0);
  });

  it('believes markers, then names of components, then the header', async () => {
    const stream = readJpegHeader(bare(await jpegOf('4:4:4')));
    expect(jpegColours(stream, 'RGB')).toBe('rgb');
    expect(jpegColours(stream, 'YBR_FULL_422')).toBe('ybr-full');
    expect(jpegColours({ ...stream, componentIds: [82, 71, 66] }, 'YBR_FULL_422')).toBe('rgb');
    expect(jpegColours({ ...stream, hasJfif: true }, 'RGB')).toBe('ybr-full');
    expect(jpegColours({ ...stream, adobeTransform: 0, hasJfif: true }, 'YBR_FULL')).toBe('rgb');
    expect(jpegColours({ ...stream, hasJfif: true, isLossless: true }, 'RGB')).toBe('rgb');
  });

  it('shows RGB in a JPEG without markers', async () => {
    // The three components coded as they are: what sharp writes for YCbCr, named RGB by the header alone.
    const jpeg = bare(await jpegOf('4:4:4'));
    const file = dicomFile(jpegBaseline, picture(width, height, 'RGB'), encapsulated([jpeg]));
    const [red = 0, green = 0, blue = 0] = await decoded(file, 0);
    const [r = 0, g = 0, b = 0] = rgb;
    const asStored = [0.299 * r + 0.587 * g + 0.114 * b, 128 - 0.169 * r - 0.331 * g + 0.5 * b];
    expect(Math.abs(red - (asStored[0] ?? 0)) + Math.abs(green - (asStored[1] ?? 0))).toBeLessThan(8);
    expect(blue).toBeGreaterThan(100);
  });

  it('converts YBR_FULL once, also when a frame is read again, and leaves the file alone', async () => {
    const samples = Uint8Array.of(76, 85, 255, 150, 44, 21);
    const file = dicomFile(explicitLittleEndian, picture(2, 1, 'YBR_FULL'), native(samples));
    const before = Buffer.from(file);
    const first = [...(await decoded(file, 0))];
    expect([...(await decoded(file, 0))]).toEqual(first);
    expect(first.slice(0, 3)).toEqual([254, 0, 0]);
    expect(file).toEqual(before);
  });

  it('takes three bytes per pixel for YBR_FULL though the header says 4:2:2', async () => {
    const samples = Uint8Array.of(76, 85, 255, 76, 85, 255);
    const file = dicomFile(explicitLittleEndian, picture(2, 1, 'YBR_FULL_422'), native(samples));
    expect([...(await decoded(file, 0))]).toEqual([254, 0, 0, 254, 0, 0]);
  });

  it('stretches YBR_PARTIAL_422 from video levels', async () => {
    const samples = Uint8Array.of(16, 235, 128, 128);
    const file = dicomFile(explicitLittleEndian, picture(2, 1, 'YBR_PARTIAL_422'), native(samples));
    expect([...(await decoded(file, 0))]).toEqual([0, 0, 0, 255, 255, 255]);
  });

  it('reads whether JPEG 2000 has transformed the colours', () => {
    expect(readJpeg2000Header(encode('encodeJpeg2000', rgb, 8, { allowMct: 1 })).isTransformed).toBe(true);
    expect(readJpeg2000Header(encode('encodeJpeg2000', rgb, 8, { allowMct: 0 })).isTransformed).toBe(false);
  });
});

describe('grey', () => {
  const shown = async (values: readonly number[], fields: Fields): Promise<number[]> => {
    const samples = bytesOf(Uint16Array.from(values));
    const file = dicomFile(
      explicitLittleEndian,
      picture(values.length, 1, 'MONOCHROME2', { ...wide, ...fields }),
      native(samples),
    );
    return [...(await decoded(file, 0))].filter((_, i) => i % 3 === 0);
  };

  it('has the three shapes of a window (PS3.3 C.11.2.1.2)', async () => {
    const window: Fields = { '00281050': ['DS', '100'], '00281051': ['DS', '100'] };
    const values = [0, 50, 100, 125, 150, 4000];
    expect(await shown(values, window)).toEqual([0, 0, 129, 193, 255, 255]);
    expect(await shown(values, { ...window, '00281056': ['CS', 'LINEAR_EXACT'] })).toEqual([
      0, 0, 128, 191, 255, 255,
    ]);
    expect(await shown(values, { ...window, '00281056': ['CS', 'SIGMOID'] })).toEqual([
      5, 30, 128, 186, 225, 255,
    ]);
  });

  it('leaves overlays above and below the stored bits out', async () => {
    expect(await shown([0xf800, 0x1800], {})).toEqual([128, 128]);
    const high: Fields = { '00280102': ['US', 15] };
    expect(await shown([0x8007, 0x800f], high)).toEqual([128, 128]);
  });

  it('reads signed samples', async () => {
    const signed: Fields = { '00280103': ['US', 1], '00281050': ['DS', '0'] };
    expect(await shown([0x800, 0, 0x7ff], signed)).toEqual([0, 128, 255]);
  });

  it('has one grey for one value in all frames of a cine without window', async () => {
    const frames = [
      [640, 700],
      [640, 4000],
      [640, 100],
    ];
    const file = dicomFile(
      explicitLittleEndian,
      picture(2, 1, 'MONOCHROME2', { ...deep, '00280008': ['IS', '3'] }),
      native(bytesOf(Uint16Array.from(frames.flat()))),
    );
    const [a, b, c] = await Promise.all([0, 1, 2].map((index) => decoded(file, index)));
    const right = Math.round((255 * (640 - 100)) / 3900);
    expect([a?.[0], b?.[0], c?.[0]]).toEqual([right, right, right]);
    expect((await decoderOf(file)).coding).toContain('grey from 100 to 4000 as in all pictures');
  });
});

describe('palettes', () => {
  const shown = async (indices: readonly number[], tables: Fields, photometric = 'PALETTE COLOR') => [
    ...(await decoded(
      dicomFile(
        explicitLittleEndian,
        picture(indices.length, 1, photometric, tables),
        native(Uint8Array.from(indices)),
      ),
      0,
    )),
  ];
  const palette = (
    descriptor: readonly number[],
    red: readonly number[],
    other: readonly number[],
    tag = 0x00281201,
  ): Fields =>
    Object.fromEntries(
      [red, other, other].flatMap((table, i) => [
        [`0028110${i + 1}`, ['US', descriptor]],
        [(tag + i).toString(16).padStart(8, '0'), ['OW', bytesOf(Uint16Array.from(table))]],
      ]),
    ) as Fields;

  it('take the high byte of sixteen bits, and eight bits in words as they are', async () => {
    expect(await shown([0, 1], palette([2, 0, 16], [0x0a4d, 0xff4d], [0x014d, 0x024d]))).toEqual([
      10, 1, 1, 255, 2, 2,
    ]);
    expect(await shown([0, 1], palette([2, 0, 16], [10, 255], [1, 2]))).toEqual([10, 1, 1, 255, 2, 2]);
    expect(await shown([0, 1], palette([2, 0, 8], [10, 255], [1, 2]))).toEqual([10, 1, 1, 255, 2, 2]);
  });

  it('expand segments: discrete, linear, repeated', async () => {
    // Two entries, then three up to 0x0500, then the first segment again.
    const segments = [0, 2, 0x0100, 0x0200, 1, 3, 0x0500, 2, 1, 0, 0];
    const tables = palette([7, 0, 16], segments, segments, 0x00281221);
    const reds = (await shown([0, 1, 2, 3, 4, 5, 6], tables)).filter((_, i) => i % 3 === 0);
    expect(reds).toEqual([1, 2, 3, 4, 5, 1, 2]);
  });

  it('that supplement grey colour only their own values', async () => {
    const tables = palette([2, 200, 8], [255, 0], [0, 255]);
    expect(await shown([0, 199, 200, 201], tables, 'MONOCHROME2')).toEqual([
      0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 255,
    ]);
  });
});

describe('oblong pixels', () => {
  it('are made square by enlarging the shorter side', async () => {
    const file = dicomFile(
      explicitLittleEndian,
      picture(width, height, 'RGB', { '00280034': ['IS', '2\\1'] }),
      native(rgb),
    );
    const decoder = await decoderOf(file);
    expect(decoder.size).toEqual({ width, height: 2 * height });
    expect(await decoder.decode(rgb)).toHaveLength(width * 2 * height * 3);
  });
});

describe('one bad frame', () => {
  it.each([
    ['1.2.840.10008.1.2.4.70', 'encodeJpeg', { lossy: false }],
    ['1.2.840.10008.1.2.4.80', 'encodeJpegLs', {}],
    ['1.2.840.10008.1.2.4.90', 'encodeJpeg2000', {}],
    ['1.2.840.10008.1.2.4.201', 'encodeHtJpeg2000', {}],
  ] as const)('of %s, cut anywhere, is refused and harms no other', async (syntax, encoder, options) => {
    const good = encode(encoder, rgb, 8, options);
    const decoder = await decoderOf(dicomFile(syntax, picture(width, height, 'RGB'), encapsulated([good])));
    for (const part of [0, 0.02, 0.2, 0.5, 0.8, 0.95]) {
      const cut = good.slice(0, Math.floor(good.length * part));
      await expect(decoder.decode(cut)).rejects.toBeInstanceOf(DamagedFrame);
      expect(await decoder.decode(good)).toEqual(rgb);
    }
    decoder.close();
  });

  it('is not decoded when it is larger than the header says', async () => {
    const large = await sharp({ create: { width: 2000, height: 2000, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    const file = dicomFile(jpegBaseline, picture(width, height, 'YBR_FULL_422'), encapsulated([large]));
    await expect(decoded(file, 0)).rejects.toThrow('frame of 2000 × 2000');
  });
});
