/** The options of archives on every command that serves the page: searching, opening and logins are the same in each. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Cli, runCli } from '../cli/cli.js';
import { recordRoom } from '../record/fixture.js';
import { until } from '../server/fixture.js';
import { instanceOf, jpegCine, series, study } from './cines.js';
import { hasOrthanc, login, startOrthanc, type Orthanc } from './orthanc.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-archive-commands-'));
const recording = join(folder, 'case.mcap');
const token = 'a-token-for-theatre-three';
afterAll(() => {
  Cli.killAll();
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!hasOrthanc)('archives', () => {
  let orthanc: Orthanc;
  beforeAll(async () => {
    orthanc = await startOrthanc();
    await orthanc.put(await jpegCine(1, 12));
    await recordRoom(recording);
  });
  afterAll(async () => orthanc?.[Symbol.asyncDispose]());

  const withLogin = (): string =>
    `orthanc://${login.user}:${encodeURIComponent(login.password)}@127.0.0.1:${orthanc.port}`;
  const loginFile = (): string => {
    const path = join(folder, 'logins.txt');
    writeFileSync(path, `machine 127.0.0.1:${orthanc.port} login ${login.user} password ${login.password}\n`);
    return path;
  };

  it.each([
    ['play, from the environment', ['play', recording], 'environment'],
    ['play, from a file', ['play', recording], 'file'],
    ['run, from the environment', ['run', '--source', 'synthetic:counter', '--model', 'none'], 'environment'],
  ])('%s, are searched and opened, and their logins shown nowhere', async (_, command, where) => {
    const uri = `orthanc://127.0.0.1:${orthanc.port}`;
    const given = where === 'file' ? ['--archive', uri, '--archive-logins', loginFile()] : [];
    const cli = new Cli(
      [...command, '--port', '0', '--token', token, '--allow-origin', 'https://viewer.example', ...given],
      { SONO_DATA_DIR: join(folder, 'data'), ...(where === 'file' ? {} : { SONO_ARCHIVE: withLogin() }) },
    );
    const url = await cli.url();
    const call = async (path: string, body?: unknown, headers = {}): Promise<[number, unknown]> => {
      const response = await fetch(new URL(path, url), {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return [response.status, await response.json()];
    };
    expect(await call('api/archives')).toEqual([200, { archives: [uri] }]);
    expect(await call('api/archives/studies', { uri, patientName: 'müller' })).toMatchObject([
      200,
      { studies: [{ study, patientName: 'Müller Änne' }] },
    ]);
    // With a token, no host that nobody has named.
    expect(await call('api/archives/studies', { uri: 'orthanc://elsewhere.example' })).toMatchObject([
      403,
      { code: 'SONO_SOURCE_HOST' },
    ]);
    const cine = `${uri}/studies/${study}/series/${series}/instances/${instanceOf(1)}`;
    const [status, opened] = await call('api/projects', { uri: cine });
    expect([status, opened]).toMatchObject([200, { uri: cine }]);
    const { id } = opened as { id: string };
    await until(async () => {
      const [, state] = await call(`api/projects/${id}`);
      return (state as { pictures: { frames: number } }).pictures.frames === 12;
    }, 'all pictures');
    expect((await call('api/archives', undefined, { origin: 'https://viewer.example' }))[0]).toBe(200);
    expect((await call('api/archives', undefined, { origin: 'https://other.example' }))[0]).toBe(403);
    const environment = readFileSync(`/proc/${String(cli.process.pid)}/cmdline`, 'utf8');
    cli.kill('SIGTERM');
    const { code, stdout, stderr } = await cli.finished;
    expect(code).toBe(0);
    for (const text of [stdout, stderr, JSON.stringify(opened), environment])
      for (const secret of [login.password, encodeURIComponent(login.password)])
        expect(text).not.toContain(secret);
  });

  it.each([
    ['SONO_ARCHIVE_ADDRESS', ['--archive', 'https://pacs.example']],
    ['SONO_ARCHIVE_LOGINS', ['--archive-logins', '/dev/null/none']],
    ['SONO_ARCHIVE_CA', ['--archive-ca', '/dev/null']],
  ])('that cannot be meant end the command before anything is served: %s', async (code, flags) => {
    const ended = await runCli(['play', recording, '--port', '0', ...flags]);
    expect([ended.code, ended.stdout]).toEqual([2, '']);
    expect(ended.stderr).toContain(code);
  });
});
