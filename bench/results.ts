/** Results of the bench: what a file holds, medians over rounds, and what became worse since the last committed one. Pure but for the files. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../src/node/built-module.js';
import type { Machine, Versions } from '../src/app/versions.js';

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

interface ScenarioResult {
  readonly id: string;
  readonly title: string;
  /** Over the rounds; a metric that no round gave is absent. */
  readonly metrics: Readonly<Record<string, Spread>>;
  /** What went wrong in rounds that gave nothing. */
  readonly failures: readonly string[];
}

export interface BenchResult {
  readonly schema: 'sonoscope.bench/1';
  readonly date: string;
  readonly mode: 'full' | 'quick';
  readonly rounds: number;
  readonly commit: string | null;
  readonly machine: Machine;
  readonly versions: Versions & {
    readonly chromium: string | null;
    readonly peer: Readonly<Record<string, string>> | null;
  };
  readonly model: { readonly name: string; readonly version: string; readonly sha256: string } | null;
  readonly clips: readonly string[];
  /** Other work on the machine when the bench began: one-minute load average. */
  readonly loadBefore: number;
  readonly scenarios: readonly ScenarioResult[];
}

export const resultsFolder = join(packageRoot, 'bench', 'results');

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const at = (index: number): number => sorted[index] as number;
  return {
    min: at(0),
    median: sorted.length % 2 === 1 ? at(Math.floor(middle)) : (at(middle - 1) + at(middle)) / 2,
    max: at(sorted.length - 1),
  };
}

/** Whether more of a metric is better, worse, or neither; by the unit that its name ends with. */
export function direction(metric: string): 'lower' | 'higher' | null {
  if (/(Ms|Cores|MbPerMinute|MissRate|CpuMsPerFrame|Mb)$/.test(metric)) return 'lower';
  if (/(Fps|Share|framesPerSecond)$/i.test(metric)) return 'higher';
  return null;
}

interface Change {
  readonly scenario: string;
  readonly metric: string;
  readonly before: Spread;
  readonly after: Spread;
  /** Median after ÷ median before. */
  readonly ratio: number;
}

/** Smaller changes are noise on a shared machine. */
const noticeable = 0.1;
/** Changes up to this (1 ms, 1 % of a share, 0.02 of anything else) are no regression, whatever their ratio. */
const negligible = (metric: string): number =>
  metric.endsWith('Ms') ? 1 : metric.endsWith('Share') ? 0.01 : 0.02;

/**
 * Metrics that are worse by more than a tenth and whose ranges over the rounds do not overlap. The peer's do not count: it is
 * what we are compared with.
 */
export function regressions(before: BenchResult, after: BenchResult): Change[] {
  return after.scenarios.flatMap(({ id, metrics }) => {
    if (id.includes('peer')) return [];
    const old = before.scenarios.find((scenario) => scenario.id === id)?.metrics ?? {};
    return Object.entries(metrics).flatMap(([metric, now]) => {
      const then = old[metric];
      const better = direction(metric);
      if (!then || better === null) return [];
      const apart = better === 'lower' ? now.min > then.max : now.max < then.min;
      const ratio = now.median / then.median;
      const worse = better === 'lower' ? ratio > 1 + noticeable : ratio < 1 - noticeable;
      const small = Math.abs(now.median - then.median) <= negligible(metric);
      return apart && worse && !small ? [{ scenario: id, metric, before: then, after: now, ratio }] : [];
    });
  });
}

export async function writeResult(result: BenchResult): Promise<string> {
  await mkdir(resultsFolder, { recursive: true });
  const time = result.date.replace(/\.\d+Z$/, 'Z').replaceAll(':', '-');
  const file = join(resultsFolder, `${time}-${result.mode}.json`);
  await writeFile(file, `${JSON.stringify(result, null, 1)}\n`);
  return file;
}

/** The newest committed result of the same mode on the same kind of machine; null where there is none. */
export async function lastCommitted(
  like: Pick<BenchResult, 'mode' | 'machine'>,
): Promise<BenchResult | null> {
  const { stdout } = await promisify(execFile)('git', ['ls-files', 'bench/results'], {
    cwd: packageRoot,
  }).catch(() => ({ stdout: '' }));
  const names = stdout.split('\n').filter((name) => name.endsWith('.json'));
  const results = await Promise.all(names.map((name) => readResult(join(packageRoot, name))));
  return newest(
    results.filter(
      ({ mode, machine }) =>
        mode === like.mode && machine.cpu === like.machine.cpu && machine.cores === like.machine.cores,
    ),
  );
}

/** The newest full result in the folder, committed or not. */
export async function newestFull(): Promise<BenchResult | null> {
  const names = await readdir(resultsFolder).catch(() => []);
  const results = await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => readResult(join(resultsFolder, name))),
  );
  return newest(results.filter(({ mode }) => mode === 'full'));
}

const newest = (results: readonly BenchResult[]): BenchResult | null =>
  [...results].sort((a, b) => a.date.localeCompare(b.date)).at(-1) ?? null;

export async function readResult(path: string): Promise<BenchResult> {
  return JSON.parse(await readFile(path, 'utf8')) as BenchResult;
}

export async function presentCommit(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--short=12', 'HEAD'], {
      cwd: packageRoot,
    });
    return stdout.trim();
  } catch {
    return null;
  }
}
