/** Everything that is known about the health of a room, in words and tables; renewed while it is open. */
import { openDialog } from '../app/dialog.js';
import { h } from '../app/dom.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { icon } from '../app/icons.js';
import { Disposer } from '../app/signal.js';
import type { LivePicture } from './live-picture.js';
import { msg, numberText, say, serverText, t } from '../core/texts.js';
import type { Text } from '../core/texts.js';

const stages: Readonly<Record<string, Text>> = {
  decode: msg('Reading pictures'),
  queue: msg('Waiting for analysis'),
  inference: msg('Model'),
  tracking: msg('Tracking'),
  encode: msg('Preparing pictures for viewers'),
  overhead: msg('Everything but the model'),
  total: msg('From capture to result'),
};

const dropWords: Readonly<Record<string, Text>> = {
  source: msg('at the source'),
  'analysis-queue': msg('before analysis, for a newer one'),
  'display-queue': msg('before sending'),
  inference: msg('in analysis'),
  client: msg('for slow viewers'),
};

const ms = (value: number | undefined): string => (value === undefined ? '–' : numberText(value, 1));

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

const within = (percent: number): string => t('{percent} % within', { percent });

/** What this page has no word for is shown as the server calls it. */
function named(words: Readonly<Record<string, Text>>, name: string): string {
  const word = words[name];
  return word === undefined ? name : say(word);
}

function section(title: string, ...content: readonly Node[]): HTMLElement {
  return h('section', {}, h('h3', {}, title), ...content);
}

/** Where pictures or outlines are left out, in words. */
export function dropName(stage: string): string {
  return named(dropWords, stage);
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
        ? h('p', { class: 'notice-detail degraded-full' }, icon('warning'), ` ${serverText(health.degraded)}`)
        : null,
      section(
        t('On this screen, milliseconds from capture'),
        table(
          ['', within(50), within(95), t('Longest')],
          [
            { name: t('Picture ready to be shown'), figures: stats?.readyMs },
            { name: t('Picture shown'), figures: stats?.paintedMs },
            { name: t('Picture shown with its outlines'), figures: stats?.overlayMs },
          ].map(({ name, figures }) => [name, ms(figures?.p50), ms(figures?.p95), ms(figures?.max)]),
        ),
        h(
          'p',
          { class: 'hint' },
          stats?.clock
            ? t('The clocks of server and browser agree within ± {ms} ms.', {
                ms: numberText(stats.clock.uncertaintyMs, 2),
              })
            : t('The clocks are not compared yet, so ages are not known.'),
        ),
      ),
      stats
        ? section(
            t('Shown on this screen'),
            table(
              ['', t('pictures')],
              [
                [t('with their outlines'), String(stats.counts.withOverlay)],
                [t('without, although outlines were wanted'), String(stats.counts.withoutOverlay)],
                [t('all'), String(stats.counts.painted)],
                [t('not shown: a newer one was ready'), String(stats.counts.superseded)],
                [t('outlines that came too late'), String(stats.counts.lateOverlays)],
              ],
            ),
          )
        : null,
      health && Object.keys(health.latencyMs).length > 0
        ? section(
            t('On the server, milliseconds per step, last ten seconds'),
            table(
              ['', within(50), within(95), within(99), t('Longest')],
              Object.entries(health.latencyMs).map(([stage, value]) => [
                named(stages, stage),
                ms(value.p50),
                ms(value.p95),
                ms(value.p99),
                ms(value.max),
              ]),
            ),
          )
        : null,
      section(
        t('Left out since the room opened'),
        table(
          ['', t('pictures')],
          [
            ...Object.entries(health?.drops ?? {}).map(([stage, count]) => [dropName(stage), String(count)]),
            [t('in this browser'), String(stats ? stats.decodeDrops + stats.decodeFailures : 0)],
          ],
        ),
      ),
      rejected.length > 0
        ? section(
            t('Why the model does not run on something faster'),
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
  openDialog(t('Health of this room'), [body], { onclose: () => disposer.end() });
}
