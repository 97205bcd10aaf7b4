/** What a room knows beside its frames: state of the source, what people switched, notes. Main thread. */
import type { Subject } from 'rxjs';
import type { SourceEvent, SourceState } from '../ingest/frame-source.js';
import { redact } from '../ingest/source-uri.js';
import { monotonicNs, unixNowMs } from '../node/clock.js';
import { SonoError } from '../vocabulary/errors.js';
import { codedFault, reasonOf } from '../vocabulary/faults.js';
import type { SourceFormat } from '../vocabulary/frame.js';
import { rateDecimals } from '../vocabulary/rate-text.js';
import { pipelineError } from './errors.js';
import type { HeldFrames } from './held-frames.js';
import type { RoomEcho } from './room-echo.js';
import type { RoomEngine } from './room-engine.js';
import type { RoomMeters } from './room-meters.js';
import type { Room, RoomHealth, RoomReport } from './room.js';

/** Fewer analysed frames than this share of the captured ones is a rate that people are told about. */
const fullRateShare = 0.95;
/** Rates mean little right after a start. */
const settleMs = 4000;
/** Hours of trouble must not fill memory; the first notes say how it began. */
const maxNotes = 100;

const rate = (perSecond: number): string => perSecond.toFixed(rateDecimals(perSecond));

/** The part of a structured logger that a room needs. */
export interface RoomLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What a person should know about a room's run: in the log, and in its report. */
export class RoomNotes {
  readonly #texts: string[] = [];

  constructor(
    private readonly stream: string,
    private readonly log: RoomLog,
  ) {}

  /** Oldest first. */
  get texts(): readonly string[] {
    return this.#texts;
  }

  add(text: string, code?: string): void {
    this.log.warn({ stream: this.stream, ...(code !== undefined && { code }) }, text);
    if (this.#texts.length < maxNotes) this.#texts.push(text);
  }

  /** Something that nobody expected; the room goes on. */
  fault(error: unknown): void {
    this.add(
      codedFault('room', this.stream, error, (cause) =>
        pipelineError('SONO_ROOM_FAULT', { reason: reasonOf(cause) }, cause),
      ).message,
    );
  }
}

interface RoomParts extends Pick<Room, 'id'>, Pick<RoomHealth, 'overlayLimitMs' | 'overlayVisible'> {
  readonly label: () => string;
  readonly log: RoomLog;
  readonly notes: RoomNotes;
  /** Emits when health has changed; the room emits here too. */
  readonly changed$: Subject<void>;
  readonly meters: RoomMeters;
  readonly held: HeldFrames;
  readonly echo: RoomEcho;
  /** null: picture only. */
  readonly engine: RoomEngine | null;
  /** Address of the source in charge, as the person wrote it. */
  readonly sourceUri: () => string;
}

export class RoomState {
  readonly #parts: RoomParts;
  #format: SourceFormat | null = null;
  #source: SourceState = { phase: 'starting' };
  #sinceUnixMs = unixNowMs();
  #playingSinceNs: number | null = null;
  #overlayVisible: boolean;
  #sources = 1;
  #recording = false;
  #recordingProblem: string | null = null;

  constructor(parts: RoomParts) {
    this.#parts = parts;
    this.#overlayVisible = parts.overlayVisible;
  }

  get format(): SourceFormat | null {
    return this.#format;
  }

  control(event: Extract<SourceEvent, { kind: 'format' | 'state' }>): void {
    const { id, log, engine, changed$ } = this.#parts;
    if (event.kind === 'format') {
      this.#format = event.format;
      const { width, height } = event.format.size;
      // Told twice: the second time with the kind of its picture.
      if (event.format.pictureKind === undefined)
        log.info({ stream: id, width, height }, `source: ${event.format.description}`);
      this.#background(engine?.setSourceSize(event.format.size));
    } else {
      this.#setSourceState(event.state);
    }
    changed$.next();
  }

  #setSourceState(state: SourceState): void {
    const { id, log, meters, notes } = this.#parts;
    const before = this.#source;
    if (state.phase !== before.phase) {
      this.#sinceUnixMs = unixNowMs();
      this.#playingSinceNs = state.phase === 'playing' ? monotonicNs() : null;
      meters.gap();
      log.info({ stream: id, phase: state.phase }, `source is ${state.phase}`);
    }
    if (state.phase === 'lost' && (before.phase !== 'lost' || before.reason.code !== state.reason.code))
      notes.add(`Signal lost: ${state.reason.message}`, String(state.reason.code));
    this.#source = state;
  }

  /** Another source has taken charge: what was seen and marked belongs to the one before. */
  sourceReplaced(uri: string): void {
    const { id, log, held, echo, meters, notes, engine } = this.#parts;
    this.#sources += 1;
    held.clear();
    echo.clear();
    meters.gap();
    log.info({ stream: id, uri: redact(uri) }, 'source replaced');
    notes.add(`The source was replaced by ${redact(uri)}.`);
    this.#background(engine?.reset());
  }

  health(): RoomHealth {
    const { meters, engine, echo, overlayLimitMs } = this.#parts;
    const rates = meters.rates();
    return {
      source: this.#source,
      sinceUnixMs: this.#sinceUnixMs,
      ...rates,
      latencyMs: meters.recentLatencyMs(),
      frames: meters.frames,
      drops: meters.drops,
      engine: engine?.info ?? null,
      degraded: this.#degraded(rates),
      overlayVisible: this.#overlayVisible,
      overlayLimitMs,
      recording: this.#recording,
      echoView: echo.view,
      echoPartner: echo.partner,
      sources: this.#sources,
      undoable: engine?.undoable ?? [],
      ...(engine && { gestures: engine.gestures.counts }),
    };
  }

  /** The most serious thing that is not as it should be, in one sentence. */
  #degraded({ capturedFps, analysedFps }: Pick<RoomHealth, 'capturedFps' | 'analysedFps'>): string | null {
    const { engine } = this.#parts;
    if (this.#recordingProblem !== null) return this.#recordingProblem;
    if (engine === null) return null;
    if (engine.trouble !== null) return engine.trouble.message;
    const settled = this.#playingSinceNs !== null && monotonicNs() - this.#playingSinceNs > settleMs * 1e6;
    if (settled && capturedFps >= 1 && analysedFps < capturedFps * fullRateShare)
      return `Outlines at ${rate(analysedFps)} of ${rate(capturedFps)} pictures per second: this computer is too slow for more. The picture itself is complete.`;
    return engine.fallback;
  }

  setOverlayVisible(visible: boolean): void {
    if (visible === this.#overlayVisible) return;
    this.#overlayVisible = visible;
    this.#parts.changed$.next();
  }

  setRecording(recording: boolean, problem?: string): void {
    this.#recording = recording;
    this.#recordingProblem = problem ?? null;
    if (problem !== undefined) this.#parts.notes.add(problem);
    this.#parts.changed$.next();
  }

  report(): RoomReport {
    const { id, label, meters, engine, echo, notes, sourceUri } = this.#parts;
    const isOver = this.#source.phase === 'ended';
    return {
      id,
      label: label(),
      source: redact(sourceUri()),
      format: this.#format,
      state: this.#source.phase,
      frames: { ...meters.frames, dropped: meters.drops },
      latencyMs: meters.totalLatencyMs(),
      engine: engine?.info ?? null,
      echo: echo.report(this.#source.phase === 'lost' ? this.#source.reason.message : null),
      notes: [...notes.texts, ...(isOver ? (engine?.unreached() ?? []) : [])],
    };
  }

  /** Work that nobody waits for; its failure is noted. */
  #background(work: Promise<void> | undefined): void {
    work?.catch((error: unknown) => {
      // The room is being closed.
      if (error instanceof SonoError && error.code === 'SONO_ENGINE_CLOSED') return;
      this.#parts.notes.fault(error);
    });
  }
}
