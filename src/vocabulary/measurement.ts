/** What is measured on a frame, and the scale between masks and millimetres. Pure; runs in any thread and in the browser; throws nothing. */
import type { PictureSize, SourceFormat } from './frame.js';

export type MeasurementQuality = 'good' | 'doubtful' | 'rejected';

/** One value on one frame. */
export interface Measurement {
  /** Stable machine name such as `area`, `lv_area`, `ef_single_plane`. */
  readonly name: string;
  readonly value: number;
  /** UCUM unit; `px` or `1` where the source is not calibrated. */
  readonly unit: string;
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly quality: MeasurementQuality;
  /** Why the quality is not good, or a remark such as `single-plane`. */
  readonly note: string;
  /** 0 where the measurement belongs to no object. */
  readonly objectId: number;
}

/** Square millimetres of one mask pixel, null where the source is not calibrated. The mask covers the whole source picture. */
export function mm2PerMaskPixel(
  maskSize: PictureSize,
  source: Pick<SourceFormat, 'size' | 'pixelSpacingMm'>,
): number | null {
  const { size, pixelSpacingMm } = source;
  return pixelSpacingMm === null
    ? null
    : ((size.width * pixelSpacingMm.x) / maskSize.width) *
        ((size.height * pixelSpacingMm.y) / maskSize.height);
}
