/** A heart made up here in the four-chamber view, with the apex on top: what a model would outline of it, picture by picture. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { maskArea, maskBox, maskFromBitmap, maskToBitmap } from '../src/mask/rle.js';
import { chambers } from '../src/vocabulary/echo.js';
import type { Mask } from '../src/vocabulary/mask.js';
import { seededRandom } from '../src/vocabulary/random.js';

export const heartMaskSize = { width: 160, height: 160 };

/** Pixels of the mask: the middle of the mitral valve, and the half axes of the cavity at end-diastole. */
const valve = { x: 80, y: 104 };
const cavity = { length: 62, halfWidth: 23 };

/** Seconds of one beat, and of its ejection. */
export const beatSeconds = 0.9;
const ejectionSeconds = 0.33;
/** Of every length at end-systole: an ejection fraction of about 1 − 0.8³ = 49 %. */
const smallest = 0.8;

/** Size of the cavity against that at end-diastole: falls in ejection, rises fast, stands, rises a little with the atrium's beat. */
function sizeAt(seconds: number): number {
  const at = ((seconds % beatSeconds) + beatSeconds) % beatSeconds;
  const smooth = (share: number): number => (1 - Math.cos(Math.PI * Math.min(1, Math.max(0, share)))) / 2;
  const ejected = smooth(at / ejectionSeconds);
  const filled = 0.8 * smooth((at - ejectionSeconds) / 0.2) + 0.2 * smooth((at - beatSeconds + 0.15) / 0.15);
  return 1 - (1 - smallest) * (ejected - filled);
}

function drawn(inside: (x: number, y: number) => boolean): Mask {
  const { width, height } = heartMaskSize;
  const bitmap = Uint8Array.from({ length: width * height }, (_, at) =>
    inside((at % width) + 0.5, Math.floor(at / width) + 0.5) ? 1 : 0,
  );
  return maskFromBitmap(bitmap, width, height);
}

/** The three structures at a time, as objects of a result. */
export function heartAt(seconds: number) {
  const size = sizeAt(seconds);
  const half = (factor: number, extra: number) => (x: number, y: number) =>
    y < valve.y &&
    Math.hypot(
      (x - valve.x) / (cavity.halfWidth * factor + extra),
      (y - valve.y) / (cavity.length * factor + extra),
    ) < 1;
  const ventricle = half(size, 0);
  const outside = half((1 + size) / 2, 9);
  const filled = 15 + 5 * (1 - size);
  const atrium = (x: number, y: number): boolean =>
    y >= valve.y && Math.hypot((x - valve.x) / (cavity.halfWidth * size), (y - valve.y) / filled) < 1;
  const masks = [drawn(ventricle), drawn((x, y) => outside(x, y) && !ventricle(x, y)), drawn(atrium)];
  return [chambers.ventricle, chambers.wall, chambers.atrium].map((label, index) => {
    const mask = masks[index] as Mask;
    return {
      ...{ id: index + 1, label, state: 'tracking' as const, score: 0.95, confidence: 0.9 },
      ...{ mask, box: maskBox(mask), areaPx: maskArea(mask) },
    };
  });
}

/** Colours of background, ventricle, wall and atrium: those that tests/golden/tiny-echo tells apart. */
const colours = [
  [20, 20, 20],
  [230, 40, 30],
  [30, 60, 220],
  [40, 200, 60],
] as const;

/** A folder of pictures of this heart, 25 per second, which is opened as a clip; behind them so many black ones. */
export async function heartFolder(
  path: string,
  frames: number,
  { black = 0 }: { readonly black?: number } = {},
): Promise<string> {
  await mkdir(path, { recursive: true });
  const { width, height } = heartMaskSize;
  const random = seededRandom(frames);
  const grained = (level: number): number =>
    Math.min(255, Math.max(0, level + Math.round(48 * random() - 24)));
  for (let index = 0; index < frames + black; index++) {
    const isBlack = index >= frames;
    const pixels = new Uint8Array(width * height * 3).fill(isBlack ? 0 : 20);
    const shown = isBlack ? [] : heartAt(index / 25);
    for (const [structure, { mask }] of shown.entries())
      for (const [at, inside] of maskToBitmap(mask).entries())
        if (inside !== 0) pixels.set(colours[structure + 1] ?? [0, 0, 0], at * 3);
    // Grain of its own in each picture, as every scanner has: without it an even heart is a loop.
    for (let at = 0; at < pixels.length && !isBlack; at++) pixels[at] = grained(pixels[at] as number);
    const raw = { width, height, channels: 3 } as const;
    const png = await sharp(pixels, { raw }).png({ compressionLevel: 1 }).toBuffer();
    await writeFile(join(path, `${String(index).padStart(5, '0')}.png`), png);
  }
  return path;
}
