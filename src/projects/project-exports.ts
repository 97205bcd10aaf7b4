/** What has been exported of a project: one folder each, handed out as one archive. Runs in the main process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { SonoError } from '../vocabulary/errors.js';
import type { ProjectState } from '../protocol/project-requests.js';
import { replayError } from '../replay/errors.js';
import type { WorkFolder } from '../replay/work-folder.js';

const fileName = 'exports.json';
const listSchema = z.array(z.object({ name: z.string(), formats: z.array(z.string()) }));

export class ProjectExports {
  private constructor(
    private readonly work: WorkFolder,
    private readonly list: ProjectState['exports'],
  ) {}

  /** Empty where nothing has been exported, or the list cannot be read. */
  static async read(work: WorkFolder): Promise<ProjectExports> {
    return new ProjectExports(work, (await work.read(fileName, listSchema)) ?? []);
  }

  get state(): ProjectState['exports'] {
    return [...this.list];
  }

  /** An empty folder for the next export. It is listed by `add`. */
  async make(): Promise<{ readonly name: string; readonly folder: string }> {
    const name = `export-${this.list.length + 1}`;
    const folder = this.#folder(name);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    return { name, folder };
  }

  async add(name: string, formats: readonly string[]): Promise<void> {
    this.list.push({ name, formats: [...formats] });
    await this.work.write(fileName, this.list);
  }

  /**
   * An export's folder as one file. `asker` ends the packing. Throws SONO_PROJECT_UNKNOWN, SONO_PROJECT_ARCHIVE.
   */
  async archive(name: string, asker: AbortSignal): Promise<Readable> {
    if (!this.list.some((made) => made.name === name)) throw replayError('SONO_PROJECT_UNKNOWN');
    const folder = this.#folder(name);
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
    if (asker.aborted) packing.kill();
    asker.addEventListener('abort', () => packing.kill(), { once: true });
    return packing.stdout;
  }

  #folder(name: string): string {
    return join(this.work.path, 'exports', name);
  }
}
