/**
 * Text as its value representation allows it (PS3.5 table 6.2-1): what comes from a source, a label or a file name goes into
 * a data set only through here. Always written in ISO_IR 192. Pure; throws nothing.
 */

export type TextVr =
  | 'CS' | 'DA' | 'DS' | 'IS' | 'LO' | 'LT' | 'PN' | 'SH' | 'ST' | 'TM' | 'UI' | 'UT' | 'AS' | 'DT'; // prettier-ignore

const groupCharacters = 64;
/** Characters, not bytes; UT has no limit that a text here could reach. */
const mostCharacters: Readonly<Partial<Record<TextVr, number>>> = { LO: 64, SH: 16, ST: 1024, LT: 10_240 };

const shapes: Readonly<Partial<Record<TextVr, RegExp>>> = {
  AS: /^\d{3}[DWMY]$/,
  CS: /^[A-Z0-9 _]{0,16}$/,
  DA: /^\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/,
  DS: /^[+-]?(\d+(\.\d*)?|\.\d+)([Ee][+-]?\d+)?$/,
  IS: /^[+-]?\d{1,11}$/,
  TM: /^([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?$/,
};

/**
 * `value` made to fit: dates and times of the old form (2024.01.02, 10:11:12) become the present one; what is no date, time,
 * code or number becomes empty; control characters go; a backslash, which would begin another value, becomes a slash where
 * text may have none; the rest is cut at the length in characters.
 */
export function fittedValue(vr: TextVr, value: string): string {
  switch (vr) {
    case 'UI':
      return value;
    case 'DA':
      return shaped(vr, value.replace(/^(\d{4})\.(\d\d)\.(\d\d)$/, '$1$2$3'));
    case 'TM':
      return shaped(vr, value.replace(/^(\d\d):(\d\d)(:(\d\d(\.\d+)?))?$/, '$1$2$4'));
    case 'CS':
      return shaped(vr, value.toUpperCase());
    case 'AS':
    case 'DS':
    case 'IS':
      return value.length > 16 ? '' : shaped(vr, value);
    case 'DT':
      return /^\d{4,14}(\.\d{1,6})?([+-]\d{4})?$/.test(value) ? value : '';
    case 'PN':
      return plainLine(value)
        .split('=')
        .slice(0, 3)
        .map((group) => cut(group, groupCharacters))
        .join('=');
    case 'LO':
    case 'SH':
      return cut(plainLine(value), mostCharacters[vr] ?? 0);
    case 'ST':
    case 'LT':
      return cut(paragraphs(value), mostCharacters[vr] ?? 0);
    case 'UT':
      return paragraphs(value);
  }
}

/** The first of several values: patient and study have one of each. */
export function firstValue(value: string | undefined): string {
  return value?.split('\\')[0]?.trim() ?? '';
}

/** A finite number below 1e300 as DS: 16 characters at most, as many digits as they hold. */
export function decimal(value: number): string {
  for (let digits = 15; ; digits--) {
    const rounded = Number(value.toPrecision(digits));
    // Plain where it fits: 1e16 to 1e21 and small fractions are shorter with an exponent.
    const written = [String(rounded), rounded.toExponential()].find(({ length }) => length <= 16);
    if (written !== undefined) return written;
  }
}

function shaped(vr: TextVr, value: string): string {
  const trimmed = value.trim();
  return shapes[vr]?.test(trimmed) === true ? trimmed : '';
}

function plainLine(value: string): string {
  return value
    .replace(/\p{Cc}+/gu, ' ')
    .replaceAll('\\', '/')
    .trim();
}

/** Line breaks and tabulators stay. */
function paragraphs(value: string): string {
  return value.replace(/(?![\t\n\f\r])\p{Cc}/gu, '').trimEnd();
}

function cut(value: string, characters: number): string {
  return [...value].slice(0, characters).join('').trimEnd();
}
