/**
 * What viewers can ask the server to do: one table of implementations behind both ways in (Foxglove services and HTTP).
 * Extensions add rows of their own (ServerOptions.extraServices) without touching this file. Runs in the main process.
 */
import { basename, relative } from 'node:path';
import { Readable } from 'node:stream';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { SonoError } from '../vocabulary/errors.js';
import { codedFault } from '../vocabulary/faults.js';
import type { SourceFormat } from '../vocabulary/frame.js';
import { monotonicNs, unixNsOfMonotonic } from '../node/clock.js';
import type { TrackerCommand } from '../engine/engine.js';
import { pipelineError } from '../pipeline/errors.js';
import { gestureSeconds, type HeldGestures } from '../pipeline/held-gestures.js';
import type { Room } from '../pipeline/room.js';
import { channelKinds, channelTopic } from '../protocol/channels.js';
import { protocolError } from '../protocol/errors.js';
import type { OperationShape, Right, TransferShape } from '../protocol/operation.js';
import {
  describeProblem,
  segmentationToJson,
  serverOperations,
  serverTransfers,
} from '../protocol/requests.js';
import type { StreamInfo } from '../protocol/requests.js';
import { wireFormat, type WireSourceFormat } from '../protocol/source-format.js';
import { acceptancePage } from './acceptance-page.js';
import type { AcceptanceStore } from './acceptance-store.js';
import { audit } from './audit.js';
import { isSonoError, serverError } from './errors.js';
import type { Caller } from './caller.js';
import { segmentationOf } from '../protocol/room-messages.js';
import type { RoomRegistry } from './room-registry.js';
import type { StoredFiles } from './stored-files.js';
import type { Uploads } from './uploads.js';

/** Whoever asks, for every operation. */
export interface CallContext {
  readonly logger: Logger;
  /** Lines about who did what. */
  readonly auditLog: Logger;
  /** Who it is, and what they may do. */
  readonly caller: Caller;
  /** Aborted when whoever asked has left. */
  readonly asker: AbortSignal;
}

/** The same over HTTP, where a file may come with the question. */
export interface TransferContext extends CallContext {
  /** null: this operation takes no file. `bytes`: what the sender says, null where it says nothing. */
  readonly file: { readonly stream: Readable; readonly bytes: number | null } | null;
}

interface Named {
  /** Name of the operation, and of the Foxglove service. */
  readonly name: string;
}

/** An operation over both ways in. Make it with `defineService` or `defineServices`, which tie the types together. */
export interface Service extends Named, OperationShape {
  /** `request` has passed the schema. */
  readonly handle: (request: unknown, context: CallContext) => Promise<unknown>;
}

/** What a transfer answers: `body` is JSON where `answers` is a schema. */
export interface TransferAnswer {
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An operation over HTTP alone, because a file or a page goes one way or the other. Make it with `defineTransfer`. */
interface Transfer extends Named, TransferShape {
  readonly handle: (request: unknown, context: TransferContext) => Promise<TransferAnswer>;
}

/** Also what an extension hands in. */
export type Row = Service | Transfer;

export function isService(row: Row): row is Service {
  return 'response' in row;
}

/** An answer may be read-only. */
type Given<Answer> = Answer extends readonly (infer Item)[]
  ? readonly Given<Item>[]
  : Answer extends object
    ? { readonly [Key in keyof Answer]: Given<Answer[Key]> }
    : Answer;

type Handler<Shape extends OperationShape> = (
  request: z.output<Shape['request']>,
  context: CallContext,
) => Promise<Given<z.output<Shape['response']>>> | Given<z.output<Shape['response']>>;

export function defineService<Request extends z.ZodType, Response extends z.ZodType>(
  service: Omit<Service, 'request' | 'response' | 'handle'> & {
    readonly request: Request;
    readonly response: Response;
    readonly handle: Handler<{ request: Request; response: Response } & OperationShape>;
  },
): Service {
  return {
    ...service,
    handle: async (request, context) => service.handle(request as z.output<Request>, context),
  };
}

/** Every row of a table of operations, each with its handler. */
export function defineServices<Table extends Readonly<Record<string, OperationShape>>>(
  table: Table,
  handlers: { readonly [Name in keyof Table]: Handler<Table[Name]> },
): readonly Service[] {
  return Object.entries(table).map(([name, shape]) =>
    defineService({
      name,
      ...shape,
      handle: handlers[name] as Handler<OperationShape>,
    }),
  );
}

export function defineTransfer<Shape extends TransferShape>(
  name: string,
  shape: Shape,
  handle: (request: z.output<Shape['request']>, context: TransferContext) => Promise<TransferAnswer>,
): Transfer {
  return {
    name,
    ...shape,
    handle: (request, context) => handle(request as z.output<Shape['request']>, context),
  };
}

/** Starts and ends recordings of rooms. The application provides it. */
export interface RecordingControl {
  start(room: Room): Promise<{ readonly path: string }>;
  stop(room: Room): Promise<{ readonly path: string; readonly bytes: number }>;
  /** Files that are being written now. */
  readonly paths: readonly string[];
}

export type ListFolder = (
  uri: string,
  asker: AbortSignal,
) => Promise<{
  readonly folder: string;
  readonly clips: readonly {
    readonly uri: string;
    readonly name: string;
    readonly pictures: number | null;
  }[];
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
  readonly more: boolean;
}>;

interface ServiceDependencies {
  readonly rooms: RoomRegistry;
  readonly acceptance: AcceptanceStore | null;
  readonly uploads: Uploads | null;
  /** Files that may be listed and deleted; null: none are kept. */
  readonly storedFiles: Readonly<Record<'uploads' | 'recordings', StoredFiles>> | null;
  /** Opens a source until its format is known, then closes it; rejects with its coded error. */
  readonly probeSource: ((uri: string, asker: AbortSignal) => Promise<SourceFormat>) | null;
  /** What a folder holds; rejects with a coded error. */
  readonly listFolder: ListFolder | null;
  readonly recording: RecordingControl | null;
  /** Whether viewers may open this address. Rejects with a coded error. */
  readonly checkSource: (uri: string) => Promise<void>;
}

/** Before the first frame nothing is known of a source. */
function shownFormat(format: SourceFormat | null): Pick<StreamInfo, keyof WireSourceFormat> {
  if (format !== null) return wireFormat(format);
  return {
    size: null,
    framesPerSecond: null,
    pixelSpacingMm: null,
    calibration: { whole: null, regions: [] },
    frameCount: null,
    description: '',
  };
}

function describeStream(room: Room): StreamInfo {
  const { health, format } = room;
  const lost = health.source.phase === 'lost' ? health.source.reason : null;
  return {
    id: room.id,
    label: room.label,
    epochUnixNs: String(room.epochUnixNs),
    sourceUri: room.sourceUri,
    phase: health.source.phase,
    reason: lost?.message ?? '',
    reasonCode: lost?.code ?? '',
    sinceUnixMs: health.sinceUnixMs,
    ...shownFormat(format),
    provider: health.engine?.provider ?? 'none',
    model: health.engine ? `${health.engine.modelName} ${health.engine.modelVersion}` : '',
    policy: health.engine?.policy ?? '',
    rejectedProviders: { ...health.engine?.rejected },
    overlayVisible: health.overlayVisible,
    overlayLimitMs: health.overlayLimitMs,
    recording: health.recording,
    degraded: health.degraded ?? '',
    topics: Object.fromEntries(channelKinds.map((kind) => [kind, channelTopic(room.id, kind)])),
  };
}

function offered<T>(value: T | null, operation: string): T {
  if (value === null) throw serverError('SONO_NOT_OFFERED', { operation });
  return value;
}

function serverServices(dependencies: ServiceDependencies): readonly Service[] {
  const { rooms, acceptance, probeSource, listFolder, recording, checkSource, storedFiles } = dependencies;
  const told = async (stream: string, command: TrackerCommand) => {
    await rooms.get(stream).command(command, null);
    return {};
  };
  const gesturesOf = (stream: string): HeldGestures => {
    const { gestures } = rooms.get(stream);
    if (!gestures) throw pipelineError('SONO_ANALYSIS_OFF', { reason: 'no model was chosen for it' });
    return gestures;
  };
  const askerName = ({ viewer, address }: Caller): string => viewer ?? address;
  return defineServices(serverOperations, {
    'streams.list': () => ({ streams: rooms.rooms.map(describeStream) }),
    time: () => {
      const now = monotonicNs();
      return { monotonicNs: String(now), unixNs: String(unixNsOfMonotonic(now)) };
    },
    prompt: async ({ stream, ptsNs, objectId, label, prompts }) => {
      const room = rooms.get(stream);
      const reply = await room.command({ kind: 'prompt', objectId, label, prompts, author: 'person' }, ptsNs);
      return {
        objectId: reply.objectId,
        segmentation: reply.result && segmentationToJson(segmentationOf(reply.result, room)),
      };
    },
    rename: ({ stream, objectId, label }) => told(stream, { kind: 'rename', objectId, label }),
    'gesture.begin': ({ stream, ptsNs }, { caller, asker }) => ({
      // A request over HTTP has no connection that could end.
      ...gesturesOf(stream).begin(ptsNs, askerName(caller), caller.viewer === null ? undefined : asker),
      seconds: gestureSeconds,
    }),
    'gesture.end': ({ stream, gesture }, { caller }) => {
      gesturesOf(stream).end(gesture, askerName(caller));
      return {};
    },
    remove: ({ stream, objectId }) => told(stream, { kind: 'remove', objectId, restorable: true }),
    undo: async ({ stream, objectId }) => ({
      objectId: (await rooms.get(stream).command({ kind: 'undo', objectId }, null)).objectId,
    }),
    policy: ({ stream, policy }) => told(stream, { kind: 'policy', policy }),
    reset: ({ stream }) => told(stream, { kind: 'reset' }),
    overlay: ({ stream, visible }) => {
      const room = rooms.get(stream);
      const wanted = visible ?? !room.health.overlayVisible;
      room.setOverlayVisible(wanted);
      return { visible: wanted };
    },
    'source.open': async ({ stream, uri }, { asker }) => {
      const room = rooms.get(stream);
      await checkSource(uri);
      await room.openSource(uri, asker);
      return {};
    },
    'source.probe': async ({ uri }, { asker }) => {
      const probe = offered(probeSource, 'source.probe');
      await checkSource(uri);
      const { size, framesPerSecond, frameCount, description } = await probe(uri, asker);
      return { size, framesPerSecond, frameCount, description };
    },
    'source.list': async ({ uri }, { asker }) => {
      const list = offered(listFolder, 'source.list');
      await checkSource(uri);
      const { folder, clips, skipped, more } = await list(uri, asker);
      const nameOf = (path: string): string => relative(folder, path) || basename(path);
      return {
        clips: clips.map((clip) => ({ ...clip, name: nameOf(clip.name) })),
        skipped: skipped.map(({ path, reason }) => ({ name: nameOf(path), reason })),
        more,
      };
    },
    'record.start': ({ stream }) => {
      const room = rooms.get(stream);
      return offered(recording, 'record.start').start(room);
    },
    'record.stop': ({ stream }) => {
      const room = rooms.get(stream);
      return offered(recording, 'record.stop').stop(room);
    },
    'acceptance.store': (report, { caller }) => offered(acceptance, 'acceptance.store').store(report, caller),
    'acceptance.list': async () => ({ reports: await offered(acceptance, 'acceptance').list() }),
    'acceptance.get': ({ id }) => offered(acceptance, 'acceptance').get(id),
    'uploads.list': async () => ({ files: await offered(storedFiles, 'uploads').uploads.list() }),
    'uploads.remove': async ({ name }) => {
      await offered(storedFiles, 'uploads').uploads.remove(name);
      return {};
    },
    'recordings.list': async () => ({ files: await offered(storedFiles, 'recordings').recordings.list() }),
    'recordings.remove': async ({ name }) => {
      await offered(storedFiles, 'recordings').recordings.remove(name);
      return {};
    },
  });
}

function serverTransferRows({ acceptance, uploads }: ServiceDependencies): readonly Transfer[] {
  return [
    defineTransfer('acceptance.page', serverTransfers['acceptance.page'], async ({ id }) => ({
      body: acceptancePage(await offered(acceptance, 'acceptance').get(id)),
    })),
    defineTransfer('uploads.store', serverTransfers['uploads.store'], async ({ filename }, { file }) => {
      const store = offered(uploads, 'uploads');
      return { body: await store.store(filename, file?.stream ?? Readable.from([]), file?.bytes ?? null) };
    }),
  ];
}

/** What operations cannot do without. */
const needs: readonly (readonly [need: keyof ServiceDependencies, operations: readonly string[]])[] = [
  ['probeSource', ['source.probe']],
  ['listFolder', ['source.list']],
  ['recording', ['record.start', 'record.stop']],
  ['acceptance', ['acceptance.store', 'acceptance.list', 'acceptance.get', 'acceptance.page']],
  ['uploads', ['uploads.store']],
  ['storedFiles', ['uploads.list', 'uploads.remove', 'recordings.list', 'recordings.remove']],
];

/**
 * Whether this server lists an operation on /api. The others still answer, over HTTP and as services, with the reason why not.
 * `live`: its rooms show sources that can be changed, and are no recordings that are played.
 */
export function isOffered(row: Row, dependencies: ServiceDependencies, live: boolean): boolean {
  const missing = needs.some(([need, names]) => dependencies[need] === null && names.includes(row.name));
  return !missing && (live || row.live !== true);
}

/** The whole table: ours, then the extensions'. */
export function serviceTable(
  dependencies: ServiceDependencies,
  extra: readonly Row[],
): ReadonlyMap<string, Row> {
  const table = new Map<string, Row>();
  for (const row of [...serverServices(dependencies), ...serverTransferRows(dependencies), ...extra]) {
    if (table.has(row.name)) throw new Error(`two services are called ${row.name}`);
    table.set(row.name, row);
  }
  return table;
}

/** Any failure of a request as a coded error; what is not one of ours is a fault. */
export function codedError(error: unknown, operation: string, logger: Logger): SonoError {
  if (isSonoError(error)) {
    logger.debug({ operation, code: error.code, err: error }, 'request refused');
    return error;
  }
  return codedFault('request', operation, error, (cause) => serverError('SONO_SERVER_FAULT', {}, cause));
}

/** Whether the log says who did it: it changes something or hands results out. */
export function leavesLine(row: OperationShape | TransferShape): boolean {
  return row.method !== 'GET' || ('noted' in row && row.noted === true);
}

/** SONO_NOT_ALLOWED where the caller lacks the right, else null. */
export function rightRefusal(caller: Caller, needs: Right, operation: string): SonoError | null {
  return caller.rights.includes(needs) ? null : serverError('SONO_NOT_ALLOWED', { operation, needs });
}

/**
 * Checks right and question, runs the operation and returns its answer; throws coded errors only. What changes anything or
 * hands out results leaves a line in the log.
 */
export async function callRow<Context extends CallContext, Answer>(
  row: (OperationShape | TransferShape) &
    Named & { readonly handle: (request: unknown, context: Context) => Promise<Answer> },
  body: unknown,
  context: Context,
): Promise<Answer> {
  const { name, needs, named } = row;
  const { caller, auditLog, logger } = context;
  const request = row.request.safeParse(body);
  const note = (outcome: string): void => {
    if (leavesLine(row)) audit(auditLog, name, caller, request.data ?? body, outcome, named);
  };
  try {
    const refusal = rightRefusal(caller, needs, name);
    if (refusal) throw refusal;
    if (!request.success) {
      const problem = describeProblem(request.error);
      throw protocolError('SONO_REQUEST_INVALID', { operation: name, problem });
    }
    const answer = await row.handle(request.data, context);
    note('ok');
    return answer;
  } catch (error) {
    const coded = codedError(error, name, logger);
    note(String(coded.code));
    throw coded;
  }
}
