/**
 * One run per output folder, one server per data folder. The lock is a file with the owner's process; a lock whose process is
 * gone (kill, power loss) is taken over. Works between processes of one machine. A lock from another host is respected, but
 * where its owner gives signs of life only as long as they come: a container that is made anew has another name.
 */
import { readFileSync } from 'node:fs';
import { link, mkdir, open, readFile, rename, rm, stat, unlink, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { z } from 'zod';
import { errnoOf } from '../node/files.js';
import { replayError } from './errors.js';
import { writeProblem } from './work-folder.js';

const ownerSchema = z.object({
  pid: z.int(),
  host: z.string(),
  /** Start time of the process in clock ticks since boot: tells it from a later one with the same number. */
  started: z.string(),
  /** The file's time is renewed this often; absent: never. */
  signOfLifeMs: z.number().optional(),
});
type Owner = z.infer<typeof ownerSchema>;

/** An owner on another host is taken for gone after this many missing signs of life. */
const missedSigns = 12;

export class FolderLock {
  readonly #renewal: NodeJS.Timeout | null;

  private constructor(
    private readonly path: string,
    signOfLifeMs: number | undefined,
  ) {
    const renew = (): void => {
      const now = new Date();
      utimes(path, now, now).catch(() => undefined);
    };
    this.#renewal = signOfLifeMs === undefined ? null : setInterval(renew, signOfLifeMs).unref();
  }

  /** `folder` is what the message names; `signOfLifeMs`: for a lock that is held for long. Throws SONO_REPLAY_OUT_BUSY, SONO_REPLAY_OUT_NOT_WRITABLE, SONO_REPLAY_DISK_FULL. */
  static async acquire(path: string, folder: string, signOfLifeMs?: number): Promise<FolderLock> {
    const owner: Owner = {
      pid: process.pid,
      host: hostname(),
      started: startOf(process.pid) ?? '',
      signOfLifeMs,
    };
    const own = `${path}.${process.pid}`;
    try {
      await mkdir(dirname(path), { recursive: true });
      const file = await open(own, 'w');
      await file.writeFile(JSON.stringify(owner));
      await file.close();
    } catch (error) {
      throw writeProblem(folder, error);
    }
    try {
      for (;;) {
        try {
          // A hard link appears with its content or not at all, and only where nothing was.
          await link(own, path);
          return new FolderLock(path, signOfLifeMs);
        } catch (error) {
          if (errnoOf(error) !== 'EEXIST') throw writeProblem(folder, error);
        }
        const present = await readOwner(path);
        if (present && (await isAlive(present, path)))
          throw replayError('SONO_REPLAY_OUT_BUSY', {
            path: folder,
            pid: present.pid,
            host: present.host,
          });
        await takeAway(path);
      }
    } finally {
      await unlink(own).catch(() => undefined);
    }
  }

  async release(): Promise<void> {
    if (this.#renewal) clearInterval(this.#renewal);
    await rm(this.path, { force: true });
  }
}

/** Removes a lock whose owner is gone, and gives it back if it turns out that a new owner was quicker. */
async function takeAway(path: string): Promise<void> {
  const aside = `${path}.stale.${process.pid}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const owner = await readOwner(aside);
  if (owner && (await isAlive(owner, aside))) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

async function readOwner(path: string): Promise<Owner | null> {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null;
  }
}

async function isAlive(owner: Owner, path: string): Promise<boolean> {
  if (owner.host === hostname()) return owner.started !== '' && startOf(owner.pid) === owner.started;
  if (owner.signOfLifeMs === undefined) return true;
  const file = await stat(path).catch(() => null);
  return file !== null && Date.now() - file.mtimeMs < missedSigns * owner.signOfLifeMs;
}

/** Field 22 of /proc/<pid>/stat; null where there is no such process. A zombie counts as gone. */
function startOf(pid: number): string | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}
