/**
 * One range of grey for a whole cine whose header names no window: the same stored value has the same grey in every frame. Frames are
 * looked at once, before the first is shown. docs/decisions/0105-one-grey-range.md.
 */
import type { StoredPixels } from '../image.js';
import { between, possibleRange, storedExtremes, supplementOf, type GreyRange } from './grey.js';
import type { DecodedFrame } from './sample-decoder.js';
import { layoutOf } from './samples.js';

/** Samples that are looked at, where that costs no more than reading them. */
const mostNativeSamples = 2 ** 26;
/** Frames that are decoded to be looked at. */
const mostDecodedFrames = 16;

interface FoundRange {
  readonly range: GreyRange;
  /** How it was found, for the description of the source; null where there is nothing to say. */
  readonly words: string | null;
}

/**
 * @param decode a frame by its number; a damaged one counts for nothing
 * @param isNative frames need no decoding
 */
export async function findGreyRange(
  pixels: StoredPixels,
  frameCount: number,
  isNative: boolean,
  decode: (index: number) => Promise<DecodedFrame>,
): Promise<FoundRange> {
  // Up to 8 bits are meant to be shown as they are.
  if (pixels.voi !== null || pixels.bitsStored <= 8 || pixels.samplesPerPixel === 3)
    return { range: possibleRange(pixels, layoutOf(pixels)), words: null };
  const below = supplementOf(pixels)?.first ?? Infinity;
  const perFrame = pixels.size.width * pixels.size.height;
  const most = isNative ? Math.max(1, Math.floor(mostNativeSamples / perFrame)) : mostDecodedFrames;
  const looked = Math.min(frameCount, most);
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < looked; i += 1) {
    const index = looked === 1 ? 0 : Math.round((i * (frameCount - 1)) / (looked - 1));
    const frame = await decode(index).catch(() => null);
    const found = frame?.samples.perPixel === 1 ? storedExtremes(frame.samples, below) : null;
    if (found === null) continue;
    low = Math.min(low, found.low);
    high = Math.max(high, found.high);
  }
  const { extremes } = pixels;
  // The header's own are believed where frames were left out, and only to widen what was seen.
  if (looked < frameCount && extremes !== null) {
    low = Math.min(low, extremes.low);
    high = Math.max(high, extremes.high);
  }
  if (high < low) return { range: possibleRange(pixels, layoutOf(pixels)), words: null };
  const range = between(pixels, low, high);
  const where = looked === frameCount ? 'all' : `${looked} of ${frameCount}`;
  return {
    range,
    words: `no window in the file, grey from ${range.low} to ${range.high} as in ${where} pictures`,
  };
}
