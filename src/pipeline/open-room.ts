/** Opens a room: loads the model, opens the source, starts the graph of its stream. Main thread. */
import { Subject, retry, timer } from 'rxjs';
import type { CreateEngine, EngineOptions } from '../engine/engine.js';
import type { FrameSource } from '../ingest/frame-source.js';
import { nameOfSource, redact } from '../ingest/source-uri.js';
import { StreamClock } from '../ingest/stream-clock.js';
import { monotonicNs, unixNsOfMonotonic } from '../node/clock.js';
import type { SonoError } from '../vocabulary/errors.js';
import { StandingNumbers } from '../analysis/standing-numbers.js';
import { createPrompters } from '../prompters/prompter.js';
import type { PromptScript } from '../vocabulary/prompt-script.js';
import type { EchoView } from '../vocabulary/echo.js';
import { BiplaneStudy } from './biplane-study.js';
import { pipelineError } from './errors.js';
import { tellPictureKind } from './tell-picture-kind.js';
import { streamGraph } from './graph.js';
import { HeldFrames } from './held-frames.js';
import { RoomEcho } from './room-echo.js';
import { RoomEngine, planProblem } from './room-engine.js';
import { RoomMeters, type LatencyListener } from './room-meters.js';
import { RoomNotes, RoomState, type RoomLog } from './room-state.js';
import type { LiveRoom, RoomEvent } from './room.js';
import { SourceSwitch } from './source-switch.js';

export interface RoomOptions {
  readonly id: string;
  /** null: it is called like what it shows, also when that changes. */
  readonly label: string | null;
  readonly sourceUri: string;
  readonly createSource: (uri: string) => FrameSource;
  /** null: picture only. */
  readonly analysis: {
    readonly createEngine: CreateEngine;
    readonly engine: Omit<EngineOptions, 'sourceSize' | 'keepLogits'>;
    /** Prompts applied at their source frame of the first source, again after each discontinuity. */
    readonly plan: PromptScript | null;
  } | null;
  /** The apical view that it shows (null: nobody has said), and whom it shares a study with; absent: with nobody. */
  readonly echo?: { readonly view: EchoView | null; readonly study: BiplaneStudy };
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
}

/** After something unexpected the graph of a room begins anew, this much later; its source has gone on meanwhile. */
const faultPauseMs = 1000;

/**
 * Resolves once the source has shown its format (or is lost and being retried); rejects with the coded error of a model, source
 * or prompt that can never work.
 */
export async function openRoom(options: RoomOptions): Promise<LiveRoom> {
  const { id } = options;
  let given = options.label;
  const label = (): string => given ?? nameOfSource(source.uri === '' ? options.sourceUri : source.uri);
  const held = new HeldFrames();
  const meters = new RoomMeters(options.onLatency);
  const notes = new RoomNotes(id, options.log);
  const changed$ = new Subject<void>();
  const closing$ = new Subject<void>();

  // The model first: a file's first frames carry the prompts and must not pass while it loads.
  const engine =
    options.analysis === null
      ? null
      : await RoomEngine.start({
          ...options.analysis,
          prompters: createPrompters({ script: options.analysis.plan }),
          signal: options.signal,
          held,
          onLost: () => meters.drop('inference'),
          onPrompted: (objectId, { sourceFrame }) =>
            options.log.info({ stream: id, objectId, sourceFrame }, 'object prompted'),
          onChange: () => changed$.next(),
          note: (text) => notes.add(text),
        });
  const clock = new StreamClock(monotonicNs());
  const source = new SourceSwitch(options.createSource, {
    streamId: id,
    analysisSize: engine?.info.inputSize ?? null,
    displayQuality: options.displayQuality,
    mode: 'live',
    loop: options.loop,
    clock,
  });
  const sourceUri = (): string => source.uri;
  const events = new Subject<RoomEvent>();
  const epochUnixNs = unixNsOfMonotonic(clock.zeroNs);
  const { view, study } = options.echo ?? { view: null, study: new BiplaneStudy() };
  const biplane = study.join(id, view);
  const echo: RoomEcho = new RoomEcho({
    id,
    get label() {
      return label();
    },
    epochUnixNs,
    biplane,
    sourceUri: () => redact(source.uri),
    format: () => state.format,
    engine: () => engine?.info ?? null,
    onChange: () => changed$.next(),
    onHeld: (measurement) => events.next({ kind: 'held', held: measurement }),
  });
  const state = new RoomState({ ...options, label, notes, changed$, meters, held, engine, echo, sourceUri });

  const plan = options.analysis?.plan ?? null;
  let refusal: SonoError | null = null;
  let opening = true;
  const graph$ = streamGraph({
    source$: tellPictureKind(source.events$),
    control: (event) => {
      // Before the first frame: what this source refuses must not be tried on it, and complained of twice.
      if (opening && plan !== null && event.kind === 'format') {
        refusal ??= planProblem(plan, event.format);
        if (refusal !== null) engine?.dropPlan();
      }
      state.control(event);
    },
    meters,
    held,
    analyse: engine && ((frame) => engine.analyse(frame)),
    standing: new StandingNumbers(),
    closing$,
    measureWithOthers: (frame, own) => biplane.measure(frame, own),
    format: () => state.format,
    health: { changed$, read: () => state.health() },
  });
  const delay = (error: unknown) => {
    notes.fault(error);
    return timer(faultPauseMs);
  };
  const running = graph$.pipe(retry({ delay })).subscribe((event) => {
    try {
      // Subscribers write to their sockets inside next(), so the moment after it is the socket moment.
      events.next(event);
      if (event.kind === 'display') meters.displayed(event.frame);
      else if (event.kind === 'result') meters.analysed(event.result);
      // What is known of the heart says by itself how long it stands.
      if (!('withdraws' in event)) echo.take(event);
    } catch (error) {
      // Thrown from here it would be nobody's.
      notes.fault(error);
    }
  });

  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      closing$.next();
      source.close();
      biplane.leave();
      running.unsubscribe();
      events.complete();
      held.clear();
      await engine?.close();
    })();
    return closing;
  };

  const room: LiveRoom = {
    id,
    get label() {
      return label();
    },
    epochUnixNs,
    events$: events.asObservable(),
    get format() {
      return state.format;
    },
    get health() {
      return state.health();
    },
    get sourceUri() {
      return redact(source.uri);
    },
    echo,
    gestures: engine?.gestures ?? null,
    command: async (command, ptsNs) => {
      if (engine === null) throw pipelineError('SONO_ANALYSIS_OFF', { reason: 'no model was chosen for it' });
      return engine.command(command, ptsNs);
    },
    setOverlayVisible: (visible) => state.setOverlayVisible(visible),
    openSource: (uri, asker) => source.replace(uri, () => state.sourceReplaced(uri), asker),
    countClientDrop: (count) => meters.drop('client', count),
    rename: (name) => {
      given = name;
      changed$.next();
    },
    get processes() {
      return source.processes;
    },
    setRecording: (recording, problem) => state.setRecording(recording, problem),
    report: () => state.report(),
    close,
  };

  const giveUp = (): void => void close();
  try {
    if (options.signal?.aborted) throw pipelineError('SONO_ROOM_CLOSED');
    options.beforeStart?.(room);
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
  return room;
}
