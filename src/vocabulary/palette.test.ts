import { describe, expect, it } from 'vitest';
import { paintOf, palette } from './palette.js';

type Rgb = readonly [number, number, number];

const linear = (hex: string): Rgb => {
  const part = (at: number): number => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [part(1), part(3), part(5)];
};

/** Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB. */
const eyes = {
  normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
} as const;

function seen([r, g, b]: Rgb, m: readonly number[]): Rgb {
  const row = (at: number): number =>
    Math.min(1, Math.max(0, (m[at] ?? 0) * r + (m[at + 1] ?? 0) * g + (m[at + 2] ?? 0) * b));
  return [row(0), row(3), row(6)];
}

/** Linear sRGB → CIE L*a*b*, D65. */
function lab([r, g, b]: Rgb): Rgb {
  const f = (t: number): number => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const distance = (a: string, b: string, eye: readonly number[]): number => {
  const [l1, a1, b1] = lab(seen(linear(a), eye));
  const [l2, a2, b2] = lab(seen(linear(b), eye));
  return Math.hypot(l1 - l2, a1 - a2, b1 - b2);
};

/** Liver, gallbladder wall, bright mucosa, blood: colours that lie under outlines. */
const tissue = ['#7a2b26', '#b5523f', '#c9806a', '#5c0d10'];

describe('palette', () => {
  it.each(Object.entries(eyes))('the first four colours stay well apart: %s', (_, eye) => {
    const four = palette.slice(0, 4);
    for (const [index, a] of four.entries())
      for (const b of four.slice(index + 1))
        expect(distance(a.hex, b.hex, eye), `${a.name} ${b.name}`).toBeGreaterThan(20);
  });

  it.each(Object.entries(eyes))('every colour stands out from tissue: %s', (_, eye) => {
    for (const paint of palette)
      for (const under of tissue)
        expect(distance(paint.hex, under, eye), `${paint.name} on ${under}`).toBeGreaterThan(30);
  });

  it('an object keeps its colour', () => {
    expect(paintOf(1)).toBe(paintOf(1));
    expect(paintOf(1)).toBe(paintOf(1 + palette.length));
    expect(paintOf(1)).not.toBe(paintOf(2));
  });
});
