import {
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  mkdirSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from './commands.js';
import { humanLine } from '../app/logger.js';
import { checkReportPlace, makeReport, writeReport } from '../app/report.js';
import { perStream } from '../app/serve-pipeline.js';
import { durationMs } from './option-values.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('command line values', () => {
  it.each([
    ['20s', 20_000],
    ['20', 20_000],
    ['1500ms', 1500],
    ['1.5m', 90_000],
    ['2 h', 7_200_000],
  ])('reads the duration %s', (text, expected) => expect(durationMs(text)).toBe(expected));

  it.each(['', '0s', '-1s', 'soon', '20x', '9999h', 'NaN'])('refuses the duration %j', (text) => {
    expect(() => durationMs(text)).toThrow(expect.objectContaining({ code: 'SONO_USAGE' }) as Error);
  });

  it('gives a value to the first stream, or to the one that it names', () => {
    const streams = [{ id: 'a' }, { id: 'b' }];
    expect(perStream(['x.mp4', 'b=y.mp4'], streams, '--source')).toEqual(
      new Map([
        ['a', 'x.mp4'],
        ['b', 'y.mp4'],
      ]),
    );
    // An equals sign in an address names no stream.
    expect(perStream(['synthetic:echo?seed=1'], streams, '--source').get('a')).toBe('synthetic:echo?seed=1');
    expect(perStream(['c=y.mp4'], streams, '--source').get('a')).toBe('c=y.mp4');
    expect(() => perStream(['x', 'a=y'], streams, '--source')).toThrow('given twice');
  });

  it('lists every command once', () => {
    const names = commands.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(['demo', 'run', 'doctor']));
  });
});

describe('log lines for people', () => {
  it('show time, stream, weight, words and cause', () => {
    const time = new Date(2026, 0, 2, 3, 4, 5).getTime();
    expect(humanLine(JSON.stringify({ level: 30, time, stream: 'echo', msg: 'source is playing' }))).toBe(
      '03:04:05 echo  source is playing',
    );
    expect(humanLine(JSON.stringify({ level: 50, time, msg: 'no', err: { message: 'why' } }))).toBe(
      '03:04:05 error: no (why)',
    );
  });

  it('stay one line each, and move no cursor, whatever is in them', () => {
    const time = Date.UTC(2026, 0, 1);
    const forged = 'case\n14:03:07 scope  all is well\r\u001b[2K\u2028\u202egnp.mp4';
    const line = humanLine(
      JSON.stringify({ level: 50, time, stream: 'a\nb', msg: forged, err: { message: forged } }),
    );
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
    expect(line).toContain('case\\n14:03:07 scope  all is well\\r\\e[2K\\u2028\\u202egnp.mp4');
  });
});

describe('report', () => {
  it('is written whole or not at all', async () => {
    const file = join(folder, 'report.json');
    await checkReportPlace(file);
    expect(readdirSync(folder)).toEqual([]);
    const report = await makeReport(new Date(), []);
    await writeReport(file, report);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(report);
    expect(readdirSync(folder)).toEqual(['report.json']);
    expect(report.machine.cores).toBeGreaterThan(0);
    expect(report.versions.node).toBe(process.versions.node);
  });

  it('says before the run that it cannot be written', async () => {
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'plain'), '');
    for (const place of [
      join(folder, 'sub'),
      join(folder, 'absent/report.json'),
      join(folder, 'plain/report.json'),
    ]) {
      await expect(checkReportPlace(place)).rejects.toMatchObject({ code: 'SONO_RUN_REPORT_UNWRITABLE' });
    }
  });

  it('says that the disk is full', async () => {
    // Writes to this device always fail with "no space left". Through a link: a mistake here must not cost the device.
    symlinkSync('/dev/full', join(folder, 'full'));
    const report = await makeReport(new Date(), []);
    await expect(writeReport(join(folder, 'full'), report)).rejects.toMatchObject({
      code: 'SONO_RUN_REPORT_DISK_FULL',
    });
  });
});
