/** Errors as plain data, for threads and processes: classes do not cross. Code, details, places and causes come through. Pure. */
import { SonoError } from './errors.js';
import type { ErrorDefinition } from './errors.js';

export interface PlainError {
  readonly message: string;
  readonly stack: string | null;
  readonly coded: {
    readonly code: string;
    readonly definition: ErrorDefinition;
    readonly details: Readonly<Record<string, string | number>>;
  } | null;
  readonly cause: PlainError | null;
}

export function toPlainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { message: String(error), stack: null, coded: null, cause: null };
  const { message, stack, cause } = error;
  return {
    message,
    stack: stack ?? null,
    coded:
      error instanceof SonoError
        ? { code: String(error.code), definition: error.definition, details: error.details }
        : null,
    cause: cause === undefined ? null : toPlainError(cause),
  };
}

/** An error that says what the original said, and where it was made. */
export function fromPlainError({ message, stack, coded, cause }: PlainError): Error {
  const inner = cause === null ? undefined : fromPlainError(cause);
  const error =
    coded === null
      ? new Error(message, inner && { cause: inner })
      : new SonoError(coded.code, coded.definition, coded.details, inner);
  if (stack !== null) error.stack = stack;
  return error;
}
