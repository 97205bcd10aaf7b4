/** Values of command line options that are numbers or times; commander prints the message with the option's name. */
import { InvalidArgumentError } from 'commander';
import { cliError } from '../app/errors.js';

export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most))
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return value;
  };

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It must be a number greater than 0.');
  return value;
}

/** `20s`, `1500ms`, `5m`, `1h`, or seconds as a plain number → milliseconds. */
export function durationMs(text: string): number {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h)?$/.exec(text.trim()) ?? [];
  const factor = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }[unit];
  const duration = Number(amount) * (factor ?? Number.NaN);
  // Node's timers hold 2^31 ms, 24 days.
  if (!(duration > 0 && duration < 2 ** 31))
    throw cliError('SONO_USAGE', {
      problem: `"${text}" is not a duration; write for example 20s, 5m or 1h`,
      command: 'run',
    });
  return duration;
}
