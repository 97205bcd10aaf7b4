/**
 * `evaluate --task ef` on generated data: an oracle that outlines as the truth does gives known figures on scenes, on a video set
 * in EchoNet-Dynamic's layout and on pictures in that of CAMUS; the command itself runs with a tiny model.
 */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MeasuredResult } from '../../../src/analysis/measured.js';
import { openDataset } from '../../../src/evaluate/datasets/index.js';
import type { Clip, DatasetKind } from '../../../src/evaluate/datasets/dataset.js';
import { sceneOptions } from '../../../src/evaluate/datasets/synthetic-echo.js';
import { evaluateEjection } from '../../../src/evaluate/ejection/evaluate-ejection.js';
import type { HeartPredictor } from '../../../src/evaluate/ejection/predictor.js';
import type { EjectionFile, EjectionRun } from '../../../src/evaluate/ejection/result.js';
import { davisPalette, encodePng } from '../../../src/export/png-codec.js';
import {
  echoScene,
  plainEcho,
  type EchoScene,
  type SceneOptions,
} from '../../../src/ingest/synthetic/index.js';
import { maskArea, maskFromBitmap } from '../../../src/mask/rle.js';
import { packageRoot } from '../../../src/node/built-module.js';
import { chambers } from '../../../src/vocabulary/echo.js';
import type { AnalysisFrame } from '../../../src/vocabulary/frame.js';

const base = mkdtempSync(join(tmpdir(), 'sonoscope-ejection-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Outlines of whatever map of 1 ventricle, 2 wall, 3 atrium `mapOf` gives for a frame. */
class Oracle implements HeartPredictor {
  readonly name = 'oracle';
  readonly inputSize = { width: 32, height: 32 };
  readonly modelMs = 0;
  #map: (frame: number) => Uint8Array = () => new Uint8Array();
  #size = this.inputSize;

  constructor(private readonly mapOf: (clip: string) => (frame: number) => Uint8Array) {}

  start(clip: Clip): Promise<void> {
    this.#map = this.mapOf(clip.name);
    this.#size = clip.size;
    return Promise.resolve();
  }

  see(frame: AnalysisFrame): Promise<MeasuredResult> {
    const map = this.#map(frame.sourceFrame);
    return Promise.resolve({
      frame,
      maskSize: this.#size,
      objects: Object.values(chambers).map((label, index) => {
        const mask = maskFromBitmap(
          map.map((value) => (value === index + 1 ? 1 : 0)),
          this.#size.width,
          this.#size.height,
        );
        return {
          ...{ id: index + 1, label, score: 1, confidence: 1, mask, areaPx: maskArea(mask) },
          state: maskArea(mask) > 0 ? 'tracking' : 'searching',
        } as const;
      }),
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const evaluated = (
  kind: DatasetKind,
  root: string,
  predictor: HeartPredictor,
  scenes = { count: 1, seed: 1 },
): Promise<EjectionRun> =>
  evaluateEjection(
    {
      ...{ kind, root, clips: [], framesPerSecond: null, seed: 1, onProgress: () => undefined },
      dataset: { task: 'binary', subset: null, scenes },
    },
    predictor,
  );

describe('procedural scenes', () => {
  it('are other ones for another seed, never those of training, and cover what they should', () => {
    const options = Array.from({ length: 300 }, (_, index) => sceneOptions(1_000_000 + index));
    const range = (of: (scene: (typeof options)[number]) => number): [number, number] => [
      Math.min(...options.map(of)),
      Math.max(...options.map(of)),
    ];
    const [leastEf, mostEf] = range(({ echo }) => echo.ejectionFractionPercent ?? 0);
    expect(leastEf).toBeGreaterThanOrEqual(15);
    expect(leastEf).toBeLessThan(20);
    expect(mostEf).toBeGreaterThan(70);
    expect(mostEf).toBeLessThanOrEqual(75);
    const [slowest, fastest] = range(({ framesPerSecond }) => framesPerSecond);
    expect(slowest).toBeGreaterThanOrEqual(15);
    expect(fastest).toBeLessThanOrEqual(60);
    const fibrillating = options.filter(({ echo }) => echo.rhythm === 'fibrillation').length;
    expect(fibrillating).toBeGreaterThan(36);
    expect(fibrillating).toBeLessThan(90);
    const names = (seed: number): string[] =>
      openDataset('synthetic-echo', '', {
        ...{ task: 'binary', subset: null },
        scenes: { count: 5, seed },
      }).clips.map(({ name }) => name);
    expect(new Set([...names(1), ...names(2)]).size).toBe(10);
    for (const name of names(0))
      expect(Number(name.slice('scene '.length))).toBeGreaterThanOrEqual(1_000_000);
  });

  it('show the very pictures of the scene, with the outlines of its moments', async () => {
    const { clips } = openDataset('synthetic-echo', '', {
      ...{ task: 'binary', subset: null },
      scenes: { count: 1, seed: 1 },
    });
    const clip = await clips[0]?.open();
    if (clip === undefined) throw new Error('no clip');
    const scene = echoScene(sceneOptions(Number(clip.name.slice('scene '.length))));
    const outlined = new Set<number>();
    for await (const { index, rgb, truth } of clip.frames(clip.size)) {
      if (truth !== null) outlined.add(index);
      if (index === 3) expect(Buffer.from(rgb).equals(scene.frame(3).rgb)).toBe(true);
    }
    const { endDiastoles = [], endSystoles = [] } = clip.heart ?? {};
    expect(endDiastoles.length).toBeGreaterThan(2);
    for (const frame of [...endDiastoles, ...endSystoles, 0, 5]) expect(outlined.has(frame)).toBe(true);
  }, 60_000);

  it('are measured nearly exactly by an oracle', async () => {
    const run = await evaluated(
      'synthetic-echo',
      '',
      new Oracle((clip) => {
        const scene = echoScene(sceneOptions(Number(clip.slice('scene '.length))));
        return (frame) => scene.chambers(frame);
      }),
      { count: 3, seed: 3 },
    );
    const { mean } = run;
    console.log(
      `oracle on ${mean.measured} of ${mean.clips} scenes: EF MAE ${mean.ejectionFraction?.mae.toFixed(2) ?? '–'}, ED ${mean.endDiastole.frames?.toFixed(2) ?? '–'}, ES ${mean.endSystole.frames?.toFixed(2) ?? '–'} frames, recall ${mean.beats.recall?.toFixed(2) ?? '–'}, precision ${mean.beats.precision?.toFixed(2) ?? '–'}`,
    );
    expect(mean).toMatchObject({ measured: 3, clips: 3 });
    expect(mean.ejectionFraction?.mae).toBeLessThan(1.5);
    expect(mean.endDiastole.frames).toBeLessThanOrEqual(1);
    expect(mean.endSystole.frames).toBeLessThanOrEqual(1);
    expect(mean.beats.precision).toBeGreaterThan(0.9);
    // What comes before the first whole beat cannot be found live.
    expect(mean.beats.recall).toBeGreaterThan(0.6);
    expect(mean.dice.map(({ label, all }) => [label, all])).toEqual(
      Object.values(chambers).map((label) => [label, 1]),
    );
    // The axis of the disks is another one: by the drawing there, by the outline here.
    expect(mean.endDiastolicVolume?.mae).toBeLessThan(20);
  }, 300_000);
});

/** Rows of a label map as chords: the long axis first, then the outline from row to row. */
function chordsOf(map: Uint8Array, width: number): string[] {
  const rows = new Map<number, [left: number, right: number]>();
  map.forEach((value, at) => {
    if (value !== 1) return;
    const [x, y] = [at % width, Math.floor(at / width)];
    const row = rows.get(y);
    rows.set(y, row === undefined ? [x, x] : [row[0], x]);
  });
  const sorted = [...rows].sort(([a], [b]) => a - b);
  const [top, bottom] = [sorted[0], sorted.at(-1)];
  if (top === undefined || bottom === undefined) throw new Error('there is no ventricle');
  const line = (x1: number, y1: number, x2: number, y2: number): string => [x1, y1, x2, y2].join(',');
  return [
    line(top[1][0], top[0], bottom[1][0], bottom[0]),
    ...sorted.map(([y, [left, right]]) => line(left, y, right, y)),
  ];
}

describe('videos in the layout of EchoNet-Dynamic', () => {
  const root = join(base, 'echonet');
  const edge = 112;
  const frameCount = 200;
  const scenes = new Map<string, EchoScene>();

  beforeAll(async () => {
    mkdirSync(join(root, 'Videos'), { recursive: true });
    const list = ['FileName,EF,ESV,EDV,FrameHeight,FrameWidth,FPS,NumberOfFrames,Split'];
    const tracings = ['FileName,X1,Y1,X2,Y2,Frame'];
    for (const [name, ejectionFractionPercent] of [
      ['0XLOW', 25],
      ['0XHIGH', 60],
      ['0XNONE', 50],
    ] as const) {
      const options: SceneOptions = {
        ...{ seed: 11, width: edge, height: edge, framesPerSecond: 50 },
        echo: { ...plainEcho, ejectionFractionPercent, heartRateBpm: 70 },
      };
      const scene = echoScene(options);
      scenes.set(name, scene);
      const { beats } = scene.heart(frameCount);
      const second = beats[1];
      if (second === undefined) throw new Error('too few beats');
      const pictures = join(base, `${name}.rgb`);
      const bytes = Array.from({ length: frameCount }, (_, index) => scene.frame(index).rgb);
      writeFileSync(pictures, Buffer.concat(bytes));
      execFileSync(
        'gst-launch-1.0',
        `-q filesrc location=${pictures} ! rawvideoparse format=rgb width=${edge} height=${edge} framerate=50/1 ! videoconvert ! jpegenc quality=95 ! avimux ! filesink location=${join(root, 'Videos', `${name}.avi`)}`.split(
          ' ',
        ),
      );
      const ef = name === '0XNONE' ? '' : second.ejectionFractionPercent.toFixed(3);
      list.push(
        `${name},${ef},${second.endSystolicVolumeMl},${second.endDiastolicVolumeMl},${edge},${edge},50,${frameCount},TEST`,
      );
      for (const frame of [second.endSystole, second.endDiastole])
        tracings.push(
          ...chordsOf(scene.chambers(frame), edge).map((chord) => `${name}.avi,${chord},${frame}`),
        );
    }
    writeFileSync(join(root, 'FileList.csv'), `${list.join('\n')}\n`);
    writeFileSync(join(root, 'VolumeTracings.csv'), `${tracings.join('\n')}\n`);
    await Promise.resolve();
  }, 120_000);

  it('know end-diastole by its larger outline, and nothing of the other beats', async () => {
    const { clips } = openDataset('echonet', root, { task: 'binary', subset: null });
    const clip = await clips[0]?.open();
    const second = scenes.get('0XLOW')?.heart(frameCount).beats[1];
    expect(clip?.heart).toMatchObject({
      ...{ course: 'beats', complete: false },
      endDiastoles: [second?.endDiastole],
      endSystoles: [second?.endSystole],
    });
    expect(clip?.heart?.ejectionFractionPercent).toBeCloseTo(second?.ejectionFractionPercent ?? NaN, 3);
  });

  it('are measured by whole beats, and a clip without EF is named', async () => {
    const run = await evaluated(
      'echonet',
      root,
      new Oracle((name) => (frame) => scenes.get(name)?.chambers(frame) ?? new Uint8Array()),
    );
    const { mean, clips, unscored } = run;
    expect(clips.map(({ name }) => name)).toEqual(['0XLOW', '0XHIGH']);
    expect(unscored).toMatchObject([{ clip: '0XNONE', code: 'SONO_DATASET_HEART' }]);
    expect(mean.measured).toBe(2);
    // A picture of 112 pixels has 50 of them along the ventricle.
    expect(mean.ejectionFraction?.mae).toBeLessThan(4);
    expect(mean.endDiastole).toMatchObject({ matched: 2, reference: 2, precision: null });
    // The top of the curve is flat to a pixel for some frames.
    expect(mean.endDiastole.frames).toBeLessThanOrEqual(4);
    expect(mean.endDiastole.guidedFrames).toBeLessThanOrEqual(4);
    expect(mean.endSystole.frames).toBeLessThanOrEqual(3);
    expect(mean.delay?.meanMs).toBeGreaterThan(0);
    expect(mean.dice).toHaveLength(1);
    expect(mean.dice[0]?.all).toBeGreaterThan(0.97);
  }, 120_000);
});

describe('pictures in the layout of CAMUS', () => {
  const root = join(base, 'camus');
  const [width, height] = [320, 240];
  const scene = echoScene({
    ...{ seed: 2, width, height, framesPerSecond: 30 },
    echo: { ...plainEcho, ejectionFractionPercent: 45, heartRateBpm: 60 },
  });
  const truth = scene.heart(120).beats[0];
  if (truth === undefined) throw new Error('no beat');
  const moments = { ED: truth.endDiastole, ES: truth.endSystole };

  beforeAll(async () => {
    for (const patient of ['patient0001', 'patient0002', 'patient0041'])
      for (const [moment, frame] of Object.entries(moments)) {
        for (const part of ['frames', 'masks']) mkdirSync(join(root, patient, part), { recursive: true });
        await sharp(scene.frame(frame).rgb, { raw: { width, height, channels: 3 } })
          .jpeg({ quality: 95 })
          .toFile(join(root, patient, 'frames', `${moment}.jpg`));
        const map = scene.chambers(frame);
        // The second patient's ventricle was annotated with nothing in it.
        const mask =
          patient === 'patient0002' && moment === 'ES' ? map.map((value) => (value === 1 ? 0 : value)) : map;
        writeFileSync(
          join(root, patient, 'masks', `${moment}.png`),
          await encodePng(Uint8Array.from(mask), width, height, davisPalette),
        );
      }
  });

  it('are measured by the same disks on both sides; only patients 1 to 40 validate', async () => {
    const oracle = new Oracle(() => (frame) => scene.chambers(frame === 0 ? moments.ED : moments.ES));
    const { clips, unscored, mean } = await evaluated('camus', root, oracle);
    expect(clips.map(({ name }) => name)).toEqual(['patient0001']);
    expect(unscored).toMatchObject([{ clip: 'patient0002', code: 'SONO_DATASET_HEART' }]);
    expect(mean.ejectionFraction).toMatchObject({ count: 1, mae: 0 });
    expect(clips[0]).toMatchObject({
      ...{ course: 'stills', referenceOf: 'annotated outlines', interval: null },
      ...{ volumes: { endDiastolic: null, endSystolic: null } },
    });
    expect(Math.abs((clips[0]?.referencePercent ?? 0) - 45)).toBeLessThan(4);
    expect(mean.dice.map(({ endDiastole, endSystole }) => [endDiastole, endSystole])).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
    const names = (subset: string): number =>
      openDataset('camus', root, { task: 'binary', subset }).clips.length;
    expect([names('val'), names('train'), names('all')]).toEqual([2, 1, 3]);
    expect(() => names('test')).toThrow(/"test"/);
  });

  it('see what an outline that is too small at end-systole does to the ejection fraction', async () => {
    const oracle = new Oracle(() => (frame) => {
      const map = scene.chambers(frame === 0 ? moments.ED : moments.ES);
      if (frame === 0) return map;
      // One pixel less on each side.
      const less = map.map((value, at) =>
        value === 1 && (map[at - 1] !== 1 || map[at + 1] !== 1) ? 2 : value,
      );
      return less;
    });
    const { mean } = await evaluated('camus', root, oracle);
    expect(mean.ejectionFraction?.bias).toBeGreaterThan(1);
    expect(mean.dice[0]?.endSystole).toBeLessThan(0.98);
    expect(mean.dice[0]?.endDiastole).toBe(1);
  });

  it('name what is missing', async () => {
    const broken = join(base, 'camus-broken');
    cpSync(join(root, 'patient0001'), join(broken, 'patient0001'), { recursive: true });
    cpSync(join(root, 'patient0001'), join(broken, 'patient0002'), { recursive: true });
    cpSync(join(root, 'patient0001'), join(broken, 'patient0003'), { recursive: true });
    rmSync(join(broken, 'patient0001', 'frames', 'ES.jpg'));
    rmSync(join(broken, 'patient0002', 'masks', 'ED.png'));
    writeFileSync(
      join(broken, 'patient0003', 'masks', 'ED.png'),
      await encodePng(new Uint8Array(width * height).fill(7), width, height, davisPalette),
    );
    const found: unknown[] = [];
    for (const handle of openDataset('camus', broken, { task: 'binary', subset: null }).clips)
      try {
        const clip = await handle.open();
        for await (const { truth } of clip.frames({ width: 8, height: 8 })) expect(truth).not.toBeNull();
      } catch (error) {
        found.push((error as { code: string }).code);
      }
    expect(found).toEqual(['SONO_DATASET_FILE', 'SONO_DATASET_MASKS_MISSING', 'SONO_DATASET_LABEL']);
  });

  const real = join(packageRoot, '../shared/data/camus-4ch');
  it.skipIf(!existsSync(real))(
    'reads the real ones: EF of the annotated outlines against itself',
    async () => {
      const dataset = openDataset('camus', real, { task: 'binary', subset: 'val' });
      // Not every number of the 500 patients is there.
      expect(dataset.clips.length).toBeGreaterThan(30);
      for (const { name } of dataset.clips)
        expect(Number(name.slice('patient'.length))).toBeLessThanOrEqual(40);
      const clip = await dataset.clips[0]?.open();
      if (clip === undefined) throw new Error('no clip');
      const maps: Uint8Array[] = [];
      for await (const { truth } of clip.frames({ width: 16, height: 16 }))
        if (truth !== null) maps.push(Uint8Array.from(truth.data));
      const { clips } = await evaluateEjection(
        {
          ...{ kind: 'camus', root: real, clips: [clip.name], framesPerSecond: null, seed: 1 },
          ...{ onProgress: () => undefined, dataset: { task: 'binary', subset: null } },
        },
        new Oracle(() => (frame) => maps[frame] ?? new Uint8Array()),
      );
      expect(clips[0]?.measuredPercent).toBe(clips[0]?.referencePercent);
      expect(clips[0]?.referencePercent).toBeGreaterThan(10);
      expect(clips[0]?.referencePercent).toBeLessThan(85);
    },
  );
});

describe('the command', () => {
  const sonoscope = (...args: readonly string[]) =>
    new Promise<{ code: number; out: string; problems: string }>((resolve) => {
      execFile(
        process.execPath,
        [join(packageRoot, 'dist/src/cli/main.js'), 'evaluate', ...args],
        { env: { ...process.env, SONO_INVOKED_FROM: base }, maxBuffer: 1 << 26 },
        (error, out, problems) =>
          resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, problems }),
      );
    });
  const tiny = join(packageRoot, 'tests/golden/tiny-semantic');

  /** The tiny model under the names of the three structures: its outlines mean nothing, and its figures are exact all the same. */
  function renamed(name: string, names: readonly string[]): string {
    const folder = join(base, name);
    cpSync(tiny, folder, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as {
      classes: { name: string; color: string }[];
    };
    manifest.classes = manifest.classes.map(({ color }, index) => ({ name: names[index] ?? '', color }));
    writeFileSync(join(folder, 'model.json'), JSON.stringify(manifest));
    return folder;
  }

  it('gives table, JSON and report, and is not compared with results of tracking', async () => {
    const model = renamed('tiny-heart', Object.values(chambers));
    const ended = await sonoscope(
      ...['--task', 'ef', '--dataset', 'synthetic-echo', '--scenes', '2', '--seed', '5', '--model', model],
      ...['--provider', 'cpu', '--threads', '1', '--json', 'ef.json', '--html', 'ef-report'],
    );
    expect(ended.problems).toBe('');
    expect(ended.code).toBe(0);
    expect(ended.out).toMatch(/measured: \d of 2 clips/);
    const result = JSON.parse(readFileSync(join(base, 'ef.json'), 'utf8')) as EjectionFile;
    expect(result).toMatchObject({
      schema: 'sonoscope.evaluation.ef/1',
      dataset: { kind: 'synthetic-echo', clips: 2 },
      model: { name: 'tiny-semantic' },
      seed: 5,
    });
    for (const clip of result.clips) {
      expect(clip.measuredPercent === null).toBe(clip.note !== null);
      expect(clip.curve.volume).toHaveLength(clip.frames);
      for (const { all } of clip.dice) expect(all).toBeLessThan(0.9);
    }
    expect(readFileSync(join(base, 'ef-report', 'index.html'), 'utf8')).toContain('single-plane');
    const compared = await sonoscope('--compare', 'ef.json', 'ef.json');
    expect(compared.code).toBe(2);
    expect(compared.problems).toContain('SONO_EVALUATE_COMPARE');
    const tooFew = await sonoscope('--calibrate', 'ef.json');
    expect(tooFew.code).toBe(2);
    expect(tooFew.problems).toContain('fewer than 20 patients');
    const many = Array.from({ length: 30 }, (_, index) => {
      const measuredPercent = 50 + (index % 7) - 3;
      return {
        referencePercent: 50,
        measuredPercent,
        interval: { low: measuredPercent - 12, high: measuredPercent + 12 },
      };
    });
    writeFileSync(join(base, 'many.json'), JSON.stringify({ schema: result.schema, clips: many }));
    const calibrated = await sonoscope('--calibrate', 'many.json');
    expect(calibrated.problems).toBe('');
    expect(calibrated.out).toMatch(
      /from 30 patients[^]*factor: \d+\.\d\d\n[^]*100\.0 % inside, 24\.0 points wide/,
    );
  }, 120_000);

  it('refuses a model that knows no heart, and what the task has no use for', async () => {
    const scenes = ['--task', 'ef', '--dataset', 'synthetic-echo', '--scenes', '1', '--provider', 'cpu'];
    const foreign = await sonoscope(...scenes, '--model', tiny);
    expect(foreign.problems).toContain('SONO_EVALUATE_MODEL');
    expect(foreign.code).not.toBe(0);
    const policy = await sonoscope(...scenes, '--model', tiny, '--policy', 'sam2');
    expect(policy.problems).toContain('SONO_USAGE');
  }, 60_000);
});
