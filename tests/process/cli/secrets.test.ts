/** Passwords of cameras: a real run whose sources all fail, and a look into every place that a secret could have reached. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeSource } from '../../../src/ingest/index.js';
import { until } from '../server/fixture.js';

const secret = 's3cr3t-Passw0rd';
const encoded = encodeURIComponent(`${secret}@/#`);
/** Nothing listens on port 9: each source says so in GStreamer's or libsrt's own words. */
const sources = [
  `rtsp://nurse:${secret}@127.0.0.1:9/live`,
  `RTSPT://nurse:${encoded}@127.0.0.1:9/live`,
  `rtspu://nurse:${secret}/x@127.0.0.1:9/live`,
  `rtsps://${secret}@127.0.0.1:9/live`,
  `rtsp://127.0.0.1:9/live?user=nurse&password=${secret}`,
  `rtsp://127.0.0.1:9/user=nurse&password=${secret}&channel=1#transport=tcp`,
  `srt://127.0.0.1:9?PassPhrase=${secret}&streamid=${secret}`,
  `SRT://127.0.0.1:9?mode=caller&passphrase=${secret}`,
];

const main = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sono-secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * Everything below a process: its own arguments, and arguments and environment of its children. A child that is just
 * being made still has its parent's of both, until its own program begins: it is left to the next look.
 */
function processTexts(pid: number): string[] {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  };
  const parentOf = (id: string): number =>
    Number(/\nPPid:\s*(\d+)/.exec(read(`/proc/${id}/status`))?.[1] ?? -1);
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const own = read(`/proc/${pid}/cmdline`);
  const children = ids.filter((id) => parentOf(id) === pid);
  return [
    own,
    ...children.flatMap((id) => {
      // Read first: once the arguments are the new program's, so is the environment.
      const commandLine = read(`/proc/${id}/cmdline`);
      return commandLine === own ? [] : [commandLine, read(`/proc/${id}/environ`)];
    }),
  ];
}

function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile());
}

describe('a secret of a source', () => {
  let said = '';
  let answers = '';
  let processes: string[] = [];
  let children = 0;
  const out = join(folder, 'out');

  beforeAll(async () => {
    mkdirSync(out);
    const pipeline = {
      streams: sources.map((source, index) => ({ id: `cam${index + 1}`, source, model: 'none' })),
    };
    writeFileSync(join(folder, 'pipeline.yaml'), JSON.stringify(pipeline));
    const run = spawn(
      process.execPath,
      [
        ...[main, 'run', join(folder, 'pipeline.yaml'), '--source', `cam1=${sources[0] ?? ''}`],
        ...['--port', '0', '--log', 'json', '--log-level', 'debug', '--duration', '280s'],
        ...[
          '--report',
          join(out, 'report.json'),
          '--record',
          join(out, 'all.mcap'),
          '--token',
          `${secret}-token`,
        ],
      ],
      { env: { ...process.env, SONO_DATA_DIR: join(out, 'data'), SONO_TOKEN: `${secret}-token` } },
    );
    let stdout = '';
    run.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
    run.stderr.on('data', (text: Buffer) => (said += text.toString()));
    try {
      await until(() => processTexts(run.pid ?? 0).length > 1, 'the processes of the sources', 60_000);
      processes = processTexts(run.pid ?? 0);
      children = (processes.length - 1) / 2;
      const address = await until(() => /at (http:\S+)/.exec(stdout)?.[1], 'the server', 120_000);
      const { origin } = new URL(address);
      const ask = async (path: string, body?: object): Promise<string> => {
        const response = await fetch(`${origin}${path}`, {
          headers: { authorization: `Bearer ${secret}-token`, 'content-type': 'application/json' },
          ...(body && { method: 'POST', body: JSON.stringify(body) }),
        });
        return `${path}: ${await response.text()}`;
      };
      await until(
        async () => !(await ask('/api/streams')).includes('"reason":""'),
        'all to be lost',
        120_000,
      );
      processes.push(...processTexts(run.pid ?? 0));
      // One after the other: the server tries only a few sources at once.
      for (const path of ['/api/streams', '/api', '/api/openapi.json', '/metrics', '/readyz', '/healthz'])
        answers += await ask(path);
      for (const uri of sources) answers += await ask('/api/source/probe', { uri });
      for (const uri of [`rtsp://nurse:${secret}@127.0.0.1:9/other`, `nurse:${secret}@127.0.0.1/other`])
        answers += await ask('/api/source/open', { stream: 'cam1', uri });
      answers += await ask('/api/projects', { uri: sources[0] });
      // The address with the token is what the program is asked to print.
      said += stdout.replaceAll(address, '');
    } finally {
      run.kill('SIGINT');
      await new Promise((resolve) => (run.exitCode === null ? run.once('exit', resolve) : resolve(null)));
    }
  }, 300_000);

  it('is not in the log, at the finest level', () => {
    expect(said).toContain('Nothing answers at');
    expect(said).not.toContain(secret);
    expect(said).not.toContain(encoded);
  });

  it('is in no answer of the server', () => {
    expect(answers).toContain('SONO_SOURCE_REFUSED');
    expect(answers).toContain('SONO_SOURCE_URI');
    expect(answers).toContain('SONO_REPLAY_INPUT_ENDLESS');
    expect(answers).not.toContain(secret);
  });

  it('is in no report and no recording', () => {
    const files = filesBelow(out);
    expect(files.map((file) => file.slice(out.length + 1))).toEqual(
      expect.arrayContaining(['report.json', 'all.mcap']),
    );
    for (const file of files) expect([file, readFileSync(file).includes(secret)]).toEqual([file, false]);
    expect(readFileSync(join(out, 'report.json'), 'utf8')).toContain('rtsp://***@127.0.0.1:9/live');
  });

  it('is not in the list of processes', () => {
    expect(children).toBeGreaterThan(0);
    for (const text of processes) expect(text).not.toContain(secret);
  });
});

it('any sign may be in a password, as it is or encoded', async () => {
  const password = 'a:b@c%g"h\\i';
  const script = fileURLToPath(new URL('../ingest/rtsp-server.py', import.meta.url));
  const camera = spawn('/usr/bin/python3', [script, '--user', `nurse:${password}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const port = await new Promise<string>((resolve) =>
      camera.stdout.once('data', (text: Buffer) => resolve(text.toString().trim())),
    );
    for (const written of [password, encodeURIComponent(password)])
      expect(await probeSource(`rtsp://nurse:${written}@127.0.0.1:${port}/stream`)).toMatchObject({
        size: { width: 160, height: 120 },
      });
    const refused = probeSource(
      `rtsp://nurse:${encodeURIComponent(`${password}x`)}@127.0.0.1:${port}/stream`,
    );
    await expect(refused).rejects.toMatchObject({ code: 'SONO_SOURCE_UNAUTHORIZED' });
  } finally {
    camera.kill('SIGKILL');
  }
});
