/** The picture of a project with its outlines, the pointing on it, and the brush and points that correct an outline. */
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import type { PictureSize, SourceFormat } from '../../../src/vocabulary/frame.js';
import { maskFromCocoString } from '../../../src/mask/rle.js';
import { chambers } from '../../../src/vocabulary/echo.js';
import type { Mask } from '../../../src/vocabulary/mask.js';
import type { HexColour } from '../../../src/vocabulary/hex-colour.js';
import { colourOf } from '../../../src/vocabulary/palette.js';
import { isShown } from '../../../src/vocabulary/prompt.js';
import type { Point, Prompt } from '../../../src/vocabulary/prompt.js';
import { h } from '../app/dom.js';
import { firstPoints, outlineOf } from '../core/contour-spline.js';
import { idle, stepGesture } from '../core/gestures.js';
import type { DrawingTool, GestureInput, GestureState } from '../core/gestures.js';
import { fitView, place, toSource } from '../core/viewport.js';
import type { Placement } from '../core/viewport.js';
import { textScale } from '../rooms/live-picture.js';
import { drawOverlay, overlayOf } from '../worker/overlay-drawing.js';
import type { Overlay } from '../worker/overlay-drawing.js';
import type { FrameMasks } from './api.js';
import { ContourBrush } from './contour-brush.js';
import type { BrushTool } from './contour-brush.js';
import { ContourPoints } from './contour-points.js';
import type { PointedOutline } from './contour-points.js';
import type { ShownFrame } from './frame-cache.js';

/** What is drawn. */
export interface StageContent {
  readonly project: ProjectState | null;
  readonly shown: ShownFrame | null;
  /** Names of what is outlined: the place of a name is its number less one. */
  readonly labels: readonly string[];
  /** Label of the selected object. */
  readonly selected: string | null;
  /** Pictures follow one another: no points are shown. */
  readonly playing: boolean;
}

/** Look: nothing is drawn. */
export type StageTool = DrawingTool | BrushTool | 'look' | 'points';

interface StageEvents {
  readonly onBegin: () => void;
  readonly onPrompt: (prompt: Prompt) => void;
  /** The corrected outline of a structure on a picture, at the size of the picture. */
  readonly onContour: (frame: number, label: string, mask: Mask) => void;
  /** A brush was put on the picture while no structure is selected. */
  readonly onNothingSelected: () => void;
  /** The points of an outline were changed, or are those of another picture. */
  readonly onPoints: () => void;
  readonly onRefused: (sentence: string) => void;
}

interface Painting {
  readonly brush: ContourBrush;
  readonly label: string;
  /** That it began with. When others come, they have it. */
  readonly masks: FrameMasks;
  last: Point | null;
  erases: boolean;
}

export class ProjectStage {
  readonly element = h('canvas', {
    class: 'project-stage',
    tabindex: 0,
    role: 'img',
    'aria-label': 'Picture of the recording',
  });
  tool: StageTool = 'box';
  /** Handles of the selected structure, above the picture. */
  readonly points: ContourPoints;
  /** Radius of the brush as a share of the picture's width. */
  brushShare = 0.02;
  readonly #content: () => StageContent;
  readonly #events: StageEvents;
  readonly #overlay = new OffscreenCanvas(1, 1);
  readonly #observer = new ResizeObserver(() => this.draw());
  #gesture: GestureState = idle;
  #placement: Placement = { left: 0, top: 0, scale: 1 };
  #painting: Painting | null = null;
  /** Where the brush is, source pixels. */
  #pointer: Point | null = null;

  constructor(content: () => StageContent, events: StageEvents) {
    this.#content = content;
    this.#events = events;
    this.points = new ContourPoints({
      onChange: () => this.draw(),
      onTake: events.onContour,
      onRefused: events.onRefused,
    });
    const { element } = this;
    element.addEventListener('dblclick', (event) => {
      if (this.tool === 'points') this.points.addAt(this.#at(event));
    });
    element.addEventListener('pointerdown', (event) => {
      element.focus();
      element.setPointerCapture(event.pointerId);
      const opposite = event.button === 2 || event.altKey;
      if (this.tool === 'add' || this.tool === 'erase')
        this.#beginPainting(this.#at(event), (this.tool === 'erase') !== opposite);
      else this.#step({ kind: 'down', at: this.#at(event), opposite });
    });
    element.addEventListener('pointermove', (event) => {
      if (this.#gesture.kind !== 'idle') this.#step({ kind: 'move', at: this.#at(event) });
      else if (this.tool === 'add' || this.tool === 'erase') this.#movePainting(this.#at(event));
    });
    element.addEventListener('pointerleave', () => {
      this.#pointer = null;
      this.draw();
    });
    element.addEventListener('pointerup', () => {
      this.#endPainting();
      this.#step({ kind: 'up' });
    });
    element.addEventListener('pointercancel', () => this.cancel());
    element.addEventListener('contextmenu', (event) => event.preventDefault());
    this.#observer.observe(element);
  }

  /** Gives up the stroke or box that is being drawn. */
  cancel(): void {
    this.#painting = null;
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
    const { project, shown } = this.#content();
    if (!shown || !project?.format) return;
    const { size } = project.format;
    this.#placement = place(fitView, size, { width, height });
    const { left, top, scale } = this.#placement;
    context.drawImage(shown.picture, left, top, size.width * scale, size.height * scale);
    const { masks } = shown;
    const drawn = masks.frame === shown.frame && masks.size !== null;
    element.dataset['frame'] = String(shown.frame);
    element.dataset['masks'] = String(masks.frame === shown.frame ? masks.objects.length : 0);
    if (this.#painting && this.#painting.last === null && this.#painting.masks !== masks)
      this.#painting = null;
    this.points.show(this.#pointed(project.format, shown), this.#placement, unit);
    this.#events.onPoints();
    // Lines and words grow with the screen, as everything else on it.
    const ink = unit * textScale();
    if (drawn) this.#drawMasks(context, project.format, shown, ink);
    this.#drawPainting(context, size);
    this.#drawLine(context, ink);
    this.#drawGesture(context, ink);
    this.#drawBrush(context, size, ink);
  }

  #drawMasks(
    context: CanvasRenderingContext2D,
    format: SourceFormat,
    { masks }: ShownFrame,
    unit: number,
  ): void {
    this.#overlay.width = this.element.width;
    this.#overlay.height = this.element.height;
    const layer = this.#overlay.getContext('2d');
    if (!layer) return;
    const { selected } = this.#content();
    const painted = this.#painting?.label ?? (this.points.line === null ? null : selected);
    const overlay = this.#outlines(format, masks);
    // What is being painted is drawn as it is painted; the others look as they did.
    const outlines = {
      objects: overlay.objects.map((one) => (one.label === painted ? { ...one, path: new Path2D() } : one)),
    };
    const look = {
      fillOpacity: 0.18,
      // A name would lie on a point.
      labels: this.points.line === null,
      lineWidth: 2,
      selectedObject: selected === null ? null : this.#idOf(selected),
    };
    drawOverlay(layer, outlines, this.#placement, look, unit);
    context.drawImage(this.#overlay, 0, 0);
  }

  #colourOf(label: string): HexColour {
    return colourOf(Math.max(0, this.#idOf(label) - 1), this.#content().project?.format?.pictureKind);
  }

  #idOf(label: string): number {
    return this.#content().labels.indexOf(label) + 1;
  }

  #outlines({ size }: SourceFormat, { size: maskSize, objects }: FrameMasks): Overlay {
    if (!maskSize) return { objects: [] };
    return overlayOf({
      ...{ maskSize, sourceSize: size },
      objects: objects.map((object) => ({
        ...object,
        id: this.#idOf(object.label),
        colour: this.#colourOf(object.label),
      })),
    });
  }

  #beginPainting(at: Point, erases: boolean): void {
    const { project, shown, selected } = this.#content();
    if (!project?.format || !shown || shown.masks.frame !== shown.frame) return;
    if (selected === null) {
      this.#events.onNothingSelected();
      return;
    }
    this.#events.onBegin();
    this.points.forget({ frame: shown.frame, label: selected });
    const { size } = project.format;
    // A stroke that follows at once goes on from the one that the server is still taking.
    const before = this.#painting;
    const goesOn = before?.label === selected && before.masks === shown.masks;
    const outline = goesOn
      ? null
      : (this.#outlines(project.format, shown.masks).objects.find(({ label }) => label === selected)?.path ??
        null);
    const brush = goesOn ? before.brush : new ContourBrush(size, outline, this.#colourOf(selected));
    this.#painting = { brush, label: selected, masks: shown.masks, last: at, erases };
    this.#movePainting(at);
  }

  #movePainting(at: Point): void {
    this.#pointer = at;
    const painting = this.#painting;
    const width = this.#content().project?.format?.size.width ?? 0;
    if (painting?.last) {
      painting.brush.stroke(painting.last, at, this.brushShare * width, painting.erases ? 'erase' : 'add');
      painting.last = at;
    }
    this.draw();
  }

  #endPainting(): void {
    const painting = this.#painting;
    if (!painting?.last) return;
    painting.last = null;
    this.#events.onContour(painting.masks.frame, painting.label, painting.brush.mask());
  }

  /** The server did not take what was painted. */
  forgetPainting(): void {
    this.#painting = null;
    this.draw();
  }

  #drawPainting(context: CanvasRenderingContext2D, { width, height }: PictureSize): void {
    if (!this.#painting) return;
    const { left, top, scale } = this.#placement;
    context.globalAlpha = 0.45;
    context.drawImage(this.#painting.brush.canvas, left, top, width * scale, height * scale);
    context.globalAlpha = 1;
  }

  /** The outline whose points are shown: that of the selected structure on this very picture. */
  #pointed({ size }: SourceFormat, { frame, masks }: ShownFrame): PointedOutline | null {
    const { selected, playing } = this.#content();
    if (playing) return null;
    const own = masks.objects.find(({ label }) => label === selected);
    const maskSize = masks.size;
    if (this.tool !== 'points' || !own || masks.frame !== frame || maskSize === null || !isShown(own.state))
      return null;
    const outline = (counts: string) =>
      outlineOf(maskFromCocoString(counts, maskSize.width, maskSize.height), size);
    const first = (): ReturnType<PointedOutline['first']> => {
      const around = outline(own.counts);
      const behind =
        own.label === chambers.ventricle
          ? masks.objects.find(({ label, state }) => label === chambers.atrium && isShown(state))
          : undefined;
      const maskPixel = Math.max(size.width / maskSize.width, size.height / maskSize.height);
      return around && firstPoints(around, behind ? outline(behind.counts) : null, maskPixel);
    };
    return { frame, label: own.label, version: own.counts, size, first };
  }

  #drawLine(context: CanvasRenderingContext2D, unit: number): void {
    const { line } = this.points;
    const { selected } = this.#content();
    if (line === null || selected === null) return;
    const { left, top, scale } = this.#placement;
    context.beginPath();
    line.forEach(([x, y], index) => {
      if (index === 0) context.moveTo(left + x * scale, top + y * scale);
      else context.lineTo(left + x * scale, top + y * scale);
    });
    context.closePath();
    const ink = this.#colourOf(selected);
    context.globalAlpha = 0.12;
    context.fillStyle = ink;
    context.fill();
    context.globalAlpha = 1;
    for (const [colour, width] of [
      ['rgba(0,0,0,0.7)', 4.5],
      [ink, 2.5],
    ] as const) {
      context.strokeStyle = colour;
      context.lineWidth = width * unit;
      context.stroke();
    }
  }

  #drawBrush(context: CanvasRenderingContext2D, { width }: PictureSize, unit: number): void {
    if (!this.#pointer || (this.tool !== 'add' && this.tool !== 'erase')) return;
    const { left, top, scale } = this.#placement;
    const [x, y] = this.#pointer;
    for (const [ink, lineWidth] of [
      ['rgba(0,0,0,0.7)', 3.5],
      ['#fff', 1.5],
    ] as const) {
      context.beginPath();
      context.arc(left + x * scale, top + y * scale, this.brushShare * width * scale, 0, 2 * Math.PI);
      context.strokeStyle = ink;
      context.lineWidth = lineWidth * unit;
      context.setLineDash(this.tool === 'erase' ? [4 * unit, 3 * unit] : []);
      context.stroke();
    }
    context.setLineDash([]);
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
  #at(event: MouseEvent): [number, number] {
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
    const { tool } = this;
    if (!size || tool === 'look' || tool === 'points' || tool === 'add' || tool === 'erase') {
      this.#gesture = idle;
      return;
    }
    const { state, began, prompt } = stepGesture(this.#gesture, tool, input, size);
    this.#gesture = state;
    if (began) this.#events.onBegin();
    if (prompt) this.#events.onPrompt(prompt);
    this.draw();
  }
}
