/**
 * A scene for tests: each picture carries its frame number as blocks that survive JPEG and scaling, and one
 * disc whose place follows from the number. A browser test reads the number back from pixels and from the mask.
 */
import { maskFromBitmap } from '../../mask/rle.js';
import { packRgb, type SceneOptions, type SyntheticScene } from './scene.js';

/** Bits of the number, most significant first; a second row carries the inverse as a check. */
export const counterBits = 24;

/** Side of a block in pixels for a picture of this width. */
export function counterBlockPx(width: number): number {
  return Math.max(2, Math.floor(width / (counterBits + 2)));
}

/** Centre of the disc in frame `index`. */
export function counterDisc(
  index: number,
  width: number,
  height: number,
): { readonly x: number; readonly y: number; readonly radius: number } {
  const radius = Math.round(height / 8);
  const top = 2 * counterBlockPx(width) + radius + 4;
  const columns = Math.max(1, width - 2 * radius - 8);
  const rows = Math.max(1, height - top - radius - 4);
  return {
    x: radius + 4 + ((index * Math.max(1, Math.round(width / 160))) % columns),
    y: top + (rows / 2) * (1 + Math.sin(index / 20)),
    radius,
  };
}

/**
 * The frame number burnt into a picture, or null where the two rows of blocks do not agree.
 * @param pixels interleaved samples, row-major
 * @param channels samples per pixel: 3 for RGB, 4 for a canvas
 */
export function readCounter(
  pixels: Uint8Array | Uint8ClampedArray,
  width: number,
  channels: number,
): number | null {
  const block = counterBlockPx(width);
  const bright = (column: number, row: number): number => {
    const x = block + column * block + (block >> 1);
    const y = row * block + (block >> 1);
    return pixels[(y * width + x) * channels + 1] ?? 0;
  };
  let value = 0;
  for (let bit = 0; bit < counterBits; bit += 1) {
    const upper = bright(bit, 0);
    const lower = bright(bit, 1);
    if (Math.abs(upper - lower) < 64) return null;
    value = value * 2 + (upper > lower ? 1 : 0);
  }
  return value;
}

export function counterScene(options: SceneOptions): SyntheticScene {
  const { width, height, framesPerSecond } = options;
  const background = new Uint32Array(width * height);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const shade = 60 + (((x >> 4) + (y >> 4)) & 1) * 20 + Math.round((40 * x) / width);
      background[y * width + x] = shade | ((shade + 10) << 8) | ((shade + 30) << 16);
    }
  const block = counterBlockPx(width);
  const render = (index: number, pixels: Uint32Array): void => {
    pixels.set(background);
    for (let y = 0; y < 2 * block && y < height; y += 1) pixels.fill(0x808080, y * width, (y + 1) * width);
    for (let bit = 0; bit < counterBits; bit += 1) {
      const on = Math.floor(index / 2 ** (counterBits - 1 - bit)) % 2 === 1;
      const x0 = block + bit * block;
      for (let y = 0; y < 2 * block && y < height; y += 1)
        pixels.fill(y < block === on ? 0xffffff : 0, y * width + x0, y * width + Math.min(width, x0 + block));
    }
    forDisc(index, width, height, (from, to) => pixels.fill(0x20c0f0, from, to));
  };
  return {
    size: { width, height },
    framesPerSecond,
    pixelSpacingMm: null,
    objects: [{ id: 1, label: 'disc' }],
    render,
    frame: (index) => {
      const pixels = new Uint32Array(width * height);
      render(index, pixels);
      const bitmap = new Uint8Array(width * height);
      forDisc(index, width, height, (from, to) => bitmap.fill(1, from, to));
      return {
        rgb: packRgb(pixels),
        truth: [maskFromBitmap(bitmap, width, height)],
        measurements: { frameNumber: index },
      };
    },
    defaultPrompts: () => {
      const { x, y, radius } = counterDisc(0, width, height);
      return {
        objects: [
          {
            label: 'disc',
            prompts: [
              {
                moment: { kind: 'frame', frame: 0 },
                prompt: { type: 'box', box: [x - radius, y - radius, x + radius, y + radius] },
              },
            ],
          },
        ],
      };
    },
  };
}

/** Each row of the disc as a range of pixel indices. */
function forDisc(
  index: number,
  width: number,
  height: number,
  row: (from: number, to: number) => void,
): void {
  const { x, y, radius } = counterDisc(index, width, height);
  for (
    let py = Math.max(0, Math.floor(y - radius));
    py <= Math.min(height - 1, Math.ceil(y + radius));
    py += 1
  ) {
    const reach = radius * radius - (py + 0.5 - y) ** 2;
    if (reach <= 0) continue;
    const from = Math.max(0, Math.round(x - Math.sqrt(reach)));
    const to = Math.min(width, Math.round(x + Math.sqrt(reach)));
    if (to > from) row(py * width + from, py * width + to);
  }
}
