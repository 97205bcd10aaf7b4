/** What the server says of itself and of all its rooms. Pure; shared with the browser. */
import { z } from 'zod';
import type { OperationShape } from './operation.js';

const bytes = z.number().describe('bytes');
const modelSchema = z.object({
  name: z.string(),
  version: z.string(),
  sha256: z.string().describe('of model.json, which holds the hashes of the weights'),
  licence: z.string(),
});

/** Where the rate of recording comes from: what is recorded now, what was recorded last since the server started, or nowhere. */
const recordingBases = ['now', 'last', 'none'] as const;

const systemSchema = z.object({
  atUnixMs: z.number(),
  upSeconds: z.number(),
  /** null: this server takes no rooms (recordings are played). */
  mostRooms: z.number().nullable(),
  machine: z.object({
    cpu: z.string(),
    cores: z.number(),
    busyCores: z
      .number()
      .describe('cores in use by everything on this computer, on average since somebody last asked'),
    memoryBytes: bytes,
    freeMemoryBytes: bytes,
    system: z.string(),
  }),
  server: z.object({ memoryBytes: bytes.describe('of the server with all models') }),
  disk: z.object({
    folder: z.string().describe('where recordings go'),
    freeBytes: bytes,
    reservedBytes: bytes.describe('of these, what uploads leave free for recordings'),
    recording: z.object({
      basis: z.enum(recordingBases),
      bytesPerSecond: z
        .number()
        .nullable()
        .describe('of all recordings of that time together; null: not known'),
      overSeconds: z.number().describe('how long it was measured'),
      recordings: z.number().describe('how many files were written'),
      hoursLeft: z.number().nullable().describe('free bytes by that rate; null: not known'),
    }),
  }),
  versions: z.object({
    sonoscope: z.string(),
    node: z.string(),
    onnxruntime: z.string(),
    gstreamer: z.string().nullable().describe('null: it is missing'),
    ffmpeg: z.string().nullable().describe('null: it is missing'),
  }),
  models: z.array(
    modelSchema.extend({
      kind: z.string().describe('tracker: follows what is marked; semantic: finds its structures by itself'),
    }),
  ),
  rooms: z.array(
    z.object({
      stream: z.string(),
      label: z.string(),
      phase: z.string(),
      model: modelSchema.nullable().describe('null: picture only'),
      reason: z.string().describe('why this model'),
      threads: z.number().nullable().describe('of the processor, for the model'),
      provider: z.string().describe('what the model runs on'),
      rejectedProviders: z.record(z.string(), z.string()).describe('why nothing faster, by provider'),
      capturedFps: z.number(),
      analysedFps: z.number(),
      captured: z.number().describe('pictures since the room was opened'),
      drops: z.record(z.string(), z.number()).describe('pictures left out since then, by place'),
      sourceMemoryBytes: bytes.nullable().describe('of the processes that read its source; null: not known'),
      recording: z.boolean(),
    }),
  ),
});
export type SystemState = z.infer<typeof systemSchema>;

/** A key is the name of the Foxglove service. */
export const systemOperations = {
  'system.get': {
    method: 'GET',
    path: '/system',
    summary: 'This computer, its versions and models, and what each room takes',
    needs: 'view',
    request: z.object({}),
    response: systemSchema,
  },
} as const satisfies Record<string, OperationShape>;
