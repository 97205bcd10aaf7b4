/** Two evaluations of the same clips: paired differences, what became worse first. Pure. */
import { bootstrapClusters, mean, type Interval } from './metrics/statistics.js';
import type { ComparableResult } from './result-file.js';

export const comparedKeys = ['JF', 'J', 'F', 'dice'] as const;
type ComparedKey = (typeof comparedKeys)[number];

interface Difference {
  readonly clip: string;
  readonly object: string;
  readonly before: Readonly<Record<ComparedKey, number>>;
  readonly after: Readonly<Record<ComparedKey, number>>;
  /** after − before. */
  readonly change: Readonly<Record<ComparedKey, number>>;
}

export interface Comparison {
  readonly before: string;
  readonly after: string;
  /** Mean change over the objects that both have, with a 95 % interval (clips drawn, pairs kept together). */
  readonly change: Readonly<
    Record<ComparedKey, { readonly mean: number; readonly interval: Interval | null }>
  >;
  readonly better: number;
  readonly worse: number;
  readonly equal: number;
  /** Largest loss of JF first. */
  readonly differences: readonly Difference[];
  /** Clip and object that only one of the two has. */
  readonly onlyBefore: readonly string[];
  readonly onlyAfter: readonly string[];
}

type Entry = ComparableResult['clips'][number]['objects'][number];

function entries(result: ComparableResult): Map<string, { readonly clip: string; readonly object: Entry }> {
  return new Map(
    result.clips.flatMap((clip) =>
      clip.objects.map((object) => [`${clip.name} / ${object.name}`, { clip: clip.name, object }] as const),
    ),
  );
}

const pick = (object: Entry): Record<ComparedKey, number> => ({
  JF: object.JF,
  J: object.J,
  F: object.F,
  dice: object.dice,
});

/** Scores closer than this are the same: results are rounded to six digits here and there. */
const same = 1e-6;

export function compareResults(a: ComparableResult, b: ComparableResult, seed = 1): Comparison {
  const before = entries(a);
  const after = entries(b);
  const differences = [...before].flatMap(([key, { clip, object }]): Difference[] => {
    const other = after.get(key);
    if (other === undefined) return [];
    const [from, to] = [pick(object), pick(other.object)];
    const change = { JF: to.JF - from.JF, J: to.J - from.J, F: to.F - from.F, dice: to.dice - from.dice };
    return [{ clip, object: object.name, before: from, after: to, change }];
  });
  differences.sort((x, y) => x.change.JF - y.change.JF || (x.clip < y.clip ? -1 : 1));
  const clips = [...new Set(differences.map(({ clip }) => clip))].sort();
  const overall = (key: ComparedKey): { mean: number; interval: Interval | null } => ({
    mean: mean(differences.map(({ change }) => change[key])) ?? 0,
    interval: bootstrapClusters(
      clips.map((name) => differences.filter(({ clip }) => clip === name).map(({ change }) => change[key])),
      { seed },
    ),
  });
  return {
    before: a.predictor,
    after: b.predictor,
    change: { JF: overall('JF'), J: overall('J'), F: overall('F'), dice: overall('dice') },
    better: differences.filter(({ change }) => change.JF > same).length,
    worse: differences.filter(({ change }) => change.JF < -same).length,
    equal: differences.filter(({ change }) => Math.abs(change.JF) <= same).length,
    differences,
    onlyBefore: [...before.keys()].filter((key) => !after.has(key)),
    onlyAfter: [...after.keys()].filter((key) => !before.has(key)),
  };
}
