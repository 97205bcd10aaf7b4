/**
 * What viewers can ask the server to do: one table of implementations behind both ways in (Foxglove services and HTTP).
 * Extensions add rows of their own (ServerOptions.extraServices) without touching this file.
 */
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { SonoError } from '../vocabulary/errors.js';
import { codedFault } from '../vocabulary/faults.js';
import type { SourceFormat } from '../vocabulary/frame.js';
import type { Room } from '../pipeline/room.js';
import { channelKinds, channelTopic } from '../protocol/channels.js';
import { protocolError } from '../protocol/errors.js';
import { describeProblem, operationNames, operations, segmentationToJson } from '../protocol/requests.js';
import type { OperationName, ParsedRequestOf, ResponseOf, StreamInfo } from '../protocol/requests.js';
import type { AcceptanceStore } from './acceptance-store.js';
import { audit } from './audit.js';
import { isSonoError, serverError } from './errors.js';
import type { Caller } from './caller.js';
import { segmentationOf } from './room-channels.js';
import type { RoomRegistry } from './room-registry.js';
import { monotonicNs, unixNsOfMonotonic } from '../node/clock.js';

export interface CallContext {
  readonly logger: Logger;
  /** Lines about who did what. */
  readonly auditLog: Logger;
  readonly caller: Caller;
  /** Aborted when whoever asked has left. */
  readonly asker: AbortSignal;
}

/** One row of the table: also what an extension hands in. Make it with `defineService`, which ties the types together. */
export interface Service {
  /** Name of the Foxglove service, for example `projects.open`. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** Below /api, starts with a slash. */
  readonly path: string;
  readonly summary: string;
  readonly request: z.ZodType;
  readonly response: z.ZodType;
  /** `request` has passed the schema. */
  readonly handle: (request: unknown, context: CallContext) => Promise<unknown>;
}

export function defineService<Request extends z.ZodType, Response extends z.ZodType>(
  service: Omit<Service, 'request' | 'response' | 'handle'> & {
    readonly request: Request;
    readonly response: Response;
    readonly handle: (
      request: z.output<Request>,
      context: CallContext,
    ) => Promise<z.output<Response>> | z.output<Response>;
  },
): Service {
  return {
    ...service,
    handle: async (request, context) => service.handle(request as z.output<Request>, context),
  };
}

/** Starts and ends recordings of rooms; the recorder brings it. */
export interface RecordingControl {
  start(room: Room): Promise<{ readonly path: string }>;
  stop(room: Room): Promise<{ readonly path: string; readonly bytes: number }>;
  /** Files that are being written now. */
  readonly paths: readonly string[];
}

export interface ServiceDependencies {
  readonly rooms: RoomRegistry;
  readonly acceptance: AcceptanceStore | null;
  /** Opens a source until its format is known, then closes it; rejects with its coded error. */
  readonly probeSource: ((uri: string, asker: AbortSignal) => Promise<SourceFormat>) | null;
  readonly recording: RecordingControl | null;
  /** Whether viewers may open this address. Rejects with a coded error. */
  readonly checkSource: (uri: string) => Promise<void>;
}

export function describeStream(room: Room): StreamInfo {
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
    size: format?.size ?? null,
    framesPerSecond: format?.framesPerSecond ?? null,
    pixelSpacingMm: format?.pixelSpacingMm ?? null,
    frameCount: format?.frameCount ?? null,
    description: format?.description ?? '',
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

type Handlers = {
  readonly [Name in OperationName]: (
    request: ParsedRequestOf<Name>,
    context: CallContext,
  ) => Promise<ResponseOf<Name>> | ResponseOf<Name>;
};

function handlers({ rooms, acceptance, probeSource, recording, checkSource }: ServiceDependencies): Handlers {
  const offered = <T>(value: T | null, operation: OperationName): T => {
    if (value === null) throw serverError('SONO_NOT_OFFERED', { operation });
    return value;
  };
  return {
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
        segmentation: reply.result && segmentationToJson(segmentationOf(room, reply.result)),
      };
    },
    rename: async ({ stream, objectId, label }) => {
      await rooms.get(stream).command({ kind: 'rename', objectId, label }, null);
      return {};
    },
    remove: async ({ stream, objectId }) => {
      await rooms.get(stream).command({ kind: 'remove', objectId }, null);
      return {};
    },
    undo: async ({ stream, objectId }) => ({
      objectId: (await rooms.get(stream).command({ kind: 'undo', objectId }, null)).objectId,
    }),
    policy: async ({ stream, policy }) => {
      await rooms.get(stream).command({ kind: 'policy', policy }, null);
      return {};
    },
    reset: async ({ stream }) => {
      await rooms.get(stream).command({ kind: 'reset' }, null);
      return {};
    },
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
    'record.start': async ({ stream }) => {
      const room = rooms.get(stream);
      return { ...(await offered(recording, 'record.start').start(room)) };
    },
    'record.stop': async ({ stream }) => {
      const room = rooms.get(stream);
      return { ...(await offered(recording, 'record.stop').stop(room)) };
    },
    'acceptance.store': async (report, { caller }) =>
      offered(acceptance, 'acceptance.store').store(report, caller),
  };
}

/** The whole table: ours, then the extensions'. */
export function serviceTable(
  dependencies: ServiceDependencies,
  extra: readonly Service[],
): ReadonlyMap<string, Service> {
  const implemented = handlers(dependencies);
  const ours = operationNames.map((name): Service => {
    const handle = implemented[name] as (request: unknown, context: CallContext) => unknown;
    return {
      name,
      ...operations[name],
      handle: (request, context) => Promise.resolve(handle(request, context)),
    };
  });
  const table = new Map<string, Service>();
  for (const service of [...ours, ...extra]) {
    if (table.has(service.name)) throw new Error(`two services are called ${service.name}`);
    table.set(service.name, service);
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

/** Validates, runs and returns the answer; throws coded errors only. What changes anything leaves a line in the log. */
export async function callService(service: Service, body: unknown, context: CallContext): Promise<unknown> {
  const request = service.request.safeParse(body);
  const note = (outcome: string): void => {
    if (service.method !== 'GET')
      audit(context.auditLog, service.name, context.caller, request.data ?? body, outcome);
  };
  try {
    if (!request.success)
      throw protocolError('SONO_REQUEST_INVALID', {
        operation: service.name,
        problem: describeProblem(request.error),
      });
    const answer = await service.handle(request.data, context);
    note('ok');
    return answer;
  } catch (error) {
    const coded = codedError(error, service.name, context.logger);
    note(String(coded.code));
    throw coded;
  }
}
