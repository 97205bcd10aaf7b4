/**
 * Where a picture lies on the stage: fit, zoom about a point, pan, 1:1. Pure; used by the worker (painting) and by the
 * main thread (pointer → source pixel), so both always agree.
 */
import type { PictureSize } from '../../../src/vocabulary/frame.js';

/** What a person chose; independent of the stage's size, so it survives a resize. */
export interface ViewChoice {
  /** 1 = the whole picture fits; `actual`: one source pixel is one device pixel (times the number). */
  readonly zoom: number;
  readonly actual: boolean;
  /** The source point, as a share of the picture's size, that lies in the middle of the stage. */
  readonly centre: readonly [x: number, y: number];
}

export const fitView: ViewChoice = { zoom: 1, actual: false, centre: [0.5, 0.5] };

/** Source pixel (x, y) lies at device pixel (left + x · scale, top + y · scale) of the stage. */
export interface Placement {
  readonly left: number;
  readonly top: number;
  readonly scale: number;
}

export const maxZoom = 16;

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** Device pixels per source pixel. */
export function scaleOf(view: ViewChoice, picture: PictureSize, stage: PictureSize): number {
  const fit = Math.min(stage.width / picture.width, stage.height / picture.height);
  return view.actual ? view.zoom : fit * view.zoom;
}

/** Placement of the picture: centred where it is smaller than the stage, else never showing beyond its border. */
export function place(view: ViewChoice, picture: PictureSize, stage: PictureSize): Placement {
  const scale = scaleOf(view, picture, stage);
  const axis = (centre: number, size: number, space: number): number => {
    const extent = size * scale;
    if (extent <= space) return (space - extent) / 2;
    return clamp(space / 2 - centre * extent, space - extent, 0);
  };
  const left = axis(view.centre[0], picture.width, stage.width);
  const top = axis(view.centre[1], picture.height, stage.height);
  // Whole device pixels: a picture at 1:1 stays sharp.
  return { left: Math.round(left), top: Math.round(top), scale };
}

export function toSource(placement: Placement, x: number, y: number): [x: number, y: number] {
  return [(x - placement.left) / placement.scale, (y - placement.top) / placement.scale];
}

export function toStage(placement: Placement, x: number, y: number): [x: number, y: number] {
  return [placement.left + x * placement.scale, placement.top + y * placement.scale];
}

/** Zoom by `factor` so that the source point under the stage point stays there. */
export function zoomAt(
  view: ViewChoice,
  factor: number,
  at: readonly [x: number, y: number],
  picture: PictureSize,
  stage: PictureSize,
): ViewChoice {
  const before = place(view, picture, stage);
  const fit = scaleOf(fitView, picture, stage);
  const scale = clamp(before.scale * factor, Math.min(fit, 1), fit * maxZoom);
  if (scale <= fit && factor < 1) return fitView;
  const [sourceX, sourceY] = toSource(before, at[0], at[1]);
  return {
    zoom: scale / fit,
    actual: false,
    centre: centreFor(sourceX, sourceY, at, scale, picture, stage),
  };
}

/** Move the picture by device pixels. */
export function panBy(
  view: ViewChoice,
  dx: number,
  dy: number,
  picture: PictureSize,
  stage: PictureSize,
): ViewChoice {
  const placement = place(view, picture, stage);
  const [sourceX, sourceY] = toSource(placement, stage.width / 2 - dx, stage.height / 2 - dy);
  return {
    ...view,
    centre: [clamp(sourceX / picture.width, 0, 1), clamp(sourceY / picture.height, 0, 1)],
  };
}

function centreFor(
  sourceX: number,
  sourceY: number,
  at: readonly [x: number, y: number],
  scale: number,
  picture: PictureSize,
  stage: PictureSize,
): [number, number] {
  const x = sourceX + (stage.width / 2 - at[0]) / scale;
  const y = sourceY + (stage.height / 2 - at[1]) / scale;
  return [clamp(x / picture.width, 0, 1), clamp(y / picture.height, 0, 1)];
}
