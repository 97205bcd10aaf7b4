/** Models of kind `semantic` through real ONNX Runtime: tests/golden/tiny-semantic tells colours apart. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listProviders, loadModel } from '../../../src/onnx/choose-provider.js';
import { noClass } from '../../../src/semantic/class-picture.js';
import { modelKinds, readFolderOf } from '../../../src/onnx/manifest.js';
import { openSemantic, type SemanticSession } from '../../../src/onnx/semantic.js';
import { blue, red, tinyFrame, tinyModelDir, tinySemanticDir, tinySize } from '../../tiny-scene.js';

const wish = { provider: 'cpu', threads: 1 } as const;
type Json = Record<string, unknown>;

let folder = '';
let copies = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sono-semantic-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A copy of the model with another model.json. */
async function changed(change: (manifest: Json) => void): Promise<string> {
  const directory = join(folder, `model-${copies++}`);
  await cp(tinySemanticDir, directory, { recursive: true });
  const manifest = JSON.parse(await readFile(join(directory, 'model.json'), 'utf8')) as Json;
  change(manifest);
  await writeFile(join(directory, 'model.json'), JSON.stringify(manifest));
  return directory;
}

const scene = tinyFrame(0, [
  { x: 16, y: 16, radius: 10, colour: red },
  { x: 48, y: 32, radius: 8, colour: blue },
]);
const pixel = (x: number, y: number): number => y * tinySize.width + x;
const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

describe('a semantic model', () => {
  let session: SemanticSession;
  beforeAll(async () => {
    session = await openSemantic(tinySemanticDir, wish);
  });
  afterAll(() => session.close());

  it('says what it can tell apart, and where it runs', () => {
    expect(session.model.classes.map(({ name }) => name)).toEqual(['background', 'red tool', 'blue tool']);
    expect(session.model.classes[1]?.color).toBe('#e6281e');
    expect(session.provider).toBe('cpu');
  });

  it('gives each pixel of the input a label and calibrated probabilities that add up to one', async () => {
    const result = await session.segment(scene.data, scene.size);
    expect(result.size).toEqual(tinySize);
    expect(result.labels).toHaveLength(tinySize.width * tinySize.height);
    expect([pixel(16, 16), pixel(48, 32), pixel(60, 4)].map((at) => result.labels[at])).toEqual([1, 2, 0]);
    const planes = [0, 1, 2].map((index) => result.probability(index));
    for (let at = 0; at < result.labels.length; at++) {
      const each = planes.map((plane) => plane[at] as number);
      expect(each.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
      expect(each.indexOf(Math.max(...each))).toBe(result.labels[at]);
    }
    // In the middle of the red disk: logits 2·S·(colour · class) − S·class², divided by the temperature 2.
    const colours = session.model.classes.map(({ color }) =>
      [1, 3, 5].map((place) => parseInt(color.slice(place, place + 2), 16) / 255),
    );
    const logits = colours.map((own) =>
      own.reduce((sum, part, channel) => sum + 20 * part * (2 * ((red[channel] as number) / 255) - part), 0),
    );
    const weights = logits.map((logit) => Math.exp(logit / 2));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    expect(planes[1]?.[pixel(16, 16)]).toBeCloseTo((weights[1] as number) / total, 4);
    expect(() => result.probability(3)).toThrow(RangeError);
  });

  it('gives numbers about the whole picture, probabilities calibrated', async () => {
    const { scalars } = await session.segment(scene.data, scene.size);
    const mean = scene.data.reduce((sum, value) => sum + value, 0) / scene.data.length / 255;
    expect(scalars['brightness']).toBeCloseTo(mean, 4);
    expect(scalars['quality']).toBeCloseTo(sigmoid((20 * (mean - 0.2)) / 2), 4);
    const black = await session.segment(new Uint8Array(scene.data.length), tinySize);
    expect(black.scalars['quality']).toBeCloseTo(sigmoid(-2), 4);
  });

  it('can have classes that overlap: a pixel may be of none', async () => {
    const directory = await changed((manifest) => {
      manifest['activation'] = 'sigmoid';
      manifest['calibration'] = { kind: 'temperature', temperature: 1, bias: -12 };
    });
    const overlapping = await openSemantic(directory, wish);
    const result = await overlapping.segment(scene.data, scene.size);
    await overlapping.close();
    expect([pixel(16, 16), pixel(60, 4)].map((at) => result.labels[at])).toEqual([1, noClass]);
    expect(result.probability(1)[pixel(16, 16)]).toBeGreaterThan(0.5);
    expect(result.probability(0)[pixel(60, 4)]).toBeLessThan(0.5);
  });

  it('refuses a picture of another size', async () => {
    const failure = session.segment(scene.data, { width: 48, height: 64 });
    await expect(failure).rejects.toMatchObject({ code: 'SONO_FRAME_SIZE' });
  });

  it('is not used where it does not agree with its stored test', async () => {
    const directory = await changed((manifest) => Object.assign(manifest, {}));
    await writeFile(join(directory, 'golden/quality.bin'), Buffer.from(Float32Array.of(9).buffer));
    await expect(openSemantic(directory, wish)).rejects.toMatchObject({
      code: 'SONO_PROVIDER_NONE',
      message: expect.stringContaining('"quality" differs from the reference') as string,
    });
  });

  it('is refused as a tracker, and a tracker in its place', async () => {
    await expect(loadModel(tinySemanticDir)).rejects.toMatchObject({
      code: 'SONO_MODEL_KIND',
      message: expect.stringContaining('of kind "semantic", but one of kind "tracker"') as string,
    });
    await expect(openSemantic(tinyModelDir, wish)).rejects.toMatchObject({ code: 'SONO_MODEL_KIND' });
    const unknown = await changed((manifest) => (manifest['kind'] = 'text'));
    await expect(readFolderOf(unknown, ...modelKinds)).rejects.toMatchObject({
      code: 'SONO_MODEL_KIND',
      message: expect.stringContaining('"tracker" or "semantic"') as string,
    });
  });

  it('is looked at like any other model by "doctor"', async () => {
    const providers = await listProviders(tinySemanticDir);
    expect(providers.find(({ provider }) => provider === 'cpu')).toMatchObject({ usable: true });
    expect(await readFolderOf(tinySemanticDir, ...modelKinds)).toMatchObject({
      kind: 'semantic',
      manifest: { version: '1.0.0', input: { width: 64 } },
    });
  });

  it.each<[string, (manifest: Json) => void]>([
    ['classes', (manifest) => (manifest['classes'] = [])],
    ['classes', (manifest) => (manifest['classes'] = [1, 2].map(() => ({ name: 'a', color: '#000000' })))],
    ['classes.0.color', (manifest) => (manifest['classes'] = [{ name: 'a', color: 'red' }])],
    ['activation', (manifest) => (manifest['activation'] = 'relu')],
    [
      'calibration.temperature',
      (manifest) => (manifest['calibration'] = { kind: 'temperature', temperature: 0, bias: 0 }),
    ],
    ['scalars', (manifest) => (manifest['scalars'] = [{ name: 'logits', as: 'value' }])],
    ['scalars.0.calibration', (manifest) => (manifest['scalars'] = [{ name: 'quality', as: 'probability' }])],
    [
      'golden.tolerance.logits',
      (manifest) => (manifest['golden'] = { file: 'golden/golden.json', tolerance: {} }),
    ],
    ['graphs.segment.outputs', (manifest) => (manifest['classes'] = [{ name: 'a', color: '#000000' }])],
    ['graphs.segment', (manifest) => (manifest['graphs'] = {})],
  ])('names the field of model.json that is wrong: %s', async (field, change) => {
    const failure = readFolderOf(await changed(change), 'semantic');
    await expect(failure).rejects.toMatchObject({ code: 'SONO_MODEL_MANIFEST' });
    await expect(failure).rejects.toThrow(`"${field}"`);
  });
});
