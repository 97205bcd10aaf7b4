import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkNamed, isDiskFull, writeNamed, writeReason, writeWhole } from './files.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sono-files-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a file that is written whole', () => {
  it('has what the last of many calls wrote, is as private as asked, and leaves nothing beside it', async () => {
    const path = join(folder, 'state.json');
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => writeWhole(path, `${index}`.repeat(5000), 0o600)),
    );
    expect(await readFile(path, 'utf8')).toBe('19'.repeat(5000));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['state.json']);
  });

  it('keeps the old content where the new one cannot be written', async () => {
    const path = join(folder, 'state.json');
    const before = await readFile(path, 'utf8');
    const wrong = writeWhole(path, 5 as unknown as string);
    await expect(wrong).rejects.toThrow();
    expect(await readFile(path, 'utf8')).toBe(before);
    expect(await readdir(folder)).toEqual(['state.json']);
  });
});

describe('a place that a person has named', () => {
  it('is refused in words before anything is computed, and left as it was', async () => {
    const why = async (path: string): Promise<string> => checkNamed(path).then(() => 'fine', writeReason);
    expect(await why(folder)).toBe('it is a folder');
    expect(await why(join(folder, 'absent', 'x'))).toBe('there is no such folder');
    expect(await why(join(folder, 'state.json', 'x'))).toBe('a part of its name is a file, not a folder');
    expect(await why(join(folder, 'new.json'))).toBe('fine');
    expect(await readdir(folder)).toEqual(['state.json']);
  });

  it('is written to and never replaced where it is a device; a full one is told apart', async () => {
    const device = join(folder, 'full');
    await symlink('/dev/full', device);
    await checkNamed(device);
    const error: unknown = await writeNamed(device, 'text').catch((reason: unknown) => reason);
    expect(isDiskFull(error)).toBe(true);
    expect(writeReason(error)).toBe('the disk is full');
    await writeFile(join(folder, 'plain'), 'old');
    await writeNamed(join(folder, 'plain'), 'new');
    expect(await readFile(join(folder, 'plain'), 'utf8')).toBe('new');
  });
});
