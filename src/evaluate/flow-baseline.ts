/**
 * Baseline: the first mask carried along by dense optical flow (OpenCV's DIS, preset medium), in a Python child process
 * (bench/accuracy/flow_baseline.py). Pictures go in as the tracker gets them, soft masks of the same size come back.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { packageRoot } from '../node/built-module.js';
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import type { Mask } from '../vocabulary/mask.js';
import { maskFromScaledLogits } from '../mask/resize.js';
import { maskToBitmap } from '../mask/rle.js';
import type { Prompt } from '../vocabulary/prompt.js';
import type { Clip } from './datasets/dataset.js';
import { evaluateError } from './errors.js';
import { maskOfPrompts, type Prediction, type Predictor } from './predictor.js';

/** Python with OpenCV: SONO_PYTHON, the test environment, or the system's. */
function python(): string {
  const own = join(packageRoot, '.sonoscope', 'venv-test', 'bin', 'python');
  return process.env['SONO_PYTHON'] ?? (existsSync(own) ? own : 'python3');
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

export class FlowPredictor implements Predictor {
  readonly name = 'optical flow (OpenCV DIS)';
  #child: Child | null = null;
  /** Settles when the child has ended. */
  #ended: Promise<unknown> = Promise.resolve();
  #problems = '';
  #reader: AsyncIterator<Buffer> | null = null;
  #waiting = Buffer.alloc(0);
  #size: PictureSize = { width: 0, height: 0 };
  #labels: number[] = [];
  #modelMs = 0;

  constructor(readonly inputSize: PictureSize) {}

  get timing(): { modelMs: number; trackerMs: number } {
    return { modelMs: this.#modelMs, trackerMs: 0 };
  }

  async start(clip: Clip): Promise<void> {
    await this.close();
    this.#size = clip.size;
    this.#labels = [];
    this.#modelMs = 0;
    const { width, height } = this.inputSize;
    const script = join(packageRoot, 'src', 'evaluate', 'flow_baseline.py');
    const child = spawn(python(), [script, String(width), String(height)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin.on('error', () => undefined); // Its exit says more.
    child.on('error', (error) => (this.#problems += error.message));
    child.stderr.on('data', (chunk: Buffer) => (this.#problems += chunk.toString()));
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', resolve));
    this.#problems = '';
    this.#waiting = Buffer.alloc(0);
    this.#reader = (child.stdout as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  async prompt(label: number, prompts: readonly Prompt[]): Promise<Mask> {
    const mask = maskOfPrompts(prompts, this.#size);
    await this.#send({ kind: 'mask', width: mask.width, height: mask.height }, maskToBitmap(mask));
    this.#labels.push(label);
    return mask;
  }

  async track(frame: AnalysisFrame): Promise<ReadonlyMap<number, Prediction>> {
    const started = performance.now();
    const { width, height } = this.inputSize;
    await this.#send({ kind: 'frame' }, frame.data);
    const predictions = new Map<number, Prediction>();
    for (const label of this.#labels) {
      const bytes = await this.#receive(width * height * 4);
      const soft = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
      const mask = maskFromScaledLogits(soft, this.inputSize, this.#size);
      predictions.set(label, {
        shown: mask,
        drawn: mask,
        confidence: null,
        score: null,
        state: 'tracking',
        logits: null,
      });
    }
    this.#modelMs += performance.now() - started;
    return predictions;
  }

  async close(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    child.stdin.end();
    child.kill('SIGKILL');
    await this.#ended;
  }

  async #send(header: object, data: Uint8Array): Promise<void> {
    const child = this.#child;
    if (child === null) throw evaluateError('SONO_EVALUATE_BASELINE', { reason: 'it was not started' });
    child.stdin.write(`${JSON.stringify(header)}\n`);
    if (!child.stdin.write(data))
      await Promise.race([new Promise((resolve) => child.stdin.once('drain', resolve)), this.#ended]);
  }

  async #receive(length: number): Promise<Buffer> {
    while (this.#waiting.length < length) {
      const chunk = await this.#reader?.next();
      if (chunk === undefined || chunk.done) {
        const reason = this.#problems.trim().split('\n').at(-1) ?? '';
        throw evaluateError('SONO_EVALUATE_BASELINE', { reason: reason || 'it stopped without a word' });
      }
      this.#waiting = Buffer.concat([this.#waiting, chunk.value]);
    }
    const result = this.#waiting.subarray(0, length);
    this.#waiting = this.#waiting.subarray(length);
    return result;
  }
}
