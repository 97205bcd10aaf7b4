// Draws the product's own echo scene for the training of models/echo-lv: node models/train/semantic/draw_scenes.mjs OUT COUNT [FIRST_SEED]
// Needs a build (npm run build:node). Per scene six pictures over one beat: <seed>-<n>.jpg and .png (1 left ventricle, 3 left atrium, 254 neither of the two).
// Seeds from 1,000,000 on are held out for evaluation and never drawn here.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { echoScene } from '../../../dist/src/ingest/synthetic/echo.js';

/** Whole numbers from 0 to 2^32 - 1 that follow from `seed`. */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
}

const [out, count, first = '5000'] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const sizes = [
  [320, 240],
  [300, 300],
  [426, 240],
];
for (let seed = Number(first); seed < Number(first) + Number(count); seed += 1) {
  if (seed >= 1_000_000) throw new Error('seeds from 1,000,000 on are for evaluation');
  const [width, height] = sizes[seed % sizes.length];
  const next = numbers(seed);
  const share = () => next() / 2 ** 32;
  // Half as the seed has it, half over the whole range of hearts and windows.
  const echo = seed % 2 === 0 ? undefined : {
    ejectionFractionPercent: 12 + 65 * share(),
    heartRateBpm: 45 + 105 * share(),
    rhythm: 'sinus',
    dropout: share() < 0.4 ? 0.5 * share() : null,
    mirrored: share() < 0.2,
  };
  const scene = echoScene({ seed, width, height, framesPerSecond: 6.3, echo });
  for (let picture = 0; picture < 6; picture += 1) {
    const { rgb, truth } = scene.frame(picture * 7 + (seed % 5));
    const labels = new Uint8Array(width * height).fill(254);
    for (const [index, label] of [[0, 1], [1, 3]]) {
      let at = 0;
      let on = false;
      for (const run of truth[index].counts) {
        if (on) for (let i = at; i < at + run; i += 1) labels[(i % height) * width + Math.floor(i / height)] = label;
        at += run;
        on = !on;
      }
    }
    const name = join(out, `${seed}-${picture}`);
    await sharp(rgb, { raw: { width, height, channels: 3 } }).jpeg({ quality: 92 }).toFile(`${name}.jpg`);
    await sharp(labels, { raw: { width, height, channels: 1 } }).toColourspace('b-w').png().toFile(`${name}.png`);
  }
}
