/** A colour as text, as style sheets and messages write it. Pure. */

/** `#rrggbb`, sRGB. */
export type HexColour = `#${string}`;

export const isHexColour = (text: string): text is HexColour => /^#[0-9a-f]{6}$/i.test(text);

/** Red, green and blue, 0..255 each. */
export function rgbOf(hex: HexColour): [red: number, green: number, blue: number] {
  const part = (at: number): number => Number.parseInt(hex.slice(at, at + 2), 16);
  return [part(1), part(3), part(5)];
}
