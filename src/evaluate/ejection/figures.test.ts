import { describe, expect, it } from 'vitest';
import { chambers } from '../../vocabulary/echo.js';
import { clipFigures, ejectionRun } from './figures.js';
import { ejectionReport } from './report.js';
import { ejectionSchema, type EjectionClip } from './result.js';
import type { HeartRun } from './run-clip.js';
import { ejectionTable } from './tables.js';

const mL = (value: number) => ({ value, unit: 'mL' });

/** Two beats of 20 frames at 25 per second, largest on 0, 20, 40, smallest on 8 and 28. */
function run(overrides: Partial<HeartRun> = {}): HeartRun {
  const volume = Array.from({ length: 45 }, (_, frame) => {
    const at = frame % 20;
    return at <= 8 ? 100 - 5 * at : 60 + (40 * (at - 8)) / 12;
  });
  return {
    name: 'one',
    frames: 45,
    framesPerSecond: 25,
    heart: {
      course: 'beats',
      endDiastoles: [0, 20, 40],
      endSystoles: [8, 28],
      complete: true,
      ejectionFractionPercent: 40,
      endDiastolicVolumeMl: 100,
      endSystolicVolumeMl: 60,
    },
    shown: 45,
    area: volume,
    volume,
    volumeUnit: 'mL',
    dice: [
      { frame: 0, label: chambers.ventricle, value: 0.9 },
      { frame: 8, label: chambers.ventricle, value: 0.8 },
      { frame: 9, label: chambers.ventricle, value: 0.7 },
    ],
    moments: [
      { kind: 'end-systole', frame: 9, delayMs: 80 },
      { kind: 'end-diastole', frame: 20, delayMs: 120 },
      { kind: 'end-systole', frame: 28, delayMs: 80 },
      { kind: 'end-diastole', frame: 42, delayMs: 120 },
    ],
    beats: [
      { ejectionFractionPercent: 44, endDiastolicVolume: 101, endSystolicVolume: 57, rejected: null },
      { ejectionFractionPercent: 42, endDiastolicVolume: 103, endSystolicVolume: 60, rejected: null },
      { ejectionFractionPercent: 90, endDiastolicVolume: 20, endSystolicVolume: 2, rejected: 'too small' },
    ],
    reading: { value: 43, low: 38, high: 48 },
    readable: 0.5,
    note: null,
    marks: {
      annotated: { endDiastole: mL(100), endSystole: mL(62) },
      predicted: { endDiastole: mL(90), endSystole: mL(45) },
    },
    wallMs: 1000,
    modelMs: 400,
    ...overrides,
  };
}

describe('figures of a clip', () => {
  it('are of the accepted beats where there are whole beats', () => {
    expect(clipFigures(run())).toMatchObject({
      referencePercent: 40,
      referenceOf: 'data set',
      measuredPercent: 43,
      interval: { low: 38, high: 48 },
      atMarksPercent: 50,
      volumes: {
        endDiastolic: { measured: 102, reference: 100 },
        endSystolic: { measured: 58.5, reference: 60 },
      },
      endDiastole: { reference: [0, 20, 40], found: [20, 42], errors: [0, 2], guidedErrors: [0, 0, 0] },
      endSystole: { found: [9, 28], errors: [1, 0], guidedErrors: [0, 0] },
      // The first end-diastole was not found, so of the two beats one was.
      beats: { reference: 2, found: 1, matched: 1, accepted: 2, rejected: { 'too small': 1 } },
      delaysMs: [80, 120, 80, 120],
    });
    const [ventricle] = clipFigures(run())?.dice ?? [];
    expect(ventricle).toMatchObject({ endDiastole: 0.9, endSystole: 0.8 });
    expect(ventricle?.all).toBeCloseTo(0.8, 12);
  });

  it('are of the two marked pictures where there is no whole beat, by the annotated outlines', () => {
    const { heart } = run();
    const stills = { ...heart, course: 'stills' as const, complete: false, ejectionFractionPercent: null };
    const figures = clipFigures(
      run({
        heart: {
          ...stills,
          endDiastoles: [0],
          endSystoles: [1],
          endDiastolicVolumeMl: null,
          endSystolicVolumeMl: null,
        },
      }),
    );
    expect(figures).toMatchObject({
      referencePercent: 38,
      referenceOf: 'annotated outlines',
      measuredPercent: 50,
      interval: null,
      volumes: { endDiastolic: { measured: 90, reference: 100 } },
      endDiastole: { errors: [], guidedErrors: [] },
      beats: { reference: null, matched: null },
    });
  });

  it('have no number without an accepted beat, and say why', () => {
    const { beats } = run();
    expect(
      clipFigures(run({ beats: beats.slice(2), note: 'the view was lost', reading: null })),
    ).toMatchObject({
      measuredPercent: null,
      interval: null,
      note: 'the view was lost',
    });
  });

  it('take no volume in pixels for millilitres', () => {
    const pixels = { value: 90, unit: 'px3' };
    expect(
      clipFigures(
        run({
          volumeUnit: 'px3',
          marks: {
            annotated: { endDiastole: mL(100), endSystole: mL(60) },
            predicted: { endDiastole: pixels, endSystole: pixels },
          },
        }),
      )?.volumes,
    ).toEqual({ endDiastolic: null, endSystolic: null });
  });

  it('do not exist where nobody knows the ejection fraction', () => {
    const { heart, marks } = run();
    expect(
      clipFigures(
        run({
          heart: { ...heart, ejectionFractionPercent: null },
          marks: { ...marks, annotated: { endDiastole: mL(100), endSystole: null } },
        }),
      ),
    ).toBeNull();
  });
});

describe('figures of all', () => {
  const clips = [
    clipFigures(run()),
    clipFigures(run({ name: 'two', heart: { ...run().heart, ejectionFractionPercent: 60 } })),
    clipFigures(run({ name: 'none <of> them', beats: [], reading: null, note: 'no four-chamber view' })),
  ].filter((clip): clip is EjectionClip => clip !== null);
  const all = ejectionRun('hand-made', clips, [run(), run(), run()], [], 1);

  it('leave out clips without a number, and say how many they are', () => {
    expect(all.mean).toMatchObject({ measured: 2, clips: 3 });
    // 43 for 40 and for 60.
    expect(all.mean.ejectionFraction).toMatchObject({ count: 2, mae: 10, bias: -7 });
    expect(all.mean.intervals).toEqual({ count: 2, covered: 0.5, width: 10 });
    expect(all.mean.risk).toEqual([{ kept: 1, mae: 10, width: 10 }]);
    // References 40, 60, 40.
    expect(all.mean.constantMae).toBeCloseTo((20 / 3 + 40 / 3 + 20 / 3) / 3, 12);
  });

  it('count moments and beats over all clips', () => {
    expect(all.mean.endDiastole).toMatchObject({
      matched: 6,
      reference: 9,
      found: 6,
      precision: 1,
      frames: 1,
      ms: 40,
    });
    expect(all.mean.endDiastole.recall).toBeCloseTo(2 / 3, 12);
    expect(all.mean.endSystole).toMatchObject({ frames: 0.5, biasFrames: 0.5, ms: 20, guidedFrames: 0 });
    expect(all.mean.beats).toMatchObject({ recall: 0.5, precision: 1, closed: 6, rejected: 2 });
    expect(all.mean.delay).toEqual({ count: 12, meanMs: 100, p95Ms: 120 });
    expect(all.mean.fps).toBeCloseTo(45, 9);
  });

  it('know no precision where a data set marks some moments only', () => {
    const part = clipFigures(
      run({ heart: { ...run().heart, complete: false, endDiastoles: [20], endSystoles: [28] } }),
    );
    const some = ejectionRun('hand-made', part === null ? [] : [part], [run()], [], 1);
    expect(some.mean.endDiastole).toMatchObject({ matched: 1, reference: 1, found: 2, precision: null });
    expect(some.mean.beats).toMatchObject({ recall: null, precision: null });
  });

  it('stand in table and report, with what is missing first, and names stay text', () => {
    const text = ejectionTable(all);
    expect(text).toContain('measured: 2 of 3 clips');
    expect(text).toContain('no ejection fraction: none <of> them: no four-chamber view');
    const html = ejectionReport({
      schema: ejectionSchema,
      createdAt: '2026-11-30T00:00:00.000Z',
      sonoscope: '0',
      machine: { cpu: 'a', cores: 2, system: 'b' },
      model: null,
      dataset: { kind: 'echonet', name: 'set', clips: 3, leftOut: 'none' },
      seed: 1,
      ...all,
    });
    expect(html).toContain('none &lt;of&gt; them');
    expect(html).not.toContain('<of>');
    expect(html).toContain('Bland–Altman');
    expect(html).toContain('Risk and coverage');
    // Two clips in Bland–Altman and in the scatter.
    expect(html.match(/<circle class="s-dot"/g)).toHaveLength(4);
    expect(html).not.toContain('NaN');
  });
});
