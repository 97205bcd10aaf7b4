/** The HTML page of an evaluation: one file, no script, nothing from elsewhere; made to be read on paper as well. */
import sharp from 'sharp';
import { maskOutlines, simplifyOutline } from '../../mask/contour.js';
import { maskFromBitmap } from '../../mask/rle.js';
import { isShown } from '../../vocabulary/prompt.js';
import type { GroupResult } from '../groups.js';
import type { Bitmap } from '../metrics/bitmap.js';
import type { ResultFile } from '../result-file.js';
import type { ClipResult, ObjectResult, RunResult } from '../result.js';
import { digits, intervalText, notes, policyRow } from '../tables.js';
import type { FramePictures, WorstFrame } from '../worst-frames.js';
import { htmlDocument, markup } from '../../formats/html.js';
import type { Html, HtmlPart } from '../../formats/html.js';
import { barChart, countAxis, linePlot, unitAxis, type Band } from './charts.js';
import { style } from './style.js';

export async function htmlReport(
  result: ResultFile,
  worst: readonly (WorstFrame & FramePictures)[],
): Promise<string> {
  const pictures = await Promise.all(worst.map(worstFigure));
  const { mean, intervals, dataset, model } = result;
  const runs = result.policies ?? [];
  const title = `${result.predictor} on ${dataset.name}`;
  const headline = (
    [
      ['J&F', mean.JF, intervals.JF],
      ['J', mean.J, intervals.J],
      ['F', mean.F, intervals.F],
      ['Dice', mean.dice, intervals.dice],
    ] as const
  ).map(
    ([name, value, interval]) =>
      markup`<div class="tile"><div class="tile-name">${name}</div><div class="tile-value">${digits(value)}</div><div class="tile-note">${interval ? `95 %: ${intervalText(interval)}` : 'no interval: one value'}</div></div>`,
  );
  return htmlDocument(
    title,
    style,
    markup`<header>
<h1>${title}</h1>
<p class="facts">${factLine(result)}</p>
</header>
<section class="tiles">${headline}</section>
${noteList(result)}
${section('Figures', [figureTable(result), facts(result)])}
${runs.length > 1 ? section('Memory policies', policyTable(runs)) : null}
${section('Clips and objects', [
  legend([
    ['f-j', 'J'],
    ['f-f', 'F'],
  ]),
  clipBars(result),
  clipTable(result),
])}
${section('Since the prompt, and trust in the score', markup`<div class="plots three">${driftPlot(result)}${reliabilityPlot(result)}${abstentionPlot(result)}</div>`)}
${section(
  'Score over time',
  markup`${legend([
    ['s-j', 'J of the shown mask'],
    ['s-confidence', 'confidence'],
    ['b-hidden', 'hidden: lost or searching'],
    ['b-prompt', 'prompt'],
  ])}<div class="plots">${timePlots(result)}</div>`,
)}
${result.groups && result.groups.length > 0 ? section('Groups', result.groups.map(groupSection)) : null}
${
  pictures.length > 0
    ? section(
        'The worst frames',
        markup`${legend([
          ['o-truth', 'truth'],
          ['o-prediction', 'prediction'],
        ])}<p class="note">Lowest J of all clips, at most one of twelve frames in a row. Pictures as the network sees them.</p><div class="frames">${pictures}</div>`,
      )
    : null
}
${section('How it was measured', definitions(result))}
<footer>sonoscope ${result.sonoscope} · ${result.createdAt} · ${result.machine.cpu}, ${result.machine.cores} cores${model ? ` · model ${model.sha256.slice(0, 12)} on ${model.provider}` : null} · research use only</footer>`,
  );
}

function section(title: string, content: HtmlPart): Html {
  return markup`<section><h2>${title}</h2>${content}</section>`;
}

/** Above all figures: a mean over fewer clips than were asked for must not look like one over all. */
function noteList(result: ResultFile): Html | null {
  const items = notes(result);
  return items.length === 0 ? null : section('To know before reading', bulletList(items));
}

const bulletList = (items: readonly string[]): Html =>
  markup`<ul class="definitions">${items.map((text) => markup`<li>${text}</li>`)}</ul>`;

function legend(entries: readonly (readonly [style: string, text: string])[]): Html {
  const sample = (name: string): Html =>
    /^[fb]-/.test(name)
      ? markup`<rect class="${name}" width="22" height="12"/>`
      : markup`${name === 'o-truth' ? markup`<path class="o-under" d="M1 6H21"/>` : null}<path class="${name}" d="M1 6H21"/>`;
  return markup`<p class="legend">${entries.map(
    ([name, text]) => markup`<span><svg class="key" viewBox="0 0 22 12">${sample(name)}</svg>${text}</span>`,
  )}</p>`;
}

function factLine({ dataset, prompt, clips, unscored, model, policy }: ResultFile): string {
  const left = unscored.filter(({ object }) => object === null).length;
  const frames = clips.reduce((sum, clip) => sum + clip.totalFrames, 0);
  const objects = clips.reduce((sum, clip) => sum + clip.objects.length, 0);
  return [
    `${clips.length}${left > 0 ? ` of ${clips.length + left}` : ''} ${clips.length + left === 1 ? 'clip' : 'clips'}, ${objects} ${objects === 1 ? 'object' : 'objects'}, ${frames} frames (${dataset.kind})`,
    `prompt: ${prompt}`,
    model ? `model ${model.name} ${model.version}` : 'baseline',
    ...(policy === null ? [] : [`policy ${policy}`]),
  ].join(' · ');
}

function htmlTable(header: readonly string[], rows: readonly (readonly string[])[]): Html {
  const head = header.map((text, index) => markup`<th${first(index)}>${text}</th>`);
  const cells = (row: readonly string[]): Html[] =>
    row.map((text, index) => markup`<td${first(index)}>${text}</td>`);
  return markup`<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${rows.map((row) => markup`<tr>${cells(row)}</tr>`)}</tbody></table></div>`;
}

const first = (index: number): Html | null => (index === 0 ? markup` class="first"` : null);

function figureTable({ mean, clips }: ResultFile): Html {
  const unit = clips.every((clip) => clip.unit === 'mm')
    ? 'mm'
    : clips.some((clip) => clip.unit === 'mm')
      ? 'mm or px'
      : 'px';
  const rows: [string, string][] = [
    ['J recall (share above 0.5)', digits(mean.jRecall)],
    ['J decay (first minus last quarter)', digits(mean.jDecay)],
    ['F recall', digits(mean.fRecall)],
    ['F decay', digits(mean.fDecay)],
    [`HD95, ${unit}`, digits(mean.hd95, 2)],
    [`ASSD, ${unit}`, digits(mean.assd, 2)],
    ['NSD', digits(mean.nsd)],
    ['Challenge IoU', digits(mean.challengeIoU)],
    ['ISI IoU', digits(mean.isiIoU)],
    ['mc IoU', digits(mean.mcIoU)],
    ['First mask on the prompted frame, IoU', digits(mean.promptIoU)],
    ['Time to first mask (IoU ≥ 0.5), ms', digits(mean.timeToFirstMaskMs, 0)],
    ['Found again after absence', mean.reacquired === null ? '–' : `${Math.round(100 * mean.reacquired)} %`],
    ['… after, ms', digits(mean.reacquisitionMs, 0)],
    ['Frames on which a mask was shown', `${(100 * mean.shown).toFixed(1)} %`],
    ['J of everything drawn, hidden masks included', digits(mean.drawnJ)],
    ['Flicker of the masks', digits(mean.flicker)],
    ['Flicker of the truth, the same way', digits(mean.truthFlicker)],
    ['ECE of the confidence', digits(mean.ece)],
    ['ECE of the pixels', digits(mean.pixelEce)],
  ];
  return markup`<div class="figures">${rows.map(([name, value]) => markup`<div><span>${name}</span><b>${value}</b></div>`)}</div>`;
}

function facts({ fps, timing }: ResultFile): Html {
  const share =
    timing.overhead === null
      ? ''
      : `, at rest for another ${(100 * timing.overhead).toFixed(0)} % of that time`;
  return markup`<p class="note">${fps.toFixed(1)} frames per second${timing.modelMs > 0 ? ` (network ${(timing.modelMs / 1000).toFixed(1)} s of ${(timing.wallMs / 1000).toFixed(1)} s${share})` : ''}.</p>`;
}

function policyTable(runs: readonly RunResult[]): Html {
  return htmlTable(
    ['policy', 'J', 'F', 'J&F', '95 %', 'Dice', 'J 1–10', '11–30', '31–60', '61+', 'flicker', 'ECE', 'fps'],
    runs.map(policyRow),
  );
}

/** Name of an object for people: its clip alone where the clip has one object. */
function objectName(clip: ClipResult, object: ObjectResult): string {
  return clip.objects.length === 1 ? clip.name : `${clip.name} / ${object.name}`;
}

/** More rows than this are no chart any more. */
const mostBars = 60;

function clipBars({ clips }: ResultFile): Html {
  const rows = clips
    .flatMap((clip) => clip.objects.map((object) => ({ clip, object })))
    .sort((a, b) => a.object.JF - b.object.JF)
    .slice(0, mostBars)
    .map(({ clip, object }) => ({
      name: objectName(clip, object),
      values: [
        { style: 'f-j', value: object.J, title: `J ${digits(object.J)}` },
        { style: 'f-f', value: object.F, title: `F ${digits(object.F)}` },
      ],
    }));
  return barChart('J and F per object', rows);
}

function clipTable({ clips }: ResultFile): Html {
  return htmlTable(
    [
      'clip',
      'object',
      'frames',
      'J',
      'F',
      'J&F',
      'Dice',
      'HD95',
      'NSD',
      'J recall',
      'J decay',
      'shown',
      'flicker',
      'first mask',
    ],
    clips.flatMap((clip) =>
      clip.objects.map((object) => [
        clip.name,
        object.name,
        String(object.frames),
        digits(object.J),
        digits(object.F),
        digits(object.JF),
        digits(object.dice),
        object.hd95 === null ? '–' : `${object.hd95.toFixed(1)} ${clip.unit}`,
        digits(object.nsd),
        digits(object.jRecall, 2),
        digits(object.jDecay, 2),
        digits(object.shown, 2),
        digits(object.flicker),
        digits(object.promptIoU),
      ]),
    ),
  );
}

function figure(caption: string, content: Html): Html {
  return markup`<figure>${content}<figcaption>${caption}</figcaption></figure>`;
}

/** Three of these stand side by side. */
const smallPlot = { width: 330, height: 230 };

function driftPlot({ drift }: ResultFile): Html | null {
  const filled = drift.flatMap(({ from, to, J }) => (J === null ? [] : [{ from, to, J }]));
  const last = filled.at(-1);
  if (last === undefined) return null;
  const centre = ({ from, to }: { readonly from: number; readonly to: number | null }): number =>
    (from + (to ?? from + 29)) / 2;
  return figure(
    'J by the number of frames since the prompt.',
    linePlot({
      title: 'J since the prompt',
      ...smallPlot,
      x: countAxis(Math.ceil(centre(last) / 10) * 10, 'frames since the prompt'),
      y: unitAxis('J'),
      series: [
        {
          name: 'J',
          style: 's-j',
          markers: true,
          points: filled.map((bin) => [centre(bin), bin.J] as const),
        },
      ],
    }),
  );
}

function reliabilityPlot({ reliability, mean }: ResultFile): Html | null {
  const total = reliability.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return null;
  const most = Math.max(...reliability.map(({ count }) => count));
  return figure(
    `Confidence against J of the shown masks (ECE ${digits(mean.ece)}); bars: how often each confidence was given.`,
    linePlot({
      title: 'Reliability',
      ...smallPlot,
      x: unitAxis('confidence'),
      y: unitAxis('mean J'),
      bars: reliability.map(({ low, high, count }) => ({
        from: low,
        to: high,
        height: (0.3 * count) / most,
      })),
      series: [
        {
          name: 'ideal',
          style: 's-ideal',
          points: [
            [0, 0],
            [1, 1],
          ],
        },
        {
          name: 'measured',
          style: 's-confidence',
          markers: true,
          points: reliability
            .filter(({ count }) => count > 0)
            .map(({ score, observed }) => [score as number, observed] as const),
        },
      ],
    }),
  );
}

function abstentionPlot({ abstention }: ResultFile): Html | null {
  if (abstention.length === 0) return null;
  return figure(
    'Mean J when only the surest share of the frames is shown.',
    linePlot({
      title: 'Abstention',
      ...smallPlot,
      x: unitAxis('share of frames shown'),
      y: unitAxis('J'),
      series: [
        {
          name: 'J',
          style: 's-j',
          markers: true,
          points: abstention.map(({ coverage, accuracy }) => [coverage, accuracy] as const),
        },
      ],
    }),
  );
}

const mostTimePlots = 40;

function timePlots({ clips }: ResultFile): Html {
  const objects = clips.flatMap((clip) => clip.objects.map((object) => ({ clip, object })));
  const chosen = [...objects].sort((a, b) => a.object.J - b.object.J).slice(0, mostTimePlots);
  const plots = chosen.map(({ clip, object }) => {
    const { frame, J, confidence, state } = object.perFrame;
    const bands: Band[] = [{ from: object.promptFrame, to: object.promptFrame, style: 'b-prompt' }];
    let start: number | null = null;
    state.forEach((value, index) => {
      const hidden = !isShown(value);
      const at = frame[index] as number;
      if (hidden && start === null && at > object.promptFrame) start = at;
      if (start !== null && (!hidden || index === state.length - 1)) {
        bands.push({ from: start, to: at, style: 'b-hidden' });
        start = null;
      }
    });
    return figure(
      `${objectName(clip, object)}: J ${digits(object.J)}`,
      linePlot({
        title: `Score over time, ${objectName(clip, object)}`,
        x: countAxis(clip.totalFrames, 'frame'),
        y: unitAxis('J'),
        bands,
        height: 190,
        series: [
          {
            name: 'confidence',
            style: 's-confidence',
            points: frame.map((at, index) => [at, confidence[index] ?? null] as const),
          },
          { name: 'J', style: 's-j', points: frame.map((at, index) => [at, J[index] ?? null] as const) },
        ],
      }),
    );
  });
  const left = objects.length - chosen.length;
  const note = left > 0 ? markup`<p class="note">${left} objects with higher J are not drawn.</p>` : null;
  return markup`${plots}${note}`;
}

function groupSection({ attribute, groups, gap, worst, ungrouped }: GroupResult): Html {
  const bars = barChart(
    attribute,
    groups.map((group) => ({
      name: `${group.group} (${group.clips})`,
      values: [{ style: 'f-j', value: group.JF, title: `J&F ${digits(group.JF)}` }],
      whisker: group.interval,
    })),
  );
  return markup`<h3>${attribute}</h3><p>J&amp;F per group with its 95 % interval. Gap ${digits(gap)}; worst group: <b>${worst}</b>.${ungrouped.length > 0 ? ` ${ungrouped.length} clips have no group.` : ''}</p>${bars}`;
}

/** Width of the pictures in the page, CSS pixels times one and a half. */
const pictureWidth = 660;

async function worstFigure(frame: WorstFrame & FramePictures): Promise<Html> {
  const { prediction, truth, rgb, rgbSize } = frame;
  const width = Math.min(pictureWidth, prediction.width);
  const height = Math.max(1, Math.round((width * prediction.height) / prediction.width));
  const jpeg = await sharp(rgb, { raw: { width: rgbSize.width, height: rgbSize.height, channels: 3 } })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .jpeg({ quality: 82, chromaSubsampling: '4:4:4' })
    .toBuffer();
  const view = `0 0 ${prediction.width} ${prediction.height}`;
  const caption = `${frame.clip}, ${frame.object}, frame ${frame.frame}: J ${digits(frame.j)}${prediction.area === 0 ? ', nothing shown' : ''}${truth.area === 0 ? ', truth empty' : ''}`;
  return figure(
    caption,
    markup`<svg class="frame" viewBox="${view}" role="img" aria-label="${caption}"><image href="data:image/jpeg;base64,${jpeg.toString('base64')}" width="${prediction.width}" height="${prediction.height}" preserveAspectRatio="none"/>${outline(truth, 'o-under')}${outline(truth, 'o-truth')}${outline(prediction, 'o-prediction')}</svg>`,
  );
}

function outline(bitmap: Bitmap, name: string): Html {
  const mask = maskFromBitmap(bitmap.data, bitmap.width, bitmap.height);
  const path = maskOutlines(mask)
    .map((border) => simplifyOutline(border, 0.6).points)
    .filter((points) => points.length > 2)
    .map((points) => `M${points.map(([x, y]) => `${x} ${y}`).join('L')}Z`)
    .join('');
  return markup`<path class="${name}" d="${path}"/>`;
}

function definitions({ dataset, tolerance, prompt, intervalUnit, seed }: ResultFile): Html {
  const promptText: Record<string, string> = {
    mask: 'The truth of the first frame on which an object is visible is given as its mask.',
    box: 'The tightest box around the truth of the first frame on which an object is visible is given.',
    click: 'One click, deepest inside the truth of the first frame on which an object is visible.',
  };
  const given =
    promptText[prompt] ??
    (prompt.startsWith('rounds')
      ? 'One click first; in each further round one more click on the worst frame of the clip, and everything is run again.'
      : 'Clicks on the first frame on which an object is visible, each deepest inside the largest remaining error.');
  const items = [
    `${given} That frame is left out of the scores${dataset.leftOut === 'none' ? '; every other annotated frame counts' : ', and so are the first and the last frame of a clip (DAVIS)'}.`,
    'J is intersection over union (both empty: 1), F the boundary F1 within 0.8 % of the diagonal, J&F their mean (DAVIS 2017). Per object first, then the mean over objects.',
    `HD95, ASSD and NSD follow DeepMind’s surface-distance; NSD within ${tolerance} mm (px where a clip is not calibrated).`,
    'ECE of the confidence: 20 bins, against J, frames with a mask on screen. ECE of the pixels: 50 bins of foreground probability.',
    'Flicker: 1 − IoU of consecutive masks after moving the earlier one along dense optical flow. The truth flickers too: that is the floor.',
    `Intervals: bootstrap, 2,000 samples of ${intervalUnit === 'clip' ? 'whole clips' : 'blocks of ten frames'}, seed ${seed}.`,
    'Every definition with its source: docs/evaluate.md.',
  ];
  return bulletList(items);
}
