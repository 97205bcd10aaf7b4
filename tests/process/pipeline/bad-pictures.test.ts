/**
 * Live rooms with the product's own model of the heart, on films in which good pictures turn bad and good again: no number without a
 * reason, none that is no longer true, and the number comes back. The rooms play their films at once, each at its own pace.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { presentLimits, waitingWords } from '../../../src/analysis/ejection-fraction.js';
import { reasonIn } from '../../../src/analysis/beat-table.js';
import { createWorkerEngine } from '../../../src/engine/worker-engine.js';
import { createSource } from '../../../src/ingest/index.js';
import { packageRoot } from '../../../src/node/built-module.js';
import { openRoom } from '../../../src/pipeline/open-room.js';
import { beatRejections, echoMeasures } from '../../../src/vocabulary/echo.js';
import type { Measurement } from '../../../src/vocabulary/measurement.js';
import { film, filmAt, filmHeart, filmRate, unevenFilm, type Part, type Shown } from '../../heart-film.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 400_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-bad-pictures-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Seen {
  /** Seconds of the film. */
  readonly at: number;
  readonly measurements: readonly Measurement[];
}

/** Everything that a room measures on a film, and what its report says at the end. */
async function shown(id: string, sourceUri: string): Promise<{ seen: readonly Seen[]; last: string | null }> {
  const seen: Seen[] = [];
  const room = await openRoom({
    ...{ id, label: id, sourceUri, loop: false },
    createSource: (uri) => createSource(uri, { firstBackoffMs: 100 }),
    analysis: {
      createEngine: (engine, hooks) => createWorkerEngine(engine, hooks),
      engine: { modelDir: join(packageRoot, 'models/echo-lv'), provider: 'cpu', policy: null, threads: 1 },
      plan: null,
    },
    ...{ displayQuality: 85, overlayLimitMs: 100, overlayVisible: true },
    log: { info: () => undefined, warn: () => undefined },
    beforeStart: (early) =>
      early.events$.subscribe((event) => {
        if (event.kind === 'measurement')
          seen.push({ at: event.frame.mediaNs / 1e9, measurements: event.measurements });
      }),
  });
  try {
    await vi.waitUntil(() => room.health.source.phase === 'ended', { timeout: 240_000, interval: 100 });
    return { seen, last: room.report().echo?.lastEjectionFraction?.note ?? null };
  } finally {
    await room.close();
  }
}

const films = {
  one: [
    ['heart', 3],
    ['two hearts', 4],
    ['heart', 4],
    ['M-mode', 3],
    ['heart', 3],
    ['part of a beat, looped', 3.5],
    ['heart', 3.5],
    ['no heart', 3],
    ['heart', 3],
  ],
  two: [
    ['heart', 3],
    ['colour Doppler', 3],
    ['upside down', 5],
    ['mirrored', 4],
    ['frozen', 11.5],
    ['heart', 3],
    ['zoomed', 5],
  ],
} as const satisfies Readonly<Record<string, readonly Part[]>>;

/** Pictures of which there must be no number: how long one of before may stand, seconds, and what is said at the end. */
const refused: Partial<Record<Shown, { readonly within: number; readonly words: string }>> = {
  'two hearts': { within: 2.5, words: beatRejections['two-hearts'] },
  'M-mode': { within: presentLimits.withoutView + 0.3, words: waitingWords.view },
  'no heart': { within: presentLimits.withoutView + 0.3, words: waitingWords.view },
  // The first round may be a beat; the next one shows it.
  'part of a beat, looped': { within: 2, words: beatRejections.repeated },
  frozen: { within: presentLimits.newest + 0.3, words: waitingWords.stale },
};

/** Pictures of which there is a number again after a few beats. Turned over and zoomed ones may take longer than their part of a film. */
const returns: ReadonlySet<Shown> = new Set<Shown>(['heart', 'colour Doppler', 'mirrored']);

const of = ({ measurements }: Seen, name: string): Measurement | undefined =>
  measurements.find((one) => one.name === name);
const fraction = (one: Seen): number | null => of(one, echoMeasures.ejectionFraction)?.value ?? null;
const between = (seen: readonly Seen[], from: number, to: number): readonly Seen[] =>
  seen.filter(({ at }) => at >= from && at < to);

const slow = 'this machine has not looked at enough of the pictures';

/**
 * What a number can be held against: nearly all of the pictures. A machine that is busy otherwise looks at fewer, and in runs: then there may
 * rightly be none yet, or one of fewer beats.
 */
const enough = (seen: readonly Seen[], seconds: number, rate = filmRate): boolean =>
  seen.length / seconds >= 0.95 * rate;

const measuredFilms = new Map<string, Awaited<ReturnType<typeof shown>>>();
const seenOn = (name: string): readonly Seen[] => measuredFilms.get(name)?.seen ?? [];

beforeAll(async () => {
  const paths = [
    ...Object.entries(films).map(
      ([name, parts]) => [name, film(join(folder, `${name}.mp4`), parts)] as const,
    ),
    ['five', filmAt(join(folder, 'five.mp4'), 5, 5)] as const,
    ['uneven', unevenFilm(join(folder, 'uneven.mp4'), 4)] as const,
    ['half', film(join(folder, 'half.mp4'), [['heart', 0.32]])] as const,
  ];
  // Drawn before anything is played: what is drawn meanwhile would cost the rooms their pictures.
  for (const [, path] of paths) await path;
  const play = async (names: readonly string[]): Promise<void> => {
    for (const [name, path] of paths)
      if (names.includes(name)) measuredFilms.set(name, await shown(name, await path));
  };
  await Promise.all([play(['one', 'five']), play(['two', 'uneven', 'half'])]);
});

describe.each(Object.keys(films) as (keyof typeof films)[])('film %s', (name) => {
  let from = 0;
  const parts = films[name].map(([what, seconds], index) => {
    const part = { what, from, to: from + seconds, index };
    from += seconds;
    return part;
  });

  it('has a number or a reason on every picture, and no number without a beat of the last seconds', () => {
    const seen = seenOn(name);
    expect(seen.length).toBeGreaterThan(20);
    let newest = -Infinity;
    for (const one of seen) {
      const shownNow = of(one, echoMeasures.ejectionFraction);
      const beat = of(one, echoMeasures.beatEjectionFraction);
      if (beat && beat.quality !== 'rejected') newest = one.at;
      if (shownNow === undefined) throw new Error(`nothing is said at ${one.at} s`);
      if (shownNow.value === null) expect(reasonIn(shownNow.note)).toMatch(/\w{3}/);
      else {
        expect(one.at - newest).toBeLessThan(presentLimits.newest + 0.5);
        expect(shownNow.interval?.low).toBeLessThan(shownNow.value);
      }
    }
    for (const { measurements } of seen)
      for (const { value, quality, note } of measurements) {
        expect(value === null || Number.isFinite(value)).toBe(true);
        if (value === null) expect([quality, note]).toEqual(['rejected', expect.stringMatching(/\w{3}/)]);
      }
  });

  it.each(parts.filter(({ what }) => refused[what] !== undefined))(
    'has no number of what is no beating heart: $what from $from s on',
    ({ what, from: begin, to }) => {
      const { within, words } = refused[what] ?? { within: 0, words: '' };
      const gone = between(seenOn(name), begin + within, to);
      expect(gone.length).toBeGreaterThan(0);
      for (const figure of [
        echoMeasures.ejectionFraction,
        echoMeasures.endDiastolicVolume,
        echoMeasures.endSystolicVolume,
        echoMeasures.beatEjectionFraction,
      ])
        expect(gone.map((one) => of(one, figure)?.value ?? null)).toEqual(gone.map(() => null));
      const rates = gone.map((one) => of(one, echoMeasures.heartRate)?.value ?? null);
      if (what !== 'frozen') expect(rates).toEqual(gone.map(() => null));
      // On a picture of which nothing can be told nothing is told of its objects either.
      if (what === 'two hearts')
        expect(gone.flatMap(({ measurements }) => measurements.filter((one) => one.value !== null))).toEqual(
          [],
        );
      if (enough(between(seenOn(name), begin, to), to - begin))
        expect(reasonIn(of(gone.at(-1) as Seen, echoMeasures.ejectionFraction)?.note ?? '')).toBe(words);
    },
  );

  it.for(parts.filter(({ what, index }) => returns.has(what) && index > 0))(
    'has a number again of a heart that is seen: $what from $from s on',
    ({ from: begin, to }, { skip }) => {
      const own = between(seenOn(name), begin, to);
      const first = between(seenOn(name), 0, parts[0]?.to ?? 0);
      // At the end of a film every number is withdrawn.
      const last = own.findLast(
        (one) => of(one, echoMeasures.ejectionFraction)?.note !== 'the source has ended',
      );
      const usual = first.map(fraction).findLast((value) => value !== null) ?? null;
      skip(!enough(own, to - begin) || !enough(first, parts[0]?.to ?? 1), slow);
      expect(usual).not.toBeNull();
      const [value, shownLast] = [last && fraction(last), last && of(last, echoMeasures.ejectionFraction)];
      expect(value, shownLast?.note).not.toBeNull();
      expect(Math.abs((value ?? NaN) - (usual ?? NaN))).toBeLessThan(8);
      // Beats of these very pictures: the newest one is of now.
      const beats = own.filter((one) => of(one, echoMeasures.beatEjectionFraction)?.quality === 'good');
      expect(to - (beats.at(-1)?.at ?? -Infinity)).toBeLessThan(2.5);
    },
  );
});

it('five pictures per second give no number, and how many there were', () => {
  const seen = seenOn('five');
  expect(seen.length).toBeGreaterThan(5);
  expect(seen.map(fraction)).toEqual(seen.map(() => null));
  const said = seen.flatMap((one) => of(one, echoMeasures.ejectionFraction)?.note ?? []).at(-1);
  expect(said).toContain(beatRejections['rate-too-low']);
  expect(measuredFilms.get('five')?.last).toContain(beatRejections['rate-too-low']);
});

it('uneven pictures are measured by their own times', ({ skip }) => {
  const seen = seenOn('uneven');
  const steps = seen.slice(1).map(({ at }, index) => at - (seen[index]?.at ?? 0));
  expect(Math.min(...steps)).toBeLessThan(0.03);
  skip(!enough(seen, 4), slow);
  const last = seen.findLast((one) => fraction(one) !== null);
  expect(
    Math.abs((of(last as Seen, echoMeasures.heartRate)?.value ?? 0) - filmHeart.heartRateBpm),
  ).toBeLessThan(5);
  const usual = between(seenOn('one'), 0, films.one[0][1])
    .map(fraction)
    .findLast((value) => value !== null);
  skip(usual === undefined, slow);
  expect(Math.abs((fraction(last as Seen) ?? NaN) - (usual ?? NaN))).toBeLessThan(8);
});

it('half a beat is none, also when the film is over', ({ skip }) => {
  const seen = seenOn('half');
  skip(seen.length === 0, slow);
  expect(seen.map(fraction)).toEqual(seen.map(() => null));
  expect(measuredFilms.get('half')?.last).toContain(waitingWords.beat);
});
