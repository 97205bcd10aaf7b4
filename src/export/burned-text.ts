/**
 * Letters of five by seven dots, drawn without a font of the system: the same pixels on every machine. Only the letters of the words
 * that are burned into pictures. Pure.
 */

/** Rows from the top, the highest of five bits is the leftmost dot. */
const glyphs: Readonly<Record<string, readonly number[]>> = {
  A: [14, 17, 17, 31, 17, 17, 17],
  C: [14, 17, 16, 16, 16, 17, 14],
  E: [31, 16, 16, 30, 16, 16, 31],
  H: [17, 17, 17, 31, 17, 17, 17],
  L: [16, 16, 16, 16, 16, 16, 31],
  N: [17, 25, 25, 21, 19, 19, 17],
  O: [14, 17, 17, 17, 17, 17, 14],
  R: [30, 17, 17, 30, 20, 18, 17],
  S: [15, 16, 16, 14, 1, 1, 30],
  U: [17, 17, 17, 17, 17, 17, 14],
  Y: [17, 17, 10, 4, 4, 4, 4],
};
const words = ['RESEARCH', 'USE', 'ONLY'];
const [advance, lineHeight] = [6, 9];

/**
 * A strip with the words RESEARCH USE ONLY, to stand below a picture of this width: nothing of the picture is hidden, and its
 * coordinates stay. Narrow pictures have several lines.
 * @returns uint8 RGB, height × width × 3; white on black
 */
export function researchStrip(width: number): { readonly rgb: Uint8Array; readonly height: number } {
  const scale = Math.max(1, Math.round(width / 320));
  const perLine = Math.max(1, Math.floor((width - 2 * scale) / (advance * scale)));
  const lines = words.reduce<string[]>((made, word) => {
    const last = made.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= perLine)
      return [...made.slice(0, -1), `${last} ${word}`];
    return [...made, word];
  }, []);
  const height = lines.length * lineHeight * scale;
  const rgb = new Uint8Array(width * height * 3);
  lines.forEach((line, row) =>
    [...line].forEach((letter, column) =>
      glyphs[letter]?.forEach((dots, y) => {
        for (let x = 0; x < 5 * scale; x++) {
          const left = (1 + column * advance) * scale + x;
          if (((dots >> (4 - Math.floor(x / scale))) & 1) === 0 || left >= width) continue;
          for (let sub = 0; sub < scale; sub++) {
            const top = (row * lineHeight + 1 + y) * scale + sub;
            rgb.fill(255, 3 * (top * width + left), 3 * (top * width + left) + 3);
          }
        }
      }),
    ),
  );
  return { rgb, height };
}
