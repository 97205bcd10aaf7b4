/**
 * Run-length masks: build, read, measure, and COCO's compressed form. Pure; runs in any thread and in the browser.
 *
 * Run order, string form and box follow pycocotools (cocoapi `common/maskApi.c`: rleEncode, rleToString,
 * rleFrString, rleToBbox), so that its readers take our counts unchanged.
 */
import type { Box, Mask } from '../vocabulary/mask.js';
import type { Point } from '../vocabulary/prompt.js';

/** Collects runs in column-major order; merges equal neighbours and leaves out empty runs. */
export class RunBuilder {
  readonly #counts: number[] = [];
  #run = 0;
  #value = false;

  /** Appends `length` pixels of one value. */
  push(value: boolean, length: number): void {
    if (length === 0) return;
    if (value !== this.#value) {
      this.#counts.push(this.#run);
      this.#run = 0;
      this.#value = value;
    }
    this.#run += length;
  }

  /** The pixels pushed so far must be width × height. */
  finish(width: number, height: number): Mask {
    this.#counts.push(this.#run);
    return { width, height, counts: Uint32Array.from(this.#counts) };
  }
}

export function emptyMask(width: number, height: number): Mask {
  return { width, height, counts: Uint32Array.of(width * height) };
}

/** `bitmap` is row-major, one byte per pixel, width × height; anything but 0 is foreground. */
export function maskFromBitmap(bitmap: Uint8Array | Uint8ClampedArray, width: number, height: number): Mask {
  if (bitmap.length !== width * height)
    throw new RangeError(`bitmap has ${bitmap.length} pixels, not ${width}×${height}`);
  const runs = new RunBuilder();
  for (let x = 0; x < width; x++)
    for (let y = 0, index = x; y < height; y++, index += width) runs.push(bitmap[index] !== 0, 1);
  return runs.finish(width, height);
}

/** `logits` is row-major, width × height; foreground where > 0 (NaN is background). */
export function maskFromLogits(logits: Float32Array, width: number, height: number): Mask {
  if (logits.length !== width * height)
    throw new RangeError(`${logits.length} logits do not make ${width}×${height}`);
  const runs = new RunBuilder();
  for (let x = 0; x < width; x++)
    for (let y = 0, index = x; y < height; y++, index += width) runs.push((logits[index] as number) > 0, 1);
  return runs.finish(width, height);
}

/** Row-major bytes, width × height, 0 or `value`. */
export function maskToBitmap(mask: Mask, value = 1): Uint8Array {
  const bitmap = new Uint8Array(mask.width * mask.height);
  paintMask(bitmap, mask, value);
  return bitmap;
}

/** Sets the mask's foreground in a row-major picture of its size; the rest stays as it is. */
export function paintMask(bitmap: Uint8Array, mask: Mask, value: number): void {
  const { width, height, counts } = mask;
  if (bitmap.length !== width * height)
    throw new RangeError(`picture has ${bitmap.length} pixels, not ${width}×${height}`);
  let position = 0;
  for (let run = 0; run < counts.length; run++) {
    const end = position + (counts[run] as number);
    if (run % 2 === 1)
      while (position < end) {
        const x = Math.floor(position / height);
        const top = position - x * height;
        const bottom = Math.min(height, end - x * height);
        for (let index = top * width + x, last = bottom * width; index < last; index += width)
          bitmap[index] = value;
        position = x * height + bottom;
      }
    position = end;
  }
}

export function maskArea(mask: Mask): number {
  let area = 0;
  for (let run = 1; run < mask.counts.length; run += 2) area += mask.counts[run] as number;
  return area;
}

/** Foreground with left ≤ x < right and top ≤ y < bottom; the edges are whole numbers and may lie outside the mask. */
export function maskAreaInside(
  mask: Mask,
  {
    left,
    top,
    right,
    bottom,
  }: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number },
): number {
  const { height, counts } = mask;
  let area = 0;
  let position = 0;
  for (let run = 0; run < counts.length; run++) {
    const end = position + (counts[run] as number);
    if (run % 2 === 1)
      for (let start = position; start < end;) {
        const x = Math.floor(start / height);
        const stop = Math.min(end, (x + 1) * height);
        if (x >= left && x < right)
          area += Math.max(0, Math.min(bottom, stop - x * height) - Math.max(top, start - x * height));
        start = stop;
      }
    position = end;
  }
  return area;
}

/** Tightest box around the foreground. */
export function maskBox(mask: Mask): Box {
  const { height, counts } = mask;
  let left = Infinity;
  let right = -1;
  let top = Infinity;
  let bottom = -1;
  let position = 0;
  for (let run = 0; run < counts.length; run++) {
    const length = counts[run] as number;
    if (run % 2 === 1 && length > 0) {
      const last = position + length - 1;
      const firstColumn = Math.floor(position / height);
      const lastColumn = Math.floor(last / height);
      if (firstColumn < left) left = firstColumn;
      if (lastColumn > right) right = lastColumn;
      if (lastColumn > firstColumn) {
        // A run that goes on in the next column touches the bottom of one and the top of the other.
        top = 0;
        bottom = height - 1;
      } else {
        top = Math.min(top, position - firstColumn * height);
        bottom = Math.max(bottom, last - firstColumn * height);
      }
    }
    position += length;
  }
  return right < 0 ? [0, 0, 0, 0] : [left, top, right - left + 1, bottom - top + 1];
}

/** Centre of gravity of the foreground in mask pixels (pixel centres at +0.5), null for an empty mask. */
export function maskCentroid(mask: Mask): Point | null {
  const { height, counts } = mask;
  let sumX = 0;
  let sumY = 0;
  let area = 0;
  let position = 0;
  for (let run = 0; run < counts.length; run++) {
    const end = position + (counts[run] as number);
    if (run % 2 === 1) {
      area += end - position;
      while (position < end) {
        const x = Math.floor(position / height);
        const columnEnd = Math.min(end, (x + 1) * height);
        const length = columnEnd - position;
        sumX += length * (x + 0.5);
        sumY += length * (position - x * height + length / 2);
        position = columnEnd;
      }
    }
    position = end;
  }
  return area === 0 ? null : [sumX / area, sumY / area];
}

/** Number of pixels that are foreground in both. Sizes must agree. */
export function maskIntersection(a: Mask, b: Mask): number {
  if (a.width !== b.width || a.height !== b.height)
    throw new RangeError(`masks of ${a.width}×${a.height} and ${b.width}×${b.height} cannot be compared`);
  let indexA = 0;
  let indexB = 0;
  let leftA = a.counts[0] ?? 0;
  let leftB = b.counts[0] ?? 0;
  let intersection = 0;
  while (indexA < a.counts.length && indexB < b.counts.length) {
    const step = Math.min(leftA, leftB);
    if (indexA % 2 === 1 && indexB % 2 === 1) intersection += step;
    leftA -= step;
    leftB -= step;
    if (leftA === 0) leftA = a.counts[++indexA] ?? 0;
    if (leftB === 0) leftB = b.counts[++indexB] ?? 0;
  }
  return intersection;
}

/** Intersection over union; 1 where both are empty (metric J). Sizes must agree. */
export function maskIou(a: Mask, b: Mask): number {
  const intersection = maskIntersection(a, b);
  const union = maskArea(a) + maskArea(b) - intersection;
  return union === 0 ? 1 : intersection / union;
}

/**
 * COCO's compressed counts as ASCII bytes: each count (from the fourth on, its difference to the count two before) in groups of
 * five bits, least significant first, bit 5 = more follows, bit 4 of the last = sign, + 48 as ASCII.
 */
export function maskToCocoBytes(mask: Mask): Uint8Array {
  const { counts } = mask;
  const characters: number[] = [];
  for (let run = 0; run < counts.length; run++) {
    let value = counts[run] as number;
    if (run > 2) value -= counts[run - 2] as number;
    for (let more = true; more;) {
      let group = value & 0x1f;
      value >>= 5;
      more = (group & 0x10) !== 0 ? value !== -1 : value !== 0;
      if (more) group |= 0x20;
      characters.push(group + 48);
    }
  }
  return Uint8Array.from(characters);
}

export function maskToCocoString(mask: Mask): string {
  const bytes = maskToCocoBytes(mask);
  let text = '';
  // In pieces: a noisy mask has more characters than a call may have arguments.
  for (let start = 0; start < bytes.length; start += 4096)
    text += String.fromCharCode(...bytes.subarray(start, start + 4096));
  return text;
}

/** Throws RangeError where the bytes are not the counts of a width × height mask (cut, foreign characters, wrong sum). */
export function maskFromCocoBytes(bytes: Uint8Array, width: number, height: number): Mask {
  const pixels = width * height;
  const counts: number[] = [];
  let sum = 0;
  let position = 0;
  while (position < bytes.length) {
    let value = 0;
    let shift = 0;
    for (let more = true; more;) {
      if (position >= bytes.length) throw new RangeError('compressed mask ends inside a number');
      const group = (bytes[position++] as number) - 48;
      // 2^31 pixels need seven groups of five bits; more is no count of any picture.
      if (group < 0 || group > 63 || shift > 30)
        throw new RangeError(`compressed mask has a foreign character at ${position - 1}`);
      value |= (group & 0x1f) << shift;
      more = (group & 0x20) !== 0;
      shift += 5;
      if (!more && (group & 0x10) !== 0 && shift < 32) value |= -1 << shift;
    }
    if (counts.length > 2) value += counts[counts.length - 2] as number;
    sum += value;
    if (value < 0 || sum > pixels) throw new RangeError(`compressed mask does not fit ${width}×${height}`);
    counts.push(value);
  }
  if (sum !== pixels) throw new RangeError(`compressed mask covers ${sum} pixels, not ${width}×${height}`);
  return { width, height, counts: Uint32Array.from(counts) };
}

/** As `maskFromCocoBytes`, for the string in a COCO JSON file. */
export function maskFromCocoString(text: string, width: number, height: number): Mask {
  return maskFromCocoBytes(
    // A character beyond one byte becomes one that no count has.
    Uint8Array.from(text, (character) => Math.min(character.charCodeAt(0), 255)),
    width,
    height,
  );
}
