/** What archives answer to a search, honest and otherwise: nothing is lost, nothing is endless, and every fault has its code. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseArchiveUri } from '../../../src/dicom/web/address.js';
import { ArchiveHttp, defaultArchiveLimits } from '../../../src/dicom/web/http.js';
import { findObjects, isCine } from '../../../src/dicom/web/query.js';
import { findStudies } from '../../../src/dicom/web/studies.js';
import { SonoError } from '../../../src/vocabulary/errors.js';
import { study } from './cines.js';

type Answer = (query: URLSearchParams, answer: ServerResponse, question: IncomingMessage) => void;
const limits = { ...defaultArchiveLimits, pauseMs: 20, answerMs: 1500, pieceMs: 1500 };
const nothing = { patientName: '', patientId: '', from: null, to: null, description: '', modality: null };

interface Asked extends AsyncDisposable {
  readonly http: ArchiveHttp;
  readonly queries: URLSearchParams[];
}

async function archive(say: Answer, host = '127.0.0.1', root = '/dcm4chee-arc/aets/A B/rs'): Promise<Asked> {
  const queries: URLSearchParams[] = [];
  const server = createServer((question, answer) => {
    const url = new URL(question.url ?? '', 'http://x');
    if (!decodeURI(url.pathname).startsWith(`${root}/studies`)) return void answer.writeHead(404).end();
    queries.push(url.searchParams);
    say(url.searchParams, answer, question);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  const uri = `dicomweb://${name}:${port}${encodeURI(root)}`;
  const http = new ArchiveHttp(
    parseArchiveUri(uri, (why) => new Error(why)),
    limits,
  );
  return {
    http,
    queries,
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const json = (answer: ServerResponse, value: unknown, headers = {}): void =>
  void answer
    .writeHead(200, { 'content-type': 'application/dicom+json', ...headers })
    .end(JSON.stringify(value));

const object = (number: number): object => ({
  '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.3.1'] },
  '00080018': { vr: 'UI', Value: [`1.2.3.${number}`] },
  '0020000E': { vr: 'UI', Value: ['1.2.3'] },
  '00200013': { vr: 'IS', Value: [number] },
});
const person = (number: number, name: unknown, date = '20260102'): object => ({
  '0020000D': { vr: 'UI', Value: [`1.2.${number}`] },
  '00100010': { vr: 'PN', Value: [name] },
  '00080020': { vr: 'DA', Value: [date] },
});

async function codeOf(asked: Asked): Promise<string> {
  try {
    await findStudies(asked.http, nothing);
  } catch (error) {
    if (!(error instanceof SonoError)) throw error;
    expect(error.message).not.toMatch(/[?{}]/);
    return `${error.code}: ${error.message}`;
  }
  throw new Error('it did not fail');
}

describe('objects of a study', () => {
  const all = (count: number): object[] => Array.from({ length: count }, (_, number) => object(number + 1));

  it.each([
    ['of an archive that gives what it is asked for', 2300, 1000, true, false],
    ['of one that gives fewer at a time', 250, 100, true, false],
    ['of one that gives fewer and warns', 37, 7, true, true],
    ['of one that knows no offset', 100, 100, false, false],
  ])('are all found, %s', async (_, count, most, knowsOffset, warns) => {
    await using asked = await archive((query, answer) => {
      const offset = knowsOffset ? Number(query.get('offset') ?? 0) : 0;
      const rows = all(count).slice(offset, offset + Math.min(most, Number(query.get('limit'))));
      const isCut = offset + rows.length < count;
      json(answer, rows, warns && isCut ? { warning: '299 A: There are additional results' } : {});
    });
    expect(await findObjects(asked.http, { study })).toHaveLength(count);
  });

  it('are bounded, however many there are', async () => {
    await using asked = await archive((query, answer) => {
      const offset = Number(query.get('offset') ?? 0);
      json(
        answer,
        Array.from({ length: 1000 }, (_, number) => object(offset + number + 1)),
      );
    });
    expect(await findObjects(asked.http, { study })).toHaveLength(5000);
    expect(asked.queries).toHaveLength(5);
  });

  it('are read without kinds of values, with numbers as text and in any letters', async () => {
    await using asked = await archive((_, answer) =>
      json(answer, [
        {
          '00080018': { Value: ['1.2.3.1'] },
          '0020000e': { Value: ['1.2.3'] },
          '00280008': { vr: 'IS', Value: ['30 '] },
          '00280010': { Value: ['96'] },
          '00280011': { Value: 128 },
          '00200013': { vr: 'IS', Value: [null] },
          '0008103E': { vr: 'LO' },
        },
      ]),
    );
    const [found] = await findObjects(asked.http, { study });
    expect(found).toMatchObject({ frames: 30, height: 96, width: 128, number: null, seriesDescription: '' });
    expect(found && isCine(found)).toBe(true);
  });

  it('are asked for without the attributes that an archive refuses', async () => {
    await using asked = await archive((query, answer) =>
      query.has('includefield') ? void answer.writeHead(400).end() : json(answer, all(3)),
    );
    expect(await findObjects(asked.http, { study })).toHaveLength(3);
  });
});

describe('studies', () => {
  it('are sorted, and more of them are told from none', async () => {
    await using asked = await archive((query, answer) => {
      const count = Number(query.get('limit'));
      json(
        answer,
        Array.from({ length: count }, (_, number) =>
          person(number, { Alphabetic: 'A' }, String(19000101 + number * 10_000)),
        ),
      );
    });
    const { studies, more } = await findStudies(asked.http, nothing);
    expect([studies.length, more]).toEqual([100, true]);
    expect([studies[0]?.date, studies[99]?.date]).toEqual(['2000-01-01', '1901-01-01']);
  });

  it('of a person are found by a name in its own script, wherever an archive has it among others', async () => {
    const yamada = { Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' };
    // As Orthanc: nothing is found by letters that it has not in its index, and all by a star.
    await using asked = await archive((query, answer) => {
      const name = query.get('PatientName') ?? '';
      const offset = Number(query.get('offset') ?? 0);
      const rows = Array.from({ length: 1200 }, (_, number) =>
        person(number, number === 1100 ? yamada : { Alphabetic: `Sato^${number}` }),
      );
      json(answer, name === '*' ? rows.slice(offset, offset + Number(query.get('limit'))) : []);
    });
    for (const patientName of ['山田', 'やまだ たろう', '山田　太郎'.normalize('NFKC')]) {
      const { studies, more } = await findStudies(asked.http, { ...nothing, patientName });
      expect(studies.map((one) => one.patientName)).toEqual(['Yamada Tarou (山田 太郎)']);
      expect(more).toBe(false);
    }
  });

  it('are asked for as written where the archive knows the letters', async () => {
    await using asked = await archive((query, answer) =>
      json(answer, query.get('PatientName') === '*Müller*' ? [person(1, 'Müller^Änne=')] : []),
    );
    const { studies } = await findStudies(asked.http, { ...nothing, patientName: 'Müller' });
    expect(studies.map((one) => one.patientName)).toEqual(['Müller Änne']);
    expect(asked.queries).toHaveLength(1);
  });

  it.each([
    ['Echo / TTE, Ruhe & Belastung', '*Echo / TTE, Ruhe & Belastung*'],
    ['100 % Tür+Tor #1', '*100 % Tür+Tor #1*'],
    ['T?E', 'T?E'],
  ])('are asked for by what is written: %s', async (description, expected) => {
    const row = { ...person(1, { Alphabetic: 'A' }), '00081030': { Value: ['100 % Tür+Tor #1'] } };
    await using asked = await archive((_query, answer) => json(answer, [row]));
    expect(asked.http.name).toContain('/dcm4chee-arc/aets/A%20B/rs');
    await findStudies(asked.http, { ...nothing, description });
    expect(asked.queries[0]?.get('StudyDescription')).toBe(expected);
  });

  it.each([
    ['no content', (answer: ServerResponse) => void answer.writeHead(204).end()],
    ['an empty text', (answer: ServerResponse) => void answer.writeHead(200).end()],
    ['an empty list', (answer: ServerResponse) => json(answer, [])],
  ])('are none where it answers %s', async (_, say) => {
    await using asked = await archive((_query, answer) => say(answer));
    expect(await findStudies(asked.http, nothing)).toEqual({ studies: [], more: false });
  });

  it.each([
    [
      'packed',
      (text: string, answer: ServerResponse) =>
        void answer.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text)),
    ],
    [
      'in pieces',
      (text: string, answer: ServerResponse) => {
        answer.writeHead(200, { 'content-type': 'application/json' });
        for (const letter of text) answer.write(letter);
        answer.end();
      },
    ],
    [
      'under another type',
      (text: string, answer: ServerResponse) =>
        void answer.writeHead(200, { 'content-type': 'text/plain' }).end(text),
    ],
    [
      'with a mark of its byte order',
      (text: string, answer: ServerResponse) => void answer.writeHead(200).end(`\uFEFF${text}`),
    ],
  ])('are read %s', async (_, say) => {
    await using asked = await archive((_query, answer) =>
      say(JSON.stringify([person(1, { Alphabetic: 'Ä' })]), answer),
    );
    expect((await findStudies(asked.http, nothing)).studies).toHaveLength(1);
  });

  it('are found at an address of IPv6', async () => {
    await using asked = await archive((_, answer) => json(answer, [person(1, { Alphabetic: 'A' })]), '::1');
    expect((await findStudies(asked.http, nothing)).studies).toHaveLength(1);
  });
});

describe('a search', () => {
  const bomb = gzipSync(Buffer.alloc(200 * 1024 ** 2, '[1,'));
  const to =
    (location: string): Answer =>
    (_, answer) =>
      void answer.writeHead(302, { location }).end();
  it.each<readonly [string, Answer, RegExp]>([
    [
      'a page',
      (_, answer) => void answer.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      /^SONO_ARCHIVE_NOT_DICOMWEB.*text\/html/,
    ],
    [
      'XML',
      (_, answer) => void answer.writeHead(200, { 'content-type': 'application/dicom+xml' }).end('<x/>'),
      /^SONO_ARCHIVE_NOT_DICOMWEB.*xml/,
    ],
    ['another list', (_, answer) => json(answer, ['a', 'b']), /^SONO_ARCHIVE_NOT_DICOMWEB/],
    ['no list', (_, answer) => json(answer, { error: 'no' }), /^SONO_ARCHIVE_NOT_DICOMWEB/],
    [
      'half an answer',
      (_, answer) =>
        void answer.writeHead(200, { 'content-length': '500' }).write('[{', () => answer.destroy()),
      /^SONO_ARCHIVE_BROKE_OFF/,
    ],
    [
      'a packed answer that is cut',
      (_, answer) =>
        void answer.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('[{"a":1}]').subarray(0, 20)),
      /^SONO_ARCHIVE_BROKE_OFF/,
    ],
    [
      'a damaged packed answer',
      (_, answer) => void answer.writeHead(200, { 'content-encoding': 'gzip' }).end('not packed at all'),
      /^SONO_ARCHIVE_ANSWER.*damaged/,
    ],
    [
      'hundreds of megabytes in a few kilobytes',
      (_, answer) => void answer.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
      /^SONO_ARCHIVE_ANSWER.*32 megabytes/,
    ],
    ['nothing for long', () => undefined, /^SONO_ARCHIVE_SILENT/],
    [
      'a beginning, then nothing',
      (_, answer) => void answer.writeHead(200).write('['),
      /^SONO_ARCHIVE_SILENT/,
    ],
    ['401', (_, answer) => void answer.writeHead(401).end(), /^SONO_ARCHIVE_LOGIN_NEEDED/],
    ['403', (_, answer) => void answer.writeHead(403).end(), /^SONO_ARCHIVE_FORBIDDEN.*to search/],
    ['429', (_, answer) => void answer.writeHead(429).end(), /^SONO_ARCHIVE_ANSWER.*429/],
    ['503', (_, answer) => void answer.writeHead(503).end(), /^SONO_ARCHIVE_FAILED.*503/],
    [
      'to another host',
      to('https://login.example/?state=secret-token'),
      /^SONO_ARCHIVE_NOT_DICOMWEB.*login\.example\)/,
    ],
    ['to TLS', to('https://127.0.0.1/dcm4chee-arc'), /^SONO_ARCHIVE_NOT_DICOMWEB.*dicomwebs/],
    ['to another path', to('/elsewhere'), /^SONO_ARCHIVE_NOT_DICOMWEB.*another address of its own/],
  ])('that is answered with %s has its code', async (_, say, expected) => {
    await using asked = await archive(say);
    const said = await codeOf(asked);
    expect(said).toMatch(expected);
    expect(said).not.toContain('secret-token');
  });

  it('that fails for a moment is tried again', async () => {
    let tries = 0;
    await using asked = await archive((_, answer) =>
      (tries += 1) < 3 ? void answer.writeHead(503).end() : json(answer, [person(1, { Alphabetic: 'A' })]),
    );
    expect((await findStudies(asked.http, nothing)).studies).toHaveLength(1);
  });
});
