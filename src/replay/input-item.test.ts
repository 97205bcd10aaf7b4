import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expandInputs, identifyInput } from './input-item.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-inputs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const frames = Buffer.concat([0, 90, 180].map((level) => Buffer.alloc(8 * 8 * 3, level)));
const animation = (format: 'gif' | 'webp'): Promise<Buffer> =>
  sharp(frames, { raw: { width: 8, height: 24, channels: 3, pageHeight: 8 } })
    .toFormat(format)
    .toBuffer();

/** A PNG whose second chunk says that it is an animation of three pictures. */
async function animatedPng(still: Buffer): Promise<Buffer> {
  const control = Buffer.from([0, 0, 0, 8, ...Buffer.from('acTL'), 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
  return Promise.resolve(Buffer.concat([still.subarray(0, 33), control, still.subarray(33)]));
}

beforeAll(async () => {
  const still = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  for (const name of ['ultrasound', 'stills/frames', 'stills/.hidden', 'mixed/more'])
    mkdirSync(join(folder, name), { recursive: true });
  for (const name of ['a', 'b', 'c'])
    writeFileSync(join(folder, 'ultrasound', `${name}.gif`), await animation('gif'));
  for (const name of ['d', 'e']) writeFileSync(join(folder, 'ultrasound', `${name}.mp4`), 'video');
  for (const name of ['0.0', '0.04']) writeFileSync(join(folder, 'stills/frames', `${name}.png`), still);
  writeFileSync(join(folder, 'stills/.hidden/a.png'), still);
  writeFileSync(join(folder, 'mixed/a.png'), still);
  writeFileSync(join(folder, 'mixed/b.gif'), await sharp(still).gif().toBuffer());
  writeFileSync(join(folder, 'mixed/c.webp'), await animation('webp'));
  writeFileSync(join(folder, 'mixed/d.png'), await animatedPng(still));
  writeFileSync(join(folder, 'mixed/e.mkv'), 'video');
  writeFileSync(join(folder, 'mixed/notes.txt'), 'notes');
  writeFileSync(join(folder, 'mixed/more/f.png'), still);
  for (const name of ['cd/PAT0/ST0', 'cd/PAT1/ST0', 'names'])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'cd/DICOMDIR'), dicomOf('1.2.840.10008.1.3.10'));
  writeFileSync(join(folder, 'cd/README.TXT'), 'a viewer');
  writeFileSync(join(folder, 'cd/empty'), '');
  for (const path of ['cd/PAT0/ST0/IM_0001', 'cd/PAT1/ST0/IM_0001', 'cd/PAT1/1.2.840.1.2'])
    writeFileSync(join(folder, path), dicomOf(ultrasound));
  writeFileSync(join(folder, 'cd/PAT0/ST0/SR_0001'), dicomOf('1.2.840.10008.5.1.4.1.1.88.33'));
  writeFileSync(join(folder, 'cd/PAT0/ST0/MOVIE'), Buffer.from('\0\0\0\x18ftypmp42'));
  for (const name of ['manifest.json.mp4', 'Echo-Summary.csv.mp4', 'davis.mkv'])
    writeFileSync(join(folder, 'names', name), 'video');
});

const skippedIn = async (name: string): Promise<string[]> => {
  const skipped: string[] = [];
  await expandInputs([join(folder, name)], {
    onSkipped: ({ path, reason }) => skipped.push(`${relative(folder, path)}: ${reason}`),
  });
  return skipped;
};

/** File meta information of a DICOM object of this class, and nothing more. */
function dicomOf(storageClass: string): Buffer {
  const uid = Buffer.from(storageClass.length % 2 === 0 ? storageClass : `${storageClass}\0`);
  const head = Buffer.from([2, 0, 2, 0, 0x55, 0x49, uid.length, 0]);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), head, uid]);
}
const ultrasound = '1.2.840.10008.5.1.4.1.1.3.1';

const clips = async (name: string): Promise<string[]> =>
  (await expandInputs([join(folder, name)])).map(({ uri }) => relative(folder, uri));

describe('a folder stands for everything in it', () => {
  it('animations beside videos are clips of their own', async () => {
    expect(await clips('ultrasound')).toEqual(
      ['a.gif', 'b.gif', 'c.gif', 'd.mp4', 'e.mp4'].map((name) => `ultrasound/${name}`),
    );
  });

  it('still pictures are one clip', async () => {
    expect(await clips('stills')).toEqual(['stills/frames']);
  });

  it('files without an ending are known by what they hold, and what is no clip is named', async () => {
    expect(await clips('cd')).toEqual([
      'cd/PAT0/ST0/IM_0001',
      'cd/PAT0/ST0/MOVIE',
      'cd/PAT1/1.2.840.1.2',
      'cd/PAT1/ST0/IM_0001',
    ]);
    expect(await skippedIn('cd')).toEqual([
      'cd/DICOMDIR: it is the directory of the medium',
      'cd/PAT0/ST0/SR_0001: it is a DICOM report',
      'cd/README.TXT: it is no recording of a known kind',
      'cd/empty: it is empty',
    ]);
    expect(await skippedIn('mixed')).toEqual(['mixed/notes.txt: it is no recording of a known kind']);
  });

  it('clips of one name have folders of their own, and none meets a file of the run', async () => {
    const names = async (name: string): Promise<string[]> =>
      (await expandInputs([join(folder, name)])).map(({ clip }) => clip);
    expect(await names('cd')).toEqual(['IM_0001', 'MOVIE', '1.2.840.1', 'IM_0001-2']);
    expect(await names('names')).toEqual(['Echo-Summary.csv-2', 'davis-2', 'manifest.json-2']);
  });

  it('nothing beside still pictures is left out', async () => {
    expect(await clips('mixed')).toEqual([
      'mixed',
      'mixed/c.webp',
      'mixed/d.png',
      'mixed/e.mkv',
      'mixed/more',
    ]);
  });
});

describe('what an input is known by', () => {
  it('is nothing for a pipe, which is not waited for', async () => {
    const pipe = join(folder, 'pipe.mp4');
    execFileSync('mkfifo', [pipe]);
    expect(await identifyInput(pipe)).toEqual({ sha256: null, bytes: 0, modifiedUnixMs: 0, names: [] });
  });
});
