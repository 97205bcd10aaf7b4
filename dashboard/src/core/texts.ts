/**
 * The texts of the page in the language of the person who reads it. The English sentence is the key: `t('{n, plural, one {# file}
 * other {# files}} in {folder}', { n: 2, folder: 'exam' })`. Pure but for the language, which is set once before anything is shown,
 * so nothing may be said while a module loads: tables hold `msg('…')`, which `say` puts into words when it is needed.
 *
 * Sentences follow a part of ICU MessageFormat: `{name}`, and `{name, plural, one {…} other {…}}` with `#` for the number. There
 * is no quoting: an apostrophe is an apostrophe, and braces stand for nothing else. Numbers are written as the language does.
 */

export const languages = ['en', 'de', 'fr', 'es'] as const;
export type Language = (typeof languages)[number];

/** What a language says for each sentence of the page, and for each that the server sends. */
export interface Catalogue {
  readonly texts: Readonly<Record<string, string>>;
  readonly server: Readonly<Record<string, string>>;
}

type Value = string | number;
type Values = Readonly<Record<string, Value>>;
/** Names of the places of a sentence. */
type Names<Sentence extends string> = Sentence extends `${infer Before}{${infer Tail}`
  ? Before extends `${string}${'one' | 'many' | 'other'} `
    ? Names<Tail>
    : Tail extends `${infer Head}}${infer Rest}`
      ? Head extends `${infer Name}, plural,${infer More}`
        ? Name | Names<`${More}}${Rest}`>
        : Head | Names<Rest>
      : never
  : never;

declare const marked: unique symbol;
/** A sentence of the catalogue that is said later. */
export type Text = string & { readonly [marked]: true };

/** BCP 47: the language as it is written where the person lives. */
let place: string = 'en';
let catalogue: Catalogue = { texts: {}, server: {} };
/** Made anew for each language: sentences of the server that have places. */
let patterns: readonly (readonly [pattern: RegExp, names: readonly string[], said: string])[] | null = null;
const formats = new Map<string, Intl.NumberFormat>();

/** The first of the languages that a person prefers (BCP 47, best first) which the page speaks; English where there is none. */
export function languageOf(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const known = languages.find((one) => one === tag.toLowerCase().split('-')[0]);
    if (known) return known;
  }
  return 'en';
}

/** From now on everything is said in this language; `tag`: as it is written where the person lives (`de-CH`). */
export function speak(said: Catalogue, tag: string): void {
  [place, catalogue, patterns] = [tag, said, null];
  formats.clear();
}

/** For times, and for numbers that `numberText` does not write. */
export function locale(): string {
  return place;
}

/** A number as the language writes it, with at most `most` and at least `least` decimals; without separators of thousands. */
export function numberText(value: number, most = 0, least = most): string {
  const key = `${most} ${least}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(place, {
      maximumFractionDigits: most,
      minimumFractionDigits: least,
      useGrouping: false,
    });
    formats.set(key, format);
  }
  return format.format(value);
}

/** Index of the brace that ends what begins at `from`. */
function closing(sentence: string, from: number): number {
  for (let at = from, depth = 1; at < sentence.length; at++) {
    if (sentence[at] === '{') depth++;
    else if (sentence[at] === '}' && --depth === 0) return at;
  }
  return sentence.length;
}

function written(value: Value | undefined): string {
  return typeof value === 'number' ? numberText(value, 3, 0) : (value ?? '');
}

/** The branch for `count` of `one {…} other {…}`. */
function branch(branches: string, count: number): string {
  const form = new Intl.PluralRules(place).select(count);
  let other = '';
  for (let open = branches.indexOf('{'); open >= 0;) {
    const end = closing(branches, open + 1);
    const name = branches.slice(0, open).trim();
    const text = branches.slice(open + 1, end);
    if (name === form) return text;
    if (name === 'other') other = text;
    branches = branches.slice(end + 1);
    open = branches.indexOf('{');
  }
  return other;
}

function filled(sentence: string, values: Values): string {
  let result = '';
  for (let from = 0; ;) {
    const open = sentence.indexOf('{', from);
    if (open < 0) return result + sentence.slice(from);
    const end = closing(sentence, open + 1);
    const [name = '', kind, ...rest] = sentence.slice(open + 1, end).split(',');
    const value = values[name];
    result += sentence.slice(from, open);
    result +=
      kind === undefined
        ? written(value)
        : filled(branch(rest.join(','), Number(value)).replaceAll('#', written(value)), values);
    from = end + 1;
  }
}

/** A sentence of the page; its values by the names of its places. Only with the sentence itself, so that it can be found. */
export function t<Sentence extends string>(
  sentence: Sentence,
  ...[values]: [Names<Sentence>] extends [never] ? [] : [values: Readonly<Record<Names<Sentence>, Value>>]
): string {
  return filled(catalogue.texts[sentence] ?? sentence, values ?? {});
}

/** Marks a sentence without places in a table, to be said by `say`. */
export function msg(sentence: string): Text {
  return sentence as Text;
}

export function say(sentence: Text): string {
  return t(sentence);
}

/** Sentences with places, as patterns; a place called `n` or `m` is a number. */
function patternsOf(said: Readonly<Record<string, string>>): NonNullable<typeof patterns> {
  return Object.entries(said)
    .filter(([sentence]) => sentence.includes('{'))
    .map(([sentence, translated]) => {
      const parts = sentence.split(/\{(\w+)\}/);
      const source = parts.map((part, at) =>
        at % 2 ? (/^[nm]$/.test(part) ? '([\\d.]+)' : '(.*?)') : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
      );
      return [new RegExp(`^${source.join('')}$`, 's'), parts.filter((_, at) => at % 2), translated] as const;
    });
}

/**
 * What the server says, which is English: in the language of the page where the catalogue has that sentence, with its details,
 * else as it came.
 */
export function serverText(sentence: string): string {
  const whole = catalogue.server[sentence] ?? catalogue.texts[sentence];
  if (whole !== undefined) return whole;
  patterns ??= patternsOf(catalogue.server);
  for (const [pattern, names, said] of patterns) {
    const found = pattern.exec(sentence);
    if (found)
      return filled(
        said,
        Object.fromEntries(names.map((name, at) => [name, serverText(found[at + 1] ?? '')])),
      );
  }
  return sentence;
}
