/**
 * From a mark in a recording to its mask: what a person waits for who points at something on a picture of an opened recording. Real project,
 * server and HTTP; the laparoscopy clip of the live figure, its pictures all read.
 *
 *   node dist/bench/recording-marks.js [--marks 60] [--json FILE] [MODEL …]     default: models/compact-fast
 *
 * `first`: the first mark on a picture that nobody has marked before; `second`: a correction on the same picture. Milliseconds from
 * sending the request to having the mask, transport included.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import pino from 'pino';
import { packageRoot } from '../src/node/built-module.js';
import { projectServices } from '../src/projects/project-services.js';
import { Projects } from '../src/projects/projects.js';
import type { ResponseOf } from '../src/protocol/operations.js';
import type { ProjectState } from '../src/protocol/project-requests.js';
import { replayTools } from '../src/replay/replay-tools.js';
import { defaultThreads } from '../src/replay/run-options.js';
import { RoomRegistry, startServer } from '../src/server/index.js';
import { laparoscopy720, type Clip } from './media.js';
import { presentCommit } from './results.js';

interface Waits {
  readonly first: number[];
  readonly second: number[];
}

async function measure(modelDir: string, clip: Clip, marks: number): Promise<Waits> {
  const folder = await mkdtemp(join(tmpdir(), 'sonoscope-marks-'));
  const projects = new Projects(folder, {
    createSource: replayTools.createSource,
    ...{ modelDir, provider: 'cpu', threads: defaultThreads, version: 'bench' },
    ...{ chunkFrames: 25, spoolBytes: 4 * 1024 ** 3 },
  });
  const server = await startServer({
    ...{ port: 0, rooms: new RoomRegistry(), logger: pino({ level: 'silent' }), version: 'bench' },
    extraServices: projectServices(projects),
  });
  const ask = async <Answer>(path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(new URL(`api/projects${path}`, server.url), {
      ...(body !== undefined && {
        ...{ method: 'POST', body: JSON.stringify(body) },
        headers: { 'content-type': 'application/json' },
      }),
    });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as Answer;
  };
  try {
    const { id } = await ask<ProjectState>('', { uri: clip.path });
    let state = await ask<ProjectState>(`/${id}`);
    while (!state.pictures.complete) {
      await new Promise((done) => setTimeout(done, 200));
      state = await ask<ProjectState>(`/${id}`);
    }
    const points = clip.boxes.map(([x0, y0, x1, y1]): [number, number] => [(x0 + x1) / 2, (y0 + y1) / 2]);
    const mark = async (frame: number, label: string, point: readonly number[]): Promise<number> => {
      const startMs = performance.now();
      const { object, problem } = await ask<ResponseOf<'projects.prompt'>>(`/${id}/prompts`, {
        ...{ frame, label, prompts: [{ type: 'click', point, positive: true }] },
      });
      const waited = performance.now() - startMs;
      if (object === null) throw new Error(`a mark brought no mask: ${problem?.message ?? 'nothing found'}`);
      return waited;
    };
    // The model has been loading since the recording was opened; a person looks at the first picture meanwhile.
    await mark(0, 'warm up', points[0] ?? [0, 0]);
    const waits: Waits = { first: [], second: [] };
    for (let index = 0; index < marks; index += 1) {
      // Pictures all over the recording, in no order.
      const frame = 1 + ((index * 97) % (state.pictures.frames - 1));
      const [x, y] = points[index % points.length] as [number, number];
      waits.first.push(await mark(frame, `object ${index}`, [x, y]));
      waits.second.push(await mark(frame, `object ${index}`, [x + 8, y + 8]));
    }
    return waits;
  } finally {
    await server.close();
    await projects.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const round = (value: number): number => Math.round(value * 10) / 10;

function figures(values: readonly number[]): Record<'p50Ms' | 'p95Ms' | 'maxMs', number> {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.ceil(share * sorted.length) - 1] ?? NaN);
  return { p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1) };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { marks: { type: 'string', default: '60' }, json: { type: 'string' } },
});
const marks = Number(values.marks);
const clip = await laparoscopy720();
const models: Record<string, unknown> = {};
for (const model of positionals.length > 0 ? positionals : [join(packageRoot, 'models', 'compact-fast')]) {
  const { first, second } = await measure(resolve(model), clip, marks);
  models[basename(model)] = { first: figures(first), second: figures(second) };
  process.stdout.write(`${basename(model)} ${JSON.stringify(models[basename(model)])}\n`);
}
if (values.json !== undefined)
  await writeFile(
    values.json,
    `${JSON.stringify(
      {
        what: 'from a mark in a recording to its mask, milliseconds over HTTP (bench/recording-marks.ts)',
        date: new Date().toISOString().slice(0, 10),
        commit: await presentCommit(),
        machine: { cpu: cpus()[0]?.model, cores: cpus().length, loadAfter: loadavg().map(round) },
        clip: clip.name,
        marks,
        models,
      },
      null,
      1,
    )}\n`,
  );
