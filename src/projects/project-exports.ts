/** What has been exported of a project: one folder each, handed out as one archive. Runs in the main process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { SonoError } from '../vocabulary/errors.js';
import type { ProjectState } from '../protocol/project-requests.js';
import { replayError } from '../replay/errors.js';
import type { WorkFolder } from '../replay/work-folder.js';

const fileName = 'exports.json';
const folderName = 'exports';
const listSchema = z.array(
  z.object({
    name: z.string(),
    formats: z.array(z.string()),
    // Lists of older versions do not say it.
    bytes: z.number().nullable().default(null),
  }),
);
type Listed = z.output<typeof listSchema>[number];

export class ProjectExports {
  private constructor(
    private readonly work: WorkFolder,
    private readonly list: Listed[],
  ) {}

  /** Empty where nothing has been exported. Where the list is damaged its folders are listed, without their formats. */
  static async read(work: WorkFolder): Promise<ProjectExports> {
    const list = await work.read(fileName, listSchema);
    if (list !== null) return new ProjectExports(work, list);
    const wasListed = (await work.names().catch((): string[] => [])).includes(fileName);
    const folders = wasListed ? await readdir(join(work.path, folderName)).catch(() => []) : [];
    const found = folders.filter((name) => numberOf(name) !== null);
    found.sort((a, b) => (numberOf(a) ?? 0) - (numberOf(b) ?? 0));
    return new ProjectExports(
      work,
      found.map((name) => ({ name, formats: [], bytes: null })),
    );
  }

  get state(): ProjectState['exports'] {
    return this.list.map((made) => ({ ...made, folder: this.#folder(made.name) }));
  }

  /** An empty folder for the next export. It is listed by `add`. */
  async make(): Promise<{ readonly name: string; readonly folder: string }> {
    // Behind the last one: a list may have lost some. What is not listed is the rest of one that failed.
    const name = `export-${Math.max(0, ...this.list.map((made) => numberOf(made.name) ?? 0)) + 1}`;
    const folder = this.#folder(name);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    return { name, folder };
  }

  async add(name: string, formats: readonly string[]): Promise<void> {
    const bytes = await folderBytes(this.#folder(name)).catch(() => null);
    this.list.push({ name, formats: [...formats], bytes });
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

  /** Paths of an export's files with this ending. Throws SONO_PROJECT_UNKNOWN. */
  async files(name: string, ending: string): Promise<readonly string[]> {
    if (!this.list.some((made) => made.name === name)) throw replayError('SONO_PROJECT_UNKNOWN');
    const entries = await readdir(this.#folder(name), { recursive: true });
    return entries
      .filter((entry) => entry.endsWith(ending))
      .sort()
      .map((entry) => join(this.#folder(name), entry));
  }

  #folder(name: string): string {
    return join(this.work.path, folderName, name);
  }
}

/** Bytes of all files below a folder. Rejects with the file system's errors. */
async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  return bytes;
}

function numberOf(name: string): number | null {
  const number = /^export-(\d{1,9})$/.exec(name)?.[1];
  return number === undefined ? null : Number(number);
}
