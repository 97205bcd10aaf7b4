/**
 * Centimetre scales on a calibrated picture: depth along the right edge, and width along the foot where the two differ; one per region
 * where the picture has regions. Runs in the page.
 */
import './ruler.css';
import type { Calibration } from '../../../src/vocabulary/calibration.js';
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import { svg, textScale } from '../app/dom.js';
import type { Signal, Disposer } from '../app/signal.js';
import { rulerTicks, scales } from '../core/ruler.js';
import type { Scale } from '../core/ruler.js';
import { t } from '../core/texts.js';
import { place } from '../core/viewport.js';
import type { LivePicture } from './live-picture.js';

const lengths = { tick: 7, major: 12 };
/** From the edges of the picture. */
const inset = { right: 10, foot: 10 };

export function ruler(
  live: LivePicture,
  calibration: Signal<Calibration>,
  disposer: Disposer,
): SVGSVGElement {
  const element = svg('svg', { class: 'ruler', role: 'img' });
  const draw = (): void => {
    const size = live.pictureSize.value;
    const shown = size ? scales(calibration.value, size) : [];
    element.classList.toggle('absent', shown.length === 0);
    element.setAttribute('aria-label', words(shown.length));
    element.replaceChildren(...(size ? shown.flatMap((scale) => drawScale(live, size, scale)) : []));
  };
  for (const signal of [live.view, live.stageSize, live.pictureSize, calibration])
    disposer.add(signal.watch(draw));
  return element;
}

function words(count: number): string {
  return count > 1
    ? t('{count} scales, each for its part of the picture: one tick is one centimetre', { count })
    : t('Scale: one tick is one centimetre');
}

function drawScale(live: LivePicture, size: PictureSize, scale: Scale): SVGElement[] {
  const ratio = live.pixelRatio;
  const unit = textScale();
  const stage = live.stageSize.value;
  const placement = place(live.view.value, size, stage);
  const right =
    Math.min(placement.left + scale.x1 * placement.scale, stage.width) / ratio - inset.right * unit;
  const foot = Math.min(
    (placement.top + scale.y1 * placement.scale) / ratio - inset.right * unit,
    stage.height / ratio - inset.foot * unit,
  );
  const parts: SVGElement[] = [];
  const tick = (axis: 'x' | 'y', at: number, major: boolean, text: string): void => {
    const length = (major ? lengths.major : lengths.tick) * unit;
    const d = axis === 'y' ? `M${right} ${at}h${-length}` : `M${at} ${foot}v${-length}`;
    parts.push(svg('path', { class: 'halo', d }), svg('path', { class: 'line', d }));
    if (!major) return;
    // Beside the tick, but never cut off by the upper edge.
    const place =
      axis === 'y'
        ? { x: right - length - 5 * unit, y: Math.max(at, 9 * unit) }
        : { x: at, y: foot - length - 9 * unit };
    parts.push(svg('text', { ...place, class: axis === 'y' ? 'beside' : 'above' }, text));
  };
  const along = (axis: 'x' | 'y'): void => {
    for (const { at, centimetres, major } of rulerTicks(axis, scale, placement, stage, unit * ratio))
      tick(axis, at / ratio, major, centimetres === 0 ? '0 cm' : String(Math.abs(centimetres)));
  };
  along('y');
  if (Math.abs(scale.spacingMm.x / scale.spacingMm.y - 1) > 0.01) along('x');
  return parts;
}
