import { describe, expect, it } from 'vitest';
import { bytesText, durationText, recordingBasis, recordingTime } from './system-words.js';

describe('words of the system page', () => {
  it.each([
    [0, '0 bytes'],
    [998, '998 bytes'],
    [1000, '0.98 kB'],
    [1536 * 1024, '1.50 MB'],
    [12.34 * 1024 ** 3, '12.3 GB'],
    [999.6 * 1024 ** 2, '0.98 GB'],
    [-5, '0 bytes'],
  ])('says %s bytes as %s', (bytes, text) => expect(bytesText(bytes)).toBe(text));

  it.each([
    [59, 'less than a minute'],
    [3599, '59 min'],
    [3600, '1 h 0 min'],
    [48 * 3600, '2 days'],
  ])('says %s seconds as %s', (seconds, text) => expect(durationText(seconds)).toBe(text));

  it('never promises more recording time than there is', () => {
    expect(recordingTime(null)).toBe('not known yet');
    expect(recordingTime(0.999)).toBe('about 59 minutes');
    expect(recordingTime(9.99)).toBe('about 9.9 hours');
    expect(recordingTime(41.9)).toBe('about 41 hours');
  });

  it('says where the rate comes from', () => {
    const rate = { bytesPerSecond: 2 * 1024 ** 2, overSeconds: 130, recordings: 2, hoursLeft: 1 };
    expect(recordingBasis({ ...rate, basis: 'now' })).toBe(
      'The 2 recordings of now together take 2.00 MB per second, measured for 2 min.',
    );
    expect(recordingBasis({ ...rate, basis: 'last', recordings: 1 })).toBe(
      'The last recording took 2.00 MB per second, measured for 2 min.',
    );
    expect(recordingBasis({ ...rate, basis: 'none', bytesPerSecond: null })).toMatch(
      /^Nothing has been recorded/,
    );
  });
});
