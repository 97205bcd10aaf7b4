/**
 * The network's memory inputs for a group of objects, kept filled between frames: per frame only slots whose entry
 * changed are written.
 */
import type { MemoryEntry } from './memory-bank.js';
import type { TrackerModel } from './model.js';

/** Row-major float32; N objects, M slots. */
export interface BankInputs {
  readonly objects: number;
  /** [N, M, Ck, T] */
  readonly key: Float32Array;
  /** [N, M, Cv, T] */
  readonly value: Float32Array;
  /** [N, M] */
  readonly score: Float32Array;
  /** [N, M], 1 used, 0 not */
  readonly valid: Float32Array;
}

export class BankTensors {
  readonly #model: Pick<TrackerModel, 'slots' | 'keyLength' | 'valueLength'>;
  #inputs: BankInputs;
  /** Entry in each slot of each row, so that an unchanged slot is left alone. */
  #present: (MemoryEntry | undefined)[] = [];

  constructor(model: Pick<TrackerModel, 'slots' | 'keyLength' | 'valueLength'>) {
    this.#model = model;
    this.#inputs = this.#allocate(0);
  }

  /** Selected entries of each object, in the order of the group. The arrays are reused by the next call. */
  fill(selected: readonly (readonly MemoryEntry[])[]): BankInputs {
    if (selected.length !== this.#inputs.objects) {
      this.#inputs = this.#allocate(selected.length);
      this.#present = [];
    }
    const { slots, keyLength, valueLength } = this.#model;
    const { key, value, score, valid } = this.#inputs;
    selected.forEach((entries, row) => {
      for (let slot = 0; slot < slots; slot++) {
        const index = row * slots + slot;
        const entry = entries[slot];
        if (entry === this.#present[index]) continue;
        this.#present[index] = entry;
        if (entry === undefined) {
          key.fill(0, index * keyLength, (index + 1) * keyLength);
          value.fill(0, index * valueLength, (index + 1) * valueLength);
          score[index] = 0;
          valid[index] = 0;
        } else {
          key.set(entry.key, index * keyLength);
          value.set(entry.value, index * valueLength);
          score[index] = entry.score;
          valid[index] = 1;
        }
      }
    });
    return this.#inputs;
  }

  #allocate(objects: number): BankInputs {
    const { slots, keyLength, valueLength } = this.#model;
    return {
      objects,
      key: new Float32Array(objects * slots * keyLength),
      value: new Float32Array(objects * slots * valueLength),
      score: new Float32Array(objects * slots),
      valid: new Float32Array(objects * slots),
    };
  }
}
