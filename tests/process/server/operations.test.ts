/** The table of operations: every HTTP address stands in the OpenAPI document, every row asks for the right that it names. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { LiveRooms } from '../../../src/app/live-rooms.js';
import { roomServices } from '../../../src/app/room-services.js';
import { SystemFacts, systemServices } from '../../../src/app/system-facts.js';
import { plainStream } from '../../../src/config/pipeline-file.js';
import { playbackServices } from '../../../src/playback/playback-services.js';
import { projectServices } from '../../../src/projects/project-services.js';
import { Projects } from '../../../src/projects/projects.js';
import { rights } from '../../../src/protocol/operation.js';
import type { Right } from '../../../src/protocol/operation.js';
import { operations } from '../../../src/protocol/operations.js';
import { projectTransfers } from '../../../src/protocol/project-requests.js';
import { serverTransfers } from '../../../src/protocol/requests.js';
import { replayTools } from '../../../src/replay/replay-tools.js';
import { callerFrom, roles } from '../../../src/server/caller.js';
import { Gate } from '../../../src/server/gate.js';
import { buildHttp } from '../../../src/server/http.js';
import { RoomRegistry } from '../../../src/server/index.js';
import { ServerMetrics } from '../../../src/server/metrics.js';
import { callRow, serviceTable } from '../../../src/server/services.js';
import type { Row } from '../../../src/server/services.js';
import { silent } from './fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-operations-'));
const apps: { close(): Promise<unknown> }[] = [];
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Everything that the program serves. */
function everyRow(inFolder = 'projects'): ReadonlyMap<string, Row> {
  const projects = new Projects(join(folder, inFolder), {
    createSource: replayTools.createSource,
    ...{ modelDir: '', provider: 'cpu', threads: 1, version: '0.0.0', chunkFrames: 5, spoolBytes: 1e8 },
  });
  apps.push(projects);
  const registry = new RoomRegistry();
  const rooms = new LiveRooms({
    ...{ registry, outputs: [], log: silent, measured: [], defaults: { ...plainStream, modelDir: null } },
    engineOf: () => () => Promise.reject(new Error('no room is opened here')),
  });
  const facts = new SystemFacts({
    ...{ folder, rooms: () => rooms.rooms, choiceOf: () => null, mostRooms: () => rooms.most },
    recordingRate: () => null,
  });
  return serviceTable(
    {
      rooms: registry,
      ...{ acceptance: null, uploads: null, storedFiles: null, probeSource: null },
      ...{ listFolder: null, recording: null },
      checkSource: () => Promise.resolve(),
    },
    [
      ...projectServices(projects),
      ...playbackServices([]),
      ...roomServices(rooms, () => Promise.resolve()),
      ...systemServices(facts),
    ],
  );
}

async function http(rows: ReadonlyMap<string, Row>, given: readonly Right[] = rights) {
  const gate = new Gate({ token: null, allowedOrigins: [] }, Buffer.alloc(32));
  const judge = gate.judge.bind(gate);
  gate.judge = (...asked) => {
    const verdict = judge(...asked);
    return { ...verdict, caller: { ...verdict.caller, rights: given } };
  };
  const app = await buildHttp({
    ...{ gate, rows, rooms: new RoomRegistry(), metrics: new ServerMetrics('0.0.0'), staticDir: null },
    ...{ version: '0.0.0', logger: silent, auditLog: silent },
  });
  apps.push(app);
  await app.ready();
  return app;
}

/** Method and address of every route that Fastify answers, from the tree that it prints. */
function routesOf(tree: string): string[] {
  const above: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods] = /^(.*?)[├└]── (\S*)(?: \((.*)\))?$/.exec(line) ?? [];
    if (part === '') return [];
    const depth = indent.length / 4;
    above.splice(depth, Infinity, part);
    const path = above.join('');
    return (methods?.split(', ') ?? [])
      .filter((method) => method !== 'HEAD')
      .map((method) => `${method} ${path}`);
  });
}

describe('every address that the server answers', () => {
  it('stands in the OpenAPI document', async () => {
    const app = await http(everyRow());
    const routes = routesOf(app.printRoutes({ commonPrefix: false }));
    expect(routes).toEqual(
      expect.arrayContaining([
        'POST /api/uploads',
        'GET /api/projects/:project/frames/:frame',
        'GET /readyz',
      ]),
    );
    const { body } = await app.inject({ url: '/api/openapi.json', headers: { host: '127.0.0.1' } });
    const { paths } = JSON.parse(body) as { paths: Record<string, Record<string, unknown>> };
    const described = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    );
    // The page itself is no operation.
    expect(routes.filter((route) => route !== 'GET /').sort()).toEqual(described.sort());
  });

  it('is described with the parameters that stand in it', async () => {
    const app = await http(everyRow());
    const { body } = await app.inject({ url: '/api/openapi.json', headers: { host: '127.0.0.1' } });
    const { paths } = JSON.parse(body) as {
      paths: Record<
        string,
        Record<string, { parameters?: { name: string; in: string; required: boolean }[] }>
      >;
    };
    for (const [path, item] of Object.entries(paths))
      for (const { parameters = [] } of Object.values(item))
        expect(
          parameters.filter((one) => one.in === 'path').map(({ name }) => `{${name}}`),
          path,
        ).toEqual(path.match(/\{\w+\}/g) ?? []);
    expect(paths['/api/uploads']?.['post']?.parameters).toMatchObject([{ name: 'filename', in: 'query' }]);
    expect(paths['/api/projects/{project}/frames/{frame}']?.['get']?.parameters).toMatchObject([
      { name: 'project', in: 'path' },
      { name: 'frame', in: 'path' },
      { name: 'width', in: 'query', required: false },
    ]);
  });
});

describe('a question that makes no sense', () => {
  const nonsense = [
    ...[null, true, '', 'x', '\u0000', '../../etc', 'x'.repeat(5000), '__proto__', '9'.repeat(400)],
    ...[-1, 0, 0.5, 1, 1e308, Number.MAX_SAFE_INTEGER, [], [[]], {}, [null], { type: 'mask' }],
  ];
  const wholes = [...nonsense, [nonsense], undefined];

  it.each([...everyRow().values()].map(({ name }) => name))('is refused in words: %s', async (operation) => {
    const row = everyRow('nonsense').get(operation) as Row;
    const { properties = {} } = z.toJSONSchema(row.request, { io: 'input', unrepresentable: 'any' });
    const names = Object.keys(properties);
    const usual = { project: 'case-1', stream: 'room', frame: 0, label: 'a', name: 'b', objectId: 1 };
    const questions = [
      ...wholes,
      ...nonsense.map((value) => Object.fromEntries(names.map((name) => [name, value]))),
      ...names.flatMap((wrong) =>
        nonsense.map((value) => ({
          ...Object.fromEntries(Object.entries(usual).filter(([name]) => names.includes(name))),
          [wrong]: value,
        })),
      ),
    ];
    const faults: unknown[] = [];
    for (const question of questions)
      await callRow(row as never, question, {
        ...{ logger: silent, auditLog: silent, asker: new AbortController().signal, file: null },
        caller: callerFrom('127.0.0.1', null),
      }).catch((error: unknown) => {
        if ((error as { code: string }).code === 'SONO_SERVER_FAULT') faults.push(question, error);
      });
    expect(faults).toEqual([]);
  });
});

describe('the line that an operation leaves in the log', () => {
  const lineOf = async (name: string, question: unknown): Promise<Record<string, unknown>> => {
    const lines: string[] = [];
    const log = pino({}, { write: (line) => void lines.push(line) });
    const row = everyRow().get(name);
    await callRow(row as never, question, {
      ...{ logger: silent, auditLog: log, asker: new AbortController().signal, file: null },
      caller: callerFrom('127.0.0.1', null),
    }).catch(() => undefined);
    expect(lines).toHaveLength(1);
    return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  };

  it('names project and file, and not what people call an object', async () => {
    const line = await lineOf('projects.rename', {
      project: 'case-1',
      label: 'Mr Miller',
      name: 'Mrs Miller',
    });
    expect(line).toMatchObject({
      audit: 'projects.rename',
      project: 'case-1',
      outcome: 'SONO_PROJECT_UNKNOWN',
    });
    expect(JSON.stringify(line)).not.toContain('Miller');
    expect(await lineOf('projects.archive', { project: 'case-1', name: 'export-1.tar' })).toMatchObject({
      project: 'case-1',
      name: 'export-1.tar',
    });
    expect(await lineOf('uploads.remove', { name: 'case.mp4' })).toMatchObject({ name: 'case.mp4' });
  });
});

describe('the right that an operation needs', () => {
  const context = (given: readonly Right[]) => ({
    ...{ logger: silent, auditLog: silent, asker: new AbortController().signal, file: null },
    caller: { ...callerFrom('127.0.0.1', null), rights: given },
  });
  const outcome = async (row: Row, given: readonly Right[]): Promise<unknown> => {
    try {
      // No question: whoever has the right gets as far as the check of the question, or its answer.
      await callRow(row as never, null, context(given));
      return null;
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  it.each([...everyRow().values()].map((row) => [row.name, row] as const))(
    'is checked first: %s',
    async (_, row) => {
      const others = rights.filter((right) => right !== row.needs);
      expect(await outcome(row, others)).toBe('SONO_NOT_ALLOWED');
      expect(await outcome(row, [])).toBe('SONO_NOT_ALLOWED');
      expect(await outcome(row, [row.needs])).not.toBe('SONO_NOT_ALLOWED');
    },
  );

  it.each([
    [['view'], [200, 403, 403]],
    [
      ['view', 'mark'],
      [200, 404, 403],
    ],
    [rights, [200, 404, 404]],
    [
      ['mark', 'manage'],
      [403, 403, 403],
    ],
  ] as const)('holds over HTTP for who has %j', async (given, statuses) => {
    const app = await http(everyRow(), given);
    const post = (url: string, payload: object) =>
      app.inject({ method: 'POST', url, payload, headers: { host: '127.0.0.1' } });
    const answers = [
      await app.inject({ url: '/api/streams', headers: { host: '127.0.0.1' } }),
      await post('/api/reset', { stream: 'absent' }),
      await post('/api/record/start', { stream: 'absent' }),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(statuses);
    for (const { statusCode, body } of answers)
      if (statusCode === 403) expect(body).toContain('"SONO_NOT_ALLOWED"');
  });

  it('is held by whoever is let in today, with or without a token', () => {
    expect(roles).toEqual({ local: rights, token: rights });
    expect(callerFrom('10.0.0.1', '0123abcd')).toMatchObject({ subject: '0123abcd', rights });
    expect(callerFrom(undefined, null)).toMatchObject({ subject: 'local', address: 'unknown', rights });
  });

  it('stands in the documentation of the wire', () => {
    const text = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');
    const lines = text.split('\n').filter((line) => line.startsWith('| `'));
    for (const [name, { needs }] of Object.entries({
      ...operations,
      ...projectTransfers,
      ...serverTransfers,
    })) {
      const line = lines.find((one) => (one.split('|')[1] ?? '').includes(`\`${name}\``));
      expect([name, line?.split('|')[3]?.trim()]).toEqual([name, needs]);
    }
  });
});
