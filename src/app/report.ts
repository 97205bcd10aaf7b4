/** The report of a run: what every stream did, on which machine, with which model. */
import { unixNowMs } from '../node/clock.js';
import { checkNamed, isDiskFull, writeNamed, writeReason } from '../node/files.js';
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

/** Checks before a long run that its report can be written. Throws SONO_RUN_REPORT_UNWRITABLE. */
export async function checkReportPlace(file: string): Promise<void> {
  await checkNamed(file).catch((error: unknown) => {
    throw reportFailure(file, error);
  });
}

/** A device or a pipe (/dev/stdout) is written to. Throws SONO_RUN_REPORT_DISK_FULL, SONO_RUN_REPORT_UNWRITABLE. */
export async function writeReport(file: string, report: RunReport): Promise<void> {
  await writeNamed(file, `${JSON.stringify(report, null, 2)}\n`).catch((error: unknown) => {
    throw reportFailure(file, error);
  });
}

function reportFailure(file: string, error: unknown): Error {
  return isDiskFull(error)
    ? cliError('SONO_RUN_REPORT_DISK_FULL', { file }, error)
    : cliError('SONO_RUN_REPORT_UNWRITABLE', { file, reason: writeReason(error) }, error);
}
