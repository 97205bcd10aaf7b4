/** A procedural scene as a source. Child process; the drawing happens in a worker thread, one frame ahead. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { builtModule } from '../../node/built-module.js';
import type { FrameProducer } from '../producer.js';
import type { SourceAddress } from '../source-uri.js';
import type { SceneWorkerData } from './worker.js';

export async function createSyntheticProducer(
  address: Extract<SourceAddress, { kind: 'synthetic' }>,
): Promise<FrameProducer> {
  const { scene, seed, width, height, framesPerSecond, durationS, echo } = address;
  const workerData: SceneWorkerData = { scene, options: { seed, width, height, framesPerSecond, echo } };
  const worker = new Worker(builtModule('src/ingest/synthetic/worker'), { workerData });
  const [hello] = (await once(worker, 'message')) as [Pick<FrameProducer, 'calibration'>];
  const waiting = new Map<number, (pixels: Uint8Array) => void>();
  const drawn = new Map<number, Promise<Uint8Array>>();
  worker.on('message', ({ index, pixels }: { index: number; pixels: ArrayBuffer }) => {
    waiting.get(index)?.(new Uint8Array(pixels));
    waiting.delete(index);
  });
  const frameCount = durationS === null ? null : Math.max(1, Math.round(durationS * framesPerSecond));
  const draw = (index: number): Promise<Uint8Array> => {
    let picture = drawn.get(index);
    if (picture === undefined) {
      picture = new Promise((resolve) => waiting.set(index, resolve));
      drawn.set(index, picture);
      worker.postMessage(index);
    }
    return picture;
  };
  return {
    size: { width, height },
    pixelFormat: 'RGBx',
    framesPerSecond,
    calibration: hello.calibration,
    frameCount,
    description: `synthetic ${scene}, seed ${seed}`,
    mediaNs: (index) => Math.round((index * 1e9) / framesPerSecond),
    frame: async (index) => {
      const picture = await draw(index);
      drawn.delete(index);
      if (frameCount === null || index + 1 < frameCount) void draw(index + 1);
      return picture;
    },
  };
}
