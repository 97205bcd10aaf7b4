/**
 * Kind `echonet` (EchoNet-Dynamic, Ouyang et al. 2020): `Videos/<FileName>.avi`, `FileList.csv` (frame rate, size,
 * number of frames, Split) and `VolumeTracings.csv`, which outlines the left ventricle on two frames per video as
 * chords (X1,Y1)–(X2,Y2), the first being the long axis. Frames without tracing have no truth and are not scored.
 * The videos are decoded by a GStreamer child process.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PictureSize } from '../../frame.js';
import { csvRecords } from '../csv-table.js';
import { evaluateError } from '../errors.js';
import {
  type Clip,
  type ClipFrame,
  type ClipHandle,
  type Dataset,
  type LabelMap,
  isFile,
  wrongLayout,
} from './dataset.js';
import { fileError } from './pictures.js';

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

/** Frames of a video file in order, RGB at `size`; decoded as fast as they are taken. */
export async function* videoFrames(path: string, size: PictureSize): AsyncGenerator<Uint8Array> {
  const quoted = `"${path.replace(/["\\]/g, '\\$&')}"`;
  const child = spawn(
    'gst-launch-1.0',
    // RGBA because GStreamer pads the rows of RGB to four bytes.
    `-q filesrc location=${quoted} ! decodebin ! videoconvert ! videoscale add-borders=false ! video/x-raw,format=RGBA,width=${size.width},height=${size.height},pixel-aspect-ratio=1/1 ! fdsink fd=1 sync=false`.match(
      /"(?:[^"\\]|\\.)*"|\S+="(?:[^"\\]|\\.)*"|\S+/g,
    ) ?? [],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const problems: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => problems.push(chunk));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  ended.catch(() => undefined);
  const frameBytes = size.width * size.height * 4;
  let waiting: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      waiting.push(chunk);
      length += chunk.length;
      if (length < frameBytes) continue;
      const all = Buffer.concat(waiting);
      let at = 0;
      for (; at + frameBytes <= all.length; at += frameBytes) {
        const rgb = new Uint8Array(size.width * size.height * 3);
        for (let from = at, to = 0; to < rgb.length; from += 4) {
          rgb[to++] = all[from] as number;
          rgb[to++] = all[from + 1] as number;
          rgb[to++] = all[from + 2] as number;
        }
        yield rgb;
      }
      waiting = [all.subarray(at)];
      length = all.length - at;
    }
    const code = await ended;
    if (code !== 0)
      throw new Error(Buffer.concat(problems).toString().trim().split('\n')[0] ?? `exit ${code}`);
  } finally {
    child.kill('SIGKILL');
  }
}

export function openEchonet(root: string, subset: string | null): Dataset {
  const expected = 'FileList.csv, VolumeTracings.csv and Videos/<FileName>.avi';
  const listPath = join(root, 'FileList.csv');
  const tracingsPath = join(root, 'VolumeTracings.csv');
  if (!isFile(listPath) || !isFile(tracingsPath)) throw wrongLayout('echonet', root, expected);
  const tracings = new Map<string, Map<number, Chord[]>>();
  for (const record of csvRecords(readFileSync(tracingsPath, 'utf8'))) {
    const name = (record['FileName'] ?? '').replace(/\.avi$/, '');
    const frames = tracings.get(name) ?? new Map<number, Chord[]>();
    tracings.set(name, frames);
    const frame = Number(record['Frame']);
    frames.set(frame, [
      ...(frames.get(frame) ?? []),
      ['X1', 'Y1', 'X2', 'Y2'].map((column) => Number(record[column])) as unknown as Chord,
    ]);
  }
  const wanted = (subset ?? 'TEST').toUpperCase();
  const records = csvRecords(readFileSync(listPath, 'utf8'));
  const chosen = records.filter((record) => wanted === 'ALL' || record['Split']?.toUpperCase() === wanted);
  if (chosen.length === 0)
    throw wrongLayout('echonet', root, `${expected}, with lines of Split ${wanted} in FileList.csv`);
  const clips = chosen.flatMap((record): ClipHandle[] => {
    const name = (record['FileName'] ?? '').replace(/\.avi$/, '');
    const traced = tracings.get(name);
    // Some published videos have no usable tracing; they cannot be scored.
    if (traced === undefined) return [];
    return [{ name, open: () => Promise.resolve(openVideo(root, name, record, traced)) }];
  });
  return { kind: 'echonet', skipLastFrame: false, labels, clips };
}

function openVideo(
  root: string,
  name: string,
  record: Readonly<Record<string, string>>,
  traced: ReadonlyMap<number, readonly Chord[]>,
): Clip {
  const path = join(root, 'Videos', `${name}.avi`);
  if (!isFile(path)) throw fileError(path, new Error('there is no such file'));
  const size = { width: Number(record['FrameWidth']), height: Number(record['FrameHeight']) };
  const frameCount = Number(record['NumberOfFrames']);
  const beyond = [...traced.keys()].find((frame) => frame >= frameCount);
  if (beyond !== undefined)
    throw evaluateError('SONO_DATASET_FILE', {
      path: join(root, 'VolumeTracings.csv'),
      reason: `it outlines frame ${beyond} of ${name}, which has ${frameCount} frames`,
    });
  async function* frames(target: PictureSize): AsyncGenerator<ClipFrame> {
    let index = 0;
    try {
      for await (const rgb of videoFrames(path, target)) {
        const chords = traced.get(index);
        yield { index, rgb, truth: chords === undefined ? null : fillTracing(chords, size) };
        index++;
      }
    } catch (error) {
      throw fileError(path, error);
    }
  }
  return {
    name,
    frameCount,
    size,
    framesPerSecond: Number(record['FPS']) || null,
    spacingMm: null,
    label: (value) => labels.get(value) ?? `object ${value}`,
    frames,
    picturePaths: null,
  };
}
