import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../src/node/built-module.js';
import { slope, usageOf } from './process-usage.js';
import { direction, newestFull, regressions, spread, type BenchResult } from './results.js';
import { insertTable, renderAnswers, renderTable } from './table.js';

const result = (
  metrics: Readonly<Record<string, readonly number[]>>,
  id = 'paint-720p25-1',
): BenchResult => ({
  schema: 'sonoscope.bench/1',
  date: '2026-01-02T03:04:05.000Z',
  mode: 'full',
  rounds: 3,
  commit: null,
  machine: { cpu: 'Test CPU', cores: 2, memoryBytes: 1, system: 'Linux' },
  versions: {
    sonoscope: '1',
    node: '1',
    gstreamer: '1',
    ffmpeg: '1',
    onnxruntime: '1',
    chromium: null,
    peer: null,
  },
  model: { name: 'compact', version: '1', sha256: '0123456789abcdef' },
  clips: ['clip'],
  loadBefore: 0,
  scenarios: [
    {
      id,
      title: id,
      metrics: Object.fromEntries(Object.entries(metrics).map(([name, values]) => [name, spread(values)])),
      failures: [],
    },
  ],
});

describe('results of the bench', () => {
  it('are medians with their range', () => {
    expect(spread([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
    expect(spread([4, 1, 2, 3])).toEqual({ min: 1, median: 2.5, max: 4 });
  });

  it('know which way is better', () => {
    expect(direction('overheadP50Ms')).toBe('lower');
    expect(direction('memorySlopeMbPerMinute')).toBe('lower');
    expect(direction('analysedFps')).toBe('higher');
    expect(direction('framesPerSecond')).toBe('higher');
    expect(direction('displayedShare')).toBe('higher');
    expect(direction('overlayPainted')).toBeNull();
  });

  it('are worse only when the ranges are apart and the change is more than noise', () => {
    const before = result({
      totalP95Ms: [50, 52, 54],
      analysedFps: [24, 25, 25],
      overheadP50Ms: [1, 1.1, 1.2],
    });
    const names = (after: BenchResult) => regressions(before, after).map(({ metric }) => metric);
    expect(names(before)).toEqual([]);
    expect(names(result({ totalP95Ms: [60, 62, 64] }))).toEqual(['totalP95Ms']);
    // Ranges overlap; better; small; unknown before.
    expect(names(result({ totalP95Ms: [53, 70, 80] }))).toEqual([]);
    expect(names(result({ totalP95Ms: [20, 21, 22] }))).toEqual([]);
    expect(names(result({ overheadP50Ms: [1.3, 1.4, 1.5] }))).toEqual([]);
    expect(names(result({ inferenceP50Ms: [99, 99, 99] }))).toEqual([]);
    expect(names(result({ analysedFps: [15, 16, 17] }))).toEqual(['analysedFps']);
    expect(names(result({ totalP95Ms: [60, 62, 64] }, 'another'))).toEqual([]);
    const peer = (ages: readonly number[]) => result({ ageP95Ms: ages }, 'live-peer-8');
    expect(regressions(peer([130, 131, 132]), peer([250, 251, 252]))).toEqual([]);
  });

  it('mark what was missed, and never round a share up to what it should be', () => {
    const table = (metrics: Readonly<Record<string, readonly number[]>>, id?: string) =>
      renderTable(result(metrics, id));
    expect(table({ analysedShare: [0.94, 0.9496, 0.96] })).toContain('| 94.9 % ✗ |');
    expect(table({ displayedShare: [0.9996] })).toContain('| 99.9 % ✗ |');
    expect(table({ overheadP50Ms: [7.9] }, 'overhead-real')).toContain('| 7.9 ms ✗ |');
    expect(table({ overheadP50Ms: [6] }, 'overhead-real')).toContain('| 6.0 ms ✓ |');
    const own = result({ totalP95Ms: [49] }, 'streams-1');
    const peer = result({ ageP95Ms: [35] }, 'live-peer-1');
    // What it is compared with was not measured, then was.
    expect(renderTable(own)).toContain('| 49 ms |');
    const both = { ...own, scenarios: [...own.scenarios, ...peer.scenarios] };
    expect(renderTable(both)).toContain('| 49 ms (35 ms) ✗ | 49 ms – 49 ms | ≤ in brackets |');
  });

  it('are in the pages as the committed files have them', async () => {
    const full = await newestFull();
    if (full === null) throw new Error('no full result is committed');
    const tables = { 'README.md': await renderAnswers(), 'bench/README.md': renderTable(full) };
    for (const [name, table] of Object.entries(tables)) {
      const page = await readFile(join(packageRoot, name), 'utf8');
      expect(insertTable(page, table), name).toBe(page);
    }
  });

  it('become a table between two marks of a page, and only there', () => {
    const page = 'before\n<!-- bench:start -->\nold\n<!-- bench:end -->\nafter\n';
    const table = renderTable(
      result({ displayedShare: [1, 1, 1], analysedShare: [0.956, 0.97, 0.98], overlayP95Ms: [61, 66.4, 70] }),
    );
    expect(table).toContain('| Pictures shown | 100 % ✓ | 100 % – 100 % | ≥ 100 % |');
    expect(table).toContain('| Pictures analysed | 97.0 % ✓ | 95.6 % – 98.0 % | ≥ 95 % |');
    expect(table).toContain('| 66 ms ✓ | 61 ms – 70 ms | ≤ 100 ms |');
    expect(table).toContain('Test CPU');
    expect(table).toContain('0123456789ab');
    expect(table).not.toContain('Growth of memory');
    const written = insertTable(page, table);
    expect(written.startsWith('before\n<!-- bench:start -->\nMeasured on 2 cores')).toBe(true);
    expect(written.endsWith('<!-- bench:end -->\nafter\n')).toBe(true);
    expect(written).not.toContain('old');
    expect(insertTable(written, table)).toBe(written);
    expect(() => insertTable('no marks', table)).toThrow('bench:start');
  });
});

describe('measuring', () => {
  it('fits a line', () => {
    expect(
      slope([
        [0, 5],
        [1, 7],
        [2, 9],
      ]),
    ).toBeCloseTo(2, 10);
    expect(
      slope([
        [0, 1],
        [1, 3],
        [2, 1],
        [3, 3],
      ]),
    ).toBeCloseTo(0.4, 10);
    expect(
      slope([
        [1, 1],
        [1, 2],
      ]),
    ).toBe(0);
  });

  it('sees its own processor time and memory', () => {
    const before = usageOf(process.pid);
    const until = performance.now() + 300;
    let work = 0;
    while (performance.now() < until) work += Math.sqrt(work + 1);
    expect(work).toBeGreaterThan(0);
    const after = usageOf(process.pid);
    expect(after.own.rssBytes).toBeGreaterThan(1024 ** 2);
    expect(after.own.cpuSeconds).toBeGreaterThan(before.own.cpuSeconds);
  });
});
