/** Which files of a folder are pictures, and in which order they follow each other. Pure; the one place that decides it. */

/** Kinds that cannot be read (BMP, HEIC, JPEG 2000) are pictures too: refused by name, not passed over. */
const pictureEnding = /\.(png|apng|jpe?g|jpe|jfif|tiff?|webp|gif|avif|heic|heif|bmp|jp2)$/i;

export function isPictureName(name: string): boolean {
  return pictureEnding.test(name);
}

/** The pictures among the names of a folder in their order; hidden files (also the shadows that macOS makes) left out. */
export function pictureNames(names: readonly string[]): string[] {
  return byFrameName(names.filter((name) => isPictureName(name) && !name.startsWith('.')));
}

/** frame2 before frame10. */
const naturalOrder = new Intl.Collator('en', { numeric: true }).compare;

/** A name that ends in a number with or without a fraction: what is before it, the number, what is behind it. */
const decimalName = /^(|.*[^\d.])(\d+(?:\.\d+)?)([^\d.]*)$/;

const stem = (name: string): string => name.replace(/\.[^.]+$/, '');

/**
 * Names in the order of their pictures. Natural order (frame2 before frame10), but where all names are one decimal
 * number in the same words (`0.0.png`, `0.04.png`, `0.2.png`: seconds), by that number.
 *
 * `1.9`, `1.10`, `1.11` are not decimals but two whole numbers: a fraction of several digits is never written with a 0
 * at its end, unless all fractions have the same length, and then both orders agree.
 */
export function byFrameName(names: readonly string[]): string[] {
  const natural = [...names].sort(naturalOrder);
  const parts = natural.map((name) => decimalName.exec(stem(name)));
  const [first] = parts;
  if (!first || !parts.every((part) => part !== null && part[1] === first[1] && part[3] === first[3]))
    return natural;
  const fractions = parts.map((part) => part?.[2]?.split('.')[1] ?? '');
  const longest = Math.max(...fractions.map(({ length }) => length));
  const padded = fractions.every(({ length }) => length === longest);
  if (!padded && fractions.some((fraction) => fraction.length > 1 && fraction.endsWith('0'))) return natural;
  return natural
    .map((name, index) => ({ name, value: Number(parts[index]?.[2]) }))
    .sort((a, b) => a.value - b.value)
    .map(({ name }) => name);
}
