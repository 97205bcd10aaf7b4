/** From what the worker measured to the report that is stored and printed. Pure. */
import type { RequestOf } from '../../../src/protocol/operations.js';
import { limits } from '../../../src/protocol/requests.js';
import type { HealthMessage } from '../../../src/protocol/messages.js';
import type { Measured, SurfaceStats } from '../worker/messages.js';

interface DisplayFacts {
  readonly width: number;
  readonly height: number;
  readonly devicePixelRatio: number;
  readonly refreshHz: number | null;
}

interface RunFacts {
  readonly stream: string;
  readonly startedUnixMs: number;
  readonly durationMs: number;
  readonly userAgent: string;
  /** Who made the test, '' where nobody said. */
  readonly author: string;
  readonly display: DisplayFacts;
  readonly before: HealthMessage | null;
  readonly after: HealthMessage | null;
  readonly stats: SurfaceStats | null;
  readonly overlay: Measured;
  readonly picture: Measured | null;
}

/** Samples outside the limits of a report come from an error of the clocks: they are no ages. */
const age = (ms: number): number => Math.min(600_000, Math.max(-1000, Math.round(ms * 1000) / 1000));

function samples(measured: Measured): { samplesMs: number[]; neverPainted: number } {
  return {
    samplesMs: measured.samplesMs.slice(0, limits.acceptanceSamples).map(age),
    neverPainted: measured.neverPainted,
  };
}

/** Drops during the run: the growth of the server's counters, and what this browser left out. */
export function dropsDuring(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  browser: number,
): Record<string, number> {
  const drops: Record<string, number> = {};
  for (const [stage, count] of Object.entries(after))
    drops[stage] = Math.max(0, count - (before[stage] ?? 0));
  drops['browser'] = browser;
  return drops;
}

export function acceptanceReport(run: RunFacts): RequestOf<'acceptance.store'> {
  const { after, stats } = run;
  return {
    stream: run.stream,
    startedUnixMs: Math.round(run.startedUnixMs),
    durationMs: run.durationMs,
    userAgent: run.userAgent.slice(0, 2000),
    display: { ...run.display },
    capturedFps: after?.capturedFps ?? stats?.inFps ?? 0,
    sourceSize: after?.sourceSize ?? null,
    provider: after?.provider ?? '',
    model: after?.model ?? '',
    clock: {
      roundTripMs: stats?.clock?.roundTripMs ?? 0,
      uncertaintyMs: stats?.clock?.uncertaintyMs ?? 0,
    },
    overlay: samples(run.overlay),
    picture: run.picture === null ? null : samples(run.picture),
    drops: dropsDuring(
      run.before?.drops ?? {},
      after?.drops ?? {},
      run.overlay.decodeDrops + (run.picture?.decodeDrops ?? 0),
    ),
    author: run.author,
    remark: `${run.overlay.lateOverlays} outlines came too late for their picture.`,
  };
}
