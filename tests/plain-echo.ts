/**
 * Outlines of a picture and the shape of the ventricle once more, as plainly as they are defined: what the fast code is held against,
 * to the last bit. Slow; for tests only.
 */
import { maskFromBitmap, maskToBitmap } from '../src/mask/rle.js';
import { PlaneScaler, type Region } from '../src/mask/plane-scaler.js';
import type { SemanticModel } from '../src/semantic/model.js';
import type { Mask } from '../src/vocabulary/mask.js';
import type { Point } from '../src/vocabulary/prompt.js';

const get = (values: ArrayLike<number>, index: number): number => values[index] as number;

/** Shares of the source's pixels in one target pixel, in whole 1/256: [pixel, share] each. */
function sharesOf(source: number, start: number, length: number, target: number, index: number): number[][] {
  const step = length / target;
  const centre = start + (index + 0.5) * step;
  if (centre <= 0 || centre >= source) return [];
  const reach = Math.max(1, step) / 2;
  const [low, high] = [Math.max(0, centre - reach), Math.min(source, centre + reach)];
  const shares: number[][] = [];
  for (let pixel = Math.floor(low); pixel < high; pixel++)
    shares.push([
      pixel,
      Math.round(((Math.min(high, pixel + 1) - Math.max(low, pixel)) / (high - low)) * 256),
    ]);
  const largest = shares.reduce((best, one) => (get(one, 1) > get(best, 1) ? one : best));
  largest[1] = get(largest, 1) + 256 - shares.reduce((sum, [, share]) => sum + (share ?? 0), 0);
  return shares;
}

/** What the network is fed for a part of an RGB picture that is not its own size. */
export function plainSample({ pictureSize, inputSize }: SemanticModel, data: Uint8Array, part: Region) {
  const fed = new Uint8Array(inputSize.width * inputSize.height * 3);
  for (let y = 0; y < inputSize.height; y++)
    for (let x = 0; x < inputSize.width; x++)
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (const [column = 0, across = 0] of sharesOf(
          ...([pictureSize.width, part.left, part.width, inputSize.width, x] as const),
        ))
          for (const [row = 0, down = 0] of sharesOf(
            ...([pictureSize.height, part.top, part.height, inputSize.height, y] as const),
          ))
            sum += across * down * get(data, (row * pictureSize.width + column) * 3 + channel);
        fed[(y * inputSize.width + x) * 3 + channel] = Math.floor((sum + 32768) / 65536);
      }
  return fed;
}

/** Calibrated logits `now` [C, h, w] blended with those `before`, softmax; the formula of temporal-filter.ts. */
export function plainBlend(model: SemanticModel, now: Float32Array, before: Float32Array, sinceMs: number) {
  const { classes, temporal } = model;
  const { width, height } = model.logitsSize;
  if (temporal === null) return now;
  const pixels = width * height;
  const { cell, drift, change } = temporal;
  const rest = 1 - 2 ** (-sinceMs / temporal.halfLifeMs);
  const blended = now.slice();
  const changes = (at: number): number[] =>
    classes.map((_, index) => get(now, index * pixels + at) - get(before, index * pixels + at));
  for (let top = 0; top < height; top += cell)
    for (let left = 0; left < width; left += cell) {
      const rows: number[][] = [];
      for (let y = top; y < Math.min(top + cell, height); y++) {
        const row: number[] = [];
        for (let x = left; x < Math.min(left + cell, width); x++) row.push(y * width + x);
        rows.push(row);
      }
      // Of each class: rows are summed first, and their sums are kept in single precision.
      const sums = classes.map((_, index) =>
        rows.reduce(
          (sum, row) => Math.fround(sum + row.reduce((part, at) => part + get(changes(at), index), 0)),
          0,
        ),
      );
      const together = (Math.max(...sums) - Math.min(...sums)) / (rows.flat().length * drift);
      for (const at of rows.flat()) {
        const single = changes(at).map(Math.fround);
        const spread = Math.max(...single) - Math.min(...single);
        const own = spread * spread * (1 / (change * change));
        const trust = Math.min(1, Math.max(own, Math.fround(together * together)));
        const gain = trust === 1 ? 1 : Math.fround(rest + (1 - rest) * trust);
        for (let index = at; index < now.length && gain !== 1; index += pixels)
          blended[index] = get(before, index) + gain * (get(now, index) - get(before, index));
      }
    }
  return blended;
}

/** e^−x by the table of class-picture.ts: 128 steps to one, straight lines between them. */
function plainDecay(x: number): number {
  if (x >= 14) return 0;
  const step = Math.floor(x * 128);
  const [from, to] = [Math.exp(-step / 128), Math.exp(-(step + 1) / 128)];
  return from + (x * 128 - step) * (to - from);
}

/** Of each class: the mask of its largest part (4-wide search of all pixels), and the mean probability of its pixels; softmax. */
export function plainClasses(model: SemanticModel, logits: Float32Array, part: Region) {
  const { classes, logitsSize, pictureSize } = model;
  const { width, height } = pictureSize;
  const pixels = width * height;
  const places = logitsSize.width * logitsSize.height;
  const scaler = new PlaneScaler(logitsSize, pictureSize, part);
  const { written, columns, rows } = scaler;
  const labels = new Int32Array(pixels);
  for (let y = 0; y < written.height; y++)
    for (let x = 0; x < written.width; x++) {
      const each = classes.map((_, index) => scaler.at(logits, index * places, x, y));
      labels[(written.top + y) * width + written.left + x] = each.indexOf(Math.max(...each));
    }

  /** Probability of a class at a pixel: rows of the logits are mixed first, then columns. */
  const probability = (classIndex: number, pixel: number): number => {
    const [x, y] = [(pixel % width) - written.left, Math.floor(pixel / width) - written.top];
    const mixed = (plane: number, column: number): number => {
      const at = (row: number): number => get(logits, plane * places + row * logitsSize.width + column);
      const above = at(get(rows.first, y));
      return above + get(rows.weightSecond, y) * (at(get(rows.second, y)) - above);
    };
    const logit = (plane: number): number => {
      const left = mixed(plane, get(columns.first, x));
      return left + get(columns.weightSecond, x) * (mixed(plane, get(columns.second, x)) - left);
    };
    const own = logit(classIndex);
    return 1 / classes.reduce((sum, _, plane) => sum + plainDecay(own - logit(plane)), 0);
  };

  return classes.map((_, classIndex) => {
    const seen = new Uint8Array(pixels);
    let largest: number[] = [];
    for (let start = 0; start < pixels; start++) {
      if (seen[start] === 1 || labels[start] !== classIndex) continue;
      const found = [start];
      seen[start] = 1;
      for (const pixel of found)
        for (const dy of [-1, 0, 1])
          for (const dx of [-1, 0, 1]) {
            const [x, y] = [(pixel % width) + dx, Math.floor(pixel / width) + dy];
            const next = y * width + x;
            if (x < 0 || y < 0 || x >= width || y >= height || seen[next] === 1) continue;
            if (labels[next] !== classIndex) continue;
            seen[next] = 1;
            found.push(next);
          }
      if (found.length > largest.length) largest = found;
    }
    const bitmap = new Uint8Array(pixels);
    for (const pixel of largest) bitmap[pixel] = 1;
    // Row by row, and the rows' sums to each other.
    let sum = 0;
    const ordered = largest.sort((a, b) => a - b);
    for (let index = 0; index < ordered.length;) {
      let run = 0;
      do run += probability(classIndex, get(ordered, index++));
      while (
        index < ordered.length &&
        ordered[index] === get(ordered, index - 1) + 1 &&
        get(ordered, index) % width > 0
      );
      sum += run;
    }
    return { mask: maskFromBitmap(bitmap, width, height), meanProbability: sum / largest.length };
  });
}

/** The shape of the ventricle as ventricle.ts defines it, with an object for each side of a pixel; null as there. */
export function plainShape(
  masks: { readonly cavity: Mask; readonly wall: Mask; readonly atrium: Mask },
  scale: { readonly x: number; readonly y: number },
) {
  const { width, height } = masks.cavity;
  const [inCavity, inWall, inAtrium] = [masks.cavity, masks.wall, masks.atrium].map((mask) =>
    maskToBitmap(mask),
  );
  const labelAt = (x: number, y: number): string | null => {
    if (x < 0 || y < 0 || x >= width || y >= height) return null;
    const index = y * width + x;
    if (inCavity?.[index]) return 'cavity';
    if (inAtrium?.[index]) return 'atrium';
    return inWall?.[index] ? 'wall' : 'nothing';
  };
  const every: Point[] = [];
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) every.push([x, y]);
  const pixels = every.filter(([x, y]) => labelAt(x, y) === 'cavity');
  const walls = every.filter(([x, y]) => labelAt(x, y) === 'wall');
  if (pixels.length < 60 || walls.length === 0) return null;
  const directions = [[-1, 0], [1, 0], [0, -1], [0, 1]] as const; // prettier-ignore
  const sides = pixels.flatMap(([x, y]) =>
    directions
      .filter(([dx, dy]) => labelAt(x + dx, y + dy) !== 'cavity')
      .map(([dx, dy]) => ({
        at: [(x + 0.5 + dx / 2) * scale.x, (y + 0.5 + dy / 2) * scale.y] as Point,
        length: dx === 0 ? scale.x : scale.y,
        behind: labelAt(x + dx, y + dy),
        walled: [1, 2].some((step) => labelAt(x + dx * step, y + dy * step) === 'wall'),
      })),
  );
  const apart = (a: Point, b: Point): number => (a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]);
  const farthest = (points: readonly Point[]): readonly [Point, Point] | null => {
    let best: readonly [Point, Point] | null = null;
    for (const [index, a] of points.entries())
      for (const b of points.slice(index + 1))
        if (apart(a, b) > (best === null ? 0 : apart(...best))) best = [a, b];
    return best;
  };
  const mean = (points: readonly Point[], axis: 0 | 1, unit: number): number =>
    (points.reduce((sum, point) => sum + point[axis], 0) / points.length + 0.5) * unit;
  const centroid: Point = [mean(pixels, 0, scale.x), mean(pixels, 1, scale.y)];
  const base: Point = [centroid[0] - mean(walls, 0, scale.x), centroid[1] - mean(walls, 1, scale.y)];
  const gap = sides.filter(({ at, walled }) => {
    const [x, y] = [at[0] - centroid[0], at[1] - centroid[1]];
    const both = Math.sqrt((x * x + y * y) * (base[0] * base[0] + base[1] * base[1]));
    return !walled && x * base[0] + y * base[1] > Math.cos((60 * Math.PI) / 180) * both;
  });
  const opening = farthest(gap.map(({ at }) => at));
  const mitral = farthest(sides.filter(({ behind }) => behind === 'atrium').map(({ at }) => at));
  const width2 = (ends: readonly [Point, Point] | null): number =>
    ends === null ? 0 : Math.sqrt(apart(...ends));
  const hinges = mitral !== null && width2(mitral) >= 0.5 * width2(opening) ? mitral : opening;
  if (hinges === null) return null;
  const middle: Point = [(hinges[0][0] + hinges[1][0]) / 2, (hinges[0][1] + hinges[1][1]) / 2];
  const apex = sides.reduce<Point>(
    (best, { at }) => (apart(at, middle) > apart(best, middle) ? at : best),
    middle,
  );
  const length = Math.sqrt(apart(apex, middle));
  if (!(length > 0)) return null;
  const axis: Point = [(middle[0] - apex[0]) / length, (middle[1] - apex[1]) / length];
  const along = ([x, y]: Point): number => (x - apex[0]) * axis[0] + (y - apex[1]) * axis[1];

  const disk = length / 20;
  const areas = new Array<number>(20).fill(0);
  const [acrossX, acrossY] = [Math.abs(axis[0]) * scale.x, Math.abs(axis[1]) * scale.y];
  const half = Math.max(acrossX, acrossY, (acrossX + acrossY) / 2) / 2;
  const put = (from: number, to: number, area: number): void => {
    for (let index = 0; index < 20; index++) {
      const start = index === 0 ? from : Math.max(from, index * disk);
      const end = index === 19 ? to : Math.min(to, (index + 1) * disk);
      if (end > start) areas[index] = get(areas, index) + (area / (to - from)) * (end - start);
    }
  };
  for (const [x, y] of pixels) {
    const place = along([(x + 0.5) * scale.x, (y + 0.5) * scale.y]);
    const [from, to] = [place - half, place + half];
    const pixel = scale.x * scale.y;
    if (to <= length) put(from, to, pixel);
    else if (from >= length) put(2 * length - to, 2 * length - from, pixel);
    else {
      put(from, length, (pixel * (length - from)) / (to - from));
      put(2 * length - to, length, (pixel * (to - length)) / (to - from));
    }
  }
  const area = pixels.length * scale.x * scale.y;
  const diameters = areas.map((own) => own / disk);
  const away = sides.filter(({ at }) => along(at) < 0.8 * length);
  const total = (some: typeof sides): number => some.reduce((sum, side) => sum + side.length, 0);
  const cut = sides.some(({ behind }) => behind === null);
  return {
    ...{ hinges, middle, apex, centroid, length, area, diameters },
    volume: diameters.reduce((sum, d) => sum + (Math.PI / 4) * d * d, 0) * (length / 20),
    volumeByAreaLength: (8 * area * area) / (3 * Math.PI * length),
    openShare: cut
      ? 1
      : total(away.filter(({ walled }) => !walled)) / Math.max(total(away), Number.MIN_VALUE),
  };
}
