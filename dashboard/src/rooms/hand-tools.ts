/**
 * Measuring by hand on a picture that stands still: distances and ellipses, drawn on the picture, their values listed beside it, so
 * that nothing of the machine's own writing is covered. They belong to that picture and go with it. Runs in the page.
 */
import './hand-tools.css';
import type { Calibration } from '../../../src/vocabulary/calibration.js';
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { Point } from '../../../src/vocabulary/prompt.js';
import { h, svg } from '../app/dom.js';
import { icon, iconButton } from '../app/icons.js';
import type { Signal } from '../app/signal.js';
import { clampToPicture } from '../core/gestures.js';
import { lineOf, measured, moved, newMeasure, spacingOf } from '../core/hand-measures.js';
import type { HandKind, HandMeasure } from '../core/hand-measures.js';
import { t } from '../core/texts.js';
import { areaText, lengthText } from '../core/measure-words.js';
import { toSource, toStage } from '../core/viewport.js';
import type { Placement } from '../core/viewport.js';

/** A picture on which can be measured. */
interface MeasuredPicture {
  readonly size: () => PictureSize | null;
  /** Where it lies, in CSS pixels of the layer. */
  readonly placement: () => Placement | null;
  readonly calibration: () => Calibration;
}

interface Entry {
  readonly number: number;
  measure: HandMeasure;
}

/** Movement up to this many CSS pixels is a click: then the next click sets the other end. */
const slopPx = 6;
/** More would hide the picture. */
const mostMeasures = 12;
const arrows: Readonly<Record<string, Point>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const nameOf = ({ measure: { kind }, number: n }: Entry): string =>
  kind === 'distance' ? t('Distance {n}', { n }) : t('Ellipse {n}', { n });

export class HandTools {
  /** On the picture, exactly over it. */
  readonly layer = svg('svg', { class: 'hand-layer' });
  /** Beside the picture: values, and what is done with them. */
  readonly list = h('ul', { class: 'hand-list', 'aria-label': t('Measured by hand') });
  readonly #picture: MeasuredPicture;
  readonly #tool: Signal<HandKind | null>;
  #entries: Entry[] = [];
  #next = 1;
  /** The point that follows the pointer. */
  #drag: {
    readonly entry: Entry;
    readonly index: number;
    readonly fromX: number;
    readonly fromY: number;
    readonly fresh: boolean;
    moved: boolean;
  } | null = null;

  constructor(picture: MeasuredPicture, tool: Signal<HandKind | null>) {
    this.#picture = picture;
    this.#tool = tool;
    const { layer } = this;
    tool.watch((kind) => layer.classList.toggle('drawing', kind !== null));
    layer.addEventListener('pointerdown', (event) => this.#down(event));
    layer.addEventListener('pointermove', (event) => this.#move(event));
    layer.addEventListener('pointerup', (event) => this.#up(event));
    layer.addEventListener('pointercancel', () => this.#stop());
    layer.addEventListener('keydown', (event) => this.#key(event));
    this.draw();
  }

  get count(): number {
    return this.#entries.length;
  }

  /** The picture is another one: what was measured on the last is gone. */
  clear(): void {
    this.#entries = [];
    this.#next = 1;
    this.#drag = null;
    this.draw();
  }

  /** For a keyboard: one in the middle of the picture, to be moved by its ends. */
  place(kind: HandKind): void {
    const size = this.#picture.size();
    if (!size) return;
    const entry = this.#add(kind, [size.width * 0.4, size.height / 2], [size.width * 0.6, size.height / 2]);
    this.draw();
    if (entry) this.#handle(entry.number, 0)?.focus();
  }

  /** The values as lines of text. */
  get text(): string {
    return this.#entries.map((entry) => `${entry.number}. ${this.#words(entry)}`).join('\n');
  }

  draw(): void {
    const placement = this.#picture.placement();
    const focused = this.layer.querySelector<SVGElement>(':focus')?.dataset['handle'];
    this.layer.replaceChildren(
      ...(placement ? this.#entries.flatMap((entry) => this.#shape(entry, placement)) : []),
    );
    if (focused !== undefined)
      this.layer.querySelector<SVGElement>(`[data-handle="${focused}"]`)?.focus({ preventScroll: true });
    this.list.replaceChildren(
      ...this.#entries.map((entry) =>
        h(
          'li',
          { 'data-number': entry.number },
          h('b', {}, String(entry.number)),
          h('span', {}, this.#words(entry)),
          iconButton('close', t('Remove {name}', { name: nameOf(entry) }), () => this.#remove(entry), null),
        ),
      ),
      ...(this.#entries.length > 0
        ? [
            h(
              'li',
              {},
              h(
                'button',
                {
                  type: 'button',
                  class: 'chip-button',
                  title: t('Copy the values as text'),
                  onclick: () => void navigator.clipboard.writeText(this.text),
                },
                icon('save'),
                t('Copy'),
              ),
            ),
          ]
        : []),
    );
    this.list.hidden = this.#entries.length === 0;
  }

  #words({ measure }: Entry): string {
    const { length, area, circumference, unit } = measured(measure, this.#spacing(measure));
    if (area === null || circumference === null) return lengthText(length, unit);
    return t('{area}, around {length}', {
      area: areaText(area, unit),
      length: lengthText(circumference, unit),
    });
  }

  #spacing(measure: HandMeasure): ReturnType<typeof spacingOf> {
    const size = this.#picture.size();
    return size && spacingOf(measure, size, this.#picture.calibration());
  }

  #shape(entry: Entry, placement: Placement): SVGElement[] {
    const { number, measure } = entry;
    const d = lineOf(measure, this.#spacing(measure))
      .map(([x, y]) =>
        toStage(placement, x, y)
          .map((at) => at.toFixed(1))
          .join(' '),
      )
      .join('L');
    const line = `M${d}${measure.kind === 'ellipse' ? 'Z' : ''}`;
    const handles = measure.points.map((point, index) => {
      const [x, y] = toStage(placement, point[0], point[1]);
      return svg(
        'g',
        {
          class: 'hand-handle',
          transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
          tabindex: 0,
          role: 'button',
          'data-handle': `${number}/${index}`,
          'aria-label': t('{name}, {value}: point {n}. Arrow keys move it, Delete removes it.', {
            ...{ name: nameOf(entry), value: this.#words(entry), n: index + 1 },
          }),
        },
        svg('circle', { class: 'hand-grip', r: 22 }),
        svg('path', { class: 'halo', d: 'M-7 0h14M0-7v14' }),
        svg('path', { class: 'line', d: 'M-7 0h14M0-7v14' }),
      );
    });
    const [x, y] = toStage(placement, ...measure.points[1]);
    return [
      svg('path', { class: 'halo', d: line }),
      svg('path', { class: 'line', d: line }),
      ...handles,
      svg('text', { class: 'hand-number', x: x + 11, y: y - 11 }, String(number)),
    ];
  }

  #handle(number: number, index: number): SVGElement | null {
    return this.layer.querySelector<SVGElement>(`[data-handle="${number}/${index}"]`);
  }

  #add(kind: HandKind, from: Point, to: Point): Entry | null {
    if (this.#entries.length >= mostMeasures) return null;
    const entry = { number: this.#next++, measure: newMeasure(kind, from, to, null) };
    // Bent by the scale of where it lies.
    entry.measure = newMeasure(kind, from, to, this.#spacing(entry.measure));
    this.#entries.push(entry);
    return entry;
  }

  #remove(entry: Entry): void {
    this.#entries = this.#entries.filter((other) => other !== entry);
    this.draw();
  }

  #at(event: PointerEvent): Point | null {
    const size = this.#picture.size();
    const placement = this.#picture.placement();
    if (!size || !placement) return null;
    const bounds = this.layer.getBoundingClientRect();
    return clampToPicture(toSource(placement, event.clientX - bounds.left, event.clientY - bounds.top), size);
  }

  #entryOf(target: EventTarget | null): { readonly entry: Entry; readonly index: number } | null {
    const name = target instanceof Element ? target.closest<SVGElement>('[data-handle]') : null;
    const [number, index] = (name?.dataset['handle'] ?? '').split('/').map(Number);
    const entry = this.#entries.find((one) => one.number === number);
    return entry && index !== undefined ? { entry, index } : null;
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0) return;
    const at = this.#at(event);
    if (!at) return;
    event.stopPropagation();
    event.preventDefault();
    this.layer.setPointerCapture(event.pointerId);
    const from = { fromX: event.clientX, fromY: event.clientY, moved: false };
    // The other end of a line that was begun by a click.
    if (this.#drag) {
      this.#drag = { ...this.#drag, ...from, fresh: false };
      this.#follow(at);
      return;
    }
    const held = this.#entryOf(event.target);
    if (held) {
      this.#drag = { ...held, ...from, fresh: false };
      this.#handle(held.entry.number, held.index)?.focus({ preventScroll: true });
      return;
    }
    const kind = this.#tool.value;
    const entry = kind && this.#add(kind, at, at);
    if (!entry) return;
    this.#drag = { entry, index: 1, ...from, fresh: true };
    this.draw();
  }

  #move(event: PointerEvent): void {
    if (!this.#drag) return;
    event.stopPropagation();
    this.#drag.moved ||=
      Math.hypot(event.clientX - this.#drag.fromX, event.clientY - this.#drag.fromY) > slopPx;
    const at = this.#at(event);
    if (at && this.#drag.moved) this.#follow(at);
  }

  #up(event: PointerEvent): void {
    if (!this.#drag) return;
    event.stopPropagation();
    // A click begins a line: its other end follows the pointer until the next click.
    if (this.#drag.fresh && !this.#drag.moved) return;
    this.#drag = null;
    this.draw();
  }

  #stop(): void {
    if (this.#drag?.fresh) this.#remove(this.#drag.entry);
    this.#drag = null;
  }

  #follow(at: Point): void {
    if (!this.#drag) return;
    const { entry, index, fresh } = this.#drag;
    const spacing = this.#spacing(entry.measure);
    const { kind, points } = entry.measure;
    entry.measure = fresh
      ? newMeasure(kind, points[0], at, spacing)
      : moved(entry.measure, index, at, spacing);
    this.draw();
  }

  #key(event: KeyboardEvent): void {
    const held = this.#entryOf(event.target);
    const size = this.#picture.size();
    if (!held || !size) return;
    const { entry, index } = held;
    const step = arrows[event.key];
    if (step) {
      const far = event.shiftKey ? 10 : 1;
      const [x, y] = entry.measure.points[index] ?? [0, 0];
      const to = clampToPicture([x + step[0] * far, y + step[1] * far], size);
      entry.measure = moved(entry.measure, index, to, this.#spacing(entry.measure));
      this.draw();
    } else if (event.key === 'Delete' || event.key === 'Backspace') this.#remove(entry);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
