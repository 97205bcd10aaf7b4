/** DICOM parsing and colour, on files written here; no process is started. */
import fc from 'fast-check';
import sharp from 'sharp';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SonoError } from '../../../src/vocabulary/errors.js';
import { memorySource } from '../../../src/dicom/byte-source.js';
import { openCine, type DicomCine } from '../../../src/dicom/cine.js';
import { DamagedFrame } from '../../../src/dicom/pixels/damaged-frame.js';
import { decodeRle } from '../../../src/dicom/pixels/rle.js';
import {
  dicomFile,
  decoded,
  encapsulated,
  explicitLittleEndian,
  jpegBaseline,
  native,
  picture,
  producerAt,
  rleLossless,
  sequence,
} from './fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-dicom-'));
afterAll(() => rmSync(folder, { recursive: true }));
const open = (bytes: Uint8Array): Promise<DicomCine> => openCine(memorySource(bytes), 'x');
const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'none';
  } catch (error) {
    return error instanceof SonoError ? String(error.code) : String(error);
  }
};
/** What a source says of a file. */
const producerCode = (bytes: Uint8Array): Promise<string> => {
  const path = join(folder, 'tried.dcm');
  writeFileSync(path, bytes);
  return codeOf(producerAt(path));
};

describe('DICOM colour', () => {
  const rgbOf = async (
    photometric: string,
    samples: number[],
    width: number,
    more = {},
  ): Promise<number[]> => {
    const file = dicomFile(
      explicitLittleEndian,
      picture(width, 1, photometric, more),
      native(Uint8Array.from(samples)),
    );
    return [...(await decoded(file, 0))];
  };

  it('shows MONOCHROME2 as it is and MONOCHROME1 inverted', async () => {
    expect(await rgbOf('MONOCHROME2', [0, 100], 2)).toEqual([0, 0, 0, 100, 100, 100]);
    expect(await rgbOf('MONOCHROME1', [0, 100], 2)).toEqual([255, 255, 255, 155, 155, 155]);
  });

  it('windows sixteen-bit grey by the file, else by the data', async () => {
    const wide = { '00280100': ['US', 16], '00280101': ['US', 12] } as const;
    const window = { '00281050': ['DS', '101'], '00281051': ['DS', '201'] } as const;
    expect(await rgbOf('MONOCHROME2', [0, 0, 200, 0], 2, { ...wide, ...window })).toEqual([
      0, 0, 0, 254, 254, 254,
    ]);
    expect(await rgbOf('MONOCHROME2', [232, 3, 208, 7], 2, wide)).toEqual([0, 0, 0, 255, 255, 255]);
  });

  it('reads RGB by pixel and by plane', async () => {
    expect(await rgbOf('RGB', [1, 2, 3, 4, 5, 6], 2)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await rgbOf('RGB', [1, 4, 2, 5, 3, 6], 2, { '00280006': ['US', 1] })).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('converts YBR_FULL and YBR_FULL_422', async () => {
    // Pure red in full-range BT.601.
    expect(await rgbOf('YBR_FULL', [76, 85, 255], 1)).toEqual([254, 0, 0]);
    expect(await rgbOf('YBR_FULL_422', [76, 150, 128, 128], 2)).toEqual([76, 76, 76, 150, 150, 150]);
  });

  it('looks colours up in a palette', async () => {
    const palette = (values: number[]): readonly ['OW', Uint8Array] => ['OW', Uint8Array.from(values)];
    expect(
      await rgbOf('PALETTE COLOR', [0, 1], 2, {
        '00281101': ['US', [2, 0, 8]],
        '00281102': ['US', [2, 0, 8]],
        '00281103': ['US', [2, 0, 8]],
        '00281201': palette([10, 20]),
        '00281202': palette([30, 40]),
        '00281203': palette([50, 60]),
      }),
    ).toEqual([10, 30, 50, 20, 40, 60]);
  });

  it('unpacks RLE runs and literals, by planes', async () => {
    const frame = new Uint8Array(64 + 9);
    const view = new DataView(frame.buffer);
    view.setUint32(0, 3, true);
    [64, 67, 70].forEach((offset, i) => view.setUint32(4 + 4 * i, offset, true));
    // Red: literal 1, 2. Green: run of 7. Blue: literal 8, 9.
    frame.set([1, 1, 2, 255, 7, 128, 1, 8, 9], 64);
    const file = dicomFile(rleLossless, picture(2, 1, 'RGB'), encapsulated([frame]));
    expect([...(await decoded(file, 0))]).toEqual([1, 7, 8, 2, 7, 9]);
    for (let cut = 0; cut < frame.length - 2; cut += 1)
      expect(() => decodeRle(frame.subarray(0, cut), 2, 3, 1)).toThrow(DamagedFrame);
  });

  it('decodes a JPEG cine in its true colours, also without a marker that names them', async () => {
    // Written by sharp without JFIF or Adobe marker, as ultrasound machines do it.
    const bare = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#e02010' } })
      .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
      .toBuffer();
    const path = join(folder, 'red.dcm');
    writeFileSync(
      path,
      dicomFile(
        jpegBaseline,
        picture(16, 16, 'YBR_FULL_422', { '00280008': ['IS', '2'], '00181063': ['DS', '40'] }),
        encapsulated([bare, bare]),
      ),
    );
    const producer = await producerAt(path);
    const [r = 0, g = 0, b = 0] = (await producer.frame(1)) ?? [];
    expect(Math.abs(r - 0xe0) + Math.abs(g - 0x20) + Math.abs(b - 0x10)).toBeLessThan(8);
    expect(producer).toMatchObject({ frameCount: 2, framesPerSecond: 25 });
    expect(producer.mediaNs(1)).toBe(40_000_000);
  });
});

describe('DICOM timing and spacing', () => {
  const frames = (more: object): Promise<DicomCine> =>
    open(
      dicomFile(
        explicitLittleEndian,
        picture(1, 1, 'MONOCHROME2', { '00280008': ['IS', '3'], ...more }),
        native(Uint8Array.of(1, 2, 3)),
      ),
    );

  it('takes frame time, cine rate or a vector of steps', async () => {
    expect(await frames({ '00181063': ['DS', '33.333'] })).toMatchObject({
      framesPerSecond: 30,
      mediaNs: [0, 33_333_000, 66_666_000, 99_999_000],
    });
    expect(await frames({ '00180040': ['IS', '50'] })).toMatchObject({ framesPerSecond: 50 });
    expect((await frames({ '00181065': ['DS', '0\\10\\30'] })).mediaNs).toEqual([0, 10e6, 40e6, 60e6]);
  });

  it('says when the file gives none', async () => {
    const cine = await frames({});
    expect(cine.framesPerSecond).toBeNull();
    expect(cine.description.join()).toContain('no frame time in the file');
  });

  it('keeps every region with its own spacing, centimetres made millimetres, and pixel spacing where no region has one', async () => {
    const region = (width: number, delta: number, units = 3): Uint8Array =>
      sequence({
        '00186012': ['US', 1],
        '00186018': ['UL', 0],
        '0018601a': ['UL', 0],
        '0018601c': ['UL', width],
        '0018601e': ['UL', 10],
        '00186024': ['US', units],
        '00186026': ['US', units],
        '0018602c': ['FD', delta],
        '0018602e': ['FD', -delta],
      });
    const regions = Buffer.concat([region(10, 0.01), region(90, 0.05), region(200, 0.5, 4)]);
    const spacing = { '00280030': ['DS', '0.2\\0.3'] } as const;
    const byRegion = (await frames({ '00186011': ['SQ', regions], ...spacing })).calibration;
    expect(byRegion.whole).toBeNull();
    expect(byRegion.regions).toMatchObject([
      { x0: 0, x1: 1, y1: 1, kind: '2d', spacingMm: { x: 0.1, y: 0.1 } },
      { x0: 0, x1: 1, y1: 1, kind: '2d', spacingMm: { x: 0.5, y: 0.5 } },
      { x0: 0, x1: 1, y1: 1, kind: '2d', spacingMm: null },
    ]);
    expect((await frames(spacing)).calibration).toEqual({ whole: { x: 0.3, y: 0.2 }, regions: [] });
    expect((await frames({})).calibration).toEqual({ whole: null, regions: [] });
  });
});

describe('bad DICOM', () => {
  const good = dicomFile(explicitLittleEndian, picture(4, 4, 'MONOCHROME2'), native(new Uint8Array(16)));

  it('has a code for each kind of trouble', async () => {
    const gray = picture(4, 4, 'MONOCHROME2');
    expect(await producerCode(Buffer.from('not dicom'))).toBe('SONO_DICOM_DAMAGED');
    expect(await producerCode(dicomFile(explicitLittleEndian, gray, null))).toBe('SONO_DICOM_NO_PIXELS');
    expect(
      await producerCode(dicomFile('1.2.840.10008.1.2.4.94', gray, encapsulated([new Uint8Array(4)]))),
    ).toBe('SONO_DICOM_SYNTAX');
    expect(
      await producerCode(dicomFile(explicitLittleEndian, picture(4, 4, 'HSV'), native(new Uint8Array(48)))),
    ).toBe('SONO_DICOM_PHOTOMETRIC');
    expect(await producerCode(dicomFile(explicitLittleEndian, gray, native(new Uint8Array(8))))).toBe(
      'SONO_DICOM_DAMAGED',
    );
    expect(
      await producerCode(dicomFile(explicitLittleEndian, picture(0, 4, 'RGB'), native(new Uint8Array(2)))),
    ).toBe('SONO_SOURCE_SIZE');
    expect(await producerCode(good)).toBe('none');
  });

  it('cut at every byte or with any byte changed, gives a picture or a code, never anything else', async () => {
    for (let cut = 0; cut < good.length; cut += 1) {
      const code = await codeOf(open(good.subarray(0, cut)));
      expect(code).toMatch(/^SONO_(DICOM|SOURCE)_/);
    }
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 }), async (at, value) => {
        const bytes = Buffer.from(good);
        bytes[at] = value;
        expect(await codeOf(open(bytes))).toMatch(/^(none|SONO_(DICOM|SOURCE)_\w+)$/);
      }),
    );
  });
});
