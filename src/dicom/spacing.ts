/** Reads what `calibrationOf` needs from a data set (PS3.3 C.8.5.5, C.7.6.16.2.1, 10.7). Pure. */
import type { Calibration } from '../vocabulary/calibration.js';
import type { PictureSize } from '../vocabulary/frame.js';
import type { DataSet } from './data-set.js';
import { functionalGroup } from './functional-groups.js';
import { calibrationOf, type StoredRegion } from './regions.js';

/** Of each ultrasound region; where none has a scale, from the functional groups, else from PixelSpacing. `size` of the picture. */
export function readCalibration(set: DataSet, size: PictureSize): Calibration {
  const regions = set.items(0x00186011).map((region): StoredRegion => ({
    spatialFormat: region.number(0x00186012, 'US') ?? null,
    flags: region.number(0x00186016, 'UL') ?? null,
    minX0: region.number(0x00186018, 'UL') ?? null,
    minY0: region.number(0x0018601a, 'UL') ?? null,
    maxX1: region.number(0x0018601c, 'UL') ?? null,
    maxY1: region.number(0x0018601e, 'UL') ?? null,
    referencePixelX0: region.number(0x00186020, 'SL') ?? null,
    referencePixelY0: region.number(0x00186022, 'SL') ?? null,
    unitsX: region.number(0x00186024, 'US') ?? null,
    unitsY: region.number(0x00186026, 'US') ?? null,
    deltaX: region.number(0x0018602c, 'FD') ?? null,
    deltaY: region.number(0x0018602e, 'FD') ?? null,
  }));
  for (const where of [functionalGroup(set, 0x00289110), set]) {
    const [rows, columns] = where?.numbers(0x00280030, 'DS') ?? [];
    if (rows !== undefined && columns !== undefined && rows > 0 && columns > 0)
      return calibrationOf(size, regions, [rows, columns]);
  }
  return calibrationOf(size, regions, null);
}
