/** How a beat that does not count looks on a volume curve: hatched, with its reason at the foot. For the live curve and that of a recording. */
import { freeStretch } from '../core/volume-curve.js';

type Context = CanvasRenderingContext2D;

/** Text broken into lines of this width; what does not fit is cut. */
function lines(context: Context, text: string, width: number, most: number): string[] {
  const broken: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line === '' || context.measureText(longer).width <= width) line = longer;
    else {
      broken.push(line);
      line = word;
    }
  }
  broken.push(line);
  const shown = broken.slice(0, most);
  if (broken.length > most) shown[most - 1] = `${shown[most - 1] ?? ''} …`;
  return shown;
}

function hatch(context: Context, field: DOMRect, ink: string, unit: number): void {
  context.save();
  context.beginPath();
  context.rect(field.x, field.y, field.width, field.height);
  context.clip();
  context.strokeStyle = ink;
  context.globalAlpha = 0.28;
  context.lineWidth = unit;
  context.beginPath();
  for (let x = field.x - field.height; x < field.right; x += 9 * unit) {
    context.moveTo(x, field.bottom);
    context.lineTo(x + field.height, field.y);
  }
  context.stroke();
  context.restore();
}

/** `systoles`: where a ▼ stands: no word does. `field` and places in device pixels, `unit`: device pixels per CSS pixel. */
export function drawRejected(
  context: Context,
  field: DOMRect,
  { reason, systoles }: { readonly reason: string; readonly systoles: readonly number[] },
  inks: { readonly rejected: string; readonly ground: string },
  unit: number,
): void {
  if (field.width < 2) return;
  hatch(context, field, inks.rejected, unit);
  const [words = ''] = reason.split(':');
  const pad = 4 * unit;
  const place = freeStretch(field.left + pad, field.right - pad, systoles, 9 * unit);
  if (place === null) return;
  context.save();
  context.beginPath();
  context.rect(place.from - 2 * unit, field.top, place.to - place.from + 4 * unit, field.height);
  context.clip();
  context.font = `${12 * unit}px sans-serif`;
  context.textBaseline = 'top';
  context.textAlign = 'left';
  context.fillStyle = inks.rejected;
  context.strokeStyle = inks.ground;
  context.lineWidth = 3 * unit;
  context.lineJoin = 'round';
  // At the foot: the curve is high, its lowest point is seldom below half of the height.
  const text = lines(context, words, place.to - place.from, 2);
  text.forEach((line, index) => {
    const y = field.bottom - (text.length - index) * 14 * unit - 2 * unit;
    context.strokeText(line, place.from, y);
    context.fillText(line, place.from, y);
  });
  context.restore();
}
