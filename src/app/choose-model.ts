/**
 * `model: auto`: the most accurate edition of the installed tracker that keeps up with the streams on this machine. Measured,
 * because neither the number of cores nor the processor's name says how fast its eight-bit arithmetic is.
 */
import { availableParallelism, cpus } from 'node:os';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { packageRoot } from '../node/built-module.js';
import { autoModel, findModel, type StreamConfig } from '../config/pipeline-file.js';
import { chooseProvider, loadModel } from '../onnx/choose-provider.js';
import { timeTracking } from '../onnx/golden.js';

/** Editions of one network, from accurate to fast (docs/models.md). */
export const editions = ['compact', 'compact-fast', 'compact-light'] as const;

/**
 * What a 720p stream costs besides the network, in cores at 25 pictures per second: decoding, JPEG, serving, and a browser that paints
 * without a GPU. Measured on a machine that encodes a JPEG in `jpegMs`; on others it is scaled by the time that their JPEG takes.
 */
const besideTheNetwork = { cores: 0.5, jpegMs: 14 };
/**
 * Plan for at most this share of the cores. Measured with two scenes and compact-fast: 0.99 planned: 6 of 12 pictures per second
 * analysed in each; 0.79: 10 or 11 of 12; 0.72: all of 16.
 */
const plannedShare = 0.8;
/** Share of a picture's interval that the network may take. If it took longer, every other outline would be late. */
const intervalShare = 0.7;

/** The machine's cores shared between the streams; more than four threads gain nothing with networks of this size. */
export function threadsPerStream(streams: number): number {
  return Math.max(1, Math.min(4, Math.floor(cpus().length / streams)));
}

export interface Demand {
  readonly streams: number;
  /** Those with a network. One that finds its structures by itself (.57 of compact-fast's time) is counted like a tracker: measured otherwise, two scenes and a browser fell behind. */
  readonly analysed: number;
  readonly framesPerSecond: number;
  /** Threads of the network, per stream. */
  readonly threads: number;
  readonly cores: number;
  /** Cores that one stream takes besides the network, at 25 pictures per second. */
  readonly besideCores: number;
  /** The network runs on the processor, not on a GPU. */
  readonly onProcessor: boolean;
}

/** Whether a network that takes `frameMs` per picture can analyse every picture of all streams. Pure. */
export function keepsUp(frameMs: number, demand: Demand): boolean {
  const { streams, analysed, framesPerSecond, threads, cores, besideCores, onProcessor } = demand;
  if (frameMs > (intervalShare * 1000) / framesPerSecond) return false;
  const network = onProcessor ? (frameMs / 1000) * framesPerSecond * threads : 0;
  return analysed * network + (streams * besideCores * framesPerSecond) / 25 <= plannedShare * cores;
}

export interface MeasuredEdition {
  readonly name: string;
  readonly modelDir: string;
  readonly frameMs: number;
  readonly demand: Demand;
  readonly keepsUp: boolean;
}

/** `frameMs` null: it is known to be faster than the ones before it, but has not been measured. */
interface JudgedEdition extends Omit<MeasuredEdition, 'frameMs'> {
  readonly frameMs: number | null;
}

/** Judges the same measurements at another rate. The last of the answer is the choice: the first that keeps up, else the fastest. Pure. */
export function atRate(
  measured: readonly MeasuredEdition[],
  framesPerSecond: number,
): readonly MeasuredEdition[] {
  const judged = measured.map((edition) => {
    const demand = { ...edition.demand, framesPerSecond };
    return { ...edition, demand, keepsUp: keepsUp(edition.frameMs, demand) };
  });
  const first = judged.findIndex((edition) => edition.keepsUp);
  return first === -1 ? judged : judged.slice(0, first + 1);
}

/**
 * Measures the installed editions, the most accurate first, until one keeps up. The last of the answer is the choice: that one, else
 * the fastest. Takes half a second per edition and blocks the calling thread for single frames only. Throws SONO_MODEL_… and SONO_PROVIDER_….
 */
export async function measureEditions(
  streams: readonly Pick<StreamConfig, 'modelDir' | 'provider' | 'threads'>[],
  framesPerSecond: number,
  signal?: AbortSignal,
): Promise<readonly MeasuredEdition[]> {
  // All streams with `auto` get the same edition; the first of them says with which provider and threads it is measured.
  const open = streams.find(({ modelDir }) => modelDir === autoModel);
  const threads = open?.threads ?? threadsPerStream(streams.length);
  const besideCores = (besideTheNetwork.cores * (await timeJpeg())) / besideTheNetwork.jpegMs;
  const measured: MeasuredEdition[] = [];
  for (const name of editions) {
    const modelDir = findModel(name, join(packageRoot, 'models'));
    if (modelDir === null || signal?.aborted) continue;
    const model = await loadModel(modelDir);
    const { runner } = await chooseProvider(model, {
      provider: open?.provider ?? 'auto',
      threads,
      failed: {},
    });
    try {
      const frameMs = (await timeTracking(runner, model.golden)) ?? Infinity;
      const demand = {
        streams: streams.length,
        analysed: streams.filter(({ modelDir }) => modelDir !== null).length,
        framesPerSecond,
        threads,
        cores: availableParallelism(),
        besideCores,
        onProcessor: runner.provider === 'cpu',
      };
      measured.push({
        name: basename(modelDir),
        modelDir,
        frameMs,
        demand,
        keepsUp: keepsUp(frameMs, demand),
      });
    } finally {
      await runner.close();
    }
    if (measured.at(-1)?.keepsUp) break;
  }
  return measured;
}

/**
 * Editions for one more room, judged by what was measured when the server started, because measuring beside rooms that run would hold them
 * up. The last of the answer is the choice: the first that keeps up, else the next faster edition, else the fastest. With fewer threads than
 * were measured a network is taken to be slower by as much: it is a little faster than that. Pure but for the folders of models.
 */
export function editionForAnother(
  measured: readonly MeasuredEdition[],
  { streams, analysed, threads }: Pick<Demand, 'streams' | 'analysed' | 'threads'>,
): readonly JudgedEdition[] {
  const judged: JudgedEdition[] = [];
  for (const edition of measured) {
    const frameMs = edition.frameMs * Math.max(1, edition.demand.threads / threads);
    const demand = { ...edition.demand, streams, analysed, threads };
    const one = { ...edition, frameMs, demand, keepsUp: keepsUp(frameMs, demand) };
    judged.push(one);
    if (one.keepsUp) return judged;
  }
  const last = judged.at(-1);
  const faster = editions.slice(editions.findIndex((name) => name === last?.name) + 1);
  for (const name of last ? faster : []) {
    const modelDir = findModel(name, join(packageRoot, 'models'));
    if (last && modelDir !== null) return [...judged, { ...last, name, modelDir, frameMs: null }];
  }
  return judged;
}

/** Milliseconds that this machine takes to encode a picture of 1280 × 720 as JPEG on one thread, the best of a dozen. */
async function timeJpeg(): Promise<number> {
  const [width, height] = [1280, 720];
  // A pattern with detail everywhere, so that every machine encodes the same picture.
  const pattern = Uint8Array.from({ length: 4099 }, (_, index) => (index >> 2) ^ ((index ** 2) >> 12));
  const pixels = Buffer.alloc(width * height * 3, pattern);
  let bestMs = Infinity;
  for (let round = 0; round < 12; round += 1) {
    const startMs = performance.now();
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 85 })
      .toBuffer();
    bestMs = Math.min(bestMs, performance.now() - startMs);
  }
  return bestMs;
}

/** "compact-fast: 21 ms per picture (compact: 58 ms, too slow for 25 per second here)". */
export function editionWords(measured: readonly JudgedEdition[], framesPerSecond: number): string {
  const words = ({ name, frameMs }: JudgedEdition): string =>
    frameMs === null ? `${name}: faster, not measured,` : `${name}: ${frameMs.toFixed(0)} ms`;
  const chosen = measured.at(-1);
  if (chosen === undefined) return 'no model is installed';
  const slower = measured.slice(0, -1).map(words).join(', ');
  const rest = slower === '' ? '' : ` (${slower}, too slow for ${framesPerSecond} per second here)`;
  const warning = chosen.keepsUp ? '' : '; outlines will come at less than the full rate';
  return `${words(chosen)} per picture${rest}${warning}`;
}

/** Streams with `autoModel` replaced by the edition that was chosen for all of them together. */
export function withEdition(
  streams: readonly StreamConfig[],
  measured: readonly MeasuredEdition[],
): readonly StreamConfig[] {
  const modelDir = measured.at(-1)?.modelDir ?? null;
  return streams.map((stream) => (stream.modelDir === autoModel ? { ...stream, modelDir } : stream));
}
