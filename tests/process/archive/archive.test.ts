/** A real archive: cines are searched, opened and stored in Orthanc, and everything that can go wrong has its code. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { createServer as createTlsServer } from 'node:tls';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { archiveServices } from '../../../src/app/archive-services.js';
import { readTrusted, type ArchiveAccess } from '../../../src/dicom/web/access.js';
import { parseArchiveUri, type ArchiveAddress } from '../../../src/dicom/web/address.js';
import { openObject } from '../../../src/dicom/web/archive.js';
import { ArchiveHttp, defaultArchiveLimits } from '../../../src/dicom/web/http.js';
import { findObjects, isCine } from '../../../src/dicom/web/query.js';
import { storeFile } from '../../../src/dicom/web/store.js';
import { findStudies } from '../../../src/dicom/web/studies.js';
import { ingestError } from '../../../src/ingest/errors.js';
import type { Projects } from '../../../src/projects/projects.js';
import { isService, type CallContext } from '../../../src/server/services.js';
import { SonoError } from '../../../src/vocabulary/errors.js';
import { Recording } from '../ingest/harness.js';
import { inPieces, made } from '../dicom/video-fixture.js';
import { clipSize } from '../replay/fixture.js';
import { instanceOf, jpegCine, rawCine, series, still, study, videoCine, wire } from './cines.js';
import { freePort, hasOrthanc, login, startOrthanc, type Orthanc } from './orthanc.js';

if (!hasOrthanc) console.warn('Orthanc is not installed: run "./sonoscope test" once, which installs it');

const folder = mkdtempSync(join(tmpdir(), 'sono-archive-'));
const secret = `${login.user}:${encodeURIComponent(login.password)}`;
const replay = { mode: 'replay', analysisSize: { width: 64, height: 48 } } as const;
const limits = { ...defaultArchiveLimits, pauseMs: 20 };
/** Frames in the JPEG cine. */
const frames = 150;
let orthanc: Orthanc;
let jpeg: Buffer;
let raw: Buffer;
let rawId: string;
let seriesId: string;

const cineAt = (port: number, number: number, who = `${secret}@`): string =>
  `dicomweb://${who}127.0.0.1:${port}/dicom-web/studies/${study}/series/${series}/instances/${instanceOf(number)}`;
const parse = (uri: string): ArchiveAddress => parseArchiveUri(uri, (why) => new Error(why));

async function failure(work: Promise<unknown>): Promise<SonoError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof SonoError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

async function played(uri: string, access?: ArchiveAccess): Promise<Recording> {
  const recording = new Recording(uri, replay, {}, access);
  await recording.over();
  return recording;
}

const pictures = (recording: Recording): string[] =>
  recording.analysis.map(({ data }) => createHash('sha256').update(data).digest('hex').slice(0, 12));

describe.skipIf(!hasOrthanc)('a DICOM archive', () => {
  beforeAll(async () => {
    orthanc = await startOrthanc();
    jpeg = await jpegCine(1, frames);
    raw = rawCine(2, 12);
    await orthanc.put(jpeg);
    ({ id: rawId, series: seriesId } = await orthanc.put(raw));
    await orthanc.put(still(3));
  });
  afterAll(async () => {
    await orthanc?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  describe('opens a cine', () => {
    it.each([
      ['of JPEG by its DICOM identifiers', 1, () => cineAt(orthanc.port, 1)],
      ['without compression', 2, () => cineAt(orthanc.port, 2)],
      [
        "by Orthanc's own identifier",
        2,
        () => `orthanc://${secret}@127.0.0.1:${orthanc.port}/instances/${rawId}`,
      ],
    ])('%s, with the pictures of the file', async (_, number, uri) => {
      const path = join(folder, `${number}.dcm`);
      writeFileSync(path, number === 1 ? jpeg : raw);
      const [fromArchive, fromFile] = await Promise.all([played(uri()), played(path)]);
      expect(fromArchive.outcome).toBe('complete');
      expect(pictures(fromArchive)).toEqual(pictures(fromFile));
      expect(fromArchive.analysis.map(({ mediaNs }) => mediaNs)).toEqual(
        fromFile.analysis.map(({ mediaNs }) => mediaNs),
      );
      expect(fromArchive.formats.at(-1)).toEqual(fromFile.formats.at(-1));
    });

    it('with its stored bytes, which the archive would rather unpack', async () => {
      await using object = await openObject(parse(cineAt(orthanc.port, 1)), () => undefined);
      const bytes = await object.spool.read(0, await object.spool.whole());
      expect(bytes.equals(jpeg)).toBe(true);
    });

    it('that is a stream of video, in one fragment and in many', async () => {
      await using other = await startOrthanc();
      const { width, height } = clipSize;
      const scaled = [
        '-vf',
        `scale=${width}:${height}`,
        '-c:v',
        'libx264',
        '-bf',
        '2',
        '-pix_fmt',
        'yuv420p',
      ];
      const stream = await made(join(folder, 'scope.mp4'), ...scaled);
      for (const [number, syntax, pieces] of [
        [1, '1.2.840.10008.1.2.4.102', [stream]],
        [2, '1.2.840.10008.1.2.4.102.1', inPieces(stream, 3000)],
      ] as const) {
        const object = videoCine(number, syntax, pieces, { '00280008': ['IS', '24'] });
        const { id } = await other.put(object);
        const path = join(folder, `video-${number}.dcm`);
        writeFileSync(path, object);
        const [byUid, byId, fromFile] = await Promise.all([
          played(cineAt(other.port, number)),
          played(`orthanc://${secret}@127.0.0.1:${other.port}/instances/${id}`),
          played(path),
        ]);
        expect(fromFile.analysis).toHaveLength(24);
        for (const fromArchive of [byUid, byId]) {
          expect(fromArchive.outcome).toBe('complete');
          expect(pictures(fromArchive)).toEqual(pictures(fromFile));
          expect(fromArchive.analysis.map(({ mediaNs }) => mediaNs)).toEqual(
            Array.from({ length: 24 }, (_, n) => n * 40e6),
          );
          // Its number may still be being counted when so short a video ends.
          expect({ ...fromArchive.formats.at(-1), frameCount: null }).toEqual({
            ...fromFile.formats.at(-1),
            frameCount: null,
          });
        }
      }
      await using http = new ArchiveHttp(parse(`dicomweb://${secret}@127.0.0.1:${other.port}/dicom-web`));
      expect((await findObjects(http, { study })).map(isCine)).toEqual([true, true]);
    });

    it('that is the only one of its study', async () => {
      await using other = await startOrthanc();
      await other.put(still(3));
      await other.put(raw);
      const { formats } = await played(`orthanc://${secret}@127.0.0.1:${other.port}/studies/${study}`);
      expect(formats.at(-1)?.frameCount).toBe(12);
    });
  });

  describe('shows the first picture of a cine before its last byte has come', () => {
    it.each([
      ['JPEG', 1],
      ['uncompressed', 2],
    ])('%s', async (_, number) => {
      let release = (): void => undefined;
      const promise = new Promise<void>((resolve) => (release = resolve));
      const most = number === 1 ? jpeg.length : raw.length;
      await using line = await wire(orthanc.port, () => ({ bytes: Math.floor(most * 0.7), then: promise }));
      const recording = new Recording(cineAt(line.port, number), replay);
      await recording.until('shown', () => recording.analysis.length > 0);
      expect(recording.outcome).toBe('open');
      expect(recording.formats.at(-1)?.frameCount).toBe(number === 1 ? frames : 12);
      release();
      await recording.over();
      expect(recording.outcome).toBe('complete');
      const path = join(folder, `growing-${number}.dcm`);
      writeFileSync(path, number === 1 ? jpeg : raw);
      expect(pictures(recording)).toEqual(pictures(await played(path)));
    });
  });

  describe('is searched', () => {
    const nothing = { patientName: '', patientId: '', from: null, to: null, description: '', modality: null };
    const found = async (
      question: Partial<typeof nothing> | { from: string } | { to: string },
    ): Promise<number> => {
      await using http = new ArchiveHttp(parse(`dicomweb://${secret}@127.0.0.1:${orthanc.port}/dicom-web`));
      return (await findStudies(http, { ...nothing, ...question })).studies.length;
    };

    it('by name, with letters that its index has not', async () => {
      for (const patientName of ['Müller', 'müller', 'MÜLLER, Änne', 'Müller Änne', 'nne', 'M*'])
        expect(await found({ patientName }), patientName).toBe(1);
      for (const patientName of ['Möller', 'Miller', 'Müllerin', 'änne müller'])
        expect(await found({ patientName }), patientName).toBe(0);
    });

    it('by what its plug-in does not decode, and by names in every script', async () => {
      await using other = await startOrthanc();
      const person = (number: number, set: string, name: Uint8Array | string, id: string): Buffer =>
        rawCine(number, 2, {
          '00080005': ['CS', set],
          '00081030': ['LO', 'Echo / TTE & Stress'],
          '00100010': ['PN', name],
          '00100020': ['LO', id],
          '0020000d': ['UI', `1.2.826.0.1.${number}`],
          '0020000e': ['UI', `1.2.826.0.1.${number}.1`],
        });
      const utf8 = 'ISO_IR 192';
      await other.put(person(101, utf8, Buffer.from('Иванов^Пётр'), 'US/6 & co'));
      await other.put(person(102, utf8, Buffer.from('Yamada^Tarou=山田^太郎=やまだ^たろう'), 'A 1'));
      await other.put(person(103, utf8, Buffer.from("O'Neil/Smith^Zoë"), 'A 12'));
      const names = async (question: Partial<typeof nothing>): Promise<string[]> => {
        await using http = new ArchiveHttp(parse(`orthanc://${secret}@127.0.0.1:${other.port}`));
        const { studies } = await findStudies(http, { ...nothing, ...question });
        return studies.map((one) => one.patientName);
      };
      const [ivanov, yamada, smith] = ['Иванов Пётр', 'Yamada Tarou (山田 太郎)', "O'Neil/Smith Zoë"];
      expect((await names({})).sort()).toEqual([smith, yamada, ivanov].sort());
      for (const [patientName, found] of [
        ['иванов', ivanov],
        ['Пётр', ivanov],
        ['yamada tarou', yamada],
        ['山田 太郎', yamada],
        ['やまだ', yamada],
        ["o'neil", smith],
        ['neil/smith', smith],
        ['smith zoë', smith],
        ['ZOË', smith],
      ] as const)
        expect(await names({ patientName }), patientName).toEqual([found]);
      expect(await names({ patientId: 'US/6 & co' })).toEqual([ivanov]);
      expect(await names({ patientId: 'A 1' })).toEqual([yamada]);
      expect(await names({ description: '/ TTE &' })).toHaveLength(3);
      expect(await names({ description: '/ TTE ä' })).toEqual([]);
      expect(await names({ description: 'T?E' })).toEqual([]);
      expect(await names({ description: '*T?E*' })).toHaveLength(3);
    });

    it('by number, date and description', async () => {
      expect(await found({ patientId: 'P-17' })).toBe(1);
      expect(await found({ patientId: 'P-1' })).toBe(0);
      expect(await found({ patientId: 'P-1*' })).toBe(1);
      expect(await found({ description: 'tte' })).toBe(1);
      expect(await found({ description: 'toe' })).toBe(0);
      expect(await found({ from: '2026-01-02' })).toBe(1);
      expect(await found({ from: '2026-01-03' })).toBe(0);
      expect(await found({ to: '2026-01-01' })).toBe(0);
    });

    it('and says what a study has', async () => {
      await using http = new ArchiveHttp(parse(`dicomweb://${secret}@127.0.0.1:${orthanc.port}/dicom-web`));
      const { studies } = await findStudies(http, nothing);
      expect(studies).toEqual([
        {
          ...{ study, patientName: 'Müller Änne', patientId: 'P-17', date: '2026-01-02' },
          ...{ description: 'Echo TTE', modalities: ['US'], objects: 3 },
        },
      ]);
      const objects = await findObjects(http, { study });
      expect(objects.map((object) => [object.number, object.frames, isCine(object)])).toEqual([
        [1, frames, true],
        [2, 12, true],
        [3, 1, false],
      ]);
      expect(objects[0]).toMatchObject({
        width: 128,
        height: 96,
        seriesDescription: 'A4C',
        instance: instanceOf(1),
      });
    });
  });

  describe('is asked for the page', () => {
    const checked: string[] = [];
    const ask = async (name: string, question: Record<string, unknown>, allowed = true): Promise<unknown> => {
      const rows = archiveServices({
        archives: [`orthanc://127.0.0.1:${orthanc.port}`],
        access: { logins: [{ machine: `127.0.0.1:${orthanc.port}`, login }], trusted: null },
        checkHost: (host) => {
          checked.push(host);
          if (!allowed) throw ingestError('SONO_SOURCE_HOST', { uri: '', host });
        },
        projects: { get: () => Promise.reject(new Error('none')) } as unknown as Projects,
      });
      const row = rows.find((one) => one.name === name);
      if (row === undefined || !isService(row)) throw new Error(`no ${name}`);
      return row.handle(row.request.parse(question), { asker: new AbortController().signal } as CallContext);
    };
    const uri = (): string => `orthanc://127.0.0.1:${orthanc.port}`;

    it('with the logins of the operator, and says what can be opened', async () => {
      expect(await ask('archive.list', {})).toEqual({ archives: [uri()] });
      expect(await ask('archive.studies', { uri: uri(), patientName: 'müller' })).toMatchObject({
        studies: [{ study, patientName: 'Müller Änne' }],
        more: false,
      });
      expect(await ask('archive.cines', { uri: uri(), study })).toMatchObject({
        cines: [
          { uri: `${uri()}/studies/${study}/series/${series}/instances/${instanceOf(1)}`, frames },
          { uri: `${uri()}/studies/${study}/series/${series}/instances/${instanceOf(2)}`, frames: 12 },
        ],
        others: 1,
      });
      expect(new Set(checked)).toEqual(new Set(['127.0.0.1']));
    });

    it('at hosts that are allowed, and never with a login from the page', async () => {
      expect((await failure(ask('archive.studies', { uri: uri() }, false))).code).toBe('SONO_SOURCE_HOST');
      const port = orthanc.port;
      const own = `dicomweb://${secret}@localhost:${port}/dicom-web`;
      expect((await failure(ask('archive.studies', { uri: own }))).code).toBe('SONO_ARCHIVE_LOGIN_NEEDED');
    });
  });

  describe('says what is wrong', () => {
    it.each([
      ['SONO_ARCHIVE_UNAUTHORIZED', () => cineAt(orthanc.port, 1, 'nurse:wrong@')],
      ['SONO_ARCHIVE_LOGIN_NEEDED', () => cineAt(orthanc.port, 1, '')],
      ['SONO_ARCHIVE_GONE', () => cineAt(orthanc.port, 9)],
      ['SONO_ARCHIVE_CHOOSE', () => `orthanc://${secret}@127.0.0.1:${orthanc.port}/series/${seriesId}`],
      ['SONO_ARCHIVE_NOT_DICOMWEB', () => cineAt(orthanc.port, 1).replace('dicomweb:', 'dicomwebs:')],
    ])('%s', async (code, uri) => {
      const recording = await played(uri());
      expect(recording.errorCode).toBe(code);
      const { message } = (recording.outcome as { error: SonoError }).error;
      expect(message).not.toContain(login.password);
      expect(message).not.toContain(encodeURIComponent(login.password));
      expect(message).not.toContain('?');
    });

    it('where nothing answers', async () => {
      const port = await freePort();
      expect((await played(cineAt(port, 1))).errorCode).toBe('SONO_ARCHIVE_NO_ANSWER');
    });

    it('where the path is not that of a DICOMweb service, or something else answers', async () => {
      const at = async (uri: string, wanted = study): Promise<unknown> => {
        await using http = new ArchiveHttp(parse(uri), limits);
        return (await failure(findObjects(http, { study: wanted }))).code;
      };
      expect(await at(`dicomweb://${secret}@127.0.0.1:${orthanc.port}/other`)).toBe(
        'SONO_ARCHIVE_NOT_DICOMWEB',
      );
      expect(await at(`dicomweb://${secret}@127.0.0.1:${orthanc.port}/dicom-web`, '1.2.3')).toBe(
        'SONO_ARCHIVE_GONE',
      );
      const page = createServer((question, answer) => {
        if (question.url?.startsWith('/moved'))
          answer.writeHead(302, { location: 'http://elsewhere.example/' });
        if (question.url?.startsWith('/fault')) answer.writeHead(500);
        if (question.url?.startsWith('/no')) answer.writeHead(403);
        answer.end('<html>hello</html>');
      });
      await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
      const { port } = page.address() as AddressInfo;
      expect(await at(`dicomweb://127.0.0.1:${port}/page`)).toBe('SONO_ARCHIVE_NOT_DICOMWEB');
      expect(await at(`dicomweb://127.0.0.1:${port}/moved`)).toBe('SONO_ARCHIVE_NOT_DICOMWEB');
      expect(await at(`dicomweb://127.0.0.1:${port}/fault`)).toBe('SONO_ARCHIVE_FAILED');
      expect(await at(`dicomweb://127.0.0.1:${port}/no`)).toBe('SONO_ARCHIVE_FORBIDDEN');
      page.close();
    });

    it('where a study has no cine', async () => {
      await using other = await startOrthanc();
      await other.put(still(3));
      const recording = await played(`orthanc://${secret}@127.0.0.1:${other.port}/studies/${study}`);
      expect(recording.errorCode).toBe('SONO_ARCHIVE_NO_CINE');
    });

    it('where it falls silent', async () => {
      await using line = await wire(orthanc.port, () => ({
        bytes: 40_000,
        then: new Promise(() => undefined),
      }));
      const address = parse(cineAt(line.port, 2));
      await using object = await openObject(address, () => undefined, {
        ...limits,
        pieceMs: 300,
        attempts: 2,
      });
      expect((await failure(object.spool.whole())).code).toBe('SONO_ARCHIVE_SILENT');
      expect(line.connections).toBe(2);
    });
  });

  describe('whose connection breaks', () => {
    it('in the middle, is asked again, and nothing is lost', async () => {
      await using line = await wire(orthanc.port, (n) => ({ bytes: n < 3 ? n * 100_000 : Infinity }));
      const recording = await played(cineAt(line.port, 2));
      expect(recording.outcome).toBe('complete');
      expect(recording.analysis).toHaveLength(12);
      expect(line.connections).toBe(3);
    });

    it('again and again, is given up', async () => {
      await using line = await wire(orthanc.port, (n) => ({ bytes: n === 1 ? 200_000 : 50_000 }));
      await using object = await openObject(parse(cineAt(line.port, 2)), () => undefined, limits);
      expect((await failure(object.spool.whole())).code).toBe('SONO_ARCHIVE_BROKE_OFF');
      // The first brought something new, the two behind it did not.
      expect(line.connections).toBe(3);
      expect((await object.spool.read(0, 90_000)).equals(raw.subarray(0, 90_000))).toBe(true);
    });

    it('and whose object has changed meanwhile, never gives a mixture of both', async () => {
      await using other = await startOrthanc({ OverwriteInstances: true });
      await other.put(raw);
      const changed = Buffer.from(raw);
      changed[70_000] = (changed[70_000] ?? 0) ^ 0xff;
      let cut: (how: 'cut') => void = () => undefined;
      const promise = new Promise<'cut'>((resolve) => (cut = resolve));
      await using line = await wire(other.port, (n) =>
        n === 1 ? { bytes: 100_000, then: promise } : { bytes: Infinity },
      );
      await using object = await openObject(parse(cineAt(line.port, 2)), () => undefined, limits);
      await object.spool.read(0, 90_000);
      await other.put(changed);
      cut('cut');
      expect((await failure(object.spool.whole())).code).toBe('SONO_ARCHIVE_ANSWER');
    });

    it('because its object was deleted, says so', async () => {
      await using other = await startOrthanc();
      const { id } = await other.put(raw);
      await using line = await wire(other.port, (n) => ({ bytes: n === 1 ? 100_000 : Infinity }));
      await using object = await openObject(parse(cineAt(line.port, 2)), () => undefined, {
        ...limits,
        pauseMs: 400,
      });
      await other.rest('DELETE', `/instances/${id}`);
      expect((await failure(object.spool.whole())).code).toBe('SONO_ARCHIVE_GONE');
    });
  });

  describe('with TLS', () => {
    // Debian's Orthanc resets every TLS connection behind the handshake, so a proxy has the certificate.
    const near = { port: 0, close: (): unknown => undefined };
    const certificate = join(folder, 'own.crt');
    beforeAll(async () => {
      const key = join(folder, 'own.key');
      const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
      execFileSync(
        'openssl',
        [
          'req',
          '-x509',
          '-newkey',
          'rsa:2048',
          '-nodes',
          '-days',
          '2',
          '-keyout',
          key,
          '-out',
          certificate,
          ...subject,
        ],
        { stdio: 'ignore' },
      );
      const proxy = createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (socket) => {
        const far = connect(orthanc.port, '127.0.0.1');
        socket.pipe(far).pipe(socket);
        socket.on('error', () => far.destroy());
        far.on('error', () => socket.destroy());
      });
      proxy.on('tlsClientError', () => undefined);
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      near.port = (proxy.address() as AddressInfo).port;
      near.close = () => proxy.close();
    });
    afterAll(() => near.close());

    const uri = (): string => cineAt(near.port, 2).replace('dicomweb:', 'dicomwebs:');

    it('of its own making, is refused', async () => {
      expect((await played(uri())).errorCode).toBe('SONO_ARCHIVE_CERTIFICATE');
    });

    it('is taken where its certificate is trusted, and for its own name alone', async () => {
      const access = { logins: [], trusted: await readTrusted(certificate) };
      expect((await played(uri(), access)).analysis).toHaveLength(12);
      const otherName = uri().replace('127.0.0.1', 'localhost');
      expect((await played(otherName, access)).errorCode).toBe('SONO_ARCHIVE_CERTIFICATE');
    });
  });

  describe('takes files', () => {
    const store = async (path: string): Promise<void> => {
      await using http = new ArchiveHttp(
        parse(`dicomweb://${secret}@127.0.0.1:${orthanc.port}/dicom-web`),
        limits,
      );
      await storeFile(http, path);
    };

    it('and has them as they were', async () => {
      const path = join(folder, 'new.dcm');
      writeFileSync(path, rawCine(20, 3));
      await store(path);
      await using object = await openObject(parse(cineAt(orthanc.port, 20)), () => undefined);
      const bytes = await object.spool.read(0, await object.spool.whole());
      expect(bytes.equals(readFileSync(path))).toBe(true);
      const [known] = (await orthanc.rest('POST', '/tools/lookup', instanceOf(20))) as { ID: string }[];
      await orthanc.rest('DELETE', `/instances/${known?.ID ?? ''}`);
    });

    it('or says that it refuses one', async () => {
      const path = join(folder, 'no.dcm');
      writeFileSync(path, 'not DICOM');
      const refused = await failure(store(path));
      expect(refused.code).toBe('SONO_ARCHIVE_NOT_STORED');
      expect(refused.message).toContain('no.dcm');
    });
  });
});
