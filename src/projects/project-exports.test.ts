import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WorkFolder } from '../replay/work-folder.js';
import { ProjectExports } from './project-exports.js';

let path = '';
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'sono-exports-'));
});
afterEach(() => rm(path, { recursive: true }));

async function exported(exports: ProjectExports, content: string): Promise<string> {
  const { name, folder } = await exports.make();
  await writeFile(join(folder, 'a.csv'), content);
  await exports.add(name, ['csv']);
  return name;
}

describe('exports of a project', () => {
  it('are kept where their list is damaged, and the next one stands behind them', async () => {
    const first = await ProjectExports.read(WorkFolder.at(path));
    for (const content of ['one', 'two']) await exported(first, content);
    await writeFile(join(path, 'exports.json'), '[{"name": "export-1", "form');
    const again = await ProjectExports.read(WorkFolder.at(path));
    expect(again.state.map(({ name }) => name)).toEqual(['export-1', 'export-2']);
    expect(await exported(again, 'three')).toBe('export-3');
    expect(await readFile(join(path, 'exports/export-1/a.csv'), 'utf8')).toBe('one');
  });

  it('say how large they are and where they lie; those of older versions do not know their size', async () => {
    const exports = await ProjectExports.read(WorkFolder.at(path));
    const { name, folder } = await exports.make();
    await mkdir(join(folder, 'masks'));
    await writeFile(join(folder, 'a.csv'), '12345');
    await writeFile(join(folder, 'masks', 'b.png'), '678');
    await exports.add(name, ['csv', 'png']);
    const made = { name, formats: ['csv', 'png'], bytes: 8, folder: join(path, 'exports', 'export-1') };
    expect(exports.state).toEqual([made]);
    expect((await ProjectExports.read(WorkFolder.at(path))).state).toEqual([made]);
    await writeFile(join(path, 'exports.json'), '[{"name":"export-1","formats":["csv"]}]');
    expect((await ProjectExports.read(WorkFolder.at(path))).state).toMatchObject([{ bytes: null }]);
  });

  it('take the place of one that failed, which is not listed', async () => {
    const exports = await ProjectExports.read(WorkFolder.at(path));
    await exports.make();
    const again = await ProjectExports.read(WorkFolder.at(path));
    expect(again.state).toEqual([]);
    expect((await again.make()).name).toBe('export-1');
  });
});
