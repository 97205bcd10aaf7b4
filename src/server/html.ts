/** The pages that the server itself writes. Pure. */
import { htmlDocument, markup } from '../formats/html.js';
import type { Html } from '../formats/html.js';

/** Dark on the screen, black on white on paper. */
const style = `
:root { color-scheme: dark; --ink: #e8eaed; --paper: #14171a; --line: #3c4248; --accent: #56b4e9; }
@media print { :root { color-scheme: light; --ink: #000; --paper: #fff; --line: #999; --accent: #0072b2; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
th, td { border: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { border: 1px solid var(--line); padding: .6rem; overflow: auto; font-size: .85rem; }
a { color: var(--accent); }
section { break-inside: avoid; }
.note { opacity: .8; }
`;

export function page(title: string, body: Html): string {
  return htmlDocument(title, style, body);
}

/** A wrong address: why, and the way to all rooms. It is relative, so that it also works behind a proxy with a prefix. */
export function unknownPage(sentence: string, path: string): string {
  const back = '../'.repeat(Math.max(0, path.split('/').length - 2)) || './';
  return page('Not found', markup`<h1>${sentence}</h1><p><a href="${back}">All rooms</a></p>`);
}
