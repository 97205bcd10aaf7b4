/** What a person reads in an echo room: ejection fraction with its interval, volumes, heart rate, or in words why there is none; and which beats do not count. Runs in the page. */
import './echo-now.css';
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { StreamMeasurements } from '../app/stream-measurements.js';
import { sentenceCase } from '../core/echo-readout.js';
import type { FigureText, Readout } from '../core/echo-readout.js';
import { t } from '../core/texts.js';

/** Rejected beats that are listed. */
const mostRejected = 6;

interface EchoNow {
  readonly element: HTMLElement;
  readonly show: (readout: Readout, calibrated: boolean) => void;
}

function smallFigure(name: string): {
  readonly element: HTMLElement;
  readonly show: (f: FigureText) => void;
} {
  const value = h('b', {});
  const unit = h('span', {});
  const interval = h('small', {});
  const element = h('div', { class: 'echo-figure' }, h('dt', {}, name), h('dd', {}, value, unit, interval));
  return {
    element,
    show: (figure) => {
      setText(value, figure.value ?? '–');
      setText(unit, figure.value === null ? '' : figure.unit);
      setText(interval, figure.interval);
      element.title = figure.value === null || figure.doubtful ? sentenceCase(figure.note) : '';
      element.classList.toggle('doubtful', figure.doubtful);
    },
  };
}

/** `views`: what says which view it is; null: nobody can say it here. */
export function echoNow(hold: HTMLElement, views: HTMLElement | null): EchoNow {
  const value = h('b', { class: 'ef-value' });
  const interval = h('span', { class: 'ef-interval', title: t('90 % interval') });
  const note = h('p', { class: 'ef-note' });
  const number = h('p', { class: 'ef-number' }, h('span', { class: 'ef-name' }, t('EF')), value, interval);
  const reason = h('p', { class: 'ef-reason', hidden: true }, icon('uncertain'), h('span', {}));
  const doubt = h('p', { class: 'ef-doubt', hidden: true }, icon('warning'), t('Doubtful'));
  const rate = smallFigure(t('Heart rate'));
  const endDiastolic = smallFigure(t('EDV'));
  const endSystolic = smallFigure(t('ESV'));
  const biplane = biplaneLine();
  const scale = h('p', { class: 'ef-scale', hidden: true }, t('Not calibrated: volumes in pixels.'));
  const element = h(
    'section',
    { class: 'echo-now', 'aria-label': t('Ejection fraction') },
    h('div', { class: 'ef' }, number, reason, doubt, note),
    h('dl', { class: 'echo-figures' }, endDiastolic.element, endSystolic.element, rate.element),
    h('div', { class: 'biplane-part' }, ...(views ? [views] : []), biplane.element),
    scale,
    hold,
  );
  return {
    element,
    show: (readout, calibrated) => {
      const { ejectionFraction: ef, endDiastolicVolume, endSystolicVolume, heartRate } = readout;
      biplane.show(readout);
      const known = ef.value !== null;
      element.dataset['known'] = String(known);
      setText(value, known ? `${ef.value} ${ef.unit}` : '–');
      setText(interval, ef.interval === '' ? '' : `(${ef.interval})`);
      setText(note, sentenceCase(known ? ef.note : t('No ejection fraction')));
      reason.hidden = known;
      const words = reason.querySelector('span');
      if (words)
        setText(words, known ? '' : sentenceCase(ef.note === '' ? t('waiting for a whole beat') : ef.note));
      doubt.hidden = !ef.doubtful;
      endDiastolic.show(endDiastolicVolume);
      endSystolic.show(endSystolicVolume);
      rate.show(heartRate);
      scale.hidden = calibrated || endDiastolicVolume.value === null;
    },
  };
}

/** What two views give, or why nothing; hidden where nobody has asked for it. */
function biplaneLine(): { readonly element: HTMLElement; readonly show: (readout: Readout) => void } {
  const value = h('b', { class: 'biplane-value' });
  const interval = h('span', {});
  const volumes = h('p', { class: 'biplane-volumes' });
  const note = h('p', { class: 'biplane-note' });
  const element = h(
    'div',
    { class: 'biplane', hidden: true, role: 'group', 'aria-label': t('Biplane ejection fraction') },
    h('p', { class: 'biplane-number' }, h('span', {}, t('Biplane EF')), value, interval),
    volumes,
    note,
  );
  return {
    element,
    show: ({ biplane, biplaneEjectionFraction: ef, ...readout }) => {
      element.hidden = !biplane;
      const known = ef.value !== null;
      element.classList.toggle('doubtful', ef.doubtful);
      setText(value, known ? `${ef.value} ${ef.unit}` : '–');
      setText(interval, ef.interval === '' ? '' : `(${ef.interval})`);
      const volume = (name: string, figure: FigureText): string =>
        `${name} ${figure.value ?? '–'} ${figure.unit}`;
      volumes.hidden = !known;
      setText(
        volumes,
        `${volume(t('EDV'), readout.biplaneEndDiastolicVolume)}, ${volume(t('ESV'), readout.biplaneEndSystolicVolume)}`,
      );
      setText(
        note,
        sentenceCase(known && ef.doubtful ? t('Doubtful: {reason}', { reason: ef.note }) : ef.note),
      );
    },
  };
}

interface BeatList {
  readonly element: HTMLElement;
  readonly update: () => void;
}

export function beatList({ echo }: StreamMeasurements): BeatList {
  const counts = h('span', { class: 'beat-counts' });
  const list = h('ul', { class: 'beats' });
  const none = h('p', { class: 'hint' }, t('Every beat was counted.'));
  let shown = '';
  return {
    element: h(
      'section',
      { class: 'beats-section', 'aria-label': t('Heart beats') },
      h('div', { class: 'section-head' }, h('h2', {}, t('Beats')), counts),
      none,
      list,
    ),
    update: () => {
      setText(
        counts,
        t('{counted} counted, {left} not', { counted: echo.counts.counted, left: echo.counts.rejected }),
      );
      const rejected = echo.beats
        .filter(({ verdict }) => verdict === 'rejected')
        .slice(-mostRejected)
        .reverse();
      none.hidden = rejected.length > 0;
      const key = JSON.stringify(rejected.map(({ era, number, reason }) => [era, number, reason]));
      if (key === shown) return;
      shown = key;
      list.replaceChildren(
        ...rejected.map(({ number, reason }) =>
          h(
            'li',
            {},
            icon('lost'),
            h('b', {}, t('Beat {number}', { number })),
            h('span', {}, reason === '' ? t('no reason was given') : reason),
          ),
        ),
      );
    },
  };
}
