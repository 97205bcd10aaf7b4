import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RunFolder } from './run-folder.js';
import type { ReplayOptions } from './run-options.js';
import { wholeRange } from './range.js';
import { WorkFolder } from './work-folder.js';

let out = '';
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'sono-run-folder-'));
});
afterEach(() => rm(out, { recursive: true, force: true }));

const options = (): ReplayOptions => ({
  ...{ plan: { objects: [] }, formats: ['csv'], direction: 'both', range: wholeRange, modelDir: '' },
  ...{ provider: 'cpu', policy: null, threads: 1, chunkFrames: 5, spoolBytes: 1e6, version: '0' },
  ...{ inputs: [], outDirectory: out, jobs: 1, resume: false, overwrite: false, view: 'a4c', pair: null },
});

const run = JSON.stringify({ identity: { prompts: 'mine' } });
it.each([
  ['is cut off', run.slice(0, 9), false, false],
  ['is of another program', '[1]', true, false],
  ['is not there', null, true, false],
  ['is of this run', run, true, true],
] as const)('state of a run whose run.json %s', async (_, text, resume, kept) => {
  const work = join(out, '.replay');
  await mkdir(join(work, 'clip'), { recursive: true });
  await writeFile(join(work, 'clip', 'backward.json'), '{}');
  if (text !== null) await writeFile(join(work, 'run.json'), text);
  const folder = await RunFolder.prepare({ ...options(), resume }, [], { prompts: 'mine' });
  expect((await readdir(work)).sort()).toEqual([...(kept ? ['clip'] : []), 'lock', 'run.json']);
  await folder.release();
});

it.each(['lock', 'run.json', 'lock.1', 'clip'])(
  'the state of a clip called %s has a folder of its own',
  async (clip) => {
    const folder = await RunFolder.prepare(options(), [], {});
    const work = await WorkFolder.open(folder.workOf({ clip, uri: '', kind: 'source', stream: null }));
    await work.write('forward.json', {});
    await folder.release();
    const again = await RunFolder.prepare({ ...options(), overwrite: true }, [], {});
    expect((await readdir(join(out, '.replay'))).sort()).toEqual(['lock', 'run.json']);
    await again.release();
  },
);
