import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitView, maxZoom, panBy, place, scaleOf, toSource, toStage, zoomAt } from './viewport.js';
import type { ViewChoice } from './viewport.js';

const picture = { width: 1280, height: 720 };
const stage = { width: 930, height: 643 };

describe('viewport', () => {
  it('fits the whole picture, centred', () => {
    const { left, top, scale } = place(fitView, picture, stage);
    expect(scale).toBeCloseTo(930 / 1280);
    expect(left).toBe(0);
    expect(top).toBe(Math.round((643 - 720 * scale) / 2));
  });

  it('true size is exactly one device pixel per source pixel, on whole pixels', () => {
    const placement = place({ zoom: 1, actual: true, centre: [0.5, 0.5] }, picture, stage);
    expect(placement.scale).toBe(1);
    expect(Number.isInteger(placement.left) && Number.isInteger(placement.top)).toBe(true);
  });

  it('zooming keeps the point under the pointer', () => {
    const at: [number, number] = [600, 300];
    const before = toSource(place(fitView, picture, stage), ...at);
    const view = zoomAt(fitView, 4, at, picture, stage);
    const after = toSource(place(view, picture, stage), ...at);
    // Within the rounding to whole device pixels.
    expect(Math.abs(after[0] - before[0])).toBeLessThan(1);
    expect(Math.abs(after[1] - before[1])).toBeLessThan(1);
  });

  it('zooming out ends at the whole picture', () => {
    let view: ViewChoice = zoomAt(fitView, 3, [10, 10], picture, stage);
    for (let step = 0; step < 20; step += 1) view = zoomAt(view, 0.7, [10, 10], picture, stage);
    expect(view).toEqual(fitView);
  });

  it('panning moves the picture by that much', () => {
    const zoomed = zoomAt(fitView, 4, [465, 321], picture, stage);
    const before = place(zoomed, picture, stage);
    const after = place(panBy(zoomed, 50, -30, picture, stage), picture, stage);
    expect(Math.abs(after.left - before.left - 50)).toBeLessThanOrEqual(1);
    expect(Math.abs(after.top - before.top + 30)).toBeLessThanOrEqual(1);
  });

  it('never shows beyond the border, never zooms without end, and maps there and back', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('zoom' as const),
        factor: fc.double({ min: 0.2, max: 5, noNaN: true }),
        x: fc.integer({ min: 0, max: 930 }),
        y: fc.integer({ min: 0, max: 643 }),
      }),
      fc.record({
        kind: fc.constant('pan' as const),
        x: fc.integer({ min: -2000, max: 2000 }),
        y: fc.integer({ min: -2000, max: 2000 }),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let view: ViewChoice = fitView;
        for (const one of steps)
          view =
            one.kind === 'zoom'
              ? zoomAt(view, one.factor, [one.x, one.y], picture, stage)
              : panBy(view, one.x, one.y, picture, stage);
        const placement = place(view, picture, stage);
        const fit = scaleOf(fitView, picture, stage);
        expect(placement.scale).toBeLessThanOrEqual(fit * maxZoom * 1.0001);
        expect(placement.scale).toBeGreaterThanOrEqual(fit * 0.9999);
        if (picture.width * placement.scale > stage.width) {
          expect(placement.left).toBeLessThanOrEqual(0);
          expect(placement.left + picture.width * placement.scale).toBeGreaterThanOrEqual(stage.width - 1);
        }
        const [x, y] = toSource(placement, ...toStage(placement, 123.4, 56.7));
        expect(x).toBeCloseTo(123.4, 6);
        expect(y).toBeCloseTo(56.7, 6);
      }),
    );
  });
});
