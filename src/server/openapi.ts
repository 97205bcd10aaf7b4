/** OpenAPI description of the HTTP side and a page to read it, made from the service table. Pure; no script, no CDN. */
import { z } from 'zod';
import { errorBodySchema } from '../protocol/requests.js';
import { escapeHtml, raw } from '../formats/html.js';
import { page } from './html.js';
import type { Service } from './services.js';

type Json = Readonly<Record<string, unknown>>;

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    target: 'draft-2020-12',
  });
  void $schema; // Said once for the whole document.
  return rest;
}

const errorResponse = { $ref: '#/components/responses/Error' };

function json(description: string, schema: Json): Json {
  return { description, content: { 'application/json': { schema } } };
}

const fileList = (operationId: string, summary: string): Json => ({
  operationId,
  summary,
  responses: { 200: json('The files', { type: 'object' }), default: errorResponse },
});
const fileRemoval = (operationId: string): Json => ({
  operationId,
  summary: 'Delete one for good; not while it is recorded, shown or worked on',
  parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }],
  responses: { 200: json('Deleted', { type: 'object' }), default: errorResponse },
});

/** Routes that are no services: written by hand. */
const otherPaths: Json = {
  '/api/acceptance': {
    get: {
      operationId: 'acceptance.list',
      summary: 'Stored acceptance tests, newest first',
      responses: { 200: json('The list', { type: 'object' }), default: errorResponse },
    },
  },
  '/api/acceptance/{id}': {
    get: {
      operationId: 'acceptance.get',
      summary: 'One stored acceptance test',
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
      responses: { 200: json('The report', { type: 'object' }), default: errorResponse },
    },
  },
  '/api/acceptance/{id}/report': {
    get: {
      operationId: 'acceptance.page',
      summary: 'The same as a page to print',
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
      responses: { 200: { description: 'HTML', content: { 'text/html': {} } }, default: errorResponse },
    },
  },
  '/api/recordings': { get: fileList('recordings.list', 'Recordings started in the browser, newest first') },
  '/api/recordings/{name}': { delete: fileRemoval('recordings.remove') },
  '/api/uploads/{name}': { delete: fileRemoval('uploads.remove') },
  '/api/uploads': {
    get: fileList('uploads.list', 'Files that were sent to the server, newest first'),
    post: {
      operationId: 'uploads.store',
      summary: 'Send a recording to the server; the body is the file',
      parameters: [{ name: 'filename', in: 'query', required: true, schema: { type: 'string' } }],
      requestBody: {
        required: true,
        content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
      },
      responses: {
        200: json('Where it was stored', {
          type: 'object',
          properties: {
            name: { type: 'string' },
            path: { type: 'string' },
            bytes: { type: 'integer' },
          },
          required: ['name', 'path', 'bytes'],
        }),
        default: errorResponse,
      },
    },
  },
  '/metrics': {
    get: {
      operationId: 'metrics',
      summary: 'Prometheus metrics',
      responses: { 200: { description: 'Text', content: { 'text/plain': {} } } },
    },
  },
  '/healthz': {
    get: {
      operationId: 'healthz',
      summary: 'The server runs',
      security: [],
      responses: { 200: json('It does', { type: 'object' }) },
    },
  },
  '/readyz': {
    get: {
      operationId: 'readyz',
      summary: 'Every stream has a picture',
      security: [],
      responses: {
        200: json('Ready', { type: 'object' }),
        503: json('Not ready, with the phase of each stream', { type: 'object' }),
      },
    },
  },
};

/** OpenAPI 3.1. */
export function openApi(services: Iterable<Service>, version: string): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [path, item] of Object.entries(otherPaths)) paths[path] = { ...(item as Json) };
  for (const service of services) {
    const path = `/api${service.path}`;
    paths[path] = {
      ...paths[path],
      [service.method.toLowerCase()]: {
        operationId: service.name,
        summary: service.summary,
        ...(service.method === 'POST' && {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: jsonSchema(service.request, 'input') } },
          },
        }),
        responses: { 200: json('Done', jsonSchema(service.response, 'output')), default: errorResponse },
      },
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'sonoscope',
      version,
      summary: 'Research use only. Not a medical device.',
      description: 'Pictures and outlines come over the WebSocket at /ws; see docs/protocol.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ bearer: [] }, { token: [] }, { cookie: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        token: { type: 'apiKey', in: 'query', name: 'token' },
        cookie: { type: 'apiKey', in: 'cookie', name: 'sonoscope-PORT' },
      },
      responses: { Error: json('Refused; codes in docs/errors.md', jsonSchema(errorBodySchema, 'output')) },
    },
  };
}

/** The page at /api. */
export function openApiPage(services: Iterable<Service>, version: string): string {
  const all = [...services];
  const contents = all
    .map(
      ({ name, method, path, summary }) =>
        `<tr><td><a href="#${escapeHtml(name)}">${escapeHtml(name)}</a></td><td>${method} /api${escapeHtml(path)}</td><td>${escapeHtml(summary)}</td></tr>`,
    )
    .join('\n');
  const details = all
    .map(
      ({ name, method, path, summary, request, response }) => `<section id="${escapeHtml(name)}">
<h2>${escapeHtml(name)}</h2><p>${escapeHtml(summary)}. <code>${method} /api${escapeHtml(path)}</code>, or the Foxglove service <code>${escapeHtml(name)}</code>.</p>
<h3>Question</h3><pre>${escapeHtml(JSON.stringify(jsonSchema(request, 'input'), null, 2))}</pre>
<h3>Answer</h3><pre>${escapeHtml(JSON.stringify(jsonSchema(response, 'output'), null, 2))}</pre></section>`,
    )
    .join('\n');
  const others = Object.entries(otherPaths)
    .flatMap(([path, item]) =>
      Object.entries(item as Record<string, { summary: string }>).map(
        ([method, { summary }]) =>
          `<tr><td>${method.toUpperCase()} ${escapeHtml(path)}</td><td>${escapeHtml(summary)}</td></tr>`,
      ),
    )
    .join('\n');
  return page(
    'sonoscope: HTTP interface',
    raw(`<h1>sonoscope ${escapeHtml(version)}: HTTP interface</h1>
<p><strong>Research use only. Not a medical device.</strong> Machine-readable: <a href="/api/openapi.json">/api/openapi.json</a>.
Pictures and outlines come over the WebSocket at <code>/ws</code>; <code>docs/protocol.md</code> describes it. Every operation below is
also a service there. A refusal answers <code>{"code": "SONO_…", "message": "…"}</code>. Where the server was started with a token, send
<code>Authorization: Bearer …</code> or add <code>?token=…</code>.</p>
<table><tr><th>operation</th><th>address</th><th>what it does</th></tr>
${contents}</table>
<table><tr><th>address</th><th>what it does</th></tr>
${others}</table>
${details}`),
  );
}
