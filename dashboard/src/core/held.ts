/** A held measurement of an echo room as words for its card and its files. Pure. */
import type { HeldMeasurement, HeldPicture } from '../../../src/protocol/hold-requests.js';
import { echoViewWords } from '../../../src/vocabulary/echo.js';
import { figureText, figureWords, sentenceCase } from './echo-readout.js';

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
  if (fraction.value === null) return [['Biplane EF', sentenceCase(fraction.note)]];
  const words = (one: HeldMeasurement['heartRate']): string => figureWords(figureText(one));
  return [
    ['Biplane EF', `${figureWords(fraction)}${fraction.doubtful ? ', doubtful' : ''}`],
    ['Biplane EDV', words(biplane.endDiastolicVolume)],
    ['Biplane ESV', words(biplane.endSystolicVolume)],
  ];
}

export function heldWords(held: HeldMeasurement): HeldWords {
  const { label, takenAtUnixMs, model, ejectionFraction, beats } = held;
  const taken = new Date(takenAtUnixMs).toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' });
  const words = (one: HeldMeasurement['heartRate']): string => figureWords(figureText(one));
  const counted = beats.filter(({ accepted }) => accepted).length;
  return {
    title: `${label}, ${taken}`,
    result: `EF ${words(ejectionFraction)}`,
    note: [sentenceCase(figureText(ejectionFraction).note), `${counted} of ${beats.length} beats counted`]
      .filter((part) => part !== '')
      .join('. '),
    figures: [
      ['View', sentenceCase(echoViewWords[held.view])],
      ['EDV', words(held.endDiastolicVolume)],
      ['ESV', words(held.endSystolicVolume)],
      ['Heart rate', words(held.heartRate)],
      ['Scale', (held.calibrated ?? held.pixelSpacingMm !== null) ? 'calibrated' : 'not calibrated'],
      ...biplaneFigures(held.biplane),
    ],
    origin: [model ? `${model.name} ${model.version}` : '', held.sourceUri, 'research use only']
      .filter((part) => part !== '')
      .join(' · '),
    beats: beats.map(({ number, accepted, reason, ...beat }) => ({
      number,
      cells: [beat.endDiastolicVolume, beat.endSystolicVolume, beat.ejectionFraction, beat.heartRate].map(
        words,
      ),
      reason: accepted ? '' : sentenceCase(reason === '' ? 'not counted' : reason),
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
