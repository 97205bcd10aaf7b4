/** Replay of material that is not as it should be: variable frame rate, a tail that does not decode, a disk that fills up. */
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import dicomParser from 'dicom-parser';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../../../src/node/built-module.js';
import { runCli } from '../cli/cli.js';
import type { Finished } from '../cli/cli.js';
import { dicomFile, encapsulated, jpegBaseline, picture } from '../ingest/dicom-fixture.js';
import { clipSize, promptFile, sceneFolder, sceneJpeg, tinyModel } from './fixture.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-replay-inputs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const frames = 75;
const clip = join(folder, 'clip');
const prompts = join(folder, 'prompts.json');

const base = (input: string, out: string, ...more: string[]): string[] => [
  ...['replay', input, '--prompt', prompts, '--out', out, '--model', tinyModel, '--provider', 'cpu'],
  ...['--format', 'csv,mcap', '--chunk-frames', '10'],
  ...more,
];

/** The scene as H.264 in Matroska; `filter` stands between pictures and encoder. */
function video(name: string, filter: string): string {
  const path = join(folder, name);
  const launch =
    `multifilesrc location=${clip}/%05d.png index=0 stop-index=${frames - 1} caps=image/png,framerate=25/1 ` +
    `! pngdec ! videoconvert ! ${filter} ! x264enc key-int-max=5 bitrate=2000 ! matroskamux ! filesink location=${path}`;
  execFileSync('gst-launch-1.0', ['-q', ...launch.split(' ')]);
  return path;
}

/** Rows of objects.csv as records. */
function rows(out: string, name: string): Record<string, string>[] {
  const [head = '', ...lines] = readFileSync(join(out, name, 'objects.csv'), 'utf8')
    .trim()
    .split(/\r?\n/);
  const keys = head.split(',');
  return lines.map((line) =>
    Object.fromEntries(line.split(',').map((value, index) => [keys[index] ?? '', value])),
  );
}

/** In a shell whose files may not grow beyond `kilobytes`: writes fail as on a full disk. */
function runWithLimit(args: readonly string[], kilobytes: number): Promise<Finished> {
  const main = join(packageRoot, 'dist/src/cli/main.js');
  const child = spawn(
    'bash',
    ['-c', `ulimit -f ${kilobytes}; exec "$0" "$@"`, process.execPath, main, ...args],
    {
      env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  return new Promise((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
  );
}

beforeAll(async () => {
  await sceneFolder(clip, frames);
  await promptFile(prompts, [{ label: 'square', frames: [0] }]);
});

describe('replay', () => {
  it('of a video with variable frame rate keeps every frame with its own time', async () => {
    const input = video('variable.mkv', 'identity drop-probability=0.4');
    const out = join(folder, 'variable');
    expect(await runCli(base(input, out))).toMatchObject({ code: 0, stderr: '' });
    const times = rows(out, 'variable').map((row) => Number(row['pts_ns']));
    expect(times.length).toBeGreaterThan(20);
    expect(times.length).toBeLessThan(frames);
    const steps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    // Gaps of one, two, three frame times, as they are in the file.
    const inFrames = steps.map((step) => step / 40e6);
    expect(inFrames.every((step) => step > 0.9 && Math.abs(step - Math.round(step)) < 0.06)).toBe(true);
    expect(new Set(inFrames.map(Math.round)).size).toBeGreaterThan(1);
  });

  it('of a video whose tail is missing gives what decodes, says so, and its exit code too', async () => {
    const input = video('cut.mkv', 'identity');
    truncateSync(input, Math.floor(statSync(input).size * 0.5));
    const out = join(folder, 'cut');
    const { code, stderr } = await runCli(base(input, out));
    expect(code).toBe(3);
    expect(stderr).toContain('damaged');
    const count = rows(out, 'cut').length;
    expect(count).toBeGreaterThan(10);
    expect(count).toBeLessThan(frames);
    const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as {
      items: { frames: number; cutShort: { code: string } }[];
    };
    expect(manifest.items[0]).toMatchObject({ frames: count, cutShort: { code: 'SONO_SOURCE_DAMAGED' } });
  });

  it('to a DICOM SEG says what its source lost, and when that was made', async () => {
    const cine = join(folder, 'cine.dcm');
    const pictures = await Promise.all([0, 1, 2].map(sceneJpeg));
    const fields = picture(clipSize.width, clipSize.height, 'YBR_FULL_422', {
      '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.3.1'],
      '00080018': ['UI', '1.2.3'],
      '00080020': ['DA', '20230101'],
      '00080023': ['DA', '20240102'],
      '00080033': ['TM', '101112'],
      '0020000d': ['UI', '1.2.4'],
      '0020000e': ['UI', '1.2.5'],
      '00280008': ['IS', '3'],
    });
    writeFileSync(cine, dicomFile(jpegBaseline, fields, encapsulated(pictures)));
    const out = join(folder, 'loss');
    const inputs = [cine, video('h264.mkv', 'identity'), clip];
    const args = ['--format', 'dicom-seg', '--to', '2', '--jobs', '2'];
    expect(await runCli(base(inputs[0] ?? '', out, ...inputs.slice(1), ...args))).toMatchObject({ code: 0 });
    const said = (name: string): (string | undefined)[] => {
      const seg = dicomParser.parseDicom(readFileSync(join(out, name, 'segmentation.dcm')));
      return ['x00282110', 'x00282114', 'x00080023', 'x00080033'].map((tag) => seg.string(tag));
    };
    expect(said('cine')).toEqual(['01', 'ISO_10918_1', '20240102', '101112']);
    expect(said('h264').slice(0, 2)).toEqual(['01', 'ISO_14496_10']);
    expect(said('clip').slice(0, 2)).toEqual(['00', undefined]);
  });

  it('stopped by a full disk half-way names it, and goes on from there with --resume', async () => {
    const reference = join(folder, 'reference');
    expect(await runCli(base(clip, reference))).toMatchObject({ code: 0, stderr: '' });
    const whole = statSync(join(reference, 'clip', 'clip.mcap')).size;
    const out = join(folder, 'full');
    const full = await runWithLimit(base(clip, out), Math.floor(whole / 1024 / 2));
    expect(full.code).toBe(5);
    expect(full.stderr).toMatch(/SONO_(EXPORT|REPLAY)_DISK_FULL/);
    expect(existsSync(join(out, 'clip', 'clip.mcap'))).toBe(false);
    expect(await runCli(base(clip, out, '--resume'))).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(join(out, 'clip')).sort()).toEqual(['clip.mcap', 'objects.csv']);
    for (const name of ['clip.mcap', 'objects.csv'])
      expect(readFileSync(join(out, 'clip', name)).equals(readFileSync(join(reference, 'clip', name)))).toBe(
        true,
      );
  });
});
