/** OpenAPI description of the HTTP side and a page to read it, made from the table of operations. Pure; no script, no CDN. */
import { z } from 'zod';
import { errorBodySchema } from '../protocol/requests.js';
import { callLine, curlLine } from '../protocol/shell-lines.js';
import { escapeHtml, raw } from '../formats/html.js';
import { page } from './html.js';
import { isService } from './services.js';
import type { Row } from './services.js';

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

/** Routes that are no rows of the table. */
const otherPaths: Readonly<Record<string, { readonly get: Json & { readonly summary: string } }>> = {
  '/api': {
    get: {
      operationId: 'page',
      summary: 'This list as a page',
      responses: { 200: { description: 'HTML', content: { 'text/html': {} } }, default: errorResponse },
    },
  },
  '/api/openapi.json': {
    get: {
      operationId: 'openapi',
      summary: 'This list for programs',
      responses: { 200: json('OpenAPI 3.1', { type: 'object' }), default: errorResponse },
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

/** The fields of a question: those in the path or the query as parameters, those in the body as its schema. */
function question(row: Row): Json {
  const {
    properties = {},
    required = [],
    ...rest
  } = jsonSchema(row.request, 'input') as {
    readonly properties?: Readonly<Record<string, Json>>;
    readonly required?: readonly string[];
  };
  const inPath = (name: string): boolean => row.path.split('/').includes(`:${name}`);
  const inBody = row.method === 'POST' && (isService(row) || row.takes === null);
  const names = Object.keys(properties);
  const parameters = names
    .filter((name) => inPath(name) || !inBody)
    .map((name) => ({
      name,
      in: inPath(name) ? 'path' : 'query',
      required: inPath(name) || required.includes(name),
      schema: properties[name],
    }));
  const body = {
    ...rest,
    properties: Object.fromEntries(
      names.filter((name) => !inPath(name)).map((name) => [name, properties[name]]),
    ),
    required: required.filter((name) => !inPath(name)),
  };
  const file = isService(row) ? null : row.takes;
  const content = file === null ? { 'application/json': { schema: body } } : { [file]: { schema: binary } };
  return {
    ...(parameters.length > 0 && { parameters }),
    ...(row.method === 'POST' && { requestBody: { required: true, content } }),
  };
}

const binary: Json = { type: 'string', format: 'binary' };

function answer(row: Row): Json {
  const shape = isService(row) ? row.response : row.answers;
  return typeof shape === 'string'
    ? { description: 'Done', content: { [shape]: shape.startsWith('text/') ? {} : { schema: binary } } }
    : json('Done', jsonSchema(shape, 'output'));
}

const openApiPath = ({ path }: Row): string => `/api${path.replace(/:(\w+)/g, '{$1}')}`;

/** OpenAPI 3.1. */
export function openApi(rows: Iterable<Row>, version: string): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [path, item] of Object.entries(otherPaths)) paths[path] = { ...item };
  for (const row of rows) {
    const path = openApiPath(row);
    paths[path] = {
      ...paths[path],
      [row.method.toLowerCase()]: {
        operationId: row.name,
        summary: row.summary,
        'x-needs': row.needs,
        ...question(row),
        responses: { 200: answer(row), default: errorResponse },
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

/** The page at /api. `place`: where its lines for the shell ask. */
export function openApiPage(
  rows: Iterable<Row>,
  version: string,
  place: Parameters<typeof curlLine>[1],
): string {
  const all = [...rows];
  const contents = all
    .map(
      ({ name, method, path, needs, summary }) =>
        `<tr><td><a href="#${escapeHtml(name)}">${escapeHtml(name)}</a></td><td>${method} /api${escapeHtml(path)}</td><td>${needs}</td><td>${escapeHtml(summary)}</td></tr>`,
    )
    .join('\n');
  const pre = (value: unknown): string => `<pre>${escapeHtml(JSON.stringify(value, null, 2))}</pre>`;
  const details = all
    .map((row) => {
      const { name, method, path, summary } = row;
      const shape = isService(row) ? row.response : row.answers;
      const socket = isService(row) ? `, or the Foxglove service <code>${escapeHtml(name)}</code>` : '';
      return `<section id="${escapeHtml(name)}">
<h2>${escapeHtml(name)}</h2><p>${escapeHtml(summary)}. <code>${method} /api${escapeHtml(path)}</code>${socket}.</p>
<pre class="shell">${escapeHtml(`${curlLine(row, place)}\n${callLine(row, place)}`)}</pre>
<h3>Question</h3>${pre(jsonSchema(row.request, 'input'))}
<h3>Answer</h3>${typeof shape === 'string' ? `<p>${escapeHtml(shape)}</p>` : pre(jsonSchema(shape, 'output'))}</section>`;
    })
    .join('\n');
  const others = Object.entries(otherPaths)
    .map(([path, { get }]) => `<tr><td>GET ${escapeHtml(path)}</td><td>${escapeHtml(get.summary)}</td></tr>`)
    .join('\n');
  return page(
    'sonoscope: HTTP interface',
    raw(`<h1>sonoscope ${escapeHtml(version)}: HTTP interface</h1>
<p><strong>Research use only. Not a medical device.</strong> Machine-readable: <a href="/api/openapi.json">/api/openapi.json</a>.
Pictures and outlines come over the WebSocket at <code>/ws</code>; <code>docs/protocol.md</code> describes it. Operations with JSON answers are
also services there. A refusal answers <code>{"code": "SONO_…", "message": "…", "exitCode": 2}</code>. Where the server was started with a token, send
<code>Authorization: Bearer …</code> or add <code>?token=…</code> (the lines below take it from <code>SONO_TOKEN</code>). A part of an address like <code>:project</code> is a field of the question.</p>
<table><tr><th>operation</th><th>address</th><th>right</th><th>what it does</th></tr>
${contents}</table>
<table><tr><th>address</th><th>what it does</th></tr>
${others}</table>
${details}`),
  );
}
