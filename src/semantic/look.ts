/**
 * Where a network looks: a part of the source, in source pixels, which fills its input at its true shape. At first at all of it;
 * where a model wants a closer look (`closer` in model.json), at the surroundings of what it has found on the picture before. It
 * moves only when what it would look at has moved by enough: a network draws slightly other outlines from every place, and they
 * would tremble with it. Pure.
 */
import type { PictureSize } from '../vocabulary/frame.js';
import type { Box } from '../vocabulary/mask.js';
import type { Region } from '../mask/plane-scaler.js';
import type { SemanticModel } from './model.js';

type Model = Pick<SemanticModel, 'inputSize' | 'pictureSize' | 'fit' | 'closer'>;

/** A pixel of the network is not smaller than this part of one of the analysis picture: there is no more to see. */
const finest = 0.5;

/** `scale`: source pixels per pixel of the network. */
const around = (x: number, y: number, scale: number, { width, height }: PictureSize): Region => ({
  left: x - (width * scale) / 2,
  top: y - (height * scale) / 2,
  width: width * scale,
  height: height * scale,
});

/** All of the source: in the middle of black borders, or stretched where the network wants it so. */
export function wholeLook({ fit, inputSize }: Model, source: PictureSize): Region {
  if (fit === 'stretch') return { left: 0, top: 0, ...source };
  const scale = Math.max(source.width / inputSize.width, source.height / inputSize.height);
  return around(source.width / 2, source.height / 2, scale, inputSize);
}

/** A region in pixels of a plane of this size that shows `outer`, when both are given in the same pixels. */
export const within = (region: Region, outer: Region, size: PictureSize): Region => ({
  left: ((region.left - outer.left) * size.width) / outer.width,
  top: ((region.top - outer.top) * size.height) / outer.height,
  width: (region.width * size.width) / outer.width,
  height: (region.height * size.height) / outer.height,
});

export const sameRegion = (a: Region, b: Region): boolean =>
  a.left === b.left && a.top === b.top && a.width === b.width && a.height === b.height;

/** The smallest box around all of them; there must be one. */
export function boxAround(boxes: readonly Box[]): Box {
  const left = Math.min(...boxes.map(([x]) => x));
  const top = Math.min(...boxes.map(([, y]) => y));
  const right = Math.max(...boxes.map(([x, , width]) => x + width));
  const bottom = Math.max(...boxes.map(([, y, , height]) => y + height));
  return [left, top, right - left, bottom - top];
}

/** Where to look after a picture that was looked at from `look`, in which everything lay in `found` (pixels of the analysis picture). */
export function nextLook(model: Model, source: PictureSize, look: Region, found: Box): Region {
  const { closer, inputSize, pictureSize } = model;
  const whole = wholeLook(model, source);
  if (closer === null) return whole;
  const [acrossPx, downPx] = [source.width / pictureSize.width, source.height / pictureSize.height];
  const [left, top, width, height] = found;
  const asked =
    closer.margin * Math.max((width * acrossPx) / inputSize.width, (height * downPx) / inputSize.height);
  const scale = Math.max(asked, finest * Math.max(acrossPx, downPx));
  const wanted =
    scale * inputSize.width < whole.width
      ? around((left + width / 2) * acrossPx, (top + height / 2) * downPx, scale, inputSize)
      : whole;
  const offX = wanted.left + wanted.width / 2 - (look.left + look.width / 2);
  const offY = wanted.top + wanted.height / 2 - (look.top + look.height / 2);
  const moved = Math.hypot(offX, offY) > closer.shift * Math.max(look.width, look.height);
  const zoomed = Math.max(wanted.width / look.width, look.width / wanted.width) > closer.zoom;
  return moved || zoomed ? wanted : look;
}
