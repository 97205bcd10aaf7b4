/**
 * From a segmentation message to what is drawn: paths in source pixels, made once per analysed picture, stroked at
 * every repaint. Runs in the painting worker.
 */
import { maskFromCocoBytes, maskFromCocoString } from '../../../src/mask/rle.js';
import { maskOutlines } from '../../../src/mask/contour.js';
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { Mask } from '../../../src/vocabulary/mask.js';
import { isShown, type ObjectState, type ShownState } from '../../../src/vocabulary/prompt.js';
import type { SegmentationMessage } from '../../../src/protocol/messages.js';
import { emphasisOf } from '../core/emphasis.js';
import { placeLabels, smoothClosed } from '../core/outline-path.js';
import type { HexColour } from '../../../src/vocabulary/hex-colour.js';
import { toldColour } from '../../../src/vocabulary/palette.js';
import type { Placement } from '../core/viewport.js';
import type { Look } from './messages.js';

/** The part of a segmentation message that is drawn; the JSON answer to a prompt has it too. */
export type DrawableSegmentation = Pick<SegmentationMessage, 'maskSize' | 'sourceSize'> & {
  readonly objects: readonly {
    readonly id: number;
    readonly label: string;
    readonly state: ObjectState;
    readonly confidence: number;
    readonly colour: string;
    /** COCO compressed run lengths: bytes on the wire, text in the JSON answer to a prompt. */
    readonly counts: Uint8Array | string;
  }[];
};

export interface DrawnObject {
  readonly id: number;
  readonly label: string;
  readonly state: ShownState;
  readonly confidence: number;
  readonly colour: HexColour;
  /** Closed outlines in source pixels. */
  readonly path: Path2D;
  /** Bounds in source pixels. */
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Overlay {
  readonly objects: readonly DrawnObject[];
}

function maskOf(counts: Uint8Array | string, size: PictureSize): Mask {
  return typeof counts === 'string'
    ? maskFromCocoString(counts, size.width, size.height)
    : maskFromCocoBytes(counts, size.width, size.height);
}

/** Objects that are lost or searched for are not drawn; they are listed beside the picture. */
export function overlayOf(segmentation: DrawableSegmentation): Overlay {
  const scaleX = segmentation.sourceSize.width / segmentation.maskSize.width;
  const scaleY = segmentation.sourceSize.height / segmentation.maskSize.height;
  const objects: DrawnObject[] = [];
  for (const { id, label, state, confidence, colour: told, counts } of segmentation.objects) {
    if (!isShown(state)) continue;
    const path = new Path2D();
    let left = Number.POSITIVE_INFINITY;
    let top = Number.POSITIVE_INFINITY;
    let right = Number.NEGATIVE_INFINITY;
    let bottom = Number.NEGATIVE_INFINITY;
    for (const outline of maskOutlines(maskOf(counts, segmentation.maskSize))) {
      smoothClosed(outline.points).forEach(([maskX, maskY], index) => {
        const x = maskX * scaleX;
        const y = maskY * scaleY;
        if (index === 0) path.moveTo(x, y);
        else path.lineTo(x, y);
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
      });
      path.closePath();
    }
    if (left > right) continue;
    const colour = toldColour(told, id);
    objects.push({ id, label, state, confidence, colour, path, left, top, right, bottom });
  }
  return { objects };
}

type Context = OffscreenCanvasRenderingContext2D;

/** Draws outlines (dark halo, then colour; dashed where uncertain), fill and labels. `unit`: device pixels per CSS pixel. */
export function drawOverlay(
  context: Context,
  { objects: all }: Overlay,
  placement: Placement,
  look: Pick<Look, 'fillOpacity' | 'labels' | 'lineWidth' | 'selectedObject' | 'hidden'>,
  unit: number,
): void {
  const { left, top, scale } = placement;
  const overlay = { objects: all.filter(({ id }) => !look.hidden.includes(id)) };
  context.save();
  context.setTransform(scale, 0, 0, scale, left, top);
  context.lineJoin = 'round';
  context.lineCap = 'round';
  const labels = overlay.objects.map(({ label }) => label);
  const drawn = overlay.objects.map((object) => ({ object, emphasis: emphasisOf(object.label, labels) }));
  // Faint outlines first: where two run side by side, the one that matters lies on top.
  drawn.sort((a, b) => a.emphasis.opacity - b.emphasis.opacity);
  for (const { object, emphasis } of drawn) {
    const { colour } = object;
    const selected = look.selectedObject === object.id;
    const opacity = selected ? 1 : emphasis.opacity;
    if (look.fillOpacity > 0) {
      context.globalAlpha = look.fillOpacity * emphasis.opacity;
      context.fillStyle = colour;
      context.fill(object.path, 'evenodd');
    }
    const width = (look.lineWidth * (selected ? 1.5 : emphasis.width) * unit) / scale;
    const halo = (1.6 * Math.min(1, emphasis.width) * unit) / scale;
    context.globalAlpha = opacity;
    context.setLineDash([]);
    context.strokeStyle = object.state === 'uncertain' ? 'rgba(0,0,0,0.45)' : 'rgba(0,0,0,0.72)';
    context.lineWidth = width + 2 * halo;
    context.stroke(object.path);
    context.strokeStyle = colour;
    context.lineWidth = width;
    if (object.state === 'uncertain') {
      context.lineCap = 'butt';
      context.setLineDash([width * 3.6, width * 2.8]);
    }
    context.stroke(object.path);
    context.lineCap = 'round';
    context.globalAlpha = 1;
  }
  context.restore();
  if (!look.labels) return;
  const named = overlay.objects.filter(
    ({ id, label }) => look.selectedObject === id || emphasisOf(label, labels).named,
  );
  drawLabels(context, { objects: named }, placement, unit);
}

function drawLabels(context: Context, overlay: Overlay, placement: Placement, unit: number): void {
  const { left, top, scale } = placement;
  const fontPx = Math.round(14 * unit);
  const padX = Math.round(7 * unit);
  const height = Math.round(24 * unit);
  const badge = Math.round(18 * unit);
  context.save();
  context.textBaseline = 'middle';
  const font = `600 ${fontPx}px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif`;
  context.font = font;
  const items = overlay.objects.map((object) => {
    const text = `${object.label}  ${object.state === 'uncertain' ? '? ' : ''}${Math.round(object.confidence * 100)} %`;
    return {
      object,
      text,
      width: Math.ceil(context.measureText(text).width) + badge + padX * 2 + Math.round(5 * unit),
    };
  });
  const boxes = placeLabels(
    items.map(({ object, width }) => ({
      anchor: {
        x: left + object.left * scale,
        y: top + object.top * scale,
        width: (object.right - object.left) * scale,
        height: (object.bottom - object.top) * scale,
      },
      width,
      height,
    })),
    { width: context.canvas.width, height: context.canvas.height },
  );
  items.forEach(({ object, text }, index) => {
    const box = boxes[index];
    if (!box) return;
    const { colour } = object;
    context.fillStyle = 'rgba(8,11,15,0.78)';
    context.beginPath();
    context.roundRect(box.x, box.y, box.width, box.height, Math.round(5 * unit));
    context.fill();
    const badgeX = box.x + Math.round(4 * unit);
    const badgeY = box.y + (box.height - badge) / 2;
    context.beginPath();
    context.roundRect(badgeX, badgeY, badge, badge, Math.round(4 * unit));
    if (object.state === 'uncertain') {
      context.strokeStyle = colour;
      context.lineWidth = Math.max(1, 1.5 * unit);
      context.setLineDash([3 * unit, 2 * unit]);
      context.stroke();
      context.setLineDash([]);
      context.fillStyle = colour;
    } else {
      context.fillStyle = colour;
      context.fill();
      context.fillStyle = '#0a0d11';
    }
    context.font = `700 ${Math.round(12 * unit)}px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif`;
    context.textAlign = 'center';
    context.fillText(String(object.id), badgeX + badge / 2, badgeY + badge / 2 + unit * 0.5);
    context.font = font;
    context.textAlign = 'left';
    context.fillStyle = '#f2f6fa';
    context.fillText(text, badgeX + badge + Math.round(6 * unit), box.y + box.height / 2 + unit * 0.5);
  });
  context.restore();
}
