/** The line under the picture: pictures per second, ages, what the model runs on, what was dropped. */
import './health-strip.css';
import { h, setText } from '../app/dom.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { icon, iconButton } from '../app/icons.js';
import type { Disposer } from '../app/signal.js';
import { rateText } from '../core/wording.js';
import { numberText, serverText, t } from '../core/texts.js';
import { dropName, openHealthDialog } from './health-dialog.js';
import type { LivePicture } from './live-picture.js';

function figure(
  label: string,
  title: string,
): { readonly element: HTMLElement; readonly value: HTMLElement } {
  const value = h('span', { class: 'figure-value' });
  return {
    element: h('div', { class: 'figure', title }, h('span', { class: 'figure-label' }, label), value),
    value,
  };
}

const ms = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : numberText(value);
/** A licence that allows less than the program's own is said where the model is named. */
const limitsOfUse = (licence: string): string =>
  licence === '' || licence === 'Apache-2.0' ? '' : ` · ${licence}`;

export function healthStrip(worker: PaintingWorker, live: LivePicture, disposer: Disposer): HTMLElement {
  const fps = figure(
    t('Pictures per second'),
    t('In: from the source. Shown: on this screen. Analysed: by the model.'),
  );
  const picture = figure(
    t('Picture age'),
    t(
      'Age of pictures when this screen shows them, from capture: half of the last seconds’ pictures are younger, 95 of 100 keep within the second number. Camera, cable and screen come on top.',
    ),
  );
  const outline = figure(
    t('Outline age'),
    t('Age of pictures with their own outlines when this screen shows them, from capture.'),
  );
  const provider = figure(t('Analysis'), t('Where the model runs, and which model.'));
  const drops = figure(t('Dropped'), t('Pictures left out since the room opened.'));
  const degraded = h('div', { class: 'degraded', hidden: true }, icon('warning'), h('span', {}));
  const recording = h('div', { class: 'recording', role: 'status', hidden: true }, t('Recording'));
  const note = h('div', { class: 'strip-note', hidden: true }, icon('info'), h('span', {}));
  const strip = h(
    'footer',
    { class: 'strip', 'aria-label': t('Health of this room') },
    h(
      'div',
      { class: 'strip-figures' },
      fps.element,
      picture.element,
      outline.element,
      provider.element,
      drops.element,
    ),
    iconButton('info', t('Health of this room in detail'), () => openHealthDialog(worker, live)),
    // Has its room whether anything is said or not, so that the picture above never moves.
    h('div', { class: 'strip-says' }, recording, note, degraded),
  );
  const update = (): void => {
    const health = worker.health(live.stream).value;
    const stats = live.stats.value;
    const { captured, shown, analysed } = live.rates;
    if (stats) {
      // For programs that drive the page: see docs/dashboard.md.
      strip.dataset['stats'] = JSON.stringify(stats);
      fps.value.replaceChildren(
        h('b', {}, rateText(captured)),
        ` ${t('in')} `,
        h('b', {}, rateText(shown)),
        ` ${t('shown')} `,
        h('b', {}, rateText(analysed)),
        ` ${t('analysed')}`,
      );
      picture.value.replaceChildren(
        h('b', {}, ms(stats.paintedMs?.p50)),
        ' ms',
        h('i', {}, ` ${t('95 % within {ms}', { ms: ms(stats.paintedMs?.p95) })}`),
      );
      outline.value.replaceChildren(
        h('b', {}, live.overlayOn.value ? ms(stats.overlayMs?.p50) : t('off')),
        live.overlayOn.value ? ' ms' : '',
        live.overlayOn.value ? h('i', {}, ` ${t('at most {ms}', { ms: live.limitMs })}`) : '',
      );
    }
    const clientDrops = stats ? stats.decodeDrops + stats.decodeFailures : 0;
    const total = Object.values(health?.drops ?? {}).reduce((sum, count) => sum + count, 0) + clientDrops;
    setText(drops.value, String(total));
    drops.element.title = [
      t('Pictures left out since the room opened:'),
      ...Object.entries(health?.drops ?? {}).map(([stage, count]) => `${count} ${dropName(stage)}`),
      t('{n} in this browser', { n: clientDrops }),
      ...(stats
        ? [
            t(
              'Shown here: {with} with outlines, {without} without, although wanted. {late} outlines came too late.',
              {
                with: stats.counts.withOverlay,
                without: stats.counts.withoutOverlay,
                late: stats.counts.lateOverlays,
              },
            ),
          ]
        : []),
    ].join('\n');
    if (health) {
      provider.value.replaceChildren(
        h('b', {}, health.analysis ? health.provider.toUpperCase() : t('none')),
        h(
          'i',
          {},
          health.analysis ? ` ${health.model}${limitsOfUse(health.modelLicence)}` : ` ${t('picture only')}`,
        ),
      );
      provider.element.title = health.analysis
        ? [
            health.modelLicence === ''
              ? t('Model {model} on {provider}', {
                  model: health.model,
                  provider: health.provider.toUpperCase(),
                })
              : t('Model {model} ({licence}) on {provider}', {
                  model: health.model,
                  licence: health.modelLicence,
                  provider: health.provider.toUpperCase(),
                }),
            health.policy === '' ? '' : t('Memory policy {policy}', { policy: health.policy }),
          ]
            .filter((part) => part !== '')
            .join('. ')
        : t('No model is loaded: the picture is shown, nothing is outlined.');
      recording.hidden = !health.recording;
      degraded.hidden = health.degraded === '';
      const text = degraded.querySelector('span');
      if (text) setText(text, serverText(health.degraded));
      degraded.title = serverText(health.degraded);
    }
  };
  disposer.add(
    live.notices.watch(({ overlay }) => {
      const info = overlay?.severity === 'info' ? overlay : null;
      note.hidden = info === null;
      const text = note.querySelector('span');
      if (text && info) setText(text, `${info.title}: ${info.detail}`);
    }),
  );
  for (const signal of [live.stats, worker.health(live.stream), live.overlayOn])
    disposer.add(signal.watch(update));
  return strip;
}
