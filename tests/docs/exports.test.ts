/** What is exported is imported somewhere: else it is dead, or a matter of its own file. Tests count as users. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/node/built-module.js';

const files = ['src', 'bench', 'dashboard', 'tests'].flatMap((folder) =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/(^|\/)(node_modules|dist|generated)\//.test(name))
    .map((name) => join(packageRoot, folder, name)),
);
const textOf = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));

/** `file#name` of everything that an import names; `file#*` where a file is taken whole. */
function imported(): ReadonlySet<string> {
  const found = new Set<string>();
  const take = (file: string, specifier: string, names: readonly string[]): void => {
    const target = resolve(dirname(file), specifier).replace(/\.js$/, '.ts');
    for (const name of names) found.add(`${target}#${name}`);
  };
  for (const [file, text] of textOf) {
    for (const [, names = '', specifier = ''] of text.matchAll(
      /(?:import|export)\s+(?:type\s+)?(\{[^}]*\}|\*)(?:\s+as\s+\w+)?\s+from\s+'(\.[^']+)'/g,
    ))
      take(file, specifier, names === '*' ? ['*'] : (names.match(/\w+(?=\s*(?:,|\}|as\s))/g) ?? []));
    // A module that is loaded later: whatever its importer names may be one of its exports.
    for (const [, specifier = ''] of text.matchAll(/\bimport\(\s*'(\.[^']+)'/g))
      take(file, specifier, text.match(/\w+/g) ?? []);
  }
  return found;
}

describe('exports', () => {
  it('are imported by somebody', () => {
    const used = imported();
    const unused = [...textOf].flatMap(([file, text]) => {
      const name = relative(packageRoot, file);
      if (/^tests\/|\.test\.ts$/.test(name)) return [];
      return [...text.matchAll(/^export\s+(?!default)(?:async\s+|abstract\s+)*(?:\w+\*?)\s+(\w+)/gm)]
        .map(([, exported = '']) => exported)
        .filter((exported) => !used.has(`${file}#${exported}`) && !used.has(`${file}#*`))
        .map((exported) => `${name}: ${exported}`);
    });
    expect(unused).toEqual([]);
  });
});
