/** Compares what sonoscope hands out with what FFmpeg hands out. Pure; the answer is a list of sentences, empty when all is right. */
import type { PictureSize } from '../../src/vocabulary/frame.js';
import { squareBox, type Reading } from './picture.js';
import type { Product, ProductPicture, Row } from './product.js';
import type { Reference } from './reference.js';

/** Levels of 255. */
const analysisTolerance = 3;
/** The JPEG of quality 95 adds its own rounding and coarser colour. */
const displayTolerance = 6;
const timeToleranceMs = 1;

export interface Expectation {
  /** The file ends too early: a loss at its end may be reported. */
  readonly cutShort: boolean;
  /** Fields of two moments: what is handed out has no comb. */
  readonly interlaced: boolean;
}

export function faults(reference: Reference, product: Product, expected: Expectation): string[] {
  const found: string[] = [];
  const count = reference.pictures.length;
  const say = (condition: boolean, sentence: string): void => {
    if (condition) found.push(sentence);
  };
  say(product.outcome !== 'complete', `outcome ${product.outcome}`);
  const lost = expected.cutShort
    ? product.lost.filter((code) => code !== 'SONO_SOURCE_DAMAGED')
    : product.lost;
  say(lost.length > 0, `reported as lost: ${lost.join(', ')}`);
  say(product.dropped > 0, `${product.dropped} dropped`);
  say(
    product.size !== null && !same(product.size, reference.size),
    `size ${text(product.size)} instead of ${text(reference.size)}`,
  );
  const sizes = product.displaySizes.filter((size) => !same(size, reference.size));
  say(sizes.length > 0, `shown as ${sizes.map(text).join(', ')} instead of ${text(reference.size)}`);
  say(
    product.frameCount !== null && product.frameCount !== count,
    `promises ${product.frameCount} of ${count} pictures`,
  );
  const closest = Math.min(
    ...reference.pictures
      .slice(1)
      .map(({ mediaMs }, index) => mediaMs - (reference.pictures[index]?.mediaMs ?? 0))
      .filter((gap) => gap > 0),
  );
  say(
    product.framesPerSecond !== null && Number.isFinite(closest) && product.framesPerSecond * closest > 1100,
    `says ${product.framesPerSecond} per second, the closest pictures are ${closest.toFixed(1)} ms apart`,
  );
  for (const branch of ['analysis', 'display'] as const)
    found.push(...branchFaults(branch, reference, product[branch], expected));
  return found;
}

function branchFaults(
  branch: 'analysis' | 'display',
  reference: Reference,
  pictures: readonly ProductPicture[],
  expected: Expectation,
): string[] {
  const found: string[] = [];
  const [right, seen] = [numbers(reference.pictures), numbers(pictures)];
  if (right !== seen) found.push(`${branch} pictures: ${seen} instead of ${right}`);
  const misnumbered = pictures.findIndex(({ sourceFrame }, index) => sourceFrame !== index);
  if (misnumbered >= 0)
    found.push(`${branch} picture ${misnumbered} has the number ${pictures[misnumbered]?.sourceFrame}`);
  if (pictures.some(({ discontinuity }) => discontinuity !== 0)) found.push(`${branch}: a discontinuity`);
  const still = pictures.findIndex(
    ({ ptsMs }, index) => index > 0 && ptsMs <= (pictures[index - 1]?.ptsMs ?? 0),
  );
  if (still >= 0) found.push(`${branch}: time does not rise at picture ${still}`);
  if (right !== seen) return found;

  // Where FFmpeg's own time stands still or goes back, ours rises (see above), and nothing else can be asked.
  let latest = -1;
  const rising = reference.pictures.map(({ mediaMs }) => {
    if (mediaMs <= latest) return false;
    latest = mediaMs;
    return true;
  });
  const late = worst(reference.pictures, pictures, (a, b, index) =>
    rising[index] === true ? Math.abs(a.mediaMs - b.mediaMs) : 0,
  );
  if (late.value > timeToleranceMs) {
    const { mediaMs } = pictures[late.index] ?? { mediaMs: NaN };
    const truth = reference.pictures[late.index]?.mediaMs ?? NaN;
    found.push(
      `${branch} picture ${late.index} at ${mediaMs.toFixed(1)} ms instead of ${truth.toFixed(1)} ms`,
    );
  }
  const off = worst(reference.pictures, pictures, colourDistance);
  if (off.value > (branch === 'analysis' ? analysisTolerance : displayTolerance)) {
    const pair = worstPatch(reference.pictures[off.index], pictures[off.index]);
    found.push(`${branch} picture ${off.index}: colour ${pair} (${off.value.toFixed(1)} levels)`);
  }
  if (expected.interlaced) {
    const [before, after] = [meanComb(reference.pictures), meanComb(pictures)];
    // Edges of the bar stand still in a few pictures, so the mean is taken; deinterlacing leaves a pixel here and there.
    if (after > before * 0.1) found.push(`${branch}: combed, ${percent(after)} of ${percent(before)}`);
  }
  return found;
}

/**
 * What live mode may do: leave a picture out and count it. What it may not: show it under another number, time or shape.
 */
export function liveFaults(reference: Reference, product: Product): string[] {
  const found: string[] = [];
  const count = reference.pictures.length;
  if (product.outcome !== 'complete') found.push(`outcome ${product.outcome}`);
  if (product.lost.length > 0) found.push(`reported as lost: ${product.lost.join(', ')}`);
  for (const branch of ['analysis', 'display'] as const) {
    const wrong = product[branch].flatMap((picture) => {
      const truth = reference.pictures[picture.sourceFrame];
      if (truth === undefined) return [`picture ${picture.sourceFrame} of ${count}`];
      if (truth.number !== picture.number)
        return [`picture ${picture.sourceFrame} shows ${picture.number} instead of ${truth.number}`];
      return Math.abs(truth.mediaMs - picture.mediaMs) > timeToleranceMs
        ? [`picture ${picture.sourceFrame} at ${picture.mediaMs} instead of ${truth.mediaMs} ms`]
        : [];
    });
    if (wrong.length > 0) found.push(`${branch}: ${wrong.length} wrong, the first: ${wrong[0]}`);
    const missing = count - product[branch].length;
    if (missing > product.dropped)
      found.push(`${branch}: ${missing} pictures missing, ${product.dropped} counted as dropped`);
  }
  const sizes = product.displaySizes.filter((size) => !same(size, reference.size));
  if (sizes.length > 0)
    found.push(`shown as ${sizes.map(text).join(', ')} instead of ${text(reference.size)}`);
  return found;
}

/**
 * Masks of the square against where the square of that picture stands. The tiny model answers in cells of a sixteenth of the
 * width, so single masks are a cell off; on the mean an error of one picture (3/128 of the width) stands out.
 */
export function trackingFaults(reference: Reference, rows: readonly Row[], promptFrame: number): string[] {
  const found: string[] = [];
  const count = reference.pictures.length;
  if (rows.length !== count) found.push(`${rows.length} rows for ${count} pictures`);
  const early = rows.find(({ frame, tracked }) => tracked && frame < promptFrame);
  if (early !== undefined) found.push(`tracked at ${early.frame}, before the prompt at ${promptFrame}`);
  const unit = { width: 1280, height: 960 };
  const errors = rows.flatMap(({ frame, centre }) => {
    const number = reference.pictures[frame]?.number ?? null;
    if (frame < promptFrame || centre === null || number === null) return [];
    const [left, , right] = squareBox(number, unit);
    return [centre[0] - (left + right) / 2 / unit.width];
  });
  if (errors.length < count - promptFrame) found.push(`${errors.length} masks after the prompt`);
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  if (Math.abs(mean) > 0.013) found.push(`masks are ${((mean * 128) / 3).toFixed(2)} pictures ahead`);
  const far = errors.filter((error) => Math.abs(error) > 0.08).length;
  if (far > 0) found.push(`${far} masks are elsewhere`);
  return found;
}

const same = (a: PictureSize, b: PictureSize): boolean => a.width === b.width && a.height === b.height;
const text = (size: PictureSize | null): string => (size === null ? 'none' : `${size.width}×${size.height}`);
const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

/** Numbers in order, with runs shortened: `0-14 17 ? 18-39 (38)`. A question mark is a picture without a readable number. */
export function numbers(pictures: readonly Reading[]): string {
  const parts: string[] = [];
  for (let first = 0; first < pictures.length;) {
    const from = pictures[first]?.number ?? null;
    let last = first;
    while (from !== null && pictures[last + 1]?.number === from + (last + 1 - first)) last++;
    parts.push(from === null ? '?' : last > first ? `${from}-${from + last - first}` : `${from}`);
    first = last + 1;
  }
  return `${parts.join(' ')} (${pictures.length})`;
}

export function colourDistance(a: Reading, b: Reading): number {
  return Math.max(
    ...a.colours.flatMap((colour, patch) =>
      colour.map((level, channel) => Math.abs(level - (b.colours[patch]?.[channel] ?? NaN))),
    ),
  );
}

function worstPatch(a: Reading | undefined, b: Reading | undefined): string {
  if (a === undefined || b === undefined) return 'of nothing';
  const apart = a.colours.map((colour, patch) =>
    Math.max(...colour.map((level, channel) => Math.abs(level - (b.colours[patch]?.[channel] ?? NaN)))),
  );
  const patch = apart.indexOf(Math.max(...apart));
  const rounded = (reading: Reading): string => (reading.colours[patch] ?? []).map(Math.round).join(',');
  return `${rounded(b)} instead of ${rounded(a)}`;
}

function worst<A, B>(as: readonly A[], bs: readonly B[], distance: (a: A, b: B, index: number) => number) {
  let found = { index: 0, value: 0 };
  as.forEach((a, index) => {
    const b = bs[index];
    const value = b === undefined ? 0 : distance(a, b, index);
    if (value > found.value) found = { index, value };
  });
  return found;
}

const meanComb = (pictures: readonly Reading[]): number =>
  pictures.reduce((sum, { comb }) => sum + comb, 0) / Math.max(1, pictures.length);
