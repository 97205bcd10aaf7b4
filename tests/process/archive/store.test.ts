/** `replay --store` and what archives answer to files: results arrive as they were written, and what does not arrive is said. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseArchiveUri } from '../../../src/dicom/web/address.js';
import { ArchiveHttp, defaultArchiveLimits } from '../../../src/dicom/web/http.js';
import { storeFiles } from '../../../src/dicom/web/store.js';
import { SonoError } from '../../../src/vocabulary/errors.js';
import { runPython } from '../../python-env.js';
import { runCli, type Finished } from '../cli/cli.js';
import { promptFile, tinyModel } from '../replay/fixture.js';
import { jpegCine, rawCine, series, still, study } from './cines.js';
import { hasOrthanc, login, startOrthanc, type Orthanc } from './orthanc.js';

// Every run starts three processes; a loaded machine takes its time.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), 'sono-store-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface FakeArchive extends AsyncDisposable {
  readonly port: number;
  /** Files that were sent, by their bytes. */
  readonly sent: Buffer[];
}

/** Answers searches as an archive without studies, and `say` to files, counted from 1. */
async function fakeArchive(
  say: (answer: ServerResponse, number: number, question: IncomingMessage) => void,
): Promise<FakeArchive> {
  const sent: Buffer[] = [];
  const server = createServer((question, answer) => {
    if (question.method === 'GET') return void answer.writeHead(204).end();
    const pieces: Buffer[] = [];
    question.on('data', (piece: Buffer) => pieces.push(piece));
    question.on('end', () => {
      sent.push(Buffer.concat(pieces));
      say(answer, sent.length, question);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    sent,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const answers = (answer: ServerResponse, status: number, value: unknown): void =>
  void answer.writeHead(status, { 'content-type': 'application/dicom+json' }).end(JSON.stringify(value));
const stored = { '00081199': { vr: 'SQ', Value: [{ '00081155': { vr: 'UI', Value: ['1.2'] } }] } };
const failed = (reason: unknown): object => ({
  '00081198': { vr: 'SQ', Value: [{ '00081197': { vr: 'US', Value: [reason] } }] },
});

describe('an archive that is sent files', () => {
  const files = ['segmentation.dcm', 'report.dcm', 'capture.dcm'].map((name) => join(folder, name));
  beforeAll(() => files.forEach((file, index) => writeFileSync(file, rawCine(index + 1, 2))));

  async function sending(
    say: Parameters<typeof fakeArchive>[0],
  ): Promise<{ done: string[]; error: SonoError | null }> {
    await using archive = await fakeArchive(say);
    const uri = `dicomweb://127.0.0.1:${archive.port}/rs`;
    await using http = new ArchiveHttp(
      parseArchiveUri(uri, (why) => new Error(why)),
      {
        ...defaultArchiveLimits,
        answerMs: 1500,
        pauseMs: 20,
      },
    );
    const done: string[] = [];
    try {
      await storeFiles(http, files, undefined, (file) => done.push(file));
      return { done, error: null };
    } catch (error) {
      if (!(error instanceof SonoError)) throw error;
      expect(error.message).not.toMatch(/[?{}]/);
      return { done, error };
    }
  }

  it.each([
    ['200', (answer: ServerResponse): void => answers(answer, 200, stored)],
    [
      '202, with a remark',
      (answer: ServerResponse): void => answers(answer, 202, { ...stored, '00081196': { Value: [45056] } }),
    ],
    [
      'in pieces and without kinds of values',
      (answer: ServerResponse) => {
        answer.write('{"00081199":');
        answer.end('{"Value":[{}]}}');
      },
    ],
  ])('has them where it says so: %s', async (_, say) => {
    expect(await sending(say)).toEqual({ done: files, error: null });
  });

  it('that refuses one, has the others', async () => {
    const { done, error } = await sending((answer, number) =>
      number === 1 ? answers(answer, 202, failed(0x0122)) : answers(answer, 200, stored),
    );
    expect(done).toEqual(files.slice(1));
    expect(error?.code).toBe('SONO_ARCHIVE_STORED_PARTLY');
    expect(error?.message).toMatch(
      /stored 2 of 3 files.*"segmentation\.dcm": it takes no objects of this kind/,
    );
  });

  it.each([
    [
      '409',
      (answer: ServerResponse): void => answers(answer, 409, failed('43264')),
      /does not fit its class \(status A900\)/,
    ],
    [
      'a reason that nobody knows',
      (answer: ServerResponse): void => answers(answer, 409, failed(0x1234)),
      /status 1234/,
    ],
    ['no reason', (answer: ServerResponse): void => answers(answer, 202, failed(null)), /./],
    [
      '200 without a word',
      (answer: ServerResponse): void => void answer.writeHead(200).end(),
      /does not confirm/,
    ],
    [
      '200 with something else',
      (answer: ServerResponse): void => answers(answer, 200, []),
      /not that of a DICOMweb/,
    ],
    ['nothing, and is gone', (answer: ServerResponse): void => void answer.destroy(), /connection broke off/],
  ] as const)('that answers %s, has none', async (_, say, reason) => {
    const { done, error } = await sending(say);
    expect(done).toEqual([]);
    expect(error?.code).toBe('SONO_ARCHIVE_NOT_STORED');
    expect(error?.message).toMatch(reason);
  });

  it.each([
    ['SONO_ARCHIVE_LOGIN_NEEDED', 401],
    ['SONO_ARCHIVE_FORBIDDEN', 403],
    ['SONO_ARCHIVE_ANSWER', 413],
    ['SONO_ARCHIVE_FAILED', 507],
    ['SONO_ARCHIVE_NOT_DICOMWEB', 302],
  ])('that cannot take any, is not sent more: %s', async (code, status) => {
    let asked = 0;
    const { error } = await sending((answer) => {
      asked += 1;
      answer.writeHead(status).end();
    });
    expect([error?.code, asked]).toEqual([code, 1]);
  });

  it('that says nothing, is given up', async () => {
    expect((await sending(() => undefined)).error?.code).toBe('SONO_ARCHIVE_SILENT');
  });
});

describe.skipIf(!hasOrthanc)('replay --store', () => {
  let orthanc: Orthanc;
  const prompts = join(folder, 'prompts.json');
  const logins = join(folder, 'logins.txt');
  const results = ['capture.dcm', 'report.dcm', 'segmentation.dcm'];
  const replay = (input: string, out: string, ...more: readonly string[]): Promise<Finished> =>
    runCli([
      ...['replay', input, '--prompt', prompts, '--out', join(folder, out)],
      ...['--model', tinyModel, '--provider', 'cpu', '--format', 'dicom-seg,dicom-sr,dicom-sc'],
      ...more,
    ]);

  beforeAll(async () => {
    orthanc = await startOrthanc();
    await orthanc.put(await jpegCine(1, 12));
    await orthanc.put(still(3));
    await promptFile(prompts, [{ label: 'square', frames: [0] }]);
    writeFileSync(
      logins,
      `# of the hospital\nmachine elsewhere login a password b\nmachine 127.0.0.1:${orthanc.port}\n  login ${login.user}\n  password ${login.password}\n`,
    );
  });
  afterAll(async () => orthanc?.[Symbol.asyncDispose]());

  const cine = (): string => `orthanc://127.0.0.1:${orthanc.port}/studies/${study}`;
  const inStudy = async (): Promise<string[]> => {
    const found = await orthanc.rest(
      'GET',
      `/dicom-web/studies/${study}/instances?includefield=SOPClassUID&includefield=Modality`,
    );
    return (found as Record<string, { Value: string[] }>[])
      .map((row) => row['00080060']?.Value[0] ?? '')
      .sort();
  };

  it('puts segmentation, report and capture where the cine came from, as they were written', async () => {
    const done = await replay(cine(), 'out', '--store', 'source', '--archive-logins', logins);
    expect([done.stderr, done.code]).toEqual([
      expect.stringContaining('segmentation.dcm is in the archive'),
      0,
    ]);
    expect(done.stdout + done.stderr).not.toContain(login.password);
    expect(await inStudy()).toEqual(['SEG', 'SR', 'US', 'US', 'US']);
    const [clip = ''] = readdirSync(join(folder, 'out')).filter((name) => name.startsWith(series));
    const back = join(folder, 'back');
    mkdirSync(back);
    for (const name of results) {
      const written = readFileSync(join(folder, 'out', clip, name));
      const uid = /1\.2\.826\.0\.1\.3680043[\d.]+|2\.25\.\d+/.exec(
        written.subarray(132, 700).toString('latin1'),
      )?.[0];
      const [found] = (await orthanc.rest('POST', '/tools/lookup', uid)) as { ID: string }[];
      const answer = await fetch(`http://127.0.0.1:${orthanc.port}/instances/${found?.ID ?? ''}/file`, {
        headers: {
          authorization: `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`,
        },
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(bytes.equals(written), name).toBe(true);
      writeFileSync(join(back, name), bytes);
    }
    const read = (await runPython('check_dicom.py', { clips: { back }, edge: [1, 1], height: 96 })) as {
      back: { segmentation: { pydicom: number[]; patient: string[]; study: string[] } };
    };
    expect(read.back.segmentation.pydicom).toHaveLength(12);
    expect(Math.min(...read.back.segmentation.pydicom)).toBeGreaterThan(0);
    expect(read.back.segmentation.patient.slice(0, 2)).toEqual(['Müller^Änne', 'P-17']);
    expect(read.back.segmentation.study[0]).toBe(study);
  });

  it('asks before it begins whether the archive takes anything', async () => {
    const wrong = join(folder, 'wrong.txt');
    writeFileSync(wrong, `machine 127.0.0.1:${orthanc.port} login nurse password wrong-secret`);
    const other = join(folder, 'a.dcm');
    writeFileSync(other, rawCine(1, 3));
    const archive = `dicomweb://127.0.0.1:${orthanc.port}/dicom-web`;
    for (const [code, ...more] of [
      ['SONO_ARCHIVE_UNAUTHORIZED', '--store', archive, '--archive-logins', wrong],
      ['SONO_ARCHIVE_LOGIN_NEEDED', '--store', archive],
      ['SONO_ARCHIVE_ADDRESS', '--store', 'source'],
      ['SONO_ARCHIVE_ADDRESS', '--store', 'pacs'],
      ['SONO_ARCHIVE_NOT_DICOMWEB', '--store', `${archive}/nowhere`, '--archive-logins', logins],
      ['SONO_ARCHIVE_LOGINS', '--store', archive, '--archive-logins', join(folder, 'none.txt')],
      ['SONO_ARCHIVE_CA', '--store', archive, '--archive-ca', logins],
    ] as const) {
      const done = await replay(other, 'early', ...more);
      expect(done.stderr).toContain(code);
      expect(done.stderr).not.toContain('wrong-secret');
      expect(done.code).not.toBe(0);
      expect(existsSync(join(folder, 'early'))).toBe(false);
    }
  });

  it('keeps results that are refused, and stores them when it is asked again', async () => {
    const file = join(folder, 'b.dcm');
    writeFileSync(file, rawCine(5, 4));
    await using refuses = await fakeArchive((answer, number) =>
      number === 2 ? answers(answer, 200, stored) : answers(answer, 409, failed(0x0122)),
    );
    const first = await replay(file, 'kept', '--store', `dicomweb://127.0.0.1:${refuses.port}/rs`);
    expect(first.stderr).toContain('SONO_ARCHIVE_STORED_PARTLY');
    expect(first.stderr).toContain('stored 1 of 3 files');
    expect([first.code, refuses.sent.length]).toEqual([3, 3]);
    expect(
      readdirSync(join(folder, 'kept', 'b'))
        .filter((name) => name.endsWith('.dcm'))
        .sort(),
    ).toEqual(results);
    const to = `orthanc://${login.user}:${encodeURIComponent(login.password)}@127.0.0.1:${orthanc.port}`;
    const again = await replay(file, 'kept', '--resume', '--store', to);
    expect(again.stderr).toContain('report.dcm is in the archive');
    expect([again.stderr.match(/is in the archive/g)?.length, again.code]).toEqual([3, 0]);
  });
});
