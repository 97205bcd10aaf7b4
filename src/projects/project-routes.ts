/**
 * HTTP of recordings in the dashboard: list, open, pictures, prompts, tracking, lanes, masks, exports. Plugs into the
 * server with `registerRoutes: [projectRoutes(projects)]`, behind its access checks. Main process.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import sharp from 'sharp';
import { z } from 'zod';
import { askerOf } from '../node/asker.js';
import { SonoError } from '../vocabulary/errors.js';
import { codedFault, reasonOf } from '../vocabulary/faults.js';
import { exportFormats, safeName } from '../export/exporter.js';
import { lookAtFile, sourceTrials } from '../ingest/index.js';
import { labelSchema as label, promptsSchema } from '../protocol/prompt-schema.js';
import { replayError } from '../replay/errors.js';
import { FolderLock } from '../replay/folder-lock.js';
import { Project } from './project.js';
import type { ProjectState, ProjectTools } from './project.js';
import { recordedStreams } from '../record/recording-streams.js';

/** How often the lock of the folder is renewed. */
const signOfLifeMs = 5_000;

/**
 * All projects of a server, in one folder that no other server works in at the same time. It is locked when projects are first
 * asked for.
 */
export class Projects {
  readonly #projects = new Map<string, Project>();
  readonly #closing = new AbortController();
  #loaded: Promise<void> | null = null;
  #lock: FolderLock | null = null;

  constructor(
    private readonly folder: string,
    private readonly tools: ProjectTools,
    /** Whether viewers may open this address; rejects with a coded error. */
    private readonly checkSource: (uri: string) => Promise<void> = () => Promise.resolve(),
  ) {}

  /** Throws SONO_PROJECT_FOLDER_BUSY. */
  async list(): Promise<ProjectState[]> {
    try {
      await this.#load();
    } catch (error) {
      // Where nothing can be written there are none.
      if (error instanceof SonoError && error.code === 'SONO_REPLAY_OUT_NOT_WRITABLE') return [];
      throw error;
    }
    return [...this.#projects.values()]
      .map((project) => project.state)
      .sort((a, b) => b.createdUnixMs - a.createdUnixMs);
  }

  /** Throws SONO_PROJECT_UNKNOWN, SONO_PROJECT_FOLDER_BUSY. */
  async get(id: string): Promise<Project> {
    await this.#load();
    const project = this.#projects.get(id);
    if (!project) throw replayError('SONO_PROJECT_UNKNOWN');
    return project;
  }

  /**
   * Opens a file, folder or recording on this machine as a project. Rejects with the source's coded error, with
   * SONO_REPLAY_INPUT_ENDLESS for what has no end, and like SourceTrials.run. `asker`: aborted when who asked has left.
   */
  async open(uri: string, wantedStream: string | null, asker: AbortSignal): Promise<Project> {
    await this.#load();
    return sourceTrials.run(uri, this.#orClosing(asker), async (signal) => {
      await this.checkSource(uri);
      return this.#create(uri, wantedStream, signal);
    });
  }

  /** Opens the source of a project again whose pictures are not all there. Rejects like `open`. */
  async wake(project: Project, asker: AbortSignal): Promise<void> {
    if (!project.asleep) return project.wake();
    return sourceTrials.run(project.state.uri, this.#orClosing(asker), (signal) => project.wake(signal));
  }

  async #create(uri: string, wantedStream: string | null, signal: AbortSignal): Promise<Project> {
    const recording = extname(uri).toLowerCase() === '.mcap';
    if (recording) await lookAtFile(uri, signal);
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
      signal,
    );
    // Given up just now, or the server ends: nobody would close it.
    if (signal.aborted) {
      await project.close();
      await rm(project.folder, { recursive: true, force: true });
      signal.throwIfAborted();
    }
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
    this.#closing.abort();
    await this.#loaded?.catch(() => undefined);
    await Promise.all([...this.#projects.values()].map((project) => project.close()));
    await this.#lock?.release();
    this.#lock = null;
  }

  #orClosing(asker: AbortSignal): AbortSignal {
    return AbortSignal.any([asker, this.#closing.signal]);
  }

  /** Once, but again where it has failed: the other server may have ended since. */
  #load(): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.reject(replayError('SONO_PROJECT_UNKNOWN'));
    this.#loaded ??= this.#loadAll().catch((error: unknown) => {
      this.#loaded = null;
      throw error;
    });
    return this.#loaded;
  }

  async #loadAll(): Promise<void> {
    this.#lock ??= await FolderLock.acquire(join(this.folder, 'lock'), this.folder, signOfLifeMs).catch(
      (error: unknown) => {
        if (error instanceof SonoError && error.code === 'SONO_REPLAY_OUT_BUSY')
          throw replayError('SONO_PROJECT_FOLDER_BUSY', { ...error.details }, error);
        throw error;
      },
    );
    for (const entry of await readdir(this.folder, { withFileTypes: true })) {
      // Whatever else lies there is nobody's, and harms nobody.
      if (!entry.isDirectory()) continue;
      try {
        const project = await Project.load(join(this.folder, entry.name), this.tools);
        if (project) this.#projects.set(project.id, project);
      } catch (error) {
        codedFault('project', entry.name, error, (cause) =>
          replayError('SONO_PROJECT_FAULT', { reason: reasonOf(cause) }, cause),
        );
      }
    }
  }
}

const largestThumbnail = 640;
const mostBuckets = 4000;
const id = z.string().regex(/^[a-z0-9-]{1,80}$/);
const frame = z.coerce.number().int().min(0).max(1e8);

const schemas = {
  open: z.object({ uri: z.string().trim().min(1).max(4096), stream: z.string().max(128).nullish() }).strict(),
  prompt: z
    .object({
      frame,
      label: label.nullable().default(null),
      prompts: promptsSchema,
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
    const awake = async (request: FastifyRequest, reply: FastifyReply): Promise<Project> => {
      const opened = await project(request);
      await projects.wake(opened, askerOf(reply.raw));
      return opened;
    };

    api.get('/api/projects', async () => ({ projects: await projects.list() }));
    api.post('/api/projects', async (request, reply) => {
      const { uri, stream } = parsed(schemas.open, request.body);
      return (await projects.open(uri, stream ?? null, askerOf(reply.raw))).state;
    });
    api.get('/api/projects/:id', async (request, reply) => (await awake(request, reply)).state);
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
      const picture = await (await awake(request, reply)).picture(number);
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

    api.post('/api/projects/:id/prompts', async (request, reply) => {
      const body = parsed(schemas.prompt, request.body);
      const opened = await awake(request, reply);
      const name = await opened.prompt(body.frame, body.label, body.prompts);
      return { label: name, project: opened.state };
    });
    const change = (path: string, act: (opened: Project, body: unknown) => Promise<unknown>): void => {
      api.post(`/api/projects/:id/${path}`, async (request, reply) => {
        const opened = await awake(request, reply);
        await act(opened, request.body ?? {});
        return opened.state;
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

/** An export's folder as one file; `name` is `export-1.tar`. Throws SONO_PROJECT_UNKNOWN, SONO_PROJECT_ARCHIVE. */
async function sendArchive(project: Project, name: string, reply: FastifyReply): Promise<FastifyReply> {
  const wanted = name.replace(/\.tar$/, '');
  if (!project.exportNames.includes(wanted)) throw replayError('SONO_PROJECT_UNKNOWN');
  const folder = project.exportFolder(wanted);
  const failed = (cause: unknown): SonoError => replayError('SONO_PROJECT_ARCHIVE', { folder }, cause);
  let tar;
  try {
    tar = spawn('tar', ['-C', folder, '-cf', '-', '.'], { stdio: ['ignore', 'pipe', 'ignore'] });
    // Rejects with the error that comes instead.
    await once(tar, 'spawn');
  } catch (error) {
    throw failed(error);
  }
  const packing = tar;
  packing.on('error', () => undefined);
  packing.on('close', (code) => {
    // Half an archive must not look like a whole one.
    if (code !== 0) packing.stdout.destroy(failed(`tar ended with ${code}`));
  });
  reply.raw.on('close', () => packing.kill());
  return reply
    .type('application/x-tar')
    .header('content-disposition', `attachment; filename="${project.id}-${wanted}.tar"`)
    .send(packing.stdout);
}
