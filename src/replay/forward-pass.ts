/**
 * Plays a clip once from its beginning: tracks forwards (unless the run only goes backwards), joins what the backward pass
 * found, and hands every frame to the exporters. Decoding (child process), inference (worker thread) and writing (thread
 * pool) overlap: while the engine works on one frame, the one before is written.
 *
 * After every `chunkFrames` exported frames engine and exporters are brought to a common state, `forward.json`, from which a
 * killed run goes on. Chunk borders fall on the same frames in every run.
 */
import { z } from 'zod';
import type { Exporter, ExportFrame, ExportInfo, ExportObject } from '../export/exporter.js';
import type { AnalysisFrame, FrameIdentity, PictureSize } from '../vocabulary/frame.js';
import type { FrameResult } from '../engine/engine.js';
import { emptyMask } from '../mask/rle.js';
import type { ObjectIds } from '../prompters/planned-prompts.js';
import { PromptSchedule } from '../prompters/prompt-schedule.js';
import type { PromptScript, PromptStep } from '../vocabulary/prompt-script.js';
import { readBackwardResults } from './backward-pass.js';
import { restoreObjects } from './clip-result.js';
import type { FrameSummary, LabelledObject, StoredFrame } from './clip-result.js';
import type { FrameReader, ReplayFrame } from './frame-reader.js';
import { FrameMeasurer, type StoredMeasurement } from './frame-measurer.js';
import { outOfRange, unknownFrame } from './prompt-problems.js';
import { RangeCursor } from './range.js';
import type { FrameRange } from './range.js';
import { objectIdsSchema, type RunObjects } from './tracked-objects.js';
import type { WorkFolder } from './work-folder.js';

interface ForwardPassOptions {
  /** null: nothing is tracked, only what the backward pass found is exported. */
  readonly createObjects: ((ids: ObjectIds) => RunObjects) | null;
  readonly snapshot: () => Promise<unknown>;
  readonly restore: (snapshot: unknown) => Promise<void>;
  readonly reader: FrameReader;
  readonly plan: PromptScript;
  readonly range: FrameRange;
  readonly work: WorkFolder;
  readonly exporters: readonly Exporter[];
  readonly exportInfo: ExportInfo;
  /** What was found before: by the backward pass, or by an earlier run. */
  readonly earlier: EarlierMasks;
  /** Keep earlier checkpoints beside the latest one. */
  readonly keepStates: boolean;
  readonly signal: AbortSignal;
  /** After each exported frame. */
  readonly onFrame: (frame: FrameSummary) => void;
}

/** What a killed run, or a correction, goes on from. */
export const forwardStateSchema = z.object({
  /** Exported frames so far. */
  done: z.int().min(0),
  /** The last of them. */
  lastSourceFrame: z.int(),
  ids: objectIdsSchema,
  /** Checked by the engine that takes it. */
  snapshot: z.unknown(),
  /** Length of the file from which what was measured over time is measured again; absent: nothing is. */
  measured: z.int().min(0).optional(),
  exporters: z.record(z.string(), z.record(z.string(), z.union([z.string(), z.number()]))),
});
export type ForwardState = z.infer<typeof forwardStateSchema>;

export interface ForwardPassSummary {
  /** Exported frames. */
  readonly frames: number;
  /** Frames decoded, those outside the range included. */
  readonly decoded: number;
  /** Error of the source behind its last good frame, null where it ended properly. */
  readonly sourceFailure: unknown;
  /** What the exporters made. */
  readonly files: readonly string[];
}

export const forwardStateName = 'forward.json';

/** Checkpoints that are kept for corrections: spread over the clip, so that their number has a bound. */
const keptStates = 24;

function keptStateName(done: number): string {
  return `forward-${String(done).padStart(8, '0')}.json`;
}

export async function keptStateNames(work: WorkFolder): Promise<string[]> {
  return (await work.names()).filter((name) => /^forward-\d+\.json$/.test(name)).sort();
}

async function keepState(work: WorkFolder, state: ForwardState): Promise<void> {
  await work.write(keptStateName(state.done), state);
  const names = await keptStateNames(work);
  if (names.length <= keptStates) return;
  // Every other one goes, the newest stays.
  for (let index = names.length - 2; index >= 0; index -= 2) await work.removeFile(names[index] as string);
}

/** Throws what engine, exporters and source (before its first frame) throw, and SONO_REPLAY_*. */
export async function runForwardPass(options: ForwardPassOptions): Promise<ForwardPassSummary> {
  const { work, exporters, exportInfo, reader } = options;
  const earlier = await work.read(forwardStateName, forwardStateSchema);
  let measurer: FrameMeasurer | null = null;
  try {
    for (const exporter of exporters)
      await exporter.open(exportInfo, earlier?.exporters[exporter.format] ?? null);
    if (earlier && earlier.snapshot !== null) await options.restore(earlier.snapshot);
    measurer = await FrameMeasurer.open(work.file('measured.jsonl'), exportInfo, earlier?.measured ?? null);
    const summary = await play(options, measurer, earlier);
    const files: string[] = [];
    for (const exporter of exporters) files.push(...(await exporter.close()));
    return { ...summary, files };
  } catch (error) {
    for (const exporter of exporters) await exporter.abort();
    throw error;
  } finally {
    reader.close();
    await measurer?.close();
  }
}

async function play(
  options: ForwardPassOptions,
  measurer: FrameMeasurer,
  earlier: ForwardState | null,
): Promise<Omit<ForwardPassSummary, 'files'>> {
  const { reader, plan, work, exporters, exportInfo } = options;
  const size = exportInfo.source.size;
  const schedule = new PromptSchedule(plan);
  const cursor = new RangeCursor(options.range);
  const objects = options.createObjects?.(earlier?.ids ?? []) ?? null;
  let done = earlier?.done ?? 0;
  let decoded = 0;
  let lastSourceFrame = earlier?.lastSourceFrame ?? -1;
  let sourceFailure: unknown = null;
  let writing: Promise<void> = Promise.resolve();
  const next = async () => {
    try {
      return await reader.next();
    } catch (error) {
      options.signal.throwIfAborted();
      // What was decoded before the damage is worth keeping; a source without any frame is not.
      if (decoded === 0) throw error;
      sourceFailure = error;
      return null;
    }
  };
  const checkpoint = async () => {
    await writing;
    const checkpoints = await Promise.all(
      exporters.map(async (exporter) => [exporter.format, await exporter.checkpoint()] as const),
    );
    const measured = await measurer.sync();
    const state: ForwardState = {
      done,
      lastSourceFrame,
      ids: (objects?.ids ?? []).map(([label, id]) => [label, id]),
      snapshot: objects && !objects.empty ? await options.snapshot() : null,
      ...(measured !== null && { measured }),
      exporters: Object.fromEntries(checkpoints),
    };
    await work.write(forwardStateName, state);
    if (options.keepStates) await keepState(work, state);
  };
  const finish = async ({ analysis, picture }: ReplayFrame, result: FrameResult | null) => {
    const tracked = objects && result ? objects.label(result, size) : [];
    const found = await options.earlier.at(analysis, size);
    const exportedObjects = exportInfo.objects.map((object) =>
      exportedObject(object, [tracked, found], size),
    );
    const exported: ExportFrame = {
      sourceFrame: analysis.sourceFrame,
      ptsNs: analysis.ptsNs,
      mediaNs: analysis.mediaNs,
      picture,
      objects: exportedObjects,
      measurements: await measurer.measure(analysis, {
        objects: exportedObjects,
        result,
        stored: (await options.earlier.measurements?.(analysis)) ?? [],
      }),
    };
    await writing;
    writing = Promise.all(exporters.map((exporter) => exporter.frame(exported))).then(() => undefined);
    writing.catch(() => undefined);
    done += 1;
    lastSourceFrame = analysis.sourceFrame;
    options.onFrame({
      sourceFrame: analysis.sourceFrame,
      objects: exported.objects.map(({ state, score, confidence }, index) => ({
        label: exportInfo.objects[index]?.label ?? '',
        state,
        score,
        confidence,
      })),
    });
    if (done % exportInfo.chunkFrames === 0) await checkpoint();
  };
  /** The frame in the engine: while it is worked on, the one before is made ready and written. */
  let running: { readonly frame: ReplayFrame; readonly result: Promise<FrameResult | null> } | null = null;
  const settle = async () => {
    const last = running;
    running = null;
    if (last) await finish(last.frame, await last.result);
  };
  for (let frame = await next(); frame; frame = await next()) {
    options.signal.throwIfAborted();
    const { analysis } = frame;
    decoded += 1;
    const place = cursor.place(analysis);
    if (place === 'after') break;
    const due = objects ? schedule.due(analysis) : [];
    if (due[0] && place === 'before') throw outOfRange(due[0]);
    const resumed = analysis.sourceFrame <= lastSourceFrame && earlier !== null;
    if (place === 'before' || resumed) continue;
    if (place === 'between') {
      await settle();
      if (objects) await objects.prompt(due, analysis);
      continue;
    }
    // The engine's state is only that of a checkpoint while nothing runs in it.
    if (running && (done + 1) % exportInfo.chunkFrames === 0) await settle();
    const before = running && { ...running, result: await running.result };
    const result = analyse(objects, due, analysis);
    // Awaited in the next round; a failure in between must not count as unhandled.
    result.catch(() => undefined);
    running = { frame, result };
    if (before) await finish(before.frame, before.result);
  }
  await settle();
  const missing = objects && !sourceFailure ? schedule.pending[0] : undefined;
  if (missing) throw options.range.to ? outOfRange(missing) : unknownFrame(missing, decoded);
  // A kill while the files get their final names finds everything on disk.
  await checkpoint();
  return { frames: done, decoded, sourceFailure };
}

/** Prompts of a frame, then the frame: null while nothing has been pointed at, where there is nothing to compute. */
async function analyse(
  objects: RunObjects | null,
  due: readonly PromptStep[],
  frame: AnalysisFrame,
): Promise<FrameResult | null> {
  if (!objects) return null;
  await objects.prompt(due, frame);
  return objects.empty ? null : objects.track(frame);
}

/** The first pass that knows the object has it; forwards comes first. Not yet pointed at: searching, no mask. */
function exportedObject(
  { id, label }: ExportObject,
  passes: readonly (readonly LabelledObject[])[],
  size: PictureSize,
): ExportFrame['objects'][number] {
  const object = passes.flat().find((candidate) => candidate.label === label);
  if (!object)
    return { id, state: 'searching', score: 0, confidence: 0, mask: emptyMask(size.width, size.height) };
  const { state, score, confidence, mask } = object;
  return { id, state, score, confidence, mask };
}

/** Masks that are known before the forward pass. */
export interface EarlierMasks {
  /** Asked for by ascending frame. */
  at(frame: FrameIdentity, size: PictureSize): Promise<readonly LabelledObject[]>;
  /** What was measured on it then, asked for behind `at`; absent: they hold masks alone. */
  measurements?(frame: FrameIdentity): Promise<readonly StoredMeasurement[]>;
}

export class BackwardResults implements EarlierMasks {
  readonly #frames: AsyncGenerator<StoredFrame>;
  #head: StoredFrame | null = null;
  #over = false;

  constructor(work: WorkFolder) {
    this.#frames = readBackwardResults(work);
  }

  async at({ sourceFrame }: FrameIdentity, size: PictureSize): Promise<readonly LabelledObject[]> {
    while (!this.#over && (this.#head === null || this.#head.sourceFrame < sourceFrame)) {
      const step: IteratorResult<StoredFrame, void> = await this.#frames.next();
      this.#head = step.done ? null : step.value;
      this.#over = step.done === true;
    }
    return this.#head?.sourceFrame === sourceFrame ? restoreObjects(this.#head, size) : [];
  }
}
