/** One object, one colour: in the message that browser and recording get, in the browser's overlay, in the outlines for Foxglove, and in an exported MP4. */
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
import {
  colourOfObject,
  decodeSegmentation,
  describeSegmentation,
  encodeOutlines,
  encodeSegmentation,
} from '../../../src/protocol/messages.js';
import type { HexColour } from '../../../src/vocabulary/hex-colour.js';
import { palettes } from '../../../src/vocabulary/palette.js';
import { pictureKinds, type PictureKind } from '../../../src/vocabulary/picture-kind.js';
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

/** What the segmentation channel says, read back as browser and player do. */
function onWire(pictureKind: PictureKind): HexColour[] {
  const mask = { width: 2, height: 1, counts: Uint32Array.of(0, 2) };
  const frame = { streamId: 's', ptsNs: 0, captureNs: 0, mediaNs: 0, sourceFrame: 0, discontinuity: 0 };
  const objects = ids.map((id) => ({
    ...{ id, label: `object ${id}`, state: 'tracking' as const, score: 1, confidence: 1, mask, areaPx: 2 },
    box: [0, 0, 2, 1] as const,
  }));
  const source = { size: { width: 2, height: 1 }, calibration: uncalibrated, pictureKind };
  const message = describeSegmentation({ frame, maskSize: source.size, objects }, 0n, source);
  return decodeSegmentation(encodeSegmentation(message)).objects.map(({ colour }) => colour);
}

function inBrowser(told: readonly HexColour[]): string[] {
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
  const objects = ids.map((id, index) => ({
    ...{ id, label: 'x', state: 'tracking' as const, confidence: 1, path: {} as Path2D },
    colour: told[index] ?? '#000000',
    ...{ left: 0, top: 0, right: 1, bottom: 1 },
  }));
  const look = { fillOpacity: 0, labels: false, lineWidth: 2, selectedObject: null, hidden: [] };
  drawOverlay(context as never, { objects }, { left: 0, top: 0, scale: 1 }, look, 1);
  return used;
}

function inFoxglove(pictureKind: PictureKind): string[] {
  const outlines = ids.map((id) => ({
    ...{ id, label: 'x', state: 'tracking' as const, confidence: 1, rings: [[[0, 0] as const]] },
    colour: colourOfObject({ id }, { pictureKind }),
  }));
  return fromBinary(ImageAnnotationsSchema, encodeOutlines(outlines, 0n)).points.map(({ outlineColor }) =>
    hex([outlineColor?.r ?? 0, outlineColor?.g ?? 0, outlineColor?.b ?? 0].map((part) => part * 255)),
  );
}

/** RGB in the middle of the left edge of each object's square. */
async function inVideo(pictureKind: PictureKind): Promise<number[][]> {
  const squareOf = (index: number) => {
    const bitmap = new Uint8Array(size.width * size.height);
    const { x, y } = middleOf(index);
    for (let row = y - 80; row < y + 80; row++)
      bitmap.fill(1, row * size.width + x - 80, row * size.width + x + 80);
    return maskFromBitmap(bitmap, size.width, size.height);
  };
  const exporter = createExporter('mp4');
  const source = { size, framesPerSecond: 25, calibration: uncalibrated, frameCount: 1, description: 'x' };
  const shown = { ...source, pictureKind };
  await exporter.open(
    {
      ...{
        directory: folder,
        clip: pictureKind,
        sourceUri: 'x',
        source: shown,
        dicom: null,
        loss: null,
        chunkFrames: 8,
      },
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

it.each(pictureKinds)('an object has the same colour wherever it is drawn: %s', async (kind) => {
  const colours = inBrowser(onWire(kind));
  expect(colours).toHaveLength(ids.length);
  expect(colours[1]).toBe(palettes[kind][0]);
  expect(inFoxglove(kind)).toEqual(colours);
  const seen = await inVideo(kind);
  colours.forEach((colour, index) => {
    const wanted = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
    const far = Math.max(...wanted.map((value, part) => Math.abs(value - (seen[index]?.[part] ?? 0))));
    expect(far, `object ${ids[index]}: ${colour}, in the video ${hex(seen[index] ?? [])}`).toBeLessThan(16);
  });
});
