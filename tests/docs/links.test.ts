/** What the documents point at exists: files, headings, and the options of the commands that they print. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/node/built-module.js';
import { commands } from '../../src/cli/commands.js';

const documents = execFileSync('git', ['ls-files', '*.md'], { cwd: packageRoot, encoding: 'utf8' })
  .trim()
  .split('\n')
  // A file that is being removed is still listed; a model's card is made from its template elsewhere.
  .filter((name) => existsSync(join(packageRoot, name)) && name !== 'models/export/card.md');

/** Links of a text, outside of code. */
function links(text: string): string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] as string);
}

/** Anchors of a page as they are made for its headings. */
function anchors(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/^#+ +(.*)$/gm)].map((match) =>
      (match[1] as string)
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  );
}

describe.each(documents)('%s', (name) => {
  const path = join(packageRoot, name);
  const text = readFileSync(path, 'utf8');

  it('points at files and headings that are there', () => {
    const dead = links(text).filter((link) => {
      if (/^[a-z]+:/i.test(link)) return false;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : resolve(dirname(path), decodeURIComponent(file));
      // Beside the repository nothing can be relied on.
      if (relative(packageRoot, target).startsWith('..') || !existsSync(target)) return true;
      return (
        anchor !== undefined &&
        statSync(target).isFile() &&
        target.endsWith('.md') &&
        !anchors(readFileSync(target, 'utf8')).has(anchor)
      );
    });
    expect(dead).toEqual([]);
  });

  it('names files and folders of the repository that are there', () => {
    // Tells of the past.
    if (name === 'CHANGELOG.md') return;
    const named = [...text.matchAll(/`((?:src|bench|dashboard|tests|pipelines|findings|docs)\/[\w./-]+)`/g)];
    const roots = [packageRoot, dirname(path)];
    const absent = named
      .map(([, file = '']) => file)
      .filter((file) => !roots.some((root) => existsSync(join(root, file))));
    expect(absent).toEqual([]);
  });
});

describe('docs/extending.md', () => {
  const text = readFileSync(join(packageRoot, 'docs/extending.md'), 'utf8');
  const rows = [...text.matchAll(/^\| (an? [^|]+) \| ([^|]+) \| ([^|]+) \|/gm)];

  it.each(rows.map(([, what = '', , touched = '']) => [what, touched]))(
    'adds %s with at most three files touched',
    (_, touched) => {
      const files = [...touched.matchAll(/`([\w./-]+)`/g)].map(([, file = '']) => file);
      expect(files.length).toBeLessThanOrEqual(3);
      const roots = [packageRoot, join(packageRoot, 'src')];
      expect(files.filter((file) => !roots.some((root) => existsSync(join(root, file))))).toEqual([]);
    },
  );

  it('tells it for everything that is meant to be added', () => {
    const told = rows.map(([, what]) => what).join('\n');
    for (const word of ['source', 'memory policy', 'kind of model', 'output', 'export format', 'operation'])
      expect(told).toContain(word);
    for (const word of ['measurement', 'prompter', 'data set', 'command']) expect(told).toContain(word);
  });
});

describe('decisions', () => {
  const folder = join(packageRoot, 'docs/decisions');
  const names = readdirSync(folder).filter((name) => /^\d/.test(name));
  const index = readFileSync(join(folder, 'README.md'), 'utf8');

  it.each(names)(
    '%s is listed by its title, and says what and with what consequence in five lines',
    (name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      const [, title = ''] = /^# (\d{4}\. .*)\n\nStatus: /.exec(text) ?? [];
      expect(index).toContain(`- [${title}](${name})\n`);
      const parts = text.split('\n\n');
      for (const word of ['Decision', 'Consequence'])
        expect(parts.filter((part) => part.startsWith(`**${word}.** `))).toHaveLength(1);
      const lines = parts.filter((part) => /^\*\*(Decision|Consequence)\./.test(part)).join('\n');
      expect(lines.trim().split('\n').length).toBeLessThanOrEqual(5);
      expect(Math.max(...lines.split('\n').map((line) => line.length))).toBeLessThanOrEqual(190);
    },
  );
});

describe('commands that are printed', () => {
  const known = new Map<string, Set<string>>();
  const optionsOf = ({ options }: Command): Set<string> =>
    new Set(options.flatMap(({ long, short }) => [long, short]).filter(isText));
  beforeAll(async () => {
    for (const entry of commands) {
      const command = new Command(entry.name);
      (await entry.load()).configure(command);
      known.set(entry.name, optionsOf(command));
      for (const own of command.commands) known.set(`${entry.name} ${own.name()}`, optionsOf(own));
    }
  });

  it('exist, and so do their options', () => {
    const wrong: string[] = [];
    let seen = 0;
    for (const name of documents) {
      const text = readFileSync(join(packageRoot, name), 'utf8').replace(/\\\n/g, ' ');
      for (const [, line = ''] of text.matchAll(/\.\/sonoscope ([^\n`"]*)/g)) {
        const [command = '', ...rest] = line
          .replace(/ [#|].*$/, '')
          .trim()
          .split(/\s+/);
        if (['test', 'train', 'help', '--help', 'COMMAND', '{command}'].includes(command)) continue;
        seen += 1;
        const options = known.get(`${command} ${rest[0] ?? ''}`) ?? known.get(command);
        const flags = rest.flatMap((word) =>
          [...word.matchAll(/(?<![\w-])--?[a-z][a-z-]*/g)].map(([flag]) => flag),
        );
        const unknown = flags.filter((flag) => !options?.has(flag) && !['--yes', '--help'].includes(flag));
        if (options === undefined || unknown.length > 0) wrong.push(`${name}: ${line}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(seen).toBeGreaterThan(20);
  });
});

function isText(value: string | undefined): value is string {
  return value !== undefined;
}
