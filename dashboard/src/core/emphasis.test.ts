import { describe, expect, it } from 'vitest';
import { emphasisOf } from './emphasis.js';

const heart = ['left ventricle', 'myocardium', 'left atrium'];

describe('emphasis of outlines', () => {
  it('the ventricle stands out among its neighbours', () => {
    const ventricle = emphasisOf('left ventricle', heart);
    for (const label of ['myocardium', 'left atrium']) {
      const other = emphasisOf(label, heart);
      expect(other.width).toBeLessThan(ventricle.width / 1.9);
      expect(other.opacity).toBeLessThan(ventricle.opacity);
    }
    // No name lies on the picture of a heart.
    expect(heart.some((label) => emphasisOf(label, heart).named)).toBe(false);
  });

  it('everything else is drawn as usual', () => {
    const usual = emphasisOf('scissors', ['scissors', 'liver']);
    expect(usual).toEqual({ width: 1, opacity: 1, named: true });
    // A person may name what they follow as they like.
    expect(emphasisOf('myocardium', ['myocardium'])).toEqual(usual);
    expect(emphasisOf('left ventricle', ['left ventricle'])).toEqual(usual);
    expect(emphasisOf('catheter', [...heart, 'catheter'])).toEqual(usual);
  });
});
