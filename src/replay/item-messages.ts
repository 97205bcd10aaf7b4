/** Messages between a run and the processes of its items (structured clone over IPC). */
import type { ErrorDefinition } from '../vocabulary/errors.js';
import { SonoError } from '../vocabulary/errors.js';
import type { ItemOptions, ItemProgress, ItemSummary } from './run-item.js';

export type ToItem = { readonly kind: 'start'; readonly options: ItemOptions } | { readonly kind: 'cancel' };

export interface WireError {
  readonly code: string | null;
  readonly message: string;
  readonly definition: ErrorDefinition | null;
  readonly details: Readonly<Record<string, string | number>>;
  readonly stack: string;
}

export type FromItem =
  | { readonly kind: 'progress'; readonly progress: ItemProgress }
  | { readonly kind: 'done'; readonly summary: ItemSummary }
  | { readonly kind: 'failed'; readonly error: WireError };

export function errorToWire(error: unknown): WireError {
  const plain = error instanceof Error ? error : new Error(String(error));
  const coded = error instanceof SonoError ? (error as SonoError) : null;
  const cause = plain.cause instanceof Error ? `\n${plain.cause.stack ?? plain.cause.message}` : '';
  return {
    code: coded?.code ?? null,
    message: plain.message,
    definition: coded ? { ...coded.definition } : null,
    details: coded ? { ...coded.details } : {},
    stack: `${plain.stack ?? plain.message}${cause}`,
  };
}

export function errorFromWire(wire: WireError): Error {
  const cause = new Error(wire.stack);
  return wire.code !== null && wire.definition
    ? new SonoError(wire.code, wire.definition, wire.details, cause)
    : Object.assign(new Error(wire.message), { cause });
}
