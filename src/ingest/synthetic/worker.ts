/** Draws the frames of a scene in a thread of the source's child process, so that drawing never delays the reading of pictures. */
import { parentPort, workerData } from 'node:worker_threads';
import { uniformCalibration } from '../../vocabulary/calibration.js';
import type { SyntheticKind } from '../source-uri.js';
import { syntheticScene } from './index.js';
import type { SceneOptions } from './scene.js';

export interface SceneWorkerData {
  readonly scene: SyntheticKind;
  readonly options: SceneOptions;
}

const { scene: kind, options } = workerData as SceneWorkerData;
const scene = syntheticScene(kind, options);
parentPort?.on('message', (index: number) => {
  const pixels = new Uint32Array(options.width * options.height);
  scene.render(index, pixels);
  parentPort?.postMessage({ index, pixels: pixels.buffer }, [pixels.buffer]);
});
parentPort?.postMessage({ calibration: uniformCalibration(scene.pixelSpacingMm) });
