/**
 * Area of every object that is shown: mm² by the scale of the place where it lies, source pixels where the source has none; no number
 * where what should be there once is there twice. Pure.
 */
import { areaMm2, scaleOfMask } from '../mask/scale.js';
import { isCalibrated } from '../vocabulary/calibration.js';
import { beatRejections } from '../vocabulary/echo.js';
import type { Measurement } from '../vocabulary/measurement.js';
import { isShown } from '../vocabulary/prompt.js';
import type { MeasuredResult, MeasuredSource } from './measured.js';

/** Under which it travels. */
export const areaName = 'area';

export function areas({ maskSize, objects, several }: MeasuredResult, source: MeasuredSource): Measurement[] {
  const { size, calibration } = source;
  const measure = (object: MeasuredResult['objects'][number]): Measurement => {
    const { id, state, mask, areaPx } = object;
    const sure = state === 'tracking';
    const measured: Pick<Measurement, 'name' | 'interval' | 'quality' | 'note' | 'objectId'> = {
      ...{ name: areaName, interval: null, objectId: id },
      ...(sure ? { quality: 'good', note: '' } : { quality: 'doubtful', note: 'the object is uncertain' }),
    };
    const unit = isCalibrated(calibration) ? 'mm2' : 'px';
    if (several === true)
      return { ...measured, value: null, unit, quality: 'rejected', note: beatRejections['two-hearts'] };
    if (!isCalibrated(calibration)) {
      const value = (areaPx * size.width * size.height) / (maskSize.width * maskSize.height);
      return { ...measured, value, unit };
    }
    const scale = scaleOfMask(mask, size, calibration);
    return scale.spacingMm === null
      ? { ...measured, value: null, unit, quality: 'rejected', note: scale.reason }
      : { ...measured, value: areaMm2(areaPx, maskSize, size, scale.spacingMm), unit };
  };
  return objects.filter(({ state }) => isShown(state)).map(measure);
}
