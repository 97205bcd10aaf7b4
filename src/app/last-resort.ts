/**
 * What to do with an error that no boundary has caught. A program that does not serve yet ends with a sentence, as after any other
 * failure. A program that serves people goes on: the error has ended only the callback or the promise in which it happened, and
 * it is logged and counted with the part of the program that it came from. When the state cannot be trusted any more (an error
 * inside Node itself, or many errors within a minute), the program closes its recordings and ends. Main process.
 */
import type { SonoError } from '../vocabulary/errors.js';
import { reasonOf, reportFault } from '../vocabulary/faults.js';
import { cliError } from './errors.js';

/** More errors than this within a minute mean that the program is broken, so it ends. */
const mostPerMinute = 20;
const nodeInternals: ReadonlySet<string> = new Set(['ERR_INTERNAL_ASSERTION', 'ERR_WORKER_OUT_OF_MEMORY']);

/** Receives the errors that nobody caught while the program serves. */
export class LastResort {
  readonly #moments: number[] = [];
  #giveUp: (reason: SonoError) => void = () => undefined;
  /** Resolves with the reason when the program must end. */
  readonly hopeless = new Promise<SonoError>((resolve) => {
    this.#giveUp = resolve;
  });

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  take(cause: unknown): void {
    const error = cliError('SONO_UNEXPECTED', { reason: reasonOf(cause) }, cause);
    reportFault({ boundary: 'process', owner: originOf(cause), error, cause });
    const nowMs = this.nowMs();
    this.#moments.push(nowMs);
    while ((this.#moments[0] ?? nowMs) < nowMs - 60_000) this.#moments.shift();
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (nodeInternals.has(code) || this.#moments.length > mostPerMinute) this.#giveUp(error);
  }

  /** The program serves no more. */
  dispose(): void {
    if (serving === this) serving = null;
  }
}

let serving: LastResort | null = null;

/** Once, at the start of the program; `end` ends it with a sentence. */
export function listenForTheUncaught(end: (error: unknown) => void): void {
  const take = (error: unknown): void => {
    if (serving) serving.take(error);
    else end(error);
  };
  process.on('uncaughtException', take);
  process.on('unhandledRejection', take);
}

/** From now on the program goes on after an error that nobody caught. */
export function keepServing(): LastResort {
  serving = new LastResort();
  return serving;
}

/** The file of ours that is innermost on the stack (`replay/recording-source`), else the system call, else `unknown`. */
export function originOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const file = /\/(?:dist|src)\/((?:[a-z0-9-]+\/)*[a-z0-9-]+)\.[jt]s:\d/.exec(
    stack.replaceAll(/node_modules\/\S+/g, ''),
  )?.[1];
  const call = error instanceof Error && 'syscall' in error ? String(error.syscall).split(' ')[0] : undefined;
  return file ?? call ?? 'unknown';
}
