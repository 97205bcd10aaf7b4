/**
 * The journal of an engine: every call with its frame, in the order in which the engine worked, and what came out. It is
 * what makes a recording run again frame by frame (docs/decisions/0010-exact-recordings.md). JSON, one entry per message
 * on `/<stream>/journal`; the pixels that the network saw are on `/<stream>/analysis`, under the same time stamp.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { EngineInfo, FrameResult, TrackerCommand } from '../engine/engine.js';
import { modelKinds } from '../onnx/manifest.js';
import { providerNames } from '../onnx/provider.js';
import { maskToCocoString } from '../mask/rle.js';
import type { Mask } from '../vocabulary/mask.js';
import { objectStates, promptAuthors } from '../vocabulary/prompt.js';
import { heldMeasurementSchema } from '../protocol/hold-requests.js';
import { promptFromWire, promptSchema, promptToWire } from '../protocol/requests.js';
import { sizeSchema, storedFormatSchema } from '../protocol/source-format.js';

/** Format of journal and channels; a reader refuses what is newer. */
export const recordingFormat = 1;
/** Name of the metadata record that every recording of ours carries. */
export const recordingMetadataName = 'sonoscope.recording';

export const journalTopic = (streamId: string): string => `/${streamId}/journal`;
export const analysisTopic = (streamId: string): string => `/${streamId}/analysis`;

export const objectStateSchema = z.enum(objectStates);

const frameSchema = z.object({
  streamId: z.string(),
  ptsNs: z.number(),
  captureNs: z.number(),
  mediaNs: z.number(),
  sourceFrame: z.int(),
  /** The frame's `discontinuity`. */
  pass: z.int(),
  decodedNs: z.number(),
});
export type JournalFrame = z.infer<typeof frameSchema>;

const objectSchema = z.object({
  id: z.int(),
  label: z.string(),
  state: objectStateSchema,
  score: z.number(),
  confidence: z.number(),
  areaPx: z.int(),
  /** SHA-256 (first 16 hex digits) of the mask's COCO run lengths. */
  mask: z.string(),
});
export type JournalObject = z.infer<typeof objectSchema>;

const commandSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('prompt'),
    objectId: z.int().nullable(),
    label: z.string().nullable(),
    prompts: z.array(promptSchema),
    fresh: z.boolean().optional(),
    author: z.enum(promptAuthors).optional(),
  }),
  z.object({ kind: z.literal('rename'), objectId: z.int(), label: z.string() }),
  z.object({ kind: z.literal('remove'), objectId: z.int(), restorable: z.boolean().optional() }),
  z.object({ kind: z.literal('undo'), objectId: z.int().nullable() }),
  z.object({ kind: z.literal('policy'), policy: z.string() }),
  z.object({ kind: z.literal('keep'), ptsNs: z.number() }),
  z.object({ kind: z.literal('reset') }),
]);

const entrySchema = z.discriminatedUnion('op', [
  /** The engine at the start of the recording; `snapshot` where it had worked before. */
  z.object({
    op: z.literal('engine'),
    info: z.object({
      /** Recordings of before have only trackers. */
      kind: z.enum(modelKinds).default('tracker'),
      modelName: z.string(),
      modelVersion: z.string(),
      modelSha256: z.string(),
      licence: z.string().optional(),
      provider: z.enum(providerNames),
      rejected: z.record(z.string(), z.string()),
      inputSize: sizeSchema,
      policy: z.string(),
    }),
    /** Of the machine that computed (`processorName`); recordings of before do not say. */
    processor: z.string().nullable().default(null),
    threads: z.int(),
    sourceSize: sizeSchema.nullable(),
    snapshot: z.unknown(),
  }),
  z.object({ op: z.literal('sourceSize'), size: sizeSchema }),
  z.object({ op: z.literal('restore'), snapshot: z.unknown() }),
  z.object({
    op: z.literal('track'),
    frame: frameSchema,
    objects: z.array(objectSchema),
    /** Code of the error where the call failed. */
    error: z.string().nullable(),
  }),
  z.object({
    op: z.literal('command'),
    command: commandSchema,
    frame: frameSchema.nullable(),
    objectId: z.int().nullable(),
    objects: z.array(objectSchema).nullable(),
    error: z.string().nullable(),
  }),
  /** Source of the stream, at the start and whenever it changes. */
  z.object({
    op: z.literal('source'),
    uri: z.string(),
    label: z.string(),
    epochUnixNs: z.string(),
    format: storedFormatSchema.nullable(),
  }),
  /** A measurement that somebody held: see HeldMeasurement. Its pictures are those of the video channel. */
  z.object({ op: z.literal('held'), held: heldMeasurementSchema }),
  /** Frames that were left out since the entry before, by stage. */
  z.object({ op: z.literal('drops'), drops: z.record(z.string(), z.number()) }),
]);

export type JournalEntry = z.infer<typeof entrySchema>;

/** JSON Schema of the entries, for generic viewers. */
export const journalJsonSchema = {
  type: 'object',
  title: 'sonoscope.JournalEntry',
  properties: { op: { type: 'string' } },
  required: ['op'],
} as const;

export function encodeEntry(entry: JournalEntry): Uint8Array {
  return Buffer.from(JSON.stringify(entry));
}

/** null for an entry of a kind that this version does not know. */
export function decodeEntry(bytes: Uint8Array): JournalEntry | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return null;
  }
  const parsed = entrySchema.safeParse(value);
  return parsed.success ? parsed.data : null;
}

/** SHA-256 of a mask, the first 16 hex digits: enough to notice a difference. */
export function maskHash(mask: Mask): string {
  return createHash('sha256')
    .update(`${mask.width}x${mask.height}:${maskToCocoString(mask)}`)
    .digest('hex')
    .slice(0, 16);
}

/** What the journal keeps of a result: exact numbers, and a hash of each mask. */
export function journalObjects(result: FrameResult): JournalObject[] {
  return result.objects.map(({ id, label, state, score, confidence, areaPx, mask }) => ({
    id,
    label,
    state,
    score,
    confidence,
    areaPx,
    mask: maskHash(mask),
  }));
}

export function journalCommand(command: TrackerCommand): z.infer<typeof commandSchema> {
  return command.kind === 'prompt' ? { ...command, prompts: command.prompts.map(promptToWire) } : command;
}

export function commandFromJournal(command: z.infer<typeof commandSchema>): TrackerCommand {
  return command.kind === 'prompt' ? { ...command, prompts: command.prompts.map(promptFromWire) } : command;
}

export function engineEntry(
  info: EngineInfo,
  threads: number,
  sourceSize: { width: number; height: number } | null,
  snapshot: unknown,
  processor: string,
): JournalEntry {
  const { kind, modelName, modelVersion, modelSha256, provider, rejected, inputSize, policy } = info;
  return {
    op: 'engine',
    info: {
      kind,
      modelName,
      modelVersion,
      modelSha256,
      provider,
      rejected: { ...rejected },
      inputSize: { ...inputSize },
      policy,
    },
    processor,
    threads,
    sourceSize,
    snapshot,
  };
}
