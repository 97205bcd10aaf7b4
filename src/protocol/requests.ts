/**
 * The operations on rooms, files and reports: name, HTTP address, right, shape of question and answer. One table for Foxglove
 * services (JSON bodies) and HTTP; the OpenAPI page is made from it. Pure; shared with the browser.
 */
import { z } from 'zod';
import { acceptanceFrames } from './acceptance.js';
import type { OperationShape, TransferShape } from './operation.js';
import { objectStates, promptLimits } from '../vocabulary/prompt.js';
import type { SegmentationMessage } from './messages.js';
import { labelSchema as label, promptsSchema } from './prompt-schema.js';
import { streamSchema as stream } from './request-parts.js';
import { sizeSchema as size, sourceFormatSchema } from './source-format.js';

export { promptFromWire, promptSchema, promptToWire, type WirePrompt } from './prompt-schema.js';

/** Limits that a client should know before it sends. */
export const limits = {
  /** One request body, bytes. */
  requestBytes: 2 * 1024 * 1024,
  /** One WebSocket message from a client, bytes; a longer one ends the connection (1009). */
  messageBytes: 4 * 1024 * 1024,
  /** One text message from a client, bytes: enough for thousands of subscriptions; a longer one is garbage. */
  textBytes: 64 * 1024,
  promptsPerRequest: promptLimits.marks,
  scribblePoints: promptLimits.points,
  labelCharacters: promptLimits.labelCharacters,
  uriCharacters: 4096,
  acceptanceSamples: 20_000,
} as const;

const objectId = z.number().int().min(1).max(0xffff_ffff).describe('number of the object');
export const uri = z
  .string()
  .trim()
  .min(1)
  .max(limits.uriCharacters)
  .meta({ examples: ['synthetic:laparoscopy?seed=2'] });
const decimal = z.string().regex(/^\d{1,19}$/, 'must be a whole number of nanoseconds');
const ptsNs = z
  .union([z.number().int().min(0).max(Number.MAX_SAFE_INTEGER), decimal.transform(Number)])
  .nullable()
  .default(null)
  .describe(
    'the frame that the person saw, nanoseconds on the stream clock (number or text); null: the newest',
  );

const done = z.object({}).describe('done');

export const objectStateSchema = z.enum(objectStates);

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
        state: objectStateSchema,
        score: z.number(),
        confidence: z.number(),
        box: z.tuple([z.number(), z.number(), z.number(), z.number()]),
        areaPx: z.number(),
        areaMm2: z.number().nullable(),
        colour: z.string().describe('what the object is drawn with'),
        counts: z.string(),
      }),
    ),
  })
  .describe('the same as a message of the segmentation channel');
export type SegmentationJson = z.infer<typeof segmentationJsonSchema>;

export function segmentationToJson(message: SegmentationMessage): SegmentationJson {
  const { streamId, timestampNs, objects, ...rest } = message;
  return {
    ...rest,
    stream: streamId,
    timestampNs: String(timestampNs),
    objects: objects.map((object) => ({
      ...object,
      box: [...object.box],
      counts: Array.from(object.counts, (byte) => String.fromCharCode(byte)).join(''),
    })),
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
  ...sourceFormatSchema.shape,
  size: size.nullable(),
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

const storedFile = z.object({
  name: z.string(),
  path: z.string(),
  bytes: z.number(),
  storedUnixMs: z.number(),
});
const noQuestion = z.object({});
const reportId = z.string().meta({ examples: ['2026-11-28T10-00-00-000Z'] });

function fileList(path: string, summary: string) {
  const response = z.object({ files: z.array(storedFile) });
  return { method: 'GET', path, summary, needs: 'view', request: noQuestion, response } as const;
}

function fileRemoval(path: string) {
  return {
    method: 'DELETE',
    path: `${path}/:name`,
    summary: 'Delete one for good; not while it is recorded, shown or worked on',
    needs: 'manage',
    request: z.object({
      name: z.string().meta({ description: 'as it stands in the list', examples: ['case.mp4'] }),
    }),
    named: 'name',
    response: done,
  } as const;
}

/** A key is the name of the Foxglove service. */
export const serverOperations = {
  'streams.list': {
    method: 'GET',
    path: '/streams',
    summary: 'All streams of this server',
    needs: 'view',
    request: z.object({}).strict(),
    response: z.object({ streams: z.array(streamInfoSchema) }),
  },
  time: {
    method: 'GET',
    path: '/time',
    summary: "The server's clocks, for joining the viewer's clock with them",
    needs: 'view',
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
    needs: 'mark',
    live: true,
    request: z
      .object({
        stream,
        ptsNs,
        objectId: objectId.nullable().default(null),
        label: label.nullable().default(null),
        prompts: promptsSchema,
      })
      .strict(),
    response: z.object({ objectId: z.number().nullable(), segmentation: segmentationJsonSchema.nullable() }),
  },
  'gesture.begin': {
    method: 'POST',
    path: '/gesture/begin',
    summary:
      'Hold a picture while somebody draws on it, so that the prompt may come later than two seconds after it',
    needs: 'mark',
    live: true,
    request: z.object({ stream, ptsNs }).strict(),
    response: z.object({
      gesture: z.number().int(),
      ptsNs: z.number().describe('the frame that is held'),
      seconds: z.number().describe('for so long at most'),
    }),
  },
  'gesture.end': {
    method: 'POST',
    path: '/gesture/end',
    summary: 'Let the picture of a gesture go; also done when its viewer leaves',
    needs: 'mark',
    live: true,
    request: z.object({ stream, gesture: z.number().int().min(1).describe('of "gesture.begin"') }).strict(),
    response: done,
  },
  rename: {
    method: 'POST',
    path: '/rename',
    summary: 'Give an object another name',
    needs: 'mark',
    live: true,
    request: z.object({ stream, objectId, label }).strict(),
    response: done,
  },
  remove: {
    method: 'POST',
    path: '/remove',
    summary: 'Stop following an object; for 30 seconds "undo" brings it back with everything it remembers',
    needs: 'mark',
    live: true,
    request: z.object({ stream, objectId }).strict(),
    response: done,
  },
  undo: {
    method: 'POST',
    path: '/undo',
    summary: 'Take back the last prompt, of one object or (objectId null) of any',
    needs: 'mark',
    live: true,
    request: z.object({ stream, objectId: objectId.nullable().default(null) }).strict(),
    response: z.object({ objectId: z.number().nullable() }),
  },
  policy: {
    method: 'POST',
    path: '/policy',
    summary: 'Change how the tracker chooses what it remembers',
    needs: 'mark',
    live: true,
    request: z
      .object({
        stream,
        policy: z
          .string()
          .min(1)
          .max(64)
          .meta({ examples: ['gated'] }),
      })
      .strict(),
    response: done,
  },
  reset: {
    method: 'POST',
    path: '/reset',
    summary: 'Forget all objects of a stream',
    needs: 'mark',
    live: true,
    request: z.object({ stream }).strict(),
    response: done,
  },
  overlay: {
    method: 'POST',
    path: '/overlay',
    summary: 'Show or hide all overlays of a stream (visible left out: toggle), for every viewer of it',
    needs: 'mark',
    request: z
      .object({
        stream,
        visible: z.boolean().nullable().default(null).describe('left out: the other way round'),
      })
      .strict(),
    response: z.object({ visible: z.boolean() }),
  },
  'source.open': {
    method: 'POST',
    path: '/source/open',
    summary: 'Show another source in a stream; on an error the present one stays',
    needs: 'manage',
    live: true,
    request: z.object({ stream, uri }).strict(),
    response: done,
  },
  'source.probe': {
    method: 'POST',
    path: '/source/probe',
    summary: 'Try a source without showing it',
    needs: 'manage',
    request: z.object({ uri }).strict(),
    response: sourceFormatSchema.omit({ pixelSpacingMm: true, calibration: true }),
  },
  'source.list': {
    method: 'POST',
    path: '/source/list',
    summary: 'The recordings in a folder of the server and in its folders, by what they hold',
    needs: 'manage',
    request: z.object({ uri }).strict(),
    response: z.object({
      clips: z.array(
        z.object({
          uri: z.string().describe('to be opened with "source.open" or "projects.open"'),
          name: z.string().describe('from the folder on'),
          pictures: z.number().nullable().describe('where each is a file of its own'),
        }),
      ),
      skipped: z
        .array(z.object({ name: z.string(), reason: z.string() }))
        .describe('files that are no recording'),
      more: z.boolean().describe('there is more than was looked at'),
    }),
  },
  'record.start': {
    method: 'POST',
    path: '/record/start',
    summary: 'Start recording a stream to an MCAP file on the server',
    needs: 'manage',
    live: true,
    request: z.object({ stream }).strict(),
    response: z.object({ path: z.string() }),
  },
  'record.stop': {
    method: 'POST',
    path: '/record/stop',
    summary: 'End the recording of a stream',
    needs: 'manage',
    live: true,
    request: z.object({ stream }).strict(),
    response: z.object({ path: z.string(), bytes: z.number() }),
  },
  'acceptance.store': {
    method: 'POST',
    path: '/acceptance',
    summary: 'Store the result of an acceptance test; figures and verdicts are computed from its samples',
    needs: 'manage',
    request: acceptanceReportSchema,
    response: storedAcceptanceSchema,
  },
  'acceptance.list': {
    method: 'GET',
    path: '/acceptance',
    summary: 'Stored acceptance tests, newest first',
    needs: 'view',
    request: noQuestion,
    response: z.object({
      reports: z.array(
        z.object({
          id: z.string(),
          storedUnixMs: z.number(),
          stream: z.string(),
          author: z.string().describe('who made the test, as they wrote it'),
          frames: z.number(),
          p95Ms: z.number(),
          verdicts: z.array(z.object({ limitMs: z.number(), verdict: z.string() })),
        }),
      ),
    }),
  },
  'acceptance.get': {
    method: 'GET',
    path: '/acceptance/:id',
    summary: 'One stored acceptance test',
    needs: 'view',
    request: z.object({ id: reportId }),
    response: storedAcceptanceSchema,
  },
  'uploads.list': fileList('/uploads', 'Files that were sent to the server, newest first'),
  'uploads.remove': fileRemoval('/uploads'),
  'recordings.list': fileList('/recordings', 'Recordings started in the browser, newest first'),
  'recordings.remove': fileRemoval('/recordings'),
} as const satisfies Record<string, OperationShape>;

/** What goes over HTTP alone: a page to print, and files that are sent. */
export const serverTransfers = {
  'acceptance.page': {
    method: 'GET',
    path: '/acceptance/:id/report',
    summary: 'One stored acceptance test as a page to print',
    needs: 'view',
    request: z.object({ id: reportId }),
    takes: null,
    answers: 'text/html',
  },
  'uploads.store': {
    method: 'POST',
    path: '/uploads',
    summary: 'Send a recording to the server; the body is the file',
    needs: 'manage',
    request: z.object({
      filename: z
        .string()
        .catch('')
        .meta({ description: 'its name on this computer', examples: ['case.mp4'] }),
    }),
    named: 'filename',
    takes: 'application/octet-stream',
    answers: z.object({
      name: z.string(),
      path: z.string(),
      bytes: z.number().int(),
      already: z.boolean().describe('a file with the same bytes had been sent before: it is that one'),
    }),
  },
} as const satisfies Record<string, TransferShape>;

/** Body of every refused HTTP request. */
export const errorBodySchema = z.object({
  code: z.string().describe('stable, SONO_…; see docs/errors.md'),
  message: z.string().describe('one sentence for people'),
  exitCode: z
    .union([z.literal(2), z.literal(3), z.literal(4), z.literal(5)])
    .catch(3)
    .describe('with which a command ends for it: 2 wrong use, 3 source, 4 model, 5 environment'),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;

/** The first problem of a refused body, with where it is: `prompts[0].point[1]: expected number`. */
export function describeProblem(error: z.ZodError): string {
  const issue = error.issues[0];
  if (!issue) return 'it cannot be understood';
  const where = issue.path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${String(step)}`))
    .join('');
  if (where === '') return issue.message;
  return / received undefined$/.test(issue.message) ? `${where} is missing` : `${where}: ${issue.message}`;
}
