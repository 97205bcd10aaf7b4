import { describe, expect, it } from 'vitest';
import { slope, usageOf } from './process-usage.js';
import { direction, regressions, spread, type BenchResult } from './results.js';
import { insertTable, renderTable } from './table.js';

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

  it('become a table between the marks of the README, and only there', () => {
    const page = 'before\n<!-- bench:start -->\nold\n<!-- bench:end -->\nafter\n';
    const table = renderTable(
      result({ displayedShare: [1, 1, 1], analysedShare: [0.956, 0.97, 0.98], overlayP95Ms: [61, 66.4, 70] }),
    );
    expect(table).toContain('| 720p25: pictures displayed | **100 %** | 100 % – 100 % | 100 % |');
    expect(table).toContain('| 720p25: pictures analysed | **97.0 %** | 95.6 % – 98.0 % | ≥ 95 % |');
    expect(table).toContain('**66 ms**');
    expect(table).toContain('Test CPU');
    expect(table).toContain('0123456789ab');
    expect(table).not.toContain('memory of the server');
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
