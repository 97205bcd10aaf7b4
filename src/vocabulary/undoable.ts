/** What a person can take back in a room. Types and their names only. */
import type { ObjectId } from './prompt.js';

export const undoableKinds = ['click', 'box', 'scribble', 'mask', 'rename', 'remove'] as const;
export type UndoableKind = (typeof undoableKinds)[number];

/** The last step of one object. */
export interface Undoable {
  readonly objectId: ObjectId;
  readonly label: string;
  /** null: a mark of before, whose kind was not kept. */
  readonly kind: UndoableKind | null;
  /** This mark made the object: taken back, the object ends. */
  readonly made: boolean;
}
