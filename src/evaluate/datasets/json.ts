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
import { type Dataset, isFile, wrongLayout } from './dataset.js';
import { detectLabels, pictureClip, truthReader } from './pictures.js';

const schema = z.strictObject({
  labels: z.record(z.string().regex(/^([1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-4])$/), z.string()).optional(),
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
    .min(1),
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
      return pictureClip({
        name,
        pictures: frames.map(absolute),
        masks: files,
        readTruth: truthReader(await detectLabels(files)),
        label: (value) => labels?.get(value) ?? `object ${value}`,
        framesPerSecond: framesPerSecond ?? null,
        spacingMm: spacingMm ? { x: spacingMm[0], y: spacingMm[1] } : null,
      });
    },
  }));
  return { kind: 'json', skipLastFrame: false, labels, clips };
}
