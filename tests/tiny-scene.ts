/**
 * Pictures for tests/golden/tiny-tracker, which follows colours: coloured disks on grey, 64 × 48. Real ONNX Runtime runs
 * on them in a millisecond.
 */
import { join } from 'node:path';
import { packageRoot } from '../src/node/built-module.js';
import type { AnalysisFrame } from '../src/vocabulary/frame.js';
import type { EngineOptions } from '../src/engine/engine.js';
import { maskFromBitmap } from '../src/mask/rle.js';
import type { Mask } from '../src/vocabulary/mask.js';

export const tinyModelDir = join(packageRoot, 'tests/golden/tiny-tracker');
/** Finds red and blue by itself. */
export const tinySemanticDir = join(packageRoot, 'tests/golden/tiny-semantic');
/** Finds the three structures of a heart by their colours: see `heartFolder`. */
export const tinyEchoDir = join(packageRoot, 'tests/golden/tiny-echo');
export const tinySize = { width: 64, height: 48 };
/** A source picture ten times the model's: prompts are given in its pixels. */
export const tinySource = { width: 640, height: 480 };
export const frameNs = 40_000_000;

export const tinyOptions: EngineOptions = {
  modelDir: tinyModelDir,
  provider: 'cpu',
  policy: null,
  threads: 1,
  sourceSize: tinySource,
  keepLogits: false,
};

/** Model pixels. */
export interface Disk {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly colour: readonly [number, number, number];
}

export const red = [230, 40, 30] as const;
export const blue = [30, 60, 220] as const;

const grey = 110;
const inside = (disk: Disk, x: number, y: number): boolean =>
  (x + 0.5 - disk.x) ** 2 + (y + 0.5 - disk.y) ** 2 <= disk.radius ** 2;

export function tinyFrame(index: number, disks: readonly Disk[], discontinuity = 0): AnalysisFrame {
  const { width, height } = tinySize;
  const data = new Uint8Array(width * height * 3).fill(grey);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (const disk of disks) if (inside(disk, x, y)) data.set(disk.colour, (y * width + x) * 3);
  const ptsNs = index * frameNs;
  return {
    streamId: 'tiny',
    ptsNs,
    captureNs: ptsNs,
    mediaNs: ptsNs,
    sourceFrame: index,
    discontinuity,
    decodedNs: ptsNs,
    size: tinySize,
    data,
  };
}

export function diskMask(disk: Disk): Mask {
  const { width, height } = tinySize;
  const bitmap = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (inside(disk, x, y)) bitmap[y * width + x] = 1;
  return maskFromBitmap(bitmap, width, height);
}

/** A red disk going right and a blue one going down. */
export function moving(index: number): { readonly red: Disk; readonly blue: Disk } {
  return {
    red: { x: 14 + index * 0.8, y: 16, radius: 7, colour: red },
    blue: { x: 50, y: 14 + index * 0.5, radius: 6, colour: blue },
  };
}

export function movingFrame(index: number, discontinuity = 0): AnalysisFrame {
  const { red, blue } = moving(index);
  return tinyFrame(index, [red, blue], discontinuity);
}

/** Source pixel at the middle of a disk. */
export const centre = (disk: Disk): [number, number] => [disk.x * 10, disk.y * 10];
