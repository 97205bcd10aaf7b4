/** Does it work for everybody alike? Figures per group of clips, gap, worst group. Pure but for reading the file. */
import { readFileSync } from 'node:fs';
import { csvRecords } from '../formats/csv-table.js';
import { evaluateError } from './errors.js';
import { bootstrapClusters, mean, type Interval } from './metrics/statistics.js';
import type { ClipResult } from './result.js';

interface GroupFigures {
  readonly group: string;
  readonly clips: number;
  readonly J: number;
  readonly F: number;
  readonly JF: number;
  readonly dice: number;
  /** Of JF. */
  readonly interval: Interval | null;
}

export interface GroupResult {
  /** Column of the file: "sex", "device" … */
  readonly attribute: string;
  readonly groups: readonly GroupFigures[];
  /** Best minus worst mean JF. */
  readonly gap: number;
  readonly worst: string;
  /** Clips that the file does not mention (or leaves empty). */
  readonly ungrouped: readonly string[];
}

/** Attribute → clip → group, from a CSV with the columns "clip" and one per attribute. Throws SONO_EVALUATE_GROUPS. */
export function readGroups(path: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  let records: Record<string, string>[];
  try {
    records = csvRecords(readFileSync(path, 'utf8'));
  } catch (error) {
    throw evaluateError('SONO_EVALUATE_GROUPS', { path, reason: 'it cannot be read' }, error);
  }
  const columns = Object.keys(records[0] ?? {});
  if (!columns.includes('clip') || columns.length < 2)
    throw evaluateError('SONO_EVALUATE_GROUPS', {
      path,
      reason: columns.length === 0 ? 'it is empty' : `its columns are ${columns.join(', ')}`,
    });
  return new Map(
    columns
      .filter((column) => column !== 'clip')
      .map((column) => {
        const groups = new Map<string, string>();
        for (const record of records) {
          const clip = record['clip'] as string;
          if (groups.has(clip))
            throw evaluateError('SONO_EVALUATE_GROUPS', { path, reason: `it lists "${clip}" twice` });
          groups.set(clip, record[column] ?? '');
        }
        return [column, groups] as const;
      }),
  );
}

export function groupResults(
  clips: readonly ClipResult[],
  attributes: ReadonlyMap<string, ReadonlyMap<string, string>>,
  seed: number,
): GroupResult[] {
  return [...attributes].map(([attribute, groupOf]) => {
    const byGroup = new Map<string, ClipResult[]>();
    const ungrouped: string[] = [];
    for (const clip of clips) {
      const group = groupOf.get(clip.name) ?? '';
      if (group === '') ungrouped.push(clip.name);
      else byGroup.set(group, [...(byGroup.get(group) ?? []), clip]);
    }
    const groups = [...byGroup]
      .map(([group, members]): GroupFigures => {
        const objects = members.flatMap((clip) => clip.objects);
        const over = (key: 'J' | 'F' | 'JF' | 'dice'): number =>
          mean(objects.map((object) => object[key])) as number;
        return {
          group,
          clips: members.length,
          J: over('J'),
          F: over('F'),
          JF: over('JF'),
          dice: over('dice'),
          interval: bootstrapClusters(
            members.map((clip) => clip.objects.map(({ JF }) => JF)),
            { seed },
          ),
        };
      })
      .sort((a, b) => b.JF - a.JF);
    return {
      attribute,
      groups,
      gap: groups.length === 0 ? 0 : (groups[0] as GroupFigures).JF - (groups.at(-1) as GroupFigures).JF,
      worst: groups.at(-1)?.group ?? '',
      ungrouped,
    };
  });
}
