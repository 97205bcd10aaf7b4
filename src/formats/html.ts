/**
 * HTML and SVG by tagged template: whatever is put in is escaped unless it was made here. So a name with a bracket in it cannot
 * become markup by oversight. Pure; runs anywhere.
 */

/** Markup that is safe to put into a page; made by `markup` and `raw` only. */
export class Html {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

export type HtmlPart = Html | string | number | null | readonly HtmlPart[];

/** `` markup`<td>${name}</td>` ``: lists are joined, null is nothing. (Under the name `html` Prettier would break the lines anew.) */
export function markup(pieces: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return new Html(
    pieces.reduce((text, piece, index) => `${text}${textOf(parts[index - 1] as HtmlPart)}${piece}`),
  );
}

/** Text that is markup already: a style sheet, or the data of a path. */
export function raw(text: string): Html {
  return new Html(text);
}

/** A whole document. `style`: a style sheet. */
export function htmlDocument(title: string, style: string, body: Html): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${raw(style)}</style>
</head>
<body>
${body}
</body>
</html>
`.text;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

function textOf(part: HtmlPart): string {
  if (part === null) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(textOf).join('');
  return escapeHtml(String(part));
}
