/**
 * Kind `echonet` (EchoNet-Dynamic, Ouyang et al. 2020): `Videos/<FileName>.avi`, `FileList.csv` (frame rate, size,
 * number of frames, Split) and `VolumeTracings.csv`, which outlines the left ventricle on two frames per video as
 * chords (X1,Y1)–(X2,Y2), the first being the long axis. Frames without tracing have no truth and are not scored.
 * The videos are read as replay reads them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PictureSize } from '../../vocabulary/frame.js';
import { createSource } from '../../ingest/index.js';
import { FrameReader } from '../../replay/frame-reader.js';
import { csvRecords } from '../../formats/csv-table.js';
import { evaluateError } from '../errors.js';
import {
  type Clip,
  type ClipFrame,
  type ClipHandle,
  type Dataset,
  type HeartReference,
  type LabelMap,
  isFile,
  wrongLayout,
} from './dataset.js';
import { fileError } from './mask-labels.js';

const labels = new Map([[1, 'left ventricle']]);

type Chord = readonly [x1: number, y1: number, x2: number, y2: number];

/**
 * Pixels inside or on the outline through the chords' ends: down one side, up the other, the long axis left out;
 * corners rounded to pixels, as EchoNet-Dynamic's loader does with skimage.draw.polygon.
 */
export function fillTracing(chords: readonly Chord[], size: PictureSize): LabelMap {
  const sides = chords.slice(1);
  // numpy.rint: halves to even.
  const rint = (value: number): number => {
    const floor = Math.floor(value);
    return value - floor === 0.5 ? floor + (floor % 2 === 0 ? 0 : 1) : Math.round(value);
  };
  const corners = [
    ...sides.map(([x, y]) => [rint(x), rint(y)] as const),
    ...[...sides].reverse().map(([, , x, y]) => [rint(x), rint(y)] as const),
  ];
  const data = new Uint8Array(size.width * size.height);
  for (let y = 0; y < size.height; y++)
    for (let x = 0; x < size.width; x++) if (insideOrOn(x, y, corners)) data[y * size.width + x] = 1;
  return { ...size, data };
}

function insideOrOn(x: number, y: number, corners: readonly (readonly [number, number])[]): boolean {
  let inside = false;
  for (let index = 0; index < corners.length; index++) {
    const [ax, ay] = corners[index] as readonly [number, number];
    const [bx, by] = corners[(index + 1) % corners.length] as readonly [number, number];
    const cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax);
    if (
      cross === 0 &&
      x >= Math.min(ax, bx) &&
      x <= Math.max(ax, bx) &&
      y >= Math.min(ay, by) &&
      y <= Math.max(ay, by)
    )
      return true;
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

/** Columns that are read, in the words of the files. */
const listColumns = ['FileName', 'FPS', 'FrameHeight', 'FrameWidth', 'NumberOfFrames', 'Split'];
const tracingColumns = ['FileName', 'X1', 'Y1', 'X2', 'Y2', 'Frame'];

/** A table with the columns of EchoNet-Dynamic; EchoNet-Pediatric and others have files of the same names with others. */
function readTable(root: string, file: string, columns: readonly string[]): Record<string, string>[] {
  const records = csvRecords(readFileSync(join(root, file), 'utf8'));
  const present = Object.keys(records[0] ?? {});
  if (columns.some((column) => !present.includes(column)))
    throw evaluateError('SONO_DATASET_ROOT', {
      path: root,
      kind: 'echonet',
      expected: `${file} with the columns ${columns.join(', ')}`,
      found: present.length === 0 ? 'an empty file' : `the columns ${present.join(', ')}`,
    });
  return records;
}

const clipName = (record: Readonly<Record<string, string>>): string =>
  (record['FileName'] ?? '').replace(/\.avi$/i, '');

export function openEchonet(root: string, subset: string | null): Dataset {
  const expected = 'FileList.csv, VolumeTracings.csv and Videos/<FileName>.avi';
  for (const name of ['FileList.csv', 'VolumeTracings.csv'])
    if (!isFile(join(root, name))) throw wrongLayout('echonet', root, expected);
  const records = readTable(root, 'FileList.csv', listColumns);
  const tracings = new Map<string, Map<number, Chord[]>>();
  for (const record of readTable(root, 'VolumeTracings.csv', tracingColumns)) {
    const name = clipName(record);
    const frames = tracings.get(name) ?? new Map<number, Chord[]>();
    tracings.set(name, frames);
    const frame = cell(record, 'Frame');
    const chord = [cell(record, 'X1'), cell(record, 'Y1'), cell(record, 'X2'), cell(record, 'Y2')] as const;
    const chords = frames.get(frame);
    if (chords === undefined) frames.set(frame, [chord]);
    else chords.push(chord);
  }
  const wanted = (subset ?? 'TEST').toUpperCase();
  const chosen = records.filter((record) => wanted === 'ALL' || record['Split']?.toUpperCase() === wanted);
  if (chosen.length === 0)
    throw wrongLayout('echonet', root, `${expected}, with lines of Split ${wanted} in FileList.csv`);
  const clips = chosen.map((record): ClipHandle => {
    const name = clipName(record);
    return {
      name,
      open: () => Promise.resolve(openVideo(root, name, record, tracings.get(name) ?? new Map())),
    };
  });
  return { kind: 'echonet', skipLastFrame: false, labels, clips };
}

/** A number of a table; NaN for an empty cell, which `Number` takes for 0. */
function cell(record: Readonly<Record<string, string>>, column: string): number {
  const text = record[column]?.trim() ?? '';
  return text === '' ? NaN : Number(text);
}

/** Why the outlines of a clip cannot be used, null where they can. */
function tracingProblem(traced: ReadonlyMap<number, readonly Chord[]>): string | null {
  if (traced.size === 0) return 'no line names it';
  for (const [frame, chords] of traced) {
    if (!Number.isInteger(frame) || frame < 0) return 'a line names no frame';
    if (chords.length < 3) return `frame ${frame} has ${chords.length} lines, and an outline needs three`;
    if (!chords.flat().every(Number.isFinite)) return `a line of frame ${frame} lacks a number`;
  }
  return null;
}

/** Throws SONO_DATASET_FILE, SONO_DATASET_NOT_OUTLINED. */
function openVideo(
  root: string,
  name: string,
  record: Readonly<Record<string, string>>,
  traced: ReadonlyMap<number, readonly Chord[]>,
): Clip {
  const path = join(root, 'Videos', `${name}.avi`);
  const tracingsPath = join(root, 'VolumeTracings.csv');
  const problem = tracingProblem(traced);
  if (problem !== null)
    throw evaluateError('SONO_DATASET_NOT_OUTLINED', { clip: name, path: tracingsPath, reason: problem });
  if (!isFile(path)) throw fileError(path, new Error('there is no such file'));
  const size = { width: cell(record, 'FrameWidth'), height: cell(record, 'FrameHeight') };
  const frameCount = cell(record, 'NumberOfFrames');
  if (![size.width, size.height, frameCount].every((value) => Number.isInteger(value) && value > 0))
    throw fileError(
      join(root, 'FileList.csv'),
      new Error(`the size or the number of frames of ${name} is no whole number`),
    );
  const outlines = new Map([...traced].map(([frame, chords]) => [frame, fillTracing(chords, size)]));
  async function* frames(target: PictureSize): AsyncGenerator<ClipFrame> {
    await using reader = new FrameReader(createSource(path), {
      streamId: 'evaluate',
      analysisSize: target,
      displayQuality: null,
    });
    const { size: found } = await reader.format();
    if (found.width !== size.width || found.height !== size.height)
      throw evaluateError('SONO_DATASET_SIZE', {
        clip: name,
        path,
        found: `${found.width}×${found.height}`,
        expected: `${size.width}×${size.height} in FileList.csv`,
      });
    let index = 0;
    for (let frame = await reader.next(); frame !== null; frame = await reader.next(), index++) {
      const rgb = Uint8Array.from(frame.analysis.data);
      yield { index, rgb, truth: outlines.get(index) ?? null };
    }
    // The outline of a frame that never came would be missing from the mean without a word.
    const absent = [...traced.keys()].find((frame) => frame >= index);
    if (absent !== undefined)
      throw evaluateError('SONO_DATASET_FRAME_ABSENT', { clip: name, frame: absent, path, found: index });
  }
  return {
    name,
    frameCount,
    size,
    framesPerSecond: cell(record, 'FPS') > 0 ? cell(record, 'FPS') : null,
    spacingMm: null,
    label: (value) => labels.get(value) ?? `object ${value}`,
    frames,
    picturePaths: null,
    maskWords: null,
    colours: null,
    heart: heartOf(record, outlines),
  };
}

/** Of two outlines the larger one is end-diastole. With another number of them nobody says which is which. */
function heartOf(
  record: Readonly<Record<string, string>>,
  outlines: ReadonlyMap<number, LabelMap>,
): HeartReference {
  const bySize = [...outlines]
    .map(([frame, { data }]) => ({
      frame,
      area: Uint8Array.from(data).reduce((sum, value) => sum + value, 0),
    }))
    .sort((a, b) => b.area - a.area);
  const [larger, smaller, more] = bySize;
  const marked = larger !== undefined && smaller !== undefined && more === undefined;
  const positive = (column: string): number | null => {
    const value = cell(record, column);
    return value > 0 ? value : null;
  };
  return {
    course: 'beats',
    endDiastoles: marked ? [larger.frame] : [],
    endSystoles: marked ? [smaller.frame] : [],
    complete: false,
    ejectionFractionPercent: positive('EF'),
    endDiastolicVolumeMl: positive('EDV'),
    endSystolicVolumeMl: positive('ESV'),
  };
}
