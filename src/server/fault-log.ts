/** Faults in the log: each the first time, then one line in ten seconds for the same place and owner. Main process. */
import type { Logger } from 'pino';
import type { Fault } from '../vocabulary/faults.js';

const quietMs = 10_000;
/** Limits the memory, because a caller can invent names of owners. */
const mostOwners = 1000;

export class FaultLog {
  readonly #seen = new Map<string, { atMs: number; leftOut: number }>();

  constructor(
    private readonly logger: Pick<Logger, 'error'>,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  write({ boundary, owner, error, cause }: Fault): void {
    // Grouped by the place that threw, because the message may differ each time.
    const place = cause instanceof Error ? /\n\s+at .*/.exec(cause.stack ?? '')?.[0] : undefined;
    const key = `${boundary} ${owner} ${place ?? ''}`;
    const seen = this.#seen.get(key);
    const nowMs = this.nowMs();
    if (seen && nowMs - seen.atMs < quietMs) {
      seen.leftOut += 1;
      return;
    }
    if (this.#seen.size >= mostOwners) this.#seen.clear();
    this.#seen.set(key, { atMs: nowMs, leftOut: 0 });
    this.logger.error(
      { boundary, owner, code: error.code, leftOut: seen?.leftOut ?? 0, err: cause },
      'an unexpected error',
    );
  }
}
