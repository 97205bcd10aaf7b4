/** The HTML page of an evaluation of ejection fractions: one file, no script, to read and to print. Pure. */
import { htmlDocument, markup, type Html, type HtmlPart } from '../../formats/html.js';
import { linePlot, rangeAxis, unitAxis } from '../report/charts.js';
import { style } from '../report/style.js';
import { digits, intervalText } from '../tables.js';
import type { EjectionClip, EjectionFile } from './result.js';
import { clipHeader, clipRow, ejectionNotes, summaryLines } from './tables.js';

export function ejectionReport(result: EjectionFile): string {
  const { dataset, model, mean, machine } = result;
  const title = `Ejection fraction: ${result.predictor} on ${dataset.name}`;
  const agreement = mean.ejectionFraction;
  const tiles: readonly (readonly [name: string, value: string, note: string])[] = [
    [
      'MAE, points',
      digits(agreement?.mae ?? null, 2),
      mean.maeInterval === null ? 'no interval: one value' : `95 %: ${intervalText(mean.maeInterval)}`,
    ],
    [
      'RMSE, points',
      digits(agreement?.rmse ?? null, 2),
      `the mean as the answer: MAE ${digits(mean.constantMae, 2)}`,
    ],
    ['R²', digits(agreement?.r2 ?? null), `r ${digits(agreement?.pearson ?? null)}`],
    ['Measured', `${mean.measured}/${mean.clips}`, 'clips with a figure'],
  ];
  const notes = ejectionNotes(result);
  return htmlDocument(
    title,
    style,
    markup`<header>
<h1>${title}</h1>
<p class="facts">${facts(result)}</p>
</header>
<section class="tiles">${tiles.map(
      ([name, value, note]) =>
        markup`<div class="tile"><div class="tile-name">${name}</div><div class="tile-value">${value}</div><div class="tile-note">${note}</div></div>`,
    )}</section>
${notes.length === 0 ? null : section('To know before reading', list(notes))}
${section('Figures', list(summaryLines(result).map(([name, value]) => `${name}: ${value}`)))}
${section('Agreement', markup`<div class="plots three">${blandAltman(result)}${scatter(result)}${riskPlot(result)}</div>`)}
${section('The worst clips', curves(result))}
${section('Clips', clipTable(result))}
${section('How it was measured', list(definitions(result)))}
<footer>sonoscope ${result.sonoscope} · ${result.createdAt} · ${machine.cpu}, ${machine.cores} cores${model ? ` · model ${model.sha256.slice(0, 12)} on ${model.provider}` : null} · research use only</footer>`,
  );
}

const section = (title: string, content: HtmlPart): Html =>
  markup`<section><h2>${title}</h2>${content}</section>`;

const list = (items: readonly string[]): Html =>
  markup`<ul class="definitions">${items.map((text) => markup`<li>${text}</li>`)}</ul>`;

const figure = (caption: string, content: Html): Html =>
  markup`<figure>${content}<figcaption>${caption}</figcaption></figure>`;

function facts({ clips, unscored, dataset, model }: EjectionFile): string {
  const frames = clips.reduce((sum, clip) => sum + clip.frames, 0);
  return [
    `${clips.length}${unscored.length > 0 ? ` of ${clips.length + unscored.length}` : ''} clips, ${frames} frames (${dataset.kind})`,
    'no prompt',
    model ? `model ${model.name} ${model.version}` : 'no model',
    'single-plane',
  ].join(' · ');
}

interface Measured {
  readonly clip: EjectionClip;
  readonly measured: number;
  readonly error: number;
}

function measuredClips({ clips }: EjectionFile): Measured[] {
  return clips.flatMap((clip) =>
    clip.measuredPercent === null
      ? []
      : [{ clip, measured: clip.measuredPercent, error: clip.measuredPercent - clip.referencePercent }],
  );
}

const words = ({ clip, measured }: Measured): string =>
  `${clip.name}: ${digits(measured, 1)} % for ${digits(clip.referencePercent, 1)} %`;

const small = { width: 330, height: 260 };

function blandAltman(result: EjectionFile): Html | null {
  const entries = measuredClips(result);
  const agreement = result.mean.ejectionFraction;
  if (agreement === null) return null;
  const { bias, limits } = agreement;
  const means = entries.map(({ clip, measured }) => (measured + clip.referencePercent) / 2);
  const errors = entries.map(({ error }) => error);
  const shown = [...errors, ...(limits === null ? [] : [limits.low, limits.high]), 0];
  return figure(
    'Bland–Altman: difference (measured − reference) against the mean of both; bias and limits of agreement.',
    linePlot({
      title: 'Bland–Altman',
      ...small,
      x: rangeAxis(Math.min(...means), Math.max(...means), 'mean of both, %'),
      y: rangeAxis(Math.min(...shown), Math.max(...shown), 'difference, points'),
      levels: [
        { value: bias, style: 's-bias', text: `bias ${digits(bias, 1)}` },
        ...(limits === null
          ? []
          : [
              { value: limits.low, style: 's-limit', text: digits(limits.low, 1) },
              { value: limits.high, style: 's-limit', text: digits(limits.high, 1) },
            ]),
      ],
      series: [
        {
          name: 'clips',
          style: 's-dot',
          points: entries.map(({ error }, index) => [means[index] as number, error] as const),
          dots: entries.map(words),
        },
      ],
    }),
  );
}

function scatter(result: EjectionFile): Html | null {
  const entries = measuredClips(result);
  if (entries.length === 0) return null;
  const all = entries.flatMap(({ clip, measured }) => [clip.referencePercent, measured]);
  const [from, to] = [Math.min(...all), Math.max(...all)];
  const axis = (title: string): ReturnType<typeof rangeAxis> => rangeAxis(from, to, title);
  const { from: low, to: high } = axis('');
  return figure(
    'Measured against reference ejection fraction; on the dotted line both are equal.',
    linePlot({
      title: 'Measured against reference',
      ...small,
      x: axis('reference, %'),
      y: axis('measured, %'),
      series: [
        {
          name: 'equal',
          style: 's-ideal',
          points: [
            [low, low],
            [high, high],
          ],
        },
        {
          name: 'clips',
          style: 's-dot',
          points: entries.map(({ clip, measured }) => [clip.referencePercent, measured] as const),
          dots: entries.map(words),
        },
      ],
    }),
  );
}

function riskPlot({ mean }: EjectionFile): Html | null {
  if (mean.risk.length === 0) return null;
  return figure(
    'Mean absolute error when only the clips with the narrowest intervals are kept: it should rise to the right.',
    linePlot({
      title: 'Risk and coverage',
      ...small,
      x: unitAxis('share of clips kept'),
      y: rangeAxis(0, Math.max(...mean.risk.map(({ mae }) => mae)), 'MAE, points'),
      series: [
        {
          name: 'MAE',
          style: 's-j',
          markers: mean.risk.length <= 60,
          points: mean.risk.map(({ kept, mae }) => [kept, mae] as const),
        },
      ],
    }),
  );
}

const mostCurves = 12;

/** Without a figure first, then by error. */
function curves(result: EjectionFile): Html {
  const worst = [...result.clips]
    .filter(({ course }) => course !== 'stills')
    .sort((a, b) => badness(b) - badness(a))
    .slice(0, mostCurves);
  if (worst.length === 0)
    return markup`<p class="note">The pictures do not follow each other: there are no curves.</p>`;
  return markup`<p class="note">Volume of the ventricle on each frame (areas of one outline by disks). Full dots: end-diastole and end-systole of the reference; rings: as decided.</p><div class="plots">${worst.map(curve)}</div>`;
}

const badness = ({ measuredPercent, referencePercent }: EjectionClip): number =>
  measuredPercent === null ? Infinity : Math.abs(measuredPercent - referencePercent);

function curve(clip: EjectionClip): Html {
  const { unit, volume } = clip.curve;
  const known = volume.filter((value) => value !== null);
  const second = (frame: number): number => frame / clip.fps;
  const at = (frames: readonly number[]): (readonly [number, number | null])[] =>
    frames.map((frame) => [second(frame), volume[frame] ?? null] as const);
  const marks = [...clip.endDiastole.reference, ...clip.endSystole.reference];
  const found = [...clip.endDiastole.found, ...clip.endSystole.found];
  const caption = `${clip.name}: ${digits(clip.measuredPercent, 1)} % for ${digits(clip.referencePercent, 1)} %${clip.note === null ? '' : ` (${clip.note})`}`;
  if (known.length === 0) return figure(caption, markup`<p class="note">No volume on any frame.</p>`);
  return figure(
    caption,
    linePlot({
      title: `Volume, ${clip.name}`,
      x: rangeAxis(0, second(volume.length), 's'),
      y: rangeAxis(Math.min(...known), Math.max(...known), `volume, ${unit}`),
      height: 190,
      series: [
        {
          name: 'volume',
          style: 's-j',
          points: volume.map((value, frame) => [second(frame), value] as const),
        },
        {
          name: 'reference',
          style: 's-known',
          points: at(marks),
          dots: marks.map((frame) => `frame ${frame}`),
        },
        {
          name: 'decided',
          style: 's-found',
          points: at(found),
          dots: found.map((frame) => `frame ${frame}`),
        },
      ],
    }),
  );
}

function clipTable({ clips }: EjectionFile): Html {
  const cell =
    (tag: 'th' | 'td') =>
    (text: string): Html =>
      tag === 'th' ? markup`<th>${text}</th>` : markup`<td>${text}</td>`;
  return markup`<div class="scroll"><table><thead><tr>${clipHeader.map(cell('th'))}</tr></thead><tbody>${clips.map((clip) => markup`<tr>${clipRow(clip).map(cell('td'))}</tr>`)}</tbody></table></div>`;
}

function definitions({ clips, seed }: EjectionFile): string[] {
  const courses = new Set(clips.map(({ course }) => course));
  return [
    ...(courses.has('beats')
      ? [
          'Measured: the median of the beats that were accepted, as the measurements of a live room give them; a beat that was rejected is in no figure.',
          'Blind: the moments that were decided, each matched to one of the reference within half a cycle. Guided: the extreme picture of the stretch above or below the median that is closest to the reference, by area: a missed or an invented beat costs nothing there.',
        ]
      : []),
    ...(courses.has('systole') || courses.has('stills')
      ? [
          'Measured on the two marked pictures, by disks on the outlines of the model; the reference by the very same disks on the annotated outlines, unless the data set gives it.',
        ]
      : []),
    'Single-plane method of disks (20). Clips without a figure are in no mean: read "measured" first.',
    'R² is 1 − squared errors / squared distances of the references from their mean; limits of agreement are bias ± 1.96 standard deviations.',
    `The interval of the MAE: bootstrap, 2,000 samples of whole clips, seed ${seed}.`,
    'Every definition: docs/evaluate.md.',
  ];
}
