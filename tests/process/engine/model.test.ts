/** The model that is shipped: it loads, agrees with its golden test, stays within its limits and answers marks. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/node/built-module.js';
import type { AnalysisFrame, PictureSize } from '../../../src/vocabulary/frame.js';
import { compareGolden } from '../../../src/onnx/golden.js';
import { chooseProvider, loadModel, type LoadedModel } from '../../../src/onnx/choose-provider.js';
import type { Engine } from '../../../src/engine/engine.js';
import { openRunner } from '../../../src/onnx/session.js';
import { createWorkerEngine } from '../../../src/engine/worker-engine.js';
import { maskFromBitmap, maskIou } from '../../../src/mask/rle.js';
import { resizeMask } from '../../../src/mask/resize.js';
import { frameNs } from '../../tiny-scene.js';

const modelsDir = join(packageRoot, 'models');
const isTracker = (name: string): boolean => {
  const file = join(modelsDir, name, 'model.json');
  return existsSync(file) && /"kind": "tracker"/.test(readFileSync(file, 'utf8'));
};

describe.each(readdirSync(modelsDir).filter(isTracker))('models/%s', (name) => {
  let model: LoadedModel;
  beforeAll(async () => {
    model = await loadModel(join(modelsDir, name));
  });

  it('agrees with its golden test on the CPU, with one thread and with two', async () => {
    for (const threads of [1, 2]) {
      const runner = await openRunner(model.folder, model.graphs, { provider: 'cpu', threads });
      expect(await compareGolden(runner, model.golden)).toBeNull();
      await runner.close();
    }
  });

  it('finds a provider by itself', async () => {
    const { runner, rejected } = await chooseProvider(model, { provider: 'auto', threads: 1, failed: {} });
    expect(Object.keys(rejected)).not.toContain(runner.provider);
    await runner.close();
  });

  it('takes from 1 to as many objects as it says, each independent of the others', async () => {
    const { tracker } = model.folder;
    const runner = await openRunner(model.folder, model.graphs, { provider: 'cpu', threads: 2 });
    const { width, height } = tracker.inputSize;
    const frame = Uint8Array.from({ length: width * height * 3 }, (_, index) => (index * 7919) % 251);
    const bank = (objects: number) => {
      // Row r holds the same memory whatever the number of rows.
      const fill = (length: number, scale: number): Float32Array =>
        Float32Array.from({ length: objects * length }, (_, index) =>
          Math.abs(Math.sin((index % length) * 0.37 + Math.floor(index / length)) * scale),
        );
      return {
        objects,
        key: fill(tracker.slots * tracker.keyLength, 1),
        value: fill(tracker.slots * tracker.valueLength, 1),
        score: new Float32Array(objects * tracker.slots).fill(1),
        valid: new Float32Array(objects * tracker.slots).fill(1),
      };
    };
    const alone = await runner.track(frame, bank(1));
    const all = await runner.track(frame, bank(tracker.maxObjects));
    expect(all.iou).toHaveLength(tracker.maxObjects);
    expect(all.iou[0]).toBeCloseTo(alone.iou[0] ?? NaN, 3);
    const pixels = tracker.logitsSize.width * tracker.logitsSize.height;
    for (let pixel = 0; pixel < pixels; pixel += 13)
      expect(Math.abs((all.logits[pixel] ?? NaN) - (alone.logits[pixel] ?? NaN))).toBeLessThan(0.02);
    await runner.close();
  });
});

describe('the default model in its worker', () => {
  let size: PictureSize;
  let engine: Engine;
  beforeAll(async () => {
    const { width, height } = (await loadModel(join(modelsDir, 'compact'))).folder.manifest.input;
    size = { width, height };
    engine = await createWorkerEngine({
      modelDir: join(modelsDir, 'compact'),
      provider: 'auto',
      policy: null,
      threads: 2,
      sourceSize: { width: 896, height: 512 },
      keepLogits: false,
    });
  });
  afterAll(() => engine.close());

  /** Made for a picture 448 wide. */
  const place = (index: number) => {
    const unit = size.width / 448;
    return { x: (150 + index * 3) * unit, y: (120 + index) * unit, radius: 46 * unit };
  };
  const inside = (index: number, pixel: number): boolean => {
    const { x, y, radius } = place(index);
    return Math.hypot((pixel % size.width) - x, Math.floor(pixel / size.width) - y) < radius;
  };
  const frameAt = (index: number): AnalysisFrame => {
    const data = new Uint8Array(size.width * size.height * 3);
    for (let pixel = 0; pixel < size.width * size.height; pixel++) {
      const shade = 70 + 25 * Math.sin((pixel % size.width) / 37);
      const colour = inside(index, pixel) ? [225, 190, 80] : [shade, shade * 0.6, shade * 0.5];
      data.set(colour, pixel * 3);
    }
    const ns = index * frameNs;
    const moment = { ptsNs: ns, captureNs: ns, mediaNs: ns, decodedNs: ns };
    return { streamId: 's', ...moment, sourceFrame: index, discontinuity: 0, size, data };
  };
  const truth = (index: number) =>
    maskFromBitmap(
      Uint8Array.from({ length: size.width * size.height }, (_, pixel) => (inside(index, pixel) ? 1 : 0)),
      size.width,
      size.height,
    );

  it('follows a given mask over a drawn clip', async () => {
    const mask = { type: 'mask', mask: resizeMask(truth(0), { width: 896, height: 512 }) } as const;
    const command = { kind: 'prompt', objectId: null, label: 'disk', prompts: [mask] } as const;
    const { result } = await engine.command(command, frameAt(0));
    expect(result?.objects[0]?.state).toBe('tracking');
    for (let index = 1; index <= 12; index++) {
      const [object] = (await engine.track(frameAt(index))).objects;
      expect(object?.state).toBe('tracking');
      expect(object && maskIou(object.mask, truth(index))).toBeGreaterThan(0.7);
    }
  });
});
