/**
 * The one place where a source is tried on somebody's behalf: a probe, another source for a room, a project. Each try has a
 * time limit, ends when the asker leaves, and only a few run at once, because each is a process of its own. Main process.
 */
import { codedFault, reasonOf } from '../vocabulary/faults.js';
import type { SonoError } from '../vocabulary/errors.js';
import { ingestError } from './errors.js';
import { redact } from './source-uri.js';

interface TrialLimits {
  readonly atOnce: number;
  readonly limitMs: number;
  /** A try that was given up holds its place for this time: its process may take a second to end. */
  readonly lingerMs: number;
}

const defaultTrialLimits: TrialLimits = { atOnce: 4, limitMs: 20_000, lingerMs: 1_000 };

/** What was waited for when a source does not answer, as SONO_SOURCE_NO_ANSWER says it. */
export const firstPicture = 'its first picture';

export class SourceTrials {
  #running = 0;

  constructor(private readonly limits: TrialLimits = defaultTrialLimits) {}

  /** Tries under way, those that are just ending included. */
  get running(): number {
    return this.#running;
  }

  /**
   * @param attempt must end what it has begun when its signal says so
   * @param asker aborted when whoever asked has left
   * @throws what `attempt` throws (SONO_SOURCE_FAILED where that is not coded), SONO_SOURCE_TRIALS where too many are under
   *   way, SONO_SOURCE_NO_ANSWER after the time limit, SONO_SOURCE_TRIAL_LEFT
   */
  async run<Result>(
    uri: string,
    asker: AbortSignal | undefined,
    attempt: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const { atOnce, limitMs, lingerMs } = this.limits;
    const name = redact(uri);
    if (this.#running >= atOnce) throw ingestError('SONO_SOURCE_TRIALS', { limit: atOnce });
    if (asker?.aborted) throw ingestError('SONO_SOURCE_TRIAL_LEFT', { uri: name });
    this.#running += 1;
    const giveUp = new AbortController();
    const timer = setTimeout(
      () =>
        giveUp.abort(
          ingestError('SONO_SOURCE_NO_ANSWER', { uri: name, seconds: limitMs / 1000, what: firstPicture }),
        ),
      limitMs,
    );
    const onLeft = (): void => giveUp.abort(ingestError('SONO_SOURCE_TRIAL_LEFT', { uri: name }));
    asker?.addEventListener('abort', onLeft, { once: true });
    try {
      return await Promise.race([attempt(giveUp.signal), rejection(giveUp.signal)]);
    } catch (error) {
      throw codedFault('source', name, error, (cause): SonoError =>
        ingestError('SONO_SOURCE_FAILED', { uri: name, why: `${reasonOf(cause)}.` }, cause),
      );
    } finally {
      clearTimeout(timer);
      asker?.removeEventListener('abort', onLeft);
      const release = (): void => void (this.#running -= 1);
      if (giveUp.signal.aborted) setTimeout(release, lingerMs).unref();
      else release();
    }
  }
}

/** The trials of the whole program. */
export const sourceTrials = new SourceTrials();

/** Rejects with the reason of the signal. */
function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
