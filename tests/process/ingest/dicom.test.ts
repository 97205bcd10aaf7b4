/** DICOM parsing and colour, on files written here; no process is started. */
import fc from 'fast-check';
import sharp from 'sharp';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SonoError } from '../../../src/vocabulary/errors.js';
import { parseCine } from '../../../src/ingest/dicom/cine.js';
import { decodeRle, toRgb, withColourMarker } from '../../../src/ingest/dicom/pixels.js';
import { createDicomProducer } from '../../../src/ingest/dicom/producer.js';
import {
  dicomFile,
  encapsulated,
  explicitLittleEndian,
  jpegBaseline,
  native,
  picture,
  rleLossless,
  sequence,
} from './dicom-fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-dicom-'));
afterAll(() => rmSync(folder, { recursive: true }));
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (error) {
    return error instanceof SonoError ? String(error.code) : String(error);
  }
};

describe('DICOM colour', () => {
  const rgbOf = (photometric: string, samples: number[], width: number, more = {}): number[] => {
    const cine = parseCine(
      dicomFile(explicitLittleEndian, picture(width, 1, photometric, more), native(Uint8Array.from(samples))),
      'x',
    );
    return [...toRgb(cine.frameBytes(0), cine.format)];
  };

  it('shows MONOCHROME2 as it is and MONOCHROME1 inverted', () => {
    expect(rgbOf('MONOCHROME2', [0, 100], 2)).toEqual([0, 0, 0, 100, 100, 100]);
    expect(rgbOf('MONOCHROME1', [0, 100], 2)).toEqual([255, 255, 255, 155, 155, 155]);
  });

  it('windows sixteen-bit grey by the file, else by the data', () => {
    const wide = { '00280100': ['US', 16], '00280101': ['US', 12] } as const;
    const window = { '00281050': ['DS', '101'], '00281051': ['DS', '201'] } as const;
    expect(rgbOf('MONOCHROME2', [0, 0, 200, 0], 2, { ...wide, ...window })).toEqual([0, 0, 0, 254, 254, 254]);
    expect(rgbOf('MONOCHROME2', [232, 3, 208, 7], 2, wide)).toEqual([0, 0, 0, 255, 255, 255]);
  });

  it('reads RGB by pixel and by plane', () => {
    expect(rgbOf('RGB', [1, 2, 3, 4, 5, 6], 2)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(rgbOf('RGB', [1, 4, 2, 5, 3, 6], 2, { '00280006': ['US', 1] })).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('converts YBR_FULL and YBR_FULL_422', () => {
    // Pure red in full-range BT.601.
    expect(rgbOf('YBR_FULL', [76, 85, 255], 1)).toEqual([254, 0, 0]);
    expect(rgbOf('YBR_FULL_422', [76, 150, 128, 128], 2)).toEqual([76, 76, 76, 150, 150, 150]);
  });

  it('looks colours up in a palette', () => {
    const palette = (values: number[]): readonly ['OW', Uint8Array] => ['OW', Uint8Array.from(values)];
    expect(
      rgbOf('PALETTE COLOR', [0, 1], 2, {
        '00281101': ['US', [2, 0, 8]],
        '00281102': ['US', [2, 0, 8]],
        '00281103': ['US', [2, 0, 8]],
        '00281201': palette([10, 20]),
        '00281202': palette([30, 40]),
        '00281203': palette([50, 60]),
      }),
    ).toEqual([10, 30, 50, 20, 40, 60]);
  });

  it('unpacks RLE runs and literals, by planes', () => {
    const frame = new Uint8Array(64 + 9);
    const view = new DataView(frame.buffer);
    view.setUint32(0, 3, true);
    [64, 67, 70].forEach((offset, i) => view.setUint32(4 + 4 * i, offset, true));
    // Red: literal 1, 2. Green: run of 7. Blue: literal 8, 9.
    frame.set([1, 1, 2, 255, 7, 128, 1, 8, 9], 64);
    const cine = parseCine(dicomFile(rleLossless, picture(2, 1, 'RGB'), encapsulated([frame])), 'x');
    const planes = decodeRle(cine.frameBytes(0), cine.format);
    expect([...toRgb(planes, { ...cine.format, planar: true })]).toEqual([1, 7, 8, 2, 7, 9]);
    for (let cut = 0; cut < frame.length - 2; cut += 1)
      expect(() => decodeRle(frame.subarray(0, cut), cine.format)).toThrow();
  });

  it('decodes a JPEG cine in its true colours, also without a marker that names them', async () => {
    // Written by sharp without JFIF or Adobe marker, as ultrasound machines do it.
    const bare = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#e02010' } })
      .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
      .toBuffer();
    const app0 = Buffer.from('ffe000104a46494600010100000100010000', 'hex');
    const jfif = Buffer.concat([bare.subarray(0, 2), app0, bare.subarray(2)]);
    expect(withColourMarker(jfif, 'RGB')).toBe(jfif);
    expect(withColourMarker(bare, 'YBR_FULL_422')).toHaveLength(bare.length + 16);
    const path = join(folder, 'red.dcm');
    writeFileSync(
      path,
      dicomFile(
        jpegBaseline,
        picture(16, 16, 'YBR_FULL_422', { '00280008': ['IS', '2'], '00181063': ['DS', '40'] }),
        encapsulated([bare, bare]),
      ),
    );
    const producer = await createDicomProducer(path);
    const [r = 0, g = 0, b = 0] = await producer.frame(1);
    expect(Math.abs(r - 0xe0) + Math.abs(g - 0x20) + Math.abs(b - 0x10)).toBeLessThan(8);
    expect(producer).toMatchObject({ frameCount: 2, framesPerSecond: 25 });
    expect(producer.mediaNs(1)).toBe(40_000_000);
  });
});

describe('DICOM timing and spacing', () => {
  const frames = (more: object): ReturnType<typeof parseCine> =>
    parseCine(
      dicomFile(
        explicitLittleEndian,
        picture(1, 1, 'MONOCHROME2', { '00280008': ['IS', '3'], ...more }),
        native(Uint8Array.of(1, 2, 3)),
      ),
      'x',
    );

  it('takes frame time, cine rate or a vector of steps', () => {
    expect(frames({ '00181063': ['DS', '33.333'] })).toMatchObject({
      framesPerSecond: 30,
      mediaNs: [0, 33_333_000, 66_666_000, 99_999_000],
    });
    expect(frames({ '00180040': ['IS', '50'] })).toMatchObject({ framesPerSecond: 50 });
    expect(frames({ '00181065': ['DS', '0\\10\\30'] }).mediaNs).toEqual([0, 10e6, 40e6, 60e6]);
  });

  it('says when the file gives none', () => {
    const cine = frames({});
    expect(cine.framesPerSecond).toBeNull();
    expect(cine.description).toContain('no frame time in the file');
  });

  it('takes the spacing of the largest calibrated region, centimetres made millimetres', () => {
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
    expect(frames({ '00186011': ['SQ', regions] }).pixelSpacingMm).toEqual({ x: 0.5, y: 0.5 });
    expect(frames({ '00280030': ['DS', '0.2\\0.3'] }).pixelSpacingMm).toEqual({ x: 0.3, y: 0.2 });
    expect(frames({}).pixelSpacingMm).toBeNull();
  });
});

describe('bad DICOM', () => {
  const good = dicomFile(explicitLittleEndian, picture(4, 4, 'MONOCHROME2'), native(new Uint8Array(16)));

  it('has a code for each kind of trouble', () => {
    const parse = (bytes: Uint8Array) => () => parseCine(bytes, 'x');
    const gray = picture(4, 4, 'MONOCHROME2');
    expect(codeOf(parse(Buffer.from('not dicom')))).toBe('SONO_DICOM_DAMAGED');
    expect(codeOf(parse(dicomFile(explicitLittleEndian, gray, null)))).toBe('SONO_DICOM_NO_PIXELS');
    expect(codeOf(parse(dicomFile('1.2.840.10008.1.2.4.90', gray, encapsulated([new Uint8Array(4)]))))).toBe(
      'SONO_DICOM_SYNTAX',
    );
    expect(
      codeOf(parse(dicomFile(explicitLittleEndian, picture(4, 4, 'HSV'), native(new Uint8Array(48))))),
    ).toBe('SONO_DICOM_PHOTOMETRIC');
    expect(codeOf(parse(dicomFile(explicitLittleEndian, gray, native(new Uint8Array(8)))))).toBe(
      'SONO_DICOM_DAMAGED',
    );
    expect(
      codeOf(parse(dicomFile(explicitLittleEndian, picture(0, 4, 'RGB'), native(new Uint8Array(2))))),
    ).toBe('SONO_SOURCE_SIZE');
    expect(codeOf(parse(good))).toBe('none');
  });

  it('cut at every byte or with any byte changed, gives a picture or a code, never anything else', () => {
    for (let cut = 0; cut < good.length; cut += 1) {
      const code = codeOf(() => parseCine(good.subarray(0, cut), 'x'));
      expect(code).toMatch(/^SONO_(DICOM|SOURCE)_/);
    }
    fc.assert(
      fc.property(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 }), (at, value) => {
        const bytes = Buffer.from(good);
        bytes[at] = value;
        expect(codeOf(() => parseCine(bytes, 'x'))).toMatch(/^(none|SONO_(DICOM|SOURCE)_\w+)$/);
      }),
    );
  });
});
