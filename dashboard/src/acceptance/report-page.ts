/** What an acceptance test found, as a page: verdicts, plots, facts. Runs in the page. */
import { summariseAcceptance } from '../../../src/protocol/acceptance.js';
import type { AcceptanceSummary } from '../../../src/protocol/acceptance.js';
import type { ResponseOf } from '../../../src/protocol/operations.js';
import { h } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { acceptanceReport } from '../core/acceptance-report.js';
import type { Measured } from '../worker/messages.js';
import { drawPlots } from './plots.js';

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
    ['Room', report.stream],
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
  element.replaceChildren(
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
      h('button', { type: 'button', class: 'button', onclick: () => window.print() }, icon('print'), 'Print'),
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
    h('dl', { class: 'facts' }, ...facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
  );
  return (medium) => drawPlots({ ages, shares }, medium, { overlay, picture });
}
