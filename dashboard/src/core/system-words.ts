/** Sizes, times and how a number was found, in words. Pure. */
import type { SystemState } from '../../../src/protocol/system-requests.js';

const units = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** 1,536 kB → `1.5 MB`: three significant digits, steps of 1024 as everywhere in sonoscope. */
export function bytesText(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  // 999.5 would be written with four digits.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}

export function durationText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return 'less than a minute';
  const hours = Math.floor(minutes / 60);
  if (hours < 1) return `${minutes} min`;
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

/** `null`: nothing has been recorded long enough to know. Rounded down: it must not promise what is not there. */
export function recordingTime(hours: number | null): string {
  if (hours === null) return 'not known yet';
  if (hours < 1) return `about ${Math.floor(hours * 60)} minutes`;
  return `about ${hours < 10 ? (Math.floor(hours * 10) / 10).toFixed(1) : Math.floor(hours)} hours`;
}

export function recordingBasis({
  basis,
  bytesPerSecond,
  overSeconds,
  recordings,
}: SystemState['disk']['recording']): string {
  if (basis === 'none' || bytesPerSecond === null)
    return 'Nothing has been recorded since the server started. Record for some seconds, then it is known.';
  const rate = `${bytesText(bytesPerSecond)} per second`;
  const time = durationText(overSeconds);
  if (basis === 'last') return `The last recording took ${rate} (measured for ${time}).`;
  return recordings === 1
    ? `What is recorded now takes ${rate} (measured for ${time}).`
    : `The ${recordings} recordings of now take ${rate} together (measured for ${time}).`;
}
