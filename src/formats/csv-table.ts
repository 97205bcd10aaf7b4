/** Comma-separated tables with a header line (RFC 4180: quotes, doubled quotes, CRLF). Pure. */

export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  const content = text.startsWith('\ufeff') ? text.slice(1) : text;
  for (let at = 0; at < content.length; at++) {
    const character = content[at] as string;
    if (quoted) {
      if (character === '"' && content[at + 1] === '"') {
        field += '"';
        at++;
      } else if (character === '"') quoted = false;
      else field += character;
    } else if (character === '"') quoted = true;
    else if (character === ',') {
      row.push(field);
      field = '';
    } else if (character === '\n' || character === '\r') {
      if (character === '\r' && content[at + 1] === '\n') at++;
      row.push(field);
      rows.push(row);
      row = [];
      field = '';
    } else field += character;
  }
  if (field !== '' || row.length > 0) rows.push([...row, field]);
  return rows.filter((cells) => cells.length > 1 || cells[0] !== '');
}

/**
 * A text of a person as a field. Spreadsheets run what begins with such a sign as a formula; the apostrophe makes it a text
 * (OWASP, "CSV Injection"). Tab and semicolon divide fields in some countries' settings.
 */
export function csvField(text: string): string {
  const safe = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]/.test(text) ? `'${text}` : text;
  return /[",;\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One line of fields, those of people made safe by `csvField`. */
export function csvLine(fields: readonly (string | number)[]): string {
  return `${fields.join(',')}\r\n`;
}

/** One record per line, by column name. */
export function csvRecords(text: string): Record<string, string>[] {
  const [header = [], ...rows] = parseCsv(text);
  return rows.map((cells) =>
    Object.fromEntries(header.map((name, index) => [name.trim(), cells[index] ?? ''])),
  );
}
