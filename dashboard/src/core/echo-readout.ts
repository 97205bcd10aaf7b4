/** The figures of an echo room in words: with unit and interval, or why there is none. Never a figure that is no longer true. Pure. */
import type { Measurement } from '../../../src/vocabulary/measurement.js';
import { reasonWords } from './echo-log.js';
import type { EchoLog } from './echo-log.js';
import { numberText, locale, t } from './texts.js';

/** After this long without a newly analysed picture there are no figures; longer for slow analysis. */
const staleMs = 1500;
const staleIntervals = 6;
/** Without a word about two views for this long, in ns of the stream, there is no line about them. */
const keptNs = 10e9;

export interface FigureText {
  /** Rounded as people read it, null: there is none. */
  readonly value: string | null;
  readonly unit: string;
  /** `48–60`, empty where it is not known. */
  readonly interval: string;
  readonly doubtful: boolean;
  /** Why there is no value, or a remark. */
  readonly note: string;
}

type Named = keyof EchoLog['figures'];

export type Readout = Readonly<Record<Named, FigureText>> & {
  /** What is on screen is not the present: no figure is shown. */
  readonly stale: boolean;
  /** Two views are measured, or would be. */
  readonly biplane: boolean;
};

/** UCUM units as people write them; the unit of a plain number is not written. */
const units: Readonly<Record<string, string>> = {
  mm2: 'mm²',
  cm2: 'cm²',
  mm3: 'mm³',
  px2: 'px²',
  px3: 'px³',
  '1': '',
};

export function unitWords(unit: string): string {
  return units[unit] ?? unit;
}

/** Percent, mL and beats per minute without decimals; pixels to three digits. */
function rounded(value: number, unit: string): string {
  return unit.startsWith('px')
    ? value.toLocaleString(locale(), { maximumSignificantDigits: 3 })
    : numberText(value);
}

const dash = '–';

/** One figure; `null`: nothing has been said about it. */
export function figureText(
  figure: Pick<Measurement, 'value' | 'unit' | 'interval' | 'quality' | 'note'> | null,
): FigureText {
  if (figure === null) return { value: null, unit: '', interval: '', doubtful: false, note: '' };
  const { value, unit, interval, quality, note } = figure;
  const known = value !== null && quality !== 'rejected';
  return {
    value: known ? rounded(value, unit) : null,
    unit: unitWords(unit),
    interval: known && interval ? `${rounded(interval.low, unit)}${dash}${rounded(interval.high, unit)}` : '',
    doubtful: known && quality === 'doubtful',
    note: reasonWords(note),
  };
}

/** `54 % (48–60)`, `118 mL`, `–`. */
export function figureWords({ value, unit, interval }: FigureText): string {
  if (value === null) return dash;
  return `${value} ${unit}`.trim() + (interval === '' ? '' : ` (${interval})`);
}

export function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const none = (note: string): FigureText => ({ ...figureText(null), note });

/**
 * What can be said now. `problem`: what is wrong with the picture (frozen, signal lost), null: nothing. Figures were true for the
 * pictures that they came with; without new ones they are not shown as if they were, unless the recording is meant to stand.
 */
export function readoutOf(
  log: Pick<EchoLog, 'figures' | 'arrivedMs' | 'points'>,
  now: { readonly nowMs: number; readonly problem: string | null; readonly standsStill: boolean },
): Readout {
  const age = log.arrivedMs === null ? null : now.nowMs - log.arrivedMs;
  const last = log.points.at(-1)?.ptsNs ?? 0;
  const slowest = staleIntervals * ((last - (log.points.at(-2)?.ptsNs ?? last)) / 1e6);
  const problem =
    now.problem ??
    (age === null
      ? t('no picture has been analysed yet')
      : !now.standsStill && age > Math.max(staleMs, slowest)
        ? t('no picture has been analysed for {n} s', { n: Math.round(age / 1000) })
        : null);
  const figure = (name: Named): FigureText => {
    if (problem !== null) return none(problem);
    const message = log.figures[name];
    if (message === null) return none('');
    // A slow viewer may miss one message of a figure, not all of the last seconds.
    return (last - message.ptsNs) / 1e6 > Math.max(staleMs, slowest) ? none('') : figureText(message);
  };
  return {
    stale: problem !== null,
    biplane: (log.figures.biplaneEjectionFraction?.ptsNs ?? -Infinity) >= last - keptNs,
    ejectionFraction: figure('ejectionFraction'),
    endDiastolicVolume: figure('endDiastolicVolume'),
    endSystolicVolume: figure('endSystolicVolume'),
    heartRate: figure('heartRate'),
    biplaneEjectionFraction: figure('biplaneEjectionFraction'),
    biplaneEndDiastolicVolume: figure('biplaneEndDiastolicVolume'),
    biplaneEndSystolicVolume: figure('biplaneEndSystolicVolume'),
  };
}
