/** The line under the picture: pictures per second, ages, what the model runs on, what was dropped. */
import './health-strip.css';
import { h, setText } from '../app/dom.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { icon, iconButton } from '../app/icons.js';
import type { Disposer } from '../app/signal.js';
import { rateText } from '../core/wording.js';
import { dropWords, openHealthDialog } from './health-dialog.js';
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
  value === null || value === undefined ? '–' : `${Math.round(value)}`;
/** A licence that allows less than the program's own is said where the model is named. */
const limitsOfUse = (licence: string): string =>
  licence === '' || licence === 'Apache-2.0' ? '' : ` · ${licence}`;

export function healthStrip(worker: PaintingWorker, live: LivePicture, disposer: Disposer): HTMLElement {
  const fps = figure(
    'Pictures per second',
    'In: from the source. Shown: on this screen. Analysed: by the model.',
  );
  const picture = figure(
    'Picture age',
    'Capture to paint, the middle of the last seconds and what 95 of 100 pictures keep within. Not glass-to-glass.',
  );
  const outline = figure('Outline age', 'Capture to paint of pictures with their own outlines.');
  const provider = figure('Analysis', 'Where the model runs, and which model.');
  const drops = figure('Dropped', 'Pictures left out since the room opened.');
  const degraded = h('div', { class: 'degraded', hidden: true }, icon('warning'), h('span', {}));
  const recording = h('div', { class: 'recording', role: 'status', hidden: true }, 'Recording');
  const note = h('div', { class: 'strip-note', hidden: true }, icon('info'), h('span', {}));
  const strip = h(
    'footer',
    { class: 'strip', 'aria-label': 'Health of this room' },
    h(
      'div',
      { class: 'strip-figures' },
      fps.element,
      picture.element,
      outline.element,
      provider.element,
      drops.element,
    ),
    iconButton('info', 'Health of this room in detail', () => openHealthDialog(worker, live)),
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
        ' in ',
        h('b', {}, rateText(shown)),
        ' shown ',
        h('b', {}, rateText(analysed)),
        ' analysed',
      );
      picture.value.replaceChildren(
        h('b', {}, ms(stats.paintedMs?.p50)),
        ' ms',
        h('i', {}, ` 95 %: ${ms(stats.paintedMs?.p95)}`),
      );
      outline.value.replaceChildren(
        h('b', {}, live.overlayOn.value ? ms(stats.overlayMs?.p50) : 'off'),
        live.overlayOn.value ? ' ms' : '',
        live.overlayOn.value ? h('i', {}, ` limit ${live.limitMs}`) : '',
      );
    }
    const clientDrops = stats ? stats.decodeDrops + stats.decodeFailures : 0;
    const total = Object.values(health?.drops ?? {}).reduce((sum, count) => sum + count, 0) + clientDrops;
    setText(drops.value, String(total));
    drops.element.title = [
      'Pictures left out since the room opened:',
      ...Object.entries(health?.drops ?? {}).map(([stage, count]) => `${count} ${dropWords[stage] ?? stage}`),
      `${clientDrops} in this browser`,
      ...(stats
        ? [
            `Painted here: ${stats.counts.withOverlay} with outlines, ${stats.counts.withoutOverlay} without although wanted; ${stats.counts.lateOverlays} outlines came too late`,
          ]
        : []),
    ].join('\n');
    if (health) {
      provider.value.replaceChildren(
        h('b', {}, health.analysis ? health.provider.toUpperCase() : 'none'),
        h('i', {}, health.analysis ? ` ${health.model}${limitsOfUse(health.modelLicence)}` : ' picture only'),
      );
      provider.element.title = health.analysis
        ? `Model ${health.model}${health.modelLicence === '' ? '' : ` (${health.modelLicence})`} on ${health.provider}${health.policy === '' ? '' : `, memory policy ${health.policy}`}`
        : 'No model is loaded: the picture is shown, nothing is outlined.';
      recording.hidden = !health.recording;
      degraded.hidden = health.degraded === '';
      const text = degraded.querySelector('span');
      if (text) setText(text, health.degraded);
      degraded.title = health.degraded;
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
