/**
 * A source in replay mode as a sequence to be pulled: analysis picture and display picture of each frame together, in
 * order, with bounded memory: the source is held while more than `highWater` frames wait.
 */
import type { SonoError } from '../errors.js';
import type { AnalysisFrame, DisplayFrame, PictureSize, SourceFormat } from '../frame.js';
import type { FrameSource } from '../ingest/frame-source.js';

export interface ReplayFrame {
  readonly analysis: AnalysisFrame;
  /** JPEG at source size, where it was asked for. */
  readonly picture: Uint8Array | null;
}

export interface FrameReaderOptions {
  readonly streamId: string;
  readonly analysisSize: PictureSize;
  /** JPEG quality of the display pictures, null: none. */
  readonly displayQuality: number | null;
  /** Ends the waiting for a source that says nothing. */
  readonly signal?: AbortSignal;
}

const highWater = 12;
const lowWater = 4;

export class FrameReader implements AsyncDisposable {
  readonly #source: FrameSource;
  readonly #needsPicture: boolean;
  readonly #analysis: AnalysisFrame[] = [];
  readonly #display = new Map<number, DisplayFrame>();
  readonly #subscription;
  #format: SourceFormat | null = null;
  #held = false;
  #over = false;
  #failure: unknown = null;
  #lost: SonoError | null = null;
  #wake: (() => void) | null = null;

  constructor(source: FrameSource, { signal, ...options }: FrameReaderOptions) {
    this.#source = source;
    this.#needsPicture = options.displayQuality !== null;
    if (signal?.aborted) this.#cancel(signal);
    else signal?.addEventListener('abort', () => this.#cancel(signal), { once: true });
    this.#subscription = source.open({ ...options, mode: 'replay', loop: false }).subscribe({
      next: (event) => {
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

  /** What the source delivers. Rejects with the source's coded error. */
  async format(): Promise<SourceFormat> {
    while (!this.#format) {
      if (this.#over)
        throw (this.#failure ?? new Error('the source ended before it said what it is')) as Error;
      await this.#event();
    }
    return this.#format;
  }

  /** The next frame, null at the end. Rejects with the source's coded error behind its last good frame. */
  async next(): Promise<ReplayFrame | null> {
    for (;;) {
      const analysis = this.#analysis[0];
      const display = analysis && this.#display.get(analysis.ptsNs);
      if (analysis && (!this.#needsPicture || display || this.#over)) {
        this.#analysis.shift();
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
    this.#over = true;
    this.#subscription.unsubscribe();
    this.#analysis.length = 0;
    this.#display.clear();
    this.#wake?.();
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
        this.#wake = null;
        resolve();
      };
    });
  }
}
