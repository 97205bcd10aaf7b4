/**
 * The HTTP side: dashboard files, operations, reports, uploads, metrics. All routes that show or change anything live in
 * one guarded context; files of the dashboard and the two probes are public. Runs in the main process.
 */
import { existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import fastifyStatic from '@fastify/static';
import Fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { askerOf } from '../node/asker.js';
import type { SonoError } from '../vocabulary/errors.js';
import { protocolError } from '../protocol/errors.js';
import { limits } from '../protocol/requests.js';
import type { AcceptanceStore } from './acceptance-store.js';
import { audit } from './audit.js';
import { acceptancePage } from './acceptance-page.js';
import { isTooDeep } from './bounded-json.js';
import { isSonoError, serverError } from './errors.js';
import { markup } from '../formats/html.js';
import { page } from './html.js';
import type { ServerMetrics } from './metrics.js';
import { openApi, openApiPage } from './openapi.js';
import type { RoomRegistry } from './room-registry.js';
import type { Caller } from './caller.js';
import type { Gate } from './gate.js';
import { requestPath, requestQuery } from './request-address.js';
import { callService, codedError } from './services.js';
import type { Service } from './services.js';
import type { StoredFiles } from './stored-files.js';
import type { Uploads } from './uploads.js';

export interface HttpOptions {
  readonly gate: Gate;
  readonly rooms: RoomRegistry;
  readonly services: ReadonlyMap<string, Service>;
  readonly metrics: ServerMetrics;
  readonly acceptance: AcceptanceStore | null;
  readonly uploads: Uploads | null;
  /** Files that may be listed and deleted, by the name of their route below /api. */
  readonly storedFiles: ReadonlyMap<'uploads' | 'recordings', StoredFiles>;
  /** Lines about who did what. */
  readonly auditLog: Logger;
  /** A body other than an upload has so long to arrive. */
  readonly bodyMs?: number;
  /** Folder with the built dashboard. */
  readonly staticDir: string | null;
  readonly version: string;
  readonly logger: Logger;
  /** Further routes of extensions, inside the guarded context; use paths below /api. */
  readonly registerRoutes: readonly ((api: FastifyInstance) => void | Promise<void>)[];
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
    /** The route is a row of the service table, which logs what is done. */
    isService?: boolean;
  }
}

const isStream = (body: unknown): boolean => body instanceof Readable;

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

/** Addresses at which the page begins; only there a token may stand in the address bar. */
const isPage = (url: string): boolean => ['/', '/index.html'].includes(pathOf(url));

/** The same address without the token, relative, so that it holds behind a proxy with a prefix too. */
function withoutToken(url: string): string {
  const query = requestQuery(url);
  query.delete('token');
  return query.size === 0 ? './' : `./?${query.toString()}`;
}

function pathOf(url: string): string {
  return requestPath(url).slice(0, 200);
}

export async function buildHttp(options: HttpOptions): Promise<FastifyInstance> {
  const { gate, rooms, services, metrics, acceptance, uploads, storedFiles, version, logger, auditLog } =
    options;
  const log: FastifyBaseLogger = logger;
  const app: FastifyInstance = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.requestBytes,
    // A connection that says nothing for so long is closed; sockets of viewers have their own watch.
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
    reply.code(error.definition.httpStatus).send({ code: error.code, message: error.message });

  /** Codes of refused requests, for the log. */
  const refusals = new WeakMap<FastifyRequest, string>();
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const coded = isSonoError(error) ? error : translate(error, request.url, logger);
    refusals.set(request, String(coded.code));
    return refuse(reply, coded);
  });
  app.setNotFoundHandler((request, reply) =>
    refuse(reply, serverError('SONO_PAGE_UNKNOWN', { path: pathOf(request.url) })),
  );

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
      // The token leaves the address bar, and with it history, bookmarks and photographs of the screen; a cookie stands for it.
      const cookie = gate.cookieFor(asked, remoteAddress, localPort);
      if (cookie !== null) void reply.header('set-cookie', cookie);
      void reply.header('cache-control', 'no-store').redirect(withoutToken(request.url), 303);
      return;
    }
    done();
  });

  // A body that drips would keep its connection for ever. Uploads are long and have limits of their own.
  const { bodyMs = defaultBodyMs } = options;
  const late = new WeakMap<FastifyRequest, NodeJS.Timeout>();
  app.addHook('preParsing', (request, reply, _payload, done) => {
    if (pathOf(request.url) !== '/api/uploads')
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

  // The guard is a hook of the matched route, not a test of the address: no spelling of an address gets around it.
  await app.register(async (api): Promise<void> => {
    api.addHook('onRequest', (request: FastifyRequest, reply, done) => {
      const { remoteAddress, localPort } = request.socket;
      const { caller, refusal } = gate.judge(request, remoteAddress, localPort);
      callers.set(request, caller);
      if (refusal) {
        metrics.refusals.inc({ code: String(refusal.code) });
        logger.warn({ code: refusal.code, path: pathOf(request.url), remote: request.ip }, 'request refused');
        if (refusal.details['seconds'] !== undefined)
          void reply.header('retry-after', refusal.details['seconds']);
        done(refusal);
      } else done();
    });
    const callerOf = (request: FastifyRequest): Caller =>
      callers.get(request) ?? { address: request.ip, tokenId: null, viewer: null };
    // Pictures, names and measurements of patients: in no cache of a browser or a proxy, whatever a route says.
    api.addHook('onSend', (_request, reply, payload, done) => {
      void reply.header('cache-control', 'no-store');
      done(null, payload);
    });
    // Services leave their own line; this is for routes that are none and change something or hand something out.
    api.addHook('onResponse', (request, reply, done) => {
      const { url = '', config } = request.routeOptions;
      const isExport = request.method === 'GET' && url.includes('/exports/');
      if (config.isService !== true && (request.method !== 'GET' || isExport) && callers.has(request)) {
        const { id, name } = request.params as { readonly id?: string; readonly name?: string };
        const { filename } = request.query as { readonly filename?: unknown };
        const body = typeof request.body === 'object' && !isStream(request.body) ? request.body : {};
        const outcome =
          reply.statusCode < 400 ? 'ok' : (refusals.get(request) ?? `status ${reply.statusCode}`);
        audit(
          auditLog,
          `${request.method} ${url}`,
          callerOf(request),
          { ...body, ...(id !== undefined && { project: id }), name: name ?? filename },
          outcome,
        );
      }
      done();
    });

    for (const service of services.values())
      api.route({
        method: service.method,
        url: `/api${service.path}`,
        config: { isService: true },
        handler: async (request, reply) => {
          const query = { ...(request.query as Record<string, unknown>) };
          delete query['token'];
          const body = service.method === 'GET' ? query : (request.body ?? {});
          const endTimer = metrics.requestDuration.startTimer({ operation: service.name });
          let outcome = 'ok';
          try {
            const asker = askerOf(reply.raw);
            return await callService(service, body, { logger, auditLog, caller: callerOf(request), asker });
          } catch (error) {
            outcome = isSonoError(error) ? error.code : 'SONO_SERVER_FAULT';
            throw error;
          } finally {
            endTimer();
            metrics.requests.inc({ operation: service.name, way: 'http', outcome });
          }
        },
      });

    api.get('/api', (_request, reply) =>
      reply.type('text/html').send(openApiPage(services.values(), version)),
    );
    api.get('/api/openapi.json', () => openApi(services.values(), version));
    api.get('/metrics', async (_request, reply) =>
      reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
    );

    const reports = (): AcceptanceStore => {
      if (!acceptance) throw serverError('SONO_NOT_OFFERED', { operation: 'acceptance' });
      return acceptance;
    };
    const idOf = (request: FastifyRequest): string => (request.params as { id: string }).id;
    api.get('/api/acceptance', async () => ({ reports: await reports().list() }));
    api.get('/api/acceptance/:id', async (request) => reports().get(idOf(request)));
    api.get('/api/acceptance/:id/report', async (request, reply) =>
      reply.type('text/html').send(acceptancePage(await reports().get(idOf(request)))),
    );

    await api.register((upload, _options, done) => {
      // The body stays a stream, whatever its type says.
      upload.removeAllContentTypeParsers();
      upload.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
      upload.post('/api/uploads', async (request, reply) => {
        if (!uploads) throw serverError('SONO_NOT_OFFERED', { operation: 'uploads' });
        const { filename } = request.query as { filename?: unknown };
        const length = request.headers['content-length'];
        try {
          return await uploads.store(
            typeof filename === 'string' ? filename : '',
            (request.body as Readable | undefined) ?? request.raw,
            length === undefined ? null : Number(length),
          );
        } catch (error) {
          // What is left of the body would be read as the next request.
          void reply.header('connection', 'close');
          throw error;
        }
      });
      done();
    });

    for (const [kind, files] of storedFiles) {
      api.get(`/api/${kind}`, async () => ({ files: await files.list() }));
      api.delete(`/api/${kind}/:name`, async (request) => {
        await files.remove((request.params as { name: string }).name);
        return {};
      });
    }

    for (const register of options.registerRoutes) await register(api);
  });
  return app;
}
