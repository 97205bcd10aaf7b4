/**
 * Dense optical flow between two grey pictures, for motion compensation in the flicker measure. Pure.
 *
 * Coarse to fine iterative Lucas-Kanade (Bouguet 2000) on every pixel: bilinear warp of the second picture, 2×2 normal
 * equations over a square window (box sums by running totals), damped where texture is missing so that flat regions
 * inherit the motion of the coarser level. Small and without dependencies; for masks a fraction of a pixel is enough.
 */

export interface GreyPicture {
  readonly width: number;
  readonly height: number;
  /** Row-major, any range. */
  readonly data: Float32Array;
}

/** Displacement in pixels from the first picture to the second, for each pixel of the first. */
export interface Flow {
  readonly width: number;
  readonly height: number;
  readonly dx: Float32Array;
  readonly dy: Float32Array;
}

interface FlowOptions {
  /** Window half-size in pixels: the window is (2·radius + 1)². */
  readonly radius?: number;
  readonly levels?: number;
  readonly iterations?: number;
}

/** Luminance (BT.601) of tightly packed RGB, averaged over blocks of `step` × `step` pixels. */
export function greyFromRgb(rgb: Uint8Array, width: number, height: number, step = 1): GreyPicture {
  const columns = Math.floor(width / step);
  const rows = Math.floor(height / step);
  const data = new Float32Array(columns * rows);
  const scale = 1 / (step * step);
  for (let y = 0, out = 0; y < rows; y++)
    for (let x = 0; x < columns; x++, out++) {
      let sum = 0;
      for (let dy = 0; dy < step; dy++) {
        let index = ((y * step + dy) * width + x * step) * 3;
        for (let dx = 0; dx < step; dx++, index += 3)
          sum +=
            0.299 * (rgb[index] as number) +
            0.587 * (rgb[index + 1] as number) +
            0.114 * (rgb[index + 2] as number);
      }
      data[out] = sum * scale;
    }
  return { width: columns, height: rows, data };
}

function half(picture: GreyPicture): GreyPicture {
  const width = Math.max(1, picture.width >> 1);
  const height = Math.max(1, picture.height >> 1);
  const data = new Float32Array(width * height);
  const { data: source, width: stride } = picture;
  const right = picture.width > 1 ? 1 : 0;
  const down = picture.height > 1 ? stride : 0;
  for (let y = 0, out = 0; y < height; y++)
    for (let x = 0; x < width; x++, out++) {
      const index = 2 * y * stride + 2 * x;
      data[out] =
        0.25 *
        ((source[index] as number) +
          (source[index + right] as number) +
          (source[index + down] as number) +
          (source[index + right + down] as number));
    }
  return { width, height, data };
}

/** Room for running totals; every box sum of this thread uses the same. */
let line = new Float64Array(0);
let totals = new Float64Array(0);

/** Sums over the (2·radius + 1)² window around each pixel, cut at the picture's edge; `values` is overwritten. */
function boxSum(values: Float32Array, width: number, height: number, radius: number): void {
  if (line.length < width + 1) line = new Float64Array(width + 1);
  if (totals.length < width * (height + 1)) totals = new Float64Array(width * (height + 1));
  totals.fill(0, 0, width);
  for (let y = 0, row = 0; y < height; y++, row += width) {
    let total = 0;
    for (let x = 0; x < width; x++) {
      total += values[row + x] as number;
      line[x + 1] = total;
    }
    // Columns are summed row by row: that walks memory in order.
    for (let x = 0; x < width; x++) {
      const end = x + radius + 1;
      const start = x - radius;
      const window = (line[end < width ? end : width] as number) - (line[start > 0 ? start : 0] as number);
      totals[row + width + x] = (totals[row + x] as number) + Math.fround(window);
    }
  }
  for (let y = 0, index = 0; y < height; y++) {
    const low = Math.max(0, y - radius) * width;
    const high = Math.min(height, y + radius + 1) * width;
    for (let x = 0; x < width; x++, index++)
      values[index] = (totals[high + x] as number) - (totals[low + x] as number);
  }
}

/** Mean over the window around each pixel, in place. */
function smooth(values: Float32Array, width: number, height: number, radius: number): void {
  boxSum(values, width, height, radius);
  for (let y = 0, index = 0; y < height; y++) {
    const rows = Math.min(height, y + radius + 1) - Math.max(0, y - radius);
    for (let x = 0; x < width; x++, index++)
      values[index] =
        (values[index] as number) / (rows * (Math.min(width, x + radius + 1) - Math.max(0, x - radius)));
  }
}

/** Sizes must agree. Motions up to about radius · 2^levels pixels are found. */
export function opticalFlow(first: GreyPicture, second: GreyPicture, options: FlowOptions = {}): Flow {
  const { radius = 5, levels = 4, iterations = 2 } = options;
  if (first.width !== second.width || first.height !== second.height)
    throw new RangeError('both pictures must have the same size');
  const pyramid: [GreyPicture, GreyPicture][] = [[first, second]];
  while (pyramid.length < levels) {
    const [a, b] = pyramid.at(-1) as [GreyPicture, GreyPicture];
    if (Math.min(a.width, a.height) < 4 * radius) break;
    pyramid.push([half(a), half(b)]);
  }
  let flow: Flow | null = null;
  for (const [a, b] of pyramid.reverse()) {
    const { width, height } = a;
    const pixels = width * height;
    const dx = new Float32Array(pixels);
    const dy = new Float32Array(pixels);
    if (flow !== null)
      for (let y = 0, index = 0; y < height; y++)
        for (let x = 0; x < width; x++, index++) {
          const coarse = Math.min(y >> 1, flow.height - 1) * flow.width + Math.min(x >> 1, flow.width - 1);
          dx[index] = 2 * (flow.dx[coarse] as number);
          dy[index] = 2 * (flow.dy[coarse] as number);
        }
    const gradientX = new Float32Array(pixels);
    const gradientY = new Float32Array(pixels);
    for (let y = 0, index = 0; y < height; y++)
      for (let x = 0; x < width; x++, index++) {
        const west = x > 0 ? index - 1 : index;
        const east = x < width - 1 ? index + 1 : index;
        const north = y > 0 ? index - width : index;
        const south = y < height - 1 ? index + width : index;
        gradientX[index] = 0.5 * ((a.data[east] as number) - (a.data[west] as number));
        gradientY[index] = 0.5 * ((a.data[south] as number) - (a.data[north] as number));
      }
    const xx = new Float32Array(pixels);
    const yy = new Float32Array(pixels);
    const xy = new Float32Array(pixels);
    for (let index = 0; index < pixels; index++) {
      const x = gradientX[index] as number;
      const y = gradientY[index] as number;
      xx[index] = x * x;
      yy[index] = y * y;
      xy[index] = x * y;
    }
    for (const field of [xx, yy, xy]) boxSum(field, width, height, radius);
    const errorX = new Float32Array(pixels);
    const errorY = new Float32Array(pixels);
    // Sensor noise of one grey level over the window: below that a gradient says nothing about motion.
    const damping = (2 * radius + 1) ** 2;
    for (let iteration = 0; iteration < iterations; iteration++) {
      for (let y = 0, index = 0; y < height; y++)
        for (let x = 0; x < width; x++, index++) {
          const px = Math.min(Math.max(x + (dx[index] as number), 0), width - 1);
          const py = Math.min(Math.max(y + (dy[index] as number), 0), height - 1);
          const x0 = Math.floor(px);
          const y0 = Math.floor(py);
          const fx = px - x0;
          const fy = py - y0;
          const corner = y0 * width + x0;
          const right = x0 < width - 1 ? 1 : 0;
          const down = y0 < height - 1 ? width : 0;
          const top = (b.data[corner] as number) * (1 - fx) + (b.data[corner + right] as number) * fx;
          const bottom =
            (b.data[corner + down] as number) * (1 - fx) + (b.data[corner + down + right] as number) * fx;
          const error = (a.data[index] as number) - (top * (1 - fy) + bottom * fy);
          errorX[index] = error * (gradientX[index] as number);
          errorY[index] = error * (gradientY[index] as number);
        }
      boxSum(errorX, width, height, radius);
      boxSum(errorY, width, height, radius);
      for (let index = 0; index < pixels; index++) {
        const a11 = (xx[index] as number) + damping;
        const a22 = (yy[index] as number) + damping;
        const a12 = xy[index] as number;
        const determinant = a11 * a22 - a12 * a12;
        const b1 = errorX[index] as number;
        const b2 = errorY[index] as number;
        // A step longer than the window is a guess.
        const stepX = Math.min(radius, Math.max(-radius, (a22 * b1 - a12 * b2) / determinant));
        const stepY = Math.min(radius, Math.max(-radius, (a11 * b2 - a12 * b1) / determinant));
        dx[index] = (dx[index] as number) + stepX;
        dy[index] = (dy[index] as number) + stepY;
      }
      // Neighbours solve overlapping windows with different motions; without smoothing they drift apart.
      smooth(dx, width, height, radius >> 1);
      smooth(dy, width, height, radius >> 1);
    }
    flow = { width, height, dx, dy };
  }
  return flow as Flow;
}

/** Columns [left, right) and rows [top, bottom). */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** As `opticalFlow`, computed within a region only; elsewhere nothing moves. An empty region gives a field of zeros. */
export function opticalFlowWithin(
  first: GreyPicture,
  second: GreyPicture,
  region: Region,
  options: FlowOptions = {},
): Flow {
  const { width, height } = first;
  const left = Math.max(0, Math.floor(region.left));
  const top = Math.max(0, Math.floor(region.top));
  const columns = Math.min(width, Math.ceil(region.right)) - left;
  const rows = Math.min(height, Math.ceil(region.bottom)) - top;
  if (columns >= width && rows >= height) return opticalFlow(first, second, options);
  const whole: Flow = {
    width,
    height,
    dx: new Float32Array(width * height),
    dy: new Float32Array(width * height),
  };
  if (columns < 1 || rows < 1) return whole;
  const crop = ({ data }: GreyPicture): GreyPicture => {
    const part = new Float32Array(columns * rows);
    for (let y = 0; y < rows; y++)
      part.set(data.subarray((top + y) * width + left, (top + y) * width + left + columns), y * columns);
    return { width: columns, height: rows, data: part };
  };
  const flow = opticalFlow(crop(first), crop(second), options);
  for (let y = 0; y < rows; y++) {
    const to = (top + y) * width + left;
    whole.dx.set(flow.dx.subarray(y * columns, (y + 1) * columns), to);
    whole.dy.set(flow.dy.subarray(y * columns, (y + 1) * columns), to);
  }
  return whole;
}
