/** Entry of the inference thread. */
import { constants, getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { serveEngine } from './worker-server.js';
import type { WorkerStart } from './worker-protocol.js';

if (parentPort === null) throw new Error('this module is the entry of a worker thread');
// Overload must cost outlines before it costs pictures: on Linux this lowers only the calling thread, from what the whole
// program was started with, and ONNX Runtime's own threads, started later from here, inherit it. Elsewhere it would lower
// the whole program.
if (process.platform === 'linux') {
  try {
    setPriority(0, Math.min(getPriority(0) + 2, constants.priority.PRIORITY_LOW));
  } catch {
    // Without the right to do so the threads run at normal priority.
  }
}
await serveEngine(parentPort, workerData as WorkerStart);
