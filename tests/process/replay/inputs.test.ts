/** Replay of material that is not as it should be: variable frame rate, a tail that does not decode, a disk that fills up. */
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
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
import { dicomFile, encapsulated, jpegBaseline, picture } from '../dicom/fixture.js';
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
    const ended = await runCli(base(input, out));
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const times = rows(out, 'variable').map((row) => Number(row['pts_ns']));
    // The last line says what there is now, and how much.
    const written = `sonoscope: written to ${out}: 1 clip, ${times.length} pictures, 2 files (csv, mcap) and manifest.json\n`;
    expect(ended.stdout).toBe(written);
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
    const { code, stdout, stderr } = await runCli([...base(input, out), '--quiet']);
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(/damaged.* \[SONO_SOURCE_DAMAGED\]\n$/);
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
    // A report brings the segmentation that it points at.
    const args = ['--format', 'dicom-sr', '--to', '2', '--jobs', '2'];
    expect(await runCli(base(inputs[0] ?? '', out, ...inputs.slice(1), ...args))).toMatchObject({ code: 0 });
    const said = (name: string): (string | undefined)[] => {
      const seg = dicomParser.parseDicom(readFileSync(join(out, name, 'segmentation.dcm')));
      return ['x00282110', 'x00282114', 'x00080023', 'x00080033'].map((tag) => seg.string(tag));
    };
    expect(readdirSync(join(out, 'cine')).sort()).toEqual(['report.dcm', 'segmentation.dcm']);
    expect(said('cine')).toEqual(['01', 'ISO_10918_1', '20240102', '101112']);
    expect(said('h264').slice(0, 2)).toEqual(['01', 'ISO_14496_10']);
    expect(said('clip').slice(0, 2)).toEqual(['00', undefined]);
  });

  it('of single DICOM pictures of a series is one clip, and what is written refers to each of them', async () => {
    const series = join(folder, 'series');
    mkdirSync(series);
    for (const [i, name] of ['IM2', 'IM0', 'IM1'].entries())
      writeFileSync(
        join(series, name),
        dicomFile(
          jpegBaseline,
          picture(clipSize.width, clipSize.height, 'YBR_FULL_422', {
            '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.6.1'],
            '00080018': ['UI', `1.2.3.${i}`],
            '0020000d': ['UI', '1.2.4'],
            '0020000e': ['UI', '1.2.5'],
            '00200013': ['IS', String(i)],
          }),
          encapsulated([await sceneJpeg(i)]),
        ),
      );
    const out = join(folder, 'series-out');
    expect(await runCli(base(series, out, '--format', 'csv,dicom-sr,dicom-sc'))).toMatchObject({ code: 0 });
    expect(rows(out, 'series').map((row) => row['frame'])).toEqual(['0', '1', '2']);
    const read = (file: string): dicomParser.DataSet =>
      dicomParser.parseDicom(readFileSync(join(out, 'series', file)));
    const inItem = (
      set: dicomParser.DataSet | undefined,
      ...tags: string[]
    ): dicomParser.DataSet | undefined =>
      tags.reduce((item, tag) => item?.elements[tag]?.items?.[0]?.dataSet, set);
    const seg = read('segmentation.dcm');
    const frames = seg.elements['x52009230']?.items ?? [];
    expect(
      frames.map(({ dataSet }) => inItem(dataSet, 'x00089124', 'x00082112')?.string('x00081155')),
    ).toEqual(['1.2.3.0', '1.2.3.1', '1.2.3.2']);
    const instancesOf = (set: dicomParser.DataSet | undefined, tag: string): (string | undefined)[] =>
      (set?.elements[tag]?.items ?? []).map(({ dataSet }) => dataSet?.string('x00081155'));
    const all = ['1.2.3.0', '1.2.3.1', '1.2.3.2'];
    expect(instancesOf(inItem(seg, 'x00081115'), 'x0008114a')).toEqual(all);
    expect(instancesOf(read('capture.dcm'), 'x00082112')).toEqual(all);
    const evidence = inItem(read('report.dcm'), 'x0040a375')?.elements['x00081115']?.items ?? [];
    expect(evidence.map(({ dataSet }) => instancesOf(dataSet, 'x00081199')).at(-1)).toEqual(all);
  });

  it('of video inside DICOM follows as in the video, and its SEG belongs to the patient', async () => {
    const file = video('scope.mkv', 'identity');
    const stream = join(folder, 'scope.ts');
    execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-c', 'copy', stream]);
    const fields = picture(clipSize.width, clipSize.height, 'YBR_PARTIAL_420', {
      '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.77.1.1.1'],
      '00080018': ['UI', '1.2.3'],
      '00080020': ['DA', '20230101'],
      '00080023': ['DA', '20240102'],
      '00080060': ['CS', 'ES'],
      '00100010': ['PN', 'Patient^One'],
      '00100020': ['LO', 'P-17'],
      '00181063': ['DS', '40'],
      '0020000d': ['UI', '1.2.4'],
      '0020000e': ['UI', '1.2.5'],
      '00280008': ['IS', String(frames)],
      '00280030': ['DS', '0.5\\0.5'],
    });
    const object = join(folder, 'scope.dcm');
    writeFileSync(object, dicomFile('1.2.840.10008.1.2.4.102', fields, encapsulated([readFileSync(stream)])));
    const out = join(folder, 'scope');
    expect(await runCli(base(object, out, '--format', 'csv,dicom-seg,dicom-sc'))).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(await runCli(base(file, join(folder, 'scope-video')))).toMatchObject({ code: 0 });
    const followed = (of: string): unknown[] =>
      rows(of, 'scope').map(({ frame, area_px: area }) => [Number(frame), Number(area)]);
    expect(followed(out).length).toBeGreaterThan(frames / 2);
    expect(followed(out)).toEqual(followed(join(folder, 'scope-video')));
    for (const { frame, pts_ns: ns } of rows(out, 'scope')) expect(Number(ns)).toBe(Number(frame) * 40e6);
    for (const name of ['segmentation.dcm', 'capture.dcm']) {
      const set = dicomParser.parseDicom(readFileSync(join(out, 'scope', name)));
      const said = ['x00100010', 'x00100020', 'x0020000d', 'x00080023', 'x00282110'].map((tag) =>
        set.string(tag),
      );
      expect(said).toEqual(['Patient^One', 'P-17', '1.2.4', '20240102', '01']);
      expect(set.string('x00282114')).toMatch(/^ISO_14496_10/);
    }
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
