/**
 * Two clips of one heart in a run, four-chamber and two-chamber: which they are, and what their beats give together (biplane.json in
 * the folder of the four-chamber clip). Main process.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { biplaneOf, viewReason, type BiplanePresent, type ViewBeats } from '../analysis/biplane-beats.js';
import { echoViewWords, type EchoView } from '../vocabulary/echo.js';
import { replayError } from './errors.js';
import type { InputItem } from './input-item.js';
import type { Outcome } from './outcome.js';

/** names: by A4C and A2C (4CH and 2CH) in the names of the files; order: four-chamber, two-chamber, four-chamber, … */
export const pairings = ['names', 'order'] as const;
export type Pairing = (typeof pairings)[number];

export const biplaneName = 'biplane.json';

/** Names of the clips. */
export type ClipPair = Readonly<Record<EchoView, string>>;

/** As CAMUS (`4CH`), laboratories (`A4C`, `AP4`, `4C`) and scanners write it, between anything that is no letter and no digit. */
const viewInName = /(?<![a-z0-9])(?:a([24])ch?|ap([24])ch?|([24])ch?)(?![a-z0-9])/gi;

/** View and what is left of the name, the same for both views; null: the name does not say it, or says it twice. */
export function viewOfName(uri: string): { readonly view: EchoView; readonly rest: string } | null {
  const name = basename(uri);
  const found = [...name.matchAll(viewInName)];
  const [match] = found;
  if (match === undefined || found.length > 1) return null;
  const view = (match[1] ?? match[2] ?? match[3]) === '4' ? 'a4c' : 'a2c';
  const rest = `${name.slice(0, match.index)}*${name.slice(match.index + match[0].length)}`.toLowerCase();
  return { view, rest: join(dirname(uri), rest) };
}

/** Pure. Throws SONO_REPLAY_PAIR where clips cannot be told apart: a wrong partner would be a wrong number. */
export function findPairs(items: readonly InputItem[], pairing: Pairing): ClipPair[] {
  switch (pairing) {
    case 'order': {
      if (items.length % 2 !== 0)
        throw replayError('SONO_REPLAY_PAIR', {
          reason: `there are ${items.length} clips, and in order they come in twos`,
        });
      return items.flatMap(({ clip }, index) =>
        index % 2 === 0 ? [{ a4c: clip, a2c: (items[index + 1] as InputItem).clip }] : [],
      );
    }
    case 'names': {
      const groups = new Map<string, { readonly view: EchoView; readonly clip: string }[]>();
      for (const { uri, stream, clip } of items) {
        const named = viewOfName(uri);
        if (named === null) continue;
        const key = `${named.rest}\0${stream ?? ''}`;
        groups.set(key, [...(groups.get(key) ?? []), { view: named.view, clip }]);
      }
      const pairs = [...groups.values()].flatMap((group): ClipPair[] => {
        const of = (view: EchoView): string[] =>
          group.flatMap((one) => (one.view === view ? [one.clip] : []));
        const [[a4c, moreFour], [a2c, moreTwo]] = [of('a4c'), of('a2c')];
        const twice = moreFour ?? moreTwo;
        if (twice !== undefined)
          throw replayError('SONO_REPLAY_PAIR', { reason: `"${twice}" is a second clip of the same view` });
        return a4c === undefined || a2c === undefined ? [] : [{ a4c, a2c }];
      });
      if (pairs.length === 0)
        throw replayError('SONO_REPLAY_PAIR', {
          reason: 'no two names differ in A4C and A2C, or 4CH and 2CH, alone',
        });
      return pairs;
    }
  }
}

/** The views that the pairs say, by clip. */
export function viewsOf(pairs: readonly ClipPair[]): ReadonlyMap<string, EchoView> {
  return new Map(
    pairs.flatMap(({ a4c, a2c }): [string, EchoView][] => [
      [a4c, 'a4c'],
      [a2c, 'a2c'],
    ]),
  );
}

export interface PairResult {
  readonly pair: ClipPair;
  readonly present: BiplanePresent;
  /** biplane.json; null: the four-chamber clip has no results to stand beside. */
  readonly text: string | null;
}

const disksSchema = z.object({ length: z.number(), diameters: z.array(z.number()) });
/** Of echo.json, what two views need. */
const reportSchema = z.object({
  units: z.object({ length: z.string() }),
  ejectionFraction: z.object({ reason: z.string() }),
  disks: z.array(
    z.object({
      ...{ heartRate: z.number(), irregularRhythm: z.boolean() },
      ...{ endDiastole: disksSchema, endSystole: disksSchema },
    }),
  ),
});

/** What each pair gives; nothing where no beats were exported. Rejects where a report cannot be read. */
export async function pairResults(
  out: string,
  outcomes: readonly Outcome[],
  pairs: readonly ClipPair[],
): Promise<PairResult[]> {
  const read = async (clip: string): Promise<ViewBeats | { readonly reason: string } | null> => {
    const outcome = outcomes.find(({ item }) => item.clip === clip);
    const path = resolve(join(out, clip, 'echo.json'));
    if (outcome?.summary?.files.some((file) => resolve(file) === path) !== true)
      return outcome?.error ? { reason: outcome.error.message } : null;
    const { units, ejectionFraction, disks } = reportSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    if (disks.length === 0)
      return {
        reason: ejectionFraction.reason === '' ? 'no beat has its disks' : ejectionFraction.reason,
      };
    return {
      beats: disks.map(({ heartRate, endDiastole, endSystole }) => ({
        heartRate,
        disks: { endDiastole, endSystole },
      })),
      irregularRhythm: disks.some(({ irregularRhythm }) => irregularRhythm),
      unit: units.length,
    };
  };
  const results: PairResult[] = [];
  const unread = { reason: 'its beats were not exported' };
  for (const pair of pairs) {
    const [a4c, a2c] = [await read(pair.a4c), await read(pair.a2c)];
    if (a4c === null && a2c === null) continue;
    const present = viewsTogether({ a4c: a4c ?? unread, a2c: a2c ?? unread });
    const stands = a4c !== null && outcomes.some(({ item, summary }) => item.clip === pair.a4c && summary);
    results.push({ pair, present, text: stands ? biplaneReport(pair, present) : null });
  }
  return results;
}

/** What two views give, where each may have no beats and a reason for it. */
export function viewsTogether({
  a4c,
  a2c,
}: Readonly<Record<EchoView, ViewBeats | { readonly reason: string }>>): BiplanePresent {
  const missing = (view: EchoView, { reason }: { readonly reason: string }): BiplanePresent => ({
    reason: `the ${echoViewWords[view]} view has no number: ${viewReason(view, reason)}`,
  });
  if ('reason' in a4c) return missing('a4c', a4c);
  if ('reason' in a2c) return missing('a2c', a2c);
  return biplaneOf({ a4c, a2c });
}

/** biplane.json. */
export function biplaneReport(pair: ClipPair, present: BiplanePresent, correctedByHand = false): string {
  const figure = (name: 'ejectionFraction' | 'endDiastolicVolume' | 'endSystolicVolume', unit: string) => {
    if (present.reason !== null) return { value: null, unit, interval: null };
    const { value, interval } = present[name];
    const round = (one: number): number => Number(one.toFixed(2));
    return { value: round(value), unit, interval: { low: round(interval.low), high: round(interval.high) } };
  };
  return `${JSON.stringify(
    {
      schema: 'sonoscope.biplane/1',
      clips: pair,
      method: 'biplane, method of disks; median over all pairs of one beat of each view',
      ejectionFraction: figure('ejectionFraction', '%'),
      endDiastolicVolume: figure('endDiastolicVolume', 'mL'),
      endSystolicVolume: figure('endSystolicVolume', 'mL'),
      beats: present.reason === null ? present.beats : null,
      irregularRhythm: present.reason === null ? present.irregularRhythm : null,
      correctedByHand,
      reason: present.reason ?? '',
      interval:
        'nominal 90 %, with the constants of the single-plane interval: an assumption, not calibrated for two views',
      use: 'Research only: not for diagnosis.',
    },
    null,
    2,
  )}\n`;
}
