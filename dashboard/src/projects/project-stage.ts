/** The picture of a project with its outlines, and the pointing on it. */
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import type { Prompt } from '../../../src/vocabulary/prompt.js';
import { h } from '../app/dom.js';
import { idle, stepGesture } from '../core/gestures.js';
import type { DrawingTool, GestureInput, GestureState } from '../core/gestures.js';
import { fitView, place, toSource } from '../core/viewport.js';
import type { Placement } from '../core/viewport.js';
import { drawOverlay, overlayOf } from '../worker/overlay-drawing.js';
import type { ShownFrame } from './frame-cache.js';

/** What is drawn. */
interface StageContent {
  readonly project: ProjectState | null;
  readonly shown: ShownFrame | null;
  /** Label of the selected object. */
  readonly selected: string | null;
}

interface StageEvents {
  readonly onBegin: () => void;
  readonly onPrompt: (prompt: Prompt) => void;
}

export class ProjectStage {
  readonly element = h('canvas', {
    class: 'project-stage',
    tabindex: 0,
    role: 'img',
    'aria-label': 'Picture of the recording',
  });
  tool: DrawingTool = 'box';
  readonly #content: () => StageContent;
  readonly #events: StageEvents;
  readonly #overlay = new OffscreenCanvas(1, 1);
  readonly #observer = new ResizeObserver(() => this.draw());
  #gesture: GestureState = idle;
  #placement: Placement = { left: 0, top: 0, scale: 1 };

  constructor(content: () => StageContent, events: StageEvents) {
    this.#content = content;
    this.#events = events;
    const { element } = this;
    element.addEventListener('pointerdown', (event) => {
      element.focus();
      element.setPointerCapture(event.pointerId);
      this.#step({ kind: 'down', at: this.#at(event), opposite: event.button === 2 || event.altKey });
    });
    element.addEventListener('pointermove', (event) => {
      if (this.#gesture.kind !== 'idle') this.#step({ kind: 'move', at: this.#at(event) });
    });
    element.addEventListener('pointerup', () => this.#step({ kind: 'up' }));
    element.addEventListener('pointercancel', () => this.cancel());
    element.addEventListener('contextmenu', (event) => event.preventDefault());
    this.#observer.observe(element);
  }

  /** Gives up the stroke or box that is being drawn. */
  cancel(): void {
    this.#step({ kind: 'cancel' });
  }

  end(): void {
    this.#observer.disconnect();
  }

  draw(): void {
    const { element } = this;
    const unit = window.devicePixelRatio;
    const width = Math.max(1, Math.round(element.clientWidth * unit));
    const height = Math.max(1, Math.round(element.clientHeight * unit));
    if (element.width !== width || element.height !== height) {
      element.width = width;
      element.height = height;
    }
    const context = element.getContext('2d');
    if (!context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = '#000';
    context.fillRect(0, 0, width, height);
    const { project, shown, selected } = this.#content();
    if (!shown || !project?.format) return;
    const { size } = project.format;
    this.#placement = place(fitView, size, { width, height });
    const { left, top, scale } = this.#placement;
    context.drawImage(shown.picture, left, top, size.width * scale, size.height * scale);
    const { masks } = shown;
    const drawn = masks.frame === shown.frame && masks.size !== null;
    element.dataset['frame'] = String(shown.frame);
    element.dataset['masks'] = String(masks.frame === shown.frame ? masks.objects.length : 0);
    if (drawn) this.#drawMasks(context, project, shown, selected, unit);
    this.#drawGesture(context, unit);
  }

  #drawMasks(
    context: CanvasRenderingContext2D,
    { objects, format }: ProjectState,
    { masks }: ShownFrame,
    selected: string | null,
    unit: number,
  ): void {
    this.#overlay.width = this.element.width;
    this.#overlay.height = this.element.height;
    const layer = this.#overlay.getContext('2d');
    if (!layer || !format || !masks.size) return;
    const idOf = (label: string): number => objects.findIndex((object) => object.label === label) + 1;
    const outlines = overlayOf({
      maskSize: masks.size,
      sourceSize: format.size,
      objects: masks.objects.map((object) => ({ ...object, id: idOf(object.label) })),
    });
    const look = {
      fillOpacity: 0.18,
      labels: true,
      lineWidth: 2,
      selectedObject: selected === null ? null : idOf(selected),
    };
    drawOverlay(layer, outlines, this.#placement, look, unit);
    context.drawImage(this.#overlay, 0, 0);
  }

  #drawGesture(context: CanvasRenderingContext2D, unit: number): void {
    const { left, top, scale } = this.#placement;
    const gesture = this.#gesture;
    context.setTransform(scale, 0, 0, scale, left, top);
    context.lineWidth = (2 * unit) / scale;
    context.strokeStyle = '#fff';
    context.beginPath();
    if (gesture.kind === 'box') {
      const [x0, y0] = gesture.from;
      const [x1, y1] = gesture.to;
      context.strokeRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
    } else if (gesture.kind === 'stroke') {
      gesture.points.forEach(([x, y], index) => (index === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
      context.stroke();
    } else if (gesture.kind === 'click') {
      context.arc(gesture.at[0], gesture.at[1], (6 * unit) / scale, 0, 2 * Math.PI);
      context.stroke();
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  /** Source pixel under the pointer. */
  #at(event: PointerEvent): [number, number] {
    const bounds = this.element.getBoundingClientRect();
    const unit = window.devicePixelRatio;
    return toSource(
      this.#placement,
      (event.clientX - bounds.left) * unit,
      (event.clientY - bounds.top) * unit,
    );
  }

  #step(input: GestureInput): void {
    const size = this.#content().project?.format?.size;
    if (!size) return;
    const { state, began, prompt } = stepGesture(this.#gesture, this.tool, input, size);
    this.#gesture = state;
    if (began) this.#events.onBegin();
    if (prompt) this.#events.onPrompt(prompt);
    this.draw();
  }
}
