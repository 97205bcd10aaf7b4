/**
 * What a person held in an echo room: the measurement of the last beats as it stood when they asked for it, with the two pictures it
 * was read from. Pure; shared with the browser.
 */
import { z } from 'zod';
import { echoViews } from '../vocabulary/echo.js';
import type { OperationShape, TransferShape } from './operation.js';
import { streamSchema as stream, whole } from './request-parts.js';
import { spacingSchema } from './source-format.js';

/** A room keeps this many; beyond it the oldest goes, and the answer says which. */
export const mostHolds = 32;

const id = whole(1, 1e9).describe('number of the held measurement in its room, from 1');

/** One value as it was measured: see Measurement. */
export const figureSchema = z.object({
  value: z.number().nullable().describe('null: there is no number, and the note says why'),
  unit: z.string(),
  interval: z.object({ low: z.number(), high: z.number() }).nullable(),
  quality: z.enum(['good', 'doubtful', 'rejected']),
  note: z.string(),
});
export type HeldFigure = z.infer<typeof figureSchema>;

export const beatSchema = z.object({
  number: z.number().int().describe('of the beat since the stream began or jumped'),
  endDiastolePtsNs: z.number().nullable(),
  endSystolePtsNs: z.number().nullable(),
  nextEndDiastolePtsNs: z.number().nullable(),
  endDiastolicVolume: figureSchema.nullable(),
  endSystolicVolume: figureSchema.nullable(),
  strokeVolume: figureSchema.nullable(),
  ejectionFraction: figureSchema.nullable(),
  fractionalAreaChange: figureSchema.nullable(),
  heartRate: figureSchema.nullable(),
  accepted: z.boolean(),
  reason: z.string().describe('why it does not count; empty where it does'),
});
export type HeldBeat = z.infer<typeof beatSchema>;

const pictureSchema = z.object({
  path: z.string().describe('of the JPEG, on this server'),
  ptsNs: z.number(),
  size: z.object({ width: z.number(), height: z.number() }),
  outlines: z
    .array(
      z.object({
        objectId: z.number(),
        label: z.string(),
        rings: z.array(z.array(z.tuple([z.number(), z.number()]))),
      }),
    )
    .describe('in pixels of the picture'),
});
export type HeldPicture = z.infer<typeof pictureSchema>;

const biplaneSchema = z.object({
  ejectionFraction: figureSchema,
  endDiastolicVolume: figureSchema.nullable(),
  endSystolicVolume: figureSchema.nullable(),
  other: z
    .object({
      stream: z.string(),
      holdId: z.number().int().nullable().describe('null: it is what that stream showed at the same time'),
    })
    .nullable()
    .describe('where the other view comes from; null: there is none'),
});
export type HeldBiplane = z.infer<typeof biplaneSchema>;

const view = z.enum(echoViews).describe('apical four-chamber or apical two-chamber');

export const heldMeasurementSchema = z.object({
  id: z.number().int(),
  stream: z.string(),
  label: z.string().describe('of the room'),
  sourceUri: z.string(),
  takenAtUnixMs: z.number(),
  ptsNs: z.number().describe('of the picture on which it stood so'),
  timestampNs: z.string().describe('the same as Unix nanoseconds: the join key'),
  model: z.object({ name: z.string(), version: z.string(), sha256: z.string() }).nullable(),
  pixelSpacingMm: spacingSchema
    .nullable()
    .describe('the scale of every calibrated place, where they agree; null: they do not, or there is none'),
  calibrated: z.boolean().optional().describe('absent in recordings of before: see `pixelSpacingMm`'),
  singlePlane: z.literal(true).describe('from one view, by the method of disks'),
  ejectionFraction: figureSchema,
  endDiastolicVolume: figureSchema.nullable(),
  endSystolicVolume: figureSchema.nullable(),
  heartRate: figureSchema.nullable(),
  view,
  biplane: biplaneSchema
    .nullable()
    .describe('from this view and the other one; null: nobody has said that there are two'),
  beats: z.array(beatSchema).describe('the last ones, oldest first, also those that do not count'),
  pictures: z
    .object({
      beat: z.number().int(),
      endDiastole: pictureSchema.nullable(),
      endSystole: pictureSchema.nullable(),
    })
    .nullable()
    .describe('of the last beat that counts; null: they were not received'),
});
export type HeldMeasurement = z.infer<typeof heldMeasurementSchema>;

/** A key is the name of the Foxglove service. */
export const holdOperations = {
  'echo.hold': {
    method: 'POST',
    path: '/rooms/:stream/holds',
    summary:
      'Hold the ejection fraction of the last beats with its two pictures; refused while there is no number',
    needs: 'mark',
    request: z.object({ stream }).strict(),
    response: z.object({
      held: heldMeasurementSchema,
      dropped: z.array(z.number()).describe(`ids that went because a room keeps ${mostHolds}`),
    }),
  },
  'echo.holds': {
    method: 'GET',
    path: '/rooms/:stream/holds',
    summary: 'Held measurements of a room, oldest first',
    needs: 'view',
    request: z.object({ stream }).strict(),
    response: z.object({ holds: z.array(heldMeasurementSchema) }),
  },
  'echo.held': {
    method: 'GET',
    path: '/rooms/:stream/holds/:id',
    summary: 'One held measurement',
    needs: 'view',
    request: z.object({ stream, id }).strict(),
    response: heldMeasurementSchema,
  },
  'echo.view': {
    method: 'POST',
    path: '/rooms/:stream/view',
    summary: 'Say which apical view a room shows: two of them, held or at once, give one biplane volume',
    needs: 'mark',
    live: true,
    request: z.object({ stream, view }).strict(),
    response: z.object({ view }),
  },
} as const satisfies Record<string, OperationShape>;

export const holdMoments = ['end-diastole', 'end-systole'] as const;
export type HoldMoment = (typeof holdMoments)[number];

export const holdTransfers = {
  'echo.picture': {
    method: 'GET',
    path: '/rooms/:stream/holds/:id/:moment',
    summary: 'Picture of a held measurement: end-diastole or end-systole',
    needs: 'view',
    request: z.object({ stream, id, moment: z.enum(holdMoments) }),
    takes: null,
    answers: 'image/jpeg',
  },
} as const satisfies Record<string, TransferShape>;

/** Address of a picture of a held measurement. */
export function holdPicturePath(streamId: string, holdId: number, moment: HoldMoment): string {
  return `/api/rooms/${encodeURIComponent(streamId)}/holds/${holdId}/${moment}`;
}
