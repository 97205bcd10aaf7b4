/** Texts of other people in lines of ours. Pure. */

const names: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001b': '\\e' };

/**
 * The text without anything that could begin a new line, move the cursor of a terminal or turn the direction of writing: a file
 * called "x\n14:03:07 all is well" must not look like a line of the log.
 */
export function oneLine(text: string): string {
  return text.replace(
    // Control characters, line and paragraph separators, marks and overrides of direction.
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (sign) => names[sign] ?? `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
