/** The server of a box: HTTP and WebSocket on one port, serving the rooms of a registry. Runs in the main process. */
import { STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import type { SonoError } from '../errors.js';
import { codedFault, onFault } from '../faults.js';
import type { SourceFormat } from '../frame.js';
import { chooseSubprotocol, subprotocols } from '../protocol/foxglove-codec.js';
import { limits } from '../protocol/requests.js';
import { AcceptanceStore, errnoOf } from './acceptance-store.js';
import { serverError } from './errors.js';
import { FaultLog } from './fault-log.js';
import { buildHttp } from './http.js';
import { Hub } from './hub.js';
import { ServerMetrics } from './metrics.js';
import type { OutboxLimits } from './outbox.js';
import { requestPath } from './request-address.js';
import type { RoomRegistry } from './room-registry.js';
import { checkOrigin, checkToken, isLoopbackHost } from './security.js';
import { serviceTable } from './services.js';
import type { RecordingControl, Service } from './services.js';
import { Uploads } from './uploads.js';

export interface ServerOptions {
  /** Default 127.0.0.1. Any address that other computers reach needs a token. */
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
  readonly maxViewers?: number;
  readonly probeSource?: (uri: string, asker: AbortSignal) => Promise<SourceFormat>;
  readonly recording?: RecordingControl;
  /** Further operations (see defineService), offered as Foxglove services, over HTTP and in the OpenAPI page. */
  readonly extraServices?: readonly Service[];
  /** Further routes, guarded by token and Origin like ours; use paths below /api. */
  readonly registerRoutes?: readonly ((api: FastifyInstance) => void | Promise<void>)[];
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
 * Throws SONO_PORT_TAKEN, SONO_PORT_FORBIDDEN, SONO_HOST_UNUSABLE, SONO_TOKEN_REQUIRED. Rooms may be added to and removed
 * from the registry at any time; the server never closes a room.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host = '127.0.0.1', port, rooms, version, logger } = options;
  const token = options.token ?? null;
  if (token === null && !isLoopbackHost(host)) throw serverError('SONO_TOKEN_REQUIRED', { host });
  const access = { token, allowedOrigins: options.allowedOrigins ?? [] };
  const maxViewers = options.maxViewers ?? 64;
  const dataDir = options.dataDir ?? null;

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
      : new Uploads(join(dataDir, 'uploads'), options.maxUploadBytes ?? defaultUploadBytes);
  const services = serviceTable(
    {
      rooms,
      acceptance,
      probeSource: options.probeSource ?? null,
      recording: options.recording ?? null,
    },
    options.extraServices ?? [],
  );
  const app = await buildHttp({
    access,
    rooms,
    services,
    metrics,
    acceptance,
    uploads,
    staticDir: options.staticDir ?? null,
    version,
    logger,
    registerRoutes: options.registerRoutes ?? [],
  });

  const hub = new Hub({
    serverName: `sonoscope ${version}`,
    version,
    rooms,
    services,
    metrics,
    logger,
    ...(options.outbox && { outbox: options.outbox }),
    ...(options.stallMs !== undefined && { stallMs: options.stallMs }),
  });
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: limits.messageBytes,
    // Pictures and run lengths are compressed already; deflate would only cost time and memory per viewer.
    perMessageDeflate: false,
    handleProtocols: (offered) => chooseSubprotocol(offered) ?? false,
  });
  // Room for pages and requests beside the viewers; more are not even accepted.
  app.server.maxConnections = maxViewers + 192;
  app.server.on('upgrade', (request, socket, head) => {
    // A connection that breaks before anybody else listens would be an error without a listener, which ends a process.
    socket.on('error', () => socket.destroy());
    const fault = (error: unknown): SonoError =>
      codedFault('upgrade', request.socket.remoteAddress ?? '', error, (cause) =>
        serverError('SONO_SERVER_FAULT', {}, cause),
      );
    let refusal: SonoError | null;
    try {
      refusal = refusalOf(request);
    } catch (error) {
      refusal = fault(error);
    }
    metrics.connections.inc({ outcome: refusal?.code ?? 'accepted' });
    if (refusal) {
      logger.warn({ code: refusal.code, remote: request.socket.remoteAddress }, 'viewer refused');
      refuseUpgrade(socket, refusal);
      return;
    }
    try {
      sockets.handleUpgrade(request, socket, head, (accepted) => {
        try {
          hub.accept(accepted, socket);
        } catch (error) {
          fault(error);
          accepted.terminate();
        }
      });
    } catch (error) {
      refuseUpgrade(socket, fault(error));
    }
  });

  function refusalOf(request: IncomingMessage): SonoError | null {
    const asked = { headers: request.headers, url: request.url ?? '/' };
    if (requestPath(asked.url) !== '/ws')
      return serverError('SONO_PAGE_UNKNOWN', { path: asked.url.slice(0, 200) });
    const forbidden = checkOrigin(asked, access) ?? checkToken(asked, access);
    if (forbidden) return forbidden;
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    if (chooseSubprotocol(offered) === null)
      return serverError('SONO_SUBPROTOCOL', { offered: subprotocols.join(' or ') });
    return hub.viewers >= maxViewers ? serverError('SONO_TOO_MANY_VIEWERS', { limit: maxViewers }) : null;
  }

  const close = async (): Promise<void> => {
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
  // 0.0.0.0 is no address to open; this computer reaches itself under its loopback name.
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
  const body = JSON.stringify({ code: error.code, message: error.message });
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
  // A peer that does not close its side must not keep the connection.
  setTimeout(() => socket.destroy(), 2000).unref();
}
