/** Access as the command line sets it: where tokens come from, what the page may open, and files that only their owner reads. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Cli, runCli } from './cli.js';
import { until } from '../server/fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-access-command-'));
const picture = ['--source', 'synthetic:counter', '--model', 'none', '--port', '0'];
const token = 'a-token-for-theatre-three';
afterAll(() => {
  Cli.killAll();
  rmSync(folder, { recursive: true });
});

describe('a token that is none', () => {
  it.each([
    ['an empty one', ['--token', ''], {}, 'SONO_TOKEN_UNUSABLE'],
    ['an empty one on this computer', ['--token', '', '--host', '127.0.0.1'], {}, 'SONO_TOKEN_UNUSABLE'],
    ['a short one', ['--token', 'theatre3'], {}, 'SONO_TOKEN_UNUSABLE'],
    ['an empty variable', [], { SONO_TOKEN: '' }, 'SONO_TOKEN_UNUSABLE'],
    ['an empty file', ['--token-file', '/dev/null'], {}, 'SONO_TOKEN_UNUSABLE'],
    ['a file that is not there', ['--token-file', join(folder, 'none')], {}, 'SONO_TOKEN_FILE'],
    ['two at once', ['--token-file', join(folder, 'none'), '--token', token], {}, 'SONO_USAGE'],
  ])('%s ends the command before anything is served', async (_, flags, env, code) => {
    const ended = await runCli(['run', ...picture, '--host', '0.0.0.0', ...flags], env);
    expect(ended.stderr).toContain(code);
    expect([ended.code, ended.stdout]).toEqual([2, '']);
  });
});

it.each([
  ['a file', ['--token-file', join(folder, 'token')], {}],
  ['the environment', [], { SONO_TOKEN: token }],
  ['the command line', ['--token', token], {}],
])('a token from %s is asked for and not printed', async (_, flags, env) => {
  writeFileSync(join(folder, 'token'), `${token}\n`, { mode: 0o600 });
  const cli = new Cli(['run', ...picture, ...flags], env);
  const url = await cli.url();
  const status = async (headers = {}) => (await fetch(new URL('api/streams', url), { headers })).status;
  expect([await status(), await status({ authorization: `Bearer ${token}` })]).toEqual([401, 200]);
  cli.kill('SIGTERM');
  const { code, stdout, stderr } = await cli.finished;
  expect(code).toBe(0);
  expect(stdout + stderr).not.toContain(token);
});

it('the page opens what the operator allows; recordings are private, are deleted on demand, and all of it is logged', async () => {
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o755 });
  const media = join(folder, 'media');
  mkdirSync(media);
  const cli = new Cli(
    [
      'run',
      ...picture,
      '--log',
      'json',
      '--media-root',
      media,
      '--allow-host',
      '127.0.0.1',
      '--token',
      token,
    ],
    { SONO_DATA_DIR: data },
  );
  const url = await cli.url();
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return response.json();
  };
  const open = (uri: string) => call('POST', 'api/source/probe', { uri });
  expect(await open('/etc/passwd')).toMatchObject({ code: 'SONO_SOURCE_OUTSIDE' });
  expect(await open(join(media, 'none.mp4'))).toMatchObject({ code: 'SONO_SOURCE_MISSING' });
  expect(await open('rtsp://10.255.255.1/x')).toMatchObject({ code: 'SONO_SOURCE_HOST' });
  expect(await open('rtsp://127.0.0.1:9/x')).toMatchObject({ code: 'SONO_SOURCE_REFUSED' });
  expect(await call('POST', 'api/projects', { uri: '/etc/passwd' })).toMatchObject({
    code: 'SONO_SOURCE_OUTSIDE',
  });

  await call('POST', 'api/record/start', { stream: 'room' });
  const name = await until(
    async () =>
      ((await call('GET', 'api/recordings')) as { files: { name: string; bytes: number }[] }).files.find(
        ({ bytes }) => bytes > 0,
      )?.name,
    'the recording',
  );
  expect(await call('DELETE', `api/recordings/${name}`)).toMatchObject({ code: 'SONO_FILE_IN_USE' });
  const below = readdirSync(data, { recursive: true, encoding: 'utf8' }).map((file) => join(data, file));
  for (const path of [data, ...below]) {
    const about = statSync(path);
    expect([path, (about.mode & 0o777).toString(8)]).toEqual([path, about.isDirectory() ? '700' : '600']);
  }
  await call('POST', 'api/record/stop', { stream: 'room' });
  expect(await call('DELETE', `api/recordings/${name}`)).toEqual({});
  expect(await call('GET', 'api/recordings')).toEqual({ files: [] });
  cli.kill('SIGTERM');
  const { stderr } = await cli.finished;
  const audits = stderr
    .split('\n')
    .filter((line) => line.includes('"audit"'))
    .map((line) => JSON.parse(line) as { audit: string; outcome: string });
  expect(audits.map(({ audit, outcome }) => `${audit} ${outcome}`)).toEqual([
    'source.probe SONO_SOURCE_OUTSIDE',
    'source.probe SONO_SOURCE_MISSING',
    'source.probe SONO_SOURCE_HOST',
    'source.probe SONO_SOURCE_REFUSED',
    'projects.open SONO_SOURCE_OUTSIDE',
    'record.start ok',
    'recordings.remove SONO_FILE_IN_USE',
    'record.stop ok',
    'recordings.remove ok',
  ]);
});
