/** Several objects in one picture: every pixel gets the number of one object. Pure. */
import { paintMask } from '../mask/rle.js';
import { exportError } from './errors.js';
import { sameSize, type ExportFrame, type ExportInfo } from './exporter.js';

/** Label maps have one byte per pixel, and 255 means void where DAVIS reads them. */
const mostLabels = 254;

/**
 * Row-major, one byte per pixel: 0 background, 1 … n the objects in the order of `info.objects`. Where masks overlap the
 * surer object wins (the earlier one when equal).
 */
export function labelMap(frame: ExportFrame, info: ExportInfo): Uint8Array {
  const { size } = info.source;
  const map = new Uint8Array(size.width * size.height);
  const order = frame.objects
    .map((object, index) => ({ object, label: index + 1 }))
    .filter(({ object }) => object.mask.counts.length > 1)
    .sort((a, b) => a.object.confidence - b.object.confidence || b.label - a.label);
  for (const { object, label } of order) paintMask(map, object.mask, label);
  return map;
}

/** Throws SONO_EXPORT_FRAME where the caller broke the contract of `ExportFrame`. */
export function checkFrame(frame: ExportFrame, info: ExportInfo, format: string): void {
  const wrong =
    frame.objects.length !== info.objects.length ||
    frame.objects.some(({ id }, index) => id !== info.objects[index]?.id)
      ? 'its objects are not those of the run'
      : frame.objects.some(({ mask }) => !sameSize(mask, info.source.size))
        ? 'a mask has not the size of the picture'
        : null;
  if (wrong !== null)
    throw exportError('SONO_EXPORT_FRAME', { frame: frame.sourceFrame, format, reason: wrong });
}

export function checkLabelCount(info: ExportInfo, format: string): void {
  if (info.objects.length > mostLabels)
    throw exportError('SONO_EXPORT_UNSUPPORTED', {
      format,
      reason: `it holds ${mostLabels} objects at most, this run has ${info.objects.length}`,
    });
}
