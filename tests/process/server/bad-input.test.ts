/**
 * Bad input to `run`, `replay` and `play` as a person gives it: each has its code, one sentence, an exit code, and nothing
 * else breaks. What the parts do with it is tested beside the parts; here the whole program answers.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
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
import { NEVER } from 'rxjs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunReport, StreamReport } from '../../../src/app/report.js';
import { recordingMetadataName } from '../../../src/record/journal.js';
import { McapFileWriter } from '../../../src/record/mcap-writer.js';
import { FrameReader } from '../../../src/replay/frame-reader.js';
import { Cli, runCli, type Finished } from '../cli/cli.js';
import { dicomFile, explicitLittleEndian, native, type Fields } from '../dicom/fixture.js';
import { recordRoom } from '../record/fixture.js';
import { tinyModel } from '../replay/fixture.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let folder: string;
const at = (name: string): string => join(folder, name);
const json = (name: string, value: unknown): string => {
  writeFileSync(at(name), typeof value === 'string' ? value : JSON.stringify(value));
  return at(name);
};
const one = (prompt: unknown) => ({ objects: [{ label: 'thing', prompts: [prompt] }] });
const box = { frame: 0, type: 'box', box: [10, 10, 60, 60] };

/** H.264, a key frame every five, in the given muxer. */
const video = (name: string, frames: number, mux: string): void =>
  void execFileSync('gst-launch-1.0', [
    '-q',
    ...(
      `videotestsrc num-buffers=${frames} ! video/x-raw,format=I420,width=160,height=120,framerate=25/1 ` +
      `! x264enc key-int-max=5 speed-preset=ultrafast ! ${mux} ! filesink location=${at(name)}`
    ).split(' '),
  ]);
const gst = (launch: string): void => void execFileSync('gst-launch-1.0', ['-q', ...launch.split(' ')]);

const cine = (frames: number, more: Fields = {}): Fields => ({
  '00280002': ['US', 1],
  '00280004': ['CS', 'MONOCHROME2'],
  '00280010': ['US', 48],
  '00280011': ['US', 64],
  '00280100': ['US', 8],
  '00280101': ['US', 8],
  '00280102': ['US', 7],
  '00280103': ['US', 0],
  '00280008': ['IS', String(frames)],
  ...more,
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bad-input-'));
  video('ok.mp4', 50, 'mp4mux faststart=true');
  json('ok.json', one(box));
  json('point.json', one({ frame: 0, type: 'click', point: [0.5, 0.5] }));

  writeFileSync(at('zero.mp4'), '');
  writeFileSync(at('junk.mkv'), randomBytes(20_000));
  gst(`audiotestsrc num-buffers=50 ! avenc_aac ! mp4mux ! filesink location=${at('sound.mp4')}`);
  copyFileSync(at('ok.mp4'), at('cut.mp4'));
  truncateSync(at('cut.mp4'), Math.floor(statSync(at('ok.mp4')).size * 0.6));
  // All there, but the last third of the pictures is noise.
  const noisy = readFileSync(at('ok.mp4'));
  const media = noisy.indexOf('mdat') + 4;
  randomBytes(noisy.length).copy(noisy, media + Math.floor((noisy.length - media) * 0.66));
  writeFileSync(at('noisy.mp4'), noisy);
  for (const [name, size, frames] of [
    ['odd', 'width=321,height=243', 10],
    ['point', 'width=1,height=1', 5],
  ] as const)
    gst(
      `videotestsrc num-buffers=${frames} ! video/x-raw,format=I420,${size},framerate=25/1 ! avenc_ffv1 ! matroskamux ! filesink location=${at(`${name}.mkv`)}`,
    );
  // No container: nothing tells how many pictures there are.
  video('unknown.h264', 30, 'video/x-h264,stream-format=byte-stream');

  mkdirSync(at('empty'));
  mkdirSync(at('mixed'));
  const grey = { channels: 3, background: 'grey' } as const;
  await sharp({ create: { width: 64, height: 48, ...grey } }).toFile(at('mixed/1.png'));
  await sharp({ create: { width: 32, height: 48, ...grey } }).toFile(at('mixed/2.png'));
  await sharp({ create: { width: 100, height: 100, ...grey } }).toFile(at('mask.png'));
  writeFileSync(at('nothing.dcm'), dicomFile(explicitLittleEndian, cine(3), null));
  writeFileSync(
    at('syntax.dcm'),
    dicomFile('1.2.840.10008.1.2.4.94', cine(3), native(new Uint8Array(64 * 48 * 3))),
  );
  writeFileSync(
    at('untimed.dcm'),
    dicomFile(explicitLittleEndian, cine(6), native(new Uint8Array(64 * 48 * 6).fill(90))),
  );

  await recordRoom(at('room.mcap'));
  copyFileSync(at('room.mcap'), at('cut.mcap'));
  truncateSync(at('cut.mcap'), Math.floor(statSync(at('room.mcap')).size * 0.6));
  writeFileSync(at('junk.mcap'), randomBytes(20_000));
  for (const [name, format] of [
    ['newer.mcap', '99'],
    ['plain.mcap', null],
  ] as const) {
    const writer = await McapFileWriter.create(at(name), {}, (error) => expect.unreachable(error.message));
    if (format !== null) writer.addMetadata(recordingMetadataName, { format, version: '9.0.0' });
    await writer.close();
  }

  for (const name of ['truncated', 'changed']) cpSync(tinyModel, at(name), { recursive: true });
  truncateSync(at('truncated/track.onnx'), 900);
  const graph = readFileSync(at('changed/track.onnx'));
  graph[graph.length >> 1] = (graph[graph.length >> 1] as number) ^ 1;
  writeFileSync(at('changed/track.onnx'), graph);
});
afterAll(() => {
  Cli.killAll();
  rmSync(folder, { recursive: true, force: true });
});

/** One line of problem, with its code; nothing of the inside. */
function expectRefusal({ code, stdout, stderr }: Finished, wanted: string, exitCode: number): void {
  const problems = stderr.split('\n').filter((line) => line.startsWith('sonoscope: '));
  expect(problems.join('\n')).toContain(`[${wanted}]`);
  expect(problems).toHaveLength(1);
  expect(stderr).not.toMatch(/\n\s+at /);
  // What is logged before is no second complaint.
  expect(stderr).not.toMatch(/"level":(40|50)/);
  expect(stdout).toBe('');
  expect(code).toBe(exitCode);
}

const run = (...args: string[]): Promise<Finished> =>
  runCli(['run', '--port', '0', '--model', tinyModel, '--log', 'json', ...args]);
const streamOf = (file: string): StreamReport =>
  (JSON.parse(readFileSync(file, 'utf8')) as RunReport).streams[0] as StreamReport;

describe('run refuses', () => {
  it.each([
    ['zero bytes', 'zero.mp4', 'SONO_SOURCE_EMPTY'],
    ['noise', 'junk.mkv', 'SONO_SOURCE_NOT_VIDEO'],
    ['sound alone', 'sound.mp4', 'SONO_SOURCE_NO_PICTURE'],
    ['an empty folder', 'empty', 'SONO_FOLDER_EMPTY'],
    ['pictures of several sizes', 'mixed', 'SONO_FOLDER_MIXED'],
    ['DICOM without pictures', 'nothing.dcm', 'SONO_DICOM_NO_PIXELS'],
    ['DICOM packed in an unknown way', 'syntax.dcm', 'SONO_DICOM_SYNTAX'],
    ['a camera that is not there', 'v4l2:///dev/video97', 'SONO_SOURCE_DEVICE_ABSENT'],
    ['a card that is not there', 'decklink://7', 'SONO_SOURCE_DEVICE_ABSENT'],
  ])('%s', async (_, source, code) => {
    const uri = source.includes(':') ? source : at(source);
    expectRefusal(await run('--source', uri, '--model', 'none'), code, 3);
  });

  it.each([
    ['truncated', 'SONO_MODEL_TRUNCATED'],
    ['changed', 'SONO_MODEL_HASH'],
  ])('a model that was %s', async (model, code) => {
    expectRefusal(await run('--source', at('ok.mp4'), '--model', at(model)), code, 4);
  });

  it.each([
    ['an unknown frame', one({ ...box, frame: 50 }), 'SONO_PROMPT_FRAME_UNKNOWN'],
    ['a time behind the end', one({ type: 'box', box: box.box, timeMs: 2000 }), 'SONO_PROMPT_FRAME_UNKNOWN'],
    ['a mask of another size', one({ frame: 0, type: 'mask', path: 'mask.png' }), 'SONO_PROMPT_UNFIT'],
    [
      'a label given twice',
      { objects: [...one(box).objects, ...one(box).objects] },
      'SONO_PROMPT_LABEL_TWICE',
    ],
    ['an unknown key', one({ ...box, boxx: [] }), 'SONO_PROMPT_FILE_KEY'],
  ])('a prompt with %s', async (_, prompts, code) => {
    const finished = await run('--source', at('ok.mp4'), '--prompt', json('wrong.json', prompts));
    expectRefusal(finished, code, 2);
  });
});

describe('run goes on', () => {
  it.each(['cut.mp4', 'noisy.mp4'])('to the damage of %s, and says that it was there', async (name) => {
    const report = at(`${name}.report.json`);
    const { code, stderr } = await run('--source', at(name), '--prompt', at('ok.json'), '--report', report);
    expect(stderr).toContain('"code":"SONO_SOURCE_DAMAGED"');
    const { frames, notes, state } = streamOf(report);
    expect(frames.captured).toBeGreaterThan(10);
    expect(frames.captured).toBeLessThan(50);
    expect(state).toBe('ended');
    expect(notes.filter((note) => note.includes('damaged'))).toHaveLength(1);
    expect(code).toBe(0);
  });

  it.each([
    ['odd', 'ok.json', { width: 321, height: 243 }],
    ['point', 'point.json', { width: 1, height: 1 }],
  ])('with a picture of any size: %s', async (name, prompts, size) => {
    const report = at(`${name}.report.json`);
    const { code } = await run('--source', at(`${name}.mkv`), '--prompt', at(prompts), '--report', report);
    const stream = streamOf(report);
    expect(stream.format?.size).toEqual(size);
    expect(stream.frames.analysed).toBeGreaterThan(0);
    expect(stream.notes).toEqual([]);
    expect(code).toBe(0);
  });

  it('where nobody can tell beforehand that a prompt is never reached, and says so at the end', async () => {
    const report = at('unknown.report.json');
    const prompts = json('late.json', {
      objects: [...one(box).objects, { label: 'late', prompts: [{ ...box, frame: 60 }] }],
    });
    const { code } = await run('--source', at('unknown.h264'), '--prompt', prompts, '--report', report);
    const stream = streamOf(report);
    expect(stream.format?.frameCount).toBeNull();
    expect(stream.notes).toContain('the prompt for "late" at frame 60 was never reached.');
    expect(code).toBe(0);
  });
});

const out = (): string => at('never');
const replay = (input: string, ...args: string[]): Promise<Finished> =>
  runCli(['replay', input, '--prompt', at('ok.json'), '--out', out(), '--model', tinyModel, ...args]);

describe('replay refuses', () => {
  const leavesNothing = (): void => expect(existsSync(out())).toBe(false);

  it.each([
    ['no JSON', '{', 'SONO_PROMPT_FILE_SYNTAX'],
    ['an unknown key', one({ ...box, boxx: [] }), 'SONO_PROMPT_FILE_KEY'],
    ['a box inside out', one({ ...box, box: [60, 10, 10, 60] }), 'SONO_PROMPT_BOX_INSIDE_OUT'],
    [
      'a label given twice',
      { objects: [...one(box).objects, ...one(box).objects] },
      'SONO_PROMPT_LABEL_TWICE',
    ],
    [
      'a mask of another size',
      one({ frame: 0, type: 'mask', path: 'mask.png' }),
      'SONO_REPLAY_PROMPT_INVALID',
    ],
    ['a time behind the end', one({ type: 'box', box: box.box, timeMs: 9000 }), 'SONO_REPLAY_PROMPT_FRAME'],
  ])('a prompt file with %s', async (_, prompts, code) => {
    expectRefusal(await replay(at('ok.mp4'), '--prompt', json('wrong.json', prompts)), code, 2);
    leavesNothing();
  });

  it.each([
    ['a camera', 'rtsp://127.0.0.1:9/stream', 'SONO_REPLAY_INPUT_ENDLESS', 2],
    ['an endless scene', 'synthetic:counter', 'SONO_REPLAY_INPUT_ENDLESS', 2],
    ['zero bytes', 'zero.mp4', 'SONO_SOURCE_EMPTY', 3],
    ['a folder without pictures', 'empty', 'SONO_REPLAY_INPUT_MISSING', 2],
    ['pictures of several sizes', 'mixed', 'SONO_FOLDER_MIXED', 3],
    ['noise as a recording', 'junk.mcap', 'SONO_RECORDING_NOT_MCAP', 2],
    ['a recording of a newer program', 'newer.mcap', 'SONO_RECORDING_NEWER', 2],
    ['a recording without pictures', 'plain.mcap', 'SONO_RECORDING_EMPTY', 2],
  ])('%s', async (_, input, code, exitCode) => {
    expectRefusal(await replay(input.includes(':') ? input : at(input)), code, exitCode);
    leavesNothing();
  });

  it('a part that is none', async () => {
    const prompts = ['--prompt', json('late.json', one({ ...box, frame: 20 }))];
    expectRefusal(
      await replay(at('ok.mp4'), ...prompts, '--from', '30', '--to', '10'),
      'SONO_REPLAY_OPTION',
      2,
    );
    expectRefusal(
      await replay('synthetic:counter?duration=1', ...prompts, '--from', '9s'),
      'SONO_REPLAY_PROMPT_RANGE',
      2,
    );
    leavesNothing();
  });

  it('a place where the system makes no folders', async () => {
    expectRefusal(await replay(at('ok.mp4'), '--out', '/proc/results'), 'SONO_REPLAY_OUT_NOT_WRITABLE', 2);
  });
});

describe('replay gives what there is', () => {
  const rows = (clip: string): number =>
    readFileSync(join(out(), clip, 'objects.csv'), 'utf8')
      .trim()
      .split('\n').length - 1;

  it.each([
    ['noisy.mp4', 'noisy', 50],
    ['cut.mcap', 'cut', 40],
  ])('of %s, says that it is not all, and its exit code too', async (name, clip, whole) => {
    const { code, stderr } = await replay(at(name), '--format', 'csv');
    expect(stderr).toContain('damaged or was cut off');
    expect(rows(clip)).toBeGreaterThan(5);
    expect(rows(clip)).toBeLessThan(whole);
    const manifest = JSON.parse(readFileSync(join(out(), 'manifest.json'), 'utf8')) as {
      items: { cutShort: { code: string } }[];
    };
    expect(manifest.items[0]?.cutShort.code).toBe('SONO_SOURCE_DAMAGED');
    expect(code).toBe(3);
    rmSync(out(), { recursive: true });
  });

  it('of DICOM without a frame time, in every format that has times', async () => {
    const prompts = json('small.json', one({ ...box, box: [10, 10, 40, 40] }));
    const formats = ['csv', 'mp4', 'nifti', 'dicom-seg', 'mcap'];
    const finished = await replay(at('untimed.dcm'), '--prompt', prompts, '--format', formats.join(','));
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    expect(rows('untimed')).toBe(6);
    expect(readdirSync(join(out(), 'untimed'))).toHaveLength(formats.length);
    rmSync(out(), { recursive: true });
  });

  it('and can be cancelled while a source says nothing', async () => {
    const abort = new AbortController();
    const reader = new FrameReader(
      { uri: 'silent', open: () => NEVER, pause: () => undefined },
      { streamId: 'x', analysisSize: { width: 4, height: 4 }, displayQuality: null, signal: abort.signal },
    );
    const waiting = [reader.format(), reader.next()].map((call) => call.catch((error: unknown) => error));
    abort.abort(new Error('enough'));
    for (const outcome of await Promise.all(waiting.slice(1)))
      expect(outcome).toMatchObject({ message: 'enough' });
    await expect(reader.format()).rejects.toThrow('enough');
  });
});

describe('recordings', () => {
  it.each([
    ['junk.mcap', 'SONO_RECORDING_NOT_MCAP'],
    ['newer.mcap', 'SONO_RECORDING_NEWER'],
    ['plain.mcap', 'SONO_RECORDING_EMPTY'],
  ])('like %s are refused by the player', async (name, code) => {
    expectRefusal(await runCli(['play', at(name), '--port', '0']), code, 2);
  });

  it('that were cut are played up to there', async () => {
    const { code, stdout, stderr } = await runCli([
      'play',
      at('cut.mcap'),
      '--port',
      '0',
      '--duration',
      '1s',
    ]);
    expect(stdout).toContain('plays');
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('that do not come out the same end with a code of their own', async () => {
    const path = at('other.mcap');
    await recordRoom(path, {
      change: (engine) => ({
        info: engine.info,
        setSourceSize: (size) => engine.setSourceSize(size),
        track: async (frame) => {
          const result = await engine.track(frame);
          return { ...result, objects: result.objects.map((object) => ({ ...object, score: 0.123 })) };
        },
        command: (command, frame) => engine.command(command, frame),
        snapshot: () => engine.snapshot(),
        restore: (snapshot) => engine.restore(snapshot),
        close: () => engine.close(),
      }),
    });
    const { code, stdout, stderr } = await runCli([
      'replay',
      '--from',
      path,
      '--verify',
      '--model',
      tinyModel,
    ]);
    expect(stdout).toContain('different');
    expect(stderr).toContain('SONO_VERIFY_DIFFERENT');
    expect(code).toBe(3);
  });
});
