/** Plain-text tables for the terminal. Pure. */
import { comparedKeys, type Comparison } from './compare.js';
import type { GroupResult } from './groups.js';
import type { Interval } from './metrics/statistics.js';
import type { RunResult } from './result.js';

export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export const digits = (value: number | null, places = 3): string =>
  value === null ? '–' : value.toFixed(places);

const signed = (value: number): string => `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(3)}`;

export function intervalText(interval: Interval | null): string {
  return interval === null ? '' : `${digits(interval.low)}–${digits(interval.high)}`;
}

export function runTable(result: RunResult): string {
  const row = (
    name: string,
    frames: number,
    figures: RunResult['mean'] | RunResult['clips'][number],
  ): string[] => [
    name,
    String(frames),
    digits(figures.J),
    digits(figures.F),
    digits(figures.JF),
    digits(figures.dice),
    digits(figures.hd95, 1),
    digits(figures.shown, 2),
    digits(figures.flicker),
  ];
  const frames = result.clips.reduce((sum, clip) => sum + clip.frames, 0);
  const left = result.unscored.filter(({ object }) => object === null);
  const dashes = Array.from({ length: 8 }, () => '–');
  const figures = table([
    ['clip', 'frames', 'J', 'F', 'J&F', 'Dice', 'HD95', 'shown', 'flicker'],
    ...result.clips.map((clip) => row(clip.name, clip.frames, clip)),
    ...left.map(({ clip }) => [clip, ...dashes]),
    row('mean over objects', frames, result.mean),
    [
      '  95 % interval',
      '',
      ...(['J', 'F', 'JF', 'dice'] as const).map((key) => intervalText(result.intervals[key])),
    ],
  ]);
  return [figures, ...notes(result)].join('\n');
}

/** What a reader of the figures must know: how masks were read, and what is in no mean. One sentence each. */
export function notes({ clips, unscored }: Pick<RunResult, 'clips' | 'unscored'>): string[] {
  const readings = new Map<string, string[]>();
  for (const { name, masks } of clips)
    if (masks !== null) readings.set(masks, [...(readings.get(masks) ?? []), name]);
  return [
    ...[...readings].map(([words, names]) => `masks of ${namesText(names)}: ${words}`),
    ...unscored.map(
      ({ clip, object, reason }) =>
        `not scored: ${object === null ? clip : `${clip} / ${object}`}: ${reason}`,
    ),
  ];
}

/** The first names, and how many more there are. */
export function namesText(names: readonly string[]): string {
  const most = 5;
  const more = names.length - most;
  return `${names.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

export function policyTable(results: readonly RunResult[]): string {
  return table([
    ['policy', 'J', 'F', 'J&F', '95 %', 'Dice', 'J 1-10', '11-30', '31-60', '61+', 'flicker', 'ECE', 'fps'],
    ...results.map(policyRow),
  ]);
}

/** The figures of one policy, here and in the report. */
export function policyRow({ policy, predictor, mean, intervals, drift, fps }: RunResult): string[] {
  return [
    policy ?? predictor,
    ...[mean.J, mean.F, mean.JF].map((value) => digits(value)),
    intervalText(intervals.JF),
    ...[mean.dice, ...drift.map(({ J }) => J), mean.flicker, mean.ece].map((value) => digits(value)),
    digits(fps, 1),
  ];
}

export function groupTable({ attribute, groups, gap, worst, ungrouped }: GroupResult): string {
  const lines = table([
    [attribute, 'clips', 'J', 'F', 'J&F', '95 %', 'Dice'],
    ...groups.map((group) => [
      group.group,
      String(group.clips),
      digits(group.J),
      digits(group.F),
      digits(group.JF),
      intervalText(group.interval),
      digits(group.dice),
    ]),
  ]);
  const left = ungrouped.length === 0 ? '' : ` ${ungrouped.length} clips have no group.`;
  return `${lines}\ngap ${digits(gap)}, worst group: ${worst}.${left}`;
}

export function comparisonTable(comparison: Comparison): string {
  const { differences, change, onlyAfter, onlyBefore } = comparison;
  const summary = table([
    ['change', 'mean', '95 %'],
    ...comparedKeys.map((key) => {
      const { mean, interval } = change[key];
      return [
        key === 'JF' ? 'J&F' : key === 'dice' ? 'Dice' : key,
        signed(mean),
        interval === null ? '' : `${signed(interval.low)} … ${signed(interval.high)}`,
      ];
    }),
  ]);
  const list = table([
    ['clip / object', 'J&F before', 'after', 'change', 'J', 'F'],
    ...differences.map((entry) => [
      `${entry.clip} / ${entry.object}`,
      digits(entry.before.JF),
      digits(entry.after.JF),
      signed(entry.change.JF),
      signed(entry.change.J),
      signed(entry.change.F),
    ]),
  ]);
  const missing = [
    ...onlyBefore.map((name) => `only in the first: ${name}`),
    ...onlyAfter.map((name) => `only in the second: ${name}`),
  ];
  return [
    `${comparison.before} → ${comparison.after}: ${comparison.better} better, ${comparison.worse} worse, ${comparison.equal} equal`,
    summary,
    '',
    list,
    ...missing,
  ].join('\n');
}
