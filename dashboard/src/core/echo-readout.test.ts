import { describe, expect, it } from 'vitest';
import type { MeasurementMessage } from '../../../src/protocol/messages.js';
import { EchoLog } from './echo-log.js';
import { figureText, figureWords, readoutOf, sentenceCase } from './echo-readout.js';

const ms = 1e6;
const said = (name: string, ptsNs: number, value: number | null, more: Partial<MeasurementMessage> = {}) => ({
  ...{ name, value, unit: '%', interval: null, quality: 'good' as const, note: '', objectId: 1 },
  ...{ streamId: 'echo', ptsNs, timestampNs: BigInt(ptsNs) },
  ...more,
});
const running = (ptsNs: number, arrivedMs: number): EchoLog => {
  const log = new EchoLog();
  const note = 'single-plane, 4 beats';
  log.add([said('ef_single_plane', ptsNs - 40 * ms, 53.6, { note })], arrivedMs - 40);
  log.add(
    [
      said('ef_single_plane', ptsNs, 53.6, { interval: { low: 47.6, high: 60.4 }, note }),
      said('edv_single_plane', ptsNs, 118.4, { unit: 'mL' }),
      said('heart_rate', ptsNs, 71.6, { unit: '/min', quality: 'doubtful', note: 'irregular rhythm' }),
    ],
    arrivedMs,
  );
  return log;
};

const at = (nowMs: number, problem: string | null = null) => ({ nowMs, problem, standsStill: false });

describe('the figures of an echo room', () => {
  it('are rounded as people read them, with unit and interval', () => {
    const { ejectionFraction, endDiastolicVolume, endSystolicVolume, heartRate } = readoutOf(
      running(1000 * ms, 500),
      at(600),
    );
    expect(figureWords(ejectionFraction)).toBe('54 % (48–60)');
    expect(ejectionFraction.note).toBe('single-plane, 4 beats');
    expect(figureWords(endDiastolicVolume)).toBe('118 mL');
    expect(figureWords(endSystolicVolume)).toBe('–');
    expect(heartRate).toMatchObject({ value: '72', doubtful: true, note: 'irregular rhythm' });
    const pixels = { value: 118_432, unit: 'px3', interval: null, quality: 'good' as const, note: '' };
    expect(figureWords(figureText(pixels))).toBe('118,000 px³');
    expect(sentenceCase('waiting for a whole beat')).toBe('Waiting for a whole beat');
  });

  it('give way to the reason', () => {
    const log = running(1000 * ms, 500);
    log.add([said('ef_single_plane', 1040 * ms, null, { quality: 'rejected', note: 'view-lost' })], 540);
    expect(readoutOf(log, at(560)).ejectionFraction).toMatchObject({
      value: null,
      note: 'the four-chamber view was lost',
    });
    const note = 'single-plane, 0 beats: waiting for a whole beat';
    log.add([said('ef_single_plane', 1060 * ms, null, { quality: 'rejected', note })], 560);
    expect(readoutOf(log, at(560)).ejectionFraction.note).toBe('waiting for a whole beat');
    // A value that is rejected is none.
    log.add([said('ef_single_plane', 1080 * ms, 20, { quality: 'rejected', note: 'implausible' })], 580);
    expect(readoutOf(log, at(600)).ejectionFraction.value).toBeNull();
  });

  it('are gone when pictures stop, when the picture is not live and before the first', () => {
    const log = running(1000 * ms, 500);
    const late = readoutOf(log, at(3600));
    expect(late.ejectionFraction).toMatchObject({
      value: null,
      note: 'no picture has been analysed for 3 s',
    });
    expect(late.endDiastolicVolume.value).toBeNull();
    // A paused recording keeps what it says of the picture that stands.
    expect(readoutOf(log, { ...at(3600), standsStill: true }).ejectionFraction.value).toBe('54');
    expect(readoutOf(log, at(600, 'signal lost')).heartRate).toMatchObject({
      value: null,
      note: 'signal lost',
    });
    expect(readoutOf(new EchoLog(), at(0)).ejectionFraction.note).toBe('no picture has been analysed yet');
  });

  it('that are no longer said are gone', () => {
    const log = running(1000 * ms, 500);
    for (let at = 1040; at < 4000; at += 40) log.add([said('ef_single_plane', at * ms, 50)], at - 500);
    const { ejectionFraction, heartRate } = readoutOf(log, at(3500));
    expect(ejectionFraction.value).toBe('50');
    expect(heartRate.value).toBeNull();
  });
});
