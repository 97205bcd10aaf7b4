/**
 * Descriptions of plain data, written as values: the TypeScript type of a stored state and the check of what is read back
 * both follow from one description, so they cannot drift apart. Pure; `src/engine/snapshot.ts` turns a description into a check.
 */
import type { Box, Mask } from '../vocabulary/mask.js';
import type { Prompt } from '../vocabulary/prompt.js';

/** Kinds of values that are not described any further. */
interface Leaves {
  readonly number: number;
  readonly whole: number;
  /** A whole number from 1 on. */
  readonly positive: number;
  readonly text: string;
  readonly flag: boolean;
  readonly mask: Mask;
  readonly box: Box;
  readonly prompt: Prompt;
  /** Arrays of the length that the model gives this tensor of a memory entry. */
  readonly key: Float32Array;
  readonly value: Float32Array;
  readonly embedding: Float32Array;
  /** An array of any length. */
  readonly floats: Float32Array;
  /** What a memory policy keeps; the policy describes it. */
  readonly own: Plain;
  /** No value at all. */
  readonly nothing: undefined;
}

export type Leaf = keyof Leaves;

export type Shape =
  | Leaf
  | { readonly oneOf: readonly (string | number)[] }
  | { readonly nullable: Shape }
  /** `atMost`: no longer than this number of the model. */
  | { readonly list: Shape; readonly atMost?: 'maxObjects' }
  | { readonly fields: Readonly<Record<string, Shape>> }
  | { readonly anyOf: readonly Shape[] };

/** The type of the values that a description allows. */
export type Described<S> = S extends Leaf
  ? Leaves[S]
  : S extends { readonly oneOf: readonly (infer Value)[] }
    ? Value
    : S extends { readonly nullable: infer Inner }
      ? Described<Inner> | null
      : S extends { readonly list: infer Inner }
        ? readonly Described<Inner>[]
        : S extends { readonly anyOf: readonly (infer Inner)[] }
          ? Described<Inner>
          : S extends { readonly fields: infer Fields }
            ? { readonly [Name in keyof Fields]: Described<Fields[Name]> }
            : never;

/** Data without behaviour: what can be stored in a snapshot and sent to another thread. */
export type Plain =
  | undefined
  | null
  | boolean
  | number
  | string
  | Float32Array
  | Uint32Array
  | readonly Plain[]
  | { readonly [name: string]: Plain };
