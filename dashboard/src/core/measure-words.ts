/** Lengths and areas as people read them: centimetres from one centimetre on, square centimetres always. Pure. */
import { numberText } from './texts.js';

/** Millimetres, or source pixels. */
type LengthUnit = 'mm' | 'px';

export function lengthText(length: number, unit: LengthUnit): string {
  if (unit === 'px') return `${numberText(length)} px`;
  return length < 10 ? `${numberText(length, 1)} mm` : `${numberText(length / 10, 2)} cm`;
}

export function areaText(area: number, unit: LengthUnit): string {
  return unit === 'px' ? `${numberText(area)} px²` : `${numberText(area / 100, 2)} cm²`;
}

/** A scale bar: a round length that is at most `mostPx` long. `pxPerMm`: CSS pixels per millimetre. null: none fits. */
export function scaleBar(
  pxPerMm: number,
  mostPx: number,
): { readonly mm: number; readonly px: number } | null {
  const mm = [100, 50, 20, 10, 5, 2, 1, 0.5].find((one) => one * pxPerMm <= mostPx);
  return mm === undefined ? null : { mm, px: mm * pxPerMm };
}

/** `5 cm`, `2 mm` */
export const scaleBarText = (mm: number): string => (mm >= 10 ? `${mm / 10} cm` : `${mm} mm`);

/** The same value in square centimetres where it is an area in millimetres: what people measure organs in. */
export function inCentimetres<
  Value extends {
    readonly unit: string;
    readonly value: number | null;
    readonly interval: { readonly low: number; readonly high: number } | null;
  },
>(measurement: Value): Value {
  const { unit, value, interval } = measurement;
  if (unit !== 'mm2') return measurement;
  return {
    ...measurement,
    unit: 'cm2',
    value: value === null ? null : value / 100,
    interval: interval && { low: interval.low / 100, high: interval.high / 100 },
  };
}
