/** Window and level of the picture that is shown: which part of its greys is spread from black to white. Pure. */

/** In levels of 0..255: `window` wide around `level`. */
export interface Tone {
  readonly window: number;
  readonly level: number;
}

/** The picture as it came. */
export const plainTone: Tone = { window: 255, level: 127.5 };

/** Narrower, and noise fills the screen. */
const narrowest = 16;

/** Black is never lifted: the lower end of the window is at 0 or above it. */
export function toneWithin({ window, level }: Tone): Tone {
  const wide = Math.min(255, Math.max(narrowest, window));
  return { window: wide, level: Math.min(255, Math.max(wide / 2, level)) };
}

export const isPlain = ({ window, level }: Tone): boolean =>
  window === plainTone.window && level === plainTone.level;

/**
 * A canvas filter that maps level − window/2 to black and level + window/2 to white; `none` where nothing changes.
 * brightness(b) multiplies, contrast(c) stretches about the middle: (v·b − ½)·c + ½ = (v − low)/window.
 */
export function toneFilter(tone: Tone): string {
  if (isPlain(tone)) return 'none';
  const { window, level } = toneWithin(tone);
  return `brightness(${127.5 / level}) contrast(${(2 * level) / window})`;
}
