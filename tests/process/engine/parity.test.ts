/** Ours against implementations that share no code with it: the Python tracking loop on the real model, pycocotools on masks. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/node/built-module.js';
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import { createLocalEngine } from '../../../src/engine/local-engine.js';
import {
  maskArea,
  maskBox,
  maskFromBitmap,
  maskFromCocoString,
  maskIou,
  maskToBitmap,
  maskToCocoString,
} from '../../../src/mask/rle.js';
import { policyNames } from '../../../src/tracking/policies/index.js';
import { maskFromScaledLogits } from '../../../src/mask/resize.js';
import { runPython } from '../../python-env.js';
import { frameNs } from '../../tiny-scene.js';

const modelDir = join(packageRoot, 'models/compact');
const data = join(packageRoot, '../shared/data');
const { input } = JSON.parse(readFileSync(join(modelDir, 'model.json'), 'utf8')) as {
  readonly input: PictureSize;
};
const size = { width: input.width, height: input.height };
/** The drawn clip was made for a picture 448 wide. */
const unit = size.width / 448;
const threads = 2;
const scratch: string[] = [];
afterAll(() => Promise.all(scratch.map((path) => rm(path, { recursive: true, force: true }))));

interface Clip {
  /** RGB at the model's size. */
  readonly frames: readonly Uint8Array[];
  /** Objects on the first frame, one byte per pixel, 0 or 1. */
  readonly masks: readonly Uint8Array[];
}

/** Two drawn objects that move, one of them out of the picture. Always there. */
function drawnClip(length: number): Clip {
  const { width, height } = size;
  const places = (index: number) => [
    {
      x: (120 + index * 4) * unit,
      y: (110 + 30 * Math.sin(index / 4)) * unit,
      radius: 42 * unit,
      colour: [205, 90, 70],
    },
    { x: (330 + index * 9) * unit, y: 150 * unit, radius: 36 * unit, colour: [180, 185, 200] },
  ];
  const frames = Array.from({ length }, (_, index) => {
    const pixels = new Uint8Array(width * height * 3);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const shade = 60 + 30 * Math.sin(x / 31) * Math.cos(y / 23);
        const disk = places(index).find((place) => Math.hypot(x - place.x, y - place.y) < place.radius);
        pixels.set(disk?.colour ?? [shade + 40, shade, shade * 0.8], (y * width + x) * 3);
      }
    return pixels;
  });
  const masks = places(0).map(({ x, y, radius }) =>
    Uint8Array.from({ length: width * height }, (_, index) =>
      Math.hypot((index % width) - x, Math.floor(index / width) - y) < radius ? 1 : 0,
    ),
  );
  return { frames, masks };
}

async function recordedClip(folder: string, length: number): Promise<Clip> {
  const names = readdirSync(join(folder, 'frames')).sort().slice(0, length);
  const frames = await Promise.all(
    names.map(async (name) =>
      Uint8Array.from(
        await sharp(join(folder, 'frames', name))
          .removeAlpha()
          .toColourspace('srgb')
          .resize({ ...size, fit: 'fill' })
          .raw()
          .toBuffer(),
      ),
    ),
  );
  const [first] = readdirSync(join(folder, 'masks')).sort();
  const mask = await sharp(join(folder, 'masks', first ?? ''))
    .extractChannel(0)
    .resize({ ...size, fit: 'fill', kernel: 'nearest' })
    .raw()
    .toBuffer();
  return { frames, masks: [Uint8Array.from(mask, (value) => (value > 0 ? 1 : 0))] };
}

const packBits = (bitmap: Uint8Array): string => {
  const bytes = new Uint8Array(Math.ceil(bitmap.length / 8));
  bitmap.forEach((value, index) => {
    if (value !== 0) bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (128 >> (index & 7));
  });
  return Buffer.from(bytes).toString('base64');
};

/** Masks (packed bits) and predicted IoU by frame and object. */
type Tracks = { readonly bits: string; readonly iou: number }[][];

async function trackHere({ frames, masks }: Clip, policy: string): Promise<Tracks> {
  const options = { modelDir, provider: 'cpu', policy, threads, sourceSize: size, keepLogits: true } as const;
  const engine = await createLocalEngine(options);
  const identity = (index: number) => ({
    streamId: 'clip',
    ptsNs: index * frameNs,
    captureNs: 0,
    mediaNs: index * frameNs,
    sourceFrame: index,
    discontinuity: 0,
    decodedNs: 0,
    size,
  });
  try {
    const tracks: Tracks = [];
    for (const [index, pixels] of frames.entries()) {
      const frame = { ...identity(index), data: pixels };
      let result = null;
      if (index > 0) result = await engine.track(frame);
      else
        for (const mask of masks) {
          const prompt = { type: 'mask', mask: maskFromBitmap(mask, size.width, size.height) } as const;
          const command = { kind: 'prompt', objectId: null, label: null, prompts: [prompt] } as const;
          ({ result } = await engine.command(command, frame));
        }
      // From the logits: whether an object is shown is the life cycle's question, not the network's.
      tracks.push(
        (result?.objects ?? []).map(({ logits, score }) => ({
          bits: packBits(
            maskToBitmap(
              maskFromScaledLogits(logits ?? new Float32Array(), result?.logitsSize ?? size, size),
            ),
          ),
          iou: score,
        })),
      );
    }
    return tracks;
  } finally {
    await engine.close();
  }
}

async function trackInPython({ frames, masks }: Clip, policy: string): Promise<Tracks> {
  const folder = await mkdtemp(join(tmpdir(), 'sono-parity-'));
  scratch.push(folder);
  const [frameFile, maskFile] = [join(folder, 'frames.raw'), join(folder, 'masks.raw')];
  await writeFile(frameFile, Buffer.concat(frames));
  await writeFile(maskFile, Buffer.concat(masks));
  return (await runPython('track_clip.py', {
    model: modelDir,
    frames: frameFile,
    masks: maskFile,
    policy,
    threads,
  })) as Tracks;
}

const recorded = ['davis/libby', 'robotic-instruments/scene-c'].map((name) => join(data, name));

describe('the tracker and the Python loop give identical masks on every frame', () => {
  const compare = async (clip: Clip, policy: string): Promise<void> => {
    const ours = await trackHere(clip, policy);
    const theirs = await trackInPython(clip, policy);
    expect(ours).toHaveLength(clip.frames.length);
    expect(theirs).toHaveLength(clip.frames.length);
    ours.forEach((objects, frame) =>
      objects.forEach(({ bits, iou }, object) => {
        const other = theirs[frame]?.[object];
        expect(bits === other?.bits, `frame ${frame}, object ${object}: another mask`).toBe(true);
        expect(iou).toBeCloseTo(other?.iou ?? NaN, 4);
      }),
    );
  };

  it.each(policyNames)(
    'on a drawn clip with two objects, policy %s',
    (policy) => compare(drawnClip(12), policy),
    180_000,
  );

  for (const folder of recorded)
    it.skipIf(!existsSync(folder))(
      `on ${folder.slice(data.length + 1)} (skipped where ../shared/data is absent)`,
      async () => compare(await recordedClip(folder, 24), 'gated'),
      180_000,
    );
});

describe('masks and pycocotools agree', () => {
  it('on counts, area, box and IoU', async () => {
    let seed = 1;
    const random = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;
    const bitmaps = Array.from({ length: 60 }, (_, index) => {
      // Pairs of one size, so that IoU can be compared; blobs, noise, empty and full ones.
      const [width, height] = [1 + (((index >> 1) * 37) % 200), 1 + (((index >> 1) * 53) % 150)];
      const [x, y, radius] = [random() * width, random() * height, (random() * (width + height)) / 3];
      const noise = index % 5 === 0 ? random() : 0;
      const pixels = Uint8Array.from({ length: width * height }, (_, pixel) => {
        const inside = Math.hypot((pixel % width) - x, Math.floor(pixel / width) - y) < radius;
        return (index % 7 === 3 ? false : index % 7 === 5 ? true : inside) !== random() < noise ? 1 : 0;
      });
      return { width, height, pixels };
    });
    const answers = (await runPython(
      'coco_rle.py',
      bitmaps.map(({ width, height, pixels }) => ({ width, height, bits: packBits(pixels) })),
    )) as { counts: string; area: number; box: number[]; iou: number | null }[];
    const masks = bitmaps.map(({ width, height, pixels }) => maskFromBitmap(pixels, width, height));
    expect(answers).toHaveLength(masks.length);
    masks.forEach((mask, index) => {
      const answer = answers[index];
      expect(maskToCocoString(mask)).toBe(answer?.counts);
      expect(maskFromCocoString(answer?.counts ?? '', mask.width, mask.height)).toEqual(mask);
      expect(maskArea(mask)).toBe(answer?.area);
      expect(maskBox(mask)).toEqual(answer?.box);
      const next = masks[(index + 1) % masks.length] ?? mask;
      // Two empty masks are equal to us (metric J) and not comparable to pycocotools.
      if (typeof answer?.iou === 'number' && maskArea(mask) + maskArea(next) > 0)
        expect(maskIou(mask, next)).toBeCloseTo(answer.iou, 12);
    });
  });
});
