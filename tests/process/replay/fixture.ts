/** A small scene for replay tests: a red square on grey that moves, leaves and comes back; the tiny tracker follows its colour. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { packageRoot } from '../../../src/node/built-module.js';
import type { AnalysisFrame, PictureSize } from '../../../src/vocabulary/frame.js';

export const tinyModel = join(packageRoot, 'tests/golden/tiny-tracker');
export const tinyInput: PictureSize = { width: 64, height: 48 };
export const clipSize: PictureSize = { width: 128, height: 96 };
export const squareSize = 32;

/** Left edge of the square in a picture `width` wide, at a frame. */
export function squareLeft(index: number, width: number): number {
  return Math.round((width / 128) * (8 + ((index * 3) % 88)));
}

/** uint8 RGB, height × width × 3. */
export function scene(index: number, { width, height }: PictureSize): Uint8Array {
  const pixels = new Uint8Array(width * height * 3).fill(110);
  const edge = Math.round((squareSize * width) / 128);
  const left = squareLeft(index, width);
  const top = Math.round(height / 3);
  for (let y = top; y < Math.min(height, top + edge); y++)
    for (let x = left; x < Math.min(width, left + edge); x++) pixels.set([220, 30, 30], (y * width + x) * 3);
  return pixels;
}

export function analysisFrame(streamId: string, index: number, ptsNs = index * 40e6): AnalysisFrame {
  const nowNs = Number(process.hrtime.bigint());
  return {
    streamId,
    ptsNs,
    captureNs: nowNs,
    mediaNs: ptsNs,
    sourceFrame: index,
    discontinuity: 0,
    size: tinyInput,
    data: scene(index, tinyInput),
    decodedNs: nowNs,
  };
}

export async function sceneJpeg(index: number): Promise<Uint8Array> {
  return new Uint8Array(
    await sharp(scene(index, clipSize), { raw: { ...clipSize, channels: 3 } })
      .jpeg({ quality: 90 })
      .toBuffer(),
  );
}

/** A folder of PNGs, which replay takes as a clip. */
export async function sceneFolder(path: string, frames: number): Promise<string> {
  await mkdir(path, { recursive: true });
  for (let index = 0; index < frames; index++)
    await writeFile(
      join(path, `${String(index).padStart(5, '0')}.png`),
      await sharp(scene(index, clipSize), { raw: { ...clipSize, channels: 3 } })
        .png({ compressionLevel: 1 })
        .toBuffer(),
    );
  return path;
}

/** A box around the square of a frame, source pixels. */
export function squareBox(index: number): [number, number, number, number] {
  const left = squareLeft(index, clipSize.width);
  const top = Math.round(clipSize.height / 3);
  return [left, top, left + squareSize, top + squareSize];
}

export async function promptFile(
  path: string,
  objects: readonly { readonly label: string; readonly frames: readonly number[] }[],
): Promise<string> {
  await writeFile(
    path,
    JSON.stringify({
      objects: objects.map(({ label, frames }) => ({
        label,
        prompts: frames.map((frame) => ({ frame, type: 'box', box: squareBox(frame) })),
      })),
    }),
  );
  return path;
}
