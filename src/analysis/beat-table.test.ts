import { describe, expect, it } from 'vitest';
import { beatRejections, echoMeasures } from '../vocabulary/echo.js';
import type { Measurement } from '../vocabulary/measurement.js';
import { BeatTable, hasChambers, reasonIn, rejectionOf } from './beat-table.js';

const value = (name: string, beat: number, more: Partial<Measurement> = {}): Measurement => ({
  ...{ name, value: 50, unit: '%', interval: null, quality: 'good', note: '', objectId: 0, beat },
  ...more,
});
const moment = (name: string, beat: number, atPtsNs: number) => value(name, beat, { atPtsNs });
const closing = (beat: number, more: Partial<Measurement> = {}) =>
  [
    echoMeasures.beatEndDiastolicVolume,
    echoMeasures.beatEndSystolicVolume,
    echoMeasures.beatEjectionFraction,
  ].map((name) => value(name, beat, more));

describe('beats', () => {
  it('have the moments that were decided before, and the end-diastole that closes them, in whatever order it comes', () => {
    const table = new BeatTable();
    expect(table.take([moment(echoMeasures.endDiastole, 4, 100)])).toEqual([]);
    expect(table.take([moment(echoMeasures.endSystole, 4, 400)])).toEqual([]);
    const [beat] = table.take([...closing(4), moment(echoMeasures.endDiastole, 5, 900)]);
    expect(beat).toMatchObject({
      ...{ number: 4, endDiastolePtsNs: 100, endSystolePtsNs: 400, nextEndDiastolePtsNs: 900 },
      ...{ accepted: true, reason: '', strokeVolume: null, heartRate: null },
      ejectionFraction: { value: 50 },
    });
  });

  it('that do not count say why', () => {
    const table = new BeatTable();
    const refused = { quality: 'rejected', value: null, note: beatRejections.foreshortened } as const;
    expect(table.take(closing(1, refused))[0]).toMatchObject({
      ...{ accepted: false, reason: beatRejections.foreshortened, endDiastolePtsNs: null },
    });
    expect(table.take([value(echoMeasures.beatEndDiastolicVolume, 2)])[0]).toMatchObject({
      ...{ accepted: false, reason: beatRejections.incomplete },
    });
  });

  it('do not take over moments from before a jump, where the numbers begin anew', () => {
    const table = new BeatTable();
    for (const beat of [1, 2, 3])
      table.take([
        moment(echoMeasures.endDiastole, beat, beat * 100),
        moment(echoMeasures.endSystole, beat, beat * 100 + 50),
      ]);
    table.take([moment(echoMeasures.endDiastole, 1, 5000)]);
    expect(table.take(closing(1))[0]).toMatchObject({
      ...{ endDiastolePtsNs: 5000, endSystolePtsNs: null, nextEndDiastolePtsNs: null },
    });
  });

  it('come out the same where the state has been through JSON in between', () => {
    const steps = [
      [moment(echoMeasures.endDiastole, 1, 100)],
      [moment(echoMeasures.endSystole, 1, 400)],
      [moment(echoMeasures.endDiastole, 2, 900), ...closing(1)],
      [moment(echoMeasures.endSystole, 2, 1200)],
      [moment(echoMeasures.endDiastole, 3, 1700), ...closing(2)],
    ];
    const whole = new BeatTable();
    let cut = new BeatTable();
    for (const step of steps) {
      const expected = whole.take(step);
      expect(cut.take(step)).toEqual(expected);
      cut = new BeatTable(JSON.parse(JSON.stringify(cut.state)) as BeatTable['state']);
    }
  });

  it('remember a bounded number of moments that never lead to a beat', () => {
    const table = new BeatTable();
    for (let beat = 1; beat < 1000; beat++) table.take([moment(echoMeasures.endDiastole, beat, beat)]);
    expect(table.state.endDiastole.length).toBeLessThan(32);
  });
});

it('a reason is found by its words, also within a longer note', () => {
  expect(rejectionOf(`single-plane; ${beatRejections.moved}`)).toBe('moved');
  expect(rejectionOf('something else')).toBeNull();
  expect(reasonIn('single-plane, 0 beats: waiting for a whole beat')).toBe('waiting for a whole beat');
  expect(reasonIn('no four-chamber view')).toBe('no four-chamber view');
});

it('a heart is outlined where all three chambers are', () => {
  const labels = (...names: string[]) => names.map((label) => ({ label }));
  expect(hasChambers(labels('left ventricle', 'myocardium', 'left atrium'))).toBe(true);
  expect(hasChambers(labels('left ventricle', 'left atrium'))).toBe(false);
});
