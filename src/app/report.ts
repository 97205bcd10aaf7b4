/** The report of a run: what every stream did, on which machine, with which model. */
import { constants } from 'node:fs';
import { access, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { unixNowMs } from '../node/clock.js';
import type { RoomReport } from '../pipeline/room.js';
import { cliError } from './errors.js';
import { machine, versions, type Machine, type Versions } from './versions.js';

export interface RunReport {
  readonly schema: 'sonoscope.report/1';
  readonly startedAt: string;
  readonly durationSeconds: number;
  readonly machine: Machine;
  readonly versions: Versions;
  /** The main process: streams are decoded in processes of their own. */
  readonly process: { readonly cpuSeconds: number; readonly maxRssBytes: number };
  readonly streams: readonly StreamReport[];
}

export type StreamReport = Omit<RoomReport, 'engine'> & {
  readonly model: { readonly name: string; readonly version: string; readonly sha256: string } | null;
  readonly provider: string | null;
  /** Why better providers were not taken. */
  readonly rejectedProviders: Readonly<Record<string, string>>;
  readonly policy: string | null;
};

export async function makeReport(startedAt: Date, rooms: readonly RoomReport[]): Promise<RunReport> {
  const usage = process.resourceUsage();
  return {
    schema: 'sonoscope.report/1',
    startedAt: startedAt.toISOString(),
    durationSeconds: (unixNowMs() - startedAt.getTime()) / 1000,
    machine: machine(),
    versions: await versions(),
    process: {
      cpuSeconds: (usage.userCPUTime + usage.systemCPUTime) / 1e6,
      maxRssBytes: usage.maxRSS * 1024,
    },
    streams: rooms.map(({ engine, ...room }) => ({
      ...room,
      model: engine && { name: engine.modelName, version: engine.modelVersion, sha256: engine.modelSha256 },
      provider: engine?.provider ?? null,
      rejectedProviders: engine?.rejected ?? {},
      policy: engine?.policy ?? null,
    })),
  };
}

/** Fails before a long run, not after it: SONO_RUN_REPORT_UNWRITABLE. */
export async function checkReportPlace(file: string): Promise<void> {
  try {
    const existing = await stat(file).catch(() => null);
    if (existing?.isDirectory()) throw new Error('it is a folder');
    await access(dirname(file), constants.W_OK);
    if (existing) await access(file, constants.W_OK);
    if (existing && !existing.isFile()) return;
    const probe = partName(file);
    await (await open(probe, 'w')).close();
    await rm(probe);
  } catch (error) {
    throw reportFailure(file, error);
  }
}

/**
 * Nothing half-written ever carries the final name; a device or a pipe (/dev/stdout) is written to, never replaced. Throws SONO_RUN_REPORT_DISK_FULL, SONO_RUN_REPORT_UNWRITABLE.
 */
export async function writeReport(file: string, report: RunReport): Promise<void> {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  const part = partName(file);
  try {
    const existing = await stat(file).catch(() => null);
    if (existing && !existing.isFile()) {
      await writeFile(file, text);
      return;
    }
    await writeFile(part, text);
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw reportFailure(file, error);
  }
}

const partName = (file: string): string => `${file}.${process.pid}.part`;

function reportFailure(file: string, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return cliError('SONO_RUN_REPORT_DISK_FULL', { file }, error);
    case 'ENOENT':
    case 'ENOTDIR':
      return cliError('SONO_RUN_REPORT_UNWRITABLE', { file, reason: 'its folder does not exist' }, error);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return cliError('SONO_RUN_REPORT_UNWRITABLE', { file, reason: 'you may not write there' }, error);
    default: {
      const reason = error instanceof Error ? error.message : String(error);
      return cliError('SONO_RUN_REPORT_UNWRITABLE', { file, reason }, error);
    }
  }
}
