/**
 * The source of a room, replaceable while the room goes on. A new source is opened beside the old one and takes over with
 * its first sign of a picture; if it fails before, the old one stays. Main thread.
 */
import { Subject, Subscription, type Observable } from 'rxjs';
import { monotonicNs } from '../node/clock.js';
import type { SonoError } from '../vocabulary/errors.js';
import { codedFault, reasonOf } from '../vocabulary/faults.js';
import type { FrameSource, SourceEvent, SourceOptions } from '../ingest/frame-source.js';
import { ingestError } from '../ingest/errors.js';
import { redact } from '../ingest/source-uri.js';
import { firstPicture, sourceTrials, type SourceTrials } from '../ingest/trials.js';
import { pipelineError } from './errors.js';

/** How long the first source may say nothing; nobody else gives it up. Longer than a camera's own time-outs. */
const answerSeconds = 20;

export class SourceSwitch {
  readonly #events = new Subject<SourceEvent>();
  /** Events of whichever source is in charge. Never errors: a source that fails becomes `lost`. */
  readonly events$: Observable<SourceEvent> = this.#events.asObservable();
  #current: Subscription | null = null;
  readonly #openings = new Set<Subscription>();
  #pending: Promise<void> = Promise.resolve();
  #closed = false;
  #uri = '';
  #source: FrameSource | null = null;

  constructor(
    private readonly createSource: (uri: string) => FrameSource,
    private readonly options: SourceOptions,
    private readonly trials: SourceTrials = sourceTrials,
  ) {}

  /** The source in charge, as the person wrote it. */
  get uri(): string {
    return this.#uri;
  }

  /** Numbers of the processes that read the source in charge. */
  get processes(): readonly number[] {
    return this.#source?.processes ?? [];
  }

  /**
   * The first source takes charge at once, and resolves with its format or with its first `lost` (it goes on trying).
   * Rejects with the coded error of a source that can never work, and with SONO_SOURCE_NO_ANSWER where 20 s pass without a
   * sign of life.
   */
  openFirst(uri: string): Promise<void> {
    return this.#open(uri, null);
  }

  /**
   * Any later source takes charge with its format; a `lost` before that counts as failure, and so does an asker who leaves.
   * Throws what SourceTrials.run throws.
   */
  replace(uri: string, onTakeOver: () => void, asker?: AbortSignal): Promise<void> {
    return this.trials.run(uri, asker, (signal) => {
      const next = this.#pending.then(() => this.#open(uri, { onTakeOver, signal }));
      // Sources are opened one after the other; a failed one must not block the next.
      this.#pending = next.catch(() => undefined);
      return next;
    });
  }

  /** A source that is still being opened is given up with SONO_ROOM_CLOSED. */
  close(): void {
    this.#closed = true;
    for (const opening of this.#openings) opening.unsubscribe();
    this.#current?.unsubscribe();
    this.#current = null;
    this.#source = null;
    this.#events.complete();
  }

  /** `later` null: the first source. */
  #open(
    uri: string,
    later: { readonly onTakeOver: () => void; readonly signal: AbortSignal } | null,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(pipelineError('SONO_ROOM_CLOSED'));
        return;
      }
      if (later?.signal.aborted) {
        reject(later.signal.reason as Error);
        return;
      }
      const subscription = new Subscription();
      let inCharge = false;
      let settled = false;
      let ended = false;

      let source: FrameSource | null = null;
      const takeOver = (): void => {
        if (inCharge) return;
        inCharge = true;
        this.#current?.unsubscribe();
        this.#current = subscription;
        this.#uri = uri;
        this.#source = source;
        later?.onTakeOver();
      };
      const settle = (): void => {
        settled = true;
        clearTimeout(timer);
        later?.signal.removeEventListener('abort', giveUp);
        this.#openings.delete(subscription);
      };
      const accept = (): void => {
        if (settled) return;
        settle();
        resolve();
      };
      const refuse = (reason: unknown): void => {
        if (settled) return;
        settle();
        subscription.unsubscribe();
        reject(asSonoError(reason, uri));
      };
      const giveUp = (): void => refuse(later?.signal.reason);
      later?.signal.addEventListener('abort', giveUp);
      const noAnswer = (): SonoError =>
        ingestError('SONO_SOURCE_NO_ANSWER', {
          uri: redact(uri),
          seconds: answerSeconds,
          what: firstPicture,
        });
      // A later source needs no limit here: its trial has one.
      const patience = (): NodeJS.Timeout | undefined =>
        later === null ? setTimeout(() => refuse(noAnswer()), answerSeconds * 1000) : undefined;
      let timer = patience();
      // The room may be closed while a source is still being opened.
      this.#openings.add(subscription);
      subscription.add(() => refuse(pipelineError('SONO_ROOM_CLOSED')));

      if (later === null) takeOver();
      let events: Observable<SourceEvent>;
      try {
        source = this.createSource(uri);
        if (inCharge) this.#source = source;
        events = source.open(this.options);
      } catch (error) {
        refuse(error);
        return;
      }
      subscription.add(
        events.subscribe({
          next: (event) => {
            if (this.#closed) return;
            if (!settled && event.kind === 'state' && event.state.phase === 'starting') {
              clearTimeout(timer);
              timer = patience();
            }
            if (event.kind === 'state' && event.state.phase === 'lost') {
              if (!inCharge) {
                refuse(event.state.reason);
                return;
              }
              accept();
            }
            if (event.kind === 'format') {
              takeOver();
              accept();
            }
            if (event.kind === 'state' && event.state.phase === 'ended') ended = true;
            if (inCharge) this.#events.next(event);
          },
          error: (error: unknown) => {
            if (!settled) refuse(error);
            else if (inCharge && !this.#closed)
              this.#events.next({
                kind: 'state',
                state: {
                  phase: 'lost',
                  reason: asSonoError(error, uri),
                  sinceNs: monotonicNs(),
                  attempt: 0,
                },
              });
          },
          complete: () => {
            if (!settled) refuse(noAnswer());
            else if (inCharge && !ended && !this.#closed)
              this.#events.next({ kind: 'state', state: { phase: 'ended' } });
          },
        }),
      );
    });
  }
}

function asSonoError(error: unknown, uri: string): SonoError {
  const name = redact(uri);
  return codedFault('source', name, error, (cause) =>
    ingestError('SONO_SOURCE_FAILED', { uri: name, why: `${reasonOf(cause)}.` }, cause),
  );
}
