/** A held measurement of an echo room as words for its card and its files. Pure. */
import type { HeldMeasurement, HeldPicture } from '../../../src/protocol/hold-requests.js';
import { echoViewWords } from '../../../src/vocabulary/echo.js';
import { reasonWords } from './echo-log.js';
import { figureText, figureWords, sentenceCase } from './echo-readout.js';
import { serverText, locale, t } from './texts.js';

interface HeldWords {
  readonly title: string;
  /** `EF 54 % (48–60)`. */
  readonly result: string;
  readonly note: string;
  readonly figures: readonly (readonly [name: string, value: string])[];
  readonly origin: string;
  readonly beats: readonly {
    readonly number: number;
    readonly cells: readonly string[];
    /** Empty where the beat counts. */
    readonly reason: string;
  }[];
}

/** Of two views, or why not; nothing where nobody has asked for them. */
function biplaneFigures(biplane: HeldMeasurement['biplane']): readonly (readonly [string, string])[] {
  if (biplane === null) return [];
  const fraction = figureText(biplane.ejectionFraction);
  if (fraction.value === null) return [[t('Biplane EF'), sentenceCase(fraction.note)]];
  const words = (one: HeldMeasurement['heartRate']): string => figureWords(figureText(one));
  return [
    [
      t('Biplane EF'),
      fraction.doubtful ? t('{value}, doubtful', { value: figureWords(fraction) }) : figureWords(fraction),
    ],
    [t('Biplane EDV'), words(biplane.endDiastolicVolume)],
    [t('Biplane ESV'), words(biplane.endSystolicVolume)],
  ];
}

export function heldWords(held: HeldMeasurement): HeldWords {
  const { label, takenAtUnixMs, model, ejectionFraction, beats } = held;
  const taken = new Date(takenAtUnixMs).toLocaleString(locale(), {
    dateStyle: 'medium',
    timeStyle: 'medium',
  });
  const words = (one: HeldMeasurement['heartRate']): string => figureWords(figureText(one));
  const counted = beats.filter(({ accepted }) => accepted).length;
  return {
    title: `${label}, ${taken}`,
    result: `${t('EF')} ${words(ejectionFraction)}`,
    note: [
      sentenceCase(figureText(ejectionFraction).note),
      t('{counted} of {n, plural, one {# beat} other {# beats}} counted', { counted, n: beats.length }),
    ]
      .filter((part) => part !== '')
      .join('. '),
    figures: [
      [t('View'), sentenceCase(serverText(echoViewWords[held.view]))],
      [t('EDV'), words(held.endDiastolicVolume)],
      [t('ESV'), words(held.endSystolicVolume)],
      [t('Heart rate'), words(held.heartRate)],
      [t('Scale'), (held.calibrated ?? held.pixelSpacingMm !== null) ? t('calibrated') : t('not calibrated')],
      ...biplaneFigures(held.biplane),
    ],
    origin: [model ? `${model.name} ${model.version}` : '', held.sourceUri, t('Research use only')]
      .filter((part) => part !== '')
      .join(' · '),
    beats: beats.map(({ number, accepted, reason, ...beat }) => ({
      number,
      cells: [beat.endDiastolicVolume, beat.endSystolicVolume, beat.ejectionFraction, beat.heartRate].map(
        words,
      ),
      reason: accepted ? '' : sentenceCase(reason === '' ? t('not counted') : reasonWords(reason)),
    })),
  };
}

/** Name of a file about a held measurement: only letters and digits that every disk takes, the time as UTC. */
export function heldFileName({ id, label, takenAtUnixMs }: HeldMeasurement, ending: 'json' | 'png'): string {
  const room = label
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  const time = new Date(takenAtUnixMs).toISOString().slice(0, 19).replace(/[-:]/g, '');
  return ['ef', room === '' ? 'room' : room, time, String(id)].join('_') + `.${ending}`;
}

/** An address on this server as the page must ask for it: the page may lie below a folder. */
export function pictureSource({ path }: Pick<HeldPicture, 'path'>): string {
  return path.replace(/^\/+/, '');
}
