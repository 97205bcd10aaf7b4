/**
 * The marks of an object on the picture that is shown: clicks, boxes, strokes and hand-drawn outlines, each with handles that are
 * dragged, or reached with Tab and moved with the arrow keys. Runs in the page.
 */
import './marks-layer.css';
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { Point, Prompt } from '../../../src/vocabulary/prompt.js';
import { h, svg } from '../app/dom.js';
import { icon } from '../app/icons.js';
import { gripsOf, movedMark } from '../core/marks.js';
import type { PlacedMark } from '../core/marks.js';
import { t } from '../core/texts.js';
import { toStage } from '../core/viewport.js';
import type { Placement } from '../core/viewport.js';

interface MarkEvents {
  readonly onMove: (id: number, prompt: Prompt) => void;
  readonly onRemove: (id: number) => void;
}

/** Source pixels that an arrow key moves a handle, with Shift. */
const farPx = 10;
/** A move by key is sent when the hand has rested so long. */
const restMs = 600;

const arrows: ReadonlyMap<string, Point> = new Map([
  ['ArrowLeft', [-1, 0]],
  ['ArrowRight', [1, 0]],
  ['ArrowUp', [0, -1]],
  ['ArrowDown', [0, 1]],
]);
interface Handle {
  readonly element: HTMLButtonElement;
  mark: PlacedMark;
  grip: number;
}

export class MarksLayer {
  readonly element = h('div', { class: 'marks', role: 'group', 'aria-label': t('Marks on this picture') });
  readonly #events: MarkEvents;
  readonly #shapes = svg('svg', { class: 'mark-shapes', 'aria-hidden': 'true' });
  readonly #handles: Handle[] = [];
  readonly #remove = h(
    'button',
    { type: 'button', class: 'icon-button mark-remove', 'aria-label': t('Remove this mark'), hidden: true },
    icon('remove'),
  );
  #marks: readonly PlacedMark[] = [];
  #placement: Placement = { left: 0, top: 0, scale: 1 };
  #unit = 1;
  #size: PictureSize = { width: 1, height: 1 };
  /** What was moved here and has not come back from the server yet. */
  #draft: PlacedMark | null = null;
  #drag: { readonly handle: Handle; last: Point; moved: boolean } | null = null;
  #chosen: number | null = null;
  #rest = 0;

  constructor(events: MarkEvents) {
    this.#events = events;
    this.element.append(this.#shapes, this.#remove);
    this.#remove.addEventListener('click', () => {
      if (this.#chosen !== null) this.#drop(this.#chosen);
    });
  }

  /** Called at every drawing. */
  show(marks: readonly PlacedMark[], size: PictureSize, placement: Placement, unit: number): void {
    if (marks !== this.#marks && !this.#drag && this.#rest === 0) this.#draft = null;
    this.#marks = marks;
    this.#size = size;
    this.#placement = placement;
    this.#unit = unit;
    if (this.#chosen !== null && !marks.some(({ id }) => id === this.#chosen)) this.#chosen = null;
    this.#draw();
  }

  /** The server has answered a move: what it says holds. */
  settled(): void {
    this.#draft = null;
    this.#draw();
  }

  end(): void {
    clearTimeout(this.#rest);
  }

  #css([x, y]: Point): [number, number] {
    const [left, top] = toStage(this.#placement, x, y);
    return [left / this.#unit, top / this.#unit];
  }

  #draw(): void {
    const shown = this.#marks.map((mark) => (mark.id === this.#draft?.id ? this.#draft : mark));
    const path = (points: readonly Point[], closed: boolean): string =>
      points
        .map((point, index) => {
          const [x, y] = this.#css(point);
          return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
        })
        .join('') + (closed ? 'Z' : points.length === 1 ? 'h.01' : '');
    this.#shapes.replaceChildren(
      ...shown.flatMap(({ type, box, points, positive }) => {
        const d =
          box && type === 'box'
            ? path(
                [
                  [box[0], box[1]],
                  [box[2], box[1]],
                  [box[2], box[3]],
                  [box[0], box[3]],
                ],
                true,
              )
            : points
              ? path(points, false)
              : '';
        if (d === '') return [];
        const kind = positive === false ? 'line negative' : 'line';
        return [svg('path', { class: 'halo', d }), svg('path', { class: kind, d })];
      }),
    );
    const wanted = shown.flatMap((mark) => gripsOf(mark).map((at, grip) => ({ mark, grip, at })));
    while (this.#handles.length > wanted.length) this.#handles.pop()?.element.remove();
    wanted.forEach(({ mark, grip, at }, index) => {
      const handle = this.#handles[index] ?? this.#newHandle(mark);
      handle.mark = mark;
      handle.grip = grip;
      const [left, top] = this.#css(at);
      handle.element.style.left = `${left}px`;
      handle.element.style.top = `${top}px`;
      const sign = mark.positive === false ? ' negative' : '';
      handle.element.className = `grip ${mark.type}${grip > 0 ? ' corner' : ''}${sign}`;
      handle.element.dataset['mark'] = String(mark.id);
      const name = nameOf(mark, grip);
      handle.element.setAttribute('aria-label', `${name}: ${Math.round(at[0])}, ${Math.round(at[1])}`);
      handle.element.title = name;
      if (mark.id === this.#chosen && grip === 0) {
        this.#remove.style.left = `${left}px`;
        this.#remove.style.top = `${top}px`;
      }
    });
    this.#remove.hidden = this.#chosen === null;
  }

  #newHandle(mark: PlacedMark): Handle {
    const element = h('button', { type: 'button' });
    const handle: Handle = { element, mark, grip: 0 };
    this.#handles.push(handle);
    this.#remove.before(element);
    element.addEventListener('focus', () => {
      this.#chosen = handle.mark.id;
      this.#draw();
    });
    element.addEventListener('blur', (event) => {
      if (event.relatedTarget instanceof Node && this.element.contains(event.relatedTarget)) return;
      this.#send();
      this.#chosen = null;
      this.#draw();
    });
    element.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      element.focus({ preventScroll: true });
      this.#drag = { handle, last: this.#at(event), moved: false };
    });
    element.addEventListener('pointermove', (event) => {
      const drag = this.#drag;
      if (drag?.handle !== handle || !element.hasPointerCapture(event.pointerId)) return;
      const at = this.#at(event);
      const [dx, dy] = [at[0] - drag.last[0], at[1] - drag.last[1]];
      if (!drag.moved && Math.hypot(dx, dy) * this.#placement.scale < 3 * this.#unit) return;
      drag.moved = true;
      drag.last = at;
      this.#move(handle, [dx, dy]);
    });
    element.addEventListener('pointerup', () => {
      const moved = this.#drag?.moved === true;
      this.#drag = null;
      if (moved) this.#send();
    });
    element.addEventListener('pointercancel', () => {
      this.#drag = null;
      this.settled();
    });
    element.addEventListener('contextmenu', (event) => event.preventDefault());
    element.addEventListener('keydown', (event) => {
      if (!this.#onKey(event, handle)) return;
      // The same keys move the crosshair and remove the object.
      event.preventDefault();
      event.stopPropagation();
    });
    return handle;
  }

  #onKey({ key, shiftKey, ctrlKey, metaKey, altKey }: KeyboardEvent, handle: Handle): boolean {
    if (ctrlKey || metaKey || altKey) return false;
    const step = arrows.get(key);
    if (step) {
      const far = shiftKey ? farPx : 1;
      this.#move(handle, [far * step[0], far * step[1]]);
      clearTimeout(this.#rest);
      this.#rest = window.setTimeout(() => this.#send(), restMs);
    } else if (key === 'Delete' || key === 'Backspace') this.#drop(handle.mark.id);
    else if (key === 'Enter' && this.#rest !== 0) this.#send();
    else if (key === 'Escape' && this.#draft) {
      clearTimeout(this.#rest);
      this.#rest = 0;
      this.settled();
    } else return false;
    return true;
  }

  #move({ mark, grip }: Handle, by: Point): void {
    const from = this.#draft?.id === mark.id ? this.#draft : mark;
    this.#draft = movedMark(from, grip, by, this.#size);
    this.#draw();
  }

  #send(): void {
    clearTimeout(this.#rest);
    this.#rest = 0;
    const draft = this.#draft;
    const before = this.#marks.find(({ id }) => id === draft?.id);
    if (!draft || draft === before) return;
    const prompt = promptOf(draft);
    if (prompt) this.#events.onMove(draft.id, prompt);
  }

  #drop(id: number): void {
    clearTimeout(this.#rest);
    this.#rest = 0;
    this.#draft = null;
    this.#events.onRemove(id);
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

function nameOf({ type, positive }: PlacedMark, grip: number): string {
  switch (type) {
    case 'click':
      return positive === false ? t('Click (−)') : t('Click (+)');
    case 'scribble':
      return positive === false ? t('Stroke (−)') : t('Stroke (+)');
    case 'box':
      return grip === 0 ? t('Box') : t('Corner {corner} of the box', { corner: grip });
    case 'mask':
      return t('Outline drawn by hand');
  }
}

/** null: a mask, which is repaired and not moved. */
function promptOf({ type, point, box, points, positive = true }: PlacedMark): Prompt | null {
  if (type === 'click' && point) return { type, point, positive };
  if (type === 'box' && box) return { type, box };
  if (type === 'scribble' && points) return { type, points, positive };
  return null;
}
