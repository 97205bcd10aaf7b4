/** What a procedural scene is: pictures and, for each, the exact truth. Pure; any thread. */
import { maskFromBitmap } from '../../mask/rle.js';
import type { Mask } from '../../vocabulary/mask.js';
import type { PictureSize } from '../../vocabulary/frame.js';
import type { PromptScript } from '../../vocabulary/prompt-script.js';
import type { EchoParameters } from './heart.js';

export interface SceneObject {
  readonly id: number;
  readonly label: string;
}

export interface SceneFrame {
  /** uint8 RGB, height × width × 3, tightly packed. */
  readonly rgb: Uint8Array;
  /** One mask per entry of `objects`, visible part only, at picture size; empty while out of view. */
  readonly truth: readonly Mask[];
  /** Exact quantities of this frame, units in the names; which ones depends on the scene. */
  readonly measurements: Readonly<Record<string, number>>;
}

export interface SyntheticScene {
  readonly size: PictureSize;
  readonly framesPerSecond: number;
  readonly pixelSpacingMm: { readonly x: number; readonly y: number } | null;
  readonly objects: readonly SceneObject[];
  /** Picture and truth of any frame, in any order; the same index always gives the same bytes. */
  frame(index: number): SceneFrame;
  /** Only the picture, as 32-bit words R | G << 8 | B << 16, into `pixels` (width × height); the fast path. */
  render(index: number, pixels: Uint32Array): void;
  /** First prompts a person would give: a box around each object on the first frame where it shows well. */
  defaultPrompts(): PromptScript;
}

export interface SceneOptions {
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  /** Of the echo scene; left out: as the seed has it. */
  readonly echo?: EchoParameters | undefined;
}

/** Masks of the labels 1 to `count` of a row-major label map. */
export function labelMasks(map: Uint8Array, count: number, width: number, height: number): Mask[] {
  return Array.from({ length: count }, (_, index) =>
    maskFromBitmap(
      map.map((label) => (label === index + 1 ? 1 : 0)),
      width,
      height,
    ),
  );
}

/** Drop the fourth byte of each pixel. */
export function packRgb(pixels: Uint32Array): Uint8Array {
  const rgb = new Uint8Array(pixels.length * 3);
  for (let i = 0, at = 0; i < pixels.length; i += 1, at += 3) {
    const value = pixels[i] ?? 0;
    rgb[at] = value & 255;
    rgb[at + 1] = (value >>> 8) & 255;
    rgb[at + 2] = (value >>> 16) & 255;
  }
  return rgb;
}
