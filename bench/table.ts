/**
 * The tables of figures: `README.md` answers what a user asks, for the machines named below; `bench/README.md` lists everything of
 * the newest full result. Both stand between two marks and are made from committed result files. Pure but for `writeTables`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../src/node/built-module.js';
import { newestFull, readResult, resultsFolder, type BenchResult, type Spread } from './results.js';

const startMark = '<!-- bench:start -->';
const endMark = '<!-- bench:end -->';

/** Machines of the README. The first file that has a scenario gives its figures; `live` is the edition that `model: auto` takes there. */
const machines = [
  {
    name: 'A',
    live: 'compact-fast',
    files: ['2026-11-28T19-23-54Z-full.json', 'parts/2026-11-28-memory-compact-fast.json'],
  },
  {
    name: 'B',
    live: 'compact-light',
    files: ['parts/2026-11-28-paint-compact-light.json', '2026-11-28T16-46-24Z-quick.json'],
  },
] as const;

const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const perSecond = (value: number): string => `${value.toFixed(1)} /s`;
const cores = (value: number): string => `${value.toFixed(2)} cores`;
const growth = (value: number): string => `${value.toFixed(2)} MB/min`;
const share = (value: number): string => value.toFixed(3);
/** Never rounded up: 94.96 % has not reached 95 %. */
function percent(value: number): string {
  const tenths = Math.floor(value * 1000 + 1e-6) / 10;
  return `${tenths.toFixed(tenths === 100 ? 0 : 1)} %`;
}

/** What is to be reached: at most or at least a number, or another figure (scenario and metric). */
interface Limit {
  readonly most?: number | string;
  readonly least?: number | string;
}
interface Figure extends Limit {
  /** Scenario and metric. */
  readonly of: string;
  readonly words: (value: number) => string;
  readonly name: string;
}
type Find = (of: string) => Spread | undefined;

const figure = (of: string, words: Figure['words'], name: string, limit: Limit = {}): Figure => ({
  of,
  words,
  name,
  ...limit,
});

/** What a user asks. 720p at 25 pictures per second where nothing else is said. */
const asked: readonly Figure[] = [
  figure('paint-720p25-1 displayedShare', percent, 'Pictures shown', { least: 1 }),
  figure('paint-720p25-1 analysedShare', percent, 'Pictures analysed', { least: 0.95 }),
  figure('paint-720p25-1 pictureP95Ms', ms, 'Age on screen: picture alone, p95', { most: 60 }),
  figure('paint-720p25-1 overlayP95Ms', ms, 'Age on screen: picture with outlines, p95', { most: 100 }),
  figure('first-mask firstMaskP95Ms', ms, 'First mask after a click, p95', { most: 150 }),
  figure('mixed displayedShare', percent, 'Two streams at once: pictures shown', { least: 1 }),
  figure('mixed analysedFps', perSecond, 'Two streams at once: analysed, the slower one', { least: 15 }),
  figure('overhead-real overheadP50Ms', ms, 'Own overhead beside the network, p50', { most: 6 }),
  figure('streams-1 totalP95Ms', ms, 'Age of a result: one object, p95', { most: 'live-peer-1 ageP95Ms' }),
  figure('objects-8 totalP95Ms', ms, 'Age of a result: 8 objects, p95', { most: 'live-peer-8 ageP95Ms' }),
  figure('throughput-own framesPerSecond', perSecond, 'Every picture, as fast as it goes', {
    least: 'throughput-peer framesPerSecond',
  }),
  figure('memory memorySlopeMbPerMinute', growth, 'Growth of memory', { most: 1 }),
];

/** In `bench/README.md` only. */
const further: readonly Figure[] = [
  figure('paint-1080p30-1 pictureP95Ms', ms, '1080p30, age on screen: picture alone, p95'),
  figure('paint-1080p30-1 overlayP95Ms', ms, '1080p30, age on screen: picture with outlines, p95'),
  figure('overhead-noop overheadP50Ms', ms, 'Own overhead without a model, p50'),
  figure('streams-1 cpuPerStreamCores', cores, 'Processor, one stream'),
  figure('objects-8 analysedFps', perSecond, '8 objects: analysed'),
  figure('objects-8 displayedShare', percent, '8 objects: pictures shown', { least: 1 }),
  figure('recording openMs', ms, 'A recording of an hour: opened in the dashboard', { most: 2000 }),
  figure('recording scrubP95Ms', ms, 'A recording of an hour: slider to picture, p95', { most: 150 }),
];

const sets = { natural: 'natural video', robotic: 'robotic instruments', vocalfolds: 'vocal folds' };
/** Overlap (J) on the validation clips, first mask given; to reach: that of the first mask copied onto every frame. */
const accuracy: readonly Figure[] = ['live', 'recordings'].flatMap((use) =>
  Object.entries(sets).map(([set, words]) =>
    figure(`${set} ${use}`, share, `Accuracy (J) ${use}: ${words}`, { least: `${set} copy` }),
  ),
);

/** The median, in brackets the figure that it is compared with, and whether it was reached: "49 ms (35 ms) ✗". */
function cell({ of, words, most, least }: Figure, find: Find): string {
  const value = find(of)?.median;
  if (value === undefined) return '–';
  const target = most ?? least;
  const limit = typeof target === 'string' ? find(target)?.median : target;
  if (limit === undefined) return words(value);
  const reached = most === undefined ? value >= limit : value <= limit;
  return `${words(value)}${typeof target === 'string' ? ` (${words(limit)})` : ''} ${reached ? '✓' : '✗'}`;
}

function goal({ words, most, least }: Figure): string {
  const target = most ?? least;
  if (target === undefined) return '';
  const sign = most === undefined ? '≥' : '≤';
  return `${sign} ${typeof target === 'string' ? 'in brackets' : words(target).replace(/\.0+ /, ' ')}`;
}

const findIn =
  (results: readonly BenchResult[]): Find =>
  (of) => {
    const [id, metric = ''] = of.split(' ');
    const scenarios = results.flatMap((result) => result.scenarios);
    return scenarios.find((scenario) => scenario.id === id)?.metrics[metric];
  };

/** Everything of one result, for `bench/README.md`. */
export function renderTable(result: BenchResult): string {
  const { machine, model, date, rounds, clips } = result;
  const find = findIn([result]);
  const lines = [...asked, ...further].flatMap((row) => {
    const spread = find(row.of);
    if (!spread) return [];
    const range = rounds > 1 ? `${row.words(spread.min)} – ${row.words(spread.max)}` : '';
    return [`| ${row.name} | ${cell(row, find)} | ${range} | ${goal(row)} |`];
  });
  return [
    `Measured on ${machine.cores} cores (${machine.cpu}), ${date.slice(0, 10)}, model ${model ? `${model.name} ${model.version} (${model.sha256.slice(0, 12)})` : 'none'}, ${clips.join(', ')};`,
    `median and range of ${rounds} interleaved round${rounds === 1 ? '' : 's'}. The browser runs on the same cores.`,
    '',
    '| figure | median | range | to reach |',
    '| --- | ---: | ---: | --- |',
    ...lines,
  ].join('\n');
}

/** What a user asks, for `README.md`, from the committed files: one column per machine. */
export async function renderAnswers(): Promise<string> {
  const finds = await Promise.all(
    machines.map(async ({ live, files }): Promise<Find> => {
      const bench = findIn(await Promise.all(files.map((file) => readResult(join(resultsFolder, file)))));
      const editions = { live, recordings: 'mask', copy: 'copy' };
      const scores = new Map<string, Spread>();
      for (const set of Object.keys(sets))
        for (const [use, file] of Object.entries(editions))
          scores.set(`${set} ${use}`, await readAccuracy(`${set}-${file}.json`));
      return (of) => scores.get(of) ?? bench(of);
    }),
  );
  const line = (row: Figure): string =>
    `| ${[row.name, goal(row), ...finds.map((find) => cell(row, find))].join(' | ')} |`;
  return [
    `| | to reach | ${machines.map(({ name }) => `machine ${name}`).join(' | ')} |`,
    `| --- | --- |${' ---: |'.repeat(machines.length)}`,
    ...[...asked, ...accuracy].map(line),
  ].join('\n');
}

/** J of a committed evaluation. */
async function readAccuracy(file: string): Promise<Spread> {
  const text = await readFile(join(packageRoot, 'bench', 'accuracy', 'results', file), 'utf8');
  const { mean } = JSON.parse(text) as { readonly mean: { readonly J: number } };
  return { min: mean.J, median: mean.J, max: mean.J };
}

/** Replaces what stands between the marks; throws where they are missing. */
export function insertTable(page: string, table: string): string {
  const start = page.indexOf(startMark);
  const end = page.indexOf(endMark);
  if (start < 0 || end < start) throw new Error(`the page has no ${startMark} … ${endMark}`);
  return `${page.slice(0, start + startMark.length)}\n${table}\n${page.slice(end)}`;
}

/** Writes both tables; false where there is no full result. */
export async function writeTables(): Promise<boolean> {
  const result = await newestFull();
  if (result === null) return false;
  for (const [name, table] of [
    ['README.md', await renderAnswers()],
    ['bench/README.md', renderTable(result)],
  ] as const) {
    const path = join(packageRoot, name);
    await writeFile(path, insertTable(await readFile(path, 'utf8'), table));
  }
  return true;
}
