/** docs/echo.md names every measurement of the echo room, and every reason for which a beat does not count in the words that people read. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/node/built-module.js';
import { beatRejections, echoMeasures } from '../../src/vocabulary/echo.js';

const page = readFileSync(join(packageRoot, 'docs/echo.md'), 'utf8');

it('lists the rejections with their words', () => {
  const rows = [...page.matchAll(/^\| `([a-z-]+)`\s*\| ([^|]+?)\s*\| [^|]+\|$/gm)].map(([, code, words]) => [
    code,
    words,
  ]);
  const listed = rows.filter(([code]) => !code?.includes('_'));
  expect(new Map(listed as [string, string][])).toEqual(new Map(Object.entries(beatRejections)));
});

it('names each measurement', () => {
  const missing = Object.values(echoMeasures).filter((name) => !page.includes(`\`${name}\``));
  expect(missing).toEqual([]);
});
