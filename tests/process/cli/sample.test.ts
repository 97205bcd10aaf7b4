/** `sonoscope sample`: what it writes is what it says, and can be read by the program and by others. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readPromptFile } from '../../../src/config/prompt-file.js';
import { decodeLabelPng } from '../../../src/formats/label-png.js';
import {
  echoScene,
  plainEcho,
  syntheticScene,
  type HeartTruth,
} from '../../../src/ingest/synthetic/index.js';
import { maskArea } from '../../../src/mask/rle.js';
import { probeSource } from '../../../src/ingest/index.js';
import { runCli, type Finished } from './cli.js';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'sono-sample-'));
const sample = join(folder, 'new', 'sample');
let written: Finished;
beforeAll(async () => {
  written = await runCli(['sample', sample]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('says what it has written, one line each', () => {
  expect([written.code, written.stderr]).toEqual([0, '']);
  const named = written.stdout.trim().split('\n').map((line) => line.slice(sample.length + 1).split(/[/ ]/)[0]); // prettier-ignore
  expect(named.sort()).toEqual(readdirSync(sample).sort());
});

it('has a video whose prompts lie on its objects', async () => {
  const { stdout } = await run('ffprobe', [
    ...['-v', 'error', '-count_packets', '-select_streams', 'v:0', '-of', 'csv=p=0'],
    ...[
      '-show_entries',
      'stream=codec_name,width,height,r_frame_rate,nb_read_packets',
      join(sample, 'case.mp4'),
    ],
  ]);
  expect(stdout.trim()).toBe('h264,640,360,25/1,50');
  const { objects } = await readPromptFile(join(sample, 'prompts.json'));
  expect(objects.map(({ label }) => label)).toEqual(['gallbladder', 'grasper']);
});

it('has annotated clips: the pictures of the scene with the exact masks of each', async () => {
  const clips = readdirSync(join(sample, 'clips'));
  expect(clips).toEqual(['laparoscopy-1', 'laparoscopy-2']);
  for (const [place, clip] of clips.entries()) {
    const names = (part: string) =>
      readdirSync(join(sample, 'clips', clip, part)).map((name) => name.split('.')[0]);
    expect(names('frames')).toHaveLength(10);
    expect(names('masks')).toEqual(names('frames'));
    const scene = syntheticScene('laparoscopy', { ...{ width: 320, height: 180, framesPerSecond: 25 }, seed: place + 1 }); // prettier-ignore
    const { rgb, truth } = scene.frame(9);
    const numbers = await decodeLabelPng(readFileSync(join(sample, 'clips', clip, 'masks', '00009.png')));
    truth.forEach((mask, object) => {
      const drawn = numbers?.data.filter((value) => value === object + 1).length;
      expect(drawn).toBe(maskArea(mask));
    });
    const { data } = await sharp(join(sample, 'clips', clip, 'frames', '00009.jpg')).raw().toBuffer({ resolveWithObject: true }); // prettier-ignore
    const error = rgb.reduce((sum, value, at) => sum + Math.abs(value - (data[at] ?? 0)), 0) / rgb.length;
    expect(error).toBeLessThan(6);
  }
});

it('has two views of one heart as calibrated cines, with what is true of them', async () => {
  const truth = JSON.parse(readFileSync(join(sample, 'truth.json'), 'utf8')) as Record<string, HeartTruth>;
  expect(Object.keys(truth)).toEqual(['heart-A4C.dcm', 'heart-A2C.dcm']);
  for (const [name, view] of [
    ['heart-A4C.dcm', 'a4c'],
    ['heart-A2C.dcm', 'a2c'],
  ] as const) {
    // prettier-ignore
    const scene = echoScene({
      ...{ seed: 7, width: 480, height: 360, framesPerSecond: 25 },
      echo: { ...plainEcho, view, ejectionFractionPercent: 60, heartRateBpm: 75, rhythm: 'sinus' },
    });
    expect(truth[name]).toEqual(scene.heart(100));
    expect(truth[name]?.beats.length).toBeGreaterThanOrEqual(3);
    const format = await probeSource(join(sample, 'cines', name));
    expect(format).toMatchObject({ size: scene.size, framesPerSecond: 25, frameCount: 100 });
    const [region] = format.calibration.regions;
    expect(region).toMatchObject({ x0: 0, y0: 0, x1: 480, y1: 360, kind: '2d' });
    expect(region?.spacingMm?.x).toBeCloseTo(scene.pixelSpacingMm?.x ?? 0, 9);
  }
});

it('is never mixed with other files', async () => {
  const again = await runCli(['sample', sample]);
  expect([again.code, again.stdout]).toEqual([2, '']);
  expect(again.stderr).toContain('[SONO_SAMPLE_NOT_EMPTY]');
});

it('ends with a code where a file is in the way, or FFmpeg is not there', async () => {
  writeFileSync(join(folder, 'file'), '');
  const file = await runCli(['sample', join(folder, 'file')]);
  expect([file.code, file.stderr]).toEqual([5, expect.stringContaining('[SONO_SAMPLE_UNWRITABLE]')]);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const none = await runCli(['sample', join(folder, 'none')], { PATH: bin });
  expect([none.code, none.stderr]).toEqual([5, expect.stringContaining('[SONO_SAMPLE_ENCODER]')]);
  // One that ends at once takes no picture: that must end the command too.
  writeFileSync(join(bin, 'ffmpeg'), '#!/bin/sh\necho no such encoder >&2\nexit 1\n');
  chmodSync(join(bin, 'ffmpeg'), 0o755);
  const broken = await runCli(['sample', join(folder, 'broken')], { PATH: `${bin}:/bin:/usr/bin` });
  expect([broken.code, broken.stderr]).toEqual([5, expect.stringContaining('no such encoder')]);
});
