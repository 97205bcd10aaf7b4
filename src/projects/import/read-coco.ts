/**
 * Masks in COCO's JSON: polygons, run lengths as numbers or as text, several images by file name or frame index. Instances that carry a
 * `track_id` are one object through the recording; without it all that have one category on a picture are one object. Pure.
 */
import { z } from 'zod';
import { maskFromPolygons } from '../../mask/polygon.js';
import { maskFromCocoString, maskToBitmap, maskFromBitmap } from '../../mask/rle.js';
import type { Mask } from '../../vocabulary/mask.js';
import { promptLimits } from '../../vocabulary/prompt.js';
import { referenceByName, type FoundMask, type PictureReference } from './found-mask.js';

const pixels = z.int().min(1).max(promptLimits.pixels);
const id = z.union([z.int(), z.string()]);
const cocoSchema = z.object({
  images: z.array(
    z.object({
      id,
      file_name: z.string().optional(),
      width: pixels,
      height: pixels,
      frame_index: z.int().min(0).optional(),
    }),
  ),
  annotations: z.array(
    z.object({
      image_id: id,
      category_id: id,
      track_id: id.optional(),
      segmentation: z.union([
        z.array(z.array(z.number())),
        z.object({ size: z.tuple([pixels, pixels]), counts: z.union([z.string(), z.array(z.int().min(0))]) }),
      ]),
    }),
  ),
  categories: z
    .array(z.object({ id, name: z.string(), color: z.union([z.string(), z.array(z.number())]).optional() }))
    .default([]),
});
type Coco = z.infer<typeof cocoSchema>;

/** Throws RangeError, in words, for what is not such a file. */
export function* readCocoMasks(text: string): Generator<FoundMask> {
  const { images, annotations, categories } = parsed(text);
  const pictures = new Map(images.map((image) => [String(image.id), image]));
  const names = new Map(categories.map((category) => [String(category.id), category]));
  // A category whose instances are one object has the name as it stands.
  const tracks = new Map<string, Set<string>>();
  for (const { category_id, track_id } of annotations) {
    const own = tracks.get(String(category_id)) ?? new Set();
    tracks.set(String(category_id), own.add(String(track_id ?? '')));
  }
  const merged = new Map<string, { readonly found: Omit<FoundMask, 'mask'>; masks: Mask[] }>();
  for (const { image_id, category_id, track_id, segmentation } of annotations) {
    const image = pictures.get(String(image_id));
    if (image === undefined)
      throw new RangeError(`an annotation is of the image ${image_id}, which is not listed`);
    const category = names.get(String(category_id));
    const name = category?.name ?? `category ${category_id}`;
    const several = (tracks.get(String(category_id))?.size ?? 1) > 1 && track_id !== undefined;
    const label = several ? `${name} ${track_id}` : name;
    const key = JSON.stringify([image_id, label]);
    const known = merged.get(key) ?? {
      found: { label, color: colorOf(category?.color), picture: pictureOf(image) },
      masks: [],
    };
    merged.set(key, known);
    known.masks.push(maskOf(segmentation, image));
  }
  for (const { found, masks } of merged.values()) yield { ...found, mask: union(masks) };
}

export function looksLikeCoco(text: string): boolean {
  return text.trimStart().startsWith('{') && text.includes('"annotations"');
}

function parsed(text: string): Coco {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RangeError('it is not JSON');
  }
  const result = cocoSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new RangeError(`it is no COCO file (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''})`);
}

function pictureOf({ frame_index, file_name, id }: Coco['images'][number]): PictureReference {
  if (frame_index !== undefined) return { kind: 'number', frame: frame_index };
  return file_name === undefined ? referenceByName(String(id)) : referenceByName(file_name);
}

function maskOf(
  segmentation: Coco['annotations'][number]['segmentation'],
  image: Coco['images'][number],
): Mask {
  if (Array.isArray(segmentation)) return maskFromPolygons(segmentation, image.width, image.height);
  const [height, width] = segmentation.size;
  if (typeof segmentation.counts === 'string') return maskFromCocoString(segmentation.counts, width, height);
  const bitmap = new Uint8Array(width * height);
  let at = 0;
  for (const [run, count] of segmentation.counts.entries()) {
    if (run % 2 === 1)
      for (let i = at; i < Math.min(at + count, bitmap.length); i++)
        bitmap[(i % height) * width + Math.floor(i / height)] = 1;
    at += count;
  }
  if (at !== bitmap.length) throw new RangeError('the run lengths of an annotation do not make its size');
  return maskFromBitmap(bitmap, width, height);
}

function union(masks: readonly Mask[]): Mask {
  const [first] = masks as [Mask, ...Mask[]];
  if (masks.length === 1) return first;
  const bitmap = maskToBitmap(first);
  for (const mask of masks.slice(1)) {
    if (mask.width !== first.width || mask.height !== first.height) continue;
    maskToBitmap(mask).forEach((value, index) => {
      if (value === 1) bitmap[index] = 1;
    });
  }
  return maskFromBitmap(bitmap, first.width, first.height);
}

function colorOf(color: string | readonly number[] | undefined): string | null {
  if (typeof color === 'string') return /^#[0-9a-f]{6}$/i.test(color) ? color.toLowerCase() : null;
  const [red, green, blue] = color ?? [];
  if (red === undefined || green === undefined || blue === undefined) return null;
  const parts = [red, green, blue].map((part) => Math.max(0, Math.min(255, Math.round(part))));
  return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}
