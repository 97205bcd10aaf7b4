/**
 * An outline that a person corrects by its points: handles over the picture that are dragged, or chosen with Tab and moved with the
 * arrow keys. What is not taken yet waits on its picture. Runs in the page; core/contour-spline.ts has the line.
 */
import './contour-points.css';
import { maskArea } from '../../../src/mask/rle.js';
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { Mask } from '../../../src/vocabulary/mask.js';
import type { Point } from '../../../src/vocabulary/prompt.js';
import { h } from '../app/dom.js';
import {
  middleAfter,
  nearestOn,
  splineOf,
  withAdded,
  withMoved,
  withoutPoint,
} from '../core/contour-spline.js';
import type { ContourPoint, PointRole } from '../core/contour-spline.js';
import { toStage } from '../core/viewport.js';
import type { Placement } from '../core/viewport.js';
import { msg, say, t } from '../core/texts.js';
import type { Text } from '../core/texts.js';
import { ContourBrush } from './contour-brush.js';

type Points = readonly ContourPoint[];

/** What the points belong to. */
export interface PointedOutline {
  readonly frame: number;
  readonly label: string;
  /** The outline as it was found or corrected before: another text, another outline. */
  readonly version: string;
  readonly size: PictureSize;
  /** Asked once, when the points are needed first. null: there is no outline. */
  readonly first: () => Points | null;
}

interface PointEvents {
  /** The line has changed: draw it. */
  readonly onChange: () => void;
  readonly onTake: (frame: number, label: string, mask: Mask) => void;
  /** A sentence for the person. */
  readonly onRefused: (sentence: string) => void;
}

interface Draft {
  version: string;
  points: Points;
  /** As they were before each change that was made since, oldest first. */
  readonly before: Points[];
  /** Changes that the server is being told; 0: none. */
  told: number;
  /** It was taken: the next outline of this picture is this one. */
  comesBack: boolean;
}

/** Source pixels that an arrow key moves a point, with Shift. */
const farPx = 5;
/** A double press this near to the line adds a point, CSS pixels. */
const nearPx = 16;
/** Steps that can be taken back, and pictures with something that is not taken yet; the oldest goes first. */
const mostSteps = 200;
const mostDrafts = 50;

const roleNames: Readonly<Record<PointRole, Text>> = {
  apex: msg('Apex'),
  hinge: msg('Mitral hinge'),
  side: msg('Point'),
};
const arrows: ReadonlyMap<string, Point> = new Map([
  ['ArrowLeft', [-1, 0]],
  ['ArrowRight', [1, 0]],
  ['ArrowUp', [0, -1]],
  ['ArrowDown', [0, 1]],
]);

export class ContourPoints {
  readonly element = h('div', {
    ...{ class: 'contour-points', role: 'group', 'aria-label': t('Points of the outline'), hidden: true },
  });
  readonly #events: PointEvents;
  readonly #drafts = new Map<string, Draft>();
  readonly #handles: HTMLButtonElement[] = [];
  #outline: PointedOutline | null = null;
  #placement: Placement = { left: 0, top: 0, scale: 1 };
  #unit = 1;
  /** The handle in hand, and whether it has moved. */
  #drag: { readonly index: number; moved: boolean } | null = null;
  /** The handle that was used last. */
  #chosen = 0;

  constructor(events: PointEvents) {
    this.#events = events;
  }

  /** Shows handles on this outline, null: none. Called at every drawing. */
  show(outline: PointedOutline | null, placement: Placement, unit: number): void {
    this.#outline = outline;
    this.#placement = placement;
    this.#unit = unit;
    if (outline) this.#renew(outline);
    const points = this.#draft?.points ?? [];
    this.element.hidden = points.length === 0;
    this.#place(points);
  }

  /** The line as it is now, in source pixels; null: nothing is shown. */
  get line(): readonly Point[] | null {
    const points = this.#draft?.points;
    return points === undefined ? null : splineOf(points);
  }

  /** Something on the picture that is shown is not taken yet. */
  get changed(): boolean {
    return (this.#draft?.before.length ?? 0) > 0;
  }

  /** Other pictures on which something is not taken yet. */
  get waiting(): readonly number[] {
    const own = this.#outline && keyOf(this.#outline);
    const frames = [...this.#drafts].flatMap(([key, { before }]) =>
      before.length > 0 && key !== own ? [Number(key.split('/')[0])] : [],
    );
    return [...new Set(frames)].sort((a, b) => a - b);
  }

  focus(): void {
    this.#handles[Math.min(this.#chosen, this.#handles.length - 1)]?.focus({ preventScroll: true });
  }

  /** Makes the outline that of the points. Nothing happens where nothing was changed. */
  take(): void {
    const [outline, draft] = [this.#outline, this.#draft];
    if (!outline || !draft || draft.before.length === 0 || draft.told > 0) return;
    const path = new Path2D();
    splineOf(draft.points).forEach(([x, y], index) => (index === 0 ? path.moveTo(x, y) : path.lineTo(x, y)));
    path.closePath();
    const mask = new ContourBrush(outline.size, path, '#fff').mask();
    if (maskArea(mask) === 0) {
      this.#events.onRefused(t('The outline encloses nothing.'));
      return;
    }
    draft.told = draft.before.length;
    draft.comesBack = true;
    this.#events.onTake(outline.frame, outline.label, mask);
  }

  /** The server has answered. Where it refused the line waits as it is. */
  answered(frame: number, label: string, taken: boolean): void {
    const draft = this.#drafts.get(`${frame}/${label}`);
    if (!draft) return;
    if (taken) draft.before.splice(0, draft.told);
    else draft.comesBack = false;
    draft.told = 0;
    this.#events.onChange();
  }

  /** Puts the points back where they were found. False: they are there. */
  leave(): boolean {
    if (!this.#outline || !this.changed) return false;
    this.forget(this.#outline);
    this.#events.onChange();
    return true;
  }

  /** The outline is corrected in another way: its points are looked for anew. */
  forget(outline: Pick<PointedOutline, 'frame' | 'label'>): void {
    this.#drafts.delete(keyOf(outline));
    this.#drag = null;
  }

  /** Takes back the last change that is not taken yet. False: there is none. */
  undo(): boolean {
    const draft = this.#draft;
    if (!draft || draft.before.length === 0) return false;
    // What the server is being told is taken back there.
    if (draft.told > 0) return true;
    draft.points = draft.before.pop() ?? draft.points;
    this.#events.onChange();
    return true;
  }

  /** A point between the chosen one and the next. */
  addAfterChosen(): void {
    const points = this.#draft?.points;
    if (points) this.#add(this.#chosen, middleAfter(points, this.#chosen));
  }

  /** A point where the line is pressed twice. */
  addAt(at: Point): void {
    const points = this.#draft?.points;
    if (!points) return;
    const near = nearestOn(points, at);
    if (near.distance * this.#placement.scale <= nearPx * this.#unit) this.#add(near.after, near.at);
  }

  removeChosen(): void {
    const draft = this.#draft;
    if (!draft) return;
    const points = withoutPoint(draft.points, this.#chosen);
    if (points === null) {
      this.#events.onRefused(t('Apex, hinges and the last points stay: move them instead.'));
      return;
    }
    this.#chosen = Math.max(0, this.#chosen - 1);
    this.#change(points);
    this.focus();
  }

  get #draft(): Draft | null {
    return this.#outline ? (this.#drafts.get(keyOf(this.#outline)) ?? null) : null;
  }

  #renew(outline: PointedOutline): void {
    const key = keyOf(outline);
    const known = this.#drafts.get(key);
    if (known?.version === outline.version) return;
    if (known?.comesBack) {
      // As it was taken: the points stay where the hand has put them.
      known.version = outline.version;
      known.comesBack = false;
      return;
    }
    this.#drafts.delete(key);
    const points = outline.first();
    const fresh = { version: outline.version, before: [], told: 0, comesBack: false };
    if (points !== null) this.#drafts.set(key, { ...fresh, points });
    for (const oldest of [...this.#drafts.keys()].slice(0, -mostDrafts)) this.#drafts.delete(oldest);
  }

  #change(points: Points): void {
    const draft = this.#draft;
    if (!draft) return;
    draft.before.push(draft.points);
    if (draft.before.length > mostSteps) draft.before.shift();
    draft.points = points;
    this.#events.onChange();
  }

  #add(after: number, at: Point): void {
    const draft = this.#draft;
    const points = draft && withAdded(draft.points, after, at);
    if (!points) {
      this.#events.onRefused(t('There are as many points as an outline can have.'));
      return;
    }
    this.#chosen = after + 1;
    this.#change(points);
    this.focus();
  }

  #move(index: number, at: Point): void {
    const [outline, draft] = [this.#outline, this.#draft];
    if (outline && draft) this.#change(withMoved(draft.points, index, at, outline.size));
  }

  // ------------------------------------------------------------------------------------------ handles

  #place(points: Points): void {
    while (this.#handles.length > points.length) this.#handles.pop()?.remove();
    while (this.#handles.length < points.length) {
      const handle = this.#newHandle(this.#handles.length);
      this.#handles.push(handle);
      this.element.append(handle);
    }
    let side = 0;
    let hinge = 0;
    for (const [index, { at, role }] of points.entries()) {
      const handle = this.#handles[index] as HTMLButtonElement;
      const [left, top] = toStage(this.#placement, at[0], at[1]);
      handle.style.left = `${left / this.#unit}px`;
      handle.style.top = `${top / this.#unit}px`;
      handle.className = `contour-point ${role}`;
      const number = role === 'hinge' ? ` ${(hinge += 1)}` : role === 'side' ? ` ${(side += 1)}` : '';
      const name = `${say(roleNames[role])}${number}`;
      handle.setAttribute('aria-label', `${name}: ${Math.round(at[0])}, ${Math.round(at[1])}`);
      handle.title = t('{name}: drag it, or move it with the arrow keys (Shift: {n} pixels)', {
        name,
        n: farPx,
      });
      handle.dataset['role'] = role;
    }
  }

  #newHandle(index: number): HTMLButtonElement {
    const handle = h('button', { type: 'button' });
    handle.addEventListener('focus', () => (this.#chosen = index));
    handle.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      handle.setPointerCapture(event.pointerId);
      this.#chosen = index;
      this.#drag = { index, moved: false };
    });
    handle.addEventListener('pointermove', (event) => {
      const [drag, outline, draft] = [this.#drag, this.#outline, this.#draft];
      if (drag?.index !== index || !outline || !draft || !handle.hasPointerCapture(event.pointerId)) return;
      const at = this.#at(event);
      // A whole drag is one step; the hand's first move begins it.
      if (!drag.moved) this.#move(index, at);
      else {
        draft.points = withMoved(draft.points, index, at, outline.size);
        this.#events.onChange();
      }
      drag.moved = true;
    });
    handle.addEventListener('pointerup', () => (this.#drag = null));
    handle.addEventListener('pointercancel', () => {
      if (this.#drag?.moved) this.undo();
      this.#drag = null;
    });
    handle.addEventListener('contextmenu', (event) => event.preventDefault());
    handle.addEventListener('keydown', (event) => {
      if (!this.#onKey(event, index)) return;
      // The same keys step the picture.
      event.preventDefault();
      event.stopPropagation();
    });
    return handle;
  }

  #onKey({ key, shiftKey, ctrlKey, metaKey, altKey }: KeyboardEvent, index: number): boolean {
    if (ctrlKey || metaKey || altKey) return false;
    const step = arrows.get(key);
    const at = this.#draft?.points[index]?.at;
    if (step && at) {
      const far = shiftKey ? farPx : 1;
      this.#move(index, [at[0] + far * step[0], at[1] + far * step[1]]);
    } else if (key === 'Delete' || key === 'Backspace') this.removeChosen();
    else if (key === 'Insert' || key === '+') this.addAfterChosen();
    else if (key === 'Enter') this.take();
    else return false;
    return true;
  }

  #at(event: PointerEvent): Point {
    const bounds = this.element.getBoundingClientRect();
    const { left, top, scale } = this.#placement;
    return [
      ((event.clientX - bounds.left) * this.#unit - left) / scale,
      ((event.clientY - bounds.top) * this.#unit - top) / scale,
    ];
  }
}

const keyOf = ({ frame, label }: Pick<PointedOutline, 'frame' | 'label'>): string => `${frame}/${label}`;
