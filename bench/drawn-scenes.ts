/** Procedural hearts as they were drawn, kept: drawing takes most of the time, and neither another model nor other measuring needs it anew. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Clip } from '../src/evaluate/datasets/dataset.js';
import { trueOutlines } from '../src/evaluate/datasets/synthetic-echo.js';
import type { PictureSize } from '../src/vocabulary/frame.js';

/** Of one scene, by picture. */
export interface DrawnScene {
  /** Deflated: one plane where the picture is grey, else three. */
  readonly pictures: readonly Uint8Array[];
  /** Deflated labels at the size of the scene, of every picture. */
  readonly outlines: readonly Uint8Array[];
  /** Whether the data set gives its outline as truth. */
  readonly annotated: readonly boolean[];
}

const packed = (bytes: Uint8Array): Uint8Array => deflateRawSync(bytes, { level: 1 });

function packPicture(rgb: Uint8Array): Uint8Array {
  const pixels = rgb.length / 3;
  const planes = new Uint8Array(rgb.length);
  let grey = true;
  for (let pixel = 0, at = 0; pixel < pixels; pixel++, at += 3) {
    const [red, green, blue] = [rgb[at] as number, rgb[at + 1] as number, rgb[at + 2] as number];
    planes[pixel] = red;
    planes[pixel + pixels] = green;
    planes[pixel + 2 * pixels] = blue;
    grey &&= red === green && green === blue;
  }
  return packed(grey ? planes.subarray(0, pixels) : planes);
}

function unpackPicture(bytes: Uint8Array, { width, height }: PictureSize): Uint8Array {
  const planes = inflateRawSync(bytes);
  const pixels = width * height;
  const step = planes.length === pixels ? 0 : pixels;
  const rgb = new Uint8Array(3 * pixels);
  for (let pixel = 0, at = 0; pixel < pixels; pixel++)
    for (let plane = 0; plane < 3; plane++) rgb[at++] = planes[pixel + plane * step] as number;
  return rgb;
}

/** Labels of one picture of a drawn scene. */
export const outlineOf = (drawn: DrawnScene, frame: number): Uint8Array =>
  inflateRawSync(drawn.outlines[frame] as Uint8Array);

/** `folder`: where it is kept, by scene and size; null: nowhere. A folder belongs to one version of the drawing program. */
export async function drawScene(clip: Clip, size: PictureSize, folder: string | null): Promise<DrawnScene> {
  const path = folder && join(folder, `${clip.name.replaceAll(' ', '-')}-${size.width}x${size.height}.v8`);
  const kept = path && (await readFile(path).catch(() => null));
  if (kept) return deserialize(kept) as DrawnScene;
  const { at } = trueOutlines(clip.name);
  const drawn = { pictures: [] as Uint8Array[], outlines: [] as Uint8Array[], annotated: [] as boolean[] };
  for await (const { index, rgb, truth } of clip.frames(size)) {
    drawn.pictures.push(packPicture(rgb));
    drawn.outlines.push(packed((truth?.data as Uint8Array | undefined) ?? at(index)));
    drawn.annotated.push(truth !== null);
  }
  if (folder && path) {
    await mkdir(folder, { recursive: true });
    // Whole or not at all: a run may be stopped here.
    await writeFile(`${path}.part`, serialize(drawn));
    await rename(`${path}.part`, path);
  }
  return drawn;
}

/** The clip, its pictures and truths those that were drawn at `size`. */
export const drawnClip = (clip: Clip, drawn: DrawnScene, size: PictureSize): Clip => ({
  ...clip,
  // eslint-disable-next-line @typescript-eslint/require-await -- the frames of a clip come asynchronously, these need not
  async *frames({ width, height }) {
    if (width !== size.width || height !== size.height) throw new RangeError('it was drawn at another size');
    for (const [index, picture] of drawn.pictures.entries())
      yield {
        index,
        rgb: unpackPicture(picture, size),
        truth: drawn.annotated[index] ? { ...clip.size, data: outlineOf(drawn, index) } : null,
      };
  },
});
