/** What a source delivers, as JSON: on the wire, in recordings and in projects. Pure; shared with the browser. */
import { z } from 'zod';
import { regionKinds, sharedSpacing, uniformCalibration } from '../vocabulary/calibration.js';
import type { SourceFormat } from '../vocabulary/frame.js';
import { pictureKinds } from '../vocabulary/picture-kind.js';

export const sizeSchema = z.object({ width: z.int(), height: z.int() });

export const spacingSchema = z.object({ x: z.number(), y: z.number() });

const place = z.object({ x: z.number(), y: z.number() });

const calibrationSchema = z.object({
  whole: spacingSchema.nullable().describe('millimetres per pixel wherever no region lies; null: unknown'),
  regions: z
    .array(
      z.object({
        x0: z.number(),
        y0: z.number(),
        x1: z.number(),
        y1: z.number(),
        kind: z.enum(regionKinds),
        spacingMm: spacingSchema.nullable().describe('null: no length can be told in it'),
        reference: place.nullable().describe('source pixel from which depth and width count; null: unknown'),
        underneath: z.boolean().describe('another region is drawn over it where they meet'),
      }),
    )
    .describe('source pixels, x0 <= x < x1 and y0 <= y < y1'),
});

/** See SourceFormat. */
export const sourceFormatSchema = z.object({
  size: sizeSchema,
  framesPerSecond: z.number().nullable(),
  pixelSpacingMm: spacingSchema
    .nullable()
    .describe('the scale of every calibrated place, where they agree; null: see `calibration`'),
  calibration: calibrationSchema,
  frameCount: z.number().nullable(),
  description: z.string(),
  pictureKind: z
    .enum(pictureKinds)
    .optional()
    .describe('what the colours of outlines are chosen for; absent: not seen yet'),
});
export type WireSourceFormat = z.infer<typeof sourceFormatSchema>;

/** As in files: those of before know one scale for all of the picture. */
export const storedFormatSchema = z.preprocess((value) => {
  if (typeof value !== 'object' || value === null || 'calibration' in value) return value;
  const spacing = spacingSchema.nullable().safeParse((value as { pixelSpacingMm?: unknown }).pixelSpacingMm);
  return spacing.success ? { ...value, calibration: uniformCalibration(spacing.data) } : value;
}, sourceFormatSchema);

export function wireFormat(format: SourceFormat): WireSourceFormat {
  const { size, framesPerSecond, calibration, frameCount, description, pictureKind } = format;
  const shared = sharedSpacing(calibration);
  return {
    size: { ...size },
    framesPerSecond,
    pixelSpacingMm: shared && { ...shared },
    calibration: {
      whole: calibration.whole && { ...calibration.whole },
      regions: calibration.regions.map((region) => ({ ...region })),
    },
    frameCount,
    description,
    ...(pictureKind !== undefined && { pictureKind }),
  };
}
