/** The server of a box: HTTP and WebSocket on one port, serving the rooms of a registry. Runs in the main process. */
import { mkdir } from 'node:fs/promises';
import { STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import type { SonoError } from '../vocabulary/errors.js';
import { codedFault, onFault } from '../vocabulary/faults.js';
import type { SourceFormat } from '../vocabulary/frame.js';
import { chooseSubprotocol, subprotocols } from '../protocol/foxglove-codec.js';
import { limits } from '../protocol/requests.js';
import { errnoOf } from '../node/files.js';
import { AcceptanceStore } from './acceptance-store.js';
import { refusalBody, serverError } from './errors.js';
import { FaultLog } from './fault-log.js';
import { buildHttp } from './http.js';
import { Hub } from './hub.js';
import { ServerMetrics } from './metrics.js';
import type { OutboxLimits } from '../outputs/outbox.js';
import { requestPath } from './request-address.js';
import type { RoomRegistry } from './room-registry.js';
import { DiskReserve } from './disk-reserve.js';
import { callerFrom } from './caller.js';
import { cookieKey, defaultGateLimits, Gate } from './gate.js';
import type { GateLimits, Verdict } from './gate.js';
import { checkTokenText, isLoopbackHost } from './security.js';
import { holdServices } from './hold-services.js';
import { SocketLimits } from './socket-limits.js';
import type { AccessRequest } from './security.js';
import { StoredFiles } from './stored-files.js';
import { isOffered, isService, rightRefusal, serviceTable } from './services.js';
import type { ListFolder, RecordingControl, Row } from './services.js';
import type { Topic } from './topics.js';
import { Uploads } from './uploads.js';

export interface ServerOptions {
  /** Default 127.0.0.1. Any address that other computers reach needs a token of at least 16 characters. */
  readonly host?: string;
  /** 0: any free port. */
  readonly port: number;
  readonly token?: string | null;
  /** Origins of other sites that may talk to the server, as browsers send them (`https://name:port`). */
  readonly allowedOrigins?: readonly string[];
  readonly rooms: RoomRegistry;
  readonly logger: Logger;
  readonly version: string;
  /** Folder with the built dashboard; null: a page that says it is missing. */
  readonly staticDir?: string | null;
  /** Where acceptance reports and uploads are kept; null: neither is offered. */
  readonly dataDir?: string | null;
  readonly maxUploadBytes?: number;
  /** Space on the data disk that uploads leave free; default a tenth of it, ten gigabytes at most. */
  readonly diskReserveBytes?: number;
  /** Files that must not be deleted now, beside those in rooms and recorders. */
  readonly usedFiles?: () => Promise<readonly string[]>;
  /** Whether viewers may open an address; rejects with a coded error. Default: any. */
  readonly checkSource?: (uri: string) => Promise<void>;
  /** Where lines about who did what go; default `logger`. */
  readonly auditLog?: Logger;
  readonly gateLimits?: GateLimits;
  /** Time in which a body other than an upload must have arrived; default 20 s. */
  readonly bodyMs?: number;
  /** Connections of one address; default half of all. */
  readonly maxSocketsPerAddress?: number;
  readonly maxViewers?: number;
  readonly probeSource?: (uri: string, asker: AbortSignal) => Promise<SourceFormat>;
  /** What a folder holds, for a list to choose from. */
  readonly listFolder?: ListFolder;
  readonly recording?: RecordingControl;
  /** false: the rooms are recordings that are played, so operations that change a room are not listed on /api. Default true. */
  readonly live?: boolean;
  /**
   * Further operations (see defineService, defineTransfer), offered like ours: as Foxglove services, over HTTP, in the OpenAPI page,
   * guarded by token and Origin.
   */
  readonly extraServices?: readonly Row[];
  /** Topics that belong to no stream. */
  readonly topics?: readonly Topic[];
  readonly outbox?: OutboxLimits;
  readonly stallMs?: number;
}

export interface RunningServer {
  readonly host: string;
  readonly port: number;
  /** To open in a browser; with the token where there is one. */
  readonly url: string;
  readonly metrics: ServerMetrics;
  /** Connected viewers. */
  readonly viewers: number;
  /** Where uploads arrive, null where they are not offered. */
  readonly uploadsDir: string | null;
  /** Ends all connections and the listener; takes half a second at most. */
  close(): Promise<void>;
}

const defaultUploadBytes = 64 * 1024 ** 3;

/**
 * Throws SONO_PORT_TAKEN, SONO_PORT_FORBIDDEN, SONO_HOST_UNUSABLE, SONO_TOKEN_REQUIRED, SONO_TOKEN_UNUSABLE. Rooms may be added to and removed
 * from the registry at any time; the server never closes a room.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host = '127.0.0.1', port, rooms, version, logger } = options;
  const token = options.token ?? null;
  if (token === null && !isLoopbackHost(host)) throw serverError('SONO_TOKEN_REQUIRED', { host });
  if (token !== null) checkTokenText(token);
  const maxViewers = options.maxViewers ?? 64;
  const dataDir = options.dataDir ?? null;
  const auditLog = options.auditLog ?? logger;
  // If the folder cannot be made, the first write into it reports that.
  if (dataDir !== null) await mkdir(dataDir, { recursive: true, mode: 0o700 }).catch(() => undefined);
  const gate = new Gate(
    { token, allowedOrigins: options.allowedOrigins ?? [] },
    cookieKey(dataDir === null || token === null ? null : join(dataDir, 'cookie-key')),
    options.gateLimits ?? defaultGateLimits,
  );

  const metrics = new ServerMetrics(version);
  const faultLog = new FaultLog(logger);
  const stopListening = onFault((fault) => {
    metrics.faults.inc({ boundary: fault.boundary });
    faultLog.write(fault);
  });
  const acceptance = dataDir === null ? null : new AcceptanceStore(join(dataDir, 'acceptance'), version);
  const uploads =
    dataDir === null
      ? null
      : new Uploads(
          join(dataDir, 'uploads'),
          options.maxUploadBytes ?? defaultUploadBytes,
          new DiskReserve(options.diskReserveBytes),
        );
  const inUse = async (): Promise<readonly string[]> => [
    ...rooms.rooms.map(({ sourceUri }) => sourceUri),
    ...(options.recording?.paths ?? []),
    ...((await options.usedFiles?.()) ?? []),
  ];
  const storedFiles = (folder: string): Record<'uploads' | 'recordings', StoredFiles> => ({
    uploads: new StoredFiles(join(folder, 'uploads'), inUse),
    recordings: new StoredFiles(join(folder, 'recordings'), inUse),
  });
  const dependencies = {
    rooms,
    acceptance,
    uploads,
    storedFiles: dataDir === null ? null : storedFiles(dataDir),
    probeSource: options.probeSource ?? null,
    listFolder: options.listFolder ?? null,
    recording: options.recording ?? null,
    checkSource: options.checkSource ?? (() => Promise.resolve()),
  };
  const rows = serviceTable(dependencies, [...holdServices(rooms), ...(options.extraServices ?? [])]);
  const listed = [...rows.values()].filter((row) => isOffered(row, dependencies, options.live ?? true));
  const app = await buildHttp({
    gate,
    auditLog,
    ...(options.bodyMs !== undefined && { bodyMs: options.bodyMs }),
    rooms,
    rows,
    listed,
    metrics,
    staticDir: options.staticDir ?? null,
    version,
    logger,
  });

  const hub = new Hub({
    serverName: `sonoscope ${version}`,
    version,
    services: [...rows.values()].filter(isService),
    topics: options.topics ?? [],
    metrics,
    logger,
    auditLog,
    countCall: (address) => gate.countRequest(address),
    ...(options.outbox && { outbox: options.outbox }),
    ...(options.stallMs !== undefined && { stallMs: options.stallMs }),
  });
  rooms.attach(hub);
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: limits.messageBytes,
    // Pictures and run lengths are compressed already; deflate would only cost time and memory per viewer.
    perMessageDeflate: false,
    handleProtocols: (offered) => chooseSubprotocol(offered) ?? false,
  });
  // Places for pages and requests in addition to the viewers. Beyond that, the idlest connection is closed.
  const total = maxViewers + 192;
  new SocketLimits({
    total,
    perAddress: options.maxSocketsPerAddress ?? total / 2,
    onDropped: (limit) => metrics.socketsDropped.inc({ limit }),
  }).watch(app.server);
  app.server.on('upgrade', (request, socket, head) => {
    // If the connection breaks now, its error would have no other listener, and Node would end the process.
    socket.on('error', () => socket.destroy());
    const fault = (error: unknown): SonoError =>
      codedFault('upgrade', request.socket.remoteAddress ?? '', error, (cause) =>
        serverError('SONO_SERVER_FAULT', {}, cause),
      );
    let verdict: Verdict;
    try {
      verdict = verdictOf(request);
    } catch (error) {
      verdict = { caller: callerFrom('', null), refusal: fault(error) };
    }
    const { caller } = verdict;
    const refusal = verdict.refusal ?? rightRefusal(caller, 'view', '/ws');
    metrics.connections.inc({ outcome: refusal?.code ?? 'accepted' });
    if (refusal) {
      logger.warn({ code: refusal.code, remote: request.socket.remoteAddress }, 'viewer refused');
      refuseUpgrade(socket, refusal);
      return;
    }
    try {
      sockets.handleUpgrade(request, socket, head, (accepted) => {
        try {
          hub.accept(accepted, socket, caller);
        } catch (error) {
          fault(error);
          accepted.terminate();
        }
      });
    } catch (error) {
      refuseUpgrade(socket, fault(error));
    }
  });

  function verdictOf(request: IncomingMessage): Verdict {
    const asked = { headers: request.headers, url: request.url ?? '/' };
    const { remoteAddress, localPort } = request.socket;
    const verdict = gate.judge(asked, remoteAddress, localPort);
    return {
      ...verdict,
      refusal: gate.countRequest(remoteAddress)
        ? refusalOf(asked, verdict.refusal)
        : serverError('SONO_TOO_MANY_REQUESTS'),
    };
  }

  function refusalOf({ headers, url }: AccessRequest, forbidden: SonoError | null): SonoError | null {
    const path = requestPath(url);
    if (path !== '/ws') return serverError('SONO_PAGE_UNKNOWN', { path: path.slice(0, 200) });
    if (forbidden) return forbidden;
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    if (chooseSubprotocol(offered) === null)
      return serverError('SONO_SUBPROTOCOL', { offered: subprotocols.join(' or ') });
    return hub.viewers >= maxViewers ? serverError('SONO_TOO_MANY_VIEWERS', { limit: maxViewers }) : null;
  }

  const close = async (): Promise<void> => {
    rooms.detach(hub);
    await hub.close();
    sockets.close();
    await app.close();
    stopListening();
  };

  try {
    await app.listen({ host, port });
  } catch (error) {
    await close();
    switch (errnoOf(error)) {
      case 'EADDRINUSE':
        throw serverError('SONO_PORT_TAKEN', { port }, error);
      case 'EACCES':
        throw serverError('SONO_PORT_FORBIDDEN', { port }, error);
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
      case 'EAI_AGAIN':
      case 'EINVAL':
        throw serverError('SONO_HOST_UNUSABLE', { host }, error);
      default:
        throw error;
    }
  }
  const listening = (app.server.address() as AddressInfo).port;
  // 0.0.0.0 cannot be opened in a browser, so the loopback name is shown.
  const shownHost =
    host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  const url = `http://${shownHost}:${listening}/${token === null ? '' : `?token=${encodeURIComponent(token)}`}`;
  logger.info({ host, port: listening, token: token !== null }, 'server listens');
  return {
    host,
    port: listening,
    url,
    metrics,
    get viewers() {
      return hub.viewers;
    },
    uploadsDir: uploads?.directory ?? null,
    close,
  };
}

/** An HTTP answer instead of a socket. Browsers hide it from scripts; `GET /api/streams` tells a page why. */
function refuseUpgrade(socket: Duplex, error: SonoError): void {
  const status = error.definition.httpStatus;
  const body = JSON.stringify(refusalBody(error));
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'Connection: close',
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
  // The connection ends even if the peer does not close its side.
  setTimeout(() => socket.destroy(), 2000).unref();
}
