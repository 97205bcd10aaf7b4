/**
 * The one place where an error that nobody expected becomes a coded error of the one it concerns: a request, a viewer, a
 * room, a project. The owner ends or says so, everybody else goes on. Whoever serves listens here, writes one log line for
 * each fault and counts it. Any process; no state but the listeners.
 */
import { SonoError } from './errors.js';

/** Where an unexpected error was caught. `process`: by nobody before the last resort of the program. */
export const boundaries = [
  'request',
  'upgrade',
  'viewer',
  'room',
  'source',
  'project',
  'recorder',
  'process',
] as const;
export type Boundary = (typeof boundaries)[number];

export interface Fault {
  readonly boundary: Boundary;
  /** Whom it concerns: an operation, the id of a room or a project, a file of the program. Never a secret. */
  readonly owner: string;
  /** What the owner is told. */
  readonly error: SonoError;
  /** What was thrown. */
  readonly cause: unknown;
}

const listeners = new Set<(fault: Fault) => void>();

/** Hear of every fault from now on. Returns how to stop. A listener must not throw. */
export function onFault(listener: (fault: Fault) => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The sentence of a thrown value, for the `reason` of a coded error. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * A coded error as it is; anything else is wrapped by `wrap`, in the words of the caller's layer, and reported as a fault.
 */
export function codedFault(
  boundary: Boundary,
  owner: string,
  error: unknown,
  wrap: (cause: unknown) => SonoError,
): SonoError {
  if (error instanceof SonoError) return error as SonoError;
  const coded = wrap(error);
  reportFault({ boundary, owner, error: coded, cause: error });
  return coded;
}

/** For the last resort, which has no owner to tell. */
export function reportFault(fault: Fault): void {
  for (const listener of listeners) listener(fault);
}
