/**
 * Reports of acceptance tests: one JSON file each in `<data>/acceptance`. A file gets its final name only when it is
 * whole and on the disk. Runs in the main process.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, isDiskFull, writeWhole } from '../node/files.js';
import { summariseAcceptance } from '../protocol/acceptance.js';
import { storedAcceptanceSchema } from '../protocol/requests.js';
import type { AcceptanceReport, StoredAcceptance } from '../protocol/requests.js';
import { serverError } from './errors.js';
import type { Caller } from './caller.js';

/** A line of the list. */
interface AcceptanceEntry {
  readonly id: string;
  readonly storedUnixMs: number;
  readonly stream: string;
  /** Who made the test, as they wrote it. */
  readonly author: string;
  readonly frames: number;
  readonly p95Ms: number;
  readonly verdicts: readonly { readonly limitMs: number; readonly verdict: string }[];
}

/** Length of the list, newest first. The program never deletes a report. */
const listed = 200;

export class AcceptanceStore {
  constructor(
    readonly directory: string,
    private readonly serverVersion: string,
  ) {}

  /** Throws SONO_REPORT_DISK_FULL, SONO_REPORT_UNWRITABLE. */
  async store(report: AcceptanceReport, caller: Caller): Promise<StoredAcceptance> {
    const now = new Date();
    const stored: StoredAcceptance = {
      // Names sort by time; the random end separates two displays that finish in the same moment.
      id: `${now.toISOString().slice(0, 19).replaceAll(':', '-')}Z-${randomBytes(3).toString('hex')}`,
      storedUnixMs: now.getTime(),
      serverVersion: this.serverVersion,
      storedBy: { address: caller.address, tokenId: caller.tokenId },
      report,
      overlay: summariseAcceptance(report.overlay.samplesMs, report.overlay.neverPainted),
      picture: report.picture && summariseAcceptance(report.picture.samplesMs, report.picture.neverPainted),
    };
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o700 });
      await writeWhole(join(this.directory, `${stored.id}.json`), `${JSON.stringify(stored)}\n`, 0o600);
    } catch (error) {
      throw isDiskFull(error)
        ? serverError('SONO_REPORT_DISK_FULL', {}, error)
        : serverError('SONO_REPORT_UNWRITABLE', { directory: this.directory }, error);
    }
    return stored;
  }

  /** Newest first. Files that are no reports are left out. */
  async list(): Promise<AcceptanceEntry[]> {
    let names: string[];
    try {
      names = await readdir(this.directory);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
    const ids = names
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.slice(0, -'.json'.length))
      .sort()
      .reverse()
      .slice(0, listed);
    const entries: AcceptanceEntry[] = [];
    for (const id of ids) {
      const stored = await this.#read(id);
      if (!stored) continue;
      entries.push({
        id,
        storedUnixMs: stored.storedUnixMs,
        stream: stored.report.stream,
        author: stored.report.author,
        frames: stored.overlay.frames,
        p95Ms: stored.overlay.p95Ms,
        verdicts: stored.overlay.deadlines.map(({ limitMs, verdict }) => ({ limitMs, verdict })),
      });
    }
    return entries;
  }

  /** Throws SONO_REPORT_UNKNOWN. */
  async get(id: string): Promise<StoredAcceptance> {
    const stored = storedAcceptanceSchema.shape.id.safeParse(id).success ? await this.#read(id) : null;
    if (!stored) throw serverError('SONO_REPORT_UNKNOWN', { id: id.slice(0, 80) });
    return stored;
  }

  async #read(id: string): Promise<StoredAcceptance | null> {
    try {
      const value: unknown = JSON.parse(await readFile(join(this.directory, `${id}.json`), 'utf8'));
      return storedAcceptanceSchema.parse(value);
    } catch {
      return null;
    }
  }
}
