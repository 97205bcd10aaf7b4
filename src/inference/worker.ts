/** Entry of the inference thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { serveEngine } from './worker-server.js';
import type { WorkerStart } from './worker-protocol.js';

if (parentPort === null) throw new Error('this module is the entry of a worker thread');
await serveEngine(parentPort, workerData as WorkerStart);
