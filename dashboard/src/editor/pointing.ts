/**
 * Mouse, finger, pen and keyboard on the stage: turns browser events into gestures (core/gestures.ts) and views
 * (core/viewport.ts), and draws the gesture while it lasts. What is drawn here is the person's own stroke, never a mask.
 */
import './pointing.css';
import { svg, textScale } from '../app/dom.js';
import { Disposer, Signal } from '../app/signal.js';
import { clampToPicture, draws, idle, stepGesture } from '../core/gestures.js';
import type { GestureInput, GestureState, Repair, Tool } from '../core/gestures.js';
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { Point, Prompt } from '../../../src/vocabulary/prompt.js';
import { fitView, panBy, place, toSource, toStage, zoomAt } from '../core/viewport.js';
import type { Placement, ViewChoice } from '../core/viewport.js';

/** A picture on a stage: live or of a recording. */
export interface PointedPicture {
  readonly canvas: HTMLCanvasElement;
  readonly pictureSize: Signal<PictureSize | null>;
  readonly view: Signal<ViewChoice>;
  /** Device pixels of the canvas. */
  readonly stageSize: Signal<PictureSize>;
  /** Device pixels per CSS pixel. */
  readonly pixelRatio: number;
}

interface PointingEvents {
  /** A gesture begins at that moment (performance.timeOrigin + event time); its picture is to stay on screen after `stillAfterMs`. */
  readonly onBegin: (atEpochMs: number, stillAfterMs: number) => void;
  readonly onPrompt: (prompt: Prompt) => void;
  /** It has ended without a prompt. */
  readonly onGiveUp?: (why: 'cancelled' | 'too-small' | 'too-long') => void;
  /** A gesture that lasts longer, ms, is given up; absent: it may last. */
  readonly longestMs?: number;
  /** A click with the Look tool, source pixels. */
  readonly onPick: (point: Point) => void;
  /** A mask was drawn by hand. */
  readonly onRepair?: (repair: Repair) => void;
  /** The gesture or the pointer has moved; `hover`: where the pointer is, source pixels, null: away. */
  readonly onChange?: (state: GestureState, hover: Point | null) => void;
}

/** Movement up to this many CSS pixels is still a click. */
const slopPx = 6;
/** A click is over before its picture is held still; whoever draws wants it still at once. */
const clickStillAfterMs = 250;
/** Crosshair step in CSS pixels. */
const keyStepPx = 6;

export class Pointing {
  readonly tool = new Signal<Tool>('look');
  readonly layer: SVGSVGElement;
  readonly #picture: PointedPicture;
  readonly #stage: HTMLElement;
  readonly #events: PointingEvents;
  readonly #disposer = new Disposer();
  readonly #shape = svg('g', {});
  readonly #cross = svg('g', { class: 'crosshair', visibility: 'hidden' });
  readonly #marks = svg('g', {});
  #state: GestureState = idle;
  /** Crosshair of the keyboard, source pixels; null: hidden. */
  #cursor: Point | null = null;
  /** Where the pointer is, source pixels. */
  #hover: Point | null = null;
  readonly #pointers = new Map<number, readonly [x: number, y: number]>();
  #tooLong: ReturnType<typeof setTimeout> | undefined;
  #drag: {
    readonly pointer: number;
    readonly mode: 'pan' | 'gesture';
    readonly start: readonly [number, number];
    moved: boolean;
  } | null = null;

  constructor(picture: PointedPicture, stage: HTMLElement, events: PointingEvents) {
    this.#picture = picture;
    this.#stage = stage;
    this.#events = events;
    for (const shape of ['M-14 0H-4M4 0H14M0-14V-4M0 4V14', 'M-.5 0h1M0-.5v1'])
      this.#cross.append(svg('path', { class: 'halo', d: shape }), svg('path', { class: 'line', d: shape }));
    this.layer = svg(
      'svg',
      { class: 'gestures', 'aria-hidden': 'true' },
      this.#shape,
      this.#marks,
      this.#cross,
    );
    const listen = <Name extends keyof HTMLElementEventMap>(
      name: Name,
      handler: (event: HTMLElementEventMap[Name]) => void,
      options: AddEventListenerOptions = {},
    ): void => {
      stage.addEventListener(name, handler, options);
      this.#disposer.add(() => stage.removeEventListener(name, handler, options));
    };
    listen('pointerdown', (event) => this.#down(event));
    listen('pointermove', (event) => this.#move(event));
    listen('pointerup', (event) => this.#up(event, false));
    listen('pointercancel', (event) => this.#up(event, true));
    listen('pointerleave', () => {
      this.#hover = null;
      this.#draw();
    });
    listen('contextmenu', (event) => event.preventDefault());
    listen('auxclick', (event) => event.preventDefault());
    listen('wheel', (event) => this.#wheel(event), { passive: false });
    this.#disposer.add(
      this.tool.watch((tool) => {
        stage.dataset['tool'] = tool;
        this.cancel();
        if (!draws(tool)) this.#cursor = null;
        this.#draw();
      }),
    );
    for (const signal of [picture.view, picture.stageSize, picture.pictureSize])
      this.#disposer.add(signal.watch(() => this.#draw()));
  }

  end(): void {
    this.cancel();
    this.#disposer.end();
  }

  get busy(): boolean {
    return this.#state.kind !== 'idle';
  }

  /** Takes back the last corner of the polygon that is being drawn. False: none is. */
  back(): boolean {
    if (this.#state.kind !== 'polygon') return false;
    this.#step({ kind: 'back' });
    return true;
  }

  cancel(why: 'cancelled' | 'too-long' = 'cancelled'): void {
    const gaveUp = this.busy;
    this.#state = idle;
    this.#drag = null;
    clearTimeout(this.#tooLong);
    if (gaveUp) this.#events.onGiveUp?.(why);
    this.#draw();
  }

  // ------------------------------------------------------------------------------------------ keyboard

  /** Arrow keys: moves the crosshair, or with Look the picture. */
  nudge(dx: number, dy: number, far: boolean): void {
    const size = this.#picture.pictureSize.value;
    const placement = this.#placement();
    if (!size || !placement) return;
    const step = keyStepPx * (far ? 6 : 1) * this.#picture.pixelRatio;
    if (!draws(this.tool.value)) {
      this.#pan(-dx * step * 3, -dy * step * 3);
      return;
    }
    const from = this.#cursor ?? this.#middle(placement);
    this.#cursor = clampToPicture(
      [from[0] + (dx * step) / placement.scale, from[1] + (dy * step) / placement.scale],
      size,
    );
    if (this.busy) this.#step({ kind: 'move', at: this.#cursor });
    this.#showCursor(placement);
    this.#draw();
  }

  /** The crosshair reaches the whole picture: where the picture is larger than the stage, it comes along. */
  #showCursor(placement: Placement): void {
    if (!this.#cursor) return;
    const { width, height } = this.#picture.stageSize.value;
    const [x, y] = toStage(placement, ...this.#cursor);
    const beyond = (at: number, size: number): number => Math.min(0, at) + Math.max(0, at - size);
    const [dx, dy] = [beyond(x, width), beyond(y, height)];
    if (dx !== 0 || dy !== 0) this.#pan(-dx, -dy);
  }

  /** Enter: click, or start and end a box or stroke at the crosshair. */
  act(opposite: boolean): void {
    const placement = this.#placement();
    if (!placement || !draws(this.tool.value)) return;
    if (this.#state.kind === 'polygon') {
      // Twice on the same place, or with the mouse in hand: it is closed.
      this.#step(this.#cursor ? { kind: 'down', at: this.#cursor, opposite } : { kind: 'close' });
      return;
    }
    this.#cursor ??= this.#middle(placement);
    if (this.busy) {
      const drawn = this.#state;
      const size = this.#picture.pictureSize.value;
      const tooSmall =
        drawn.kind === 'box' && size !== null && !stepGesture(drawn, 'box', { kind: 'up' }, size).prompt;
      // A second Enter at the same place: the corner has yet to be moved.
      if (tooSmall) this.#events.onGiveUp?.('too-small');
      else this.#step({ kind: 'up' });
      return;
    }
    this.#step({ kind: 'down', at: this.#cursor, opposite });
    if (this.#state.kind === 'click') this.#step({ kind: 'up' });
  }

  zoom(factor: number): void {
    const { width, height } = this.#picture.stageSize.value;
    this.#zoomAt(factor, [width / 2, height / 2]);
  }

  show(view: 'fit' | 'actual'): void {
    this.#picture.view.value =
      view === 'fit' ? fitView : { ...this.#picture.view.value, zoom: 1, actual: true };
  }

  // ------------------------------------------------------------------------------------------ pointers

  #placement(): Placement | null {
    const size = this.#picture.pictureSize.value;
    return size ? place(this.#picture.view.value, size, this.#picture.stageSize.value) : null;
  }

  /** Source pixel under a pointer. */
  sourceAt(event: { readonly clientX: number; readonly clientY: number }): Point {
    return toSource(this.#placement() ?? { left: 0, top: 0, scale: 1 }, ...this.#at(event));
  }

  #middle(placement: Placement): Point {
    const { width, height } = this.#picture.stageSize.value;
    const size = this.#picture.pictureSize.value ?? { width: 1, height: 1 };
    return clampToPicture(toSource(placement, width / 2, height / 2), size);
  }

  /** Device pixels of the stage. */
  #at(event: { readonly clientX: number; readonly clientY: number }): [number, number] {
    const box = this.#picture.canvas.getBoundingClientRect();
    const ratio = this.#picture.pixelRatio;
    return [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
  }

  #down(event: PointerEvent): void {
    if (event.target instanceof Element && event.target.closest('button, input, a')) return;
    this.#stage.focus({ preventScroll: true });
    this.#stage.setPointerCapture(event.pointerId);
    const at = this.#at(event);
    this.#pointers.set(event.pointerId, at);
    if (this.#pointers.size === 2) {
      // A second finger: zoom and move instead of drawing. A polygon waits, without the corner of the first finger.
      if (this.#drag?.mode !== 'gesture' || !this.back()) this.cancel();
      this.#drag = null;
      return;
    }
    if (this.#drag) return;
    const placement = this.#placement();
    if (!placement) return;
    const pans = !draws(this.tool.value) || event.button === 1;
    this.#drag = { pointer: event.pointerId, mode: pans ? 'pan' : 'gesture', start: at, moved: false };
    if (pans) return;
    this.#cursor = null;
    this.#step(
      {
        kind: 'down',
        at: toSource(placement, at[0], at[1]),
        opposite: event.button === 2 || event.altKey,
        nearPx: (slopPx * this.#picture.pixelRatio) / placement.scale,
      },
      performance.timeOrigin + event.timeStamp,
    );
  }

  #move(event: PointerEvent): void {
    const before = this.#pointers.get(event.pointerId);
    if (!before) {
      this.#moveOver(event);
      return;
    }
    const at = this.#at(event);
    if (this.#pointers.size === 2) {
      this.#pinch(event.pointerId, before, at);
      this.#pointers.set(event.pointerId, at);
      return;
    }
    this.#pointers.set(event.pointerId, at);
    const drag = this.#drag;
    const placement = this.#placement();
    if (!drag || drag.pointer !== event.pointerId || !placement) return;
    if (Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) > slopPx * this.#picture.pixelRatio)
      drag.moved = true;
    if (drag.mode === 'pan') {
      if (drag.moved) this.#pan(at[0] - before[0], at[1] - before[1]);
      return;
    }
    const events = event.getCoalescedEvents();
    for (const one of events.length > 0 ? events : [event])
      this.#step({ kind: 'move', at: toSource(placement, ...this.#at(one)) });
  }

  /** No button is held: a polygon's next side follows, and so does the brush. */
  #moveOver(event: PointerEvent): void {
    const placement = this.#placement();
    if (!placement || event.pointerType === 'touch') return;
    this.#hover = toSource(placement, ...this.#at(event));
    if (this.#state.kind === 'polygon') this.#step({ kind: 'move', at: this.#hover });
    else this.#events.onChange?.(this.#state, this.#hover);
  }

  #up(event: PointerEvent, cancelled: boolean): void {
    if (!this.#pointers.delete(event.pointerId)) return;
    const drag = this.#drag;
    if (!drag || drag.pointer !== event.pointerId) return;
    this.#drag = null;
    if (drag.mode === 'gesture') {
      if (!cancelled || !this.back()) this.#step({ kind: cancelled ? 'cancel' : 'up' });
      return;
    }
    const placement = this.#placement();
    const picks = this.tool.value !== 'points' && !drag.moved && !cancelled && event.button === 0;
    if (picks && placement) this.#events.onPick(toSource(placement, ...this.#at(event)));
  }

  #pinch(pointer: number, before: readonly [number, number], at: readonly [number, number]): void {
    const other = [...this.#pointers].find(([id]) => id !== pointer)?.[1];
    const size = this.#picture.pictureSize.value;
    if (!other || !size) return;
    const spread = (point: readonly [number, number]): number =>
      Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
    const stage = this.#picture.stageSize.value;
    const middle: [number, number] = [(before[0] + other[0]) / 2, (before[1] + other[1]) / 2];
    const zoomed = zoomAt(this.#picture.view.value, spread(at) / spread(before), middle, size, stage);
    this.#picture.view.value = panBy(zoomed, (at[0] - before[0]) / 2, (at[1] - before[1]) / 2, size, stage);
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    // Trackpad pinches arrive as small steps with Ctrl held.
    const speed = event.ctrlKey ? 0.01 : 0.0018;
    this.#zoomAt(Math.exp(-event.deltaY * lines * speed), this.#at(event));
  }

  /** Device pixels. */
  #pan(dx: number, dy: number): void {
    const size = this.#picture.pictureSize.value;
    if (size)
      this.#picture.view.value = panBy(this.#picture.view.value, dx, dy, size, this.#picture.stageSize.value);
  }

  #zoomAt(factor: number, at: readonly [number, number]): void {
    const size = this.#picture.pictureSize.value;
    if (size)
      this.#picture.view.value = zoomAt(
        this.#picture.view.value,
        factor,
        at,
        size,
        this.#picture.stageSize.value,
      );
  }

  // ------------------------------------------------------------------------------------------ gestures

  #step(input: GestureInput, atEpochMs = performance.timeOrigin + performance.now()): void {
    const size = this.#picture.pictureSize.value;
    const tool = this.tool.value;
    if (!size || !draws(tool)) return;
    const before = this.#state;
    const { state, began, prompt, repair } = stepGesture(before, tool, input, size);
    this.#state = state;
    if ('at' in input && this.#drag) this.#hover = input.at;
    const { onBegin, onPrompt, onRepair, onGiveUp, longestMs } = this.#events;
    if (began) {
      onBegin(atEpochMs, state.kind === 'click' ? clickStillAfterMs : 0);
      clearTimeout(this.#tooLong);
      if (longestMs !== undefined) this.#tooLong = setTimeout(() => this.cancel('too-long'), longestMs);
    }
    if (state.kind === 'idle') clearTimeout(this.#tooLong);
    if (prompt) {
      if (prompt.type === 'click') this.#mark(prompt.point, prompt.positive);
      onPrompt(prompt);
    }
    if (repair) onRepair?.(repair);
    if (!prompt && !repair && before.kind !== 'idle' && state.kind === 'idle') onGiveUp?.('cancelled');
    this.#draw();
  }

  /** Source pixel → CSS pixel of the layer. */
  #css(placement: Placement, [x, y]: Point): [number, number] {
    const [stageX, stageY] = toStage(placement, x, y);
    const ratio = this.#picture.pixelRatio;
    return [stageX / ratio, stageY / ratio];
  }

  #mark(point: Point, positive: boolean): void {
    const placement = this.#placement();
    if (!placement) return;
    const [x, y] = this.#css(placement, point);
    const sign = positive ? 'M-4.500 0H4.500M0-4.500V4.500' : 'M-4.500 0H4.500';
    const mark = svg(
      'g',
      {
        class: `click-mark ${positive ? 'positive' : 'negative'}`,
        transform: `translate(${x} ${y}) scale(${textScale()})`,
      },
      svg('circle', { r: 10 }),
      svg('path', { d: sign }),
    );
    this.#marks.append(mark);
    setTimeout(() => mark.remove(), 900);
  }

  #draw(): void {
    const placement = this.#placement();
    this.#cross.setAttribute('visibility', placement && this.#cursor ? 'visible' : 'hidden');
    if (placement && this.#cursor) {
      const [x, y] = this.#css(placement, this.#cursor);
      this.#cross.setAttribute('transform', `translate(${x} ${y}) scale(${textScale()})`);
    }
    const state = this.#state;
    this.#events.onChange?.(state, this.#cursor ?? this.#hover);
    // What a brush paints is drawn with the outline that it changes.
    if (!placement || state.kind === 'idle' || state.kind === 'click' || state.kind === 'paint') {
      this.#shape.replaceChildren();
      return;
    }
    const points: Point[] =
      state.kind === 'box'
        ? [state.from, [state.to[0], state.from[1]], state.to, [state.from[0], state.to[1]]]
        : state.kind === 'polygon'
          ? [...state.corners, state.at]
          : [...state.points];
    const d = points
      .map((point, index) => {
        const [x, y] = this.#css(placement, point);
        return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
      })
      .join('');
    const closed = state.kind === 'box' ? `${d}Z` : points.length === 1 ? `${d}h.01` : d;
    const kind =
      state.kind === 'box' || state.kind === 'polygon'
        ? `draft-${state.kind}`
        : state.positive
          ? 'draft-stroke positive'
          : 'draft-stroke negative';
    this.#shape.setAttribute('class', kind);
    this.#shape.replaceChildren(
      svg('path', { class: 'halo', d: closed }),
      svg('path', { class: 'line', d: closed }),
      ...(state.kind === 'polygon' ? state.corners : []).map((corner) => {
        const [cx, cy] = this.#css(placement, corner);
        return svg('circle', { class: 'corner', cx, cy, r: 4 * textScale() });
      }),
    );
  }
}
