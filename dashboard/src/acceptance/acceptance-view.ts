/**
 * Acceptance test of this display: one button measures capture-to-paint first with outlines, then of the picture alone,
 * judges both against 50, 80 and 100 ms, stores the report on the server and prints.
 */
import {
  acceptanceFrames,
  acceptanceLimitsMs,
  summariseAcceptance,
} from '../../../src/protocol/acceptance.js';
import type { AcceptanceSummary } from '../../../src/protocol/acceptance.js';
import type { HealthMessage } from '../../../src/protocol/messages.js';
import type { ResponseOf } from '../../../src/protocol/operations.js';
import { isShown } from '../../../src/vocabulary/prompt.js';
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import { prefer, preferences } from '../app/prefs.js';
import { Disposer } from '../app/signal.js';
import type { EndView, ViewContext } from '../app/view.js';
import { acceptanceReport } from '../core/acceptance-report.js';
import { writeRoute } from '../core/route.js';
import { LivePicture } from '../rooms/live-picture.js';
import { noticeLayer } from '../rooms/notices.js';
import type { Measured } from '../worker/messages.js';
import { drawPlots } from './plots.js';

type Part = 'overlay' | 'picture';
type Stored = ResponseOf<'acceptance.store'>;

const parts: readonly { readonly kind: Part; readonly name: string; readonly doing: string }[] = [
  { kind: 'overlay', name: 'With outlines', doing: 'Measuring pictures with their outlines' },
  { kind: 'picture', name: 'Picture only', doing: 'Measuring pictures alone' },
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

const verdictWords = { pass: 'Pass', fail: 'Fail', undecided: 'Undecided' } as const;
const verdictIcons = { pass: 'tracking', fail: 'lost', undecided: 'uncertain' } as const;
const ms = (value: number): string => value.toFixed(1);

function summaryTable(name: string, summary: AcceptanceSummary): HTMLElement {
  const cell = (tag: 'th' | 'td', ...content: (Node | string)[]): HTMLElement => h(tag, {}, ...content);
  return h(
    'section',
    { class: 'report-part' },
    h('h2', {}, name),
    h(
      'table',
      { class: 'quantiles' },
      h(
        'thead',
        {},
        h('tr', {}, ...['Pictures', 'p50', 'p95', 'p99', 'p99.9', 'Longest'].map((text) => cell('th', text))),
      ),
      h(
        'tbody',
        {},
        h(
          'tr',
          {},
          cell('td', String(summary.frames)),
          ...[summary.p50Ms, summary.p95Ms, summary.p99Ms, summary.p999Ms, summary.maxMs].map((value) =>
            cell('td', h('b', {}, ms(value)), ' ms'),
          ),
        ),
      ),
    ),
    h(
      'ul',
      { class: 'verdicts' },
      ...summary.deadlines.map(({ limitMs, missed, missRate, verdict }) =>
        h(
          'li',
          { 'data-verdict': verdict },
          icon(verdictIcons[verdict]),
          h('strong', {}, `${limitMs} ms`),
          h('span', {}, verdictWords[verdict]),
          h('small', {}, `${missed} missed (${(missRate * 100).toFixed(1)} %)`),
        ),
      ),
    ),
  );
}

export function acceptanceView(context: ViewContext, stream: string): EndView {
  const { engine, element } = context;
  const disposer = new Disposer();
  const live = new LivePicture(engine, stream, { label: `Live picture of ${stream}` });
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
    'Start the test',
  );
  const stop = h(
    'button',
    { type: 'button', class: 'button', hidden: true },
    icon('stop'),
    'Stop and evaluate',
  );
  const hint = h('p', { class: 'hint', role: 'status' });
  const progress = h('progress', { max: 1, value: 0, hidden: true });
  const result = h('div', { class: 'report', hidden: true });
  const control = h(
    'aside',
    { class: 'panel acceptance-panel', 'aria-label': 'Acceptance test' },
    h(
      'header',
      { class: 'panel-head' },
      h('a', { class: 'button quiet', href: writeRoute({ view: 'room', stream }) }, icon('back'), 'Room'),
      h('div', { class: 'panel-title' }, h('h1', {}, 'Acceptance test')),
    ),
    h(
      'p',
      {},
      `Measures on this display how old a picture is when it is painted, first with its outlines, then alone, and judges the 95th percentile against ${acceptanceLimitsMs.join(', ')} ms.`,
    ),
    h(
      'p',
      { class: 'muted' },
      'From capture on the server to paint in this browser, clocks joined by ping. It is not glass-to-glass: camera, cable and panel come on top.',
    ),
    h(
      'div',
      { class: 'setting' },
      h(
        'label',
        { for: 'acceptance-frames' },
        'Pictures per part',
        h('small', {}, `${acceptanceFrames} or more give a verdict`),
      ),
      count,
    ),
    h(
      'div',
      { class: 'setting' },
      h('label', { for: 'acceptance-author' }, 'Tested by', h('small', {}, 'Your name, for the report')),
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

  let running: { readonly finish: (kind: Part, measured: Measured) => void } | null = null;
  /** Draws the plots of the report on show anew. */
  let redraw: (medium: 'screen' | 'paper') => void = () => undefined;
  let removePlots = (): void => undefined;
  disposer.add(() => removePlots());
  disposer.listen('beforeprint', () => redraw('paper'));
  disposer.listen('afterprint', () => redraw('screen'));
  disposer.listen('resize', () => {
    if (!matchMedia('print').matches) redraw('screen');
  });
  disposer.add(
    live.events.watch((event) => {
      if (event?.type === 'measured') running?.finish(event.kind, event.result);
      else if (event?.type === 'measure-progress') progress.value = event.done;
    }),
  );
  const ready = (): void => {
    if (running) return;
    const outlined = live.objects.value.some(({ state }) => isShown(state));
    start.disabled = !outlined || !live.stats.value?.clock;
    setText(
      hint,
      outlined
        ? live.stats.value?.clock
          ? `Clocks joined within ± ${live.stats.value.clock.uncertaintyMs.toFixed(2)} ms.`
          : 'Joining the clocks …'
        : 'Nothing is outlined in this room. Point at an object there first.',
    );
  };
  disposer.add(live.stats.watch(ready));
  disposer.add(live.objects.watch(ready));

  const measure = (kind: Part, frames: number): Promise<Measured> =>
    new Promise((resolve) => {
      running = {
        finish: (measuredKind, measured) => {
          if (measuredKind === kind) resolve(measured);
        },
      };
      progress.max = frames;
      progress.value = 0;
      engine.send({ type: 'measure', surface: live.surface, kind, frames });
    });

  const run = async (): Promise<void> => {
    const frames = preferences.value.acceptanceFrames;
    result.hidden = true;
    start.hidden = true;
    stop.hidden = false;
    progress.hidden = false;
    const startedUnixMs = Date.now();
    const startedMs = performance.now();
    const before: HealthMessage | null = engine.health(stream).value;
    setText(hint, 'Looking at this display …');
    const refreshHz = await refreshRate();
    const measured: Partial<Record<Part, Measured>> = {};
    for (const { kind, doing } of parts) {
      setText(hint, `${doing}: ${frames} pictures. Leave this page in front.`);
      measured[kind] = await measure(kind, frames);
    }
    running = null;
    start.hidden = false;
    stop.hidden = true;
    progress.hidden = true;
    ready();
    const { overlay, picture } = measured;
    if (!overlay || overlay.samplesMs.length === 0) {
      setText(
        hint,
        'No picture was painted with its outlines within the limit, so there is nothing to evaluate.',
      );
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
      after: engine.health(stream).value,
      stats: live.stats.value,
      overlay,
      picture: alone,
    });
    let stored: Stored | null = null;
    let problem = '';
    try {
      stored = await engine.call('acceptance.store', report);
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    show(report, overlay, alone, stored, problem);
  };

  const show = (
    report: ReturnType<typeof acceptanceReport>,
    overlay: Measured,
    picture: Measured | null,
    stored: Stored | null,
    problem: string,
  ): void => {
    const address = (suffix: string): string => `api/acceptance/${stored?.id ?? ''}${suffix}`;
    const ages = h('div', { class: 'plot' });
    const shares = h('div', { class: 'plot' });
    const drops = Object.entries(report.drops ?? {})
      .filter(([, dropped]) => dropped > 0)
      .map(([where, dropped]) => `${dropped} ${where}`)
      .join(', ');
    const facts: readonly (readonly [string, string])[] = [
      ['Room', stream],
      ['When', new Date(report.startedUnixMs).toLocaleString()],
      ['Tested by', report.author === '' ? 'no name given' : (report.author ?? '')],
      [
        'Display',
        `${report.display.width} × ${report.display.height}, scale ${report.display.devicePixelRatio}, ${report.display.refreshHz ?? '?'} Hz`,
      ],
      [
        'Source',
        report.sourceSize
          ? `${report.sourceSize.width} × ${report.sourceSize.height}, ${(report.capturedFps ?? 0).toFixed(1)} per second`
          : 'unknown',
      ],
      ['Analysis', `${report.model ?? ''} on ${report.provider ?? ''}`],
      [
        'Clocks',
        `joined within ± ${report.clock.uncertaintyMs.toFixed(2)} ms (round trip ${report.clock.roundTripMs.toFixed(2)} ms)`,
      ],
      ['Never painted', `${overlay.neverPainted} with outlines, ${picture?.neverPainted ?? 0} pictures`],
      ['Dropped', drops === '' ? 'none' : drops],
      ['Outlines too late', String(overlay.lateOverlays)],
    ];
    result.replaceChildren(
      h(
        'header',
        { class: 'report-head' },
        h('h1', {}, 'Acceptance report'),
        stored
          ? h('p', { class: 'muted' }, `Stored as ${stored.id}`)
          : h(
              'p',
              { class: 'field-error', role: 'alert' },
              icon('alarm'),
              h('span', {}, `Not stored: ${problem}`),
            ),
        h(
          'button',
          { type: 'button', class: 'button', onclick: () => window.print() },
          icon('print'),
          'Print',
        ),
        stored
          ? h(
              'a',
              { class: 'button', href: address('/report'), target: '_blank' },
              icon('link'),
              'Stored report',
            )
          : null,
        stored
          ? h(
              'a',
              { class: 'button', href: address(''), target: '_blank', download: `${stored.id}.json` },
              icon('link'),
              'JSON',
            )
          : null,
      ),
      h(
        'p',
        { class: 'muted' },
        'Research use only. Capture-to-paint on the server’s and this browser’s clocks, joined by ping; not glass-to-glass.',
      ),
      h(
        'div',
        { class: 'report-parts' },
        summaryTable(
          'With outlines',
          stored?.overlay ?? summariseAcceptance(overlay.samplesMs, overlay.neverPainted),
        ),
        picture
          ? summaryTable(
              'Picture only',
              stored?.picture ?? summariseAcceptance(picture.samplesMs, picture.neverPainted),
            )
          : null,
      ),
      h('div', { class: 'plots' }, ages, shares),
      h(
        'dl',
        { class: 'facts' },
        ...facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
      ),
    );
    result.hidden = false;
    redraw = (medium) => {
      removePlots();
      removePlots = drawPlots({ ages, shares }, medium, { overlay, picture });
    };
    redraw('screen');
    result.scrollIntoView({ block: 'start' });
  };

  start.addEventListener('click', () => void run());
  stop.addEventListener('click', () => engine.send({ type: 'measure-stop', surface: live.surface }));

  return () => {
    running = null;
    live.end();
    disposer.end();
    element.replaceChildren();
  };
}
