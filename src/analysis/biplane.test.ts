import { describe, expect, it } from 'vitest';
import { biplaneRefusals, biplaneVolume } from './biplane.js';
import { diskCount } from './ventricle.js';

/** Half an ellipsoid of half axes b and c and length L, cut into disks: mean width of each. */
function view(halfWidth: number, length: number) {
  const widthIntegral = (t: number): number => (t * Math.sqrt(1 - t * t) + Math.asin(t)) / 2;
  const diameters = Array.from({ length: diskCount }, (_, disk) => {
    const [from, to] = [1 - disk / diskCount, 1 - (disk + 1) / diskCount];
    return 2 * halfWidth * (widthIntegral(from) - widthIntegral(to)) * diskCount;
  });
  return { diameters, length };
}

describe('the biplane method of disks', () => {
  it('gives the volume of half an ellipsoid with an elliptic cross-section', () => {
    const { volume } = biplaneVolume(view(25, 90), view(32, 90));
    expect((volume ?? 0) / ((2 / 3) * Math.PI * 25 * 32 * 90)).toBeCloseTo(1, 2);
  });

  it('takes the longer of the two lengths', () => {
    const result = biplaneVolume(view(25, 80), view(25, 90));
    expect(result).toMatchObject({ length: 90, refusal: null });
    expect((result.volume ?? 0) / ((2 / 3) * Math.PI * 25 * 25 * 90)).toBeCloseTo(1, 2);
  });

  it('refuses views that cannot be of one ventricle, with words for each reason', () => {
    const good = view(25, 90);
    const refused = [
      biplaneVolume(good, view(25, 70)),
      biplaneVolume(good, { ...good, diameters: good.diameters.slice(1) }),
      biplaneVolume(good, { length: NaN, diameters: good.diameters }),
      biplaneVolume({ length: 90, diameters: [] }, good),
      biplaneVolume({ length: 90, diameters: good.diameters.map(() => NaN) }, good),
    ].map(({ volume, refusal }) => (volume === null && refusal !== null ? biplaneRefusals[refusal] : 'none'));
    expect(refused).toEqual([
      biplaneRefusals.lengths,
      biplaneRefusals.disks,
      biplaneRefusals.empty,
      biplaneRefusals.empty,
      biplaneRefusals.empty,
    ]);
  });
});
