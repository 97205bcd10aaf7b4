/**
 * How large the page is that a browser loads: script and style of `dashboard/dist`, as they lie there and packed.
 *
 *   node dist/bench/page-bytes.js [--json FILE]
 *
 * With --json the new figures are added to the list in that file, so that growth stays visible.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { packageRoot } from '../src/node/built-module.js';
import { errnoOf } from '../src/node/files.js';
import { presentCommit } from './results.js';

const { values } = parseArgs({ options: { json: { type: 'string' } } });
const assets = join(packageRoot, 'dashboard', 'dist', 'assets');
const sizes = { scriptBytes: 0, styleBytes: 0, packedBytes: 0 };
for (const name of await readdir(assets)) {
  const kind = extname(name);
  if (kind !== '.js' && kind !== '.css') continue;
  const bytes = await readFile(join(assets, name));
  if (kind === '.js') sizes.scriptBytes += bytes.length;
  else sizes.styleBytes += bytes.length;
  sizes.packedBytes += gzipSync(bytes, { level: 9 }).length;
}
const found = { commit: await presentCommit(), ...sizes };
process.stdout.write(`${JSON.stringify(found)}\n`);
if (values.json !== undefined) {
  const before = await readFile(values.json, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return '[]';
    throw error;
  });
  const list = [...(JSON.parse(before) as unknown[]), found];
  await writeFile(values.json, `${JSON.stringify(list, null, 2)}\n`);
}
