/** Colour samples to 8-bit RGB. Pure. DICOM PS3.3 C.7.6.3.1.2 (photometric interpretation). */
import type { Samples } from './samples.js';
import { valueOf } from './samples.js';

/** `ybr-full`: BT.601, 0 to 255 (as JFIF); `ybr-partial`: BT.601, 16 to 235 and 16 to 240 (as video). */
export type ColourSpace = 'rgb' | 'ybr-full' | 'ybr-partial';

/** What the photometric interpretation calls the colours of samples that no codec has changed; null: not read. */
export function colourSpaceOf(photometric: string): ColourSpace | null {
  switch (photometric) {
    case 'RGB':
    // The transforms of JPEG 2000, which its codec has undone.
    case 'YBR_ICT':
    case 'YBR_RCT':
      return 'rgb';
    case 'YBR_FULL':
    case 'YBR_FULL_422':
      return 'ybr-full';
    case 'YBR_PARTIAL_422':
    case 'YBR_PARTIAL_420':
      return 'ybr-partial';
    default:
      return null;
  }
}

/**
 * @param isView the samples are a view of the stored bytes; else they are nobody else's and may be changed
 * @returns uint8 RGB, always memory of its own
 */
export function colourToRgb({ values, layout }: Samples, space: ColourSpace, isView: boolean): Uint8Array {
  const isReady = values instanceof Uint8Array && layout.bitsStored === 8 && layout.shift === 0;
  const out =
    isReady && !isView
      ? new Uint8Array(values.buffer, values.byteOffset, values.length)
      : new Uint8Array(values.length);
  if (isReady && isView) out.set(values);
  else if (!isReady) {
    const scale = 255 / (2 ** layout.bitsStored - 1);
    for (let i = 0; i < values.length; i += 1)
      out[i] = Math.round(valueOf(values[i] ?? 0, { ...layout, signed: false }) * scale);
  }
  switch (space) {
    case 'rgb':
      return out;
    case 'ybr-full':
      return ybrFullToRgb(out);
    case 'ybr-partial':
      return ybrPartialToRgb(out);
  }
}

const clamp = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : Math.round(value));

/** In place. */
function ybrFullToRgb(pixels: Uint8Array): Uint8Array {
  for (let i = 0; i < pixels.length; i += 3) {
    const y = pixels[i] ?? 0;
    const cb = (pixels[i + 1] ?? 0) - 128;
    const cr = (pixels[i + 2] ?? 0) - 128;
    pixels[i] = clamp(y + 1.402 * cr);
    pixels[i + 1] = clamp(y - 0.344136 * cb - 0.714136 * cr);
    pixels[i + 2] = clamp(y + 1.772 * cb);
  }
  return pixels;
}

/** In place. */
function ybrPartialToRgb(pixels: Uint8Array): Uint8Array {
  for (let i = 0; i < pixels.length; i += 3) {
    const y = ((pixels[i] ?? 0) - 16) * (255 / 219);
    const cb = ((pixels[i + 1] ?? 0) - 128) * (255 / 224);
    const cr = ((pixels[i + 2] ?? 0) - 128) * (255 / 224);
    pixels[i] = clamp(y + 1.402 * cr);
    pixels[i + 1] = clamp(y - 0.344136 * cb - 0.714136 * cr);
    pixels[i + 2] = clamp(y + 1.772 * cb);
  }
  return pixels;
}
