/**
 * The picture of a recording with its outlines and marks, and the pointing on it: the same gestures, zoom and keys as on a live
 * picture (editor/pointing.ts), and what corrects an outline by hand.
 */
import '../rooms/stage.css';
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import type { PictureSize, SourceFormat } from '../../../src/vocabulary/frame.js';
import { maskArea, maskFromCocoString } from '../../../src/mask/rle.js';
import { chambers } from '../../../src/vocabulary/echo.js';
import type { Mask } from '../../../src/vocabulary/mask.js';
import type { HexColour } from '../../../src/vocabulary/hex-colour.js';
import { colourOf } from '../../../src/vocabulary/palette.js';
import { isShown } from '../../../src/vocabulary/prompt.js';
import type { Point, Prompt } from '../../../src/vocabulary/prompt.js';
import { h, textScale } from '../app/dom.js';
import { preferences } from '../app/prefs.js';
import { Signal } from '../app/signal.js';
import { firstPoints, outlineOf } from '../core/contour-spline.js';
import type { GestureState, Repair } from '../core/gestures.js';
import type { PlacedMark } from '../core/marks.js';
import { fitView, place } from '../core/viewport.js';
import type { Placement, ViewChoice } from '../core/viewport.js';
import { t } from '../core/texts.js';
import { MarksLayer } from '../editor/marks-layer.js';
import { Pointing } from '../editor/pointing.js';
import type { PointedPicture } from '../editor/pointing.js';
import { drawOverlay, overlayOf } from '../worker/overlay-drawing.js';
import type { DrawnObject, Overlay } from '../worker/overlay-drawing.js';
import type { FrameMasks } from './api.js';
import { ContourBrush } from './contour-brush.js';
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
  /** Marks of the selected object on the picture that is shown. */
  readonly marks: readonly PlacedMark[];
  /** Names of what is not drawn. */
  readonly hidden: readonly string[];
  readonly outlinesOn: boolean;
  /** Pictures follow one another: no points are shown. */
  readonly playing: boolean;
}

interface StageEvents {
  readonly onBegin: () => void;
  readonly onPrompt: (prompt: Prompt) => void;
  /** A click with Look on the outline of an object; null: beside all. */
  readonly onPick: (label: string | null) => void;
  /** The outline of an object on a picture as a person has drawn it, at the size of the picture. label null: a new object. */
  readonly onContour: (frame: number, label: string | null, mask: Mask) => void;
  /** Whether the outline of the selected object may be drawn by hand now; where not, the reason has been said. */
  readonly mayRepair: () => boolean;
  readonly onMoveMark: (id: number, prompt: Prompt) => void;
  readonly onRemoveMark: (id: number) => void;
  /** The points of an outline were changed, or are those of another picture. */
  readonly onPoints: () => void;
  readonly onRefused: (sentence: string) => void;
}

interface Painting {
  readonly brush: ContourBrush;
  readonly label: string | null;
  /** That it began with. When others come, they have it. */
  readonly masks: FrameMasks;
  /** Points of the stroke that are painted; null: no stroke is being made. */
  painted: number | null;
}

export class ProjectStage implements PointedPicture {
  readonly canvas = h('canvas', {
    class: 'picture',
    role: 'img',
    'aria-label': t('Picture of the recording'),
  });
  readonly pictureSize = new Signal<PictureSize | null>(null);
  readonly view = new Signal<ViewChoice>(fitView);
  readonly stageSize = new Signal<PictureSize>({ width: 1, height: 1 });
  readonly element = h('div', {
    class: 'stage project-stage',
    tabindex: 0,
    role: 'application',
    'aria-label': t(
      'Picture of the recording. Choose a tool, move the crosshair with the arrow keys, press Enter.',
    ),
  });
  readonly pointing: Pointing;
  /** Handles of the selected structure, above the picture. */
  readonly points: ContourPoints;
  readonly marks: MarksLayer;
  /** Radius of the brush as a share of the picture's width. */
  brushShare = 0.02;
  readonly #content: () => StageContent;
  readonly #events: StageEvents;
  readonly #overlay = new OffscreenCanvas(1, 1);
  readonly #observer: ResizeObserver;
  #placement: Placement = { left: 0, top: 0, scale: 1 };
  #painting: Painting | null = null;
  /** Where the pointer or the crosshair is, source pixels. */
  #pointer: Point | null = null;
  /** Until it is built there is nothing to draw. */
  #drawing = true;
  #outlined: { readonly masks: FrameMasks; readonly labels: string; readonly overlay: Overlay } | null = null;
  readonly #forget: readonly (() => void)[];

  constructor(content: () => StageContent, events: StageEvents) {
    this.#content = content;
    this.#events = events;
    this.points = new ContourPoints({
      onChange: () => this.draw(),
      onTake: events.onContour,
      onRefused: events.onRefused,
    });
    this.marks = new MarksLayer({ onMove: events.onMoveMark, onRemove: events.onRemoveMark });
    this.element.append(this.canvas);
    this.pointing = new Pointing(this, this.element, {
      onBegin: () => events.onBegin(),
      onPrompt: events.onPrompt,
      onPick: (at) => events.onPick(this.#labelAt(at)),
      onRepair: (repair) => this.#repair(repair),
      onChange: (state, pointer) => this.#follow(state, pointer),
    });
    this.element.append(this.pointing.layer, this.marks.element, this.points.element);
    this.element.addEventListener('dblclick', (event) => {
      if (this.pointing.tool.value === 'points') this.points.addAt(this.pointing.sourceAt(event));
    });
    this.#observer = new ResizeObserver(() => this.#measure());
    this.#observer.observe(this.canvas);
    this.#forget = [this.view.watch(() => this.draw()), preferences.watch(() => this.draw())];
    this.#drawing = false;
  }

  /** Device pixels per CSS pixel. */
  get pixelRatio(): number {
    return this.stageSize.value.width / Math.max(1, this.canvas.clientWidth);
  }

  end(): void {
    this.#observer.disconnect();
    for (const forget of this.#forget) forget();
    this.pointing.end();
    this.marks.end();
  }

  #measure(): void {
    const { clientWidth, clientHeight } = this.canvas;
    const unit = window.devicePixelRatio;
    const size = { width: Math.round(clientWidth * unit), height: Math.round(clientHeight * unit) };
    if (size.width > 0 && size.height > 0) this.stageSize.value = size;
    this.draw();
  }

  draw(): void {
    // What changes while it is drawn is drawn with it.
    if (this.#drawing) return;
    this.#drawing = true;
    try {
      this.#draw();
    } finally {
      this.#drawing = false;
    }
  }

  #draw(): void {
    const { canvas, element } = this;
    const { width, height } = this.stageSize.value;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const context = canvas.getContext('2d');
    if (!context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = '#000';
    context.fillRect(0, 0, width, height);
    const { project, shown, marks, outlinesOn, playing } = this.#content();
    if (!shown || !project?.format) return;
    const { size } = project.format;
    const known = this.pictureSize.value;
    if (known?.width !== size.width || known.height !== size.height) this.pictureSize.value = size;
    this.#placement = place(this.view.value, size, this.stageSize.value);
    const { left, top, scale } = this.#placement;
    // A pixel that is one pixel of the screen, or many, is shown as it is.
    context.imageSmoothingEnabled = Math.abs(scale - 1) > 1e-6 && scale < 6;
    context.drawImage(shown.picture, left, top, size.width * scale, size.height * scale);
    const { masks } = shown;
    const drawn = masks.frame === shown.frame && masks.size !== null;
    element.dataset['frame'] = String(shown.frame);
    element.dataset['masks'] = String(masks.frame === shown.frame ? masks.objects.length : 0);
    if (this.#painting && this.#painting.painted === null && this.#painting.masks !== masks)
      this.#painting = null;
    this.points.show(this.#pointed(project.format, shown), this.#placement, this.pixelRatio);
    this.marks.show(playing ? [] : marks, size, this.#placement, this.pixelRatio);
    this.#events.onPoints();
    // Lines and words grow with the screen, as everything else on it.
    const ink = this.pixelRatio * textScale();
    if (drawn && outlinesOn) this.#drawMasks(context, project.format, shown, ink);
    this.#drawPainting(context, size);
    this.#drawLine(context, ink);
    this.#drawBrush(context, size, ink);
  }

  #drawMasks(
    context: CanvasRenderingContext2D,
    format: SourceFormat,
    { masks }: ShownFrame,
    unit: number,
  ): void {
    this.#overlay.width = this.canvas.width;
    this.#overlay.height = this.canvas.height;
    const layer = this.#overlay.getContext('2d');
    if (!layer) return;
    const { selected, hidden } = this.#content();
    const painted = this.#painting?.label ?? (this.points.line === null ? null : selected);
    // What is being painted is drawn as it is painted; the others look as they did.
    const outlines = {
      objects: this.outlines(format, masks).objects.map((one) =>
        one.label === painted ? { ...one, path: new Path2D() } : one,
      ),
    };
    const { fillOpacity, labels, lineWidth } = preferences.value;
    const look = {
      ...{ fillOpacity, lineWidth },
      // A name would lie on a point.
      labels: labels && this.points.line === null,
      selectedObject: selected === null ? null : this.#idOf(selected),
      hidden: hidden.map((label) => this.#idOf(label)),
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

  /** Outlines of a picture in source pixels, made once for as long as it is shown. */
  outlines({ size }: SourceFormat, masks: FrameMasks): Overlay {
    const labels = this.#content().labels.join('\n');
    if (this.#outlined?.masks === masks && this.#outlined.labels === labels) return this.#outlined.overlay;
    const overlay = masks.size
      ? overlayOf({
          ...{ maskSize: masks.size, sourceSize: size },
          objects: masks.objects.map((object) => ({
            ...object,
            id: this.#idOf(object.label),
            colour: this.#colourOf(object.label),
          })),
        })
      : { objects: [] };
    this.#outlined = { masks, labels, overlay };
    return overlay;
  }

  #shownOutlines(): readonly DrawnObject[] {
    const { project, shown } = this.#content();
    if (!project?.format || !shown || shown.masks.frame !== shown.frame) return [];
    return this.outlines(project.format, shown.masks).objects;
  }

  /** The smallest outline around a source pixel, so that one inside another can be chosen. */
  #labelAt([x, y]: Point): string | null {
    const context = this.canvas.getContext('2d');
    const { hidden } = this.#content();
    if (!context) return null;
    context.setTransform(1, 0, 0, 1, 0, 0);
    const extent = (one: DrawnObject): number => (one.right - one.left) * (one.bottom - one.top);
    return (
      this.#shownOutlines()
        .filter(({ label, path }) => !hidden.includes(label) && context.isPointInPath(path, x, y, 'evenodd'))
        .sort((a, b) => extent(a) - extent(b))[0]?.label ?? null
    );
  }

  // ------------------------------------------------------------------------------------------ drawing by hand

  #follow(state: GestureState, pointer: Point | null): void {
    this.#pointer = pointer;
    if (state.kind === 'paint') {
      const painting = this.#painting;
      if (painting === null || painting.painted === null) {
        if (!this.#beginPainting()) this.pointing.cancel();
      }
      this.#paint(state.points, state.adds);
    } else if (this.#painting && this.#painting.painted !== null) this.#painting = null;
    this.draw();
  }

  #beginPainting(): boolean {
    const { project, shown, selected } = this.#content();
    if (!project?.format || !shown || shown.masks.frame !== shown.frame || !this.#events.mayRepair())
      return false;
    if (selected !== null) this.points.forget({ frame: shown.frame, label: selected });
    // A stroke that follows at once goes on from the one that the server is still taking.
    const before = this.#painting;
    const goesOn = before?.label === selected && before.masks === shown.masks;
    const brush = goesOn ? before.brush : this.#newBrush(project.format.size, selected, true);
    this.#painting = { brush, label: selected, masks: shown.masks, painted: 0 };
    return true;
  }

  #newBrush(size: PictureSize, label: string | null, found: boolean): ContourBrush {
    const own = this.#shownOutlines().find((one) => one.label === label);
    const number = label === null ? this.#content().labels.length + 1 : this.#idOf(label);
    return new ContourBrush(
      size,
      (found && own?.path) || null,
      colourOf(Math.max(0, number - 1), this.#content().project?.format?.pictureKind),
    );
  }

  /** Paints what has been added to the stroke. */
  #paint(points: readonly Point[], adds: boolean): void {
    const painting = this.#painting;
    const width = this.pictureSize.value?.width ?? 0;
    if (!painting || painting.painted === null) return;
    for (let at = Math.max(0, painting.painted - 1); at < points.length; at += 1) {
      const [from, to] = [points[Math.max(0, at - 1)], points[at]];
      if (from && to) painting.brush.stroke(from, to, this.brushShare * width, adds ? 'add' : 'erase');
    }
    painting.painted = points.length;
  }

  #repair(repair: Repair): void {
    const size = this.pictureSize.value;
    if (!size) return;
    if (repair.kind === 'paint') {
      // What the last move added.
      this.#paint(repair.points, repair.adds);
    } else {
      const { shown, selected } = this.#content();
      if (!shown || shown.masks.frame !== shown.frame || !this.#events.mayRepair()) return;
      if (selected !== null) this.points.forget({ frame: shown.frame, label: selected });
      // Drawn anew, or cut out of what there is.
      const brush = this.#newBrush(size, selected, !repair.adds);
      brush.polygon(repair.corners, repair.adds ? 'add' : 'erase');
      this.#painting = { brush, label: selected, masks: shown.masks, painted: null };
    }
    const painting = this.#painting;
    if (!painting) return;
    painting.painted = null;
    const mask = painting.brush.mask();
    if (maskArea(mask) === 0) {
      this.forgetPainting();
      this.#events.onRefused(t('Nothing would be left of the outline.'));
      return;
    }
    this.#events.onContour(painting.masks.frame, painting.label, mask);
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
    if (
      this.pointing.tool.value !== 'points' ||
      !own ||
      masks.frame !== frame ||
      maskSize === null ||
      !isShown(own.state)
    )
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
    const tool = this.pointing.tool.value;
    if (!this.#pointer || (tool !== 'brush' && tool !== 'rub')) return;
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
      context.setLineDash(tool === 'rub' ? [4 * unit, 3 * unit] : []);
      context.stroke();
    }
    context.setLineDash([]);
  }
}
