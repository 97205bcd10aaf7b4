/** Small charts as inline SVG: no script, sharp in print, readable without colour alone. Pure. */
import { markup } from '../../formats/html.js';
import type { Html } from '../../formats/html.js';

const short = (value: number): string => String(Number(value.toFixed(2)));

interface Axis {
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
  readonly title: string;
}

export const unitAxis = (title: string): Axis => ({ from: 0, to: 1, ticks: [0, 0.25, 0.5, 0.75, 1], title });

/** Axis from 0 to `to` with about five round ticks. */
export function countAxis(to: number, title: string): Axis {
  const rough = Math.max(1, to) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(
    1,
    [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= rough) ?? power,
  );
  return {
    from: 0,
    to: Math.max(1, to),
    ticks: Array.from({ length: Math.floor(to / step) + 1 }, (_, index) => index * step),
    title,
  };
}

/** Axis from `from` to `to`, widened to whole steps, with about five round ticks. */
export function rangeAxis(from: number, to: number, title: string): Axis {
  const rough = Math.max(1e-6, to - from) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= rough) ?? power;
  const first = Math.floor(from / step);
  const last = Math.max(first + 1, Math.ceil(to / step));
  return {
    from: first * step,
    to: last * step,
    ticks: Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step),
    title,
  };
}

interface Series {
  readonly name: string;
  /** CSS class: s-prediction, s-confidence, s-ideal … */
  readonly style: string;
  readonly points: readonly (readonly [number, number | null])[];
  readonly markers?: boolean;
  /** Only the markers, with what a pointer over each shows. */
  readonly dots?: readonly string[];
}

export interface Band {
  readonly from: number;
  readonly to: number;
  readonly style: string;
}

/** A line across, such as a limit, with words at its right end. */
interface Level {
  readonly value: number;
  readonly style: string;
  readonly text: string;
}

interface PlotOptions {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** Shaded stretches of the x axis. */
  readonly bands?: readonly Band[];
  /** Bars behind the lines: x range and height in y units. */
  readonly bars?: readonly { readonly from: number; readonly to: number; readonly height: number }[];
  readonly levels?: readonly Level[];
  readonly width?: number;
  readonly height?: number;
}

const margin = { left: 46, right: 12, top: 10, bottom: 38 };

export function linePlot({
  title,
  x,
  y,
  series,
  bands = [],
  bars = [],
  levels = [],
  width = 460,
  height = 240,
}: PlotOptions): Html {
  const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
  const toX = (value: number): number => margin.left + ((value - x.from) / (x.to - x.from)) * inner.width;
  const toY = (value: number): number => margin.top + (1 - (value - y.from) / (y.to - y.from)) * inner.height;
  const parts: Html[] = [];
  for (const { from, to, style } of bands)
    parts.push(
      markup`<rect class="${style}" x="${short(toX(from))}" y="${margin.top}" width="${short(Math.max(1, toX(to) - toX(from)))}" height="${inner.height}"/>`,
    );
  for (const { from, to, height: value } of bars)
    parts.push(
      markup`<rect class="bar" x="${short(toX(from))}" y="${short(toY(value))}" width="${short(toX(to) - toX(from))}" height="${short(toY(y.from) - toY(value))}"/>`,
    );
  for (const tick of y.ticks)
    parts.push(
      markup`<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${short(toY(tick))}" y2="${short(toY(tick))}"/>`,
      markup`<text class="tick" x="${margin.left - 6}" y="${short(toY(tick) + 4)}" text-anchor="end">${short(tick)}</text>`,
    );
  for (const tick of x.ticks)
    parts.push(
      markup`<text class="tick" x="${short(toX(tick))}" y="${height - margin.bottom + 15}" text-anchor="middle">${short(tick)}</text>`,
    );
  parts.push(
    markup`<line class="axis" x1="${margin.left}" x2="${width - margin.right}" y1="${short(toY(y.from))}" y2="${short(toY(y.from))}"/>`,
    markup`<text class="label" x="${margin.left + inner.width / 2}" y="${height - 6}" text-anchor="middle">${x.title}</text>`,
    markup`<text class="label" transform="translate(11 ${margin.top + inner.height / 2}) rotate(-90)" text-anchor="middle">${y.title}</text>`,
  );
  for (const { value, style, text } of levels)
    parts.push(
      markup`<path class="${style}" d="M${margin.left} ${short(toY(value))}H${width - margin.right}"/>`,
      markup`<text class="tick" x="${width - margin.right}" y="${short(toY(value) - 4)}" text-anchor="end">${text}</text>`,
    );
  for (const { points, style, markers, dots } of series) {
    if (dots !== undefined) {
      points.forEach(([px, py], index) => {
        if (py !== null)
          parts.push(
            markup`<circle class="${style}" cx="${short(toX(px))}" cy="${short(toY(py))}" r="3.5"><title>${dots[index] ?? ''}</title></circle>`,
          );
      });
      continue;
    }
    let path = '';
    let pen = false;
    for (const [px, py] of points) {
      if (py === null) {
        pen = false;
        continue;
      }
      path += `${pen ? 'L' : 'M'}${short(toX(px))} ${short(toY(py))}`;
      pen = true;
      if (markers)
        parts.push(markup`<circle class="${style}" cx="${short(toX(px))}" cy="${short(toY(py))}" r="3"/>`);
    }
    parts.push(markup`<path class="${style}" d="${path}"/>`);
  }
  return markup`<svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">${parts}</svg>`;
}

interface BarRow {
  readonly name: string;
  readonly values: readonly { readonly style: string; readonly value: number; readonly title: string }[];
  readonly whisker?: { readonly low: number; readonly high: number } | null;
}

/** Horizontal bars from 0 to 1, one group per row. */
export function barChart(title: string, rows: readonly BarRow[], width = 720): Html {
  const nameWidth = Math.min(260, 20 + 7 * Math.max(...rows.map(({ name }) => name.length)));
  const scale = (value: number): number => nameWidth + value * (width - nameWidth - 60);
  const bar = 10;
  let y = 6;
  const parts: Html[] = [];
  for (const row of rows) {
    const rowHeight = row.values.length * (bar + 2);
    parts.push(
      markup`<text class="name" x="${nameWidth - 8}" y="${short(y + rowHeight / 2 + 4)}" text-anchor="end">${row.name}</text>`,
    );
    row.values.forEach(({ style, value, title: tip }, index) => {
      const top = y + index * (bar + 2);
      parts.push(
        markup`<rect class="track" x="${nameWidth}" y="${top}" width="${short(scale(1) - nameWidth)}" height="${bar}"/>`,
        markup`<rect class="${style}" x="${nameWidth}" y="${top}" width="${short(Math.max(0, scale(value) - nameWidth))}" height="${bar}"><title>${tip}</title></rect>`,
        markup`<text class="value" x="${short(scale(1) + 8)}" y="${top + bar - 1}">${value.toFixed(3)}</text>`,
      );
    });
    if (row.whisker) {
      const middle = y + rowHeight / 2 - 1;
      parts.push(
        markup`<path class="whisker" d="M${short(scale(row.whisker.low))} ${middle}H${short(scale(row.whisker.high))}M${short(scale(row.whisker.low))} ${middle - 4}v8M${short(scale(row.whisker.high))} ${middle - 4}v8"/>`,
      );
    }
    y += rowHeight + 8;
  }
  return markup`<svg class="plot bars" viewBox="0 0 ${width} ${y}" role="img" aria-label="${title}">${parts}</svg>`;
}
