/**
 * HTTP of recordings in the dashboard: list, open, pictures, prompts, tracking, lanes, masks, exports. Plugs into the
 * server with `registerRoutes: [projectRoutes(projects)]`, behind its access checks. Main process.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import sharp from 'sharp';
import { z } from 'zod';
import { exportFormats, safeName } from '../export/exporter.js';
import { promptFromWire, promptSchema } from '../protocol/requests.js';
import { replayError } from './errors.js';
import { Project } from './project.js';
import type { ProjectState, ProjectTools } from './project.js';
import { recordedStreams } from './recording-streams.js';

/** All projects of a server, in one folder. */
export class Projects {
  readonly #projects = new Map<string, Project>();
  #loaded: Promise<void> | null = null;

  constructor(
    private readonly folder: string,
    private readonly tools: ProjectTools,
    /** Whether viewers may open this address; rejects with a coded error. */
    private readonly checkSource: (uri: string) => Promise<void> = () => Promise.resolve(),
  ) {}

  async list(): Promise<ProjectState[]> {
    await this.#load();
    return [...this.#projects.values()]
      .map((project) => project.state)
      .sort((a, b) => b.createdUnixMs - a.createdUnixMs);
  }

  /** Throws SONO_PROJECT_UNKNOWN. */
  async get(id: string): Promise<Project> {
    await this.#load();
    const project = this.#projects.get(id);
    if (!project) throw replayError('SONO_PROJECT_UNKNOWN');
    return project;
  }

  /** Opens a file, folder or recording on this machine as a project. Rejects with the source's coded error. */
  async open(uri: string, wantedStream: string | null): Promise<Project> {
    await this.#load();
    await this.checkSource(uri);
    const recording = extname(uri).toLowerCase() === '.mcap';
    const stream = recording ? (wantedStream ?? (await recordedStreams(uri))[0] ?? null) : null;
    const plain = basename(uri, extname(uri)) || 'recording';
    const name = stream === null ? plain : `${plain} ${stream}`;
    const id = `${safeName(name)
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 40)}-${randomBytes(4).toString('hex')}`;
    const project = await Project.create(
      join(this.folder, id),
      { id, name, uri, kind: recording ? 'recording' : 'source', stream, createdUnixMs: Date.now() },
      this.tools,
    );
    this.#projects.set(id, project);
    return project;
  }

  async remove(id: string): Promise<void> {
    const project = await this.get(id);
    await project.close();
    this.#projects.delete(id);
    await rm(project.folder, { recursive: true, force: true });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#projects.values()].map((project) => project.close()));
  }

  #load(): Promise<void> {
    this.#loaded ??= (async () => {
      const names = await readdir(this.folder).catch(() => []);
      for (const name of names) {
        const project = await Project.load(join(this.folder, name), this.tools);
        if (project) this.#projects.set(project.id, project);
      }
    })();
    return this.#loaded;
  }
}

const largestThumbnail = 640;
const mostBuckets = 4000;
const label = z.string().trim().min(1).max(80);
const id = z.string().regex(/^[a-z0-9-]{1,80}$/);
const frame = z.coerce.number().int().min(0).max(1e8);

const schemas = {
  open: z.object({ uri: z.string().trim().min(1).max(4096), stream: z.string().max(128).nullish() }).strict(),
  prompt: z
    .object({
      frame,
      label: label.nullable().default(null),
      prompts: z.array(promptSchema).min(1).max(64),
    })
    .strict(),
  rename: z.object({ label, name: label }).strict(),
  remove: z.object({ label }).strict(),
  export: z.object({ formats: z.array(z.enum(exportFormats)).min(1) }).strict(),
} as const;

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw replayError('SONO_PROJECT_REQUEST', {
    problem: `${issue?.path.join('.') ?? ''} ${issue?.message ?? 'it is not understood'}`.trim(),
  });
}

export function projectRoutes(projects: Projects): (api: FastifyInstance) => void {
  return (api) => {
    const project = (request: FastifyRequest): Promise<Project> =>
      projects.get(parsed(z.object({ id }), { id: (request.params as { id?: string }).id }).id);
    const state = async (opened: Project): Promise<ProjectState> => {
      await opened.wake();
      return opened.state;
    };

    api.get('/api/projects', async () => ({ projects: await projects.list() }));
    api.post('/api/projects', async (request) => {
      const { uri, stream } = parsed(schemas.open, request.body);
      return state(await projects.open(uri, stream ?? null));
    });
    api.get('/api/projects/:id', async (request) => state(await project(request)));
    api.delete('/api/projects/:id', async (request) => {
      await projects.remove((await project(request)).id);
      return {};
    });

    api.get('/api/projects/:id/frames/:frame', async (request, reply) => {
      const number = parsed(frame, (request.params as { frame?: string }).frame);
      const { width } = parsed(
        z.object({ width: z.coerce.number().int().min(16).max(largestThumbnail).optional() }),
        request.query,
      );
      const picture = await (await project(request)).picture(number);
      const bytes =
        width === undefined
          ? picture
          : await sharp(picture).resize({ width }).jpeg({ quality: 75 }).toBuffer();
      return reply.type('image/jpeg').send(Buffer.from(bytes));
    });
    api.get('/api/projects/:id/masks/:frame', async (request) => {
      const number = parsed(frame, (request.params as { frame?: string }).frame);
      const message = await (await project(request)).masks(number);
      return {
        frame: number,
        size: message?.maskSize ?? null,
        objects: (message?.objects ?? []).map((object) => ({
          label: object.label,
          state: object.state,
          score: object.score,
          confidence: object.confidence,
          areaPx: object.areaPx,
          counts: Buffer.from(object.counts).toString('latin1'),
        })),
      };
    });
    api.get('/api/projects/:id/lanes', async (request) => {
      const { buckets } = parsed(
        z.object({ buckets: z.coerce.number().int().min(1).max(mostBuckets).default(800) }),
        request.query,
      );
      return { lanes: await (await project(request)).lanes(buckets) };
    });

    api.post('/api/projects/:id/prompts', async (request) => {
      const body = parsed(schemas.prompt, request.body);
      const opened = await project(request);
      const name = await opened.prompt(body.frame, body.label, body.prompts.map(promptFromWire));
      return { label: name, project: await state(opened) };
    });
    const change = (path: string, act: (opened: Project, body: unknown) => Promise<unknown>): void => {
      api.post(`/api/projects/:id/${path}`, async (request) => {
        const opened = await project(request);
        await act(opened, request.body ?? {});
        return state(opened);
      });
    };
    change('undo', (opened) => opened.undo());
    change('rename', (opened, body) => {
      const { label: from, name } = parsed(schemas.rename, body);
      return opened.rename(from, name);
    });
    change('remove', (opened, body) => opened.removeObject(parsed(schemas.remove, body).label));
    change('propagate', (opened) => opened.propagate());
    change('cancel', (opened) => opened.cancel());
    change('export', (opened, body) => opened.export(parsed(schemas.export, body).formats));

    api.get('/api/projects/:id/exports/:name', async (request, reply) =>
      sendArchive(await project(request), (request.params as { name?: string }).name ?? '', reply),
    );
  };
}

/** An export's folder as one file; `name` is `export-1.tar`. */
function sendArchive(project: Project, name: string, reply: FastifyReply): FastifyReply {
  const wanted = name.replace(/\.tar$/, '');
  if (!project.exportNames.includes(wanted)) throw replayError('SONO_PROJECT_UNKNOWN');
  const tar = spawn('tar', ['-C', project.exportFolder(wanted), '-cf', '-', '.'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  reply.raw.on('close', () => tar.kill());
  return reply
    .type('application/x-tar')
    .header('content-disposition', `attachment; filename="${project.id}-${wanted}.tar"`)
    .send(tar.stdout);
}
