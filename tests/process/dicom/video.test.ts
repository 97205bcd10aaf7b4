/** Video inside DICOM, against what ffmpeg makes of the same streams as files: numbers, times and samples of every picture. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { memorySource } from '../../../src/dicom/byte-source.js';
import { openImage } from '../../../src/dicom/cine.js';
import { syntaxInWords } from '../../../src/dicom/transfer-syntaxes.js';
import { runPython } from '../../python-env.js';
import { dicomFile, encapsulated, native, sequence, type Fields } from './fixture.js';
import {
  decodedByFfmpeg,
  header,
  inPieces,
  made,
  pictures,
  seen,
  size,
  syntax,
  videoObject,
  without,
} from './video-fixture.js';

// Every object that is tried starts three processes.
vi.setConfig({ testTimeout: 240_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-video-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const yuv = ['-pix_fmt', 'yuv420p'];
const mpeg2 = ['-c:v', 'mpeg2video', '-g', '9', '-bf', '2', '-q:v', '3', ...yuv];
const h264 = ['-c:v', 'libx264', '-g', '12', '-bf', '3', ...yuv];
const hevc = (more = ''): string[] => ['-c:v', 'libx265', '-x265-params', `log-level=none:keyint=12${more}`];
/** Streams by name: how they are made, and the syntax they are for. */
const streams: Readonly<Record<string, readonly [end: string, args: readonly string[]]>> = {
  'mpeg2.m2v': ['100', mpeg2],
  'mpeg2-programme.mpg': ['100', [...mpeg2, '-f', 'vob']],
  'mpeg2-sound.ts': ['101', [...mpeg2, '-map', '1:a', '-c:a', 'mp2']],
  'mpeg2-woven.ts': ['101', [...mpeg2, '-flags', '+ilme+ildct']],
  'avc.264': ['102', h264],
  'avc-no-b.264': ['102', ['-c:v', 'libx264', '-bf', '0', ...yuv]],
  'avc.ts': ['103', h264],
  'avc-table-last.mp4': ['104', h264],
  'avc-table-first.mp4': ['105', [...h264, '-movflags', 'faststart', '-map', '1:a', '-c:a', 'aac']],
  'avc-stereo.ts': ['106', h264],
  'hevc.265': ['107', [...hevc(), ...yuv]],
  'hevc.mp4': ['107', [...hevc(), ...yuv]],
  'hevc-ten-bits.265': ['108', [...hevc(), '-pix_fmt', 'yuv420p10le']],
  'hevc-no-rate.265': ['107', [...hevc(':no-vui-timing-info=1'), ...yuv]],
};
const bytesOf = new Map<string, Buffer>();
const stream = (name: string): Buffer => bytesOf.get(name) as Buffer;

beforeAll(async () => {
  for (const [name, [, args]] of Object.entries(streams)) bytesOf.set(name, await made(at(name), ...args));
}, 120_000);

/** Writes an object and reads all of it. */
async function played(file: Uint8Array, passes = 1): ReturnType<typeof seen> {
  writeFileSync(at('tried.dcm'), file);
  return seen(at('tried.dcm'), null, passes);
}
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const codeOf = async (file: Uint8Array): Promise<string> =>
  played(file).then(
    () => 'none',
    (error: unknown) => String((error as { code?: unknown }).code ?? error),
  );

describe('a stream of video in one fragment', () => {
  it.each(Object.keys(streams).filter((name) => !name.includes('woven')))(
    '%s: pictures, order and number are ffmpeg’s, times the header’s',
    async (name) => {
      const [end] = streams[name] as (typeof streams)[string];
      const expected = await decodedByFfmpeg(at(name));
      expect(new Set(expected).size).toBe(pictures);
      const { hashes, indexes, mediaNs, endNs, damage, format, feed } = await played(
        videoObject(end, stream(name)),
      );
      expect(hashes).toEqual(expected);
      expect(indexes).toEqual(numbers(pictures));
      expect(mediaNs).toEqual(numbers(pictures).map((n) => Math.round(n * 33_333_333)));
      expect(endNs).toBe(pictures * 33_333_333);
      expect(damage).toBeNull();
      expect(feed).toMatchObject({ size, pixelFormat: 'I420' });
      expect(format).toMatchObject({ framesPerSecond: 30 });
      // An exact number or none.
      expect([null, pictures]).toContain(format.frameCount);
      expect(format.description).toMatch(/^DICOM, ES; .*(MPEG-2|H\.264|H\.265|HEVC)/);
    },
  );

  it('woven fields are taken apart as in any file', async () => {
    const { hashes, indexes } = await played(videoObject('101', stream('mpeg2-woven.ts')));
    expect(indexes).toEqual(numbers(pictures));
    expect(hashes).not.toEqual(await decodedByFfmpeg(at('mpeg2-woven.ts')));
  });

  it('gives the same in every pass, and from any picture on after a crash', async () => {
    const file = videoObject('102', stream('avc.264'));
    const once = await played(file);
    const twice = await played(file, 2);
    expect(twice.hashes).toEqual([...once.hashes, ...once.hashes]);
    expect(twice.mediaNs).toEqual([...once.mediaNs, ...once.mediaNs]);
    // As the supervisor asks: some seconds before, with what it knows from there.
    const resume = { seekSeconds: 5, zeroPtsNs: 0, seen: [[566e6, 17]], nextSourceFrame: 18 } as const;
    const rest = await seen(at('tried.dcm'), resume);
    expect(rest.indexes).toEqual(numbers(pictures).slice(18));
    expect(rest.hashes).toEqual(once.hashes.slice(18));
    expect(rest.mediaNs).toEqual(once.mediaNs.slice(18));
    // Each picture that is passed over shows that it goes on, however long that takes.
    expect([once.signs, rest.signs]).toEqual([0, 18]);
    expect((await seen(at('tried.dcm'), { ...resume, nextSourceFrame: pictures })).damage).toBeNull();
  });

  it('is read by what it is, not by what the syntax says', async () => {
    for (const [end, name] of [
      ['100', 'avc.264'],
      ['102', 'mpeg2.m2v'],
      ['107', 'avc-table-last.mp4'],
    ] as const)
      expect((await played(videoObject(end, stream(name)))).hashes).toEqual(await decodedByFfmpeg(at(name)));
  });

  it('that was cut out of another one begins and ends where ffmpeg begins and ends', async () => {
    // From the second group on: its first pictures in display order want one that is not there.
    for (const [name, end, marker] of [
      ['mpeg2.m2v', '100', Buffer.from([0, 0, 1, 0xb3])],
      ['avc.264', '102', Buffer.from([0, 0, 0, 1, 0x67])],
    ] as const) {
      const all = stream(name);
      const cut = all.subarray(all.indexOf(marker, 64));
      writeFileSync(at(`cut-${name}`), cut);
      const expected = await decodedByFfmpeg(at(`cut-${name}`));
      expect(expected.length).toBeGreaterThan(4);
      const { hashes, indexes, format } = await played(videoObject(end, cut));
      expect(hashes).toEqual(expected);
      expect([null, expected.length]).toContain(format.frameCount);
      expect(indexes).toEqual(numbers(expected.length));
    }
  });
});

describe('fragments', () => {
  const whole = (): Promise<string[]> => decodedByFfmpeg(at('avc-table-last.mp4'));
  const container = (): Buffer => stream('avc-table-last.mp4');

  it('without a table, with one, with one for each, without the item of the table, and without items', async () => {
    const expected = await whole();
    const one = header();
    const item = encapsulated([container()]);
    // Element (12 bytes), then the empty table (8).
    const noTable = Buffer.concat([item.subarray(0, 12), item.subarray(20)]);
    const files = [
      encapsulated([container()], [0]),
      encapsulated(inPieces(container(), 1000)),
      encapsulated(
        inPieces(container(), 1000),
        inPieces(container(), 1000).map((_, n) => n * 1008),
      ),
      encapsulated([new Uint8Array(0), ...inPieces(container(), 3000), new Uint8Array(0)]),
      noTable,
      native(container()),
    ].map((pixels) => dicomFile(syntax('104'), one, pixels));
    for (const file of files) {
      const { hashes, damage } = await played(file);
      expect(hashes).toEqual(expected);
      expect(damage).toBeNull();
    }
  });

  it('of the fragmentable syntaxes, which have names', async () => {
    const expected = await whole();
    for (const end of ['100.1', '101.1', '102.1', '103.1', '104.1', '105.1', '106.1']) {
      const pixels = encapsulated(inPieces(container(), 2048));
      expect((await played(dicomFile(syntax(end), header(), pixels))).hashes).toEqual(expected);
      expect(syntaxInWords(syntax(end))).toMatch(/^Fragmentable (MPEG-2|H\.264)/);
    }
  });

  it('are those that pydicom writes and reads', async () => {
    const name = 'avc-table-first.mp4';
    const even = Buffer.concat([stream(name), Buffer.alloc(stream(name).length % 2)]);
    writeFileSync(at('ours-1.dcm'), videoObject('104', even));
    writeFileSync(at('ours-2.dcm'), dicomFile(syntax('104.1'), header(), encapsulated(inPieces(even, 700))));
    const found = await runPython('write_video.py', {
      stream: at(name),
      header: {
        SOPClassUID: '1.2.840.10008.5.1.4.1.1.77.1.1.1',
        SOPInstanceUID: '1.2.3',
        ...{ Rows: size.height, Columns: size.width, SamplesPerPixel: 3, BitsAllocated: 8 },
        ...{ NumberOfFrames: pictures, FrameTime: '40', PhotometricInterpretation: 'YBR_PARTIAL_420' },
      },
      write: {
        [at('theirs-1.dcm')]: { syntax: syntax('104'), fragments: 1, table: true },
        [at('theirs-2.dcm')]: { syntax: syntax('104.1'), fragments: 9, table: true },
        [at('theirs-3.dcm')]: { syntax: syntax('104.1'), fragments: 9, table: false },
      },
      read: [at('ours-1.dcm'), at('ours-2.dcm')],
    });
    const sha256 = createHash('sha256').update(even).digest('hex');
    expect(found).toEqual({
      [at('ours-1.dcm')]: [sha256, 1],
      [at('ours-2.dcm')]: [sha256, Math.ceil(even.length / 700)],
    });
    const expected = await decodedByFfmpeg(at(name));
    for (const number of [1, 2, 3]) {
      const { hashes, mediaNs, damage } = await seen(at(`theirs-${number}.dcm`));
      expect(hashes).toEqual(expected);
      expect(mediaNs.at(-1)).toBe((pictures - 1) * 40e6);
      expect(damage).toBeNull();
    }
  });

  it('cut at every byte are what there is of them, or a code', async () => {
    const parts = numbers(6).map((n) => Uint8Array.from(numbers(20), (at) => n * 20 + at + 1));
    for (const table of [[], [0], numbers(6).map((n) => n * 28)]) {
      const file = dicomFile(syntax('102.1'), header(), encapsulated(parts, table));
      const begin = file.indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0x00]));
      for (let end = 132; end <= file.length; end += 1) {
        const source = memorySource(file.subarray(0, end));
        const image = await openImage(source, 'x').catch((error: unknown) =>
          String((error as { code: unknown }).code),
        );
        if (typeof image === 'string') {
          expect(image).toMatch(/^SONO_DICOM_(DAMAGED|NO_PIXELS)$/);
          // The element, its table, and one more item with a byte.
          expect(end).toBeLessThan(begin + 12 + 8 + 4 * table.length + 9);
          continue;
        }
        if (!('stream' in image)) throw new Error('no video');
        const there = image.stream.parts.flatMap(({ at, length }) => [...source.readNow(at, length)]);
        expect(there).toEqual(
          numbers(120)
            .map((n) => n + 1)
            .slice(0, there.length),
        );
        expect(image.stream.isCut).toBe(end < file.length - 4);
      }
    }
  });

  it('are put together without leaving anything behind', async () => {
    const room = mkdtempSync(join(folder, 'room-'));
    vi.stubEnv('TMPDIR', room);
    try {
      const pixels = encapsulated(inPieces(container(), 1000));
      writeFileSync(at('tried.dcm'), dicomFile(syntax('104.1'), header(), pixels));
      expect((await seen(at('tried.dcm'))).hashes).toEqual(await whole());
      expect(readdirSync(room)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('are refused in words where the disk has no room', async () => {
    const disk = await import('../../../src/node/disk-room.js');
    const full = vi.spyOn(disk, 'diskRoom').mockResolvedValue({ freeBytes: 5e9, reservedBytes: 5e9 });
    try {
      const pieces = dicomFile(syntax('104.1'), header(), encapsulated(inPieces(container(), 1000)));
      expect(await codeOf(pieces)).toBe('SONO_DICOM_DISK');
      // One fragment is read where it is.
      expect(await codeOf(videoObject('104', container()))).toBe('none');
    } finally {
      full.mockRestore();
    }
  });
});

describe('times', () => {
  const timed = (name: string, fields: Fields): ReturnType<typeof seen> =>
    played(dicomFile(syntax('102'), fields, encapsulated([stream(name)])));
  const untimed = (more: Fields = {}): Fields => ({ ...without(header(), '00181063', '00280009'), ...more });

  it('are the header’s, and said where the stream has another rate', async () => {
    const { mediaNs, format } = await timed('avc.ts', header({ '00181063': ['DS', '40'] }));
    expect(mediaNs).toEqual(numbers(pictures).map((n) => n * 40e6));
    expect(format).toMatchObject({ framesPerSecond: 25 });
    expect(format.description).toContain('25 pictures per second by its header, 30 by its stream');
    expect((await timed('avc.ts', untimed({ '00180040': ['IS', '50'] }))).mediaNs[3]).toBe(60e6);
    expect((await timed('avc.ts', header())).format.description).not.toContain('by its header');
  });

  it('may be a vector; pictures behind its end go on as it goes on the mean', async () => {
    const steps = numbers(pictures).map((n) => (n === 0 ? 0 : n % 2 === 0 ? 20 : 60));
    const vector: Fields = { '00280009': ['AT', [0x0018, 0x1065]], '00181065': ['DS', steps.join('\\')] };
    const { mediaNs, format } = await timed('avc.264', header(vector));
    expect(mediaNs.slice(0, 4)).toEqual([0, 60e6, 80e6, 140e6]);
    expect(format.framesPerSecond).toBeNull();
    const short = await timed('avc.264', header({ '00280008': ['IS', '2'], '00181063': ['DS', '40'] }));
    expect(short.mediaNs).toEqual(numbers(pictures).map((n) => n * 40e6));
    expect(short.damage).toBeNull();
  });

  it('are the stream’s where the header gives none, and a guess is said to be one', async () => {
    for (const name of ['avc.ts', 'avc-table-last.mp4', 'avc.264', 'mpeg2.m2v']) {
      const { mediaNs, format } = await timed(name, untimed());
      for (const [n, ns] of mediaNs.entries()) expect(Math.abs(ns - (n * 1e9) / 30)).toBeLessThan(0.1e6);
      expect(format.framesPerSecond).toBe(30);
    }
    const { mediaNs, format } = await timed('hevc-no-rate.265', untimed());
    for (const [n, ns] of mediaNs.entries()) expect(Math.abs(ns - n * 40e6)).toBeLessThan(0.1e6);
    expect(format.framesPerSecond).toBeNull();
    expect(format.description).toContain('25 pictures per second, of its stream or assumed');
  });
});

describe('shape and scale', () => {
  const region = sequence({
    '00186012': ['US', 1],
    '00186018': ['UL', 10],
    '0018601a': ['UL', 20],
    '0018601c': ['UL', 99],
    '0018601e': ['UL', 79],
    '00186024': ['US', 3],
    '00186026': ['US', 3],
    '0018602c': ['FD', 0.02],
    '0018602e': ['FD', 0.01],
  });
  const scaled: Fields = { '00186011': ['SQ', region] };
  const one = { x0: 10, y0: 20, x1: 100, y1: 80, kind: '2d', spacingMm: { x: 0.2, y: 0.1 } };

  it('the header’s regions hold for pictures of its size', async () => {
    const { format } = await played(videoObject('102', stream('avc.264'), scaled));
    expect(format.calibration).toMatchObject({ whole: null, regions: [one] });
    const plain = { '00280030': ['DS', '0.3\\0.4'] } as const;
    expect((await played(videoObject('102', stream('avc.264'), plain))).format.calibration).toMatchObject({
      whole: { x: 0.4, y: 0.3 },
    });
  });

  it('and are stretched with oblong pixels: of the stream, else of the header', async () => {
    const wide = { x0: 20, y0: 20, x1: 200, y1: 80, spacingMm: { x: 0.1, y: 0.1 } };
    const oblong = await made(at('oblong.264'), ...h264, '-vf', 'setsar=2/1');
    // What the header says of the shape does not count beside it.
    const square = { ...scaled, '00280034': ['IS', '1\\1'] } as const;
    const byStream = await played(videoObject('102', oblong, square));
    expect(byStream.feed.size).toEqual({ width: 320, height: 96 });
    expect(byStream.format.calibration.regions).toMatchObject([wide]);
    const silent = await made(at('silent.264'), ...h264, '-vf', 'setsar=0');
    const byHeader = await played(videoObject('102', silent, { ...scaled, '00280034': ['IS', '1\\2'] }));
    expect(byHeader.feed.size).toEqual({ width: 320, height: 96 });
    expect(byHeader.format.calibration.regions).toMatchObject([wide]);
    expect(byHeader.format.description).toContain('pixels of 1/2 made square');
  });

  it('but say nothing about pictures of another size, or turned', async () => {
    const other = { ...scaled, '00280010': ['US', 48], '00280011': ['US', 80] } as const;
    const { format, feed, hashes } = await played(videoObject('102', stream('avc.264'), other));
    expect(hashes).toEqual(await decodedByFfmpeg(at('avc.264')));
    expect(feed.size).toEqual(size);
    expect(format.calibration).toEqual({ whole: null, regions: [] });
    expect(format.description).toContain(
      'not calibrated: its header speaks of 80 × 48, its stream of 160 × 96',
    );
    const upright = at('avc-table-last.mp4');
    const args = ['-v', 'error', '-y', '-i', upright, '-c', 'copy', '-metadata:s:v', 'rotate=180'];
    execFileSync('ffmpeg', [...args, at('turned.mp4')]);
    const turned = await played(videoObject('104', readFileSync(at('turned.mp4')), scaled));
    expect(turned.format.description).toContain('turned by');
    expect(turned.format.calibration).toEqual({ whole: null, regions: [] });
    expect(turned.format.description).toContain('not calibrated');
  });

  it('not after the stream has changed its size', async () => {
    const larger = await made(at('larger.264'), ...h264, '-vf', 'scale=320:192');
    const both = Buffer.concat([stream('avc.264'), larger]);
    const file = videoObject('102', both, { ...scaled, '00280008': ['IS', String(2 * pictures)] });
    const { indexes, format, feed } = await played(file);
    expect(indexes).toEqual(numbers(2 * pictures));
    expect(feed.size).toEqual(size);
    expect(format.calibration).toEqual({ whole: null, regions: [] });
  });
});

describe('what is not as it should be', () => {
  it('fewer pictures than the header speaks of are a loss, at the time where they end', async () => {
    const more = videoObject('102', stream('avc.264'), { '00280008': ['IS', String(pictures + 1)] });
    const { indexes, damage } = await played(more);
    expect(indexes).toEqual(numbers(pictures));
    expect(damage).toEqual({ kind: 'broke-off', atS: (pictures * 33_333_333) / 1e9 });
    // Two views of each moment: a decoder may know one.
    const both = { '00280008': ['IS', String(2 * pictures)] } as const;
    expect((await played(videoObject('106', stream('avc-stereo.ts'), both))).damage).toBeNull();
    expect((await played(videoObject('102', stream('avc.ts'), both))).damage).not.toBeNull();
  });

  it.each(['mpeg2.m2v', 'avc.264', 'avc.ts', 'avc-table-first.mp4', 'hevc.265'])(
    'a file that is cut in the middle of %s shows what there is',
    async (name) => {
      for (const more of [{}, { '00280008': ['IS', '1'] }] as const) {
        const file = videoObject('102', stream(name), more);
        const { hashes, damage } = await played(file.subarray(0, file.length - stream(name).length / 2));
        expect(hashes.length).toBeGreaterThan(0);
        expect(hashes.length).toBeLessThan(pictures);
        expect(damage).toMatchObject({ kind: 'broke-off' });
      }
    },
  );

  it('a hole in the fragments ends it', async () => {
    const pieces = inPieces(stream('avc.ts'), 1880);
    const pixels = encapsulated(
      pieces,
      pieces.map((_, n) => n * 1888),
    );
    const middle = 12 + 8 + 4 * pieces.length + Math.floor(pieces.length / 2) * 1888;
    pixels.fill(0x55, middle, middle + 8);
    const { hashes, damage } = await played(dicomFile(syntax('102.1'), header(), pixels));
    expect(hashes.length).toBeGreaterThan(0);
    expect(hashes.length).toBeLessThan(pictures);
    expect(damage).toMatchObject({ kind: 'broke-off' });
  });

  it('has a code', async () => {
    const inside = (bytes: Uint8Array): Promise<string> => codeOf(videoObject('102', bytes));
    const noise = Buffer.from(numbers(20_000).map((n) => (n * n * 31 + n * 7) % 251));
    expect(await inside(noise)).toMatch(/^SONO_(DICOM|SOURCE)_DAMAGED$/);
    expect(await inside(new Uint8Array(0))).toBe('SONO_DICOM_DAMAGED');
    expect(await inside(new Uint8Array(5000))).toBe('SONO_DICOM_DAMAGED');
    expect(await codeOf(dicomFile(syntax('102'), header(), native(new Uint8Array(0))))).toBe(
      'SONO_DICOM_NO_PIXELS',
    );
    expect(await codeOf(dicomFile(syntax('102'), header(), null))).toBe('SONO_DICOM_NO_PIXELS');
    expect(await codeOf(dicomFile(syntax('102'), header({ '00280010': ['US', 0] }), native(noise)))).toBe(
      'SONO_SOURCE_SIZE',
    );
    const sound = await made(at('sound.ts'), '-vn', '-map', '-0:v', '-map', '1:a', '-c:a', 'mp2');
    expect(await inside(sound)).toBe('SONO_SOURCE_NO_PICTURE');
    // A playlist names other files, and is none.
    expect(await inside(Buffer.from(`#EXTM3U\n#EXTINF:1,\nfile:${at('avc.ts')}\n`))).toMatch(/DAMAGED$/);
  });

  it('a still picture under a syntax of video is shown, the others are missing', async () => {
    const jpeg = await sharp({ create: { ...size, channels: 3, background: '#804020' } })
      .jpeg()
      .toBuffer();
    const { indexes, damage } = await played(videoObject('102', jpeg));
    expect(indexes).toEqual([0]);
    expect(damage).toMatchObject({ kind: 'broke-off' });
  });

  it('cut anywhere or with any bytes changed, gives pictures or a code', async () => {
    const file = videoObject('102', stream('avc-table-first.mp4'));
    let state = 7;
    const random = (below: number): number => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return state % below;
    };
    for (let round = 0; round < 12; round += 1) {
      const bytes = Buffer.from(file);
      for (let n = 0; n < 20; n += 1) bytes[132 + random(bytes.length - 132)] = random(256);
      const tried = round % 2 === 0 ? bytes : bytes.subarray(0, 200 + random(bytes.length - 200));
      expect(await codeOf(tried)).toMatch(/^(none|SONO_(DICOM|SOURCE)_\w+)$/);
    }
  });
});
