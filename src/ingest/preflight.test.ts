import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { lookAtFile } from './look.js';
import { checkSource } from './preflight.js';
import { parseSourceUri, type SourceAddress } from './source-uri.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-look-'));
const at = (name: string): string => join(folder, name);
const look = (uri: string): Promise<SourceAddress> => checkSource(parseSourceUri(uri));
const refused = (code: string) => expect.objectContaining({ code }) as Error;

mkdirSync(at('pictures'));
mkdirSync(at('odd?fps=3'));
writeFileSync(at('a:b?.mp4'), 'x');
writeFileSync(at('empty.mp4'), '');
writeFileSync(at('heart.bin'), Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]));
execFileSync('mkfifo', [at('pipe.mp4')]);
afterAll(() => rmSync(folder, { recursive: true }));

describe('a look at a path', () => {
  it('tells folders of pictures and DICOM files from videos', async () => {
    const pictures = at('pictures');
    expect(await look(at('a:b?.mp4'))).toEqual({ kind: 'file', deinterlacing: 'auto', path: at('a:b?.mp4') });
    expect(await look(at('heart.bin'))).toEqual({ kind: 'dicom', path: at('heart.bin') });
    expect(await look(pictures)).toEqual({ kind: 'folder', path: pictures, framesPerSecond: 25 });
    expect(await look(`${pictures}?fps=12.5`)).toEqual({
      kind: 'folder',
      path: pictures,
      framesPerSecond: 12.5,
    });
    expect(await look(`${pathToFileURL(pictures).href}?fps=50`)).toMatchObject({ framesPerSecond: 50 });
    // What is there under the whole name comes first.
    expect(await look(at('odd?fps=3'))).toEqual({
      kind: 'folder',
      path: at('odd?fps=3'),
      framesPerSecond: 25,
    });
  });

  it.each([
    ['nowhere.mp4', 'SONO_SOURCE_MISSING'],
    ['nowhere?fps=5', 'SONO_SOURCE_MISSING'],
    ['a:b?.mp4/x', 'SONO_SOURCE_MISSING'],
    ['empty.mp4', 'SONO_SOURCE_EMPTY'],
    ['pipe.mp4', 'SONO_SOURCE_NOT_VIDEO'],
    ['pictures?fps=0', 'SONO_SOURCE_URI'],
    ['pictures?rate=5', 'SONO_SOURCE_URI'],
  ])('refuses %s with %s', async (name, code) => {
    await expect(look(at(name))).rejects.toThrow(refused(code));
  });
});

describe('a look through a process of its own', () => {
  it('finds the same', async () => {
    await expect(lookAtFile(at('a:b?.mp4'))).resolves.toBeUndefined();
    await expect(lookAtFile(at('nowhere.mp4'))).rejects.toThrow(refused('SONO_SOURCE_MISSING'));
    await expect(lookAtFile(at('pipe.mp4'))).rejects.toThrow(refused('SONO_SOURCE_NOT_VIDEO'));
  });

  it('is given up when who asks leaves', async () => {
    const reason = new Error('left');
    const asker = new AbortController();
    const looking = lookAtFile(at('a:b?.mp4'), asker.signal);
    asker.abort(reason);
    await expect(looking).rejects.toBe(reason);
    await expect(lookAtFile(at('a:b?.mp4'), asker.signal)).rejects.toBe(reason);
  });
});
