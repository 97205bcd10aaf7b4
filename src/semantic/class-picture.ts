/**
 * From the logits of a picture to what each of its pixels is: scaled to the picture, likeliest class, probabilities. Pure; one of
 * these serves a whole stream and keeps its buffers.
 */
import type { PictureSize } from '../vocabulary/frame.js';
import { PlaneScaler, type Region } from '../mask/plane-scaler.js';
import { backgroundName, type SemanticModel, type SemanticOutputs, type Temperature } from './model.js';

/** Label of a pixel that is of no class (`sigmoid`), or that the network did not see and that cannot be called background. */
export const noClass = 255;

/** Logit of what the network did not see: of no structure, as good as certainly. */
const unseen = 16;

/** The lead of a class that leads by nothing but its place in the list. */
const justAhead = 1e-30;

/** A cell between four places of the logits that are not all of one class. */
const undecided = -1;

const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

/** Steps of the table of e^−x, and where it ends: what lies behind is less than a millionth. */
const perUnit = 128;
const tableEnd = 14;
const decays = Float64Array.from({ length: tableEnd * perUnit + 2 }, (_, step) => Math.exp(-step / perUnit));

/** e^−x for x ≥ 0 to five digits, several times as fast as Math.exp: for means over thousands of pixels. */
function decay(x: number): number {
  if (x >= tableEnd) return 0;
  const place = x * perUnit;
  const step = place | 0;
  const value = decays[step] as number;
  return value + (place - step) * ((decays[step + 1] as number) - value);
}

const calibrated = (logit: number, { temperature, bias }: Temperature): number =>
  (logit + bias) / temperature;

/** Throws RangeError where an output holds what is no finite number: labels made of it would look like those of a picture in which nothing was found. */
export function checkFinite(outputs: SemanticOutputs): void {
  for (const [name, values] of Object.entries(outputs))
    for (let index = 0; index < values.length; index++)
      if (!Number.isFinite(values[index])) throw new RangeError(`"${name}" holds what is no finite number`);
}

/** The numbers about the whole picture by the names in model.json, probabilities calibrated. */
export const readScalars = (
  { scalars }: Pick<SemanticModel, 'scalars'>,
  outputs: SemanticOutputs,
): Readonly<Record<string, number>> =>
  Object.fromEntries(
    scalars.map((scalar) => {
      const given = outputs[scalar.name]?.[0] ?? NaN;
      const value = scalar.as === 'probability' ? sigmoid(calibrated(given, scalar.calibration)) : given;
      return [scalar.name, value];
    }),
  );

/** Calibrated class logits at the network's own size, written to `target`. */
export function calibrateLogits(
  { calibration }: Pick<SemanticModel, 'calibration'>,
  { logits }: SemanticOutputs,
  target: Float32Array,
): void {
  if (logits?.length !== target.length)
    throw new RangeError(`${logits?.length ?? 0} logits where ${target.length} belong`);
  for (let index = 0; index < target.length; index++)
    target[index] = calibrated(logits[index] as number, calibration);
}

export class ClassPicture {
  /** [H, W], the likeliest class of each pixel, or `noClass` where none is likelier than not. */
  readonly labels: Uint8Array;
  readonly #classes: number;
  readonly #softmax: boolean;
  /** Index of the background, -1 where there is none. */
  readonly #background: number;
  readonly #pixels: number;
  readonly #logitPixels: number;
  /** Those of the last `read`, as they were given. */
  #logits: Float32Array;
  /** Label of each place of the logits. */
  readonly #logitLabels: Uint8Array;
  /** Label of all pixels between four places of the logits, of one row of them, by the one at the upper left; or `undecided`. */
  readonly #cells: Int16Array;
  /** The pixels of a row that lie in such cells, counted from the first that the network sees. */
  readonly #open: Int32Array;
  /** [w, C]: two rows of the logits, mixed. */
  readonly #row: Float64Array;
  #scaler: PlaneScaler;

  constructor(
    private readonly model: Pick<SemanticModel, 'logitsSize' | 'classes' | 'activation'>,
    readonly size: PictureSize,
  ) {
    const { logitsSize, classes } = model;
    this.#classes = classes.length;
    this.#background = classes.findIndex(({ name }) => name === backgroundName);
    this.#softmax = model.activation === 'softmax';
    this.#pixels = size.width * size.height;
    this.#logitPixels = logitsSize.width * logitsSize.height;
    this.labels = new Uint8Array(this.#pixels);
    this.#logits = new Float32Array(this.#classes * this.#logitPixels);
    this.#logitLabels = new Uint8Array(this.#logitPixels);
    this.#cells = new Int16Array(logitsSize.width);
    this.#open = new Int32Array(size.width);
    this.#row = new Float64Array(this.#classes * logitsSize.width);
    this.#scaler = new PlaneScaler(logitsSize, size);
  }

  /** The pixels that the network sees. */
  get seen(): Region {
    return this.#scaler.written;
  }

  /** What the network sees, in pixels of this picture, which it may reach beyond; all of it at first. The rest is background. */
  lookAt(part: Region): void {
    this.#scaler = new PlaneScaler(this.model.logitsSize, this.size, part);
    this.labels.fill(this.#background >= 0 && this.#softmax ? this.#background : noClass);
  }

  /**
   * `logits`: calibrated, [C, h, w]; they must stay as they are until the next call. They are scaled bilinearly before anything else
   * is made of them, which is a mean: between four places of one class there is no other, and only the rest is worked out.
   */
  read(logits: Float32Array): void {
    this.#logits = logits;
    this.#labelLogits();
    const { labels } = this;
    const { columns, rows, written } = this.#scaler;
    const { first } = columns;
    const cells = this.#cells;
    const open = this.#open;
    let openCount = 0;
    for (let y = 0; y < written.height; y++) {
      const start = (written.top + y) * this.size.width + written.left;
      if (y > 0 && rows.first[y] === rows.first[y - 1])
        // Between the same rows of the logits all is as in the row above but what has to be worked out.
        labels.copyWithin(start, start - this.size.width, start - this.size.width + written.width);
      else {
        this.#joinRows(rows.first[y] as number, rows.second[y] as number);
        openCount = 0;
        for (let x = 0; x < written.width; x++) {
          const label = cells[first[x] as number] as number;
          if (label === undecided) open[openCount++] = x;
          else labels[start + x] = label;
        }
      }
      this.#decide(y, start, openCount);
    }
  }

  /** Sum over the pixels [start, end) of one row of their probability of a class, which is the likeliest class of each. */
  sumProbability(classIndex: number, start: number, end: number): number {
    const { columns, rows, written } = this.#scaler;
    const { first: firsts, second: seconds, weightSecond } = columns;
    const classes = this.#classes;
    const logits = this.#logits;
    const logitPixels = this.#logitPixels;
    const y = Math.floor(start / this.size.width);
    const left = start - y * this.size.width - written.left;
    const right = left + end - start;
    const across = this.#cells.length;
    const upper = (rows.first[y - written.top] as number) * across;
    const lower = (rows.second[y - written.top] as number) * across;
    const weight = rows.weightSecond[y - written.top] as number;
    // The two rows of the logits become one, as far as it is needed, with the classes of one place side by side.
    const row = this.#row;
    const [from, to] = [firsts[left] as number, seconds[right - 1] as number];
    for (let index = 0; index < classes; index++)
      for (let x = from, at = index * logitPixels, place = from * classes + index; x <= to; x++) {
        const above = logits[at + upper + x] as number;
        row[place] = above + weight * ((logits[at + lower + x] as number) - above);
        place += classes;
      }
    let sum = 0;
    for (let x = left; x < right; x++) {
      const first = (firsts[x] as number) * classes;
      const off = (seconds[x] as number) * classes - first;
      const share = weightSecond[x] as number;
      const value = row[first + classIndex] as number;
      const own = value + share * ((row[first + off + classIndex] as number) - value);
      if (!this.#softmax) {
        sum += sigmoid(own);
        continue;
      }
      // The class itself is among them: 1.
      let weights = 0;
      for (let at = first; at < first + classes; at++) {
        const other = row[at] as number;
        weights += decay(own - (other + share * ((row[at + off] as number) - other)));
      }
      sum += 1 / weights;
    }
    return sum;
  }

  /** Calibrated probability of a class at a pixel, 0..1. */
  probabilityAt(classIndex: number, pixel: number): number {
    const own = this.#logitAt(classIndex, pixel);
    if (!this.#softmax) return sigmoid(own);
    let others = 0;
    for (let index = 0; index < this.#classes; index++)
      if (index !== classIndex) others += Math.exp(this.#logitAt(index, pixel) - own);
    return 1 / (1 + others);
  }

  /** [H, W], new memory. Throws RangeError for a class that does not exist. */
  probability(classIndex: number): Float32Array {
    if (!Number.isInteger(classIndex) || classIndex < 0 || classIndex >= this.#classes)
      throw new RangeError(`there is no class ${classIndex}`);
    return Float32Array.from({ length: this.#pixels }, (_, pixel) => this.probabilityAt(classIndex, pixel));
  }

  /** By how much a class leads at each pixel: above 0 exactly where it is the pixel's label. [H, W], new memory. */
  lead(classIndex: number): Float32Array {
    const lead = new Float32Array(this.#pixels);
    for (let pixel = 0; pixel < lead.length; pixel++) {
      const own = this.#logitAt(classIndex, pixel);
      let best = this.#softmax ? -Infinity : 0;
      for (let index = 0; index < this.#classes; index++)
        if (index !== classIndex) best = Math.max(best, this.#logitAt(index, pixel));
      const ahead = best === -Infinity ? 1 : own - best;
      const labelled = this.labels[pixel] === classIndex;
      // Two classes that are equal to the last bit: the label has decided.
      lead[pixel] = labelled ? Math.max(ahead, justAhead) : Math.min(ahead, 0);
    }
    return lead;
  }

  /** Logit of a class at a pixel of the picture. */
  #logitAt(classIndex: number, pixel: number): number {
    const { left, top, width, height } = this.#scaler.written;
    const y = Math.floor(pixel / this.size.width) - top;
    const x = (pixel % this.size.width) - left;
    if (x < 0 || y < 0 || x >= width || y >= height)
      return this.#softmax && classIndex === this.#background ? unseen : -unseen;
    return this.#scaler.at(this.#logits, classIndex * this.#logitPixels, x, y);
  }

  /** Label of each place of the logits. */
  #labelLogits(): void {
    const logits = this.#logits;
    const labels = this.#logitLabels;
    const places = this.#logitPixels;
    for (let place = 0; place < places; place++) {
      let label = 0;
      let highest = logits[place] as number;
      for (let index = 1, at = place + places; index < this.#classes; index++, at += places) {
        const logit = logits[at] as number;
        if (logit > highest) {
          highest = logit;
          label = index;
        }
      }
      labels[place] = this.#softmax || highest > 0 ? label : noClass;
    }
  }

  /** Fills `#cells` for the pixels between two rows of the logits. */
  #joinRows(upperRow: number, lowerRow: number): void {
    const labels = this.#logitLabels;
    const cells = this.#cells;
    const last = cells.length - 1;
    let upper = upperRow * cells.length;
    let lower = lowerRow * cells.length;
    for (let x = 0; x <= last; x++, upper++, lower++) {
      const label = labels[upper] as number;
      const next = x < last ? 1 : 0;
      const joined =
        labels[lower] === label && labels[upper + next] === label && labels[lower + next] === label;
      cells[x] = joined ? label : undecided;
    }
  }

  /** Labels of the pixels in `#open` of one row that the network sees, which begins at `start`: as `PlaneScaler.at` of each class. */
  #decide(y: number, start: number, openCount: number): void {
    const { labels } = this;
    const logits = this.#logits;
    const places = this.#logitPixels;
    const open = this.#open;
    const { columns, rows } = this.#scaler;
    const { first, second, weightSecond } = columns;
    const upper = (rows.first[y] as number) * this.#cells.length;
    const lower = (rows.second[y] as number) * this.#cells.length;
    const down = rows.weightSecond[y] as number;
    for (let index = 0; index < openCount; index++) {
      const x = open[index] as number;
      const across = weightSecond[x] as number;
      let left = first[x] as number;
      let right = second[x] as number;
      let label = 0;
      let highest = -Infinity;
      for (let own = 0; own < this.#classes; own++, left += places, right += places) {
        const upperLeft = logits[upper + left] as number;
        const lowerLeft = logits[lower + left] as number;
        const above = upperLeft + across * ((logits[upper + right] as number) - upperLeft);
        const below = lowerLeft + across * ((logits[lower + right] as number) - lowerLeft);
        const logit = Math.fround(above + down * (below - above));
        if (logit > highest) {
          highest = logit;
          label = own;
        }
      }
      labels[start + x] = this.#softmax || highest > 0 ? label : noClass;
    }
  }
}
