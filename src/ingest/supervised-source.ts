/**
 * The parent's side of every source: starts the child process, turns its records into events, watches it, and
 * starts it again when it dies. Runs in the main process; loads nothing native.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Observable, type Subscriber } from 'rxjs';
import { builtModule } from '../node/built-module.js';
import type { SonoError } from '../vocabulary/errors.js';
import type { FrameIdentity } from '../vocabulary/frame.js';
import { redactText } from '../node/redact.js';
import { sourceName } from './bus-errors.js';
import { ingestError, isIngestCode, transientCodes, type IngestCode } from './errors.js';
import type { FrameSource, SourceEvent, SourceOptions, SourceState } from './frame-source.js';
import type { ChildMessage, ChildRequest } from './messages.js';
import { RecordFormatError, RecordParser, type IngestRecord } from './records.js';
import { ResumeTracker } from './resume.js';
import { isLive, isNetwork, type SourceAddress } from './source-uri.js';

export interface SupervisionOptions {
  /**
   * A source in live mode without a frame for so long is taken as lost: a camera is silent, the reading of a file stands
   * still, in both modes. Before the first frame of a process a file has `startFactor` times as long.
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

const longestTimerMs = 2 ** 31 - 1;
/** A busy machine starts the process of a file slowly, and starting it again would only be slower. */
const startFactor = 2;
/** A watchdog that wakes up so much later than it should has slept itself. */
const lateMs = 1_000;
/** A process that has closed its pipe and is still there so long after is ended. */
const lingerMs = 2_000;

/** A source that kills its reader so often before its first frame will never work. */
const hopelessCrashes = 5;

const nowNs = (): number => Number(process.hrtime.bigint());

export class SupervisedSource implements FrameSource {
  readonly uri: string;
  readonly #address: SourceAddress;
  readonly #supervision: SupervisionOptions;
  readonly #runs = new Set<Supervision>();
  #held = false;

  constructor(uri: string, address: SourceAddress, supervision: SupervisionOptions) {
    this.uri = uri;
    this.#address = address;
    this.#supervision = supervision;
  }

  open(options: SourceOptions): Observable<SourceEvent> {
    return new Observable((subscriber) => {
      const run = new Supervision(this.uri, this.#address, options, this.#supervision, subscriber);
      this.#runs.add(run);
      if (this.#held) run.pause(true);
      run.start();
      return () => {
        this.#runs.delete(run);
        run.stop();
      };
    });
  }

  pause(hold: boolean): void {
    this.#held = hold;
    for (const run of this.#runs) run.pause(hold);
  }
}

class Supervision {
  readonly #address: SourceAddress;
  readonly #options: SourceOptions;
  readonly #supervision: SupervisionOptions;
  readonly #subscriber: Subscriber<SourceEvent>;
  readonly #openedNs = nowNs();
  readonly #childPath = fileURLToPath(builtModule('src/ingest/child'));
  readonly #resume = new ResumeTracker();

  #child: ChildProcess | null = null;
  #pipe: Readable | null = null;
  #parser = new RecordParser();
  #verdict: Extract<ChildMessage, { kind: 'ended' | 'failed' }> | null = null;
  /** Why we ended the child ourselves. */
  #killedFor: SonoError | null = null;
  #stderr = '';
  /** The end of a child that ended while delivery was held. */
  #whenDelivered: (() => void) | null = null;

  #phase: SourceState['phase'] | null = null;
  #lostSinceNs: number | null = null;
  #attempt = 0;
  #framesEver = false;
  #lastPtsNs = -1;
  #pass = 0;
  readonly #lastSourceFrame = { display: -1, analysis: -1 };
  #formatSaid = '';
  #held = false;
  #stopped = false;
  #restartTimer: NodeJS.Timeout | null = null;
  #watchdog: NodeJS.Timeout | null = null;

  constructor(
    private readonly uri: string,
    address: SourceAddress,
    options: SourceOptions,
    supervision: SupervisionOptions,
    subscriber: Subscriber<SourceEvent>,
  ) {
    this.#address = address;
    this.#options = options;
    this.#supervision = supervision;
    this.#subscriber = subscriber;
  }

  start(): void {
    this.#emitPhase('starting');
    this.#launch();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer);
    this.#stopWatchdog();
    this.#endChild();
  }

  /** Replay only: while held nothing is read from the pipe, which fills and holds the child back. */
  pause(hold: boolean): void {
    if (this.#options.mode === 'live' || this.#held === hold) return;
    this.#held = hold;
    if (hold) {
      this.#pipe?.pause();
      return;
    }
    // Later, so that a consumer that resumes from inside a delivery is not called again recursively.
    setImmediate(() => {
      if (this.#held || this.#stopped) return;
      this.#deliver();
      if (this.#isHeld()) return;
      this.#pipe?.resume();
      const gone = this.#whenDelivered;
      this.#whenDelivered = null;
      gone?.();
    });
  }

  /** A method, because a consumer may change the flag during a delivery. */
  #isHeld(): boolean {
    return this.#held;
  }

  // ---------------------------------------------------------------- child

  #launch(): void {
    const { mode, loop, analysisSize, displayQuality } = this.#options;
    const replay = mode === 'replay';
    const request: ChildRequest = {
      address: this.#address,
      mode,
      loop: loop && !replay && !isLive(this.#address),
      analysisSize,
      displayQuality,
      openedNs: this.#openedNs,
      lastPtsNs: replay ? -1 : this.#lastPtsNs,
      pass: this.#pass,
      resume: isLive(this.#address) ? null : this.#resumePoint(),
    };
    this.#parser = new RecordParser();
    this.#verdict = null;
    this.#killedFor = null;
    this.#stderr = '';
    let child: ChildProcess;
    try {
      child = spawn(process.execPath, [this.#childPath], {
        stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          // Up to four sinks and the bus each block one thread of libuv's pool; sharp needs some too.
          UV_THREADPOOL_SIZE: '16',
          LC_ALL: 'C',
          NODE_OPTIONS: '',
        },
      });
    } catch (error) {
      // Later, like a failure that the system reports later: nobody has to expect it from inside a call.
      setImmediate(() => this.#onNotStarted(error));
      return;
    }
    this.#child = child;
    child.on('error', (error) => {
      // With a number it has run, and the error is of something else, such as a signal that could not be sent.
      if (child.pid === undefined && this.#child === child) this.#onNotStarted(error);
    });
    const pipe = (child.stdio as ChildProcess['stdio'] | undefined)?.[3] as Readable | undefined;
    // Without descriptors there are no pipes; the error that says so comes next.
    if (!pipe) return;
    this.#pipe = pipe;
    this.#pipe.on('data', (chunk: Buffer) => {
      this.#parser.push(chunk);
      this.#deliver();
    });
    if (this.#held) this.#pipe.pause();
    this.#pipe.on('end', () => {
      const timer = setTimeout(() => child.kill('SIGKILL'), lingerMs);
      child.once('exit', () => clearTimeout(timer));
    });
    this.#pipe.on('error', () => undefined);
    child.stdin?.on('error', () => undefined);
    // Not as an argument or in the environment: other programs can read those, and the address may hold a password.
    child.stdin?.write(`${JSON.stringify(request)}\n`);
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-4000);
    });
    child.on('close', (code, signal) => {
      if (this.#child !== child) return;
      this.#child = null;
      this.#pipe = null;
      this.#stopWatchdog();
      const gone = (): void => {
        if (!this.#stopped) this.#onGone(signal ?? `exit code ${code}`);
      };
      // Held: what the child said last, its verdict included, has not been delivered yet.
      if (this.#isHeld()) this.#whenDelivered = gone;
      else gone();
    });
    this.#armWatchdog(isLive(this.#address) ? 1 : startFactor);
  }

  /** No process or no descriptor is left: an end like any other, and it may heal. */
  #onNotStarted(cause: unknown): void {
    this.#child = null;
    this.#pipe = null;
    this.#stopWatchdog();
    this.#killedFor = ingestError('SONO_SOURCE_NO_PROCESS', { uri: sourceName(this.#address) }, cause);
    if (!this.#stopped) this.#onGone('not started');
  }

  #resumePoint(): ChildRequest['resume'] {
    const point = this.#resume.point();
    return point === null || this.#resume.pass !== this.#pass ? null : point;
  }

  /** Closing stdin lets the child give its device or session back; a second later it is killed. */
  #endChild(): void {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    this.#pipe?.resume();
    this.#pipe?.removeAllListeners('data');
    this.#pipe = null;
    child.stdin?.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), 1000);
    timer.unref();
    child.once('exit', () => clearTimeout(timer));
  }

  #killFor(reason: SonoError): void {
    this.#killedFor = reason;
    this.#child?.kill('SIGKILL');
  }

  // ---------------------------------------------------------------- records

  #deliver(): void {
    try {
      while (!this.#held && !this.#stopped) {
        const record = this.#parser.take();
        if (record === null) return;
        if (record.header.type === 'message')
          this.#onMessage(JSON.parse(Buffer.from(record.payload).toString('utf8')) as ChildMessage);
        else this.#onFrame(record, record.header.type);
      }
    } catch (error) {
      if (!(error instanceof RecordFormatError || error instanceof SyntaxError)) throw error;
      this.#killFor(
        ingestError(
          'SONO_SOURCE_CRASHED',
          { uri: sourceName(this.#address), how: 'it sent data that cannot be read' },
          error,
        ),
      );
    }
  }

  #onMessage(message: ChildMessage): void {
    switch (message.kind) {
      case 'format':
        this.#resume.zero(message.zeroPtsNs);
        // A restarted child says it again; listeners hear only news.
        if (JSON.stringify(message.format) === this.#formatSaid) return;
        this.#formatSaid = JSON.stringify(message.format);
        this.#subscriber.next({
          kind: 'format',
          format: { ...message.format, description: this.#withoutSecrets(message.format.description) },
        });
        return;
      case 'dropped':
        this.#subscriber.next({ kind: 'dropped', stage: message.stage, count: message.count });
        return;
      case 'key-awaited':
        this.#emitLost(ingestError('SONO_SOURCE_KEY_AWAITED', { uri: sourceName(this.#address) }));
        return;
      case 'opening':
        // A sign of life for who waits.
        this.#armWatchdog(startFactor);
        if (this.#phase === 'starting')
          this.#subscriber.next({ kind: 'state', state: { phase: 'starting' } });
        return;
      case 'waiting':
        this.#armWatchdog(1, Math.max(0, message.untilNs - nowNs()) / 1e6);
        return;
      case 'ended':
      case 'failed':
        this.#verdict ??= message;
        return;
    }
  }

  #onFrame(record: IngestRecord, type: 'display' | 'analysis'): void {
    const { header, payload } = record;
    this.#framesEver = true;
    this.#attempt = 0;
    this.#armWatchdog();
    if (this.#options.mode === 'replay') {
      if (header.sourceFrame <= this.#lastSourceFrame[type]) return;
      this.#lastSourceFrame[type] = header.sourceFrame;
    }
    const identity: FrameIdentity = {
      streamId: this.#options.streamId,
      ptsNs: header.ptsNs,
      captureNs: header.captureNs,
      mediaNs: header.mediaNs,
      sourceFrame: header.sourceFrame,
      pass: header.pass,
    };
    this.#lastPtsNs = Math.max(this.#lastPtsNs, header.ptsNs);
    this.#pass = Math.max(this.#pass, header.pass);
    this.#resume.delivered(identity);
    this.#emitPhase('playing');
    if (type === 'display')
      this.#subscriber.next({
        kind: 'display',
        frame: {
          ...identity,
          encoding: 'jpeg',
          size: header.size,
          data: payload,
          decodedNs: header.decodedNs,
          encodedNs: header.encodedNs,
        },
      });
    else
      this.#subscriber.next({
        kind: 'analysis',
        frame: { ...identity, size: header.size, data: payload, decodedNs: header.decodedNs },
      });
  }

  // ---------------------------------------------------------------- end and restart

  #onGone(how: string): void {
    const verdict = this.#verdict;
    if (verdict?.kind === 'ended') {
      if (verdict.damagedAtS !== null)
        this.#emitLost(
          ingestError('SONO_SOURCE_DAMAGED', {
            path: sourceName(this.#address),
            seconds: verdict.damagedAtS.toFixed(1),
          }),
        );
      if (verdict.damagedAtS !== null && this.#options.loop && this.#options.mode === 'live') {
        this.#pass += 1;
        this.#restartLater();
        return;
      }
      this.#emitPhase('ended');
      this.#subscriber.complete();
      return;
    }
    const reason = this.#reason(how);
    const code = isIngestCode(reason.code) ? reason.code : 'SONO_SOURCE_FAILED';
    if (!this.#mayHeal(code)) {
      this.#subscriber.error(reason);
      return;
    }
    this.#attempt += 1;
    // A camera begins a new count of frames; a file goes on where it was.
    if (isLive(this.#address) && this.#framesEver && this.#attempt === 1) this.#pass += 1;
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
      return ingestError(
        this.#verdict.code,
        Object.fromEntries(details) as Record<string, string | number>,
        cause(this.#verdict.cause),
      );
    }
    return ingestError('SONO_SOURCE_CRASHED', { uri: sourceName(this.#address), how }, cause(this.#stderr));
  }

  /** The one way out for what the child says in words: GStreamer, libsrt and the child's own errors repeat the address. */
  #withoutSecrets(text: string): string {
    return isNetwork(this.#address) ? redactText(text, [this.uri, this.#address.location]) : text;
  }

  #mayHeal(code: IngestCode): boolean {
    if (isLive(this.#address) && this.#framesEver) return true;
    // A replay that stands still twice at the same picture will do so again; a room waits on.
    if (code === 'SONO_SOURCE_STALLED') return this.#options.mode === 'live' || this.#attempt === 0;
    if (code === 'SONO_SOURCE_NO_PROCESS' && this.#framesEver && this.#options.mode === 'live') return true;
    if (code === 'SONO_SOURCE_CRASHED' || code === 'SONO_SOURCE_NO_PROCESS')
      return this.#attempt + 1 < hopelessCrashes;
    return isLive(this.#address) && transientCodes.has(code);
  }

  #restartLater(): void {
    // Whoever heard of the loss may have left because of it.
    if (this.#stopped) return;
    const { firstBackoffMs, longestBackoffMs } = this.#supervision;
    const backoffMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.max(0, this.#attempt - 1));
    this.#restartTimer = setTimeout(() => this.#launch(), backoffMs);
  }

  /** Whatever shows that the source is alive arms it again. `extraMs`: nothing is expected before. */
  #armWatchdog(factor = 1, extraMs = 0): void {
    const live = isLive(this.#address);
    this.#stopWatchdog();
    const silenceMs = this.#supervision.silenceMs * factor;
    const seconds = Math.round(silenceMs / 100) / 10;
    const waitMs = Math.min(silenceMs + extraMs, longestTimerMs);
    const startedNs = nowNs();
    const bite = (): void => {
      if (this.#watchdog !== timer) return;
      // Much too late: this machine did nothing at all, and the source's process no more than this one. Held: it is the
      // consumer who wants nothing.
      if (this.#held || nowNs() - startedNs > (waitMs + lateMs) * 1e6) {
        this.#armWatchdog(factor);
        return;
      }
      const uri = sourceName(this.#address);
      this.#killFor(
        live
          ? ingestError('SONO_SOURCE_SILENT', { uri, seconds })
          : this.#framesEver
            ? ingestError('SONO_SOURCE_STALLED', { uri, seconds })
            : ingestError('SONO_SOURCE_NO_ANSWER', { uri, seconds, what: 'the first picture' }),
      );
    };
    // Was only this process asleep, the frames are in the pipe: they are read before the immediate.
    const timer = setTimeout(() => setImmediate(bite), waitMs);
    this.#watchdog = timer;
  }

  #stopWatchdog(): void {
    if (this.#watchdog !== null) clearTimeout(this.#watchdog);
    this.#watchdog = null;
  }

  #emitPhase(phase: 'starting' | 'playing' | 'ended'): void {
    if (this.#phase === phase) return;
    this.#phase = phase;
    if (phase === 'playing') this.#lostSinceNs = null;
    this.#subscriber.next({ kind: 'state', state: { phase } });
  }

  #emitLost(reason: SonoError): void {
    this.#phase = 'lost';
    this.#lostSinceNs ??= nowNs();
    this.#subscriber.next({
      kind: 'state',
      state: { phase: 'lost', reason, sinceNs: this.#lostSinceNs, attempt: this.#attempt },
    });
  }
}
