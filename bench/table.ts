/** The README's table of figures, made from a result file. Pure but for `writeTable`. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../src/node/built-module.js';
import type { BenchResult, Spread } from './results.js';

const startMark = '<!-- bench:start -->';
const endMark = '<!-- bench:end -->';

const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const perSecond = (value: number): string => `${value.toFixed(1)} /s`;
const percent = (value: number): string => `${(value * 100).toFixed(value > 0.9995 ? 0 : 1)} %`;
const cores = (value: number): string => `${value.toFixed(2)} cores`;

interface Row {
  readonly name: string;
  readonly scenario: string;
  readonly metric: string;
  readonly words: (value: number) => string;
  readonly goal: string;
}

const rows: readonly Row[] = [
  {
    name: '720p25: pictures displayed',
    scenario: 'paint-720p25-1',
    metric: 'displayedShare',
    words: percent,
    goal: '100 %',
  },
  {
    name: '720p25: pictures analysed',
    scenario: 'paint-720p25-1',
    metric: 'analysedShare',
    words: percent,
    goal: '≥ 95 %',
  },
  {
    name: '720p25: capture to paint with outline, p95',
    scenario: 'paint-720p25-1',
    metric: 'overlayP95Ms',
    words: ms,
    goal: '≤ 100 ms',
  },
  {
    name: '720p25: capture to paint of the raw picture, p95',
    scenario: 'paint-720p25-1',
    metric: 'pictureP95Ms',
    words: ms,
    goal: '≤ 60 ms',
  },
  {
    name: '1080p30: capture to paint with outline, p95',
    scenario: 'paint-1080p30-1',
    metric: 'overlayP95Ms',
    words: ms,
    goal: '',
  },
  {
    name: '1080p30: capture to paint of the raw picture, p95',
    scenario: 'paint-1080p30-1',
    metric: 'pictureP95Ms',
    words: ms,
    goal: '',
  },
  {
    name: 'own overhead, p50',
    scenario: 'overhead-real',
    metric: 'overheadP50Ms',
    words: ms,
    goal: '≤ 6 ms',
  },
  {
    name: 'first mask after a click, p95',
    scenario: 'first-mask',
    metric: 'firstMaskP95Ms',
    words: ms,
    goal: '≤ 150 ms',
  },
  {
    name: 'own overhead without a model, p50',
    scenario: 'overhead-noop',
    metric: 'overheadP50Ms',
    words: ms,
    goal: '',
  },
  {
    name: 'processor, one 720p25 stream',
    scenario: 'streams-1',
    metric: 'cpuPerStreamCores',
    words: cores,
    goal: '',
  },
  {
    name: 'laparoscopy and echo together: analysed, the slower of the two',
    scenario: 'mixed',
    metric: 'analysedFps',
    words: perSecond,
    goal: '≥ 15 /s',
  },
  {
    name: 'laparoscopy and echo together: pictures displayed',
    scenario: 'mixed',
    metric: 'displayedShare',
    words: percent,
    goal: '100 %',
  },
  { name: '8 objects: analysed', scenario: 'objects-8', metric: 'analysedFps', words: perSecond, goal: '' },
  {
    name: '8 objects: pictures displayed',
    scenario: 'objects-8',
    metric: 'displayedShare',
    words: percent,
    goal: '100 %',
  },
  {
    name: 'one stream: age of a result, p95',
    scenario: 'streams-1',
    metric: 'totalP95Ms',
    words: ms,
    goal: 'level with the peer',
  },
  {
    name: 'one stream: the same in the Python peer',
    scenario: 'live-peer-1',
    metric: 'ageP95Ms',
    words: ms,
    goal: '',
  },
  {
    name: '8 objects: age of a result, p95',
    scenario: 'objects-8',
    metric: 'totalP95Ms',
    words: ms,
    goal: 'below the peer',
  },
  {
    name: '8 objects: the same in the Python peer',
    scenario: 'live-peer-8',
    metric: 'ageP95Ms',
    words: ms,
    goal: '',
  },
  {
    name: 'a recording of an hour: opened in the dashboard',
    scenario: 'recording',
    metric: 'openMs',
    words: ms,
    goal: '≤ 2000 ms',
  },
  {
    name: 'a recording of an hour: slider to picture, p95',
    scenario: 'recording',
    metric: 'scrubP95Ms',
    words: ms,
    goal: '≤ 150 ms',
  },
  {
    name: 'every frame as fast as it goes',
    scenario: 'throughput-own',
    metric: 'framesPerSecond',
    words: perSecond,
    goal: '≥ the peer',
  },
  {
    name: 'the same in the Python peer',
    scenario: 'throughput-peer',
    metric: 'framesPerSecond',
    words: perSecond,
    goal: '',
  },
  {
    name: 'memory of the server, slope',
    scenario: 'memory',
    metric: 'memorySlopeMbPerMinute',
    words: (value) => `${value.toFixed(2)} MB/min`,
    goal: '< 1 MB/min',
  },
];

/** The block between the marks. */
export function renderTable(result: BenchResult): string {
  const { machine, model, date, rounds, clips, scenarios } = result;
  const find = (row: Row): Spread | undefined =>
    scenarios.find(({ id }) => id === row.scenario)?.metrics[row.metric];
  const lines = rows.flatMap((row) => {
    const spread = find(row);
    if (!spread) return [];
    const range = rounds > 1 ? `${row.words(spread.min)} – ${row.words(spread.max)}` : '';
    return [`| ${row.name} | **${row.words(spread.median)}** | ${range} | ${row.goal} |`];
  });
  return [
    `Measured on ${machine.cores} cores (${machine.cpu}), ${date.slice(0, 10)}, model ${model ? `${model.name} ${model.version} (${model.sha256.slice(0, 12)})` : 'none'}, ${clips.join(', ')};`,
    `median and range of ${rounds} interleaved round${rounds === 1 ? '' : 's'}. The browser runs on the same cores. Made by \`./sonoscope bench\`; all figures in [bench/results](bench/results).`,
    '',
    '| figure | median | range | to reach |',
    '| --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

/** Replaces what stands between the marks; throws where they are missing. */
export function insertTable(page: string, table: string): string {
  const start = page.indexOf(startMark);
  const end = page.indexOf(endMark);
  if (start < 0 || end < start) throw new Error(`the page has no ${startMark} … ${endMark}`);
  return `${page.slice(0, start + startMark.length)}\n${table}\n${page.slice(end)}`;
}

export async function writeTable(result: BenchResult): Promise<void> {
  const path = join(packageRoot, 'README.md');
  await writeFile(path, insertTable(await readFile(path, 'utf8'), renderTable(result)));
}
