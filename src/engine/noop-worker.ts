/** Entry of the inference thread of the bench's engine without a model. */
import { parentPort, workerData } from 'node:worker_threads';
import { chooseNoop, chooseNoopSegmenter } from './noop-runner.js';
import { serveEngine } from './worker-server.js';
import type { WorkerStart } from './worker-protocol.js';

if (parentPort === null) throw new Error('this module is the entry of a worker thread');
await serveEngine(parentPort, workerData as WorkerStart, {
  tracker: chooseNoop,
  semantic: chooseNoopSegmenter,
});
