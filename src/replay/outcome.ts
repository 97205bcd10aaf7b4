/** What became of one clip of a run. Types only. */
import type { InputItem } from './input-item.js';
import type { ItemSummary } from './item-summary.js';

export interface Outcome {
  readonly item: InputItem;
  readonly summary: ItemSummary | null;
  readonly error: Error | null;
}
