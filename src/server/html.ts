/** Small helpers for the pages that the server itself writes. Everything that is not our own text passes `escapeHtml`. */
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

/** A whole page; `body` is HTML already. Dark on the screen, black on white on paper. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
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
</style>
</head>
<body>
${body}
</body>
</html>
`;
}
