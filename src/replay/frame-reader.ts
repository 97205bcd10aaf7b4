/**
 * A source in replay mode as a sequence to be pulled: analysis picture and display picture of each frame together, in
 * order, with bounded memory: the source is held while more than `highWater` frames wait.
 */
import type { SonoError } from '../vocabulary/errors.js';
import type { AnalysisFrame, DisplayFrame, PictureSize, SourceFormat } from '../vocabulary/frame.js';
import type { FrameSource } from '../ingest/frame-source.js';
import { ingestError } from '../ingest/errors.js';
import { redact } from '../ingest/source-uri.js';
import { Watchdog } from '../ingest/watchdog.js';
import { pictureKindOf } from '../vocabulary/picture-kind.js';
import { replayError } from './errors.js';

export interface ReplayFrame {
  readonly analysis: AnalysisFrame;
  /** JPEG at source size, where it was asked for. */
  readonly picture: Uint8Array | null;
}

interface FrameReaderOptions {
  readonly streamId: string;
  readonly analysisSize: PictureSize;
  /** JPEG quality of the display pictures, null: none. */
  readonly displayQuality: number | null;
  /** Ends the waiting for a source that says nothing. */
  readonly signal?: AbortSignal;
  /** A source that gives nothing for this long while the reader waits has failed. */
  readonly silenceMs?: number;
}

const defaultSilenceMs = 20_000;

const highWater = 12;
const lowWater = 4;

export class FrameReader implements AsyncDisposable {
  readonly #source: FrameSource;
  readonly #needsPicture: boolean;
  readonly #analysis: AnalysisFrame[] = [];
  readonly #display = new Map<number, DisplayFrame>();
  readonly #subscription;
  readonly #silenceMs: number;
  /** Armed while the reader waits; nobody waits for a source that is held. */
  readonly #watchdog = new Watchdog(
    () => false,
    () => this.#silent(),
  );
  #frames = 0;
  #format: SourceFormat | null = null;
  #held = false;
  #over = false;
  #closed = false;
  #failure: unknown = null;
  #lost: SonoError | null = null;
  #wake: (() => void) | null = null;

  constructor(source: FrameSource, { signal, silenceMs, ...options }: FrameReaderOptions) {
    this.#source = source;
    this.#silenceMs = silenceMs ?? defaultSilenceMs;
    this.#needsPicture = options.displayQuality !== null;
    if (signal?.aborted) this.#cancel(signal);
    else signal?.addEventListener('abort', () => this.#cancel(signal), { once: true });
    this.#subscription = source.open({ ...options, mode: 'replay', loop: false }).subscribe({
      next: (event) => {
        if (this.#wake !== null) this.#watchdog.arm(this.#silenceMs);
        switch (event.kind) {
          case 'format':
            this.#format = event.format;
            break;
          case 'analysis':
            this.#analysis.push(event.frame);
            break;
          case 'display':
            this.#display.set(event.frame.ptsNs, event.frame);
            break;
          case 'state':
            // A recording that broke off is said to be lost before it ends; a reader that was started again plays on.
            if (event.state.phase === 'lost') this.#lost = event.state.reason;
            if (event.state.phase === 'playing') this.#lost = null;
            return;
          case 'dropped':
            return;
        }
        this.#hold();
        this.#wake?.();
      },
      error: (error: unknown) => {
        this.#failure = error;
        this.#over = true;
        this.#wake?.();
      },
      complete: () => {
        this.#failure = this.#lost;
        this.#over = true;
        this.#wake?.();
      },
    });
  }

  /** What the source delivers. Rejects with the source's coded error, or SONO_REPLAY_SOURCE_SILENT. */
  async format(): Promise<SourceFormat> {
    while (!this.#format) {
      if (this.#over) throw (this.#failure ?? this.#endedEarly()) as Error;
      await this.#event();
    }
    if (this.#format.pictureKind !== undefined) return this.#format;
    // The first picture says what kind it is; nothing else will be asked of a source that has none.
    while (this.#analysis.length === 0 && !this.#over && this.#frames === 0) await this.#event();
    const [first] = this.#analysis;
    const pictureKind = first === undefined ? null : pictureKindOf(first.data);
    if (pictureKind !== null) this.#format = { ...this.#format, pictureKind };
    return this.#format;
  }

  /** The next frame, null at the end. Rejects like `format`, behind the last good frame. */
  async next(): Promise<ReplayFrame | null> {
    for (;;) {
      const analysis = this.#analysis[0];
      const display = analysis && this.#display.get(analysis.ptsNs);
      if (analysis && (!this.#needsPicture || display || this.#over)) {
        this.#analysis.shift();
        this.#frames += 1;
        // Frames before this one will not be asked for again.
        for (const ptsNs of this.#display.keys()) if (ptsNs <= analysis.ptsNs) this.#display.delete(ptsNs);
        this.#hold();
        return { analysis, picture: display?.data ?? null };
      }
      if (this.#over) {
        if (this.#failure !== null) throw this.#failure as Error;
        return null;
      }
      await this.#event();
    }
  }

  /** End the source. */
  close(): void {
    this.#closed = true;
    this.#over = true;
    this.#subscription.unsubscribe();
    this.#analysis.length = 0;
    this.#display.clear();
    this.#wake?.();
  }

  #endedEarly(): SonoError {
    const uri = redact(this.#source.uri);
    return this.#closed
      ? replayError('SONO_REPLAY_CANCELLED', { input: uri })
      : ingestError('SONO_SOURCE_FAILED', { uri, why: 'it ended before its first picture.' });
  }

  #cancel(signal: AbortSignal): void {
    if (this.#over) return;
    this.#failure = signal.reason;
    this.#over = true;
    this.#wake?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #hold(): void {
    // Each branch counts by itself: one of them may run ahead of the other.
    const waiting = Math.max(this.#analysis.length, this.#display.size);
    const starved = this.#needsPicture && Math.min(this.#analysis.length, this.#display.size) === 0;
    const hold = !starved && waiting >= (this.#held ? lowWater : highWater);
    if (hold === this.#held) return;
    this.#held = hold;
    this.#source.pause(hold);
  }

  #event(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#watchdog.stop();
        this.#wake = null;
        resolve();
      };
      this.#watchdog.arm(this.#silenceMs);
    });
  }

  #silent(): void {
    this.#failure = replayError('SONO_REPLAY_SOURCE_SILENT', {
      input: redact(this.#source.uri),
      seconds: this.#silenceMs / 1000,
      what: this.#frames === 0 ? 'its first picture' : `the picture behind number ${this.#frames - 1}`,
    });
    this.#over = true;
    this.#wake?.();
  }
}
