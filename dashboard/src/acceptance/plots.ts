/** The two plots of a report: the age of every painted picture over time, and the share of pictures painted within x ms. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { acceptanceLimitsMs } from '../../../src/protocol/acceptance.js';
import type { Measured } from '../worker/messages.js';
import { t } from '../core/texts.js';

interface Theme {
  readonly ink: string;
  readonly grid: string;
  readonly overlay: string;
  readonly picture: string;
}

/** Light lines on the dark page, dark lines on paper. */
const themes = {
  screen: { ink: '#c9d3dd', grid: 'rgba(160,180,200,0.14)', overlay: '#56b4e9', picture: '#f0e442' },
  paper: { ink: '#111', grid: '#ddd', overlay: '#0b6ea8', picture: '#8a6100' },
} as const satisfies Record<string, Theme>;

/** Width of a plot on paper, CSS pixels: within the narrowest usual sheet. */
const paperWidthPx = 640;
const heightPx = 260;

interface PlotInput {
  readonly overlay: Measured;
  readonly picture: Measured | null;
}

const axis = (theme: Theme, label: string): uPlot.Axis => ({
  label,
  stroke: theme.ink,
  grid: { stroke: theme.grid, width: 1 },
  ticks: { stroke: theme.grid, width: 1 },
});

/** Dashed lines at the deadlines, along x or y. */
function deadlines(theme: Theme, along: 'x' | 'y'): uPlot.Plugin {
  return {
    hooks: {
      draw: (plot) => {
        const { ctx, bbox } = plot;
        ctx.save();
        ctx.setLineDash([6, 5]);
        ctx.strokeStyle = theme.ink;
        ctx.fillStyle = theme.ink;
        ctx.textAlign = 'left';
        ctx.textBaseline = 'alphabetic';
        ctx.lineWidth = devicePixelRatio;
        ctx.font = `${11 * devicePixelRatio}px sans-serif`;
        for (const limit of acceptanceLimitsMs) {
          const at = plot.valToPos(limit, along, true);
          ctx.beginPath();
          if (along === 'y') {
            if (at < bbox.top || at > bbox.top + bbox.height) continue;
            ctx.moveTo(bbox.left, at);
            ctx.lineTo(bbox.left + bbox.width, at);
            ctx.fillText(`${limit} ms`, bbox.left + 6 * devicePixelRatio, at - 4 * devicePixelRatio);
          } else {
            if (at < bbox.left || at > bbox.left + bbox.width) continue;
            ctx.moveTo(at, bbox.top);
            ctx.lineTo(at, bbox.top + bbox.height);
            ctx.fillText(`${limit} ms`, at + 4 * devicePixelRatio, bbox.top + 12 * devicePixelRatio);
          }
          ctx.stroke();
        }
        ctx.restore();
      },
    },
  };
}

const dots = (stroke: string, label: string): uPlot.Series => ({
  label,
  stroke,
  paths: () => null,
  points: { show: true, size: 4, fill: stroke, width: 0 },
});

function agePlot(element: HTMLElement, theme: Theme, width: number, { overlay, picture }: PlotInput): uPlot {
  const tables: uPlot.AlignedData[] = [[overlay.atMs.map((ms) => ms / 1000), [...overlay.samplesMs]]];
  if (picture) tables.push([picture.atMs.map((ms) => ms / 1000), [...picture.samplesMs]]);
  return new uPlot(
    {
      width,
      height: heightPx,
      scales: { x: { time: false }, y: { range: (_plot, _low, high) => [0, Math.max(120, high * 1.05)] } },
      axes: [axis(theme, t('seconds since the start')), axis(theme, t('age when painted, ms'))],
      series: [
        { label: 's' },
        dots(theme.overlay, t('with outlines')),
        ...(picture ? [dots(theme.picture, t('without outlines'))] : []),
      ],
      plugins: [deadlines(theme, 'y')],
      cursor: { drag: { x: true, y: false } },
    },
    uPlot.join(tables),
    element,
  );
}

/** Share of pictures painted within x ms, of all that were due. */
function cumulative(measured: Measured, steps: readonly number[]): number[] {
  const sorted = Float64Array.from(measured.samplesMs).sort();
  const due = sorted.length + measured.neverPainted;
  let index = 0;
  return steps.map((step) => {
    while (index < sorted.length && (sorted[index] ?? 0) <= step) index += 1;
    return due === 0 ? 0 : (100 * index) / due;
  });
}

function sharePlot(
  element: HTMLElement,
  theme: Theme,
  width: number,
  { overlay, picture }: PlotInput,
): uPlot {
  const longest = Math.max(130, ...overlay.samplesMs, ...(picture?.samplesMs ?? []));
  const steps = Array.from({ length: 261 }, (_, index) => (Math.min(longest, 400) * index) / 260);
  return new uPlot(
    {
      width,
      height: heightPx,
      scales: { x: { time: false }, y: { range: [0, 102] } },
      axes: [axis(theme, t('age when painted, ms')), axis(theme, t('painted in time, % of all pictures'))],
      series: [
        { label: 'ms' },
        { label: t('with outlines'), stroke: theme.overlay, width: 2 },
        ...(picture ? [{ label: t('without outlines'), stroke: theme.picture, width: 2, dash: [8, 4] }] : []),
      ],
      plugins: [deadlines(theme, 'x')],
    },
    [steps, cumulative(overlay, steps), ...(picture ? [cumulative(picture, steps)] : [])],
    element,
  );
}

/** Draws both plots into their elements, for the page or for paper; returns how to take them away. */
export function drawPlots(
  elements: { readonly ages: HTMLElement; readonly shares: HTMLElement },
  medium: 'screen' | 'paper',
  input: PlotInput,
): () => void {
  const theme = themes[medium];
  const width = (element: HTMLElement): number =>
    medium === 'paper' ? paperWidthPx : element.clientWidth - 16;
  const plots = [
    agePlot(elements.ages, theme, width(elements.ages), input),
    sharePlot(elements.shares, theme, width(elements.shares), input),
  ];
  return () => {
    for (const plot of plots) plot.destroy();
  };
}
