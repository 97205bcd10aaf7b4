/** What an acceptance test found, as a page: verdicts, plots, facts. Runs in the page. */
import { summariseAcceptance } from '../../../src/protocol/acceptance.js';
import type { AcceptanceSummary } from '../../../src/protocol/acceptance.js';
import type { ResponseOf } from '../../../src/protocol/operations.js';
import { h } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { acceptanceReport } from '../core/acceptance-report.js';
import { locale, msg, numberText, say, t } from '../core/texts.js';
import type { Measured } from '../worker/messages.js';
import { drawPlots } from './plots.js';

const verdictWords = { pass: msg('Passed'), fail: msg('Failed'), undecided: msg('Undecided') } as const;
const verdictIcons = { pass: 'tracking', fail: 'lost', undecided: 'uncertain' } as const;
const ms = (value: number): string => numberText(value, 1);

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
        h(
          'tr',
          {},
          cell('th', t('Pictures')),
          ...[50, 95, 99, 99.9].map((percent) => cell('th', t('{percent} % within', { percent }))),
          cell('th', t('Longest')),
        ),
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
          h('span', {}, say(verdictWords[verdict])),
          h(
            'small',
            {},
            t('{n} too late ({percent} %)', { n: missed, percent: numberText(missRate * 100, 1) }),
          ),
        ),
      ),
    ),
  );
}

export interface AcceptanceResult {
  readonly report: ReturnType<typeof acceptanceReport>;
  readonly overlay: Measured;
  /** null: no picture was painted in the part without outlines. */
  readonly picture: Measured | null;
  /** null: the server did not store it, `problem` says why. */
  readonly stored: ResponseOf<'acceptance.store'> | null;
  readonly problem: string;
}

/** Fills `element` with the report. Returns what draws its plots; that one returns what removes them. */
export function showReport(
  element: HTMLElement,
  { report, overlay, picture, stored, problem }: AcceptanceResult,
): (medium: 'screen' | 'paper') => () => void {
  const address = (suffix: string): string => `api/acceptance/${stored?.id ?? ''}${suffix}`;
  const ages = h('div', { class: 'plot' });
  const shares = h('div', { class: 'plot' });
  const drops = Object.entries(report.drops ?? {})
    .filter(([, dropped]) => dropped > 0)
    .map(([where, dropped]) => `${dropped} ${where}`)
    .join(', ');
  const facts: readonly (readonly [string, string])[] = [
    [t('Room'), report.stream],
    [t('When'), new Date(report.startedUnixMs).toLocaleString(locale())],
    [t('Tested by'), report.author === '' ? t('no name given') : (report.author ?? '')],
    [
      t('Display'),
      t('{width} × {height} pixels, scale {scale}, {hz} Hz', {
        ...{ width: report.display.width, height: report.display.height },
        ...{ scale: report.display.devicePixelRatio, hz: report.display.refreshHz ?? '?' },
      }),
    ],
    [
      t('Source'),
      report.sourceSize
        ? t('{width} × {height} pixels, {rate} pictures per second', {
            ...report.sourceSize,
            rate: numberText(report.capturedFps ?? 0, 1),
          })
        : t('unknown'),
    ],
    [
      t('Analysis'),
      t('{model} on {provider}', {
        model: report.model ?? '',
        provider: (report.provider ?? '').toUpperCase(),
      }),
    ],
    [
      t('Clocks'),
      t('agree within ± {ms} ms (there and back: {roundTrip} ms)', {
        ms: numberText(report.clock.uncertaintyMs, 2),
        roundTrip: numberText(report.clock.roundTripMs, 2),
      }),
    ],
    [
      t('Never painted'),
      t('{n} with outlines, {m} without', { n: overlay.neverPainted, m: picture?.neverPainted ?? 0 }),
    ],
    [t('Dropped'), drops === '' ? t('none') : drops],
    [t('Outlines too late'), String(overlay.lateOverlays)],
  ];
  element.replaceChildren(
    h(
      'header',
      { class: 'report-head' },
      h('h1', {}, t('Acceptance report')),
      stored
        ? h('p', { class: 'muted' }, t('Stored as {name}', { name: stored.id }))
        : h(
            'p',
            { class: 'field-error', role: 'alert' },
            icon('alarm'),
            h('span', {}, t('Not stored: {reason}', { reason: problem })),
          ),
      h(
        'button',
        { type: 'button', class: 'button', onclick: () => window.print() },
        icon('print'),
        t('Print'),
      ),
      stored
        ? h(
            'a',
            { class: 'button', href: address('/report'), target: '_blank' },
            icon('link'),
            t('Stored report'),
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
      t(
        'Research use only. Ages from capture by the server until this browser has painted the picture. Camera, cable and screen come on top.',
      ),
    ),
    h(
      'div',
      { class: 'report-parts' },
      summaryTable(
        t('With outlines'),
        stored?.overlay ?? summariseAcceptance(overlay.samplesMs, overlay.neverPainted),
      ),
      picture
        ? summaryTable(
            t('Picture only'),
            stored?.picture ?? summariseAcceptance(picture.samplesMs, picture.neverPainted),
          )
        : null,
    ),
    h('div', { class: 'plots' }, ages, shares),
    h('dl', { class: 'facts' }, ...facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
  );
  return (medium) => drawPlots({ ages, shares }, medium, { overlay, picture });
}
