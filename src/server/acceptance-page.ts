/** The printable report of one acceptance test. Pure: stored report → HTML with the plot as inline SVG. */
import { acceptanceFrames } from '../protocol/acceptance.js';
import type { AcceptanceSummary } from '../protocol/acceptance.js';
import type { StoredAcceptance } from '../protocol/requests.js';
import { markup } from '../formats/html.js';
import type { Html, HtmlPart } from '../formats/html.js';
import { page } from './html.js';

const ms = (value: number): string => `${value.toFixed(1)} ms`;
const row = (name: string, value: HtmlPart): Html => markup`<tr><th>${name}</th><td>${value}</td></tr>`;

/** Histogram of the ages with the deadlines as lines; 2 ms bins up to twice the longest deadline, the last bin open. */
function histogramSvg(samplesMs: readonly number[], limitsMs: readonly number[]): Html {
  const endMs = 2 * Math.max(...limitsMs);
  const binMs = 2;
  const bins = new Array<number>(endMs / binMs + 1).fill(0);
  for (const age of samplesMs) {
    const bin = Math.max(0, Math.min(bins.length - 1, Math.floor(age / binMs)));
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  const highest = Math.max(...bins, 1);
  const width = 800;
  const height = 220;
  const x = (ageMs: number): number => (ageMs / (endMs + binMs)) * width;
  const bars = bins.flatMap((count, bin) => {
    const barHeight = (count / highest) * height;
    return count === 0
      ? []
      : markup`<rect x="${x(bin * binMs).toFixed(1)}" y="${(height - barHeight).toFixed(1)}" width="${(x(binMs) - 0.5).toFixed(1)}" height="${barHeight.toFixed(1)}" fill="currentColor"/>`;
  });
  const lines = limitsMs.map(
    (limit) =>
      markup`<line x1="${x(limit)}" x2="${x(limit)}" y1="0" y2="${height}" stroke="currentColor" stroke-dasharray="4 3"/><text x="${x(limit) + 4}" y="14" font-size="13" fill="currentColor">${limit} ms</text>`,
  );
  return markup`<svg viewBox="0 -4 ${width} ${height + 26}" role="img" aria-label="Histogram of the ages of painted frames">${bars}${lines}<line x1="0" x2="${width}" y1="${height}" y2="${height}" stroke="currentColor"/><text x="0" y="${height + 16}" font-size="13" fill="currentColor">0 ms</text><text x="${width}" y="${height + 16}" font-size="13" text-anchor="end" fill="currentColor">${endMs} ms and more</text></svg>`;
}

function section(title: string, summary: AcceptanceSummary, samplesMs: readonly number[]): Html {
  const { p50Ms, p95Ms, p99Ms, p999Ms, maxMs, deadlines } = summary;
  const limits = deadlines.map(({ limitMs }) => limitMs);
  const verdicts = deadlines.map(
    ({ limitMs, missed, missRate, verdict }) =>
      markup`<tr><td class="number">${limitMs} ms</td><td class="number">${missed} (${(missRate * 100).toFixed(2)} %)</td><td><strong>${verdict}</strong></td></tr>`,
  );
  const ages = [p50Ms, p95Ms, p99Ms, p999Ms, maxMs].map((age) => markup`<td class="number">${ms(age)}</td>`);
  return markup`<section><h2>${title}</h2>
<table><tr><th>frames</th><th>p50</th><th>p95</th><th>p99</th><th>p99.9</th><th>longest</th></tr>
<tr><td class="number">${summary.frames}</td>${ages}</tr></table>
<table><tr><th>deadline</th><th>late or never painted</th><th>verdict (p95 within the deadline)</th></tr>${verdicts}</table>
${histogramSvg(samplesMs, limits)}</section>`;
}

export function acceptancePage(stored: StoredAcceptance): string {
  const { report } = stored;
  const drops = Object.entries(report.drops).filter(([, count]) => count > 0);
  return page(
    `Acceptance test ${stored.id}`,
    markup`<h1>Acceptance test of a display</h1>
<p><strong>Research use only. Not a medical device.</strong> Capture-to-paint is measured from the capture of a frame on the
server to its paint in the browser, the two clocks joined by ping. It is not glass-to-glass: camera, cable and panel add to it.</p>
<table>
${row('Report', stored.id)}
${row('Stored', new Date(stored.storedUnixMs).toISOString())}
${row('Tested by', report.author === '' ? 'no name given' : report.author)}
${row('Sent from', stored.storedBy === null ? 'not recorded' : `${stored.storedBy.address}${stored.storedBy.tokenId === null ? '' : `, access token ${stored.storedBy.tokenId}`}`)}
${row('Stream', report.stream)}
${row('Source', report.sourceSize ? `${report.sourceSize.width} × ${report.sourceSize.height}, ${report.capturedFps.toFixed(1)} frames per second` : 'unknown')}
${row('Length of the test', `${(report.durationMs / 1000).toFixed(1)} s`)}
${row('Display', `${report.display.width} × ${report.display.height} at ${report.display.devicePixelRatio}×${report.display.refreshHz === null ? '' : `, ${report.display.refreshHz.toFixed(1)} Hz`}`)}
${row('Browser', report.userAgent)}
${row('Model and provider', `${report.model} on ${report.provider}`)}
${row('Clock uncertainty', `± ${ms(report.clock.uncertaintyMs)} (round trip ${ms(report.clock.roundTripMs)})`)}
${row('Drops during the test', drops.length === 0 ? 'none' : drops.map(([stage, count]) => `${stage} ${count}`).join(', '))}
${row('Server version', stored.serverVersion)}
${report.remark === '' ? null : row('Remark', report.remark)}
</table>
${stored.overlay.frames < acceptanceFrames ? markup`<p><strong>Fewer than ${acceptanceFrames} frames: no verdict.</strong></p>` : null}
${section('Picture with its own overlay', stored.overlay, report.overlay.samplesMs)}
${stored.picture && report.picture ? section('Raw picture', stored.picture, report.picture.samplesMs) : null}`,
  );
}
