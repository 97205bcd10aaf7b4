/** Sources whose frames our own code makes: scenes, picture folders, DICOM, all through the same GStreamer path. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { probeSource } from '../../../src/ingest/index.js';
import { readCounter, syntheticScene } from '../../../src/ingest/synthetic/index.js';
import { dicomFile, explicitLittleEndian, native, picture } from '../dicom/fixture.js';
import { Recording } from './harness.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-pushed-'));
const at = (...names: string[]): string => join(folder, ...names);
const open: Recording[] = [];
const record = (...args: ConstructorParameters<typeof Recording>): Recording => {
  const recording = new Recording(...args);
  open.push(recording);
  return recording;
};

beforeAll(async () => {
  for (const name of ['pictures', 'mixed', 'empty', 'broken', 'seconds', 'turned', 'bitmap', 'animated'])
    mkdirSync(at(name));
  // Named so that only a natural order is right; grey level tells the number. 13 wide: rows need padding.
  for (let n = 0; n < 12; n += 1)
    await sharp({
      create: { width: 13, height: 8, channels: 3, background: { r: n * 20, g: n * 20, b: n * 20 } },
    })
      .png()
      .toFile(at('pictures', `frame${n}.png`));
  const plain = (width: number): Promise<Buffer> =>
    sharp({ create: { width, height: 8, channels: 3, background: '#123456' } })
      .png()
      .toBuffer();
  writeFileSync(at('mixed', 'a.png'), await plain(8));
  writeFileSync(at('mixed', 'b.png'), await plain(9));
  // Seconds as a program prints them; the grey level tells the order. 2 × 1 with white right, turned by EXIF in eight ways.
  for (const [n, name] of ['0.0', '0.04', '0.08', '0.2', '1.0'].entries())
    await sharp({ create: { width: 8, height: 8, channels: 3, background: { r: n * 20, g: 0, b: 0 } } })
      .png()
      .toFile(at('seconds', `${name}.png`));
  for (let orientation = 1; orientation <= 8; orientation += 1) {
    // Left half black, right half white as it is to be seen.
    const [columns, rows] = orientation < 5 ? [16, 8] : [8, 16];
    const isWhite = (x: number, y: number): boolean =>
      [x >= 8, x < 8, x < 8, x >= 8, y >= 8, y < 8, y < 8, y >= 8][orientation - 1] as boolean;
    const data = Array.from({ length: columns * rows * 3 }, (_, index) =>
      isWhite(Math.floor(index / 3) % columns, Math.floor(index / 3 / columns)) ? 255 : 0,
    );
    await sharp(Uint8Array.from(data), { raw: { width: columns, height: rows, channels: 3 } })
      .withMetadata({ orientation })
      .jpeg({ quality: 100 })
      .toFile(at('turned', `${orientation}.jpg`));
  }
  writeFileSync(at('seconds', 'Thumbs.db'), 'thumbs');
  writeFileSync(at('seconds', '._0.04.png'), 'shadow');
  writeFileSync(at('bitmap', 'a.png'), await plain(8));
  writeFileSync(at('bitmap', 'b.bmp'), 'BM');
  writeFileSync(at('animated', 'a.png'), await plain(8));
  const frames = Buffer.concat([0, 90, 180].map((level) => Buffer.alloc(8 * 8 * 3, level)));
  await sharp(frames, { raw: { width: 8, height: 24, channels: 3, pageHeight: 8 } })
    .gif()
    .toFile(at('animated', 'b.gif'));
  writeFileSync(at('broken', 'a.png'), 'no picture');
  writeFileSync(at('empty', 'notes.txt'), 'nothing to see');
});
afterEach(() => open.splice(0).forEach((recording) => recording.close()));
afterAll(() => rmSync(folder, { recursive: true }));

describe('synthetic scenes', () => {
  it('carry their number through JPEG and scaling, every frame in replay', async () => {
    const seen = record('synthetic:counter?width=320&height=180&duration=2', {
      mode: 'replay',
      analysisSize: { width: 320, height: 180 },
    });
    await seen.over();
    const expected = Array.from({ length: 50 }, (_, n) => n);
    expect(seen.analysis.map((frame) => readCounter(frame.data, 320, 3))).toEqual(expected);
    const shown = await Promise.all(
      seen.display.map(async (frame) => readCounter(await sharp(frame.data).raw().toBuffer(), 320, 3)),
    );
    expect(shown).toEqual(expected);
    expect(seen.display.map((frame) => frame.sourceFrame)).toEqual(expected);
    expect(seen.formats[0]).toMatchObject({ frameCount: 50, framesPerSecond: 25 });
  });

  it('show in live mode the very number that their frame says, whatever was dropped', async () => {
    const seen = record('synthetic:counter?width=320&height=180&duration=2', { loop: true });
    await seen.until('in its second pass', () => (seen.display.at(-1)?.discontinuity ?? 0) >= 1);
    for (const frame of seen.display)
      expect(readCounter(await sharp(frame.data).raw().toBuffer(), 320, 3)).toBe(frame.sourceFrame);
  });

  it('arrive as they were drawn', async () => {
    const size = { width: 320, height: 180 };
    const seen = record('synthetic:laparoscopy?width=320&height=180&seed=4&duration=0.4', {
      mode: 'replay',
      analysisSize: size,
    });
    await seen.over();
    const scene = syntheticScene('laparoscopy', { ...size, seed: 4 });
    const drawn = scene.frame(7).rgb;
    expect(Buffer.compare(seen.analysis[7]?.data ?? Buffer.of(), drawn)).toBe(0);
  });

  it('tell their pixel spacing', async () => {
    const format = await probeSource('synthetic:echo?width=320&height=240');
    expect(format.calibration.whole?.x).toBeCloseTo(160 / (0.9 * 240), 6);
  });
});

describe('a folder of pictures', () => {
  it('plays in natural order at the given rate', async () => {
    const seen = record(`${at('pictures')}?fps=50`, {
      mode: 'replay',
      analysisSize: { width: 13, height: 8 },
    });
    await seen.over();
    expect(seen.analysis.map((frame) => frame.data[0])).toEqual(Array.from({ length: 12 }, (_, n) => n * 20));
    expect(seen.analysis.map((frame) => frame.mediaNs)).toEqual(
      Array.from({ length: 12 }, (_, n) => n * 20e6),
    );
    expect(seen.formats[0]).toMatchObject({
      size: { width: 13, height: 8 },
      framesPerSecond: 50,
      frameCount: 12,
    });
  });

  it('plays in the order of time where its names are seconds', async () => {
    const seen = record(at('seconds'), { mode: 'replay', analysisSize: { width: 8, height: 8 } });
    await seen.over();
    expect(seen.analysis.map((frame) => frame.data[0])).toEqual([0, 20, 40, 60, 80]);
  });

  it('shows every picture turned as its EXIF orientation says', async () => {
    const seen = record(at('turned'), { mode: 'replay', analysisSize: { width: 16, height: 8 } });
    await seen.over();
    expect(seen.formats[0]).toMatchObject({ size: { width: 16, height: 8 }, frameCount: 8 });
    const sides = seen.analysis.map(({ data }) => [data[3 * (4 * 16 + 2)], data[3 * (4 * 16 + 13)]]);
    sides.forEach(([left = 255, right = 0], index) => {
      expect(left, `orientation ${index + 1}`).toBeLessThan(40);
      expect(right, `orientation ${index + 1}`).toBeGreaterThan(215);
    });
  });

  it.each([
    ['mixed', 'SONO_FOLDER_MIXED'],
    ['empty', 'SONO_FOLDER_EMPTY'],
    ['bitmap', 'SONO_FOLDER_PICTURE'],
    ['animated', 'SONO_FOLDER_ANIMATED'],
    ['broken', 'SONO_FOLDER_PICTURE'],
  ])('%s is refused as %s', async (name, code) => {
    await expect(probeSource(at(name))).rejects.toMatchObject({ code });
  });
});

describe('DICOM', () => {
  it('keeps frame times and spacing, and is recognised without its ending', async () => {
    const samples = Uint8Array.from({ length: 3 * 6 * 4 }, (_, i) => 40 * Math.floor(i / 24));
    writeFileSync(
      at('cine'),
      dicomFile(
        explicitLittleEndian,
        picture(6, 4, 'MONOCHROME2', {
          '00280008': ['IS', '3'],
          '00181065': ['DS', '0\\20\\50'],
          '00280030': ['DS', '0.5\\0.25'],
        }),
        native(samples),
      ),
    );
    const seen = record(at('cine'), { mode: 'replay', analysisSize: { width: 6, height: 4 } });
    await seen.over();
    expect(seen.formats[0]).toMatchObject({
      calibration: { whole: { x: 0.25, y: 0.5 }, regions: [] },
      frameCount: 3,
    });
    expect(seen.analysis.map((frame) => frame.mediaNs)).toEqual([0, 20e6, 70e6]);
    expect(seen.analysis.map((frame) => frame.data[0])).toEqual([0, 40, 80]);
  });

  it('plays without a frame time at a guessed rate, and says so', async () => {
    writeFileSync(
      at('untimed.dcm'),
      dicomFile(
        explicitLittleEndian,
        picture(6, 4, 'MONOCHROME2', { '00280008': ['IS', '3'] }),
        native(new Uint8Array(72)),
      ),
    );
    const seen = record(at('untimed.dcm'));
    await seen.over();
    expect(seen.outcome).toBe('complete');
    expect(seen.formats[0]?.framesPerSecond).toBeNull();
    expect(seen.formats[0]?.description).toContain('no frame time in the file');
  });

  it.each([
    ['no-pixels.dcm', dicomFile(explicitLittleEndian, picture(2, 2, 'RGB'), null), 'SONO_DICOM_NO_PIXELS'],
    [
      'syntax.dcm',
      dicomFile('1.2.840.10008.1.2.4.94', picture(2, 2, 'RGB'), native(new Uint8Array(12))),
      'SONO_DICOM_SYNTAX',
    ],
    ['no.dcm', Buffer.from('plain text, not DICOM at all'), 'SONO_DICOM_DAMAGED'],
  ])('%s', async (name, bytes, code) => {
    writeFileSync(at(name), bytes);
    await expect(probeSource(at(name))).rejects.toMatchObject({ code });
  });
});
