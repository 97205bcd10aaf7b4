/**
 * The whole graph of one live stream, readable from top to bottom, and the room that wraps it. Main thread.
 *
 *   source ─┬─ display ──────────────────────────────────────────► events ─► server: outbox of each client
 *           ├─ analysis ─► held 2 s ─► latestMap ─► engine ─► measure ► events
 *           └─ state, format, drops ─► meters ─► once a second ──► events
 *
 * The display branch passes nothing that can wait. The only queue is latestMap's single place; what it drops is counted.
 */
import { Subject, interval, merge, timer, type Observable } from 'rxjs';
import { filter, map, mergeMap, retry, share, tap } from 'rxjs/operators';
import { measure } from '../analysis/measure.js';
import { unixNowMs, unixNowNs } from '../node/clock.js';
import type { AnalysisFrame, DisplayFrame, SourceFormat } from '../vocabulary/frame.js';
import type { CreateEngine, EngineInfo, EngineOptions } from '../engine/engine.js';
import type { FrameSource, SourceEvent, SourceState } from '../ingest/frame-source.js';
import { redact } from '../ingest/source-uri.js';
import { SonoError } from '../vocabulary/errors.js';
import { codedFault, reasonOf } from '../vocabulary/faults.js';
import type { PromptScript } from '../vocabulary/prompt-script.js';
import { createPrompters } from '../prompters/prompter.js';
import { RoomEngine, planProblem } from './room-engine.js';
import { pipelineError } from './errors.js';
import { HeldFrames } from './held-frames.js';
import { latestMap } from './latest-map.js';
import { RoomMeters, type LatencyListener, type OptionalStageQuantiles } from './room-meters.js';
import type { Quantiles, Room, RoomEvent, RoomHealth } from './room.js';
import { SourceSwitch } from './source-switch.js';
import { StreamClock } from './stream-clock.js';

export interface RoomOptions {
  readonly id: string;
  readonly label: string;
  readonly sourceUri: string;
  readonly createSource: (uri: string) => FrameSource;
  /** null: picture only. */
  readonly analysis: {
    readonly createEngine: CreateEngine;
    readonly engine: Omit<EngineOptions, 'sourceSize' | 'keepLogits'>;
    /** Prompts applied at their source frame on every pass of the first source. */
    readonly plan: PromptScript | null;
  } | null;
  readonly loop: boolean;
  readonly displayQuality: number;
  readonly overlayLimitMs: number;
  readonly overlayVisible: boolean;
  readonly log: RoomLog;
  readonly onLatency?: LatencyListener;
  /** Gives up opening the room: it closes and its promise rejects. Later the room is ended by `close`. */
  readonly signal?: AbortSignal | undefined;
  /** The room before its source is opened: subscribe here to miss nothing. The room may still fail to open. */
  readonly beforeStart?: (room: LiveRoom) => void;
  /** Monotonic nanoseconds, the clock of `captureNs`. */
  readonly nowNs?: () => number;
}

/** The part of a structured logger that a room needs. */
export interface RoomLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What a room did since it opened, for the report of a run. */
export interface RoomReport {
  readonly id: string;
  readonly label: string;
  readonly source: string;
  readonly format: SourceFormat | null;
  readonly state: SourceState['phase'];
  readonly frames: RoomHealth['frames'] & { readonly dropped: RoomHealth['drops'] };
  readonly latencyMs: OptionalStageQuantiles & { readonly display: Quantiles | null };
  readonly engine: EngineInfo | null;
  /** What a person should know about this run, oldest first: prompts moved to another frame, provider changes, losses. */
  readonly notes: readonly string[];
}

export interface LiveRoom extends Room {
  report(): RoomReport;
  /** Set by a recorder; a recorder that fails says so with `problem`, which the room shows until it is set again. */
  setRecording(recording: boolean, problem?: string): void;
}

const monotonicNs = (): number => Number(process.hrtime.bigint());
const healthIntervalMs = 1000;
/** Fewer analysed frames than this share of the captured ones is a rate that people are told about. */
const fullRateShare = 0.95;
/** Rates mean little right after a start. */
const settleMs = 4000;
const maxNotes = 100;
/** The graph of a room in which something unexpected happened begins anew after so long; its source has gone on meanwhile. */
const faultPauseMs = 1000;

function roomFault(id: string, error: unknown): SonoError {
  return codedFault('room', id, error, (cause) =>
    pipelineError('SONO_ROOM_FAULT', { reason: reasonOf(cause) }, cause),
  );
}

interface Stages {
  readonly source$: Observable<SourceEvent>;
  readonly meters: RoomMeters;
  readonly held: HeldFrames;
  readonly analyser: RoomEngine | null;
  /** Health is also sent whenever this emits. */
  readonly changed$: Observable<void>;
  readonly health: () => RoomHealth;
  readonly format: () => SourceFormat | null;
  /** Format and state of the source. */
  readonly onControl: (event: Extract<SourceEvent, { kind: 'format' | 'state' }>) => void;
}

/** The graph. Cold; one subscription starts it, and everything ends with it. */
export function composeStream(stages: Stages): Observable<RoomEvent> {
  const { source$, meters, held, analyser, changed$, health, format, onControl } = stages;
  const frames$ = source$.pipe(
    tap((event) => {
      if (event.kind === 'dropped') meters.drop(event.stage, event.count);
      else if (event.kind === 'format' || event.kind === 'state') onControl(event);
      else meters.seen(event.frame);
    }),
    share(),
  );

  const display$ = frames$.pipe(
    filter(isDisplay),
    map(({ frame }): RoomEvent => ({ kind: 'display', frame })),
  );

  const results$ = frames$.pipe(
    filter(isAnalysis),
    map(({ frame }) => frame),
    tap((frame) => {
      held.push(frame);
      meters.waiting(frame);
    }),
    latestMap((frame) => analyser?.analyse(frame) ?? [], { onDrop: () => meters.drop('inference') }),
    filter((result) => result !== null),
    mergeMap((result): RoomEvent[] => {
      const measurements = measure(result, format());
      const measured: RoomEvent = { kind: 'measurement', frame: result.frame, measurements };
      return [{ kind: 'result', result }, ...(measurements.length > 0 ? [measured] : [])];
    }),
  );

  const health$ = merge(interval(healthIntervalMs), changed$).pipe(
    map((): RoomEvent => ({ kind: 'health', health: health() })),
  );

  return merge(display$, results$, health$);
}

const isDisplay = (event: SourceEvent): event is { kind: 'display'; frame: DisplayFrame } =>
  event.kind === 'display';
const isAnalysis = (event: SourceEvent): event is { kind: 'analysis'; frame: AnalysisFrame } =>
  event.kind === 'analysis';

/**
 * Loads the model, opens the source and starts the stream. Resolves once the source has shown its format (or is lost and
 * being retried); rejects with the coded error of a model, source or prompt that can never work.
 */
export async function openRoom(options: RoomOptions): Promise<LiveRoom> {
  const nowNs = options.nowNs ?? monotonicNs;
  const held = new HeldFrames();
  const meters = new RoomMeters(nowNs, options.onLatency);
  const room = new RoomState(options, meters, nowNs);

  // The model first: a file's first frames carry the prompts and must not pass while it loads.
  const analyser =
    options.analysis === null
      ? null
      : await RoomEngine.start({
          ...options.analysis,
          prompters: createPrompters({ script: options.analysis.plan }),
          signal: options.signal,
          held,
          onLost: () => meters.drop('inference'),
          onPrompted: (objectId, { sourceFrame }) =>
            options.log.info({ stream: options.id, objectId, sourceFrame }, 'object prompted'),
          onChange: () => room.changed$.next(),
          note: (text) => room.note(text),
        });
  const clock = new StreamClock(nowNs());
  const epochUnixNs = unixNowNs();
  const source = new SourceSwitch(
    options.createSource,
    {
      streamId: options.id,
      analysisSize: analyser?.info.inputSize ?? null,
      displayQuality: options.displayQuality,
      mode: 'live',
      loop: options.loop,
    },
    clock,
    nowNs,
  );
  room.attach(analyser, source);

  const { plan } = options.analysis ?? {};
  let refusal: SonoError | null = null;
  let opening = true;
  const events = new Subject<RoomEvent>();
  const graph$ = composeStream({
    source$: source.events$,
    meters,
    held,
    analyser,
    changed$: room.changed$,
    health: () => room.health(),
    format: () => room.format,
    onControl: (event) => {
      // Before the first frame: what this source refuses must not be tried on it, and complained of twice.
      if (opening && plan && event.kind === 'format') {
        refusal ??= planProblem(plan, event.format);
        if (refusal !== null) analyser?.dropPlan();
      }
      room.control(event);
    },
  }).pipe(
    retry({
      delay: (error: unknown) => {
        room.note(roomFault(options.id, error).message);
        return timer(faultPauseMs);
      },
    }),
  );
  const running = graph$.subscribe((event) => {
    try {
      // Subscribers write to their sockets inside next(), so the moment after it is the socket moment.
      events.next(event);
      if (event.kind === 'display') meters.displayed(event.frame);
      else if (event.kind === 'result') meters.analysed(event.result);
    } catch (error) {
      // Thrown from here it would be nobody's.
      room.note(roomFault(options.id, error).message);
    }
  });

  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      source.close();
      running.unsubscribe();
      events.complete();
      held.clear();
      await analyser?.close();
    })();
    return closing;
  };

  const live: LiveRoom = {
    id: options.id,
    label: options.label,
    epochUnixNs,
    events$: events.asObservable(),
    get format() {
      return room.format;
    },
    get health() {
      return room.health();
    },
    get sourceUri() {
      return redact(source.uri);
    },
    command: async (command, ptsNs) => {
      if (analyser === null)
        throw pipelineError('SONO_ANALYSIS_OFF', { reason: 'no model was chosen for it' });
      return analyser.command(command, ptsNs);
    },
    setOverlayVisible: (visible) => room.setOverlayVisible(visible),
    openSource: (uri, asker) =>
      source.replace(
        uri,
        () => {
          held.clear();
          meters.gap();
          room.sourceReplaced(uri);
        },
        asker,
      ),
    countClientDrop: (count) => meters.drop('client', count),
    setRecording: (recording, problem) => room.setRecording(recording, problem),
    report: () => room.report(),
    close,
  };

  const giveUp = (): void => void close();
  try {
    if (options.signal?.aborted) throw pipelineError('SONO_ROOM_CLOSED');
    options.beforeStart?.(live);
    options.signal?.addEventListener('abort', giveUp);
    await source.openFirst(options.sourceUri);
    opening = false;
    if (refusal !== null) throw refusal as SonoError;
  } catch (error) {
    await close();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
  }
  return live;
}

/** What a room knows beside its frames: state of the source, what people switched, notes. */
class RoomState {
  readonly changed$ = new Subject<void>();
  #format: SourceFormat | null = null;
  #source: SourceState = { phase: 'starting' };
  #sinceUnixMs = unixNowMs();
  #playingSinceNs: number | null = null;
  #overlayVisible: boolean;
  #recording = false;
  #recordingProblem: string | null = null;
  readonly #notes: string[] = [];
  #analyser: RoomEngine | null = null;
  #switch: SourceSwitch | null = null;

  constructor(
    private readonly options: RoomOptions,
    private readonly meters: RoomMeters,
    private readonly nowNs: () => number,
  ) {
    this.#overlayVisible = options.overlayVisible;
  }

  attach(analyser: RoomEngine | null, source: SourceSwitch): void {
    this.#analyser = analyser;
    this.#switch = source;
  }

  get format(): SourceFormat | null {
    return this.#format;
  }

  control(event: Extract<SourceEvent, { kind: 'format' | 'state' }>): void {
    if (event.kind === 'format') {
      this.#format = event.format;
      const { width, height } = event.format.size;
      this.options.log.info(
        { stream: this.options.id, width, height },
        `source: ${event.format.description}`,
      );
      this.#background(this.#analyser?.setSourceSize(event.format.size));
    } else {
      this.#setSourceState(event.state);
    }
    this.changed$.next();
  }

  #setSourceState(state: SourceState): void {
    const before = this.#source;
    if (state.phase !== before.phase) {
      this.#sinceUnixMs = unixNowMs();
      this.#playingSinceNs = state.phase === 'playing' ? this.nowNs() : null;
      this.meters.gap();
      this.options.log.info({ stream: this.options.id, phase: state.phase }, `source is ${state.phase}`);
    }
    if (state.phase === 'lost' && (before.phase !== 'lost' || before.reason.code !== state.reason.code)) {
      this.note(`Signal lost: ${state.reason.message}`, String(state.reason.code));
    }
    this.#source = state;
  }

  sourceReplaced(uri: string): void {
    this.options.log.info({ stream: this.options.id, uri: redact(uri) }, 'source replaced');
    this.note(`The source was replaced by ${redact(uri)}.`);
    this.#background(this.#analyser?.reset());
  }

  health(): RoomHealth {
    const rates = this.meters.rates();
    return {
      source: this.#source,
      sinceUnixMs: this.#sinceUnixMs,
      ...rates,
      latencyMs: this.meters.recentLatencyMs(),
      frames: this.meters.frames,
      drops: this.meters.drops,
      engine: this.#analyser?.info ?? null,
      degraded: this.#degraded(rates),
      overlayVisible: this.#overlayVisible,
      overlayLimitMs: this.options.overlayLimitMs,
      recording: this.#recording,
    };
  }

  /** The most serious thing that is not as it should be, in one sentence. */
  #degraded({ capturedFps, analysedFps }: Pick<RoomHealth, 'capturedFps' | 'analysedFps'>): string | null {
    const analyser = this.#analyser;
    if (this.#recordingProblem !== null) return this.#recordingProblem;
    if (analyser === null) return null;
    if (analyser.trouble !== null) return analyser.trouble.message;
    const settled = this.#playingSinceNs !== null && this.nowNs() - this.#playingSinceNs > settleMs * 1e6;
    if (settled && capturedFps >= 1 && analysedFps < capturedFps * fullRateShare)
      return `Outlines at ${analysedFps.toFixed(0)} of ${capturedFps.toFixed(0)} pictures per second: this computer is too slow for more. The picture itself is complete.`;
    return analyser.fallback;
  }

  setOverlayVisible(visible: boolean): void {
    if (visible === this.#overlayVisible) return;
    this.#overlayVisible = visible;
    this.changed$.next();
  }

  setRecording(recording: boolean, problem?: string): void {
    this.#recording = recording;
    this.#recordingProblem = problem ?? null;
    if (problem !== undefined) this.note(problem);
    this.changed$.next();
  }

  note(text: string, code?: string): void {
    this.options.log.warn({ stream: this.options.id, ...(code !== undefined && { code }) }, text);
    // Hours of trouble must not fill memory; the first notes say how it began.
    if (this.#notes.length < maxNotes) this.#notes.push(text);
  }

  report(): RoomReport {
    const { frames, drops } = this.meters;
    return {
      id: this.options.id,
      label: this.options.label,
      source: redact(this.#switch?.uri ?? this.options.sourceUri),
      format: this.#format,
      state: this.#source.phase,
      frames: { ...frames, dropped: drops },
      latencyMs: this.meters.totalLatencyMs(),
      engine: this.#analyser?.info ?? null,
      notes: [...this.#notes, ...(this.#source.phase === 'ended' ? (this.#analyser?.unreached() ?? []) : [])],
    };
  }

  /** Work that nobody waits for; its failure is noted. */
  #background(work: Promise<void> | undefined): void {
    work?.catch((error: unknown) => {
      // The room is being closed.
      if (error instanceof SonoError && error.code === 'SONO_ENGINE_CLOSED') return;
      this.note(roomFault(this.options.id, error).message);
    });
  }
}
