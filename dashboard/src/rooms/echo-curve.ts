/**
 * The live volume curve of an echo room: the last seconds, end-diastoles and end-systoles marked, rejected beats hatched with their
 * reason. Drawn when measurements come, at most once per refresh; what it shows is decided in core/volume-curve.ts. Runs in the page.
 */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import './echo-curve.css';
import { h, setText, textScale } from '../app/dom.js';
import type { Disposer } from '../app/signal.js';
import type { StreamMeasurements } from '../app/stream-measurements.js';
import { unitWords } from '../core/echo-readout.js';
import { Recent } from '../core/rates.js';
import { alone, axisTop, curveSeconds, curveWindow } from '../core/volume-curve.js';
import type { CurveBand, CurveMark, CurveWindow } from '../core/volume-curve.js';
import { locale, t } from '../core/texts.js';
import { drawRejected } from './curve-drawing.js';

const secondsBetweenTicks = 2;
const shortest = { width: 120, height: 60 };

/** Colours of the page, read from its style where the curve stands. */
interface Inks {
  readonly text: string;
  readonly grid: string;
  readonly line: string;
  readonly dim: string;
  readonly rejected: string;
  readonly ground: string;
}

function inksOf(element: HTMLElement): Inks {
  const style = getComputedStyle(element);
  const ink = (name: string): string => style.getPropertyValue(name).trim();
  return {
    text: ink('--text-2'),
    grid: ink('--line'),
    line: ink('--accent'),
    dim: ink('--text-3'),
    rejected: ink('--warn'),
    ground: ink('--surface'),
  };
}

/** Neighbouring rejected beats with the same reason are one hatched field with one text. */
function joined(bands: readonly CurveBand[]): CurveBand[] {
  const fields: CurveBand[] = [];
  for (const band of bands) {
    if (band.verdict !== 'rejected') continue;
    const before = fields.at(-1);
    if (before?.reason === band.reason && Math.abs(before.to - band.from) < 0.02)
      fields[fields.length - 1] = { ...before, to: band.to };
    else fields.push(band);
  }
  return fields;
}

function drawBands(plot: uPlot, window: CurveWindow, inks: Inks, unit: number): void {
  const { ctx, bbox } = plot;
  const systoles = window.marks.flatMap(({ kind, x }) =>
    kind === 'end-systole' ? [plot.valToPos(x, 'x', true)] : [],
  );
  for (const { from, to, reason } of joined(window.bands)) {
    const left = Math.max(bbox.left, plot.valToPos(from, 'x', true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true));
    const field = new DOMRect(left, bbox.top, right - left, bbox.height);
    drawRejected(ctx, field, { reason, systoles }, inks, unit);
  }
}

function drawMark(plot: uPlot, mark: CurveMark, inks: Inks, unit: number): void {
  const { ctx, bbox } = plot;
  const x = plot.valToPos(mark.x, 'x', true);
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  const up = mark.kind === 'end-diastole';
  const size = 6 * unit;
  const edge = up ? bbox.top + 2 * unit : bbox.top + bbox.height - 2 * unit;
  const onCurve = mark.volume === null ? edge : plot.valToPos(mark.volume, 'y', true);
  const gap = mark.volume === null ? 0 : 5 * unit;
  // ▲ above the curve, ▼ below it.
  const base = up
    ? Math.max(bbox.top + 2 * size, onCurve - gap)
    : Math.min(bbox.top + bbox.height - 2 * size, onCurve + gap);
  ctx.beginPath();
  if (up) {
    ctx.moveTo(x, base - 1.8 * size);
    ctx.lineTo(x + size, base);
    ctx.lineTo(x - size, base);
  } else {
    ctx.moveTo(x, base + 1.8 * size);
    ctx.lineTo(x + size, base);
    ctx.lineTo(x - size, base);
  }
  ctx.closePath();
  ctx.lineWidth = 1.5 * unit;
  if (mark.rejected) {
    ctx.strokeStyle = inks.dim;
    ctx.stroke();
  } else {
    ctx.fillStyle = inks.text;
    ctx.fill();
  }
}

const empty = curveWindow({ points: [], beats: [], breaks: [], newestPtsNs: null });

interface EchoCurve {
  readonly element: HTMLElement;
  /** Why nothing is drawn now that could be taken for the present, null: it is the present. */
  readonly showProblem: (problem: string | null) => void;
}

export function echoCurve(measured: StreamMeasurements, disposer: Disposer): EchoCurve {
  const place = h('div', { class: 'echo-plot', 'aria-hidden': 'true' });
  const unitText = h('span', { class: 'echo-unit' });
  const problem = h('p', { class: 'echo-curve-problem', hidden: true });
  const element = h(
    'section',
    { class: 'echo-curve', 'aria-label': t('Volume of the left ventricle, the last seconds') },
    h(
      'header',
      {},
      h('h2', {}, t('LV volume'), ' ', unitText),
      h(
        'ul',
        { class: 'echo-legend', 'aria-hidden': 'true' },
        h('li', {}, '▲ ', t('end-diastole')),
        h('li', {}, '▼ ', t('end-systole')),
        h('li', { class: 'echo-legend-rejected' }, t('beat not counted')),
      ),
    ),
    place,
    problem,
  );

  let window = empty;
  let plot: uPlot | null = null;
  let top: number | null = null;
  const drawMs = new Recent(128);
  let startMs = performance.now();

  const build = (width: number, height: number): uPlot => {
    const scale = textScale();
    const unit = devicePixelRatio * scale;
    const colours = inksOf(element);
    const font = `${Math.round(12 * scale)}px sans-serif`;
    const axis = {
      stroke: colours.text,
      font,
      grid: { stroke: colours.grid, width: 1 },
      ticks: { show: false },
    };
    const series = (values: () => CurveWindow['solid'], width: number): uPlot.Series => ({
      width,
      points: { show: true, size: 2 * width, filter: () => alone(values()) },
    });
    return new uPlot(
      {
        width,
        height,
        padding: [9 * scale, 22 * scale, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        select: { show: false, left: 0, top: 0, width: 0, height: 0 },
        scales: { x: { time: false, range: [-curveSeconds, 0] }, y: { range: () => [0, top ?? 1] } },
        axes: [
          {
            ...axis,
            size: 24 * scale,
            gap: 7 * scale,
            splits: () =>
              Array.from(
                { length: curveSeconds / secondsBetweenTicks + 1 },
                (_, index) => index * secondsBetweenTicks - curveSeconds,
              ),
            values: (_plot, splits) => splits.map((value) => (value === 0 ? t('now') : `−${-value} s`)),
          },
          {
            ...axis,
            size: 52 * scale,
            gap: 4,
            splits: () => (top === null ? [] : [0, top / 2, top]),
            values: (_plot, splits) =>
              splits.map((value) => value.toLocaleString(locale(), { notation: 'compact' })),
          },
        ],
        series: [
          {},
          { ...series(() => window.solid, 2.5 * scale), stroke: colours.line },
          {
            ...series(() => window.dim, 1.5 * scale),
            stroke: colours.dim,
            dash: [5 * scale, 4 * scale],
          },
        ],
        hooks: {
          drawAxes: [(drawn) => drawBands(drawn, window, colours, unit)],
          draw: [
            (drawn) => {
              for (const mark of window.marks) drawMark(drawn, mark, colours, unit);
              // The plot draws after setData has returned.
              drawMs.add(performance.now() - startMs);
            },
          ],
        },
      },
      dataOf(window),
      place,
    );
  };

  const dataOf = ({ xs, solid, dim }: CurveWindow): uPlot.AlignedData => [
    xs as number[],
    solid as (number | null)[],
    dim as (number | null)[],
  ];

  let due = false;
  const draw = (): void => {
    due = false;
    if (!plot) return;
    startMs = performance.now();
    window = curveWindow(measured.echo);
    top = axisTop(window.largest, top);
    plot.setData(dataOf(window));
  };
  const drawSoon = (): void => {
    if (due) return;
    due = true;
    requestAnimationFrame(draw);
  };
  disposer.add(measured.changes.watch(drawSoon));
  disposer.every(500, () => {
    const { unit } = measured.echo;
    setText(unitText, unit === '' ? '' : unitWords(unit));
    // For programs that drive the page, like the figures of the strip.
    const figures = drawMs.quantiles();
    if (figures) element.dataset['drawMs'] = JSON.stringify(figures);
  });

  const observer = new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = place;
    if (width < shortest.width || height < shortest.height) return;
    if (plot && plot.width === width && plot.height === height) return;
    // Fonts and line widths follow the page's text, so the plot is made anew: this happens when a person resizes.
    plot?.destroy();
    plot = build(width, height);
    drawSoon();
  });
  observer.observe(place);
  disposer.add(() => {
    observer.disconnect();
    plot?.destroy();
  });

  return {
    element,
    showProblem: (reason) => {
      problem.hidden = reason === null;
      element.classList.toggle('not-now', reason !== null);
      if (reason !== null) setText(problem, reason);
    },
  };
}
