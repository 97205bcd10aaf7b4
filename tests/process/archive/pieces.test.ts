/** Archives that give descriptions and frames but no objects, or objects and nothing else: the pictures are those of the file. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Context, NativeCodecs } from 'dcmjs-codecs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseArchiveUri } from '../../../src/dicom/web/address.js';
import { archiveReference } from '../../../src/dicom/web/reference.js';
import { openArchiveFeed } from '../../../src/ingest/archive-feed.js';
import { openDicomFeed } from '../../../src/ingest/dicom-feed.js';
import type { FrameFeed } from '../../../src/ingest/feed.js';
import { SonoError } from '../../../src/vocabulary/errors.js';
import {
  dicomFile,
  elements,
  encapsulated,
  explicitLittleEndian,
  jpegBaseline,
  native,
  picture,
  sequence,
  type Fields,
} from '../dicom/fixture.js';
import { clipSize, scene, sceneJpeg } from '../replay/fixture.js';
import { about, instanceOf, jpegCine, rawCine, series, study } from './cines.js';
import { hasOrthanc, login, startOrthanc } from './orthanc.js';
import { piecesServer, type Pieces } from './pieces-server.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-pieces-'));
const { width, height } = clipSize;
/** More than are in the first question. */
const frameCount = 11;
const numbers = Array.from({ length: frameCount }, (_, index) => index);
const raw = numbers.map((index) => scene(index, clipSize));

const fieldsOf = (photometric: string, more: Fields = {}): Fields =>
  picture(width, height, photometric, about(1, { '00280008': ['IS', String(frameCount)], ...more }));

/** As an archive describes it: numbers as numbers, identifiers without padding. */
function json(fields: Fields): Record<string, { vr: string; Value: unknown[] }> {
  return Object.fromEntries(
    Object.entries(fields).map(([tag, [vr, value]]) => {
      const values = typeof value === 'string' ? value.replace(/\0$/, '').split('\\') : [value].flat();
      const said = vr === 'IS' || vr === 'DS' ? values.map(Number) : values;
      return [tag.toUpperCase(), { vr, Value: vr === 'PN' ? [{ Alphabetic: value }] : said }];
    }),
  );
}

interface Played {
  readonly pictures: readonly string[];
  readonly mediaNs: readonly number[];
  readonly about: object;
}

/** Everything that a source shows, by the code that runs in its process. */
async function shown(feed: FrameFeed): Promise<Played> {
  try {
    const pictures: string[] = [];
    const mediaNs: number[] = [];
    for (let picture = await feed.next(); picture !== null; picture = await feed.next()) {
      if (picture.index !== pictures.length) throw new Error(`picture ${pictures.length} is damaged`);
      pictures.push(createHash('sha256').update(picture.data).digest('hex').slice(0, 12));
      mediaNs.push(picture.mediaNs);
    }
    const { framesPerSecond, calibration, frameCount: count } = feed.format;
    return {
      pictures,
      mediaNs,
      about: { size: feed.size, framesPerSecond, calibration, count, damage: feed.damage() },
    };
  } finally {
    feed.close();
  }
}

const played = async (uri: string): Promise<Played> =>
  shown(
    await openArchiveFeed(
      parseArchiveUri(uri, (why) => new Error(why)),
      null,
      () => undefined,
    ),
  );

async function fromFile(file: Uint8Array): Promise<Played> {
  const path = join(folder, `${createHash('sha256').update(file).digest('hex').slice(0, 12)}.dcm`);
  writeFileSync(path, file);
  return shown(await openDicomFeed(path, null, () => undefined));
}

async function same(pieces: Pieces, file: Uint8Array): Promise<readonly string[]> {
  await using server = await piecesServer(pieces);
  const [there, here] = [await played(server.uri), await fromFile(file)];
  expect(here.pictures).toHaveLength(frameCount);
  expect(there).toEqual(here);
  return [...server.asked];
}

async function codeOf(pieces: Pieces): Promise<string> {
  await using server = await piecesServer(pieces);
  try {
    await played(server.uri);
  } catch (error) {
    if (!(error instanceof SonoError)) throw error;
    expect(error.message).not.toMatch(/[?{}]/);
    return `${error.code}: ${error.message}`;
  }
  throw new Error('it did not fail');
}

type Encoder = 'encodeJpeg' | 'encodeJpegLs' | 'encodeJpeg2000' | 'encodeHtJpeg2000';
const encode = (encoder: Encoder, samples: Uint8Array, parameters = {}): Uint8Array => {
  const context = new Context({
    ...{ width, height, bitsAllocated: 8, bitsStored: 8, samplesPerPixel: 3, pixelRepresentation: 0 },
    ...{ planarConfiguration: 0, photometricInterpretation: 'RGB', decodedBuffer: samples },
  });
  return NativeCodecs[encoder](context, parameters).getEncodedBuffer() ?? new Uint8Array();
};

/** PackBits of three planes, runs only (PS3.5 annex G). */
function rle(samples: Uint8Array): Buffer {
  const planes = [0, 1, 2].map((plane) => {
    const out: number[] = [];
    for (let at = plane; at < samples.length;) {
      let run = 1;
      while (run < 128 && samples[at + 3 * run] === samples[at]) run += 1;
      if (run === 1) out.push(0, samples[at] ?? 0);
      else out.push(257 - run, samples[at] ?? 0);
      at += 3 * run;
    }
    return Buffer.from(out.length % 2 === 0 ? out : [...out, 128]);
  });
  const head = Buffer.alloc(64);
  head.writeUInt32LE(3, 0);
  let at = 64;
  planes.forEach((plane, index) => {
    head.writeUInt32LE(at, 4 + 4 * index);
    at += plane.length;
  });
  return Buffer.concat([head, ...planes]);
}

let jpegs: Uint8Array[];
const rgbFields = fieldsOf('RGB');
const jpegFields = fieldsOf('YBR_FULL_422');
const rawFile = (): Buffer => dicomFile(explicitLittleEndian, rgbFields, native(Buffer.concat(raw)));
const jpegFile = (): Buffer => dicomFile(jpegBaseline, jpegFields, encapsulated(jpegs));

beforeAll(async () => {
  await NativeCodecs.initializeAsync();
  jpegs = await Promise.all(numbers.map((index) => sceneJpeg(index)));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('an archive that gives frames and no objects', () => {
  const octets = 'application/octet-stream';
  it.each([
    ['uncompressed', octets],
    ['uncompressed, by name', `${octets}; transfer-syntax=1.2.840.10008.1.2.1`],
    ['uncompressed, as implicit', `${octets};transfer-syntax=1.2.840.10008.1.2`],
    ['uncompressed, under the name of what is stored', `${octets}; transfer-syntax=1.2.840.10008.1.2.4.90`],
    ['without a type', ''],
  ])('%s', async (_, type) => {
    await same({ metadata: json(rgbFields), frames: raw, type }, rawFile());
  });

  it.each([
    ['JPEG', 'image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50'],
    ['JPEG without its syntax', 'image/jpeg'],
    ['JPEG in quotation marks', 'image/jpeg; transfer-syntax="1.2.840.10008.1.2.4.50"'],
    ['JPEG under a general type', `${octets}; transfer-syntax=1.2.840.10008.1.2.4.50`],
    ['JPEG that nothing says', octets],
    ['JPEG that is called uncompressed', `${octets}; transfer-syntax=1.2.840.10008.1.2.1`],
  ])('%s', async (_, type) => {
    await same({ metadata: json(jpegFields), frames: jpegs, type }, jpegFile());
  });

  it.each([
    ['image/jpeg', '1.2.840.10008.1.2.4.70', (s: Uint8Array) => encode('encodeJpeg', s, { lossy: false })],
    ['image/jls', '1.2.840.10008.1.2.4.80', (s: Uint8Array) => encode('encodeJpegLs', s)],
    ['image/jp2', '1.2.840.10008.1.2.4.90', (s: Uint8Array) => encode('encodeJpeg2000', s)],
    ['image/jphc', '1.2.840.10008.1.2.4.201', (s: Uint8Array) => encode('encodeHtJpeg2000', s)],
    ['image/dicom-rle', '1.2.840.10008.1.2.5', rle],
  ] as const)('%s, with and without its syntax, and as octets', async (type, syntax, pack) => {
    const frames = raw.map((samples) => pack(samples));
    const file = dicomFile(syntax, rgbFields, encapsulated(frames));
    for (const name of [`${type}; transfer-syntax=${syntax}`, type, octets])
      await same({ metadata: json(rgbFields), frames, type: name }, file);
  });

  it('in lists, or one by one where it takes no lists, and each frame once', async () => {
    const pieces = { metadata: json(jpegFields), frames: jpegs, type: 'image/jpeg' };
    const inLists = (await same(pieces, jpegFile())).filter((path) => path.includes('/frames/'));
    expect(inLists.length).toBe(3);
    const single = (await same({ ...pieces, lists: false }, jpegFile())).map(
      (path) => path.split('/frames/')[1],
    );
    for (const index of numbers.slice(1))
      expect(single.filter((one) => one === String(index + 1))).toHaveLength(1);
  });

  it('alone, without being parts', async () => {
    await same(
      { metadata: json(jpegFields), frames: jpegs, type: 'image/jpeg', plain: true, lists: false },
      jpegFile(),
    );
  });

  it('in a form that has to be found', async () => {
    for (const knows of ['image/jpeg', 'application/octet-stream'])
      await same(
        {
          metadata: json(jpegFields),
          frames: jpegs,
          type: 'image/jpeg',
          first: ({ headers }, answer, path) => {
            const { accept = '' } = headers;
            const isKnown = accept.includes(knows) && !accept.includes('transfer-syntax=*');
            if (!path.includes('/frames/') || isKnown) return false;
            answer.writeHead(406).end();
            return true;
          },
        },
        jpegFile(),
      );
  });

  it('that it has packed for the transfer', async () => {
    const packed: Pieces['first'] = (_, answer, path) => {
      const index = Number(/\/frames\/(\d+)$/.exec(path)?.[1] ?? 0);
      const isMetadata = path.endsWith('/metadata');
      if (index === 0 && !isMetadata) return false;
      const body = isMetadata ? JSON.stringify([json(jpegFields)]) : Buffer.from(jpegs[index - 1] ?? []);
      answer.writeHead(200, {
        'content-type': isMetadata ? 'application/json' : 'image/jpeg',
        'content-encoding': 'gzip',
      });
      answer.end(gzipSync(body));
      return true;
    };
    await same({ metadata: {}, frames: jpegs, type: 'image/jpeg', lists: false, first: packed }, jpegFile());
  });

  it('with numbers as text, without the kinds of values, and described with its series alone', async () => {
    const loose = Object.fromEntries(
      Object.entries(json(jpegFields)).map(([tag, { vr, Value }]) => [
        tag.toLowerCase(),
        { Value: vr === 'IS' || vr === 'DS' ? Value.map(String) : Value },
      ]),
    );
    const other = { ...loose, '00080018': { Value: [instanceOf(7)] }, '00280010': { Value: [5] } };
    await same(
      {
        metadata: null,
        frames: jpegs,
        type: 'image/jpeg',
        first: (_, answer, path) => {
          if (!path.endsWith(`${series}/metadata`)) return false;
          answer.end(JSON.stringify([other, null, 5, loose]));
          return true;
        },
      },
      jpegFile(),
    );
  });

  it('with what the ultrasound machine measured in, and with times that lie elsewhere', async () => {
    const region: Fields = {
      '00186012': ['US', 1],
      '00186014': ['US', 1],
      '00186018': ['UL', 0],
      '0018601a': ['UL', 0],
      '0018601c': ['UL', width - 1],
      '0018601e': ['UL', height - 1],
      '00186024': ['US', 3],
      '00186026': ['US', 3],
      '0018602c': ['FD', 0.05],
      '0018602e': ['FD', 0.05],
    };
    const times = ['0', ...numbers.slice(1).map((index) => String(20 + index))].join('\\');
    const timeless = Object.fromEntries(Object.entries(jpegFields).filter(([tag]) => tag !== '00181063'));
    const fields: Fields = { ...timeless, '00181065': ['DS', times] };
    const file = dicomFile(
      jpegBaseline,
      { ...fields, '00186011': ['SQ', sequence(region)] },
      encapsulated(jpegs),
    );
    const metadata = {
      ...json(fields),
      '00186011': { vr: 'SQ', Value: [json(region)] },
      // The host is the one by which the archive knows itself.
      '00181065': { vr: 'DS', BulkDataURI: `http://pacs.internal:8080/rs/studies/${study}/bulk/00181065` },
    };
    await same(
      {
        metadata,
        frames: jpegs,
        type: 'image/jpeg',
        first: (_question, answer, path) => {
          if (path !== `/studies/${study}/bulk/00181065`) return false;
          answer.writeHead(200, { 'content-type': 'application/octet-stream' }).end(times);
          return true;
        },
      },
      file,
    );
  });

  it('unpacked, where the picture tells in which colours', async () => {
    const rgb = dicomFile(explicitLittleEndian, rgbFields, native(Buffer.concat(raw)));
    await using server = await piecesServer({
      metadata: json(jpegFields),
      frames: raw,
      type: 'application/octet-stream',
    });
    expect(await played(server.uri)).toEqual(await fromFile(rgb));
    const ybr = raw.map((samples) => toYbr(samples));
    await same(
      { metadata: json(fieldsOf('YBR_FULL')), frames: ybr, type: 'application/octet-stream' },
      dicomFile(explicitLittleEndian, fieldsOf('YBR_FULL'), native(Buffer.concat(ybr))),
    );
    // Nothing without colour in it: a guess would show wrong ones.
    const red = raw.map((samples) => samples.map((_, at) => [200, 60, 20][at % 3] ?? 0));
    expect(
      await codeOf({ metadata: json(jpegFields), frames: red, type: 'application/octet-stream' }),
    ).toMatch(/^SONO_ARCHIVE_ANSWER.*colours/);
  });

  it('goes on behind a break with the frame that is missing', async () => {
    let breaks = 0;
    const asked = await same(
      {
        metadata: json(jpegFields),
        frames: jpegs,
        type: 'image/jpeg',
        lists: false,
        first: (_, answer, path) => {
          if (!path.endsWith('/frames/6') || (breaks += 1) > 2) return false;
          answer.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': '5000' });
          answer.write(Buffer.from(jpegs[5] ?? []).subarray(0, 100), () => answer.destroy());
          return true;
        },
      },
      jpegFile(),
    );
    expect(asked.filter((path) => path.endsWith('/frames/3'))).toHaveLength(1);
    expect(breaks).toBe(3);
  });

  it('says what its results are about', async () => {
    await using server = await piecesServer({
      metadata: json(jpegFields),
      frames: jpegs,
      type: 'image/jpeg',
    });
    const reference = await archiveReference(parseArchiveUri(server.uri, (why) => new Error(why)));
    expect(reference).toMatchObject({
      sopInstanceUid: instanceOf(1),
      studyInstanceUid: study,
      attributes: { PatientName: 'Müller^Änne', PatientID: 'P-17', TransferSyntaxUID: jpegBaseline },
    });
  });
});

/** BT.601 as in JFIF. */
function toYbr(samples: Uint8Array): Uint8Array {
  return samples.map((_, at) => {
    const [r = 0, g = 0, b = 0] = samples.subarray(at - (at % 3), at - (at % 3) + 3);
    const [y, cb, cr] = [
      0.299 * r + 0.587 * g + 0.114 * b,
      -0.1687 * r - 0.3313 * g + 0.5 * b + 128,
      0.5 * r - 0.4187 * g - 0.0813 * b + 128,
    ];
    return Math.round([y, cb, cr][at % 3] ?? 0);
  });
}

describe('an archive that gives frames in a way that cannot be used', () => {
  const pieces = (more: Partial<Pieces>): Pieces => ({
    metadata: json(jpegFields),
    frames: jpegs,
    type: 'image/jpeg',
    ...more,
  });
  const says =
    (status: number, type: string, body: string | Buffer, where = '/frames/'): Pieces['first'] =>
    (_, answer, path) => {
      if (!path.includes(where)) return false;
      answer.writeHead(status, { 'content-type': type }).end(body);
      return true;
    };
  it.each([
    ['none at all', () => pieces({ metadata: null }), /^SONO_ARCHIVE_ANSWER.*406/],
    ['no frames', () => pieces({ frames: [] }), /^SONO_ARCHIVE_GONE/],
    [
      'pages',
      () => pieces({ first: says(200, 'text/html', '<p>Hello') }),
      /^SONO_ARCHIVE_ANSWER.*text\/html/,
    ],
    ['rendered pictures', () => pieces({ type: 'image/png' }), /^SONO_ARCHIVE_ANSWER.*image\/png/],
    ['video', () => pieces({ type: 'video/mp4' }), /^SONO_ARCHIVE_ANSWER.*video\/mp4/],
    [
      'in big endian',
      () => pieces({ type: 'application/octet-stream; transfer-syntax=1.2.840.10008.1.2.2' }),
      /^SONO_ARCHIVE_ANSWER/,
    ],
    ['in an unknown syntax', () => pieces({ type: 'image/jxl' }), /^SONO_DICOM_SYNTAX.*JPEG XL/],
    [
      'of the wrong length',
      () => pieces({ frames: raw.map((one) => one.subarray(9)), type: 'application/octet-stream' }),
      /^SONO_ARCHIVE_ANSWER/,
    ],
    ['without a login', () => pieces({ first: says(401, 'text/plain', 'no') }), /^SONO_ARCHIVE_LOGIN_NEEDED/],
    [
      'with the login gone',
      () => pieces({ lists: false, first: says(401, 'text/plain', 'no', '/frames/7') }),
      /^SONO_ARCHIVE_LOGIN_NEEDED/,
    ],
    ['forbidden', () => pieces({ first: says(403, 'text/plain', 'no') }), /^SONO_ARCHIVE_FORBIDDEN/],
    [
      'pointing elsewhere',
      () =>
        pieces({
          first: (_, answer, path) =>
            path.includes('/frames/') &&
            Boolean(answer.writeHead(302, { location: 'http://login.example/?token=abc' }).end()),
        }),
      /^SONO_ARCHIVE_NOT_DICOMWEB.*login\.example\)/,
    ],
    [
      'without a size',
      () => pieces({ metadata: json({ ...jpegFields, '00280010': ['US', []] }) }),
      /^SONO_ARCHIVE_ANSWER.*406/,
    ],
    [
      'larger than any picture',
      () =>
        pieces({ metadata: json({ ...jpegFields, '00280010': ['US', 65535], '00280011': ['US', 65535] }) }),
      /^SONO_SOURCE_SIZE/,
    ],
    [
      'a description that is none',
      () => pieces({ first: says(200, 'application/json', '"hello"', '/metadata') }),
      /^SONO_ARCHIVE_ANSWER.*406/,
    ],
    [
      'packed in an unknown way',
      () =>
        pieces({
          first: (_, answer, path) =>
            path.includes('/frames/') &&
            Boolean(answer.writeHead(200, { 'content-encoding': 'sausage' }).end('x')),
        }),
      /^SONO_ARCHIVE_ANSWER.*sausage/,
    ],
  ] as const)('%s', async (_, way, expected) => {
    expect(await codeOf(way())).toMatch(expected);
  });

  it('with a frame missing, is not taken for a shorter cine', async () => {
    for (const lists of [true, false]) {
      const outcome = await codeOf(
        pieces({ lists, frames: jpegs.map((jpeg, index) => (index === 8 ? new Uint8Array() : jpeg)) }),
      );
      expect(outcome).toMatch(/^SONO_ARCHIVE_ANSWER.*picture 9 is empty/);
      const fewer = await codeOf(pieces({ lists, frames: jpegs.slice(0, 9) }));
      expect(fewer).toMatch(/^SONO_ARCHIVE_ANSWER.*no picture 10 of 11/);
    }
  });

  it('in another order, is asked one by one, and believed if that is right', async () => {
    const numbered: Pieces['first'] = (_, answer, path) => {
      const list = /\/frames\/([\d,]+)$/.exec(path)?.[1]?.split(',').reverse() ?? [];
      if (list.length === 0) return false;
      answer.writeHead(200, { 'content-type': 'multipart/related; type="image/jpeg"; boundary=b' });
      for (const number of list) {
        answer.write(
          `--b\r\nContent-Type: image/jpeg\r\nContent-Location: ${path.split('/frames/')[0]}/frames/${number}\r\n\r\n`,
        );
        answer.write(jpegs[Number(number) - 1]);
        answer.write('\r\n');
      }
      answer.end('--b--');
      return true;
    };
    await same(pieces({ first: numbered }), jpegFile());
  });
});

describe('an archive that gives objects and nothing else', () => {
  it('is played', async () => {
    const file = jpegFile();
    const asked = await same({ metadata: null, frames: [], type: '', whole: file }, file);
    expect(asked).toHaveLength(1);
  });

  it('also where it knows neither parts nor the star', async () => {
    const file = jpegFile();
    const asked = await same(
      {
        ...{ metadata: null, frames: [], type: '', whole: file },
        first: ({ headers }, answer) => {
          if (headers.accept === 'application/dicom') return false;
          answer.writeHead(406).end();
          return true;
        },
      },
      file,
    );
    expect(asked).toHaveLength(3);
  });

  it('is not believed where it sends something else as one', async () => {
    expect(
      await codeOf({
        ...{ metadata: null, frames: [], type: '' },
        first: (_, answer) => {
          answer.writeHead(200, { 'content-type': 'multipart/related; boundary=b' });
          answer.end('--b\r\nContent-Type: application/dicom+json\r\n\r\n[]\r\n--b--');
          return true;
        },
      }),
    ).toMatch(/^SONO_ARCHIVE_ANSWER.*application\/dicom\+json/);
  });
});

describe.skipIf(!hasOrthanc)('Orthanc behind a wall that lets no whole object through', () => {
  it.each([
    ['JPEG', () => jpegCine(1, frameCount)],
    ['uncompressed', () => Promise.resolve(rawCine(1, frameCount))],
    ['a palette', () => Promise.resolve(paletteCine())],
  ])('%s', async (_, make) => {
    const file = await make();
    await using orthanc = await startOrthanc();
    await orthanc.put(file);
    const wall = createServer((question, answer) => {
      if (/\/instances\/[^/]+$/.test(question.url ?? '')) return void answer.writeHead(406).end();
      question.pipe(
        request({ port: orthanc.port, path: question.url, headers: question.headers }, (from) => {
          answer.writeHead(from.statusCode ?? 500, from.headers);
          from.pipe(answer);
        }),
      );
    });
    await new Promise<void>((resolve) => wall.listen(0, '127.0.0.1', resolve));
    const { port } = wall.address() as AddressInfo;
    const who = `${login.user}:${encodeURIComponent(login.password)}`;
    const there = await played(
      `dicomweb://${who}@127.0.0.1:${port}/dicom-web/studies/${study}/series/${series}/instances/${instanceOf(1)}`,
    );
    expect(there).toEqual(await fromFile(file));
    wall.closeAllConnections();
    wall.close();
  });
});

function paletteCine(): Buffer {
  const table = (of: (index: number) => number): Uint8Array =>
    new Uint8Array(Uint16Array.from({ length: 256 }, (_, index) => of(index) * 257).buffer);
  const palette: Fields = {
    '00281101': ['US', [256, 0, 16]],
    '00281102': ['US', [256, 0, 16]],
    '00281103': ['US', [256, 0, 16]],
    '00281201': ['OW', table((index) => index)],
    '00281202': ['OW', table((index) => 255 - index)],
    '00281203': ['OW', table((index) => (index * 7) % 256)],
  };
  const samples = numbers.map((index) => scene(index, clipSize).filter((__, at) => at % 3 === 0));
  expect(elements(palette).length).toBeGreaterThan(1500);
  return dicomFile(explicitLittleEndian, fieldsOf('PALETTE COLOR', palette), native(Buffer.concat(samples)));
}
