/**
 * The HTTP side: dashboard files, operations, reports, uploads, metrics. All routes that show or change anything live in
 * one guarded context; files of the dashboard and the two probes are public. Runs in the main process.
 */
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import fastifyStatic from '@fastify/static';
import Fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { askerOf } from '../node/asker.js';
import type { SonoError } from '../vocabulary/errors.js';
import { protocolError } from '../protocol/errors.js';
import { takesFile } from '../protocol/operation.js';
import { limits } from '../protocol/requests.js';
import { audit } from './audit.js';
import { isTooDeep } from './bounded-json.js';
import { isSonoError, refusalBody, serverError } from './errors.js';
import { markup } from '../formats/html.js';
import { page, unknownPage } from './html.js';
import type { ServerMetrics } from './metrics.js';
import { openApi, openApiPage } from './openapi.js';
import type { RoomRegistry } from './room-registry.js';
import { callerFrom } from './caller.js';
import type { Caller } from './caller.js';
import type { Gate } from './gate.js';
import { requestPath, requestQuery } from './request-address.js';
import { callRow, codedError, isService, leavesLine, rightRefusal } from './services.js';
import type { Row, TransferContext } from './services.js';

interface HttpOptions {
  readonly gate: Gate;
  readonly rooms: RoomRegistry;
  readonly rows: ReadonlyMap<string, Row>;
  /** Those that stand on /api; default all. */
  readonly listed?: readonly Row[];
  readonly metrics: ServerMetrics;
  /** Lines about who did what. */
  readonly auditLog: Logger;
  /** Time in which a body other than an upload must have arrived. */
  readonly bodyMs?: number;
  /** Folder with the built dashboard. */
  readonly staticDir: string | null;
  readonly version: string;
  readonly logger: Logger;
}

/** Browsers may load and reach only what comes from here; masks and pictures are blobs. */
const contentSecurityPolicy = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' blob: data:",
  "worker-src 'self' blob:",
  "connect-src 'self' ws: wss: blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The row of the table that the route belongs to. */
    row?: Row;
  }
}

/** Fastify's own refusals in our words. */
function translate(error: FastifyError | Error, url: string, logger: Logger): SonoError {
  const code = 'code' in error ? error.code : '';
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return serverError('SONO_REQUEST_TOO_LARGE', { limit: limits.requestBytes }, error);
  if (status >= 400 && status < 500)
    return protocolError('SONO_REQUEST_INVALID', { operation: pathOf(url), problem: error.message }, error);
  return codedError(error, pathOf(url), logger);
}

const defaultBodyMs = 20_000;

/** A browser that was given an address by a person; operations answer programs. */
const wantsPage = ({ method, url, headers }: FastifyRequest): boolean =>
  method === 'GET' && (headers.accept ?? '').includes('text/html') && !pathOf(url).startsWith('/api/');

/** Addresses of the page. Only these accept a token in the address bar. */
const isPage = (url: string): boolean => ['/', '/index.html'].includes(pathOf(url));

/** The same address without the token. It is relative, so that it also works behind a proxy with a prefix. */
function withoutToken(url: string): string {
  const query = requestQuery(url);
  query.delete('token');
  return query.size === 0 ? './' : `./?${query.toString()}`;
}

function pathOf(url: string): string {
  return requestPath(url).slice(0, 200);
}

export async function buildHttp(options: HttpOptions): Promise<FastifyInstance> {
  const { gate, rooms, rows, metrics, version, logger, auditLog } = options;
  const log: FastifyBaseLogger = logger;
  const app: FastifyInstance = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.requestBytes,
    // A connection on which nothing is said for this time is closed; sockets of viewers have their own watch.
    connectionTimeout: 60_000,
    keepAliveTimeout: 5_000,
    forceCloseConnections: true,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000 },
  });
  const readJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (isTooDeep(body)) done(serverError('SONO_REQUEST_DEEP'));
    else void readJson(request, body, done);
  });
  const callers = new WeakMap<FastifyRequest, Caller>();

  app.addHook('onSend', (_request, reply, payload, done) => {
    void reply.headers({
      'content-security-policy': contentSecurityPolicy,
      'x-content-type-options': 'nosniff',
      // The address may hold the token.
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    done(null, payload);
  });

  const refuse = (reply: FastifyReply, error: SonoError): FastifyReply =>
    reply.code(error.definition.httpStatus).send(refusalBody(error));

  /** Codes of refused requests, for the log. */
  const refusals = new WeakMap<FastifyRequest, string>();
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const coded = isSonoError(error) ? error : translate(error, request.url, logger);
    refusals.set(request, String(coded.code));
    return refuse(reply, coded);
  });
  app.setNotFoundHandler((request, reply) => {
    const error = serverError('SONO_PAGE_UNKNOWN', { path: pathOf(request.url) });
    // A person has typed it: a sentence, and a way back.
    return wantsPage(request)
      ? reply
          .code(error.definition.httpStatus)
          .type('text/html; charset=utf-8')
          .send(unknownPage(error.message, pathOf(request.url)))
      : refuse(reply, error);
  });

  app.addHook('onRequest', (request, reply, done) => {
    const { remoteAddress, localPort } = request.socket;
    if (!gate.countRequest(remoteAddress)) {
      metrics.refusals.inc({ code: 'SONO_TOO_MANY_REQUESTS' });
      void reply.header('retry-after', 1);
      done(serverError('SONO_TOO_MANY_REQUESTS'));
      return;
    }
    const asked = { headers: request.headers, url: request.url };
    if (request.method === 'GET' && isPage(request.url) && requestQuery(request.url).has('token')) {
      // A cookie replaces the token in the address bar, so that it is not in the history, in bookmarks or on photographs of the screen.
      const cookie = gate.cookieFor(asked, remoteAddress, localPort);
      if (cookie !== null) void reply.header('set-cookie', cookie);
      void reply.header('cache-control', 'no-store').redirect(withoutToken(request.url), 303);
      return;
    }
    done();
  });

  // A body that comes byte by byte would keep its connection for ever. Uploads are long and have limits of their own.
  const { bodyMs = defaultBodyMs } = options;
  const late = new WeakMap<FastifyRequest, NodeJS.Timeout>();
  app.addHook('preParsing', (request, reply, _payload, done) => {
    const { row } = request.routeOptions.config;
    if (!row || !takesFile(row))
      late.set(
        request,
        setTimeout(() => {
          void reply.header('connection', 'close');
          void refuse(reply, serverError('SONO_REQUEST_SLOW', { seconds: bodyMs / 1000 }));
          reply.raw.once('finish', () => request.raw.destroy());
        }, bodyMs),
      );
    done();
  });
  const arrived = (request: FastifyRequest): void => clearTimeout(late.get(request));
  app.addHook('preValidation', (request, _reply, done) => {
    arrived(request);
    done();
  });
  app.addHook('onResponse', (request, _reply, done) => {
    arrived(request);
    done();
  });

  // ------------------------------------------------------------------------------------------------ public

  app.get('/healthz', () => ({ status: 'ok', version }));
  app.get('/readyz', (_request, reply) => {
    const streams = rooms.rooms.map(({ id, health }) => ({ id, phase: health.source.phase }));
    const ready = streams.every(({ phase }) => phase === 'playing' || phase === 'ended');
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', streams });
  });
  if (options.staticDir !== null && existsSync(options.staticDir))
    await app.register(fastifyStatic, { root: options.staticDir, index: 'index.html' });
  else
    app.get('/', (_request, reply) =>
      reply
        .type('text/html')
        .send(
          page(
            'sonoscope',
            markup`<h1>sonoscope</h1><p>The server runs, but its dashboard has not been built. Run <code>npm run build</code>.</p><p><a href="/api">HTTP interface</a></p>`,
          ),
        ),
    );

  // ------------------------------------------------------------------------------------------------ guarded

  // The guard is a hook of the matched route and does not test the address, so no spelling of an address avoids it.
  await app.register(async (api): Promise<void> => {
    api.addHook('onRequest', (request: FastifyRequest, reply, done) => {
      const { remoteAddress, localPort } = request.socket;
      const { caller, refusal: shut } = gate.judge(request, remoteAddress, localPort);
      const refusal = shut ?? rightRefusal(caller, 'view', pathOf(request.url));
      callers.set(request, caller);
      if (refusal) {
        metrics.refusals.inc({ code: String(refusal.code) });
        logger.warn({ code: refusal.code, path: pathOf(request.url), remote: request.ip }, 'request refused');
        if (refusal.details['seconds'] !== undefined)
          void reply.header('retry-after', refusal.details['seconds']);
        done(refusal);
      } else done();
    });
    // Answers hold data of patients, so no browser and no proxy may cache them, whatever a route says.
    api.addHook('onSend', (_request, reply, payload, done) => {
      void reply.header('cache-control', 'no-store');
      done(null, payload);
    });
    // A row leaves its own line when it is called; this is for what was refused before.
    const called = new WeakSet<FastifyRequest>();
    api.addHook('onResponse', (request, reply, done) => {
      const { row } = request.routeOptions.config;
      const caller = callers.get(request);
      if (row && leavesLine(row) && caller && !called.has(request)) {
        const outcome = refusals.get(request) ?? `status ${reply.statusCode}`;
        audit(auditLog, row.name, caller, questionOf(row, request), outcome, row.named);
      }
      done();
    });

    const answer = async (row: Row, request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
      called.add(request);
      const context: TransferContext = {
        logger,
        auditLog,
        caller: callers.get(request) ?? callerFrom(request.ip, null),
        asker: askerOf(reply.raw),
        file: takesFile(row) ? fileOf(request) : null,
      };
      const endTimer = metrics.requestDuration.startTimer({ operation: row.name });
      let outcome = 'ok';
      try {
        if (isService(row)) return await callRow(row, questionOf(row, request), context);
        const { body, headers = {} } = await callRow(row, questionOf(row, request), context);
        if (typeof row.answers === 'string') void reply.type(row.answers);
        void reply.headers(headers);
        return body;
      } catch (error) {
        outcome = isSonoError(error) ? error.code : 'SONO_SERVER_FAULT';
        // What is left of a file would be read as the next request.
        if (context.file) void reply.header('connection', 'close');
        throw error;
      } finally {
        endTimer();
        metrics.requests.inc({ operation: row.name, way: 'http', outcome });
      }
    };
    const serve = (to: FastifyInstance, row: Row): void => {
      to.route({
        method: row.method,
        url: `/api${row.path}`,
        config: { row },
        handler: (request, reply) => answer(row, request, reply),
      });
    };
    const all = [...rows.values()];
    for (const row of all.filter((one) => !takesFile(one))) serve(api, row);
    await api.register((files, _options, done) => {
      // Every type of body is taken as a stream.
      files.removeAllContentTypeParsers();
      files.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload));
      for (const row of all.filter(takesFile)) serve(files, row);
      done();
    });

    const listed = options.listed ?? all;
    api.get('/api', (request, reply) => {
      const [room] = rooms.rooms;
      const place = {
        server: `${request.protocol}://${request.host}`,
        token: gate.asksForToken,
        ...(room && { known: { stream: room.id } }),
      };
      return reply.type('text/html').send(openApiPage(listed, version, place));
    });
    api.get('/api/openapi.json', () => openApi(listed, version));
    api.get('/metrics', async (_request, reply) =>
      reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
    );
  });
  return app;
}

/** The question of an operation: what stands in the path, and the query or the JSON body. */
function questionOf(row: Row, request: FastifyRequest): unknown {
  const { method, path } = row;
  const parameters = request.params as Readonly<Record<string, string>>;
  if (method !== 'POST' || takesFile(row)) {
    const query = { ...(request.query as Record<string, unknown>) };
    delete query['token'];
    return { ...query, ...parameters };
  }
  const body = request.body ?? {};
  // What is no object is left as it is: the schema refuses it.
  return path.includes('/:') && typeof body === 'object' && !Array.isArray(body)
    ? { ...body, ...parameters }
    : body;
}

function fileOf(request: FastifyRequest): TransferContext['file'] {
  const length = request.headers['content-length'];
  return {
    stream: (request.body as Readable | undefined) ?? request.raw,
    bytes: length === undefined ? null : Number(length),
  };
}
