/**
 * One clip from source to exported files: engine, backward pass, forward pass, checkpoints, identity. Runs in the item's own
 * process (item-process.ts); everything with a side effect comes in through `ReplayTools`, the live implementations.
 */
import { createHash } from 'node:crypto';
import { unixNowMs } from '../node/clock.js';
import type { Exporter, ExportFormat, ExportInfo } from '../export/exporter.js';
import type { DicomReference } from '../export/exporter.js';
import type { SonoError } from '../vocabulary/errors.js';
import type { Engine, EngineInfo, EngineOptions } from '../engine/engine.js';
import { readModelFolder } from '../onnx/manifest.js';
import type { ProviderName } from '../onnx/provider.js';
import type { FrameSource } from '../ingest/frame-source.js';
import { scriptProblem } from '../vocabulary/prompt-script.js';
import type { PromptScript } from '../vocabulary/prompt-script.js';
import type { SourceFormat } from '../vocabulary/frame.js';
import { promptToWire } from '../protocol/requests.js';
import { runBackwardPass } from './backward-pass.js';
import { replayError } from './errors.js';
import { BackwardResults, runForwardPass } from './forward-pass.js';
import type { FoundResults } from './forward-pass.js';
import type { StoredOrEmpty } from './forward-pass.js';
import { FrameReader } from './frame-reader.js';
import { identifyInput } from './input-item.js';
import { checkEnd } from './endless.js';
import type { InputItem } from './input-item.js';
import { outOfRange } from './prompt-problems.js';
import { momentText } from './range.js';
import type { FrameRange } from './range.js';
import { engineOptions } from './run-options.js';
import type { Direction } from './run-options.js';
import { TrackedObjects } from './tracked-objects.js';
import { WorkFolder } from './work-folder.js';

export interface ItemOptions {
  readonly item: InputItem;
  readonly plan: PromptScript;
  /** Where results go; exists. */
  readonly outDirectory: string;
  /** State of the unfinished run. */
  readonly workDirectory: string;
  readonly formats: readonly ExportFormat[];
  readonly direction: Direction;
  readonly range: FrameRange;
  readonly modelDir: string;
  readonly provider: ProviderName | 'auto';
  readonly policy: string | null;
  readonly threads: number;
  readonly chunkFrames: number;
  readonly spoolBytes: number;
  /** Version of sonoscope. */
  readonly version: string;
  /** Keep checkpoints of earlier moments too, so that a correction repeats only what lies behind it. */
  readonly keepStates: boolean;
  /** Whether an MCAP export carries the pictures. */
  readonly mcapPictures: boolean;
  /** MCAP with the masks of an earlier run: nothing is tracked, they are exported. */
  readonly masksFrom: string | null;
}

export interface ReplayTools {
  readonly createSource: (item: InputItem) => FrameSource;
  readonly createEngine: (options: EngineOptions) => Promise<Engine>;
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
  readonly objects: StoredOrEmpty['objects'];
}

export interface ItemSummary {
  readonly clip: string;
  readonly input: {
    readonly uri: string;
    readonly stream: string | null;
    readonly sha256: string | null;
    readonly bytes: number;
  };
  readonly source: SourceFormat;
  readonly frames: number;
  readonly engine: Pick<
    EngineInfo,
    'modelName' | 'modelVersion' | 'modelSha256' | 'provider' | 'policy' | 'inputSize'
  >;
  readonly files: readonly string[];
  /** Code and sentence where the source broke off behind its last good frame. */
  readonly cutShort: { readonly code: string; readonly message: string } | null;
  readonly timings: {
    readonly startedUnixMs: number;
    readonly seconds: number;
    /** Seconds in the engine's calls. */
    readonly engineSeconds: number;
    readonly framesPerSecond: number;
  };
}

const displayQuality = 92;

export async function runItem(
  options: ItemOptions,
  tools: ReplayTools,
  signal: AbortSignal,
  onProgress: (progress: ItemProgress) => void,
): Promise<ItemSummary> {
  const startedUnixMs = unixNowMs();
  checkEnd(options.item, options.range);
  const work = await WorkFolder.open(options.workDirectory);
  const timed = new EngineTimer();
  const { inputSize } = (await readModelFolder(options.modelDir)).tracker;
  const exporters = await Promise.all(options.formats.map((format) => tools.createExporter(format, options)));
  const needsPicture = exporters.some((exporter) => exporter.needsPicture);
  const openSource = (pictures: boolean) =>
    new FrameReader(tools.createSource(options.item), {
      streamId: options.item.clip,
      analysisSize: inputSize,
      displayQuality: pictures ? displayQuality : null,
      signal,
    });
  const onlyForward = options.direction === 'forward' || options.masksFrom !== null;
  // None of these needs the others, and each takes its time: loading the network, starting the source's process, hashing a
  // long file. What the source says of itself comes from the forward pass's own reader where that is the first pass.
  const first = openSource(onlyForward && needsPicture);
  const loading = tools.createEngine(engineOptions(options));
  const described = Promise.all([identifyInput(options.item.uri), first.format()]);
  // Awaited below; if the network cannot be loaded, that is the news.
  described.catch(() => undefined);
  let engine: Engine;
  try {
    engine = await loading;
  } catch (error) {
    first.close();
    throw error;
  }
  try {
    const [input, source] = await described;
    if (!onlyForward) first.close();
    checkPlan(options.plan, source, options.range);
    await engine.setSourceSize(source.size);
    const timedEngine = timed.around(engine);

    if (options.direction !== 'forward' && options.masksFrom === null) {
      let frames = 0;
      await runBackwardPass({
        engine: timedEngine,
        openSource: () => openSource(false),
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
            objects: objects.map(({ label, state, score, confidence }) => ({
              label,
              state,
              score,
              confidence,
            })),
          }),
      });
      await engine.command({ kind: 'reset' }, null);
    }

    const exportInfo: ExportInfo = {
      directory: options.outDirectory,
      clip: options.item.clip,
      sourceUri: options.item.uri,
      source,
      objects: options.plan.objects.map(({ label }, index) => ({ id: index + 1, label })),
      software: {
        version: options.version,
        model: `${engine.info.modelName} ${engine.info.modelVersion}`,
        modelSha256: engine.info.modelSha256,
      },
      identity: identityOf(options, input.sha256, engine.info),
      sourceModifiedUnixMs: input.modifiedUnixMs,
      dicom: await tools.readDicomReference(options.item.uri),
      chunkFrames: options.chunkFrames,
    };
    let exported = 0;
    const { frames, sourceFailure, files } = await runForwardPass({
      createObjects:
        options.direction === 'backward' || options.masksFrom !== null
          ? null
          : (ids) => new TrackedObjects(timedEngine, ids),
      found:
        options.masksFrom === null
          ? new BackwardResults(work)
          : await storedMasks(options.masksFrom, options.item.clip),
      keepStates: options.keepStates,
      snapshot: () => engine.snapshot(),
      restore: (snapshot) => engine.restore(snapshot),
      reader: onlyForward ? first : openSource(needsPicture),
      plan: options.plan,
      range: options.range,
      work,
      exporters,
      exportInfo,
      signal,
      onFrame: ({ sourceFrame, objects }) =>
        onProgress({
          pass: 'forward',
          frames: ++exported,
          totalFrames: expectedFrames(source, options.range),
          sourceFrame,
          objects,
        }),
    });
    if (frames === 0)
      throw replayError('SONO_REPLAY_RANGE', {
        input: options.item.uri,
        from: momentText(options.range.from) ?? 'the beginning',
        to: momentText(options.range.to) ?? 'the end',
        frames: source.frameCount === null ? 'fewer pictures' : `${source.frameCount} pictures`,
      });
    const { modelName, modelVersion, modelSha256, provider, policy, inputSize } = engine.info;
    const seconds = (unixNowMs() - startedUnixMs) / 1000;
    const failure = sourceFailure as SonoError | null;
    return {
      clip: options.item.clip,
      input: {
        uri: options.item.uri,
        stream: options.item.stream,
        sha256: input.sha256,
        bytes: input.bytes,
      },
      source,
      frames,
      engine: { modelName, modelVersion, modelSha256, provider, policy, inputSize },
      files,
      cutShort: failure && { code: failure.code ?? 'unknown', message: failure.message },
      timings: {
        startedUnixMs,
        seconds,
        engineSeconds: timed.seconds,
        framesPerSecond: exported / Math.max(seconds, 1e-3),
      },
    };
  } finally {
    first.close();
    await engine.close();
  }
}

/** Reading MCAP takes libraries that other runs need not load. */
async function storedMasks(path: string, clip: string): Promise<FoundResults> {
  const { StoredMasks } = await import('./stored-masks.js');
  return StoredMasks.open(path, clip);
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

/** Everything that decides the results, and nothing else. */
function identityOf(options: ItemOptions, inputSha256: string | null, engine: EngineInfo): string {
  return createHash('sha256')
    .update(
      JSON.stringify({
        input: inputSha256 ?? options.item.uri,
        stream: options.item.stream,
        model: engine.modelSha256,
        provider: engine.provider,
        policy: engine.policy,
        direction: options.direction,
        range: options.range,
        plan: options.plan.objects.map(({ label, prompts }) => ({
          label,
          prompts: prompts.map(({ moment, prompt }) => ({ moment, prompt: promptToWire(prompt) })),
        })),
      }),
    )
    .digest('hex');
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

class EngineTimer {
  #nanoseconds = 0n;

  get seconds(): number {
    return Number(this.#nanoseconds) / 1e9;
  }

  around(engine: Engine): Engine {
    const timed = async <T>(call: () => Promise<T>): Promise<T> => {
      const started = process.hrtime.bigint();
      try {
        return await call();
      } finally {
        this.#nanoseconds += process.hrtime.bigint() - started;
      }
    };
    return {
      info: engine.info,
      setSourceSize: (size) => engine.setSourceSize(size),
      track: (frame) => timed(() => engine.track(frame)),
      command: (command, frame) => timed(() => engine.command(command, frame)),
      snapshot: () => engine.snapshot(),
      restore: (snapshot) => engine.restore(snapshot),
      close: () => engine.close(),
    };
  }
}
