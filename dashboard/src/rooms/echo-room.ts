/**
 * What a room has besides where its model finds the left ventricle by itself: the volume curve, the figures, the beats that do not
 * count, the scale on the picture, holding. Runs in the page. Everything is hidden until something is measured that only such a room
 * measures, or its three structures are there.
 */
import { isCalibrated, uncalibrated, type Calibration } from '../../../src/vocabulary/calibration.js';
import { echoViews, echoViewWords, otherView, type EchoView } from '../../../src/vocabulary/echo.js';
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { Signal } from '../app/signal.js';
import { toastError } from '../app/toast.js';
import type { Disposer } from '../app/signal.js';
import { areChambers } from '../core/echo-log.js';
import { readoutOf, sentenceCase } from '../core/echo-readout.js';
import { shownKey } from '../core/keymap.js';
import type { Action } from '../core/keymap.js';
import { serverText, t } from '../core/texts.js';
import { echoCurve } from './echo-curve.js';
import { EchoHolds } from './echo-holds.js';
import { beatList, echoNow } from './echo-now.js';
import type { LivePicture } from './live-picture.js';
import { ruler } from './ruler.js';

const viewNames: Readonly<Record<EchoView, string>> = { a4c: 'A4C', a2c: 'A2C' };

/** The figures change with a heart beat, not with a picture. */
const figuresEveryMs = 200;

interface EchoRoom {
  readonly active: Signal<boolean>;
  readonly holds: EchoHolds;
  /** Says that the probe was turned to the other view. */
  readonly turnView: () => void;
  /** Beside and below the picture. */
  readonly parts: readonly HTMLElement[];
  /** For the panel. */
  readonly beats: HTMLElement;
  /** On the stage; shown in every calibrated room. */
  readonly scale: SVGSVGElement;
  readonly calibration: Signal<Calibration>;
}

export function echoRoom(
  worker: PaintingWorker,
  live: LivePicture,
  perform: (action: Action) => void,
  disposer: Disposer,
): EchoRoom {
  const { stream } = live;
  const measured = worker.measured(stream);
  const active = new Signal(measured.isEcho.value);
  const holds = new EchoHolds(worker, stream);
  disposer.add(() => holds.end());

  const calibration = new Signal<Calibration>(uncalibrated);
  disposer.add(
    worker.infos.watch((infos) => {
      const next = infos.get(stream)?.calibration ?? uncalibrated;
      if (JSON.stringify(next) !== JSON.stringify(calibration.value)) calibration.value = next;
    }),
  );

  const heldCount = h('span', {});
  const holdButton = h(
    'button',
    {
      type: 'button',
      class: 'button large hold',
      title: t('Hold the figures of the last beats with their pictures'),
      onclick: () => perform('hold'),
    },
    t('Keep'),
    h('kbd', {}, shownKey('hold')),
  );
  const heldButton = h(
    'button',
    {
      type: 'button',
      class: 'button large',
      title: t('Held measurements ({key})', { key: shownKey('held') }),
      onclick: () => perform('held'),
    },
    icon('save'),
    heldCount,
  );
  const health = worker.health(stream);
  const viewPicker = h(
    'div',
    { class: 'echo-views', role: 'group', 'aria-label': t('Apical view') },
    ...echoViews.map((view) =>
      h(
        'button',
        {
          ...{ type: 'button', class: 'button', 'data-view': view },
          title: t('{view} view ({key} changes it)', {
            view: sentenceCase(serverText(echoViewWords[view])),
            key: shownKey('echo-view'),
          }),
          onclick: () => setView(view),
        },
        viewNames[view],
      ),
    ),
  );
  const setView = (view: EchoView): void => {
    worker.call('echo.view', { stream, view }).catch(toastError);
  };
  const viewNow = (): EchoView => health.value?.echoView ?? 'a4c';
  disposer.add(
    health.watch(() => {
      for (const button of viewPicker.querySelectorAll('button'))
        button.setAttribute('aria-pressed', String(button.dataset['view'] === viewNow()));
    }),
  );
  const now = echoNow(h('div', { class: 'echo-hold' }, holdButton, heldButton), viewPicker);
  const curve = echoCurve(measured, disposer);
  const beats = beatList(measured);
  disposer.add(
    holds.list.watch(({ length }) => {
      setText(heldCount, String(length));
      heldButton.setAttribute('aria-label', t('Held measurements: {n}', { n: length }));
    }),
  );
  disposer.add(holds.busy.watch((busy) => holdButton.toggleAttribute('disabled', busy)));

  const update = (): void => {
    // The figures of a held picture stay with it.
    if (!active.value || live.heldSinceMs.value !== null) return;
    const { picture } = live.notices.value;
    // A stall of less than a heart beat takes nothing from figures of several beats, and must not make them blink.
    const stalls = picture?.severity === 'alarm' && picture.lasting !== true;
    const problem = picture && !stalls ? picture.title : null;
    const readout = readoutOf(measured.echo, {
      ...{ nowMs: performance.now(), problem, standsStill: live.standsStill.value },
    });
    now.show(readout, isCalibrated(calibration.value));
    beats.update();
    const { arrivedMs } = measured.echo;
    const stands = problem ?? (readout.stale ? readout.ejectionFraction.note : null);
    curve.showProblem(arrivedMs === null || stands === null ? null : sentenceCase(stands));
  };
  disposer.every(figuresEveryMs, update);

  const learn = (): void => {
    if (measured.isEcho.value || areChambers(live.objects.value.map(({ label }) => label)))
      active.value = true;
  };
  disposer.add(measured.isEcho.watch(learn));
  disposer.add(live.objects.watch(learn));
  const parts = [now.element, curve.element];
  disposer.add(
    active.watch((on) => {
      for (const part of [...parts, beats.element]) part.hidden = !on;
      update();
    }),
  );
  const refresh = (): void => {
    if (active.value && worker.link.value.phase === 'open') void holds.refresh();
  };
  disposer.add(active.watch(refresh));
  disposer.add(worker.link.watch(refresh));
  const turnView = (): void => setView(otherView(viewNow()));
  return {
    ...{ active, holds, turnView, parts, calibration },
    ...{ beats: beats.element, scale: ruler(live, calibration, disposer) },
  };
}
