/** The fast code behind the outlines and numbers of an echo gives what its plain definition gives, to the last bit. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { createShapeReader } from '../src/analysis/ventricle.js';
import { wholeLook, within } from '../src/semantic/look.js';
import { structuresOf, type SemanticModel } from '../src/semantic/model.js';
import { Segmenter } from '../src/semantic/segmenter.js';
import { seededRandom } from '../src/vocabulary/random.js';
import { plainBlend, plainClasses, plainSample, plainShape } from './plain-echo.js';

const names = ['background', 'left ventricle', 'myocardium', 'left atrium'];
const classes = names.map((name) => ({ name, color: '#000000' }));
const pictureSize = { width: 80, height: 80 };
const logitsSize = { width: 30, height: 30 };
const sourceSize = { width: 320, height: 240 };
const scale = { x: 1.1, y: 0.7 };
const temperature = 1.3212;
const model: SemanticModel = {
  ...{ inputSize: { width: 60, height: 60 }, pictureSize, logitsSize, fit: 'letterbox', classes },
  ...{ structures: structuresOf(classes), activation: 'softmax', scalars: [] },
  calibration: { temperature, bias: 0.25 },
  verdict: { view: null, quality: null, least: { view: 0.5, quality: 0.7, probability: 0.6 } },
  temporal: { halfLifeMs: 60, change: 3, drift: 0.75, cell: 4, gapMs: 250, scene: 0.12 },
  closer: { margin: 1.35, shift: 0.08, zoom: 1.15, classes: names.slice(1) },
};

/** Logits of a heart that beats, in the part of the source that is looked at, with noise; grey pictures and some coloured ones. */
function heart(random: () => number, index: number, part: ReturnType<typeof within>) {
  const { width, height } = logitsSize;
  const logits = new Float32Array(4 * width * height);
  const size = 1 + 0.15 * Math.cos(index / 3);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) {
      const across = (part.left + ((x + 0.5) * part.width) / width - 40 - index / 4) / (11 * size);
      const down = (part.top + ((y + 0.5) * part.height) / height - 36) / (20 * size);
      const inside = 6 * (1 - Math.hypot(across, down));
      const outside = 6 * (1.5 - Math.hypot(across, down));
      const base = 12 * (down - 0.6);
      const leads = [0, Math.min(inside, -base), Math.min(outside, -inside, -base), Math.min(outside, base)];
      for (const [plane, lead] of leads.entries())
        logits[plane * width * height + at] = lead * 2 + 3 * (random() - 0.5);
    }
  const data = new Uint8Array(pictureSize.width * pictureSize.height * 3);
  for (let at = 0; at < data.length; at += 3) data.fill(60 + 40 * random(), at, at + 3);
  if (index % 5 === 4) data[3 * 40 * 80 + 121] = 7;
  return { logits, data };
}

const digest = (parts: readonly (ArrayBufferView | string)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts)
    hash.update(
      typeof part === 'string' ? part : new Uint8Array(part.buffer, part.byteOffset, part.byteLength),
    );
  return hash.digest('hex');
};

it('gives the outlines, confidences and shapes of the plain definition on every picture of a clip', () => {
  const random = seededRandom(7);
  const segmenter = new Segmenter(model, { sourceSize, keepLogits: false });
  const readShape = createShapeReader();
  let looks = 0;
  let shapes = 0;
  let before: Float32Array | null = null;
  let lookBefore = wholeLook(model, sourceSize);
  for (let index = 0; index < 24; index++) {
    // A pause at the twelfth picture: it begins anew.
    const ptsNs = (index + (index < 12 ? 0 : 10)) * 40e6;
    const { closer } = segmenter.snapshot();
    const look = closer?.look ?? wholeLook(model, sourceSize);
    const part = within(look, { left: 0, top: 0, ...sourceSize }, pictureSize);
    const { logits, data } = heart(random, index, part);
    const frame = { ptsNs, discontinuity: 0, size: pictureSize, data };
    const moved = JSON.stringify(look) !== JSON.stringify(lookBefore);
    if (moved) looks += 1;

    const fed = segmenter.picture(frame);
    const plainFed = plainSample(model, data, part);
    expect(digest([fed]), `picture ${index}, fed`).toBe(digest([plainFed]));

    const objects = segmenter.commit(frame, { logits });
    const calibrated = logits.map((logit) => (logit + 0.25) / temperature);
    // What is remembered is moved with the look by the code under test, which temporal-filter.test.ts looks at.
    const blends: boolean = before !== null && index !== 12 && !moved;
    const blended: Float32Array = blends && before ? plainBlend(model, calibrated, before, 40) : calibrated;
    const state = segmenter.snapshot().temporal;
    const used: Float32Array = moved ? (state?.logits ?? blended) : blended;
    const plain = plainClasses(model, used, part).slice(1);
    expect(digest([state?.logits ?? '']), `picture ${index}, blended`).toBe(digest([used]));
    expect(digest(objects.flatMap(({ mask, confidence }) => [mask.counts, String(confidence)]))).toBe(
      digest(plain.flatMap(({ mask, meanProbability }) => [mask.counts, String(meanProbability)])),
    );

    const [cavity, wall, atrium] = objects;
    if (!cavity || !wall || !atrium) throw new Error('three structures');
    const masks = { cavity: cavity.mask, wall: wall.mask, atrium: atrium.mask };
    const shape = readShape(masks, scale);
    if (shape !== null) shapes += 1;
    expect(digest([JSON.stringify(shape)])).toBe(digest([JSON.stringify(plainShape(masks, scale))]));
    before = used;
    lookBefore = look;
  }
  // Something was there to be compared: closer looks, and a ventricle on each picture.
  expect(looks).toBeGreaterThan(1);
  expect(looks).toBeLessThan(6);
  expect(shapes).toBe(24);
});
