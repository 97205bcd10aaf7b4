/** The area of each object that is shown: mm² where the source is calibrated, else source pixels. Pure. */
import { mm2PerMaskPixel, type Measurement } from '../vocabulary/measurement.js';
import { isShown } from '../vocabulary/prompt.js';
import type { MeasuredResult, MeasuredSource } from './measured.js';

export function areas({ maskSize, objects }: MeasuredResult, source: MeasuredSource): Measurement[] {
  const mm2 = mm2PerMaskPixel(maskSize, source);
  const { width, height } = source.size;
  return objects.flatMap(({ id, state, areaPx }) =>
    isShown(state)
      ? {
          name: 'area',
          value: mm2 === null ? (areaPx * width * height) / (maskSize.width * maskSize.height) : areaPx * mm2,
          unit: mm2 === null ? 'px' : 'mm2',
          interval: null,
          quality: state === 'tracking' ? 'good' : 'doubtful',
          note: state === 'tracking' ? '' : 'the object is uncertain',
          objectId: id,
        }
      : [],
  );
}
