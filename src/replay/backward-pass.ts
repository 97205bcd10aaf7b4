/**
 * Tracks a clip from its latest prompt back to its beginning. The source only plays forwards, so a window of pictures at
 * model size goes to a spool file and is read from its end; when the window is used up, the source is decoded
 * again for the window before (docs/decisions/0011-backward-pass.md). Memory: one chunk of results.
 *
 * The engine sees time running forwards: its PTS are mirrored at the start frame. Results go to
 * `backward-<chunk>.json`, newest frame first; the state after each chunk to `backward.json`.
 */
import { z } from 'zod';
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import type { Engine } from '../engine/engine.js';
import type { Prompt } from '../vocabulary/prompt.js';
import { PromptSchedule } from '../prompters/prompt-schedule.js';
import type { PromptScript, PromptStep } from '../vocabulary/prompt-script.js';
import { promptFromWire, storedPromptSchema, promptToWire } from '../protocol/prompt-schema.js';
import { exportError } from '../export/errors.js';
import { storedFrameSchema, storeFrame } from './clip-result.js';
import type { StoredFrame } from './clip-result.js';
import { FrameSpool } from './frame-spool.js';
import type { FrameReader } from './frame-reader.js';
import { outOfRange, unknownFrame } from './prompt-problems.js';
import { RangeCursor } from './range.js';
import type { FrameRange } from './range.js';
import { objectIdsSchema, TrackedObjects } from './tracked-objects.js';
import type { WorkFolder } from './work-folder.js';

interface BackwardPassOptions {
  readonly engine: Engine;
  /** Opens the source from its beginning, without display pictures. */
  readonly openSource: () => FrameReader;
  readonly plan: PromptScript;
  /** true: each object goes back from its first prompt (the forward pass does the rest); false: from its last one. */
  readonly fromFirstPrompt: boolean;
  readonly range: FrameRange;
  readonly work: WorkFolder;
  readonly sourceSize: PictureSize;
  readonly chunkFrames: number;
  /** Most disk space of the spool. */
  readonly spoolBytes: number;
  readonly signal: AbortSignal;
  readonly onFrame: (frame: StoredFrame) => void;
}

const stateSchema = z.object({
  /** Ordinal (within the range) of the next frame to track; −1: the pass is complete. */
  next: z.int().min(-1),
  startPtsNs: z.number(),
  steps: z.array(z.object({ ordinal: z.int(), label: z.string(), prompts: z.array(storedPromptSchema) })),
  chunks: z.int().min(0),
  ids: objectIdsSchema,
  /** Checked by the engine that takes it. */
  snapshot: z.unknown(),
});
type State = z.infer<typeof stateSchema>;

interface PlacedStep {
  readonly ordinal: number;
  readonly step: PromptStep;
}

export const backwardStateName = 'backward.json';
const chunkName = (chunk: number): string => `backward-${String(chunk).padStart(6, '0')}.json`;

/** Frames to analyse in reverse order. Throws what source and engine throw, and SONO_REPLAY_*. */
export async function runBackwardPass(options: BackwardPassOptions): Promise<void> {
  const { engine, work } = options;
  const earlier = await work.read(backwardStateName, stateSchema);
  if (earlier?.next === -1) return;
  const { inputSize } = engine.info;
  const spool = await FrameSpool.create(
    work.file('backward.spool'),
    inputSize.width * inputSize.height * 3,
    options.spoolBytes,
  );
  try {
    let state: State;
    if (earlier) {
      state = earlier;
      if (earlier.snapshot !== null) await engine.restore(earlier.snapshot);
    } else {
      const { steps, startPtsNs } = await scout(options, spool);
      state = {
        next: Math.max(-1, ...steps.map(({ ordinal }) => ordinal)),
        startPtsNs,
        steps: steps.map(({ ordinal, step }) => ({
          ordinal,
          label: step.label,
          prompts: step.prompts.map(promptToWire),
        })),
        chunks: 0,
        ids: [],
        snapshot: null,
      };
    }
    const objects = new TrackedObjects(engine, state.ids);
    const stepsAt = (ordinal: number) => state.steps.filter((step) => step.ordinal === ordinal);
    while (state.next >= 0) {
      const results: StoredFrame[] = [];
      let ordinal = state.next;
      for (; ordinal >= 0 && results.length < options.chunkFrames; ordinal--) {
        options.signal.throwIfAborted();
        if (!spool.has(ordinal)) await fillWindow(options, spool, ordinal);
        const { between, ...frame } = await spool.get(ordinal);
        const mirrored = { ...frame, ptsNs: state.startPtsNs - frame.ptsNs };
        const steps = stepsAt(ordinal).map(({ label, prompts }): PromptStep => ({
          label,
          moment: { kind: 'frame', frame: frame.sourceFrame },
          prompts: prompts.map((prompt): Prompt => promptFromWire(prompt)),
        }));
        await objects.prompt(steps, mirrored);
        if (between) continue;
        const result = await objects.track(mirrored);
        const stored = storeFrame(frame.sourceFrame, objects.label(result, options.sourceSize));
        results.push(stored);
        options.onFrame(stored);
      }
      await work.write(chunkName(state.chunks), results);
      state = {
        ...state,
        next: ordinal,
        chunks: state.chunks + 1,
        ids: objects.ids.map(([label, id]) => [label, id]),
        snapshot: ordinal < 0 ? null : await engine.snapshot(),
      };
      await work.write(backwardStateName, state);
    }
  } finally {
    await spool.close();
  }
}

const chunkSchema = z.array(storedFrameSchema);

/** Results of a finished backward pass by ascending frame, one chunk in memory. Throws SONO_EXPORT_RESUME_BROKEN. */
export async function* readBackwardResults(work: WorkFolder): AsyncGenerator<StoredFrame> {
  // Of the state nothing else matters here: what cannot be read of it must not pass for a pass that found nothing.
  const state = await work.read(backwardStateName, stateSchema.pick({ chunks: true }));
  for (let chunk = (state?.chunks ?? 0) - 1; chunk >= 0; chunk--) {
    const frames = await work.read(chunkName(chunk), chunkSchema);
    if (!frames) throw exportError('SONO_EXPORT_RESUME_BROKEN', { path: work.file(chunkName(chunk)) });
    yield* frames.toReversed();
  }
}

/** Play up to the latest prompt that matters, the newest frames going to the spool. */
async function scout(
  options: BackwardPassOptions,
  spool: FrameSpool,
): Promise<{ steps: PlacedStep[]; startPtsNs: number }> {
  const schedule = new PromptSchedule(options.plan);
  const steps: PlacedStep[] = [];
  let startPtsNs = 0;
  let framesSeen = 0;
  const wanted = (step: PromptStep): boolean =>
    !options.fromFirstPrompt || !steps.some(({ step: known }) => known.label === step.label);
  for await (const { ordinal, frame, between, due, position } of ordinals(options, schedule)) {
    framesSeen = frame.sourceFrame + 1;
    if (due[0] && position !== 'inside') throw outOfRange(due[0]);
    if (ordinal === null) continue;
    await spool.put(ordinal, { ...frame, between });
    const relevant = due.filter(wanted);
    if (relevant.length > 0) startPtsNs = frame.ptsNs;
    steps.push(...relevant.map((step) => ({ ordinal, step })));
    if (!schedule.pending.some(wanted)) return { steps, startPtsNs };
  }
  const missing = schedule.pending.find(wanted);
  if (missing) throw options.range.to ? outOfRange(missing) : unknownFrame(missing, framesSeen);
  return { steps, startPtsNs };
}

/** Put the frames that end with `last` into the spool, as many as it holds. */
async function fillWindow(options: BackwardPassOptions, spool: FrameSpool, last: number): Promise<void> {
  spool.clear();
  const first = Math.max(0, last - spool.capacity + 1);
  for await (const { ordinal, frame, between } of ordinals(options, new PromptSchedule(options.plan))) {
    options.signal.throwIfAborted();
    if (ordinal !== null && ordinal >= first) await spool.put(ordinal, { ...frame, between });
    if (ordinal === last) return;
  }
  throw new Error(`the source ended before frame ${last}, which it had before`);
}

interface Placed {
  /** Counts the frames that matter: those inside the range, and those between on which a prompt lies. */
  readonly ordinal: number | null;
  readonly frame: AnalysisFrame;
  readonly between: boolean;
  readonly due: readonly PromptStep[];
  readonly position: 'before' | 'inside' | 'after';
}

async function* ordinals(options: BackwardPassOptions, schedule: PromptSchedule): AsyncGenerator<Placed> {
  const cursor = new RangeCursor(options.range);
  let count = 0;
  const reader = options.openSource();
  try {
    for (let next = await reader.next(); next; next = await reader.next()) {
      options.signal.throwIfAborted();
      const frame = next.analysis;
      const place = cursor.place(frame);
      if (place === 'after') return;
      const due = schedule.due(frame);
      const between = place === 'between';
      const counted = place === 'inside' || (between && due.length > 0);
      yield {
        ordinal: counted ? count++ : null,
        frame,
        between,
        due,
        position: place === 'before' ? 'before' : 'inside',
      };
    }
  } finally {
    reader.close();
  }
}
