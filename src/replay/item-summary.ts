/** What is kept of a finished clip: `done.json` of an unfinished run, and the clip's entry in manifest.json. Pure. */
import { z } from 'zod';
import { providerNames } from '../onnx/provider.js';
import { sizeSchema, storedFormatSchema } from '../protocol/source-format.js';

export const itemSummarySchema = z.object({
  clip: z.string(),
  input: z.object({
    uri: z.string(),
    stream: z.string().nullable(),
    /** null: not a file. */
    sha256: z.string().nullable(),
    bytes: z.number(),
  }),
  source: storedFormatSchema,
  frames: z.int(),
  engine: z.object({
    modelName: z.string(),
    modelVersion: z.string(),
    modelSha256: z.string(),
    provider: z.enum(providerNames),
    policy: z.string(),
    inputSize: sizeSchema,
  }),
  files: z.array(z.string()),
  /** Code and sentence where the source broke off behind its last good frame. */
  cutShort: z.object({ code: z.string(), message: z.string() }).nullable(),
  timings: z.object({
    startedUnixMs: z.number(),
    seconds: z.number(),
    /** Seconds in the engine's calls. */
    engineSeconds: z.number(),
    framesPerSecond: z.number(),
  }),
});
export type ItemSummary = z.infer<typeof itemSummarySchema>;

/** Says that a clip is complete. */
export const doneName = 'done.json';
