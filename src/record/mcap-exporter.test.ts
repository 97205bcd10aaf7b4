import { uncalibrated } from '../vocabulary/calibration.js';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ExporterCheckpoint, ExportInfo } from '../export/exporter.js';
import { maskFromBitmap } from '../mask/rle.js';
import { McapExporter } from './mcap-exporter.js';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sono-mcap-export-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const info = (): ExportInfo => ({
  directory,
  clip: 'clip',
  sourceUri: 'clip.mp4',
  source: {
    size: { width: 8, height: 8 },
    framesPerSecond: 25,
    calibration: uncalibrated,
    frameCount: 6,
    description: '',
  },
  objects: [{ id: 1, label: 'square' }],
  software: { version: '0', model: 'm', modelSha256: '0' },
  identity: '0',
  inputIdentity: '0',
  segmentation: 'semiautomatic',
  sourceModifiedUnixMs: 1000,
  dicom: null,
  loss: null,
  view: 'a4c',
  chunkFrames: 3,
});

/** Opens behind `from` frames, exports up to six, and completes the file; the states by number of frames. */
async function run(
  from: number,
  state: ExporterCheckpoint | null,
): Promise<Readonly<Record<number, ExporterCheckpoint>>> {
  const exporter = new McapExporter({ pictures: false });
  await exporter.open(info(), state);
  const states: Record<number, ExporterCheckpoint> = {};
  for (let index = from; index < 6; index++) {
    const bitmap = new Uint8Array(64).fill(1, 8 * index, 8 * index + 16);
    const mask = maskFromBitmap(bitmap, 8, 8);
    const object = { id: 1, state: 'tracking', score: 0.9, confidence: 0.8, mask } as const;
    const timeNs = index * 40e6;
    await exporter.frame({
      sourceFrame: index,
      ptsNs: timeNs,
      mediaNs: timeNs,
      objects: [object],
      measurements: [],
      picture: null,
    });
    if (index % 3 === 2) states[index + 1] = await exporter.checkpoint();
  }
  states[6] = await exporter.checkpoint();
  await exporter.close();
  return states;
}

it('a complete file goes on from any of its states, again and again, and ends the same', async () => {
  const file = join(directory, 'clip', 'clip.mcap');
  const states = await run(0, null);
  const whole = await readFile(file);
  await run(3, states[3] ?? null);
  expect(await readFile(file)).toEqual(whole);
  // Killed after the last rename, twice: the state of the second start is one to go on from.
  const again = await run(6, states[6] ?? null);
  await run(6, again[6] ?? null);
  expect(await readFile(file)).toEqual(whole);
  await expect(new McapExporter().open(info(), null)).rejects.toMatchObject({ code: 'SONO_EXPORT_EXISTS' });
});
