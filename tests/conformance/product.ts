/** What sonoscope hands out for the same file: the frames of `createSource`, as replay and live rooms get them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { PictureSize } from '../../src/vocabulary/frame.js';
import { runCli } from '../process/cli/cli.js';
import { Recording } from '../process/ingest/harness.js';
import { tinyModel } from '../process/replay/fixture.js';
import { readPicture, squareBox, turned, type Point, type Reading, type Rotation } from './picture.js';
import type { Variant } from './variants.js';

export interface ProductPicture extends Reading {
  readonly mediaMs: number;
  readonly ptsMs: number;
  readonly sourceFrame: number;
  readonly discontinuity: number;
}

export interface Product {
  /** As the source announced it. */
  readonly size: PictureSize | null;
  readonly frameCount: number | null;
  readonly framesPerSecond: number | null;
  /** Sizes of the JPEG pictures themselves, each once. */
  readonly displaySizes: readonly PictureSize[];
  readonly analysis: readonly ProductPicture[];
  readonly display: readonly ProductPicture[];
  /** `complete`, or the code of the error. */
  readonly outcome: string;
  /** Codes of the losses of signal in between. */
  readonly lost: readonly string[];
  readonly dropped: number;
}

/** @param analysisSize what the network would ask for; the picture is stretched to it */
export async function readProduct(
  path: string,
  rotation: Rotation,
  mode: 'live' | 'replay',
  analysisSize: PictureSize,
): Promise<Product> {
  const recording = new Recording(path, { mode, loop: false, analysisSize, displayQuality: 95 });
  try {
    // A source that never ends is a fault of this file, not of the suite: it is reported with what there was.
    const ended = await recording.over(25_000).then(
      () => true,
      () => false,
    );
    const sizes = new Map<string, PictureSize>();
    const display: ProductPicture[] = [];
    for (const frame of recording.display) {
      const { data, info } = await sharp(frame.data)
        .removeAlpha()
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      const size = { width: info.width, height: info.height };
      sizes.set(`${size.width}×${size.height}`, size);
      display.push({ ...identity(frame), ...readPicture(data, size, rotation) });
    }
    const format = recording.formats.at(-1);
    return {
      size: format?.size ?? null,
      frameCount: format?.frameCount ?? null,
      framesPerSecond: format?.framesPerSecond ?? null,
      displaySizes: [...sizes.values()],
      analysis: recording.analysis.map((frame) => ({
        ...identity(frame),
        ...readPicture(frame.data, frame.size, rotation),
      })),
      display,
      outcome: !ended
        ? 'never ends'
        : (recording.errorCode ?? (recording.outcome === 'complete' ? 'complete' : 'open')),
      lost: recording.lost.map(({ reason }) => String(reason.code)),
      dropped: [...recording.dropped.values()].reduce((sum, count) => sum + count, 0),
    };
  } finally {
    recording.close();
  }
}

function identity(frame: {
  readonly mediaNs: number;
  readonly ptsNs: number;
  readonly sourceFrame: number;
  readonly discontinuity: number;
}): Omit<ProductPicture, keyof Reading> {
  return {
    mediaMs: frame.mediaNs / 1e6,
    ptsMs: frame.ptsNs / 1e6,
    sourceFrame: frame.sourceFrame,
    discontinuity: frame.discontinuity,
  };
}

/** One row of objects.csv. */
export interface Row {
  readonly frame: number;
  readonly tracked: boolean;
  /** Centre of the mask in the upright picture, as fractions; null without a mask. */
  readonly centre: Point | null;
}

/**
 * `replay --format csv` with a box around the square on one frame, as a person would draw it who sees `number` there. The
 * tiny model follows the colour.
 *
 * @param size of the shown picture
 */
export async function followed(
  path: string,
  { rotation, width, height }: Pick<Variant, 'rotation' | 'width' | 'height'>,
  size: PictureSize,
  frame: number,
  number: number,
): Promise<Row[]> {
  const upright = { width, height };
  const [left, top, right, bottom] = squareBox(number, upright);
  const corner = (x: number, y: number): Point => {
    const [u, v] = turned([x / width, y / height], rotation);
    return [u * size.width, v * size.height];
  };
  const [a, b] = [corner(left, top), corner(right, bottom)];
  const box = [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
  const prompts = `${path}.prompts.json`;
  const prompt = { frame, type: 'box', box: box.map(Math.round) };
  writeFileSync(prompts, JSON.stringify({ objects: [{ label: 'square', prompts: [prompt] }] }));
  const out = `${path}.out`;
  const { code, stderr } = await runCli([
    ...['replay', path, '--prompt', prompts, '--out', out, '--format', 'csv', '--progress', 'none'],
    ...['--model', tinyModel, '--provider', 'cpu', '--overwrite'],
  ]);
  if (code !== 0) throw new Error(`replay ended with ${String(code)}: ${stderr}`);
  const [clip] = readdirSync(out, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const [head = '', ...lines] = readFileSync(join(out, clip?.name ?? '', 'objects.csv'), 'utf8')
    .trim()
    .split(/\r?\n/);
  const names = head.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    const cell = (name: string): string => cells[names.indexOf(name)] ?? '';
    const centre: Point = [Number(cell('centroid_x')) / size.width, Number(cell('centroid_y')) / size.height];
    return {
      frame: Number(cell('frame')),
      tracked: cell('state') === 'tracking',
      // Turning by the rest of the circle turns back.
      centre: cell('centroid_x') === '' ? null : turned(centre, ((360 - rotation) % 360) as Rotation),
    };
  });
}
