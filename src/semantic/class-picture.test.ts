import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PlaneScaler } from '../mask/plane-scaler.js';
import { ClassPicture, noClass } from './class-picture.js';

const logitsSize = { width: 7, height: 5 };
const size = { width: 19, height: 23 };
const places = logitsSize.width * logitsSize.height;
const pixels = size.width * size.height;
const classes = ['background', 'chamber', 'wall'].map((name) => ({ name, color: '#000000' }));

const given = fc.record({
  activation: fc.constantFrom('softmax', 'sigmoid'),
  part: fc.record({
    left: fc.double({ min: -9, max: 12, noNaN: true }),
    top: fc.double({ min: -9, max: 12, noNaN: true }),
    width: fc.double({ min: 4, max: 40, noNaN: true }),
    height: fc.double({ min: 4, max: 40, noNaN: true }),
  }),
  // Few values: neighbours of one class, and classes that are equally likely.
  logits: fc.array(fc.constantFrom(-6, -1, 0, 2, 2, 7), { minLength: 3 * places, maxLength: 3 * places }),
});

it('is the likeliest class of logits that were scaled first, with its probability', () => {
  fc.assert(
    fc.property(given, ({ activation, part, logits }) => {
      const picture = new ClassPicture({ logitsSize, classes, activation }, size);
      picture.lookAt(part);
      picture.read(Float32Array.from(logits));
      const softmax = activation === 'softmax';
      const planes = new Float32Array(3 * pixels).fill(-16);
      if (softmax) planes.fill(16, 0, pixels);
      const scaler = new PlaneScaler(logitsSize, size, part);
      for (let index = 0; index < 3; index++)
        scaler.scale(Float32Array.from(logits), index * places, planes, index * pixels);
      for (let pixel = 0; pixel < pixels; pixel++) {
        const each = [0, 1, 2].map((index) => planes[index * pixels + pixel] as number);
        const highest = Math.max(...each);
        const label = softmax || highest > 0 ? each.indexOf(highest) : noClass;
        // What is equal to the last bit may have been rounded to either side.
        const near = each.filter((logit) => Math.abs(logit - highest) < 1e-5).length > 1;
        if (!near && Math.abs(highest) > 1e-5) expect(picture.labels[pixel]).toBe(label);
        const weights = each.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
        const own = each.indexOf(highest);
        const expected = softmax ? 1 / weights : 1 / (1 + Math.exp(-highest));
        expect(picture.probabilityAt(own, pixel)).toBeCloseTo(expected, 6);
      }
      const { left, top, width, height } = picture.seen;
      for (let y = top; y < top + height; y++)
        for (let start = y * size.width + left, end = start + width, pixel = start; pixel < end; pixel++) {
          const label = picture.labels[pixel] as number;
          if (label === noClass) continue;
          const alone = picture.sumProbability(label, pixel, pixel + 1);
          expect(alone).toBeCloseTo(picture.probabilityAt(label, pixel), 4);
        }
    }),
    { numRuns: 60 },
  );
});
