/** `sonoscope evaluate` from end to end on generated clips: real model, baselines, foreign masks, reports, comparison, errors. */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/node/built-module.js';
import { compareResults } from '../../../src/evaluate/compare.js';
import { evaluate, type EvaluateOptions } from '../../../src/evaluate/evaluate.js';
import { readResult, type ResultFile } from '../../../src/evaluate/result-file.js';
import type { RunResult } from '../../../src/evaluate/result.js';
import { splitLabels } from '../../../src/evaluate/truth.js';
import { WorstFrames } from '../../../src/evaluate/worst-frames.js';
import { emptyBitmap } from '../../../src/evaluate/metrics/bitmap.js';
import { davisPalette, encodePng } from '../../../src/export/png-codec.js';

const [width, height] = [160, 96];
const base = mkdtempSync(join(tmpdir(), 'sonoscope-evaluate-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const root = join(base, 'clips');
const truthMasks = join(base, 'predictions');

/** A textured disk wanders over a darker texture. */
async function makeClip(
  name: string,
  count: number,
  visible: (frame: number) => boolean,
  label = 255,
): Promise<void> {
  for (const folder of [join(root, name, 'frames'), join(root, name, 'masks'), join(truthMasks, name)])
    mkdirSync(folder, { recursive: true });
  for (let frame = 0; frame < count; frame++) {
    const [cx, cy] = [45 + 4 * frame, 48 + 2 * frame];
    const rgb = new Uint8Array(width * height * 3);
    const mask = new Uint8Array(width * height);
    for (let y = 0, at = 0; y < height; y++)
      for (let x = 0; x < width; x++, at++) {
        const inside = visible(frame) && Math.hypot(x - cx, y - cy) < 20;
        const wave = inside
          ? 170 + 50 * Math.sin((x - cx) / 3) * Math.cos((y - cy) / 4)
          : 60 + 30 * Math.sin(x / 7) + 20 * Math.cos(y / 5);
        rgb.set(inside ? [wave, wave * 0.75, wave * 0.3] : [wave * 0.6, wave * 0.8, wave], 3 * at);
        if (inside) mask[at] = label;
      }
    const file = String(frame).padStart(5, '0');
    await sharp(rgb, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 92 })
      .toFile(join(root, name, 'frames', `${file}.jpg`));
    const png = await encodePng(mask, width, height, label === 255 ? null : davisPalette);
    writeFileSync(join(root, name, 'masks', `${file}.png`), png);
    writeFileSync(join(truthMasks, name, `${file}.png`), png);
  }
}

beforeAll(async () => {
  await makeClip('long', 6, () => true);
  await makeClip('pair', 2, () => true);
  // Absent at first, gone in between, and labelled by a palette.
  await makeClip('returning', 6, (frame) => frame !== 0 && frame !== 3, 3);
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly problems: string;
}

function sonoscope(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(packageRoot, 'dist/src/cli/main.js'), 'evaluate', ...args],
      { env: { ...process.env, SONO_INVOKED_FROM: base }, maxBuffer: 1 << 26 },
      (error, out, problems) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, problems }),
    );
  });
}

const read = (name: string): ResultFile => JSON.parse(readFileSync(join(base, name), 'utf8')) as ResultFile;

const options = (overrides: Partial<EvaluateOptions> = {}): EvaluateOptions => ({
  kind: 'folder',
  root,
  dataset: { task: 'binary', subset: null },
  prompt: 'mask',
  model: { dir: join(packageRoot, 'models', 'compact'), provider: 'cpu', threads: 1 },
  policies: [],
  baseline: null,
  predictions: null,
  labels: [],
  clips: [],
  framesPerSecond: null,
  tolerance: 2,
  flicker: true,
  seed: 1,
  onProgress: () => undefined,
  ...overrides,
});

const first = async (overrides: Partial<EvaluateOptions>): Promise<RunResult> => {
  const { results } = await evaluate(options(overrides));
  return results[0] as RunResult;
};

describe('the command', () => {
  it('gives the table, the JSON and the report', async () => {
    writeFileSync(join(base, 'groups.csv'), 'clip,camera,site\nlong,a,x\npair,b,x\nreturning,b,\n');
    const ended = await sonoscope(
      ...['--dataset', 'folder', '--root', 'clips', '--json', 'model.json', '--html', 'report'],
      ...['--groups', 'groups.csv', '--provider', 'cpu', '--threads', '1'],
    );
    expect(ended.problems).toBe('');
    expect(ended.code).toBe(0);
    expect(ended.out).toMatch(/mean over objects/);
    const result = read('model.json');
    expect(result.clips.map(({ name, frames, totalFrames }) => [name, frames, totalFrames])).toEqual([
      ['long', 5, 6],
      ['pair', 1, 2],
      // Frame 0 is scored (nothing there, nothing shown), frame 1 is the prompt.
      ['returning', 5, 6],
    ]);
    const { mean, clips } = result;
    const over = (key: 'J' | 'F' | 'JF' | 'dice'): number =>
      clips.reduce((sum, clip) => sum + clip[key], 0) / clips.length;
    for (const key of ['J', 'F', 'JF', 'dice'] as const) expect(mean[key]).toBeCloseTo(over(key), 9);
    expect(mean.JF).toBeCloseTo((mean.J + mean.F) / 2, 9);
    // The network was made for this: a bright disk on a dark ground is no riddle.
    expect(clips[0]?.J).toBeGreaterThan(0.6);
    expect(result.fps).toBeGreaterThan(0);
    expect(result.model?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(result.timing.modelMs).toBeGreaterThan(0);
    expect(clips[2]?.objects[0]).toMatchObject({ label: 3, promptFrame: 1, frames: 5 });
    expect(clips[2]?.objects[0]?.perFrame.counted).toEqual([true, false, true, true, true, true]);
    expect(clips[2]?.objects[0]?.perFrame.J[0]).toBe(1);
    expect(
      result.groups?.map(({ attribute, groups, ungrouped }) => [attribute, groups.length, ungrouped]),
    ).toEqual([
      ['camera', 2, []],
      ['site', 1, ['returning']],
    ]);
    const page = readFileSync(join(base, 'report', 'index.html'), 'utf8');
    // Nothing is fetched from elsewhere.
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
    expect(page.match(/<svg class="frame"/g)?.length).toBeGreaterThan(2);
    for (const word of ['J&amp;F', 'camera', 'How it was measured', 'long', 'returning'])
      expect(page).toContain(word);
    expect(readdirSync(base).filter((name) => name.includes('.partial'))).toEqual([]);
  }, 180_000);

  it('compares two results, worst first', async () => {
    const copied = await sonoscope(
      ...['--dataset', 'folder', '--root', 'clips', '--json', 'copy.json', '--baseline', 'copy'],
    );
    expect(copied.code).toBe(0);
    const ended = await sonoscope('--compare', 'model.json', 'copy.json', '--json', 'comparison.json');
    expect(ended.code).toBe(0);
    const comparison = compareResults(
      readResult(join(base, 'model.json')),
      readResult(join(base, 'copy.json')),
    );
    expect(JSON.parse(readFileSync(join(base, 'comparison.json'), 'utf8'))).toEqual(comparison);
    const changes = comparison.differences.map(({ change }) => change.JF);
    expect(changes).toEqual([...changes].sort((a, b) => a - b));
    expect(comparison.change.J.mean).toBeCloseTo(read('copy.json').mean.J - read('model.json').mean.J, 6);
    expect(ended.out).toContain(comparison.differences[0]?.clip);
    const equal = compareResults(readResult(join(base, 'model.json')), readResult(join(base, 'model.json')));
    expect(equal).toMatchObject({ better: 0, worse: 0, equal: 3 });
  }, 120_000);

  it('scores the rest where a clip cannot be, names it everywhere, and ends with 3', async () => {
    const some = join(base, 'some');
    for (const name of ['long', 'pair', 'returning'])
      cpSync(join(root, name), join(some, name), { recursive: true });
    // One clip lacks a mask, one breaks at its last frame, when all others of its frames have been run.
    rmSync(join(some, 'pair', 'masks', '00001.png'));
    writeFileSync(join(some, 'returning', 'frames', '00005.jpg'), 'no picture');
    const args = ['--dataset', 'folder', '--root', 'some', '--baseline', 'copy', '--no-flicker'];
    const ended = await sonoscope(...args, '--json', 'some.json', '--html', 'some-report');
    expect(ended.code).toBe(3);
    expect(ended.problems).toContain('2 of 3 clips have no score and are in no mean: pair, returning.');
    expect(ended.problems).toContain('[SONO_EVALUATE_CLIPS]');
    expect(ended.out).toMatch(/^not scored: pair: In "pair", 1 of 2 frames have no mask/m);
    expect(ended.out).toMatch(/^not scored: returning: .*00005\.jpg cannot be read/m);
    const result = read('some.json');
    expect(result.clips.map(({ name }) => name)).toEqual(['long']);
    expect(result.unscored.map(({ clip, object, code }) => [clip, object, code])).toEqual([
      ['pair', null, 'SONO_DATASET_MASKS_MISSING'],
      ['returning', null, 'SONO_DATASET_FILE'],
    ]);
    // Half a clip leaves nothing in the figures: they are those of the whole clip alone.
    await sonoscope(...args, '--clips', 'long', '--json', 'alone.json');
    expect(result.mean).toEqual(read('alone.json').mean);
    const page = readFileSync(join(base, 'some-report', 'index.html'), 'utf8');
    expect(page).toContain('1 of 3 clips');
    expect(page).toContain('not scored: returning: ');
  }, 120_000);

  it('names the object, or the clip, that no counted frame shows', async () => {
    const davis = join(base, 'davis');
    const masks = join(davis, 'Annotations', '480p');
    // DAVIS never scores the first and the last frame: of three, only the one in the middle counts.
    for (const clip of ['both', 'late'])
      for (const frame of [0, 1, 2]) {
        const name = `0000${frame}`;
        cpSync(
          join(root, 'long', 'frames', `${name}.jpg`),
          join(davis, 'JPEGImages', '480p', clip, `${name}.jpg`),
        );
        const mask = new Uint8Array(width * height);
        if (clip === 'both') mask.fill(1, 0, 900);
        if (frame > 0) mask.fill(2, 3000, 4000);
        mkdirSync(join(masks, clip), { recursive: true });
        writeFileSync(join(masks, clip, `${name}.png`), await encodePng(mask, width, height, davisPalette));
      }
    const result = await first({ kind: 'davis2017', root: davis, baseline: 'copy' });
    expect(result.clips.map(({ name, objects }) => [name, objects.map(({ label }) => label)])).toEqual([
      ['both', [1]],
    ]);
    expect(result.unscored).toMatchObject([
      { clip: 'both', object: 'object 2', code: 'SONO_DATASET_NOTHING_COUNTS' },
      { clip: 'late', object: null, code: 'SONO_DATASET_NOTHING_COUNTS' },
    ]);
  });

  it('masks as JPEG and in sixteen bits score as the same masks in eight bits, and the report says how they were read', async () => {
    const kinds = join(base, 'kinds');
    for (const kind of ['eight', 'jpeg', 'sixteen']) {
      cpSync(join(root, 'long', 'frames'), join(kinds, kind, 'frames'), { recursive: true });
      mkdirSync(join(kinds, kind, 'masks'));
      for (const name of readdirSync(join(root, 'long', 'masks'))) {
        const path = join(root, 'long', 'masks', name);
        const pixels = await sharp(path).toColourspace('b-w').raw().toBuffer();
        const ones = Uint16Array.from(pixels, (value) => (value > 0 ? 1 : 0));
        const raw = { width, height, channels: 1 } as const;
        const files = {
          eight: readFileSync(path),
          jpeg: await sharp(pixels, { raw }).jpeg({ quality: 95 }).toBuffer(),
          sixteen: await sharp(ones, { raw }).toColourspace('grey16').png().toBuffer(),
        };
        const ending = kind === 'jpeg' ? 'jpg' : 'png';
        writeFileSync(
          join(kinds, kind, 'masks', name.replace('png', ending)),
          files[kind as keyof typeof files],
        );
      }
    }
    const { clips } = await first({ root: kinds, baseline: 'copy', flicker: false });
    expect(clips.map(({ objects }) => objects.map(({ label }) => label))).toEqual([[1], [1], [1]]);
    expect(clips[1]?.J).toBe(clips[0]?.J);
    expect(clips[2]?.J).toBe(clips[0]?.J);
    expect(clips.map(({ masks }) => masks?.includes('JPEG') ?? false)).toEqual([false, true, false]);
    // The masks themselves as predictions: perfect, however they are stored.
    for (const kind of ['eight', 'jpeg', 'sixteen']) {
      const folder = join(base, `as-${kind}`);
      for (const clip of ['eight', 'jpeg', 'sixteen'])
        cpSync(join(kinds, kind, 'masks'), join(folder, clip), { recursive: true });
      const { mean } = await first({ root: kinds, predictions: folder, flicker: false });
      expect(mean.J, kind).toBe(1);
    }
  }, 60_000);

  it('says in one sentence what is wrong, and ends with 2', async () => {
    writeFileSync(join(base, 'other.json'), '{"schema":"something else"}');
    writeFileSync(join(base, 'badgroups.csv'), 'name,sex\na,f\n');
    mkdirSync(join(base, 'empty', 'c', 'frames'), { recursive: true });
    mkdirSync(join(base, 'empty', 'c', 'masks'), { recursive: true });
    cpSync(join(root, 'pair'), join(base, 'sizes', 'pair'), { recursive: true });
    const mask = join(base, 'sizes', 'pair', 'masks');
    const last = join(mask, readdirSync(mask).sort().at(-1) as string);
    writeFileSync(last, await sharp(last).resize(10, 10).png().toBuffer());
    const wrong: readonly (readonly [code: string, args: readonly string[]])[] = [
      ['SONO_USAGE', []],
      ['SONO_USAGE', ['--dataset', 'folder']],
      ['SONO_DATASET_ROOT', ['--dataset', 'davis2017', '--root', 'clips']],
      ['SONO_DATASET_MASKS_MISSING', ['--dataset', 'folder', '--root', 'empty', '--baseline', 'copy']],
      [
        'SONO_DATASET_CLIP',
        ['--dataset', 'folder', '--root', 'clips', '--clips', 'nosuch', '--baseline', 'copy'],
      ],
      [
        'SONO_DATASET_LABEL_NAME',
        ['--dataset', 'folder', '--root', 'clips', '--labels', 'liver', '--baseline', 'copy'],
      ],
      ['SONO_EVALUATE_PROMPT', ['--dataset', 'folder', '--root', 'clips', '--prompt', 'clicks:99']],
      ['SONO_EVALUATE_GROUPS', ['--dataset', 'folder', '--root', 'clips', '--groups', 'badgroups.csv']],
      ['SONO_EVALUATE_PREDICTIONS', ['--dataset', 'folder', '--root', 'clips', '--predictions', 'empty']],
      ['SONO_EVALUATE_RESULT', ['--compare', 'other.json', 'other.json']],
      [
        'SONO_EVALUATE_OUTPUT',
        ['--dataset', 'folder', '--root', 'clips', '--baseline', 'copy', '--json', 'other.json/x'],
      ],
      [
        'SONO_EVALUATE_OUTPUT',
        ['--dataset', 'folder', '--root', 'clips', '--baseline', 'copy', '--html', '/proc/report'],
      ],
      [
        'SONO_EVALUATE_OUTPUT',
        ['--dataset', 'folder', '--root', 'clips', '--baseline', 'copy', '--json', 'clips'],
      ],
      ['SONO_DATASET_SIZE', ['--dataset', 'folder', '--root', 'sizes', '--baseline', 'copy']],
      ['SONO_POLICY_UNKNOWN', ['--dataset', 'folder', '--root', 'clips', '--policy', 'nosuch']],
    ];
    for (const [code, args] of wrong) {
      const ended = await sonoscope(...args);
      expect(ended.problems, args.join(' ')).toContain(`[${code}]`);
      expect(ended.problems.trim().split('\n'), ended.problems).toHaveLength(1);
      expect([2, 4]).toContain(ended.code);
    }
  }, 180_000);
});

it('gives its figures although the disk is full, and says so; a device is never replaced', async () => {
  const device = join(base, 'full.json');
  symlinkSync('/dev/full', device);
  const ended = await sonoscope(
    ...['--dataset', 'folder', '--root', 'clips', '--baseline', 'copy', '--json', 'full.json'],
  );
  expect(ended.problems).toMatch(/full\.json: the disk is full\. \[SONO_EVALUATE_OUTPUT\]\n$/);
  expect(ended.out).toMatch(/mean over objects/);
  expect(ended.code).toBe(2);
  expect(lstatSync(device).isSymbolicLink()).toBe(true);
});

describe('predictors', () => {
  it('masks from elsewhere: the truth itself scores 1 everywhere', async () => {
    const result = await first({ predictions: truthMasks });
    for (const key of ['J', 'F', 'JF', 'dice', 'nsd', 'jRecall'] as const) expect(result.mean[key]).toBe(1);
    expect(result.mean).toMatchObject({
      hd95: 0,
      assd: 0,
      challengeIoU: 1,
      isiIoU: 1,
      mcIoU: 1,
      reacquired: 1,
    });
    expect(result.mean.flicker).toBeCloseTo(result.mean.truthFlicker ?? -1, 12);
    expect(result.mean.reacquisitionMs).toBe(0);
  });

  it('copying the first mask scores what the masks alone say', async () => {
    const result = await first({ baseline: 'copy', clips: ['long'] });
    const masks = await Promise.all(
      readdirSync(join(root, 'long', 'masks')).map((name) =>
        sharp(join(root, 'long', 'masks', name))
          .toColourspace('b-w')
          .raw()
          .toBuffer(),
      ),
    );
    const [prompt, ...others] = masks as [Buffer, ...Buffer[]];
    const iou = others.map((mask) => {
      let [both, either] = [0, 0];
      mask.forEach((value, at) => {
        both += value > 0 && (prompt[at] ?? 0) > 0 ? 1 : 0;
        either += value > 0 || (prompt[at] ?? 0) > 0 ? 1 : 0;
      });
      return both / either;
    });
    expect(result.mean.J).toBeCloseTo(iou.reduce((sum, value) => sum + value, 0) / iou.length, 9);
    expect(result.intervalUnit).toBe('frame');
  });

  it('optical flow carries the mask along', async () => {
    if (!existsSync(join(packageRoot, '.sonoscope/venv-test/bin/python')))
      throw new Error('the test environment is missing: run "./sonoscope test" once');
    const flow = await first({ baseline: 'flow', clips: ['long'] });
    const copy = await first({ baseline: 'copy', clips: ['long'] });
    expect(flow.mean.J).toBeGreaterThan(copy.mean.J + 0.1);
    // Its own motion compensation finds the flow baseline steadier than a mask that does not move with its object.
    expect(flow.mean.flicker ?? 1).toBeLessThan(copy.mean.flicker ?? 0);
  }, 120_000);

  it('the engine: box, clicks and interactive rounds; policies side by side; the same twice', async () => {
    const box = await first({ prompt: 'box', clips: ['long'] });
    expect(box.clips[0]?.objects[0]?.promptIoUs).toHaveLength(1);
    const clicks = await first({ prompt: 'clicks:3', clips: ['long'] });
    expect(clicks.clips[0]?.objects[0]?.promptIoUs.length).toBeLessThanOrEqual(3);
    const rounds = await first({ prompt: 'rounds:2', clips: ['long'] });
    expect(rounds.clips[0]?.rounds).toHaveLength(2);
    expect(rounds.clips[0]?.rounds?.[1]).toBeCloseTo(rounds.mean.JF, 5);
    const { results } = await evaluate(options({ policies: ['sam2', 'first'], clips: ['long', 'pair'] }));
    expect(results.map(({ policy }) => policy)).toEqual(['sam2', 'first']);
    const again = await evaluate(options({ policies: ['sam2'], clips: ['long', 'pair'] }));
    const figures = ({ clips }: RunResult): unknown => clips.map(({ fps: _, ...clip }) => clip);
    expect(figures(again.results[0] as RunResult)).toEqual(figures(results[0] as RunResult));
  }, 240_000);
});

const data = join(packageRoot, '..', 'shared', 'data');
const present = existsSync(data);
if (!present) console.warn('the sample data (../shared/data) is absent: its tests are skipped');

describe.skipIf(!present)('real clips', () => {
  // Computed with OpenCV by other code, before this existed: what copying the first mask is worth.
  it.each([
    ['folder', 'davis', [], 0.399],
    ['folder', 'robotic-instruments/scene-c', [], 0.189],
    ['vocalfolds', 'vocalfolds/patient1/seq4', ['vocal folds'], 0.258],
  ] as const)(
    'copying the first mask, %s %s',
    async (kind, folder, labels, J) => {
      const result = await first({
        kind,
        root: join(data, folder),
        labels,
        baseline: 'copy',
        flicker: false,
      });
      expect(result.mean.J).toBeCloseTo(J, 3);
    },
    120_000,
  );
});

describe('parts', () => {
  it('labels are split, wanted ones only, void apart', () => {
    const data = Uint8Array.of(0, 1, 2, 255, 2, 7);
    const split = splitLabels({ width: 3, height: 2, data: data.slice() }, null);
    expect([...split.objects].map(([label, { area }]) => [label, area])).toEqual([
      [1, 1],
      [2, 2],
      [7, 1],
    ]);
    expect([...(split.voids?.data ?? [])]).toEqual([0, 0, 0, 1, 0, 0]);
    const wanted = splitLabels({ width: 3, height: 2, data: data.slice() }, new Set([2]));
    expect([...wanted.objects.keys()]).toEqual([2]);
    const single = splitLabels({ width: 2, height: 1, data: Uint8Array.of(0, 9) }, null);
    expect([...(single.objects.get(9)?.data ?? [])]).toEqual([0, 1]);
    expect(single.voids).toBeNull();
    expect(splitLabels({ width: 2, height: 1, data: Uint8Array.of(0, 255) }, null).voids?.area).toBe(1);
    expect(splitLabels({ width: 2, height: 1, data: Uint8Array.of(0, 9) }, new Set([1])).objects.size).toBe(
      0,
    );
  });

  it('the worst frames: lowest first, one of twelve in a row', () => {
    const worst = new WorstFrames(3);
    const pictures = {
      rgb: new Uint8Array(3),
      rgbSize: { width: 1, height: 1 },
      prediction: emptyBitmap(1, 1),
      truth: emptyBitmap(1, 1),
    };
    for (let frame = 0; frame < 60; frame++)
      worst.offer({ clip: 'a', object: 'x', frame, j: 1 - frame / 100 }, pictures);
    worst.offer({ clip: 'b', object: 'x', frame: 0, j: 0.1 }, pictures);
    expect(worst.list().map(({ clip, frame }) => [clip, frame])).toEqual([
      ['b', 0],
      ['a', 59],
      ['a', 47],
    ]);
  });
});
