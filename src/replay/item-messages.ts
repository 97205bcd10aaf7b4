/** Messages between a run and the processes of its items (structured clone over IPC). */
import type { PlainError } from '../vocabulary/plain-error.js';
import type { ItemSummary } from './item-summary.js';
import type { ItemOptions, ItemProgress } from './run-item.js';

export type ToItem = { readonly kind: 'start'; readonly options: ItemOptions } | { readonly kind: 'cancel' };

export type FromItem =
  | { readonly kind: 'progress'; readonly progress: ItemProgress }
  | { readonly kind: 'done'; readonly summary: ItemSummary }
  | { readonly kind: 'failed'; readonly error: PlainError };
