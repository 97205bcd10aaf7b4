/** Colours of outlines against tissue sampled now from the real pictures of ../shared/data; the committed shares come from here. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/node/built-module.js';
import { palettes } from '../../src/vocabulary/palette.js';
import { pictureKindOf } from '../../src/vocabulary/picture-kind.js';
import { colourShares, eyes, lostOn, type Eye, type Share } from '../colour-vision.js';

const data = join(packageRoot, '../shared/data');
const present = existsSync(data);
if (!present) console.warn('skipped: no sample pictures at ../shared/data');

/** Small, without smoothing: pixels keep the colours that they have. */
const small = 'scale=96:64:flags=neighbor';
const decode = (...input: string[]): Buffer =>
  execFileSync('ffmpeg', ['-v', 'error', ...input, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], {
    maxBuffer: 1 << 28,
  });
const clip = (name: string): Buffer => decode('-i', join(data, 'clips', name), '-vf', `fps=1,${small}`);
const stills = (folder: string, count: number): Buffer => {
  const names = readdirSync(join(data, folder)).sort();
  const step = Math.max(1, Math.floor(names.length / count));
  return Buffer.concat(
    names
      .filter((_, index) => index % step === 0)
      .map((name) => decode('-i', join(data, folder, name), '-frames:v', '1', '-vf', small)),
  );
};
const sources = {
  endoscopy: [
    () => clip('laparoscopy.mp4'),
    () => stills('train/laparoscopy-stills', 12),
    () => stills('vocalfolds/patient1/seq4/frames', 8),
  ],
  ultrasound: [
    () => clip('echo-a4c.mp4'),
    () => clip('echo-apical-zoom.mp4'),
    () => stills('train/muscle-ultrasound/frames', 6),
    () => stills('train/nerve-ultrasound/frames', 6),
    () => stills('train/fetal-ultrasound/frames', 6),
  ],
} as const;
const stored = join(packageRoot, 'tests/data/tissue-colours.json');

describe.skipIf(!present)('real tissue', () => {
  it.each(['endoscopy', 'ultrasound'] as const)('%s: kind, shares and contrast', async (kind) => {
    const pictures = sources[kind].map((read) => read());
    for (const picture of pictures) expect(pictureKindOf(picture)).toBe(kind);
    const tissue = colourShares(Buffer.concat(pictures));
    for (const colour of palettes[kind])
      for (const eye of Object.keys(eyes) as Eye[])
        expect(lostOn(colour, tissue, eye, 0.06), `${colour} ${eye}`).toBeLessThan(0.04);
    // The committed shares are those of these pictures, as far as decoders agree.
    const file = JSON.parse(await readFile(stored, 'utf8').catch(() => '{}')) as Record<string, Share[]>;
    if (process.env['UPDATE_TISSUE'] === '1')
      await writeFile(stored, `${JSON.stringify({ ...file, [kind]: tissue })}\n`);
    else
      for (const [index, [red, , , share]] of tissue.slice(0, 5).entries()) {
        expect(file[kind]?.[index]?.[0]).toBeCloseTo(red, -1);
        expect(file[kind]?.[index]?.[3]).toBeCloseTo(share, 1);
      }
  });
});
