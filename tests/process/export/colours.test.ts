/** One object, one colour: in the browser's overlay, in the outlines for Foxglove, and in an exported MP4. */
import { uncalibrated } from '../../../src/vocabulary/calibration.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import sharp from 'sharp';
import { afterAll, expect, it, vi } from 'vitest';
import { drawOverlay } from '../../../dashboard/src/worker/overlay-drawing.js';
import { createExporter } from '../../../src/export/index.js';
import { maskFromBitmap } from '../../../src/mask/rle.js';
import { ImageAnnotationsSchema } from '../../../src/protocol/generated/foxglove_pb.js';
import { encodeOutlines } from '../../../src/protocol/messages.js';
import { videoFrames } from '../../gstreamer-frames.js';

vi.setConfig({ testTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-colours-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Not in the order of their numbers, one more than there are colours, one number left out. */
const ids = [2, 1, 3, 4, 5, 7, 8, 9, 10];
/** Tall: outlines are wide enough to keep their colour in an encoded video. */
const size = { width: 480, height: 2400 };
const cell = 240;
const middleOf = (index: number) => ({ x: 240, y: 120 + index * cell });

const hex = (rgb: readonly number[]): string =>
  `#${rgb.map((value) => Math.round(value).toString(16).padStart(2, '0')).join('')}`;

function inBrowser(): string[] {
  const used: string[] = [];
  const context = new Proxy(
    {},
    {
      get: (_, name) => (name === 'measureText' ? () => ({ width: 1 }) : () => undefined),
      set: (_, name, value) => {
        if (name === 'strokeStyle' && String(value).startsWith('#')) used.push(String(value));
        return true;
      },
    },
  );
  const objects = ids.map((id) => ({
    ...{ id, label: 'x', state: 'tracking' as const, confidence: 1, path: {} as Path2D },
    ...{ left: 0, top: 0, right: 1, bottom: 1 },
  }));
  const look = { fillOpacity: 0, labels: false, lineWidth: 2, selectedObject: null, hidden: [] };
  drawOverlay(context as never, { objects }, { left: 0, top: 0, scale: 1 }, look, 1);
  return used;
}

function inFoxglove(): string[] {
  const outlines = ids.map((id) => ({
    ...{ id, label: 'x', state: 'tracking' as const, confidence: 1, rings: [[[0, 0] as const]] },
  }));
  return fromBinary(ImageAnnotationsSchema, encodeOutlines(outlines, 0n)).points.map(({ outlineColor }) =>
    hex([outlineColor?.r ?? 0, outlineColor?.g ?? 0, outlineColor?.b ?? 0].map((part) => part * 255)),
  );
}

/** RGB in the middle of the left edge of each object's square. */
async function inVideo(): Promise<number[][]> {
  const squareOf = (index: number) => {
    const bitmap = new Uint8Array(size.width * size.height);
    const { x, y } = middleOf(index);
    for (let row = y - 80; row < y + 80; row++)
      bitmap.fill(1, row * size.width + x - 80, row * size.width + x + 80);
    return maskFromBitmap(bitmap, size.width, size.height);
  };
  const exporter = createExporter('mp4');
  const source = { size, framesPerSecond: 25, calibration: uncalibrated, frameCount: 1, description: 'x' };
  await exporter.open(
    {
      ...{ directory: folder, clip: 'clip', sourceUri: 'x', source, dicom: null, loss: null, chunkFrames: 8 },
      view: 'a4c',
      objects: ids.map((id) => ({ id, label: `object ${id}` })),
      software: { version: '0', model: 'm', modelSha256: '' },
      ...{ identity: '', inputIdentity: '', segmentation: 'semiautomatic' as const, sourceModifiedUnixMs: 0 },
    },
    null,
  );
  const background = { r: 122, g: 43, b: 38 };
  const picture = await sharp({ create: { ...size, channels: 3, background } })
    .jpeg()
    .toBuffer();
  await exporter.frame({
    ...{ sourceFrame: 0, ptsNs: 0, mediaNs: 0, picture, measurements: [] },
    objects: ids.map((id, index) => ({
      ...{ id, state: 'tracking', score: 1, confidence: 1, mask: squareOf(index) },
    })),
  });
  const [path] = await exporter.close();
  for await (const frame of videoFrames(path ?? '', size))
    return ids.map((_, index) => {
      const { x, y } = middleOf(index);
      // Outlines are ten pixels wide at this height.
      const at = (y * size.width + x - 80 + 5) * 3;
      return [...frame.subarray(at, at + 3)];
    });
  throw new Error('the video has no picture');
}

it('an object has the same colour in the browser, in Foxglove and in an MP4', async () => {
  const colours = inBrowser();
  expect(colours).toHaveLength(ids.length);
  expect(colours[1]).toBe('#56b4e9');
  expect(inFoxglove()).toEqual(colours);
  const seen = await inVideo();
  colours.forEach((colour, index) => {
    const wanted = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
    const far = Math.max(...wanted.map((value, part) => Math.abs(value - (seen[index]?.[part] ?? 0))));
    expect(far, `object ${ids[index]}: ${colour}, in the video ${hex(seen[index] ?? [])}`).toBeLessThan(16);
  });
});
