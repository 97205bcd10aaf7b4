import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expandInputs } from './input-item.js';

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
});

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
