/** `run --record` from the command line: a recording survives kill -9 and a full disk, and the room says when it fails. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../../../src/node/built-module.js';
import { decodeMeasurement, decodeSegmentation } from '../../../src/protocol/messages.js';
import { McapFileReader } from '../../../src/record/mcap-reader.js';
import { isShown } from '../../../src/vocabulary/prompt.js';
import { verifyRecording } from '../../../src/verify/verify.js';
import { Cli, runCli } from '../cli/cli.js';
import { promptFile, sceneFolder, tinyModel } from '../replay/fixture.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-run-record-'));
const clip = join(folder, 'clip');
const prompts = join(folder, 'prompts.json');
const wait = { timeout: 90_000, interval: 50 };

beforeAll(async () => {
  await sceneFolder(clip, 25);
  await promptFile(prompts, [{ label: 'square', frames: [0] }]);
});
afterAll(() => {
  Cli.killAll();
  rmSync(folder, { recursive: true, force: true });
});

const args = (recording: string): string[] => [
  ...['run', '--source', clip, '--loop', '--port', '0', '--prompt', prompts],
  ...['--model', tinyModel, '--provider', 'cpu', '--record', recording],
];
const size = (path: string): number => (existsSync(path) ? statSync(path).size : 0);

describe('run --record', () => {
  it('ends with a complete recording that runs again identically', async () => {
    const path = join(folder, 'whole.mcap');
    const run = new Cli(args(path));
    await expect.poll(() => size(path), wait).toBeGreaterThan(90_000);
    run.kill('SIGINT');
    expect(await run.finished).toMatchObject({ code: 0 });
    const report = await verifyRecording({ path, modelDir: tinyModel });
    expect(report).toMatchObject({ complete: true, firstDifference: null });
    expect(report.streams[0]?.frames).toBeGreaterThan(10);
    // What was measured stands behind every result on which the object was shown.
    const reader = await McapFileReader.open(path);
    const id = report.streams[0]?.stream ?? '';
    const shown: bigint[] = [];
    const measured: bigint[] = [];
    for await (const { topic, data } of reader.inTimeOrder(
      new Set([`/${id}/segmentation`, `/${id}/measurements`]),
    ))
      if (topic.endsWith('measurements')) measured.push(decodeMeasurement(data).timestampNs);
      else {
        const { objects, timestampNs } = decodeSegmentation(data);
        if (objects.some(({ state }) => isShown(state))) shown.push(timestampNs);
      }
    await reader.close();
    expect(measured.length).toBeGreaterThan(5);
    expect(measured).toEqual(shown);
    // The same from the command line.
    const verified = await runCli(['replay', '--from', path, '--verify', '--model', tinyModel]);
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    expect(verified.stdout).toContain('identical');
    // Never over an earlier recording.
    const second = await runCli(args(path));
    expect(second.code).toBe(2);
    expect(second.stderr).toContain('SONO_RECORD_EXISTS');
  });

  it('killed with -9 leaves everything up to the last complete chunk', async () => {
    const path = join(folder, 'killed.mcap');
    const run = new Cli(args(path));
    await expect.poll(() => size(path), wait).toBeGreaterThan(90_000);
    run.kill('SIGKILL');
    await run.finished;
    const report = await verifyRecording({ path, modelDir: tinyModel });
    expect(report).toMatchObject({ complete: false, firstDifference: null });
    expect(report.streams[0]?.frames).toBeGreaterThan(10);
  });

  it('on a disk that fills up ends loudly, keeps what was written, and the room goes on', async () => {
    const path = join(folder, 'full.mcap');
    // The shell's limit on file size stands for the end of the disk: the write fails in the same place.
    const command = 'ulimit -f 100; exec "$0" "$@"';
    const main = join(packageRoot, 'dist/src/cli/main.js');
    const child = spawn('bash', ['-c', command, process.execPath, main, ...args(path)], {
      env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (text: Buffer) => (out += text.toString()));
    child.stderr.on('data', (text: Buffer) => (err += text.toString()));
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    try {
      await expect.poll(() => /at (http:\/\/\S+)/.exec(out)?.[1], wait).toBeDefined();
      const address = new URL('api/streams', /at (http:\/\/\S+)/.exec(out)?.[1]);
      const stream = async () => {
        const { streams } = (await (await fetch(address)).json()) as {
          streams: { recording: boolean; degraded: string; phase: string }[];
        };
        return streams[0];
      };
      await expect.poll(async () => (await stream())?.degraded, wait).toContain('disk is full');
      expect(await stream()).toMatchObject({ recording: false, phase: 'playing' });
    } finally {
      child.kill('SIGINT');
    }
    const code = await ended;
    expect(code).toBe(5);
    expect(err).toContain('SONO_RECORD_DISK_FULL');
    const report = await verifyRecording({ path, modelDir: tinyModel });
    expect(report).toMatchObject({ complete: false, firstDifference: null });
    expect(report.streams[0]?.frames).toBeGreaterThan(0);
  });
});
