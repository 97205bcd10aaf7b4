/** `sonoscope replay` from the command line: whole runs, twice the same, killed and resumed, batches, refusals. */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { decodeSegmentation } from '../../../src/protocol/messages.js';
import { maskFromCocoBytes, maskBox } from '../../../src/mask/rle.js';
import { McapFileReader } from '../../../src/record/mcap-reader.js';
import { Cli, runCli } from '../cli/cli.js';
import { clipSize, promptFile, sceneFolder, squareBox, tinyModel } from './fixture.js';

// Every run starts three processes; a loaded machine takes its time.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), 'sono-replay-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One of each kind: files per frame, growing files, containers. */
const formats = ['png', 'csv', 'coco', 'nifti', 'mp4', 'mcap'];
const frames = 48;
const clip = join(folder, 'clip');
const prompts = join(folder, 'prompts.json');
const base = (input: string, out: string, ...more: string[]) => [
  'replay',
  input,
  ...['--prompt', prompts, '--out', out, '--model', tinyModel, '--provider', 'cpu'],
  ...['--chunk-frames', '5', '--format', formats.join(',')],
  ...more,
];

/** Relative path → hash of every file but the manifest, which carries the times of the run. */
function contents(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (name) => statSync(join(root, name)).isFile() && name !== 'manifest.json',
  );
  return Object.fromEntries(
    files.sort().map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(root, name)))
        .digest('hex'),
    ]),
  );
}

interface Found {
  readonly frame: number;
  readonly state: string;
  readonly box: readonly number[];
}

/** What the exported MCAP says about an object on every frame. */
async function tracked(root: string, name: string, label: string): Promise<Found[]> {
  const reader = await McapFileReader.open(join(root, name, `${name}.mcap`));
  const found: Found[] = [];
  for await (const { data } of reader.inTimeOrder(new Set([`/${name}/segmentation`]))) {
    const { objects, sourceFrame, maskSize } = decodeSegmentation(data);
    const object = objects.find((candidate) => candidate.label === label);
    if (object)
      found.push({
        frame: sourceFrame,
        state: object.state,
        box: maskBox(maskFromCocoBytes(object.counts, maskSize.width, maskSize.height)),
      });
  }
  await reader.close();
  return found;
}

const hits = (found: readonly Found[]): number[] =>
  found
    .filter(({ frame, box }) => {
      const [left, top] = squareBox(frame);
      // The tiny tracker sees cells of eight source pixels.
      return (box[2] ?? 0) > 0 && Math.abs((box[0] ?? 0) - left) <= 9 && Math.abs((box[1] ?? 0) - top) <= 9;
    })
    .map(({ frame }) => frame);

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

beforeAll(async () => {
  await sceneFolder(clip, frames);
  await promptFile(prompts, [
    { label: 'square', frames: [20] },
    { label: 'late', frames: [30, 40] },
  ]);
});

describe('a replay run', () => {
  const both = join(folder, 'both');

  it('spreads prompts both ways, over every frame', async () => {
    const { code, stderr, stdout } = await runCli(
      base(clip, both, '--direction', 'both', '--progress', 'json'),
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect(events[0]).toMatchObject({ event: 'start', items: [{ clip: 'clip' }] });
    expect(events.at(-2)).toMatchObject({ event: 'done', clip: 'clip', frames, cutShort: null });
    expect(events.at(-1)).toMatchObject({ event: 'written', folder: both, clips: 1, frames });
    expect(hits(await tracked(both, 'clip', 'square'))).toEqual(range(0, frames));
    expect(hits(await tracked(both, 'clip', 'late'))).toEqual(range(0, frames));
    expect(readdirSync(join(both, 'clip', 'square'))).toHaveLength(frames);
    expect(existsSync(join(both, '.replay'))).toBe(false);
    const manifest = JSON.parse(readFileSync(join(both, 'manifest.json'), 'utf8')) as Record<string, unknown>;
    expect(manifest).toMatchObject({
      model: { name: 'tiny-tracker' },
      provider: 'cpu',
      options: { direction: 'both', formats },
      prompts: [{ label: 'square' }, { label: 'late' }],
      items: [{ clip: 'clip', frames, source: { size: clipSize }, cutShort: null }],
      failed: [],
    });
    expect((manifest['items'] as { input: { sha256: string } }[])[0]?.input.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(manifest['timings']).toMatchObject({ jobs: 1 });
  });

  it('backwards ends at each last prompt', async () => {
    const backward = join(folder, 'backward');
    expect(await runCli(base(clip, backward, '--direction', 'backward'))).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(hits(await tracked(backward, 'clip', 'square'))).toEqual(range(0, 21));
    expect(hits(await tracked(backward, 'clip', 'late'))).toEqual(range(0, 41));
    // Frames without the object are there as well, empty.
    expect(await tracked(backward, 'clip', 'square')).toHaveLength(frames);
  });

  it('takes a part, and every n-th frame of it', async () => {
    const part = join(folder, 'part');
    const args = base(clip, part, '--from', '16', '--to', '1.68s', '--stride', '4', '--direction', 'both');
    expect(await runCli(args)).toMatchObject({ code: 0, stderr: '' });
    const found = await tracked(part, 'clip', 'square');
    expect(found.map(({ frame }) => frame)).toEqual([16, 20, 24, 28, 32, 36, 40]);
    expect(hits(found)).toEqual([16, 20, 24, 28, 32, 36, 40]);
  });

  it('twice gives the same files, byte for byte: beside another clip, and backwards in small windows', async () => {
    const again = join(folder, 'again');
    const other = await sceneFolder(join(folder, 'other'), 44);
    // Room for eight pictures of 64 × 48.
    const more = ['--direction', 'both', '--jobs', '2', '--spool-gb', String(80_000 / 1024 ** 3)];
    const args = ['replay', clip, other, ...base(clip, again, ...more).slice(2)];
    expect(await runCli(args)).toMatchObject({ code: 0, stderr: '' });
    const expected = contents(both);
    const found = contents(again);
    expect(Object.keys(expected).length).toBeGreaterThan(frames * 2);
    for (const [name, hash] of Object.entries(expected)) expect(found[name], name).toBe(hash);
    expect(readdirSync(join(again, 'other', 'square'))).toHaveLength(44);
  });

  it('of an exported recording analyses it as a source', async () => {
    const out = join(folder, 'from-mcap');
    const args = base(join(both, 'clip', 'clip.mcap'), out, '--direction', 'both');
    expect(await runCli(args)).toMatchObject({ code: 0, stderr: '' });
    expect(hits(await tracked(out, 'clip', 'square'))).toEqual(range(0, frames));
  });
});

describe('a killed run', () => {
  it('resumed after kill -9 at random moments, ten times, ends with the same files', async () => {
    const reference = join(folder, 'both');
    const out = join(folder, 'killed');
    const args = base(clip, out, '--direction', 'both', '--resume');
    const work = join(out, '.replay', 'clip');
    let killedInside = 0;
    for (let kill = 0; kill < 10; kill++) {
      const run = new Cli(args);
      // Spread over the whole run: some while it starts, most while a pass is under way.
      const before = existsSync(work) ? stamp(work) : '';
      const until = Date.now() + 20_000;
      if (kill % 4 !== 0)
        while (
          run.process.exitCode === null &&
          Date.now() < until &&
          (!existsSync(work) || stamp(work) === before)
        )
          await delay(3);
      await delay(Math.random() * (kill % 4 === 0 ? 800 : 60));
      run.kill('SIGKILL');
      const { signal } = await run.finished;
      if (signal === 'SIGKILL' && existsSync(work) && stamp(work) !== '') killedInside += 1;
    }
    expect(killedInside).toBeGreaterThan(0);
    const other = await runCli(base(clip, out, '--resume'));
    expect(other).toMatchObject({ code: 2 });
    expect(other.stderr).toContain('SONO_REPLAY_RESUME_OTHER');
    expect(other.stderr).toContain('direction');
    expect(await runCli(args)).toMatchObject({ code: 0, stderr: '' });
    expect(contents(out)).toEqual(contents(reference));
    // A run that is complete has nothing more to do, and says so by succeeding.
    expect(await runCli(args)).toMatchObject({ code: 0, stderr: '' });
    expect(contents(out)).toEqual(contents(reference));
  });
});

/** Grows with every durable state of the two passes. */
function stamp(work: string): string {
  return ['backward.json', 'forward.json']
    .map((name) => {
      try {
        const state = JSON.parse(readFileSync(join(work, name), 'utf8')) as { next?: number; done?: number };
        return `${state.next ?? ''}${state.done ?? ''}`;
      } catch {
        return '';
      }
    })
    .join('');
}

describe('a batch', () => {
  it('reports a bad item, finishes the others, and its exit code says so', async () => {
    const inputs = join(folder, 'batch');
    mkdirSync(inputs);
    writeFileSync(join(inputs, 'broken.mp4'), 'this is no video');
    await sceneFolder(join(inputs, 'good'), 44);
    const out = join(folder, 'batch-out');
    const { code, stderr } = await runCli(base(inputs, out));
    expect(code).toBe(3);
    expect(stderr).toContain('broken.mp4');
    expect(stderr).toContain('SONO_REPLAY_ITEMS_FAILED');
    expect(readdirSync(join(out, 'good', 'square'))).toHaveLength(44);
    const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as {
      items: { clip: string }[];
      failed: { clip: string; code: string }[];
    };
    expect(manifest.items.map(({ clip: name }) => name)).toEqual(['good']);
    expect(manifest.failed).toMatchObject([{ clip: 'broken', code: 'SONO_SOURCE_NOT_VIDEO' }]);
    // Forwards begins at the first prompt of each object.
    expect(hits(await tracked(out, 'good', 'square'))).toEqual(range(20, 44));
    expect(hits(await tracked(out, 'good', 'late'))).toEqual(range(30, 44));
  });
});

describe('a run that is continued', () => {
  /** One clip complete, one that cannot be opened: there is a state to go on from. */
  async function unfinished(name: string, model: string): Promise<(...more: string[]) => string[]> {
    const inputs = join(folder, name);
    mkdirSync(inputs);
    writeFileSync(join(inputs, 'broken.mp4'), 'this is no video');
    await sceneFolder(join(inputs, 'good'), 42);
    const args = (...more: string[]) =>
      base(inputs, join(folder, `${name}-out`), ...more).map((arg) => (arg === tinyModel ? model : arg));
    expect(await runCli(args())).toMatchObject({ code: 3 });
    return args;
  }

  it('needs the same model, not one that has taken its place', async () => {
    const model = join(folder, 'model');
    cpSync(tinyModel, model, { recursive: true });
    const args = await unfinished('replaced', model);
    const file = join(model, 'model.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify({ ...manifest, version: '99' }));
    const { code, stderr } = await runCli(args('--resume'));
    expect(stderr).toContain('SONO_REPLAY_RESUME_OTHER');
    expect(stderr).toContain('(model)');
    expect(code).toBe(2);
    // The same model in another place is the same model.
    const moved = join(folder, 'model-moved');
    cpSync(tinyModel, moved, { recursive: true });
    const again = await runCli(args('--resume').map((arg) => (arg === model ? moved : arg)));
    expect(again.stderr).toContain('SONO_REPLAY_ITEMS_FAILED');
  });

  it('makes anew what it cannot read of its state', async () => {
    const args = await unfinished('damaged', tinyModel);
    const out = join(folder, 'damaged-out');
    const work = join(out, '.replay', 'good');
    const before = contents(join(out, 'good'));
    writeFileSync(join(work, 'done.json'), '{"clip":"good"}');
    expect((await runCli(args('--resume'))).stderr).toContain('SONO_REPLAY_ITEMS_FAILED');
    expect(contents(join(out, 'good'))).toEqual(before);
    // Of another program, or of another version.
    for (const name of Object.keys(before)) rmSync(join(out, 'good', name));
    rmSync(join(out, 'good'), { recursive: true });
    rmSync(join(work, 'done.json'));
    writeFileSync(join(work, 'forward.json'), '{"done":"much","exporters":[]}');
    expect((await runCli(args('--resume'))).stderr).toContain('SONO_REPLAY_ITEMS_FAILED');
    expect(contents(join(out, 'good'))).toEqual(before);
  });

  it('needs the same pictures: half of each would be in one result', async () => {
    const input = await sceneFolder(join(folder, 'exchanged'), frames);
    const out = join(folder, 'exchanged-out');
    const run = new Cli(base(input, out));
    const work = join(out, '.replay', 'exchanged');
    await vi.waitUntil(() => existsSync(join(work, 'forward.json')), { timeout: 60_000, interval: 3 });
    run.kill('SIGKILL');
    await run.finished;
    cpSync(join(input, '00001.png'), join(input, '00000.png'));
    const { code, stderr } = await runCli(base(input, out, '--resume'));
    expect(stderr).toContain('SONO_REPLAY_RESUME_OTHER');
    expect(stderr).toContain('(input)');
    expect(code).toBe(2);
  });
});

describe('refused with its code', () => {
  const refused = async (args: readonly string[], code: string): Promise<string> => {
    const result = await runCli(args);
    expect(result.stderr).toContain(code);
    expect(result.code).not.toBe(0);
    return result.stderr;
  };
  const write = (name: string, value: unknown): string => {
    const path = join(folder, name);
    writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
    return path;
  };
  const withPrompts = (path: string) =>
    base(clip, join(folder, 'never')).map((arg) => (arg === prompts ? path : arg));
  const box = squareBox(0);
  const one = (prompt: unknown) => ({ objects: [{ label: 'square', prompts: [prompt] }] });

  it('prompts that do not fit the video', async () => {
    await refused(
      withPrompts(write('e.json', one({ frame: 999, type: 'box', box }))),
      'SONO_REPLAY_PROMPT_FRAME',
    );
    await refused(
      withPrompts(write('f.json', one({ frame: 0, type: 'box', box: [0, 0, 500, 20] }))),
      'SONO_REPLAY_PROMPT_INVALID',
    );
    await refused([...base(clip, join(folder, 'never')), '--to', '10'], 'SONO_REPLAY_PROMPT_RANGE');
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });

  it('an output folder that is not empty, until --overwrite', async () => {
    const out = join(folder, 'full');
    mkdirSync(out);
    writeFileSync(join(out, 'mine.txt'), 'keep');
    await refused(base(clip, out), 'SONO_REPLAY_OUT_NOT_EMPTY');
    await refused(base(clip, out, '--resume'), 'SONO_REPLAY_RESUME_NOTHING');
    expect(readdirSync(out)).toEqual(['mine.txt']);
    expect(await runCli(base(clip, out, '--overwrite'))).toMatchObject({ code: 0, stderr: '' });
    await refused(base(clip, out), 'SONO_REPLAY_OUT_NOT_EMPTY');
    expect(readFileSync(join(out, 'mine.txt'), 'utf8')).toBe('keep');
  });

  it('an output place that cannot be a folder', async () => {
    const file = write('file.txt', 'a file');
    await refused(base(clip, join(file, 'out')), 'SONO_REPLAY_OUT_NOT_WRITABLE');
  });

  it('two runs on one output folder at once', async () => {
    const out = join(folder, 'shared');
    const first = new Cli(base(clip, out, '--direction', 'both'));
    while (first.process.exitCode === null && !existsSync(join(out, '.replay', 'lock'))) await delay(3);
    const err = await refused(base(clip, out, '--resume'), 'SONO_REPLAY_OUT_BUSY');
    expect(err).toContain(String(first.process.pid));
    expect(await first.finished).toMatchObject({ code: 0, stderr: '' });
  });

  it('an input that is not there, and wrong words on the command line', async () => {
    await refused(base(join(folder, 'absent.mp4'), join(folder, 'never')), 'SONO_REPLAY_INPUT_MISSING');
    await refused([...base(clip, join(folder, 'never')), '--from', 'later'], 'SONO_REPLAY_OPTION');
    await refused(['replay', clip, '--out', join(folder, 'never')], 'SONO_USAGE');
    expect((await runCli([...base(clip, join(folder, 'never')), '--format', 'gif'])).code).toBe(2);
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });
});
