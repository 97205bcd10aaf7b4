/**
 * Volume from two apical views of one moment of the cycle: the biplane method of disks (Lang et al. 2015). Pure. A single stream
 * shows one view at a time: a caller has both from two recordings, or from the same one after the probe was turned.
 */
import type { VentricleShape } from './ventricle.js';

/** Lengths of the two views that differ by more than this share of the longer are not of one ventricle at one moment. */
const mostMismatch = 0.2;

export const biplaneRefusals = {
  lengths: 'the long axes of the two views differ by more than 20 %',
  disks: 'the two views were not cut into the same number of disks',
  empty: 'one of the views has no outline that could be measured',
} as const;

type Biplane =
  | { readonly volume: number; readonly length: number; readonly refusal: null }
  | { readonly volume: null; readonly refusal: keyof typeof biplaneRefusals };

type View = Pick<VentricleShape, 'diameters' | 'length'>;

/** V = π/4 · (L / n) · Σ a·b, with L the longer of the two. Lengths and diameters of both views in the same unit. */
export function biplaneVolume(fourChamber: View, twoChamber: View): Biplane {
  const views = [fourChamber, twoChamber];
  const measured = views.every(
    ({ length, diameters }) =>
      Number.isFinite(length) &&
      length > 0 &&
      diameters.length > 0 &&
      diameters.every((diameter) => diameter >= 0 && Number.isFinite(diameter)),
  );
  if (!measured) return { volume: null, refusal: 'empty' };
  if (fourChamber.diameters.length !== twoChamber.diameters.length) return { volume: null, refusal: 'disks' };
  const length = Math.max(fourChamber.length, twoChamber.length);
  const shorter = Math.min(fourChamber.length, twoChamber.length);
  if ((length - shorter) / length > mostMismatch) return { volume: null, refusal: 'lengths' };
  const sum = fourChamber.diameters.reduce(
    (total, diameter, disk) => total + diameter * (twoChamber.diameters[disk] as number),
    0,
  );
  return { volume: ((Math.PI / 4) * sum * length) / fourChamber.diameters.length, length, refusal: null };
}
