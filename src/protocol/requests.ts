/**
 * Every operation that a viewer may ask for: its name, its HTTP address, the shape of question and answer.
 * One table for Foxglove services (JSON bodies) and HTTP; the OpenAPI page is made from it. Pure; shared with the browser.
 */
import { z } from 'zod';
import { acceptanceFrames } from './acceptance.js';
import { objectStates } from '../vocabulary/prompt.js';
import type { Prompt } from '../vocabulary/prompt.js';
import { maskFromCocoString, maskToCocoString } from '../mask/rle.js';
import { protocolError } from './errors.js';
import type { SegmentationMessage } from './messages.js';

/** Limits that a client should know before it sends. */
export const limits = {
  /** One request body, bytes. */
  requestBytes: 2 * 1024 * 1024,
  /** One WebSocket message from a client, bytes; a longer one ends the connection (1009). */
  messageBytes: 4 * 1024 * 1024,
  /** One text message from a client, bytes: enough for thousands of subscriptions; a longer one is garbage. */
  textBytes: 64 * 1024,
  promptsPerRequest: 64,
  scribblePoints: 4096,
  /** Edge of any picture or mask, pixels. */
  pixels: 16384,
  labelCharacters: 80,
  uriCharacters: 4096,
  /** COCO run-length text of one mask prompt. */
  maskCharacters: 1024 * 1024,
  acceptanceSamples: 20_000,
} as const;

// Finite by zod's definition of a number; a little outside the picture is the tracker's to refuse, with a better sentence.
const coordinate = z
  .number()
  .min(-limits.pixels)
  .max(2 * limits.pixels);
const point = z.tuple([coordinate, coordinate]).describe('x, y in source pixels');
const positive = z.boolean().default(true).describe('false: this is not part of the object');

export const clickPromptSchema = z.object({ type: z.literal('click'), point, positive }).strict();
export const boxPromptSchema = z
  .object({
    type: z.literal('box'),
    box: z
      .tuple([coordinate, coordinate, coordinate, coordinate])
      .describe('x0, y0, x1, y1 in source pixels, x0 < x1 and y0 < y1'),
  })
  .strict()
  .refine(({ box: [x0, y0, x1, y1] }) => x0 < x1 && y0 < y1, 'the box must have x0 < x1 and y0 < y1');
export const scribblePromptSchema = z
  .object({
    type: z.literal('scribble'),
    points: z.array(point).min(1).max(limits.scribblePoints),
    positive,
  })
  .strict();
export const maskPromptSchema = z
  .object({
    type: z.literal('mask'),
    mask: z
      .object({
        size: z
          .tuple([z.number().int().min(1).max(limits.pixels), z.number().int().min(1).max(limits.pixels)])
          .describe("height, width: COCO's order"),
        counts: z.string().max(limits.maskCharacters).describe('COCO compressed run lengths'),
      })
      .strict(),
  })
  .strict();

export const promptSchema = z.discriminatedUnion('type', [
  clickPromptSchema,
  boxPromptSchema,
  scribblePromptSchema,
  maskPromptSchema,
]);
/** A prompt as JSON: like Prompt, but a mask is COCO run-length text. */
export type WirePrompt = z.infer<typeof promptSchema>;

/** JSON prompt → the house's prompt. Throws SONO_REQUEST_INVALID on run lengths that do not make the mask. */
export function promptFromWire(prompt: WirePrompt): Prompt {
  if (prompt.type !== 'mask') return prompt;
  const [height, width] = prompt.mask.size;
  try {
    return { type: 'mask', mask: maskFromCocoString(prompt.mask.counts, width, height) };
  } catch (cause) {
    throw protocolError(
      'SONO_REQUEST_INVALID',
      { operation: 'prompt', problem: 'the counts do not make a mask of that size' },
      cause,
    );
  }
}

export function promptToWire(prompt: Prompt): WirePrompt {
  switch (prompt.type) {
    case 'click':
      return { type: 'click', point: [...prompt.point], positive: prompt.positive };
    case 'box':
      return { type: 'box', box: [...prompt.box] };
    case 'scribble':
      return {
        type: 'scribble',
        points: prompt.points.map(([x, y]): [number, number] => [x, y]),
        positive: prompt.positive,
      };
    case 'mask':
      return {
        type: 'mask',
        mask: { size: [prompt.mask.height, prompt.mask.width], counts: maskToCocoString(prompt.mask) },
      };
  }
}

const stream = z.string().min(1).max(128).describe('id of the stream');
const objectId = z.number().int().min(1).max(0xffff_ffff);
const label = z.string().trim().min(1).max(limits.labelCharacters);
const uri = z.string().trim().min(1).max(limits.uriCharacters);
const decimal = z.string().regex(/^\d{1,19}$/, 'must be a whole number of nanoseconds');
const ptsNs = z
  .union([z.number().int().min(0).max(Number.MAX_SAFE_INTEGER), decimal.transform(Number)])
  .nullable()
  .default(null)
  .describe(
    'the frame that the person saw, nanoseconds on the stream clock (number or text); null: the newest',
  );

const size = z.object({ width: z.number().int(), height: z.number().int() });
const done = z.object({}).describe('done');

export const segmentationJsonSchema = z
  .object({
    stream: z.string(),
    timestampNs: z
      .string()
      .regex(/^\d{1,20}$/)
      .describe('Unix nanoseconds as text: the join key'),
    ptsNs: z.number(),
    captureNs: z.number(),
    sourceFrame: z.number(),
    pass: z.number(),
    maskSize: size,
    sourceSize: size,
    objects: z.array(
      z.object({
        id: z.number(),
        label: z.string(),
        state: z.enum(objectStates),
        score: z.number(),
        confidence: z.number(),
        box: z.tuple([z.number(), z.number(), z.number(), z.number()]),
        areaPx: z.number(),
        areaMm2: z.number().nullable(),
        counts: z.string(),
      }),
    ),
  })
  .describe('the same as a message of the segmentation channel');
export type SegmentationJson = z.infer<typeof segmentationJsonSchema>;

const ascii = {
  text: (bytes: Uint8Array): string => {
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    return text;
  },
  bytes: (text: string): Uint8Array =>
    Uint8Array.from({ length: text.length }, (_, index) => text.charCodeAt(index)),
};

export function segmentationToJson(message: SegmentationMessage): SegmentationJson {
  const { streamId, timestampNs, objects, ...rest } = message;
  return {
    ...rest,
    stream: streamId,
    timestampNs: String(timestampNs),
    objects: objects.map((object) => ({
      ...object,
      box: [...object.box],
      counts: ascii.text(object.counts),
    })),
  };
}

export function segmentationFromJson(json: SegmentationJson): SegmentationMessage {
  const { stream: streamId, timestampNs, objects, ...rest } = json;
  return {
    ...rest,
    streamId,
    timestampNs: BigInt(timestampNs),
    objects: objects.map((object) => ({ ...object, counts: ascii.bytes(object.counts) })),
  };
}

export const streamInfoSchema = z.object({
  id: z.string(),
  label: z.string(),
  /** Unix nanoseconds at ptsNs 0. */
  epochUnixNs: z.string(),
  sourceUri: z.string(),
  phase: z.enum(['starting', 'playing', 'lost', 'ended']),
  reason: z.string(),
  reasonCode: z.string(),
  sinceUnixMs: z.number(),
  size: size.nullable(),
  framesPerSecond: z.number().nullable(),
  pixelSpacingMm: z.object({ x: z.number(), y: z.number() }).nullable(),
  frameCount: z.number().nullable(),
  description: z.string(),
  provider: z.string(),
  model: z.string(),
  policy: z.string(),
  /** Why better execution providers were not taken, in words, by provider. */
  rejectedProviders: z.record(z.string(), z.string()),
  overlayVisible: z.boolean(),
  overlayLimitMs: z.number(),
  recording: z.boolean(),
  degraded: z.string(),
  /** Topic by kind. */
  topics: z.record(z.string(), z.string()),
});
export type StreamInfo = z.infer<typeof streamInfoSchema>;

/** Ages in ms; one per painted frame. */
const samplesMs = z.array(z.number().min(-1000).max(600_000)).min(1).max(limits.acceptanceSamples);
const note = z.string().max(2000);

export const acceptanceReportSchema = z
  .object({
    stream,
    startedUnixMs: z.number().int().min(0),
    durationMs: z.number().min(0),
    userAgent: note.default(''),
    display: z
      .object({
        width: z.number().int().min(0).max(65_536),
        height: z.number().int().min(0).max(65_536),
        devicePixelRatio: z.number().min(0).max(100),
        refreshHz: z.number().min(0).max(10_000).nullable().default(null),
      })
      .strict(),
    capturedFps: z.number().min(0).max(10_000).default(0),
    sourceSize: size.nullable().default(null),
    provider: note.default(''),
    model: note.default(''),
    clock: z
      .object({ roundTripMs: z.number().min(0), uncertaintyMs: z.number().min(0) })
      .strict()
      .describe('of the ping exchange that joined the clocks'),
    overlay: z
      .object({ samplesMs, neverPainted: z.number().int().min(0) })
      .strict()
      .describe('pictures with their own overlay; neverPainted: captured frames that got no overlay in time'),
    picture: z
      .object({ samplesMs, neverPainted: z.number().int().min(0) })
      .strict()
      .nullable()
      .default(null)
      .describe('raw pictures'),
    drops: z
      .record(z.string().max(64), z.number().int().min(0))
      .default({})
      .describe('during the test, by stage'),
    remark: note.default(''),
    author: z.string().trim().max(120).default('').describe('who made the test'),
  })
  .strict()
  .describe(`one run on one display; ${acceptanceFrames} painted frames or more give a verdict`);
export type AcceptanceReport = z.infer<typeof acceptanceReportSchema>;

const summarySchema = z.object({
  frames: z.number(),
  p50Ms: z.number(),
  p95Ms: z.number(),
  p99Ms: z.number(),
  p999Ms: z.number(),
  maxMs: z.number(),
  deadlines: z.array(
    z.object({
      limitMs: z.number(),
      missed: z.number(),
      missRate: z.number(),
      verdict: z.enum(['pass', 'fail', 'undecided']),
    }),
  ),
});

export const storedAcceptanceSchema = z.object({
  id: z.string().regex(/^[0-9A-Za-z-]{1,80}$/),
  storedUnixMs: z.number().int(),
  serverVersion: z.string(),
  /** Whoever sent it, as the server saw it; null in reports of older versions. */
  storedBy: z.object({ address: z.string(), tokenId: z.string().nullable() }).nullable().default(null),
  report: acceptanceReportSchema,
  /** Computed by the server from the samples. */
  overlay: summarySchema,
  picture: summarySchema.nullable(),
});
export type StoredAcceptance = z.infer<typeof storedAcceptanceSchema>;

interface OperationShape {
  readonly method: 'GET' | 'POST';
  /** Below /api; also documents the HTTP address. */
  readonly path: string;
  readonly summary: string;
  readonly request: z.ZodType;
  readonly response: z.ZodType;
}

/** The table. A key is the name of the Foxglove service. */
export const operations = {
  'streams.list': {
    method: 'GET',
    path: '/streams',
    summary: 'All streams of this server',
    request: z.object({}).strict(),
    response: z.object({ streams: z.array(streamInfoSchema) }),
  },
  time: {
    method: 'GET',
    path: '/time',
    summary: "The server's clocks, for joining the viewer's clock with them",
    request: z.object({}).strict(),
    response: z.object({
      monotonicNs: z.string().describe('the clock of captureNs'),
      unixNs: z.string().describe('the clock of channel log times; runs with the monotonic one'),
    }),
  },
  prompt: {
    method: 'POST',
    path: '/prompt',
    summary: 'Point at an object: a new one (objectId null) or a correction of a known one',
    request: z
      .object({
        stream,
        ptsNs,
        objectId: objectId.nullable().default(null),
        label: label.nullable().default(null),
        prompts: z.array(promptSchema).min(1).max(limits.promptsPerRequest),
      })
      .strict(),
    response: z.object({ objectId: z.number().nullable(), segmentation: segmentationJsonSchema.nullable() }),
  },
  rename: {
    method: 'POST',
    path: '/rename',
    summary: 'Give an object another name',
    request: z.object({ stream, objectId, label }).strict(),
    response: done,
  },
  remove: {
    method: 'POST',
    path: '/remove',
    summary: 'Stop following an object',
    request: z.object({ stream, objectId }).strict(),
    response: done,
  },
  undo: {
    method: 'POST',
    path: '/undo',
    summary: 'Take back the last prompt, of one object or (objectId null) of any',
    request: z.object({ stream, objectId: objectId.nullable().default(null) }).strict(),
    response: z.object({ objectId: z.number().nullable() }),
  },
  policy: {
    method: 'POST',
    path: '/policy',
    summary: 'Change how the tracker chooses what it remembers',
    request: z.object({ stream, policy: z.string().min(1).max(64) }).strict(),
    response: done,
  },
  reset: {
    method: 'POST',
    path: '/reset',
    summary: 'Forget all objects of a stream',
    request: z.object({ stream }).strict(),
    response: done,
  },
  overlay: {
    method: 'POST',
    path: '/overlay',
    summary: 'Show or hide all overlays of a stream (visible left out: toggle), for every viewer of it',
    request: z.object({ stream, visible: z.boolean().nullable().default(null) }).strict(),
    response: z.object({ visible: z.boolean() }),
  },
  'source.open': {
    method: 'POST',
    path: '/source/open',
    summary: 'Show another source in a stream; on an error the present one stays',
    request: z.object({ stream, uri }).strict(),
    response: done,
  },
  'source.probe': {
    method: 'POST',
    path: '/source/probe',
    summary: 'Try a source without showing it',
    request: z.object({ uri }).strict(),
    response: z.object({
      size,
      framesPerSecond: z.number().nullable(),
      frameCount: z.number().nullable(),
      description: z.string(),
    }),
  },
  'record.start': {
    method: 'POST',
    path: '/record/start',
    summary: 'Start recording a stream to an MCAP file on the server',
    request: z.object({ stream }).strict(),
    response: z.object({ path: z.string() }),
  },
  'record.stop': {
    method: 'POST',
    path: '/record/stop',
    summary: 'End the recording of a stream',
    request: z.object({ stream }).strict(),
    response: z.object({ path: z.string(), bytes: z.number() }),
  },
  'acceptance.store': {
    method: 'POST',
    path: '/acceptance',
    summary: 'Store the result of an acceptance test; figures and verdicts are computed from its samples',
    request: acceptanceReportSchema,
    response: storedAcceptanceSchema,
  },
} as const satisfies Record<string, OperationShape>;

export type Operations = typeof operations;
export type OperationName = keyof Operations;
/** What a client sends (defaults may be left out). */
export type RequestOf<Name extends OperationName> = z.input<Operations[Name]['request']>;
/** What a handler gets. */
export type ParsedRequestOf<Name extends OperationName> = z.output<Operations[Name]['request']>;
export type ResponseOf<Name extends OperationName> = z.output<Operations[Name]['response']>;

export const operationNames = Object.keys(operations) as OperationName[];

/** Body of every refused HTTP request. */
export const errorBodySchema = z.object({
  code: z.string().describe('stable, SONO_…; see docs/errors.md'),
  message: z.string().describe('one sentence for people'),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;

/** The first problem of a refused body, with where it is: `prompts[0].point[1]: expected number`. */
export function describeProblem(error: z.ZodError): string {
  const issue = error.issues[0];
  if (!issue) return 'it cannot be understood';
  const where = issue.path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${String(step)}`))
    .join('');
  return where === '' ? issue.message : `${where}: ${issue.message}`;
}
