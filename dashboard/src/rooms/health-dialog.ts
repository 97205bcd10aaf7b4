/** Everything that is known about the health of a room, in words and tables; renewed while it is open. */
import { openDialog } from '../app/dialog.js';
import { h } from '../app/dom.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { icon } from '../app/icons.js';
import { Disposer } from '../app/signal.js';
import type { LivePicture } from './live-picture.js';

const stages: Readonly<Record<string, string>> = {
  decode: 'Decoding',
  queue: 'Waiting for analysis',
  inference: 'Model',
  tracking: 'Tracking',
  encode: 'Encoding for viewers',
  overhead: 'All but the model',
  total: 'Capture to result',
};

/** Where pictures or outlines are left out, in plain words. */
export const dropWords: Readonly<Record<string, string>> = {
  source: 'at the source',
  'analysis-queue': 'before analysis (the newest wins)',
  'display-queue': 'before sending',
  inference: 'in analysis',
  client: 'for slow viewers',
};

const ms = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(1));

function table(head: readonly string[], rows: readonly (readonly string[])[]): HTMLElement {
  return h(
    'table',
    {},
    h('thead', {}, h('tr', {}, ...head.map((text) => h('th', { scope: 'col' }, text)))),
    h(
      'tbody',
      {},
      ...rows.map((row) =>
        h('tr', {}, ...row.map((text, index) => h('td', {}, index === 0 ? text : h('b', {}, text)))),
      ),
    ),
  );
}

function section(title: string, ...content: readonly Node[]): HTMLElement {
  return h('section', {}, h('h3', {}, title), ...content);
}

export function openHealthDialog(worker: PaintingWorker, live: LivePicture): void {
  if (document.querySelector('dialog.dialog')) return;
  const { stream } = live;
  const body = h('div', { class: 'health-tables' });
  const update = (): void => {
    const health = worker.health(stream).value;
    const stats = live.stats.value;
    const rejected = Object.entries(worker.infos.value.get(stream)?.rejectedProviders ?? {});
    const sections: (HTMLElement | null)[] = [
      health && health.degraded !== ''
        ? h('p', { class: 'notice-detail degraded-full' }, icon('warning'), ` ${health.degraded}`)
        : null,
      section(
        'On this screen, milliseconds from capture',
        table(
          ['', 'middle', '95 %', 'longest'],
          [
            { name: 'Picture decoded', figures: stats?.readyMs },
            { name: 'Picture painted', figures: stats?.paintedMs },
            { name: 'Picture with its outlines painted', figures: stats?.overlayMs },
          ].map(({ name, figures }) => [name, ms(figures?.p50), ms(figures?.p95), ms(figures?.max)]),
        ),
        h(
          'p',
          { class: 'hint' },
          stats?.clock
            ? `Clocks joined within ± ${stats.clock.uncertaintyMs.toFixed(2)} ms. Not glass-to-glass.`
            : 'The clocks are not joined: ages are not known.',
        ),
      ),
      stats
        ? section(
            'Painted on this screen',
            table(
              ['', 'pictures'],
              [
                ['with their outlines', String(stats.counts.withOverlay)],
                ['without, although outlines were wanted', String(stats.counts.withoutOverlay)],
                ['all', String(stats.counts.painted)],
                ['not painted: a newer one was ready', String(stats.counts.superseded)],
                ['outlines that came too late', String(stats.counts.lateOverlays)],
              ],
            ),
          )
        : null,
      health && Object.keys(health.latencyMs).length > 0
        ? section(
            'On the server, milliseconds per step, last ten seconds',
            table(
              ['', 'middle', '95 %', '99 %', 'longest'],
              Object.entries(health.latencyMs).map(([stage, value]) => [
                stages[stage] ?? stage,
                ms(value.p50),
                ms(value.p95),
                ms(value.p99),
                ms(value.max),
              ]),
            ),
          )
        : null,
      section(
        'Left out since the room opened',
        table(
          ['', 'pictures'],
          [
            ...Object.entries(health?.drops ?? {}).map(([stage, count]) => [
              dropWords[stage] ?? stage,
              String(count),
            ]),
            ['in this browser', String(stats ? stats.decodeDrops + stats.decodeFailures : 0)],
          ],
        ),
      ),
      rejected.length > 0
        ? section(
            'Why the model does not run on something faster',
            table(
              ['', ''],
              rejected.map(([name, reason]) => [`${name.toUpperCase()}: ${reason}`, '']),
            ),
          )
        : null,
    ];
    body.replaceChildren(...sections.filter((section) => section !== null));
  };
  const disposer = new Disposer();
  disposer.add(worker.health(stream).watch(update));
  disposer.add(live.stats.watch(update));
  openDialog('Health of this room', [body], { onclose: () => disposer.end() });
}
