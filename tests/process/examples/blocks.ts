/** The blocks of code of the documents: README first, then docs/ by name. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/node/built-module.js';

export interface Block {
  readonly document: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

export const documents: readonly string[] = [
  'README.md',
  ...execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'docs/*.md'], {
    cwd: packageRoot,
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    .filter((name) => !name.startsWith('docs/decisions/')),
];

export const textOf = (document: string): string => readFileSync(join(packageRoot, document), 'utf8');

export function blocksOf(document: string): readonly Block[] {
  const text = textOf(document);
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    document,
    line: text.slice(0, match.index).split('\n').length,
    language: match[1] ?? '',
    text: match[2] ?? '',
  }));
}

/** Commands of a block for the shell, without its comments. */
export function commandsOf({ text }: Block): readonly string[] {
  return text
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#\s.*$/, '').trim())
    .filter((line) => line !== '');
}

/** Commands that are not run, with the reason, as docs/examples.md lists them. */
export const notRun: ReadonlyMap<string, string> = new Map(
  [...textOf('docs/examples.md').matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)].map(
    ([, command = '', why = '']) => [command, why],
  ),
);
