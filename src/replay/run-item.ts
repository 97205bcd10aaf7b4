/**
 * One clip from source to exported files: engine, backward pass, forward pass, checkpoints. Runs in the item's own process
 * (item-process.ts); everything with a side effect comes in through `ReplayTools`, the live implementations, and the engine.
 * Throws what these throw, and SONO_REPLAY_*.
 */
import { z } from 'zod';
import { unixNowMs } from '../node/clock.js';
import type { DicomReference } from '../dicom/reference.js';
import type { Exporter, ExportFormat, ExportInfo } from '../export/exporter.js';
import type { SonoError } from '../vocabulary/errors.js';
import type { Engine } from '../engine/engine.js';
import type { FrameSource } from '../ingest/frame-source.js';
import type { Correction } from '../protocol/project-requests.js';
import { wireFormat } from '../protocol/source-format.js';
import { withCompanions } from '../vocabulary/export-format.js';
import { scriptProblem } from '../vocabulary/prompt-script.js';
import type { PromptScript } from '../vocabulary/prompt-script.js';
import type { SourceFormat } from '../vocabulary/frame.js';
import { runBackwardPass } from './backward-pass.js';
import type { FrameSummary } from './clip-result.js';
import { EngineTimer } from './engine-timer.js';
import { replayError } from './errors.js';
import { BackwardResults, runForwardPass } from './forward-pass.js';
import type { EarlierMasks, ForwardPassSummary } from './forward-pass.js';
import { FoundObjects } from './found-objects.js';
import { FrameReader } from './frame-reader.js';
import { identifyInput } from './input-item.js';
import { checkEnd } from './endless.js';
import type { InputIdentity, InputItem } from './input-item.js';
import type { ItemSummary } from './item-summary.js';
import type { ModelFacts } from './model-facts.js';
import { outOfRange } from './prompt-problems.js';
import { momentText } from './range.js';
import type { FrameRange } from './range.js';
import { clipIdentity } from './run-identity.js';
import type { RunChoices } from './run-options.js';
import { sourceLoss } from './source-loss.js';
import { TrackedObjects } from './tracked-objects.js';
import { WorkFolder } from './work-folder.js';

export interface ItemOptions extends RunChoices {
  readonly item: InputItem;
  /** Where results go; exists. */
  readonly outDirectory: string;
  /** State of the unfinished run. */
  readonly workDirectory: string;
  /** Keep checkpoints of earlier moments too, so that a correction repeats only what lies behind it. */
  readonly keepStates: boolean;
  /** Whether an MCAP export carries the pictures. */
  readonly mcapPictures: boolean;
  /** MCAP with the masks of an earlier run: nothing is tracked, they are exported. */
  readonly masksFrom: string | null;
  /** Of these masks, and of what was measured on them. */
  readonly corrections: readonly Correction[];
  /** Outlines in place of those of these masks, each for its object alone; absent: there are none. */
  readonly repairs?: readonly Correction[];
}

/** Loading has begun before the run, which goes on meanwhile; the run closes the engine. */
interface LoadingModel {
  readonly engine: Promise<Engine>;
  /** What its folder says: known before the engine is ready. */
  readonly facts: Promise<Pick<ModelFacts, 'inputSize' | 'structures'>>;
}

export interface ReplayTools {
  readonly createSource: (item: InputItem) => FrameSource;
  readonly createExporter: (
    format: ExportFormat,
    options: { readonly mcapPictures: boolean },
  ) => Promise<Exporter>;
  readonly readDicomReference: (uri: string) => Promise<DicomReference | null>;
}

export interface ItemProgress {
  readonly pass: 'backward' | 'forward';
  /** Frames done in this pass. */
  readonly frames: number;
  /** null where the source does not know its length. */
  readonly totalFrames: number | null;
  readonly sourceFrame: number;
  readonly objects: FrameSummary['objects'];
}

const displayQuality = 92;

/** What the two passes have in common. */
interface ClipRun {
  readonly options: ItemOptions;
  readonly tools: ReplayTools;
  /** What the model finds by itself, null where it follows what is marked. */
  readonly structures: readonly string[] | null;
  readonly engine: Engine;
  readonly work: WorkFolder;
  readonly source: SourceFormat;
  readonly input: InputIdentity;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ItemProgress) => void;
}

export async function runItem(
  options: ItemOptions,
  model: LoadingModel,
  tools: ReplayTools,
  signal: AbortSignal,
  onProgress: (progress: ItemProgress) => void,
): Promise<ItemSummary> {
  const startedUnixMs = unixNowMs();
  checkEnd(options.item, options.range);
  const work = await WorkFolder.open(options.workDirectory);
  const exporters = await Promise.all(
    withCompanions(options.formats).map((format) => tools.createExporter(format, options)),
  );
  const { inputSize: analysisSize, structures } = await model.facts;
  const openSource = (pictures: boolean) =>
    new FrameReader(tools.createSource(options.item), {
      streamId: options.item.clip,
      analysisSize,
      displayQuality: pictures ? displayQuality : null,
      signal,
    });
  const needsPicture = exporters.some((exporter) => exporter.needsPicture);
  const goesBack = options.direction !== 'forward' && options.masksFrom === null;
  // None of these needs the others, and each takes its time: loading the network, starting the source's process, hashing a
  // long file. What the source says of itself comes from the forward pass's own reader where that is the first pass.
  const first = openSource(!goesBack && needsPicture);
  const described = Promise.all([identifyInput(options.item.uri), first.format()]);
  // Awaited below; if the network cannot be loaded, that is the news.
  described.catch(() => undefined);
  let engine: Engine | null = null;
  try {
    engine = await model.engine;
    const timer = new EngineTimer(engine);
    const [input, source] = await described;
    checkPlan(options.plan, source, options.range);
    await keepInput(work, options, input);
    await engine.setSourceSize(source.size);
    const run = { options, tools, structures, engine: timer.engine, work, source, input, signal, onProgress };
    if (goesBack) {
      first.close();
      await goBackwards(run, () => openSource(false));
    }
    const forward = await goForwards(run, goesBack ? openSource(needsPicture) : first, exporters);
    return summaryOf(run, forward, startedUnixMs, timer.seconds);
  } finally {
    first.close();
    await engine?.close();
  }
}

async function goBackwards(run: ClipRun, openSource: () => FrameReader): Promise<void> {
  const { options, engine, work, source, signal, onProgress } = run;
  let frames = 0;
  await runBackwardPass({
    engine,
    openSource,
    plan: options.plan,
    fromFirstPrompt: options.direction === 'both',
    range: options.range,
    work,
    sourceSize: source.size,
    chunkFrames: options.chunkFrames,
    spoolBytes: options.spoolBytes,
    signal,
    onFrame: ({ sourceFrame, objects }) =>
      onProgress({
        pass: 'backward',
        frames: ++frames,
        totalFrames: sourceFrame + frames,
        sourceFrame,
        objects: objects.map(({ label, state, score, confidence }) => ({ label, state, score, confidence })),
      }),
  });
  await engine.command({ kind: 'reset' }, null);
}

/** Frames that this process exported are fewer than `frames` where it went on with an interrupted run. */
type Forward = ForwardPassSummary & { readonly exported: number };

async function goForwards(
  run: ClipRun,
  reader: FrameReader,
  exporters: readonly Exporter[],
): Promise<Forward> {
  const { options, structures, engine, work, source, signal, onProgress } = run;
  const { masksFrom, range, plan } = options;
  let exported = 0;
  const summary = await runForwardPass({
    createObjects:
      options.direction === 'backward' || masksFrom !== null
        ? null
        : (ids) => (structures === null ? new TrackedObjects(engine, ids) : new FoundObjects(engine)),
    earlier: masksFrom === null ? new BackwardResults(work) : await storedMasks(masksFrom, options, source),
    keepStates: options.keepStates,
    snapshot: () => engine.snapshot(),
    restore: (snapshot) => engine.restore(snapshot),
    reader,
    plan,
    range,
    work,
    exporters,
    exportInfo: await exportInfoOf(run),
    signal,
    onFrame: (frame) =>
      onProgress({
        pass: 'forward',
        frames: ++exported,
        totalFrames: expectedFrames(source, range),
        ...frame,
      }),
  });
  if (summary.frames === 0)
    throw replayError('SONO_REPLAY_RANGE', {
      input: options.item.uri,
      from: momentText(range.from) ?? 'the beginning',
      to: momentText(range.to) ?? 'the end',
      frames: source.frameCount === null ? 'fewer pictures' : `${source.frameCount} pictures`,
    });
  return { ...summary, exported };
}

async function exportInfoOf({
  options,
  tools,
  structures,
  engine,
  source,
  input,
}: ClipRun): Promise<ExportInfo> {
  const { item, plan } = options;
  const { modelName, modelVersion, modelSha256 } = engine.info;
  const labels = structures ?? plan.objects.map(({ label }) => label);
  const dicom = await tools.readDicomReference(item.uri);
  return {
    directory: options.outDirectory,
    clip: item.clip,
    sourceUri: item.uri,
    source,
    objects: labels.map((label, index) => ({ id: index + 1, label })),
    software: { version: options.version, model: `${modelName} ${modelVersion}`, modelSha256 },
    identity: clipIdentity(options, input.sha256 ?? item.uri, item.stream, engine.info),
    inputIdentity: [input.sha256 ?? item.uri, ...(item.stream === null ? [] : [item.stream])].join('/'),
    segmentation: structures === null ? 'semiautomatic' : 'automatic',
    sourceModifiedUnixMs: input.modifiedUnixMs,
    dicom,
    loss: sourceLoss(item.uri, source, input, dicom),
    view: options.view,
    chunkFrames: options.chunkFrames,
  };
}

function summaryOf(
  { options: { item }, engine, source, input }: ClipRun,
  { frames, files, sourceFailure, exported }: Forward,
  startedUnixMs: number,
  engineSeconds: number,
): ItemSummary {
  const { modelName, modelVersion, modelSha256, provider, policy, inputSize } = engine.info;
  const seconds = (unixNowMs() - startedUnixMs) / 1000;
  const failure = sourceFailure as SonoError | null;
  return {
    clip: item.clip,
    input: { uri: item.uri, stream: item.stream, sha256: input.sha256, bytes: input.bytes },
    source: wireFormat(source),
    frames,
    engine: { modelName, modelVersion, modelSha256, provider, policy, inputSize },
    files: [...files],
    cutShort: failure && { code: failure.code ?? 'unknown', message: failure.message },
    timings: {
      startedUnixMs,
      seconds,
      engineSeconds,
      framesPerSecond: exported / Math.max(seconds, 1e-3),
    },
  };
}

const begunInput = z.object({ input: z.string() });

/**
 * Remembers which input the state in the folder is about. Throws SONO_REPLAY_RESUME_OTHER where the file was replaced by
 * another one since: half of the results would be about each.
 */
async function keepInput(work: WorkFolder, options: ItemOptions, { sha256 }: InputIdentity): Promise<void> {
  const input = sha256 ?? options.item.uri;
  const begun = await work.read('input.json', begunInput);
  if (begun === null) await work.write('input.json', { input });
  else if (begun.input !== input)
    throw replayError('SONO_REPLAY_RESUME_OTHER', { path: options.outDirectory, what: 'input' });
}

/** Reading MCAP takes libraries that other runs need not load. */
async function storedMasks(
  path: string,
  { item: { clip }, corrections, repairs = [] }: ItemOptions,
  source: SourceFormat,
): Promise<EarlierMasks> {
  const { StoredMasks } = await import('./stored-masks.js');
  const masks = await StoredMasks.open(path, clip);
  if (repairs.length > 0) {
    const { RepairedMasks } = await import('./repaired-masks.js');
    return new RepairedMasks(masks, repairs, source);
  }
  if (corrections.length === 0) return masks;
  const { CorrectedMasks, readCorrectedClip } = await import('./corrected-clip.js');
  return new CorrectedMasks(masks, await readCorrectedClip(masks, corrections, source), corrections);
}

/** Prompts that cannot fit this source. Times are compared when the frames are there. */
function checkPlan(plan: PromptScript, source: SourceFormat, { from, to }: FrameRange): void {
  const problem = scriptProblem(plan, { ...source, framesPerSecond: null });
  if (problem !== null) {
    const { kind, ...details } = problem;
    throw replayError(
      kind === 'no-frame' ? 'SONO_REPLAY_PROMPT_FRAME' : 'SONO_REPLAY_PROMPT_INVALID',
      details,
    );
  }
  for (const { label, prompts } of plan.objects)
    for (const { moment } of prompts)
      if (
        moment.kind === 'frame' &&
        ((from?.kind === 'frame' && moment.frame < from.frame) ||
          (to?.kind === 'frame' && moment.frame > to.frame))
      )
        throw outOfRange({ label, moment });
}

/** Frames that will be exported, as far as the source's own count can be trusted. */
function expectedFrames(source: SourceFormat, range: FrameRange): number | null {
  const { from, to, stride } = range;
  const frameAt = (moment: FrameRange['from'], otherwise: number): number | null =>
    moment === null
      ? otherwise
      : moment.kind === 'frame'
        ? moment.frame
        : source.framesPerSecond === null
          ? null
          : Math.round((moment.timeMs / 1000) * source.framesPerSecond);
  if (source.frameCount === null && (to === null || to.kind === 'time')) return null;
  const first = frameAt(from, 0);
  const last = frameAt(to, (source.frameCount ?? 1) - 1);
  if (first === null || last === null) return null;
  const end = Math.min(last, (source.frameCount ?? last + 1) - 1);
  return Math.max(0, Math.floor((end - first) / stride) + 1);
}
