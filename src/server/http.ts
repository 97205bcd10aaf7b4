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
import { askerOf } from '../asker.js';
import type { SonoError } from '../errors.js';
import { protocolError } from '../protocol/errors.js';
import { limits } from '../protocol/requests.js';
import type { AcceptanceStore } from './acceptance-store.js';
import { acceptancePage } from './acceptance-page.js';
import { isSonoError, serverError } from './errors.js';
import { page } from './html.js';
import type { ServerMetrics } from './metrics.js';
import { openApi, openApiPage } from './openapi.js';
import type { RoomRegistry } from './room-registry.js';
import { checkOrigin, checkToken } from './security.js';
import type { AccessRules } from './security.js';
import { callService, codedError } from './services.js';
import type { Service } from './services.js';
import type { Uploads } from './uploads.js';

export interface HttpOptions {
  readonly access: AccessRules;
  readonly rooms: RoomRegistry;
  readonly services: ReadonlyMap<string, Service>;
  readonly metrics: ServerMetrics;
  readonly acceptance: AcceptanceStore | null;
  readonly uploads: Uploads | null;
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

function pathOf(url: string): string {
  return url.split('?', 1)[0]?.slice(0, 200) ?? '';
}

export async function buildHttp(options: HttpOptions): Promise<FastifyInstance> {
  const { access, rooms, services, metrics, acceptance, uploads, version, logger } = options;
  const log: FastifyBaseLogger = logger;
  const app: FastifyInstance = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.requestBytes,
    // A connection that says nothing for so long is closed; sockets of viewers have their own watch.
    connectionTimeout: 60_000,
    forceCloseConnections: true,
  });
  app.server.headersTimeout = 10_000;

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

  app.setErrorHandler((error: FastifyError, request, reply) =>
    refuse(reply, isSonoError(error) ? error : translate(error, request.url, logger)),
  );
  app.setNotFoundHandler((request, reply) =>
    refuse(reply, serverError('SONO_PAGE_UNKNOWN', { path: pathOf(request.url) })),
  );

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
            '<h1>sonoscope</h1><p>The server runs, but its dashboard has not been built. Run <code>npm run build</code>.</p><p><a href="/api">HTTP interface</a></p>',
          ),
        ),
    );

  // ------------------------------------------------------------------------------------------------ guarded

  // The guard is a hook of the matched route, not a test of the address: no spelling of an address gets around it.
  await app.register(async (api): Promise<void> => {
    api.addHook('onRequest', (request: FastifyRequest, _reply, done) => {
      const refusal = checkOrigin(request, access) ?? checkToken(request, access);
      if (refusal) {
        logger.warn({ code: refusal.code, path: pathOf(request.url), remote: request.ip }, 'request refused');
        done(refusal);
      } else done();
    });

    for (const service of services.values())
      api.route({
        method: service.method,
        url: `/api${service.path}`,
        handler: async (request, reply) => {
          const query = { ...(request.query as Record<string, unknown>) };
          delete query['token'];
          const body = service.method === 'GET' ? query : (request.body ?? {});
          const endTimer = metrics.requestDuration.startTimer({ operation: service.name });
          let outcome = 'ok';
          try {
            return await callService(service, body, { logger, asker: askerOf(reply.raw) });
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

    for (const register of options.registerRoutes) await register(api);
  });
  return app;
}
