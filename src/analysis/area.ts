/** Area of every object that is shown: mm² by the scale of the place where it lies, source pixels where the source has none. Pure. */
import { areaMm2, scaleOfMask } from '../mask/scale.js';
import { isCalibrated } from '../vocabulary/calibration.js';
import type { Measurement } from '../vocabulary/measurement.js';
import { isShown } from '../vocabulary/prompt.js';
import type { MeasuredResult, MeasuredSource } from './measured.js';

export function areas({ maskSize, objects }: MeasuredResult, source: MeasuredSource): Measurement[] {
  const { size, calibration } = source;
  const measure = (object: MeasuredResult['objects'][number]): Measurement => {
    const { id, state, mask, areaPx } = object;
    const sure = state === 'tracking';
    const measured: Pick<Measurement, 'name' | 'interval' | 'quality' | 'note' | 'objectId'> = {
      ...{ name: 'area', interval: null, objectId: id },
      ...(sure ? { quality: 'good', note: '' } : { quality: 'doubtful', note: 'the object is uncertain' }),
    };
    if (!isCalibrated(calibration)) {
      const value = (areaPx * size.width * size.height) / (maskSize.width * maskSize.height);
      return { ...measured, value, unit: 'px' };
    }
    const scale = scaleOfMask(mask, size, calibration);
    return scale.spacingMm === null
      ? { ...measured, value: null, unit: 'mm2', quality: 'rejected', note: scale.reason }
      : { ...measured, value: areaMm2(areaPx, maskSize, size, scale.spacingMm), unit: 'mm2' };
  };
  return objects.filter(({ state }) => isShown(state)).map(measure);
}
