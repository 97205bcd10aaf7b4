/**
 * Keeps one opened source going: turns the records of its child process into events, watches it, and starts it again when it
 * dies, on the same place of the stream's clock. Main process.
 */
import type { Subscriber } from 'rxjs';
import type { SonoError } from '../vocabulary/errors.js';
import { monotonicNs } from '../node/clock.js';
import { redactText } from '../node/redact.js';
import { sourceName } from './bus-errors.js';
import { ingestError } from './errors.js';
import type { SourceEvent, SourceOptions, SourceState } from './frame-source.js';
import { mayHeal } from './healing.js';
import type { ChildMessage, Damage } from './messages.js';
import { RecordFormatError, RecordParser, type IngestRecord } from './records.js';
import { ResumeTracker } from './resume.js';
import { isSourceCode, sourceError } from './source-codes.js';
import { SourceProcess } from './source-process.js';
import { isLive, isNetwork, type SourceAddress } from './source-uri.js';
import { StreamClock } from './stream-clock.js';
import { Watchdog } from './watchdog.js';

export interface SupervisionOptions {
  /**
   * Time without a frame after which a source is taken as lost: a camera is silent, or the reading of a file stands still (in both
   * modes). Before the first frame of its process a file has `startFactor` times as long.
   */
  readonly silenceMs: number;
  /** Pause before the first restart; doubles with each attempt that brings no frame. */
  readonly firstBackoffMs: number;
  readonly longestBackoffMs: number;
}

export const defaultSupervision: SupervisionOptions = {
  silenceMs: 10_000,
  firstBackoffMs: 500,
  longestBackoffMs: 10_000,
};

/** A busy machine starts the process of a file slowly, and starting it again would only be slower. */
const startFactor = 2;

export class ChildSupervisor {
  readonly #clock: StreamClock;
  readonly #resume = new ResumeTracker();
  readonly #watchdog: Watchdog;

  #process: SourceProcess | null = null;
  #parser: RecordParser;
  /** The present process has been told where the stream's clock stands. */
  #joined = false;
  #verdict: Extract<ChildMessage, { kind: 'ended' | 'failed' }> | null = null;
  /** Why we ended the process ourselves. */
  #killedFor: SonoError | null = null;
  #lastWords = '';
  /** The end of a process that ended while delivery was held. */
  #whenDelivered: (() => void) | null = null;

  #phase: SourceState['phase'] | null = null;
  #lostSinceNs: number | null = null;
  #attempt = 0;
  #framesEver = false;
  /** The next frame does not follow the last one of this stream. */
  #anew = true;
  readonly #lastSourceFrame = { display: -1, analysis: -1 };
  #formatSaid = '';
  #held = false;
  #stopped = false;
  #restartTimer: NodeJS.Timeout | null = null;

  constructor(
    private readonly uri: string,
    private readonly address: SourceAddress,
    private readonly options: SourceOptions,
    private readonly supervision: SupervisionOptions,
    private readonly subscriber: Subscriber<SourceEvent>,
  ) {
    this.#clock = options.clock ?? new StreamClock(monotonicNs());
    this.#parser = new RecordParser(options.streamId);
    // While delivery is held the consumer wants nothing, and silence says nothing about the source.
    this.#watchdog = new Watchdog(
      () => this.#held,
      (silenceMs) => this.#onSilence(silenceMs),
    );
  }

  /** Number of the present process; null between two of them. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  start(): void {
    this.#emitPhase('starting');
    this.#launch();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer);
    this.#watchdog.stop();
    this.#process?.end();
  }

  /** Replay only: while held nothing is read from the pipe, which fills and holds the child back. */
  pause(hold: boolean): void {
    if (this.options.mode === 'live' || this.#held === hold) return;
    this.#held = hold;
    if (hold) {
      this.#process?.hold(true);
      return;
    }
    // Later, so that a consumer that resumes from inside a delivery is not called again recursively.
    setImmediate(() => {
      if (this.#held || this.#stopped) return;
      this.#deliver();
      if (this.#isHeld()) return;
      this.#process?.hold(false);
      const gone = this.#whenDelivered;
      this.#whenDelivered = null;
      gone?.();
    });
  }

  /** A method, because a consumer may change the flag during a delivery. */
  #isHeld(): boolean {
    return this.#held;
  }

  // ---------------------------------------------------------------- child process

  #launch(): void {
    const { mode, loop, analysisSize, displayQuality } = this.options;
    const { address } = this;
    this.#parser = new RecordParser(this.options.streamId);
    this.#joined = false;
    this.#verdict = null;
    this.#killedFor = null;
    this.#process = new SourceProcess({
      onChunk: (chunk) => {
        this.#parser.push(chunk);
        this.#deliver();
      },
      onNotStarted: (cause) => {
        // An end like any other, and it may heal.
        this.#killedFor = ingestError('SONO_SOURCE_NO_PROCESS', { uri: sourceName(address) }, cause);
        this.#onProcessOver('not started');
      },
      onGone: (how) => {
        // Delivery may have been allowed again a moment ago and not have begun.
        this.#deliver();
        // Held: what the child said last, its verdict included, has not been delivered yet.
        if (this.#isHeld()) this.#whenDelivered = () => this.#onProcessOver(how);
        else this.#onProcessOver(how);
      },
    });
    const isLooped = loop && mode === 'live' && !isLive(address);
    const resume = isLive(address) || this.#anew ? null : this.#resume.point();
    this.#process.send({
      kind: 'open',
      request: { address, mode, loop: isLooped, analysisSize, displayQuality, resume },
    });
    if (this.#held) this.#process.hold(true);
    this.#armWatchdog(isLive(address) ? 1 : startFactor);
  }

  #onProcessOver(how: string): void {
    this.#lastWords = this.#process?.lastWords ?? '';
    this.#process = null;
    this.#watchdog.stop();
    if (!this.#stopped) this.#onGone(how);
  }

  #killFor(reason: SonoError): void {
    this.#killedFor = reason;
    this.#process?.kill();
  }

  #armWatchdog(factor = 1, extraMs = 0): void {
    this.#watchdog.arm(this.supervision.silenceMs * factor, extraMs);
  }

  #onSilence(silenceMs: number): void {
    const problem = { uri: sourceName(this.address), seconds: Math.round(silenceMs / 100) / 10 };
    this.#killFor(
      isLive(this.address)
        ? ingestError('SONO_SOURCE_SILENT', problem)
        : this.#framesEver
          ? ingestError('SONO_SOURCE_STALLED', problem)
          : ingestError('SONO_SOURCE_NO_ANSWER', { ...problem, what: 'the first picture' }),
    );
  }

  // ---------------------------------------------------------------- records

  #deliver(): void {
    try {
      while (!this.#held && !this.#stopped) {
        const record = this.#parser.take();
        if (record === null) return;
        if (record.kind === 'message') this.#onMessage(record.message as ChildMessage);
        else this.#onFrame(record);
      }
    } catch (error) {
      if (!(error instanceof RecordFormatError)) throw error;
      this.#killFor(
        ingestError(
          'SONO_SOURCE_CRASHED',
          { uri: sourceName(this.address), how: 'it sent data that cannot be read' },
          error,
        ),
      );
    }
  }

  #onMessage(message: ChildMessage): void {
    switch (message.kind) {
      case 'format':
        this.#onFormat(message);
        return;
      case 'dropped':
        this.subscriber.next({ kind: 'dropped', stage: message.stage, count: message.count });
        return;
      case 'key-awaited':
        this.#emitLost(ingestError('SONO_SOURCE_KEY_AWAITED', { uri: sourceName(this.address) }));
        return;
      case 'opening':
        // A sign of life for whoever waits.
        this.#armWatchdog(startFactor);
        if (this.#phase === 'starting') this.subscriber.next({ kind: 'state', state: { phase: 'starting' } });
        return;
      case 'waiting':
        this.#armWatchdog(1, Math.max(0, message.untilNs - monotonicNs()) / 1e6);
        return;
      case 'ended':
      case 'failed':
        this.#verdict ??= message;
        return;
    }
  }

  #onFormat({ format, zeroPtsNs }: Extract<ChildMessage, { kind: 'format' }>): void {
    this.#resume.zero(zeroPtsNs);
    // A restarted child says it again; listeners hear only news.
    const said = JSON.stringify(format);
    if (said !== this.#formatSaid) {
      this.#formatSaid = said;
      const description = this.#withoutSecrets(format.description);
      this.subscriber.next({ kind: 'format', format: { ...format, description } });
    }
    if (this.#joined || this.#stopped) return;
    this.#joined = true;
    // Only now: a listener may have ended the source before this one in the stream, and the clock stands.
    const place = this.#clock.place(this.#anew);
    this.#process?.send({
      kind: 'join',
      // Replay counts media time, and what comes twice after a restart is left out here.
      place: this.options.mode === 'replay' ? { ...place, lastPtsNs: -1 } : place,
    });
  }

  #onFrame(record: Exclude<IngestRecord, { kind: 'message' }>): void {
    const { kind, frame } = record;
    this.#framesEver = true;
    this.#armWatchdog();
    if (this.options.mode === 'replay') {
      if (frame.sourceFrame <= this.#lastSourceFrame[kind]) return;
      this.#lastSourceFrame[kind] = frame.sourceFrame;
    }
    // Only now: what is read once more behind a restart is no progress, and a file that always stops there would be tried for ever.
    this.#attempt = 0;
    this.#anew = false;
    this.#clock.passed(frame);
    this.#resume.delivered(frame);
    this.#emitPhase('playing');
    this.subscriber.next(record);
  }

  // ---------------------------------------------------------------- end and restart

  #onGone(how: string): void {
    const verdict = this.#verdict;
    if (verdict?.kind === 'ended') {
      if (verdict.damage !== null) this.#emitLost(damageInWords(sourceName(this.address), verdict.damage));
      if (verdict.damage !== null && this.options.loop && this.options.mode === 'live') {
        this.#anew = true;
        this.#restartLater();
        return;
      }
      this.#emitPhase('ended');
      this.subscriber.complete();
      return;
    }
    const reason = this.#reason(how);
    const code = isSourceCode(reason.code) ? reason.code : 'SONO_SOURCE_FAILED';
    const run = { isLive: isLive(this.address), framesEver: this.#framesEver, attempt: this.#attempt };
    if (!mayHeal(code, { ...run, mode: this.options.mode })) {
      this.subscriber.error(reason);
      return;
    }
    this.#attempt += 1;
    // A camera begins a new count of frames; a file goes on where it was.
    if (run.isLive) this.#anew = true;
    this.#emitLost(reason);
    this.#restartLater();
  }

  #reason(how: string): SonoError {
    if (this.#killedFor !== null) return this.#killedFor;
    const cause = (text: string): string | undefined =>
      text === '' ? undefined : this.#withoutSecrets(text);
    if (this.#verdict?.kind === 'failed') {
      const details = Object.entries(this.#verdict.details).map(([name, value]) => [
        name,
        typeof value === 'string' ? this.#withoutSecrets(value) : value,
      ]);
      return sourceError(
        this.#verdict.code,
        Object.fromEntries(details) as Record<string, string | number>,
        cause(this.#verdict.cause),
      );
    }
    return ingestError('SONO_SOURCE_CRASHED', { uri: sourceName(this.address), how }, cause(this.#lastWords));
  }

  /** The one way out for what the child says in words: GStreamer, libsrt and the child's own errors repeat the address. */
  #withoutSecrets(text: string): string {
    return isNetwork(this.address) ? redactText(text, [this.uri, this.address.location]) : text;
  }

  #restartLater(): void {
    // Whoever heard of the loss may have left because of it.
    if (this.#stopped) return;
    const { firstBackoffMs, longestBackoffMs } = this.supervision;
    const backoffMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.max(0, this.#attempt - 1));
    this.#restartTimer = setTimeout(() => this.#launch(), backoffMs);
  }

  #emitPhase(phase: 'starting' | 'playing' | 'ended'): void {
    if (this.#phase === phase) return;
    this.#phase = phase;
    if (phase === 'playing') this.#lostSinceNs = null;
    this.subscriber.next({ kind: 'state', state: { phase } });
  }

  #emitLost(reason: SonoError): void {
    this.#phase = 'lost';
    this.#lostSinceNs ??= monotonicNs();
    this.subscriber.next({
      kind: 'state',
      state: { phase: 'lost', reason, sinceNs: this.#lostSinceNs, attempt: this.#attempt },
    });
  }
}

function damageInWords(path: string, damage: Damage): SonoError {
  switch (damage.kind) {
    case 'broke-off':
      return ingestError('SONO_SOURCE_DAMAGED', { path, seconds: damage.atS.toFixed(1) });
    case 'left-out':
      return ingestError('SONO_SOURCE_PICTURES', {
        path,
        count: damage.pictures,
        seconds: damage.firstAtS.toFixed(1),
      });
    case 'unspoken':
      return ingestError('SONO_SOURCE_MORE_PICTURES', { path, count: damage.pictures });
  }
}
