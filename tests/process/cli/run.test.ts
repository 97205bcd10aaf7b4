/**
 * `sonoscope run` from the outside: real GStreamer, real ONNX Runtime, a real server, in a process of its own. Nothing here
 * depends on how fast the machine is.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/node/built-module.js';
import type { RunReport, StreamReport } from '../../../src/app/report.js';
import { editions } from '../../../src/app/choose-model.js';
import { installedModels } from '../../../src/config/pipeline-file.js';
import { McapFileReader } from '../../../src/record/mcap-reader.js';
import { tinyModelDir } from '../../tiny-scene.js';
import { Cli, runCli } from './cli.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-command-'));
});
afterEach(() => Cli.killAll());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const boxFile = (name: string, box: readonly number[], frame = 0): string =>
  write(name, JSON.stringify({ objects: [{ label: 'thing', prompts: [{ frame, type: 'box', box }] }] }));

const readReport = (file: string): RunReport => JSON.parse(readFileSync(file, 'utf8')) as RunReport;
const onlyStream = (report: RunReport): StreamReport => {
  expect(report.streams).toHaveLength(1);
  return report.streams[0] as StreamReport;
};

/** What must hold of every run, on any machine, at any load. */
function expectComplete(stream: StreamReport): void {
  const { captured, displayed, analysed, dropped } = stream.frames;
  expect(captured).toBeGreaterThan(0);
  const unshown = captured - displayed - dropped['display-queue'] - dropped.source;
  // At the end a picture or two may be in the encoder.
  expect(unshown).toBeGreaterThanOrEqual(0);
  expect(unshown).toBeLessThanOrEqual(4);
  const open = captured - analysed - dropped['analysis-queue'] - dropped.inference - dropped.source;
  // At the end one frame may wait and one may be with the engine; in a full queue of the source a few more.
  expect(open).toBeGreaterThanOrEqual(0);
  expect(open).toBeLessThanOrEqual(6);
  for (const stage of ['decode', 'queue', 'inference', 'tracking', 'encode', 'overhead', 'total'] as const) {
    const quantiles = stream.latencyMs[stage];
    expect(quantiles).not.toBeNull();
    expect(Object.keys(quantiles ?? {})).toEqual(['p50', 'p95', 'p99', 'max']);
    expect(quantiles?.p50).toBeGreaterThanOrEqual(0);
    expect(quantiles?.max).toBeGreaterThanOrEqual(quantiles?.p99 as number);
  }
  expect(stream.latencyMs.total?.max).toBeGreaterThanOrEqual(stream.latencyMs.overhead?.p50 as number);
}

describe('a finite source', () => {
  it('is shown and analysed to its end, and the report says so', async () => {
    const report = join(folder, 'counter.json');
    const { code, stderr } = await runCli([
      ...['run', '--source', 'synthetic:counter?duration=4', '--port', '0', '--model', tinyModelDir],
      ...[
        '--prompt',
        boxFile('counter-prompt.json', [10, 10, 200, 100]),
        '--report',
        report,
        '--log',
        'json',
      ],
    ]);
    expect(stderr).not.toContain('"level":50');
    expect(code).toBe(0);
    const { machine, versions, durationSeconds, streams } = readReport(report);
    const stream = onlyStream(readReport(report));
    expect(streams).toHaveLength(1);
    expectComplete(stream);
    // On a machine too slow for its very last frames these are seen by nobody.
    expect(stream.frames.captured).toBeGreaterThan(90);
    expect(stream.frames.captured).toBeLessThanOrEqual(100);
    expect(stream.state).toBe('ended');
    expect(stream.format?.size).toEqual({ width: 640, height: 360 });
    expect(stream.model?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(stream.provider).toBe('cpu');
    expect(machine.cores).toBeGreaterThan(0);
    expect(versions.gstreamer).toMatch(/^1\./);
    expect(durationSeconds).toBeGreaterThan(3);
    // Log lines name their stream.
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { stream?: string });
    expect(lines.some((line) => line.stream === 'room')).toBe(true);
  });

  it('shows the picture alone when no model is wanted', async () => {
    const report = join(folder, 'plain.json');
    const { code } = await runCli([
      ...[
        'run',
        '--source',
        'synthetic:counter?duration=2',
        '--port',
        '0',
        '--model',
        'none',
        '--report',
        report,
      ],
    ]);
    expect(code).toBe(0);
    const stream = onlyStream(readReport(report));
    const { captured, displayed, analysed, dropped } = stream.frames;
    expect(captured).toBeGreaterThan(40);
    expect(displayed + dropped['display-queue']).toBe(captured);
    expect(analysed).toBe(0);
    expect(stream.model).toBeNull();
    expect(stream.latencyMs.inference).toBeNull();
    expect(stream.latencyMs.display?.p50).toBeGreaterThan(0);
  });
});

const clip = join(packageRoot, '../shared/data/clips/laparoscopy.mp4');
const hasCompact = installedModels().includes('compact');

it.skipIf(!existsSync(clip) || !hasCompact)(
  'the laparoscopy clip (../shared/data, skipped where absent) with the real model: every frame accounted for',
  async () => {
    const report = join(folder, 'clip.json');
    const { code, stderr } = await runCli([
      ...[
        'run',
        '--source',
        clip,
        '--loop',
        '--port',
        '0',
        '--duration',
        '14s',
        '--report',
        report,
        '--log',
        'json',
      ],
      ...['--prompt', boxFile('clip-prompt.json', [575, 40, 870, 655])],
    ]);
    expect(stderr).not.toContain('"level":50');
    expect(code).toBe(0);
    const stream = onlyStream(readReport(report));
    expectComplete(stream);
    // Nothing names a model: which edition keeps up was measured, and both the log and the report say which was taken.
    expect(editions).toContain(stream.model?.name);
    expect(stderr).toMatch(new RegExp(`"msg":"model ${stream.model?.name ?? ''}: \\d+ ms per picture`));
    expect(stream.frames.captured).toBeGreaterThan(25);
    expect(stream.frames.analysed).toBeGreaterThan(0);
    expect(stream.format?.size).toEqual({ width: 1280, height: 720 });
    expect(stream.notes.filter((note) => note.includes('failed') || note.includes('left out'))).toEqual([]);
  },
);

describe('the end of a run', () => {
  const endless = ['run', '--source', 'synthetic:counter', '--port', '0', '--model', 'none', '--log', 'json'];

  it('comes cleanly with one signal, with the report written and nothing left behind', async () => {
    const report = join(folder, 'signal.json');
    const cli = new Cli([...endless, '--report', report]);
    await cli.url();
    const children = childrenOf(cli.process.pid as number);
    expect(children.length).toBeGreaterThan(0);
    cli.kill('SIGINT');
    const { code } = await cli.finished;
    expect(code).toBe(0);
    expect(onlyStream(readReport(report)).id).toBe('room');
    await expect.poll(() => children.filter(isAlive), { timeout: 20_000 }).toEqual([]);
  });

  it('comes at once with a second one', async () => {
    const cli = new Cli(endless);
    await cli.url();
    const children = childrenOf(cli.process.pid as number);
    cli.kill('SIGINT');
    // Of two that wait together the kernel may deliver either first.
    await cli.taken();
    cli.kill('SIGTERM');
    const { code, signal } = await cli.finished;
    // 0 where the first had already done its work.
    expect([0, 'SIGTERM']).toContain(code ?? signal);
    await expect.poll(() => children.filter(isAlive), { timeout: 20_000 }).toEqual([]);
  });

  it.skipIf(!hasCompact).each([0, 250, 500, 1000, 2000])(
    'comes cleanly while the model loads (%i ms), with the report written',
    async (delayMs) => {
      const report = join(folder, `loading-${delayMs}.json`);
      const source = ['--source', 'synthetic:counter', '--port', '0', '--model', 'compact'];
      const cli = new Cli(['run', ...source, '--report', report, '--log', 'json']);
      await catchesSignals(cli);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      cli.kill('SIGINT');
      const { code, stderr } = await cli.finished;
      expect(stderr).not.toContain('terminate called');
      expect(code).toBe(0);
      const { id, source: uri, frames, latencyMs } = onlyStream(readReport(report));
      expect([id, uri]).toEqual(['room', 'synthetic:counter']);
      if (frames.captured > 0) return;
      expect(frames).toEqual({
        captured: 0,
        displayed: 0,
        analysed: 0,
        dropped: { source: 0, 'analysis-queue': 0, 'display-queue': 0, inference: 0, client: 0 },
      });
      expect(new Set(Object.values(latencyMs))).toEqual(new Set([null]));
    },
  );

  it('comes cleanly while a source is still connecting, of several streams too, with the recording readable', async () => {
    const report = join(folder, 'connecting.json');
    const recording = join(folder, 'connecting.mcap');
    let connected = (): void => undefined;
    const connection = new Promise<void>((resolve) => (connected = resolve));
    // Takes the connection and never says a word.
    const silent = createServer(() => connected()).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as AddressInfo;
    const pipeline = write(
      'connecting.yaml',
      [
        'streams:',
        '  - { id: counter, source: "synthetic:counter", model: none }',
        `  - { id: camera, source: "rtsp://name:secret@127.0.0.1:${port}/x", model: none }`,
      ].join('\n'),
    );
    const cli = new Cli(['run', pipeline, '--port', '0', '--report', report, '--record', recording]);
    await connection;
    cli.kill('SIGINT');
    const { code, stdout } = await cli.finished;
    silent.close();
    expect(code).toBe(0);
    expect(stdout).toBe('');
    const { streams } = readReport(report);
    expect(streams.map(({ id, state }) => [id, state])[1]).toEqual(['camera', 'starting']);
    expect(streams[1]?.frames.captured).toBe(0);
    expect(streams[1]?.source).not.toContain('secret');
    const reader = await McapFileReader.open(recording);
    expect(reader.complete).toBe(true);
    await reader.close();
  });

  it('leaves no source process behind when the program is killed', async () => {
    const cli = new Cli(endless);
    await cli.url();
    const children = childrenOf(cli.process.pid as number);
    cli.kill('SIGKILL');
    await cli.finished;
    await expect.poll(() => children.filter(isAlive), { timeout: 20_000 }).toEqual([]);
  });
});

describe('a recording', () => {
  it('holds the run from its first frame, and gives the same masks again', async () => {
    const recording = join(folder, 'case.mcap');
    const report = join(folder, 'recorded.json');
    const recorded = await runCli([
      ...['run', '--source', 'synthetic:counter?duration=2', '--port', '0', '--model', tinyModelDir],
      ...[
        '--prompt',
        boxFile('recorded-prompt.json', [10, 10, 200, 100]),
        '--record',
        recording,
        '--report',
        report,
      ],
    ]);
    expect(recorded.stderr).not.toContain('"level":50');
    expect(recorded.code).toBe(0);
    const { analysed } = onlyStream(readReport(report)).frames;
    const verified = await runCli(['replay', '--from', recording, '--verify', '--model', tinyModelDir]);
    const frames = Number(/identical – room: (\d+) frames, 1 commands/.exec(verified.stdout)?.[1]);
    // The report is taken a moment before the recording ends.
    expect(frames).toBeGreaterThanOrEqual(analysed);
    expect(frames).toBeLessThanOrEqual(analysed + 2);
    expect(verified.code).toBe(0);
  });

  it.skipIf(!installedModels().includes('compact-fast'))(
    'is verified with the model it was made with, unasked',
    async () => {
      const recording = join(folder, 'fast.mcap');
      const source = ['--source', 'synthetic:counter?duration=1', '--port', '0', '--model', 'compact-fast'];
      const prompt = boxFile('fast-prompt.json', [10, 10, 200, 100]);
      const report = join(folder, 'fast.json');
      await runCli(['run', ...source, '--prompt', prompt, '--record', recording, '--report', report]);
      const { code, stdout, stderr } = await runCli(['replay', '--from', recording, '--verify']);
      expect(stderr).toBe('');
      expect(stdout).toContain('identical');
      expect(code).toBe(0);
      const other = await runCli(['replay', '--from', recording, '--verify', '--model', tinyModelDir]);
      expect(other.stderr).toContain('SONO_VERIFY_MODEL');
      expect(other.code).toBe(4);
    },
  );

  it('verifies also when the inference thread was killed again and again', async () => {
    const recording = join(folder, 'killed.mcap');
    const report = join(folder, 'killed.json');
    // Loaded by every thread of the program: ends the inference thread at whatever it is doing, three times.
    const killer = write(
      'killer.mjs',
      `import { appendFileSync, statSync } from 'node:fs';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
const kills = ${JSON.stringify(write('kills', ''))};
if (!isMainThread && workerData?.options?.modelDir !== undefined && statSync(kills).size < 3)
  // From its first task on.
  parentPort.once('message', () =>
    setTimeout(() => {
      appendFileSync(kills, '.');
      process.exit(9);
    }, 900 + 37 * statSync(kills).size));
`,
    );
    const recorded = await runCli(
      [
        ...['run', '--source', 'synthetic:counter?duration=12', '--port', '0', '--model', tinyModelDir],
        ...['--prompt', boxFile('killed-prompt.json', [10, 10, 200, 100])],
        ...['--record', recording, '--report', report, '--log', 'json'],
      ],
      { NODE_OPTIONS: `--import=${pathToFileURL(killer).href}` },
    );
    expect(recorded.code).toBe(0);
    const stream = onlyStream(readReport(report));
    expect(stream.notes.filter((note) => note.includes('is being started again')).length).toBe(3);
    const verified = await runCli(['replay', '--from', recording, '--verify', '--model', tinyModelDir]);
    expect(verified.stderr).toBe('');
    expect(verified.stdout).toContain('identical');
    expect(verified.stdout).toContain('3 restarts of the engine');
    expect(verified.code).toBe(0);
  });

  it('is refused where a file is already', async () => {
    const { code, stderr } = await runCli([
      ...['run', '--source', 'synthetic:counter?duration=2', '--port', '0', '--model', 'none'],
      ...['--record', write('there.mcap', 'something')],
    ]);
    expect(stderr).toContain('SONO_RECORD_EXISTS');
    expect(code).not.toBe(0);
  });
});

describe('several streams', () => {
  it('run side by side from one pipeline file', async () => {
    const report = join(folder, 'several.json');
    const file = write(
      'several.yaml',
      [
        'streams:',
        ...['a', 'b'].map((id) => `  - { id: ${id}, source: "synthetic:counter?duration=2", model: none }`),
      ].join('\n'),
    );
    const { code } = await runCli(['run', file, '--port', '0', '--report', report]);
    expect(code).toBe(0);
    const { streams } = readReport(report);
    expect(streams.map(({ id }) => id)).toEqual(['a', 'b']);
    for (const { frames } of streams) {
      expect(frames.captured).toBeGreaterThan(40);
      expect(frames.displayed + frames.dropped['display-queue']).toBe(frames.captured);
    }
  });
});

describe('what is wrong', () => {
  const source = ['--source', 'synthetic:counter?duration=1', '--port', '0'];
  const cases: readonly (readonly [string, () => readonly string[], string, number])[] = [
    ['no such pipeline file', () => [join(folder, 'absent.yaml')], 'SONO_CONFIG_MISSING', 2],
    [
      'an unknown key',
      () => [write('key.yaml', 'streams:\n  - {id: a, sauce: x}\n')],
      'SONO_CONFIG_UNKNOWN_KEY',
      2,
    ],
    [
      'an unknown model in the file',
      () => [write('model.yaml', 'streams:\n  - {id: a, source: x, model: compakt}\n')],
      'SONO_CONFIG_MODEL_MISSING',
      2,
    ],
    ['an unknown model', () => [...source, '--model', join(folder, 'absent')], 'SONO_MODEL_MISSING', 4],
    [
      'a missing video',
      () => ['--source', join(folder, 'absent.mp4'), '--port', '0', '--model', 'none'],
      'SONO_SOURCE_MISSING',
      3,
    ],
    [
      'a text as video',
      () => ['--source', write('text.mp4', 'not a video, '.repeat(500)), '--port', '0', '--model', 'none'],
      'SONO_SOURCE_',
      3,
    ],
    [
      'a broken prompt file',
      () => [...source, '--prompt', write('broken.json', '{')],
      'SONO_PROMPT_FILE_SYNTAX',
      2,
    ],
    [
      'a box inside out',
      () => [...source, '--prompt', boxFile('inside-out.json', [9, 9, 2, 20])],
      'SONO_PROMPT_BOX_INSIDE_OUT',
      2,
    ],
    [
      'a box outside the picture',
      () => [...source, '--model', tinyModelDir, '--prompt', boxFile('outside.json', [0, 0, 641, 20])],
      'SONO_PROMPT_UNFIT',
      2,
    ],
    [
      'a report that cannot be written',
      () => [...source, '--report', join(folder, 'absent', 'r.json')],
      'SONO_RUN_REPORT_UNWRITABLE',
      5,
    ],
    ['a duration that is none', () => [...source, '--duration', 'soon'], 'SONO_USAGE', 2],
  ];
  it.each(cases)('%s', async (_, args, code, exitCode) => {
    const finished = await runCli(['run', ...args()]);
    expect(finished.stderr).toContain(code);
    expect(finished.stderr).not.toContain('    at ');
    expect(finished.code).toBe(exitCode);
    expect(finished.stdout).toBe('');
  });

  it('a taken port, known before any model is loaded', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    const { code, stderr } = await runCli(['run', ...source.slice(0, 2), '--port', String(port)]);
    taken.close();
    expect(stderr).toContain('SONO_PORT_TAKEN');
    expect(code).toBe(5);
  });

  it('a full disk for the report, said at the end, with its own code', async () => {
    const { code, stderr } = await runCli(['run', ...source, '--model', 'none', '--report', '/dev/full']);
    expect(stderr).toContain('SONO_RUN_REPORT_DISK_FULL');
    expect(code).toBe(5);
  });
});

it('an address that others reach is never open: a token is made up and printed', async () => {
  const cli = new Cli([
    'run',
    '--source',
    'synthetic:counter',
    '--host',
    '0.0.0.0',
    '--port',
    '0',
    '--model',
    'none',
  ]);
  const url = new URL(await cli.url());
  const token = url.searchParams.get('token');
  expect(token?.length).toBeGreaterThan(20);
  const streams = (search: string) => fetch(`http://127.0.0.1:${url.port}/api/streams${search}`);
  expect((await streams('')).status).toBe(401);
  expect((await streams(`?token=${token}`)).status).toBe(200);
  cli.kill('SIGTERM');
  expect((await cli.finished).code).toBe(0);
});

/** The program has taken its signals over: it is past its very first steps. */
async function catchesSignals(cli: Cli): Promise<void> {
  // Bit 0: SIGHUP, which Node itself leaves alone.
  const mask = (): bigint =>
    BigInt(
      `0x${/SigCgt:\s*(\w+)/.exec(readFileSync(`/proc/${cli.process.pid}/status`, 'utf8'))?.[1] ?? '0'}`,
    );
  while ((mask() & 1n) === 0n) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Process ids of the children of a process. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((id) => parentOf(id) === pid);
}

function parentOf(pid: number): number | null {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim()[0] !== 'Z';
  } catch {
    return false;
  }
}
