import { describe, expect, it } from 'vitest';
import { maskOutlines } from '../../../src/mask/contour.js';
import { maskFromBitmap } from '../../../src/mask/rle.js';
import type { Point } from '../../../src/vocabulary/prompt.js';
import { placeLabels, smoothClosed } from './outline-path.js';

function outlineOf(
  width: number,
  height: number,
  inside: (x: number, y: number) => boolean,
): readonly Point[] {
  const bitmap = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) bitmap[y * width + x] = inside(x, y) ? 1 : 0;
  const [outline] = maskOutlines(maskFromBitmap(bitmap, width, height));
  if (!outline) throw new Error('no outline');
  return outline.points;
}

describe('smoothed outlines', () => {
  it('a disk becomes rounder and keeps its radius', () => {
    const raw = outlineOf(80, 80, (x, y) => Math.hypot(x + 0.5 - 40, y + 0.5 - 40) < 25);
    const radii = (points: readonly Point[]): number[] => points.map(([x, y]) => Math.hypot(x - 40, y - 40));
    const spread = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);
    const smooth = radii(smoothClosed(raw));
    expect(spread(smooth)).toBeLessThan(0.6 * spread(radii(raw)));
    const mean = smooth.reduce((sum, value) => sum + value, 0) / smooth.length;
    expect(Math.abs(mean - 25)).toBeLessThan(0.3);
  });

  it('a straight edge stays, a corner moves by less than a mask pixel', () => {
    const smooth = smoothClosed(outlineOf(40, 40, (x, y) => x >= 10 && x < 30 && y >= 10 && y < 30));
    const edge = (x: number, y: number): number => Math.max(Math.abs(x - 20), Math.abs(y - 20)) - 10;
    for (const [x, y] of smooth) {
      const offset = edge(x, y);
      expect(offset).toBeLessThan(0.05);
      const atCorner = Math.abs(Math.abs(x - 20) - Math.abs(y - 20)) < 4;
      expect(offset).toBeGreaterThan(atCorner ? -1.1 : -0.05);
    }
  });

  it('leaves specks alone', () => {
    const speck: Point[] = [
      [1, 1],
      [1.5, 1.5],
    ];
    expect(smoothClosed(speck)).toEqual(speck);
  });
});

describe('labels', () => {
  const stage = { width: 800, height: 600 };

  it('sit above their object', () => {
    expect(
      placeLabels([{ anchor: { x: 100, y: 200, width: 50, height: 50 }, width: 90, height: 24 }], stage),
    ).toEqual([{ x: 100, y: 172, width: 90, height: 24 }]);
  });

  it('stay on the stage and off each other', () => {
    const anchors = [
      { x: 790, y: 0, width: 10, height: 600 },
      { x: 700, y: 2, width: 10, height: 10 },
      { x: 702, y: 3, width: 10, height: 10 },
      { x: -20, y: 590, width: 10, height: 10 },
    ];
    const placed = placeLabels(
      anchors.map((anchor) => ({ anchor, width: 90, height: 24 })),
      stage,
    );
    for (const [index, box] of placed.entries()) {
      expect(box.x >= 0 && box.y >= 0 && box.x + box.width <= 800 && box.y + box.height <= 600).toBe(true);
      for (const other of placed.slice(index + 1))
        expect(
          box.x >= other.x + other.width ||
            other.x >= box.x + box.width ||
            box.y >= other.y + other.height ||
            other.y >= box.y + box.height,
        ).toBe(true);
    }
  });
});
