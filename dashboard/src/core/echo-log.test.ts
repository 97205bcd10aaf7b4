import { describe, expect, it } from 'vitest';
import { echoMeasures } from '../../../src/vocabulary/echo.js';
import type { EchoMeasure } from '../../../src/vocabulary/echo.js';
import type { MeasurementMessage } from '../../../src/protocol/messages.js';
import { areChambers, EchoLog, isEchoMeasure, reasonWords } from './echo-log.js';
import { speak } from './texts.js';

const epochNs = 1_700_000_000_000_000_000n;
const ms = 1e6;

function said(
  name: EchoMeasure | 'area',
  ptsNs: number,
  value: number | null,
  more: Partial<MeasurementMessage> = {},
  epoch = epochNs,
): MeasurementMessage {
  return {
    ...{ name, value, unit: 'mL', interval: null, quality: 'good', note: '', objectId: 1, streamId: 'echo' },
    ...{ ptsNs, timestampNs: epoch + BigInt(ptsNs) },
    ...more,
  };
}
const volume = (ptsNs: number, value: number | null, more: Partial<MeasurementMessage> = {}) =>
  said(echoMeasures.volume, ptsNs, value, more);
const ef = (ptsNs: number, value: number | null, note = 'single-plane') =>
  said(echoMeasures.ejectionFraction, ptsNs, value, { unit: '%', note });
const endDiastole = (beat: number, atPtsNs: number, ptsNs = atPtsNs + 80 * ms) =>
  said(echoMeasures.endDiastole, ptsNs, 100, { beat, atPtsNs });
const endSystole = (beat: number, atPtsNs: number) =>
  said(echoMeasures.endSystole, atPtsNs + 80 * ms, 50, { beat, atPtsNs });
const verdict = (beat: number, ptsNs: number, reason = '') =>
  said(echoMeasures.beatEjectionFraction, ptsNs, reason === '' ? 50 : null, {
    ...{ beat, unit: '%', note: reason },
    quality: reason === '' ? 'good' : 'rejected',
  });

/** Whole beats of 800 ms from `first` on, as a live room says them. */
function beats(first: number, count: number, startNs: number): MeasurementMessage[] {
  return Array.from({ length: count }, (_, index) => {
    const number = first + index;
    const at = startNs + index * 800 * ms;
    return [
      endDiastole(number, at),
      ...(index > 0 ? [verdict(number - 1, at + 80 * ms)] : []),
      endSystole(number, at + 300 * ms),
    ];
  }).flat();
}

describe('an echo room is known', () => {
  it('by the names of its measurements and by its three structures', () => {
    expect(isEchoMeasure('lv_volume')).toBe(true);
    expect(isEchoMeasure('area')).toBe(false);
    expect(areChambers(['myocardium', 'left ventricle', 'left atrium'])).toBe(true);
    expect(areChambers(['left ventricle', 'scissors'])).toBe(false);
    const log = new EchoLog();
    expect(log.add([said('area', 0, 12)], 0)).toBe(false);
    expect(log.newestPtsNs).toBeNull();
  });
});

describe('the curve', () => {
  it('has one point per analysed picture, without a value where there is no volume', () => {
    const log = new EchoLog();
    log.add([ef(40 * ms, null), volume(40 * ms, 101), volume(80 * ms, 99), ef(80 * ms, 54)], 7);
    log.add([ef(120 * ms, 54)], 9);
    log.add([volume(160 * ms, 95, { quality: 'doubtful' })], 12);
    expect(log.points.map(({ ptsNs, value, good }) => [ptsNs / ms, value, good])).toEqual([
      [40, 101, true],
      [80, 99, true],
      [120, null, false],
      [160, 95, false],
    ]);
    expect(log.unit).toBe('mL');
    expect(log.arrivedMs).toBe(12);
  });

  it('takes a picture once, and none that comes late', () => {
    const log = new EchoLog();
    log.add([volume(40 * ms, 101), volume(80 * ms, 99)], 0);
    log.add([volume(40 * ms, 101), volume(60 * ms, 77), volume(80 * ms, 99)], 5);
    expect(log.points.map(({ value }) => value)).toEqual([101, 99]);
    expect(log.arrivedMs).toBe(0);
  });

  it('stays bounded', () => {
    const log = new EchoLog();
    for (let at = 0; at < 120_000; at += 20) log.add([volume(at * ms, 100)], at);
    expect(log.points.length).toBeLessThan(1300);
    expect(log.points.length).toBeGreaterThan(600);
  });

  it('never mixes units', () => {
    const log = new EchoLog();
    log.add([volume(40 * ms, 90_000, { unit: 'px3' }), volume(80 * ms, 99)], 0);
    expect(log.points.map(({ value }) => value)).toEqual([null, 99]);
    expect(log.unit).toBe('mL');
  });

  it('begins anew with the clock of another server', () => {
    const log = new EchoLog();
    log.add([volume(40_000 * ms, 101), ef(40_000 * ms, 54), ...beats(1, 3, 38_000 * ms)], 0);
    log.add([said(echoMeasures.volume, 40 * ms, 80, {}, epochNs + 10_000_000_000n)], 5);
    expect(log.points.map(({ value }) => value)).toEqual([80]);
    expect(log.beats).toEqual([]);
    expect(log.figures.ejectionFraction).toBeNull();
  });
});

describe('beats', () => {
  it('are put together from their moments and verdicts', () => {
    const log = new EchoLog();
    log.add(beats(1, 3, 1000 * ms), 0);
    log.add([endDiastole(4, 3400 * ms), verdict(3, 3480 * ms, 'moved')], 0);
    expect(log.beats).toMatchObject([
      { number: 1, endDiastolePtsNs: 1000 * ms, endSystolePtsNs: 1300 * ms, endPtsNs: 1800 * ms },
      { number: 2, verdict: 'counted', ejectionFraction: 50 },
      { number: 3, verdict: 'rejected', reason: 'the probe moved', endPtsNs: 3400 * ms },
      { number: 4, verdict: 'open', endPtsNs: null },
    ]);
    expect(log.counts).toEqual({ counted: 2, rejected: 1 });
  });

  it('are counted once, whatever comes twice', () => {
    const log = new EchoLog();
    const all = beats(1, 4, 1000 * ms);
    log.add(all, 0);
    log.add(all, 0);
    expect(log.beats.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    expect(log.counts).toEqual({ counted: 3, rejected: 0 });
  });

  it('of a viewer who comes in the middle: what is not known stays unknown', () => {
    const log = new EchoLog();
    log.add([endSystole(17, 1300 * ms), endDiastole(18, 1800 * ms), verdict(17, 1880 * ms)], 0);
    expect(log.beats).toMatchObject([
      { number: 17, endDiastolePtsNs: null, endSystolePtsNs: 1300 * ms, endPtsNs: 1800 * ms },
      { number: 18, verdict: 'open' },
    ]);
  });

  it('numbered from 1 again are other beats', () => {
    const log = new EchoLog();
    log.add(beats(1, 3, 1000 * ms), 0);
    log.add(beats(1, 2, 5000 * ms), 0);
    expect(log.beats.map(({ number, endDiastolePtsNs }) => [number, (endDiastolePtsNs ?? 0) / ms])).toEqual([
      [1, 1000],
      [2, 1800],
      [3, 2600],
      [1, 5000],
      [2, 5800],
    ]);
    expect(log.counts).toEqual({ counted: 1, rejected: 0 });
    // A beat that the end of its source cut off is over, too.
    expect(log.beats[2]?.endPtsNs).not.toBeNull();
  });

  it('of a source that begins anew are other beats even where the first verdict comes first', () => {
    const log = new EchoLog();
    log.add(beats(1, 6, 1000 * ms), 0);
    log.beginAnew(6000 * ms);
    log.beginAnew(6000 * ms);
    log.add([verdict(1, 6500 * ms, 'incomplete')], 0);
    expect(log.breaks).toEqual([6000 * ms]);
    expect(log.beats.at(-1)).toMatchObject({ number: 1, reason: 'the cycle is incomplete' });
    expect(log.counts).toEqual({ counted: 0, rejected: 1 });
  });
});

describe('a reason', () => {
  it('is said in the language of the page, whole or remark by remark', () => {
    const server = {
      'single-plane': 'monoplan',
      'irregular rhythm': 'unregelmäßiger Rhythmus',
      '{n} beats': '{n} Herzschläge',
      'two hearts are shown side by side: show one of them alone': 'zwei Herzen stehen nebeneinander',
    };
    speak({ texts: {}, server }, 'de');
    expect(reasonWords('single-plane, 4 beats, irregular rhythm')).toBe(
      'monoplan, 4 Herzschläge, unregelmäßiger Rhythmus',
    );
    expect(reasonWords('single-plane, 0 beats: two-hearts')).toBe('zwei Herzen stehen nebeneinander');
    speak({ texts: {}, server: {} }, 'en');
    expect(reasonWords('single-plane, 4 beats, irregular rhythm')).toBe(
      'single-plane, 4 beats, irregular rhythm',
    );
  });
});
