/** The name of an object to which nobody has given one. Pure. */

/** `word` and the first number from `first` on that no other object has, for example `object 3`. */
export function freeLabel(
  word: string,
  first: number,
  others: readonly { readonly label: string }[],
): string {
  for (let number = first; ; number++) {
    const label = `${word} ${number}`;
    if (!others.some((other) => other.label === label)) return label;
  }
}
