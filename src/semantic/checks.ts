/**
 * What a closer look cannot see: whether the picture stands on its head, and whether what is looked at is there twice (a dual screen).
 * From time to time the whole picture is looked at twice more, as it stands and turned over. Networks know pictures one way up: turned
 * over, echo-lv takes the atrium for the ventricle, and is nearly as sure of it. Pure.
 */
import type { SemanticModel } from './model.js';

export const checkLimits = {
  /** Between two checks, of the pictures' time. */
  everyNs: 2e9,
  /** A second part of this share of the largest is another of the same. Of 78 views of one heart none has a second part, of 117 dual
   * screens 113 have one of 0.23 and more. */
  secondPart: 0.2,
  /** To be taken as turned over, the network must be so sure of the view that way … */
  turnedView: 0.9,
  /** … and view times quality must be more by this than as it stands: on 78 views it is by 0.06 and more for the right way up. */
  turnedBy: 0.03,
  /** Pictures without anything on them, after which one is looked at the other way up. */
  patience: 4,
} as const;

/** What one look at the whole picture says, either way up. */
export interface WholeLook {
  /** Probability of the view, 0..1. */
  readonly view: number;
  /** Expected quality of the outlines, 0..1. */
  readonly quality: number;
  /** Of the class that is there once: the second largest part over the largest. */
  readonly secondPart: number;
}

/** Everything needed to go on identically. */
export interface CheckState {
  readonly turned: boolean;
  readonly several: boolean;
  /** Checks in succession that say otherwise. */
  readonly turnDoubts: number;
  readonly severalDoubts: number;
  /** ptsNs of the last check; null: none since the source began. */
  readonly checkedNs: number | null;
  readonly discontinuity: number;
  /** Pictures in succession on which nothing was found. */
  readonly missed: number;
}

const unchecked: CheckState = {
  ...{ turned: false, several: false, turnDoubts: 0, severalDoubts: 0, checkedNs: null },
  ...{ discontinuity: 0, missed: 0 },
};

/** Whether a model can be checked: it looks closer at something, and says how likely it is there. */
export const isChecked = ({ closer, verdict }: Pick<SemanticModel, 'closer' | 'verdict'>): boolean =>
  closer !== null && verdict.view !== null;

export class LookChecks {
  #state = unchecked;

  get state(): CheckState {
    return this.#state;
  }

  restore(state: CheckState | null): void {
    this.#state = state ?? unchecked;
  }

  /** The pictures stand on their heads. */
  get turned(): boolean {
    return this.#state.turned;
  }

  get several(): boolean {
    return this.#state.several;
  }

  /** Something was found on this picture; whether it is to be checked. */
  isDue(ptsNs: number, discontinuity: number): boolean {
    const state = this.#state;
    if (state.checkedNs !== null && state.discontinuity !== discontinuity)
      this.#state = { ...unchecked, turned: state.turned };
    this.#state = { ...this.#state, discontinuity, missed: 0 };
    const { checkedNs, turnDoubts, severalDoubts } = this.#state;
    return checkedNs === null || turnDoubts + severalDoubts > 0 || ptsNs - checkedNs >= checkLimits.everyNs;
  }

  /** Nothing was found on this picture, whichever way up. */
  miss(): void {
    const missed = this.#state.missed + 1;
    if (missed < checkLimits.patience) {
      this.#state = { ...this.#state, missed };
      return;
    }
    const turns = missed % checkLimits.patience < 2;
    // What is found the other way up is checked before it is shown.
    this.#state = { ...unchecked, missed, turned: this.#state.turned !== turns };
  }

  /** The picture as it is taken at present, and the other way up; whether it must be looked at anew. */
  take(ptsNs: number, own: WholeLook, other: WholeLook): boolean {
    const { turned, several, checkedNs } = this.#state;
    const [upright, over] = turned ? [other, own] : [own, other];
    const isTurned =
      over.view >= checkLimits.turnedView &&
      over.view * over.quality > upright.view * upright.quality + checkLimits.turnedBy;
    const isSeveral = (isTurned ? over : upright).secondPart >= checkLimits.secondPart;
    const turnDoubts = isTurned === turned ? 0 : this.#state.turnDoubts + 1;
    const severalDoubts = isSeveral === several ? 0 : this.#state.severalDoubts + 1;
    // The first check decides alone, later ones when two in succession say so.
    const enough = checkedNs === null ? 1 : 2;
    const turns = turnDoubts >= enough;
    const counts = severalDoubts >= enough;
    this.#state = {
      ...this.#state,
      ...{ turned: turns ? isTurned : turned, turnDoubts: turns ? 0 : turnDoubts },
      ...{ several: counts ? isSeveral : several, severalDoubts: counts ? 0 : severalDoubts },
      checkedNs: ptsNs,
    };
    return turns;
  }
}

/** [C, h, w] logits: of a class, the second largest connected part over the largest; 0 where there is one part or none. */
export function secondPart(
  logits: Float32Array,
  { width, height }: { readonly width: number; readonly height: number },
  classIndex: number,
): number {
  const places = width * height;
  const inside = new Uint8Array(places);
  for (let place = 0; place < places; place++) {
    const own = logits[classIndex * places + place] as number;
    let leads = true;
    for (let at = place; at < logits.length && leads; at += places) leads = (logits[at] as number) <= own;
    inside[place] = leads ? 1 : 0;
  }
  let [largest, second] = [0, 0];
  const open: number[] = [];
  for (let start = 0; start < places; start++) {
    if (inside[start] === 0) continue;
    let area = 0;
    open.push(start);
    inside[start] = 0;
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      area++;
      const column = place % width;
      for (const next of [
        column > 0 ? place - 1 : -1,
        column < width - 1 ? place + 1 : -1,
        place - width,
        place + width,
      ])
        if (next >= 0 && next < places && inside[next] === 1) {
          inside[next] = 0;
          open.push(next);
        }
    }
    if (area > largest) [largest, second] = [area, largest];
    else if (area > second) second = area;
  }
  return largest > 0 ? second / largest : 0;
}

/** The rows of planes [C, h, w] or of pictures [h, w, 3] in the other order, in place; `row`: numbers in one row. */
export function turnOver(values: Float32Array | Uint8Array, row: number, rows: number): void {
  for (let plane = 0; plane < values.length; plane += row * rows)
    for (let upper = 0, lower = rows - 1; upper < lower; upper++, lower--) {
      const above = plane + upper * row;
      const below = plane + lower * row;
      for (let at = 0; at < row; at++) {
        const value = values[above + at] as number;
        values[above + at] = values[below + at] as number;
        values[below + at] = value;
      }
    }
}
