/** Sizes, times and how a number was found, in words. Pure but for the language. */
import type { SystemState } from '../../../src/protocol/system-requests.js';
import { numberText, t } from './texts.js';

const units = ['kB', 'MB', 'GB', 'TB'] as const;

/** 1,536 kB → `1.50 MB`: three significant digits, steps of 1024 as everywhere in sonoscope. */
export function bytesText(bytes: number): string {
  let value = Math.max(0, bytes);
  if (value < 999.5) return t('{n, plural, one {# byte} other {# bytes}}', { n: Math.round(value) });
  let unit = -1;
  // 999.5 would be written with four digits.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${numberText(value, value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)} ${units[unit] ?? ''}`;
}

export function durationText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return t('less than a minute');
  const hours = Math.floor(minutes / 60);
  if (hours < 1) return `${minutes} min`;
  return hours < 48 ? `${hours} h ${minutes % 60} min` : t('{days} days', { days: Math.floor(hours / 24) });
}

/** `null`: nothing has been recorded long enough to know. Rounded down: it must not promise what is not there. */
export function recordingTime(hours: number | null): string {
  if (hours === null) return t('not known yet');
  if (hours < 1) return t('about {minutes} minutes', { minutes: Math.floor(hours * 60) });
  const told = hours < 10 ? numberText(Math.floor(hours * 10) / 10, 1) : String(Math.floor(hours));
  return t('about {hours} hours', { hours: told });
}

export function recordingBasis({
  basis,
  bytesPerSecond,
  overSeconds,
  recordings,
}: SystemState['disk']['recording']): string {
  if (basis === 'none' || bytesPerSecond === null)
    return t(
      'Nothing has been recorded since the server started. Record for some seconds, then it is known.',
    );
  const measured = { rate: bytesText(bytesPerSecond), time: durationText(overSeconds) };
  return basis === 'last'
    ? t('The last recording took {rate} per second, measured for {time}.', measured)
    : t(
        '{n, plural, one {What is recorded now takes} other {The # recordings of now together take}} {rate} per second, measured for {time}.',
        { n: recordings, ...measured },
      );
}
