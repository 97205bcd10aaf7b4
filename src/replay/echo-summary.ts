/**
 * echo-summary.csv: one line per clip of a run that exports beats, for who measures a whole folder. Made from each clip's echo.json;
 * a clip that could not be analysed has a line with the reason. Main process.
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { biplaneNote } from '../analysis/biplane-beats.js';
import { otherView } from '../vocabulary/echo.js';
import type { PairResult } from './biplane-pairs.js';
import { csvField, csvLine } from '../formats/csv-table.js';
import type { Outcome } from './outcome.js';

/** Of echo.json, what a line needs. */
const reportSchema = z.object({
  beats: z.object({
    accepted: z.number(),
    rejected: z.number(),
    reasons: z.record(z.string(), z.number()),
  }),
  ejectionFraction: z.object({
    ...{ median: z.number().nullable(), lowest: z.number().nullable(), highest: z.number().nullable() },
    reason: z.string(),
    lastShown: z
      .object({
        value: z.number().nullable(),
        interval: z.object({ low: z.number(), high: z.number() }).nullable(),
        note: z.string(),
      })
      .nullable(),
  }),
});

const ownColumns = [
  ...['clip', 'ef_percent', 'ef_lowest_percent', 'ef_highest_percent'],
  ...['ef_shown_percent', 'ef_shown_low_percent', 'ef_shown_high_percent', 'ef_shown_note'],
  ...['beats_accepted', 'beats_rejected', 'rejections', 'reason'],
];

const columns = [
  ...ownColumns,
  ...['view', 'biplane_partner', 'ef_biplane_percent', 'ef_biplane_low_percent', 'ef_biplane_high_percent'],
  ...['edv_biplane_ml', 'esv_biplane_ml', 'biplane_note'],
];

/** Both clips of a pair have the same numbers: who sorts the table by either view finds them. */
function biplaneCells(clip: string, result: PairResult | null): string[] {
  if (result === null) return columns.slice(ownColumns.length).map(() => '');
  const { pair, present } = result;
  const view = pair.a4c === clip ? 'a4c' : 'a2c';
  const names = [view, csvField(pair[otherView(view)])];
  if (present.reason !== null) return [...names, '', '', '', '', '', csvField(present.reason)];
  const { ejectionFraction: fraction, endDiastolicVolume, endSystolicVolume } = present;
  return [
    ...names,
    ...[fraction.value, fraction.interval.low, fraction.interval.high].map((value) => value.toFixed(2)),
    ...[endDiastolicVolume.value, endSystolicVolume.value].map((value) => value.toFixed(2)),
    csvField(biplaneNote(present)),
  ];
}

/** The whole table; null where no clip has beats exported. Rejects where a report cannot be read. */
export async function echoSummary(
  out: string,
  outcomes: readonly Outcome[],
  biplane: readonly PairResult[],
): Promise<string | null> {
  let any = false;
  const pairOf = new Map(
    biplane.flatMap((result) => [[result.pair.a4c, result] as const, [result.pair.a2c, result] as const]),
  );
  const lines: string[] = [];
  for (const { item, summary, error } of outcomes) {
    const path = resolve(join(out, item.clip, 'echo.json'));
    if (summary?.files.some((file) => resolve(file) === path) === true) {
      any = true;
      lines.push(
        lineOf(
          item.clip,
          reportSchema.parse(JSON.parse(await readFile(path, 'utf8'))),
          pairOf.get(item.clip) ?? null,
        ),
      );
    } else if (error)
      lines.push(
        csvLine([
          csvField(item.clip),
          ...ownColumns.slice(2).map(() => ''),
          csvField(error.message),
          ...biplaneCells(item.clip, pairOf.get(item.clip) ?? null),
        ]),
      );
  }
  return any ? [csvLine(columns), ...lines].join('') : null;
}

function lineOf(
  clip: string,
  { beats, ejectionFraction }: z.infer<typeof reportSchema>,
  biplane: PairResult | null,
): string {
  const { median, lowest, highest, reason, lastShown } = ejectionFraction;
  const cell = (value: number | null | undefined): string =>
    value === null || value === undefined ? '' : String(value);
  return csvLine([
    csvField(clip),
    ...[median, lowest, highest].map(cell),
    ...[lastShown?.value, lastShown?.interval?.low, lastShown?.interval?.high].map(cell),
    csvField(lastShown?.note ?? ''),
    ...[beats.accepted, beats.rejected].map(String),
    csvField(
      Object.entries(beats.reasons)
        .map(([why, count]) => `${why} ${count}`)
        .join('; '),
    ),
    csvField(reason),
    ...biplaneCells(clip, biplane),
  ]);
}
