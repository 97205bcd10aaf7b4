/**
 * Acceptance test of this display: one button measures capture-to-paint first with outlines, then of the picture alone,
 * judges both against 50, 80 and 100 ms, stores the report on the server and prints.
 */
import '../rooms/panel.css';
import './acceptance-view.css';
import { acceptanceFrames, acceptanceLimitsMs } from '../../../src/protocol/acceptance.js';
import type { HealthMessage } from '../../../src/protocol/messages.js';
import { isShown } from '../../../src/vocabulary/prompt.js';
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import { prefer, preferences } from '../app/prefs.js';
import { Disposer } from '../app/signal.js';
import { sentenceOf } from '../app/toast.js';
import type { EndView, ViewContext } from '../app/view.js';
import { acceptanceReport } from '../core/acceptance-report.js';
import { writeRoute } from '../core/route.js';
import type { Text } from '../core/texts.js';
import { msg, numberText, say, t } from '../core/texts.js';
import { LivePicture } from '../rooms/live-picture.js';
import { noticeLayer } from '../rooms/notices.js';
import type { Measured, MeasuredKind } from '../worker/messages.js';
import { showReport } from './report-page.js';
import type { AcceptanceResult } from './report-page.js';

const parts: readonly { readonly kind: MeasuredKind; readonly doing: Text }[] = [
  { kind: 'overlay', doing: msg('Measuring pictures with their outlines') },
  { kind: 'picture', doing: msg('Measuring pictures without outlines') },
];

/** Refresh rate of the display from the middle of 40 animation frames, null where the page is hidden. */
function refreshRate(): Promise<number | null> {
  return new Promise((resolve) => {
    if (document.visibilityState !== 'visible') {
      resolve(null);
      return;
    }
    const times: number[] = [];
    const tick = (nowMs: number): void => {
      times.push(nowMs);
      if (times.length < 41) {
        requestAnimationFrame(tick);
        return;
      }
      const steps = times.slice(1).map((time, index) => time - (times[index] ?? time));
      const middle = steps.sort((a, b) => a - b)[20] ?? 0;
      resolve(middle > 0 ? Math.round(10_000 / middle) / 10 : null);
    };
    requestAnimationFrame(tick);
  });
}

export function acceptanceView(context: ViewContext, stream: string): EndView {
  const { worker, element } = context;
  const disposer = new Disposer();
  const live = new LivePicture(worker, stream, { label: t('Live picture of {room}', { room: stream }) });
  const notices = noticeLayer(true);
  disposer.add(live.notices.watch((value) => notices.show(value)));

  const count = h('input', {
    type: 'number',
    id: 'acceptance-frames',
    min: 10,
    max: 20_000,
    step: 10,
    value: preferences.value.acceptanceFrames,
  });
  count.addEventListener('change', () => {
    const frames = Math.round(Number(count.value));
    if (frames >= 10 && frames <= 20_000) prefer({ acceptanceFrames: frames });
    count.value = String(preferences.value.acceptanceFrames);
  });
  const author = h('input', { type: 'text', id: 'acceptance-author', maxlength: 120, autocomplete: 'name' });
  const start = h(
    'button',
    { type: 'button', class: 'button primary large' },
    icon('play'),
    t('Start the test'),
  );
  const stop = h(
    'button',
    { type: 'button', class: 'button', hidden: true },
    icon('stop'),
    t('Stop and evaluate'),
  );
  const hint = h('p', { class: 'hint', role: 'status' });
  const progress = h('progress', { max: 1, value: 0, hidden: true });
  const result = h('div', { class: 'report', hidden: true });
  const control = h(
    'aside',
    { class: 'panel acceptance-panel', 'aria-label': t('Acceptance test') },
    h(
      'header',
      { class: 'panel-head' },
      h('a', { class: 'button quiet', href: writeRoute({ view: 'room', stream }) }, icon('back'), t('Room')),
      h('div', { class: 'panel-title' }, h('h1', {}, t('Acceptance test'))),
    ),
    h(
      'p',
      {},
      t(
        'Measures how old pictures are when this display shows them: first with their outlines, then without. The test is passed where 95 of 100 pictures are at most this old: {limits} ms.',
        { limits: acceptanceLimitsMs.join(', ') },
      ),
    ),
    h(
      'p',
      { class: 'muted' },
      t(
        'From capture by the server until this browser has painted the picture. Camera, cable and screen come on top; they cannot be measured here.',
      ),
    ),
    h(
      'div',
      { class: 'setting' },
      h(
        'label',
        { for: 'acceptance-frames' },
        t('Pictures per part'),
        h('small', {}, t('{n} or more give a verdict', { n: acceptanceFrames })),
      ),
      count,
    ),
    h(
      'div',
      { class: 'setting' },
      h(
        'label',
        { for: 'acceptance-author' },
        t('Tested by'),
        h('small', {}, t('Your name, for the report')),
      ),
      author,
    ),
    start,
    stop,
    progress,
    hint,
  );
  const stage = h('div', { class: 'stage' }, live.canvas, notices.element);
  const page = h(
    'div',
    { class: 'acceptance' },
    h('div', { class: 'acceptance-run' }, stage, control),
    result,
  );
  element.replaceChildren(page);

  /** Takes the result of the part that is being measured, null: no test runs. */
  let finish: ((kind: MeasuredKind, measured: Measured) => void) | null = null;
  let drawPlots: ReturnType<typeof showReport> | null = null;
  let removePlots = (): void => undefined;
  const redraw = (medium: 'screen' | 'paper'): void => {
    removePlots();
    removePlots = drawPlots?.(medium) ?? removePlots;
  };
  disposer.add(() => removePlots());
  disposer.listen('beforeprint', () => redraw('paper'));
  disposer.listen('afterprint', () => redraw('screen'));
  disposer.listen('resize', () => {
    if (!matchMedia('print').matches) redraw('screen');
  });
  disposer.add(
    live.events.watch((event) => {
      if (event?.type === 'measured') finish?.(event.kind, event.result);
      else if (event?.type === 'measure-progress') progress.value = event.done;
    }),
  );
  const ready = (): void => {
    if (finish) return;
    const outlined = live.objects.value.some(({ state }) => isShown(state));
    start.disabled = !outlined || !live.stats.value?.clock;
    setText(
      hint,
      outlined
        ? live.stats.value?.clock
          ? t('The clocks of server and browser agree within ± {ms} ms.', {
              ms: numberText(live.stats.value.clock.uncertaintyMs, 2),
            })
          : t('Comparing the clocks of server and browser …')
        : t('Nothing is outlined in this room. Point at an object there first.'),
    );
  };
  disposer.add(live.stats.watch(ready));
  disposer.add(live.objects.watch(ready));

  const measure = (kind: MeasuredKind, frames: number): Promise<Measured> =>
    new Promise((resolve) => {
      finish = (measuredKind, measured) => {
        if (measuredKind === kind) resolve(measured);
      };
      progress.max = frames;
      progress.value = 0;
      worker.send({ type: 'measure', surface: live.surface, kind, frames });
    });

  const run = async (): Promise<void> => {
    const frames = preferences.value.acceptanceFrames;
    result.hidden = true;
    start.hidden = true;
    stop.hidden = false;
    progress.hidden = false;
    const startedUnixMs = Date.now();
    const startedMs = performance.now();
    const before: HealthMessage | null = worker.health(stream).value;
    setText(hint, t('Looking at this display …'));
    const refreshHz = await refreshRate();
    const measured: Partial<Record<MeasuredKind, Measured>> = {};
    for (const { kind, doing } of parts) {
      setText(hint, t('{doing}: {n} pictures. Leave this page in front.', { doing: say(doing), n: frames }));
      measured[kind] = await measure(kind, frames);
    }
    finish = null;
    start.hidden = false;
    stop.hidden = true;
    progress.hidden = true;
    ready();
    const { overlay, picture } = measured;
    if (!overlay || overlay.samplesMs.length === 0) {
      setText(hint, t('No picture was painted with its outlines in time, so there is nothing to evaluate.'));
      return;
    }
    const alone = picture && picture.samplesMs.length > 0 ? picture : null;
    const report = acceptanceReport({
      stream,
      startedUnixMs,
      durationMs: performance.now() - startedMs,
      userAgent: navigator.userAgent,
      author: author.value.trim(),
      display: {
        width: Math.round(screen.width * devicePixelRatio),
        height: Math.round(screen.height * devicePixelRatio),
        devicePixelRatio,
        refreshHz,
      },
      before,
      after: worker.health(stream).value,
      stats: live.stats.value,
      overlay,
      picture: alone,
    });
    let stored: AcceptanceResult['stored'] = null;
    let problem = '';
    try {
      stored = await worker.call('acceptance.store', report);
    } catch (error) {
      problem = sentenceOf(error);
    }
    drawPlots = showReport(result, { report, overlay, picture: alone, stored, problem });
    result.hidden = false;
    redraw('screen');
    result.scrollIntoView({ block: 'start' });
  };

  start.addEventListener('click', () => void run());
  stop.addEventListener('click', () => worker.send({ type: 'measure-stop', surface: live.surface }));

  return () => {
    finish = null;
    live.end();
    disposer.end();
    element.replaceChildren();
  };
}
