/**
 * One sample per pixel to 8-bit RGB: modality transform, window or table of values of interest, inversion, palette. Pure.
 * DICOM PS3.3 C.11.1 (modality), C.11.2.1.2 (windows), C.11.2.1.1 (tables), C.7.6.3.1.2 (photometric interpretation).
 */
import type { StoredPixels } from '../image.js';
import { valueOf, type SampleLayout, type Samples } from './samples.js';
import { readPalette, readTable, type Palette } from './tables.js';

/** Lowest and highest shown value, after the modality transform. */
export interface GreyRange {
  readonly low: number;
  readonly high: number;
}

/** A stored value as the modality means it. */
type Modality = (stored: number) => number;

function modalityOf({ modality }: StoredPixels): Modality {
  if (modality === null) return (stored) => stored;
  if (!('lut' in modality)) return (stored) => stored * modality.slope + modality.intercept;
  const table = readTable(modality.lut);
  if (table === null) return (stored) => stored;
  const { entries, first } = table;
  return (stored) => entries[Math.max(0, Math.min(entries.length - 1, stored - first))] ?? 0;
}

type Voi = Exclude<StoredPixels['voi'], null>;

/** 0 to 255 for a value after the modality transform. */
function shownBy(voi: Voi | GreyRange): (value: number) => number {
  if ('low' in voi) {
    const span = voi.high - voi.low;
    return span > 0 ? (value) => (255 * (value - voi.low)) / span : () => 0;
  }
  if ('lut' in voi) {
    const table = readTable(voi.lut);
    if (table === null) return (value) => value;
    const { entries, first, bits } = table;
    const scale = 255 / (2 ** bits - 1);
    return (value) =>
      (entries[Math.max(0, Math.min(entries.length - 1, Math.round(value) - first))] ?? 0) * scale;
  }
  const { center, width } = voi;
  switch (voi.function) {
    case 'LINEAR':
      // A width of 1 is a threshold.
      return width === 1
        ? (value) => (value <= center - 0.5 ? 0 : 255)
        : (value) => ((value - (center - 0.5)) / (width - 1) + 0.5) * 255;
    case 'LINEAR_EXACT':
      return (value) => ((value - center) / width + 0.5) * 255;
    case 'SIGMOID':
      return (value) => 255 / (1 + Math.exp((-4 * (value - center)) / width));
  }
}

/** How frames of one sample per pixel become RGB, the same for every frame. */
export interface GreyToRgb {
  (samples: Samples): Uint8Array;
}

/**
 * @param layout of the samples that will come
 * @param range where the header gives no window
 * @returns null for a palette without entries
 */
export function greyToRgb(pixels: StoredPixels, layout: SampleLayout, range: GreyRange): GreyToRgb | null {
  const palette = pixels.palette === null ? null : readPalette(pixels.palette);
  const isPalette = pixels.photometric === 'PALETTE COLOR';
  if (isPalette && palette === null) return null;
  const modality = modalityOf(pixels);
  const shown = shownBy(pixels.voi ?? range);
  const invert = pixels.photometric === 'MONOCHROME1';
  const paint = (container: number, out: Uint8Array, at: number): void => {
    const value = valueOf(container, layout);
    // A palette that supplements grey is for its first value and those above (PS3.3 C.7.6.19).
    if (palette !== null && (isPalette || value >= palette.first)) {
      const entry = Math.max(0, Math.min(palette.red.length - 1, value - palette.first));
      out[at] = palette.red[entry] ?? 0;
      out[at + 1] = palette.green[entry] ?? 0;
      out[at + 2] = palette.blue[entry] ?? 0;
      return;
    }
    const grey = Math.max(0, Math.min(255, Math.round(shown(modality(value)))));
    out.fill(invert ? 255 - grey : grey, at, at + 3);
  };
  let table: Uint8Array | null = null;
  return ({ values }) => {
    const out = new Uint8Array(values.length * 3);
    if (values instanceof Uint32Array) {
      for (let i = 0; i < values.length; i += 1) paint(values[i] ?? 0, out, 3 * i);
      return out;
    }
    const size = values instanceof Uint8Array ? 256 : 65_536;
    if (table?.length !== 3 * size) {
      table = new Uint8Array(3 * size);
      for (let container = 0; container < size; container += 1) paint(container, table, 3 * container);
    }
    for (let i = 0, to = 0; i < values.length; i += 1, to += 3) {
      const from = 3 * (values[i] ?? 0);
      out[to] = table[from] ?? 0;
      out[to + 1] = table[from + 1] ?? 0;
      out[to + 2] = table[from + 2] ?? 0;
    }
    return out;
  };
}

/** Values that samples of a kind can have, seen through the modality transform; a palette's own are left out. */
export function possibleRange(pixels: StoredPixels, layout: SampleLayout): GreyRange {
  const size = 2 ** layout.bitsStored;
  const first = layout.signed ? -size / 2 : 0;
  const last = first + size - 1;
  return between(
    pixels,
    first,
    supplementOf(pixels) === null ? last : (supplementOf(pixels)?.first ?? last) - 1,
  );
}

export function supplementOf(pixels: StoredPixels): Palette | null {
  return pixels.photometric === 'PALETTE COLOR' || pixels.palette === null
    ? null
    : readPalette(pixels.palette);
}

/** Through a table a modality transform need not rise, so each value is looked at; a straight line has its ends. */
export function between(pixels: StoredPixels, first: number, last: number): GreyRange {
  const modality = modalityOf(pixels);
  const ends = [modality(first), modality(last)];
  if (pixels.modality !== null && 'lut' in pixels.modality)
    for (let value = first; value <= last && value - first <= 65_536; value += 1) ends.push(modality(value));
  return {
    low: ends.reduce((a, b) => Math.min(a, b)),
    high: ends.reduce((a, b) => Math.max(a, b)),
  };
}

/** Lowest and highest stored value of a frame; those that a palette supplements are left out. null: there is none. */
export function storedExtremes(
  { values, layout }: Samples,
  below: number,
): { readonly low: number; readonly high: number } | null {
  let low = Infinity;
  let high = -Infinity;
  for (const container of values) {
    const value = valueOf(container, layout);
    if (value >= below) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return high >= low ? { low, high } : null;
}
