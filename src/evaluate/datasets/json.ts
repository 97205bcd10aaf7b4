/**
 * Kind `json`: a file that lists clips. Paths are relative to the file.
 *
 * {"labels": {"1": "gallbladder"},                                  optional
 *  "clips": [{"name": "case 7", "framesPerSecond": 25, "spacingMm": [0.2, 0.2],
 *             "frames": ["a/0.jpg", …], "masks": ["m/0.png", null, …]}]}   null: frame without annotation
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { evaluateError } from '../errors.js';
import { type Dataset, isFile, voidLabel, voidLabel16, wrongLayout } from './dataset.js';
import { readingOf } from './mask-labels.js';
import { pictureClip, truthReader } from './pictures.js';

const label = z
  .string()
  .regex(/^[1-9]\d{0,4}$/)
  .refine((text) => Number(text) !== voidLabel && Number(text) < voidLabel16);

const schema = z.strictObject({
  labels: z.record(label, z.string()).optional(),
  clips: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        frames: z.array(z.string()).min(1),
        masks: z.array(z.string().nullable()).min(1),
        framesPerSecond: z.number().positive().optional(),
        spacingMm: z.tuple([z.number().positive(), z.number().positive()]).optional(),
      }),
    )
    .min(1)
    .refine(
      (clips) => new Set(clips.map(({ name }) => name)).size === clips.length,
      'two clips have one name',
    ),
});

export function openJson(path: string): Dataset {
  const expected = 'a JSON file {"clips":[{"name":…,"frames":[…],"masks":[…]}]}';
  if (!isFile(path)) throw wrongLayout('json', path, expected);
  let content: z.infer<typeof schema>;
  try {
    content = schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    const reason =
      error instanceof z.ZodError
        ? error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)[0]
        : 'it is not JSON';
    throw evaluateError(
      'SONO_DATASET_ROOT',
      { path, kind: 'json', expected, found: reason ?? 'unknown' },
      error,
    );
  }
  const labels = content.labels
    ? new Map(Object.entries(content.labels).map(([value, name]) => [Number(value), name] as const))
    : null;
  const absolute = (file: string): string => resolve(dirname(path), file);
  const clips = content.clips.map(({ name, frames, masks, framesPerSecond, spacingMm }) => ({
    name,
    open: async () => {
      if (masks.length !== frames.length)
        throw evaluateError('SONO_DATASET_MASKS_MISSING', {
          clip: name,
          count: Math.abs(frames.length - masks.length),
          total: frames.length,
          first: frames[masks.length] ?? 'none (there are more masks than frames)',
        });
      const files = masks.map((mask) => (mask === null ? null : absolute(mask)));
      const reading = await readingOf(name, files);
      return pictureClip({
        name,
        pictures: frames.map(absolute),
        masks: files,
        reading,
        readTruth: truthReader(reading.read),
        label: (value) => labels?.get(value) ?? `object ${value}`,
        framesPerSecond: framesPerSecond ?? null,
        spacingMm: spacingMm ? { x: spacingMm[0], y: spacingMm[1] } : null,
      });
    },
  }));
  return { kind: 'json', skipLastFrame: false, labels, clips };
}
