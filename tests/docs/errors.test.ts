/** docs/errors.md, the error tables and the code list the same codes. `UPDATE_DOCS=1 npx vitest run tests/docs` rewrites the page. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/node/built-module.js';
import type { ErrorDefinition } from '../../src/vocabulary/errors.js';

const page = join(packageRoot, 'docs/errors.md');
const sources = readdirSync(join(packageRoot, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => join(packageRoot, 'src', name));

interface Listed extends ErrorDefinition {
  readonly code: string;
  readonly layer: string;
}

const listed: Listed[] = [];

/** A source's code without its block comments, which may name codes as examples. */
const codeOf = (file: string) => readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');

beforeAll(async () => {
  for (const file of sources.filter(
    (name) => name.endsWith('/errors.ts') && !name.endsWith('src/vocabulary/errors.ts'),
  )) {
    const layer = file.slice(packageRoot.length).split('/')[1] ?? '';
    const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
    for (const exported of Object.values(module)) {
      const table = (exported as { table?: Record<string, ErrorDefinition> }).table;
      for (const [code, definition] of Object.entries(table ?? {}))
        listed.push({ code, layer, ...definition });
    }
  }
  listed.sort((a, b) => a.code.localeCompare(b.code));
});

const row = (error: Listed) =>
  `| \`${error.code}\` | ${error.layer} | ${error.exitCode} | ${error.httpStatus} | ${error.sentence.replaceAll('|', '\\|')} |`;

function render(): string {
  return [
    '# Errors',
    '',
    'Every error that leaves sonoscope has a stable code, an exit code (for commands), an HTTP status (for requests; the WebSocket',
    'services answer with the same code) and one sentence meant to be read aloud. The cause for the engineer goes to the log.',
    'Exit codes: 2 wrong use or input, 3 source, 4 model, 5 environment. Words in {braces} are filled in.',
    '',
    '| code | layer | exit | HTTP | sentence |',
    '| --- | --- | --- | --- | --- |',
    ...listed.map(row),
    '',
  ].join('\n');
}

describe('error codes', () => {
  it('are unique', () => {
    const codes = listed.map((error) => error.code);
    expect(codes.length).toBeGreaterThan(0);
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
    // A table is made of groups, and of a code in two groups of a room the second would win without a word.
    const written = sources
      .filter((name) => name.endsWith('/errors.ts'))
      .flatMap((name) =>
        [...codeOf(name).matchAll(/^\s*(SONO_[A-Z0-9_]+):/gm)].map((match) => match[1] ?? ''),
      );
    expect(written.toSorted((a, b) => a.localeCompare(b))).toEqual(codes);
  });

  it('are each thrown somewhere outside their table', () => {
    // The entry script prints codes too, of what fails before there is a program.
    const script = readFileSync(join(packageRoot, 'sonoscope'), 'utf8').replace(/\[(SONO_\w+)\]/g, "'$1'");
    const text = [script, ...sources.filter((name) => !name.endsWith('/errors.ts')).map(codeOf)].join('\n');
    expect(listed.map((error) => error.code).filter((code) => !text.includes(`'${code}'`))).toEqual([]);
  });

  it('are all declared when they are used', () => {
    const declared = new Set(listed.map((error) => error.code));
    const used = new Set(
      sources.flatMap((name) => [...codeOf(name).matchAll(/'(SONO_[A-Z0-9_]+)'/g)].map((match) => match[1])),
    );
    // Environment variables share the prefix and are read as process.env['…'].
    const environment = new Set(
      sources.flatMap((name) =>
        [...codeOf(name).matchAll(/env\['(SONO_[A-Z0-9_]+)'\]/g)].map((match) => match[1]),
      ),
    );
    expect([...used].filter((code) => !declared.has(code ?? '') && !environment.has(code))).toEqual([]);
  });

  it('stand in docs/errors.md as they stand in the code', () => {
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, render());
    expect(readFileSync(page, 'utf8')).toBe(render());
  });
});
