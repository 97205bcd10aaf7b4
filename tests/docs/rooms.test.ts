/** docs/rooms.json: every arrow between rooms that it allows is used by an import, and every room is in the list and in the drawing. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/node/built-module.js';

const rooms = JSON.parse(readFileSync(join(packageRoot, 'docs/rooms.json'), 'utf8')) as Record<
  string,
  string[]
>;

function importsOf(folder: string): Set<string> {
  const targets = new Set<string>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
    const text = readFileSync(join(folder, name), 'utf8');
    for (const [, target] of text.matchAll(/(?:from|import\()\s*'(?:\.\.\/)+(?:src\/)?(\w+)\/[^']*'/g))
      if (target !== undefined) targets.add(target);
  }
  return targets;
}

const folderOf = (room: string): string => join(packageRoot, room === 'bench' ? 'bench' : `src/${room}`);

it('names every room', () => {
  const folders = readdirSync(join(packageRoot, 'src'));
  expect([...Object.keys(rooms)].sort()).toEqual([...folders, 'bench'].sort());
});

it('draws and explains every room in docs/architecture.md', () => {
  const page = readFileSync(join(packageRoot, 'docs/architecture.md'), 'utf8');
  const drawing = /^## Rooms$[\s\S]*?^```\w*\n([\s\S]*?)^```/m.exec(page)?.[1] ?? '';
  const drawn = new Set(drawing.match(/\w+/g));
  const explained = new Set([...page.matchAll(/^\| `(\w+)` \| \S/gm)].map(([, room]) => room));
  expect(Object.keys(rooms).filter((room) => !drawn.has(room))).toEqual([]);
  expect(Object.keys(rooms).filter((room) => !explained.has(room))).toEqual([]);
});

it.each(Object.entries(rooms))('%s imports from each room that it may import', (room, allowed) => {
  const used = importsOf(folderOf(room));
  expect(allowed.filter((target) => !used.has(target))).toEqual([]);
});

it('has arrows that go one way only: a room imports rooms above it in the list', () => {
  const order = Object.keys(rooms);
  for (const [room, allowed] of Object.entries(rooms))
    for (const target of allowed)
      expect(order.indexOf(target), `${room} → ${target}`).toBeLessThan(order.indexOf(room));
});
