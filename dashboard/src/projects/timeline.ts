/** The strip under the picture: thumbnails, one lane per object (state by pattern and colour, confidence by height), prompts, playhead. */
import { laneCode } from '../../../src/protocol/project-requests.js';
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import { h } from '../app/dom.js';
import { colourOf } from '../../../src/vocabulary/palette.js';
import { pictureAddress } from './api.js';
import type { LaneInfo } from './api.js';
import { t } from '../core/texts.js';

interface Timeline {
  readonly element: HTMLElement;
  /** `labels`: of the lanes, from the top. */
  update(project: ProjectState, labels: readonly string[], lanes: readonly LaneInfo[]): void;
  showFrame(frame: number): void;
  end(): void;
}

const thumbnails = 12;
const thumbnailWidth = 160;
const lane = { height: 20, gap: 5 };
/** Where a curve stands above them. */
const thinLane = { height: 7, gap: 3 };
const none = laneCode('none');
const tracking = laneCode('tracking');
const uncertain = laneCode('uncertain');

export function timeline(onSeek: (frame: number) => void): Timeline {
  const strip = h('div', { class: 'strip', 'aria-hidden': 'true' });
  const canvas = h('canvas', { class: 'lanes', 'aria-hidden': 'true' });
  const head = h('div', { class: 'playhead', 'aria-hidden': 'true' });
  const range = h('input', {
    type: 'range',
    min: 0,
    max: 0,
    value: 0,
    step: 1,
    class: 'seek',
    'aria-label': t('Picture'),
  });
  const element = h('div', { class: 'timeline' }, strip, canvas, head, range);
  let frames = 1;
  let shown = 0;
  let stripOf = '';
  let last: { project: ProjectState; labels: readonly string[]; lanes: readonly LaneInfo[] } | null = null;

  const paint = (): void => {
    if (!last) return;
    const { project, labels, lanes } = last;
    const unit = window.devicePixelRatio;
    const width = Math.max(1, Math.round(element.clientWidth * unit));
    const { height: laneHeight, gap: laneGap } = project.measuresHeart ? thinLane : lane;
    const rows = Math.max(1, labels.length);
    const height = Math.round((rows * (laneHeight + laneGap) + laneGap) * unit);
    canvas.width = width;
    canvas.height = height;
    canvas.style.height = `${height / unit}px`;
    const context = canvas.getContext('2d');
    if (!context) return;
    labels.forEach((label, index) => {
      const top = (laneGap + index * (laneHeight + laneGap)) * unit;
      const full = laneHeight * unit;
      context.fillStyle = '#192028';
      context.fillRect(0, top, width, full);
      const known = lanes.find((one) => one.label === label);
      const colour = colourOf(index, project.format?.pictureKind);
      known?.states.forEach((state, bucket) => {
        if (state === none) return;
        const x = (bucket / known.states.length) * width;
        const step = Math.max(1, width / known.states.length);
        if (state === tracking || state === uncertain) {
          const part = 0.25 + 0.75 * ((known.confidences[bucket] ?? 0) / 100);
          context.globalAlpha = state === tracking ? 1 : 0.55;
          context.fillStyle = colour;
          context.fillRect(x, top + full * (1 - part), step + 0.5, full * part);
          context.globalAlpha = 1;
          // Uncertain is striped as well, for eyes that do not tell the shades apart.
          if (state === uncertain && bucket % 2 === 0) {
            context.fillStyle = '#0a0d11';
            context.fillRect(x, top + full * (1 - part), step / 2, full * part);
          }
        } else {
          context.fillStyle = '#ff8a5c';
          context.fillRect(x, top + full * 0.44, step + 0.5, full * 0.12);
        }
      });
      const prompts = project.objects.find((object) => object.label === label)?.prompts ?? [];
      for (const { frame } of prompts) {
        const x = ((frame + 0.5) / frames) * width;
        context.fillStyle = '#ffffff';
        context.beginPath();
        context.moveTo(x, top + full * 0.15);
        context.lineTo(x + 4 * unit, top + full * 0.5);
        context.lineTo(x, top + full * 0.85);
        context.lineTo(x - 4 * unit, top + full * 0.5);
        context.fill();
      }
    });
  };

  const fillStrip = (project: ProjectState): void => {
    const { frames: count, complete } = project.pictures;
    // While pictures are being read the strip is filled anew now and then, not with each of them.
    const key = complete ? `${count}` : `${Math.floor(Math.log2(Math.max(1, count)) * 2)}`;
    if (key === stripOf || count === 0) return;
    stripOf = key;
    strip.replaceChildren(
      ...Array.from({ length: thumbnails }, (_, index) => {
        const frame = Math.min(count - 1, Math.floor(((index + 0.5) * count) / thumbnails));
        return h('img', {
          src: pictureAddress(project.id, frame, thumbnailWidth),
          alt: '',
          draggable: 'false',
          loading: 'lazy',
        });
      }),
    );
  };

  const place = (): void => {
    head.style.insetInlineStart = `${((shown + 0.5) / frames) * 100}%`;
  };
  range.addEventListener('input', () => onSeek(Number(range.value)));
  const observer = new ResizeObserver(paint);
  observer.observe(element);

  return {
    element,
    update: (project, labels, lanes) => {
      frames = Math.max(1, project.pictures.frames);
      range.max = String(frames - 1);
      last = { project, labels, lanes };
      fillStrip(project);
      paint();
      place();
    },
    showFrame: (frame) => {
      shown = frame;
      range.value = String(frame);
      place();
    },
    end: () => observer.disconnect(),
  };
}
