/** `sonoscope replay` of a folder of hearts: beats per clip, and one line per clip for who measures them all. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { csvRecords } from '../../../src/formats/csv-table.js';
import { heartFolder } from '../../beating-heart.js';
import { tinyEchoDir } from '../../tiny-scene.js';
import { runCli } from '../cli/cli.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'sono-echo-summary-'));
const clips = join(folder, 'clips');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  mkdirSync(clips);
  await heartFolder(join(clips, 'long'), 110);
  await heartFolder(join(clips, 'short'), 12);
  writeFileSync(join(clips, 'broken.mp4'), 'no video');
});

it('has a line for each clip: its ejection fraction, or why there is none', async () => {
  const out = join(folder, 'out');
  const { code, stderr } = await runCli([
    ...['replay', join(clips, 'long'), join(clips, 'short'), join(clips, 'broken.mp4'), '--out', out],
    ...['--model', tinyEchoDir, '--provider', 'cpu', '--format', 'echo,mcap', '--progress', 'json'],
  ]);
  expect(stderr).toContain('1 of 3 inputs could not be analysed');
  expect(code).not.toBe(0);
  const rows = csvRecords(readFileSync(join(out, 'echo-summary.csv'), 'utf8'));
  expect(rows.map((row) => row['clip'])).toEqual(['long', 'short', 'broken']);
  const [long, short, broken] = rows;
  const beats = csvRecords(readFileSync(join(out, 'long', 'beats.csv'), 'utf8'));
  expect(beats.length).toBeGreaterThanOrEqual(2);
  expect(beats.map((beat) => beat['accepted'])).toEqual(beats.map(() => 'yes'));
  const fractions = beats.map((beat) => Number(beat['ef_percent'])).sort((a, b) => a - b);
  expect(Number(long?.['ef_lowest_percent'])).toBe(fractions[0]);
  expect(Number(long?.['ef_highest_percent'])).toBe(fractions.at(-1));
  expect(Number(long?.['ef_percent'])).toBeGreaterThan(44);
  expect(Number(long?.['ef_percent'])).toBeLessThan(56);
  expect(Number(long?.['ef_shown_low_percent'])).toBeLessThan(Number(long?.['ef_shown_percent']));
  expect(long).toMatchObject({ beats_accepted: String(beats.length), beats_rejected: '0', reason: '' });
  expect(short).toMatchObject({ ef_percent: '', beats_accepted: '0', reason: 'waiting for a whole beat' });
  expect(broken?.['ef_percent']).toBe('');
  expect(broken?.['reason']).not.toBe('');
});

it('shows no number of pictures that are over: black ones at the end leave the reason', async () => {
  const out = join(folder, 'ended');
  const clip = await heartFolder(join(folder, 'black'), 90, { black: 60 });
  const { code } = await runCli([
    ...['replay', clip, '--out', out, '--model', tinyEchoDir, '--provider', 'cpu'],
    ...['--format', 'echo', '--progress', 'json'],
  ]);
  expect(code).toBe(0);
  const [row] = csvRecords(readFileSync(join(out, 'echo-summary.csv'), 'utf8'));
  expect(row).toMatchObject({ ef_shown_percent: '', ef_shown_low_percent: '', ef_shown_high_percent: '' });
  expect(row?.['ef_shown_note']).toContain('no four-chamber view');
  // The beats that were seen are what the clip has, and stay.
  expect(Number(row?.['beats_accepted'])).toBeGreaterThan(0);
  expect(Number(row?.['ef_percent'])).toBeGreaterThan(44);
});

it('pairs two views by the names of their files, and says why two clips without a scale give nothing', async () => {
  const pair = join(folder, 'pair');
  mkdirSync(pair);
  for (const name of ['case_A4C', 'case_A2C']) await heartFolder(join(pair, name), 80);
  const out = join(folder, 'paired');
  const common = ['--model', tinyEchoDir, '--provider', 'cpu', '--format', 'echo', '--progress', 'json'];
  const views = [join(pair, 'case_A4C'), join(pair, 'case_A2C')];
  const { code, stderr } = await runCli(['replay', ...views, '--out', out, '--pair', 'names', ...common]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const report = (clip: string, name: string) =>
    JSON.parse(readFileSync(join(out, clip, name), 'utf8')) as Record<string, unknown>;
  expect(report('case_A4C', 'echo.json')['view']).toBe('apical four-chamber');
  const two = report('case_A2C', 'echo.json');
  expect(two['view']).toBe('apical two-chamber');
  expect((two['disks'] as { endDiastole: { diameters: number[] } }[])[0]?.endDiastole.diameters).toHaveLength(
    20,
  );
  const why = 'one of the views has no scale in millimetres, so nothing says that their lengths match';
  expect(report('case_A4C', 'biplane.json')).toMatchObject({
    ...{ clips: { a4c: 'case_A4C', a2c: 'case_A2C' }, reason: why, ejectionFraction: { value: null } },
  });
  const rows = csvRecords(readFileSync(join(out, 'echo-summary.csv'), 'utf8'));
  expect(rows.map((row) => [row['view'], row['biplane_partner'], row['biplane_note']])).toEqual([
    ['a4c', 'case_A2C', why],
    ['a2c', 'case_A4C', why],
  ]);
  const unclear = await runCli([
    'replay',
    views[0] ?? '',
    '--out',
    join(folder, 'x'),
    '--pair',
    'names',
    ...common,
  ]);
  expect(unclear.stderr).toContain('SONO_REPLAY_PAIR');
  expect(unclear.code).not.toBe(0);
});
