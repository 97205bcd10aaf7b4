/**
 * Clips of the benchmarks, prepared once in .sonoscope/bench: the real laparoscopy and echo clips of ../shared/data where
 * they are, else generated ones; and a 1080p30 version. The name of what was used goes into every result.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../src/node/built-module.js';
import { createSource } from '../src/ingest/index.js';

const run = promisify(execFile);

export type Box = readonly [x0: number, y0: number, x1: number, y1: number];

export interface Clip {
  readonly name: string;
  readonly path: string;
  readonly real: boolean;
  readonly size: { readonly width: number; readonly height: number };
  readonly framesPerSecond: number;
  /** What is followed, in source pixels on frame 0; the first is the main object. */
  readonly boxes: readonly Box[];
}

const folder = join(packageRoot, '.sonoscope', 'bench');
const shared = join(packageRoot, '..', 'shared', 'data', 'clips');

/** Gallbladder, infundibulum, grasper, fold, highlights, fat, liver, omentum on the first frame of the laparoscopy clip. */
const laparoscopyBoxes: readonly Box[] = [
  [575, 40, 870, 655],
  [463, 22, 590, 350],
  [590, 0, 745, 105],
  [960, 0, 1050, 215],
  [430, 380, 540, 490],
  [860, 505, 1080, 690],
  [275, 380, 680, 715],
  [65, 20, 470, 400],
];
/** Left ventricle of the echo clip. */
const echoBoxes: readonly Box[] = [[430, 180, 600, 470]];

export async function laparoscopy720(): Promise<Clip> {
  const real = join(shared, 'laparoscopy.mp4');
  const common = { size: { width: 1280, height: 720 }, framesPerSecond: 25, boxes: laparoscopyBoxes };
  if (existsSync(real)) return { ...common, name: 'laparoscopy 720p25', path: real, real: true };
  const path = await generated('laparoscopy-720p25.mp4', 'synthetic:laparoscopy?seed=1&duration=10', 25);
  return { ...common, name: 'generated laparoscopy 720p25', path, real: false };
}

export async function laparoscopy1080(): Promise<Clip> {
  const base = await laparoscopy720();
  const path = join(folder, `${base.real ? 'real' : 'generated'}-1080p30.mp4`);
  await once(path, (part) =>
    gst(
      ...[
        'filesrc',
        `location=${base.path}`,
        '!',
        'decodebin',
        '!',
        'videoconvert',
        '!',
        'videoscale',
        '!',
        'videorate',
        '!',
      ],
      ...['video/x-raw,width=1920,height=1080,framerate=30/1', '!'],
      ...[
        'x264enc',
        'bitrate=8000',
        'speed-preset=veryfast',
        'key-int-max=60',
        '!',
        'h264parse',
        '!',
        'mp4mux',
        '!',
        'filesink',
        `location=${part}`,
      ],
    ),
  );
  return {
    ...base,
    name: base.name.replace('720p25', '1080p30'),
    path,
    size: { width: 1920, height: 1080 },
    framesPerSecond: 30,
    boxes: base.boxes.map(([x0, y0, x1, y1]): Box => [x0 * 1.5, y0 * 1.5, x1 * 1.5, y1 * 1.5]),
  };
}

export async function echo(): Promise<Clip> {
  const real = join(shared, 'echo-a4c.mp4');
  if (existsSync(real))
    return {
      name: 'echo 1024×768, 20 per second',
      path: real,
      real: true,
      size: { width: 1024, height: 768 },
      framesPerSecond: 20,
      boxes: echoBoxes,
    };
  const path = await generated('echo-800x600.mp4', 'synthetic:echo?seed=1&duration=10', 30);
  return {
    name: 'generated echo 800×600, 30 per second',
    path,
    real: false,
    size: { width: 800, height: 600 },
    framesPerSecond: 30,
    boxes: [[375, 115, 524, 351]],
  };
}

/** The generated heart at the rate of an echo machine's video output. */
export async function generatedEcho25(): Promise<Clip> {
  return {
    name: 'generated echo 800×600, 25 per second',
    path: await generated('echo-800x600-25.mp4', 'synthetic:echo?seed=1&duration=10&fps=25', 25),
    real: false,
    size: { width: 800, height: 600 },
    framesPerSecond: 25,
    boxes: [[375, 115, 524, 351]],
  };
}

/** A file made from a generated scene, so that making the scene costs nothing while something is measured. */
async function generated(name: string, uri: string, framesPerSecond: number): Promise<string> {
  const path = join(folder, name);
  await once(path, async (part) => {
    const pictures = await mkdtemp(join(tmpdir(), 'sonoscope-bench-'));
    try {
      let count = 0;
      let writing: Promise<unknown> = Promise.resolve();
      await new Promise<void>((resolve, reject) => {
        createSource(uri)
          .open({ streamId: 'bench', analysisSize: null, displayQuality: 97, mode: 'replay', loop: false })
          .subscribe({
            next: (event) => {
              if (event.kind !== 'display') return;
              const file = join(pictures, `${String(count).padStart(6, '0')}.jpg`);
              count += 1;
              writing = writing.then(() => writeFile(file, event.frame.data));
            },
            error: reject,
            complete: resolve,
          });
      });
      await writing;
      await gst(
        ...[
          'multifilesrc',
          `location=${join(pictures, '%06d.jpg')}`,
          `caps=image/jpeg,framerate=${framesPerSecond}/1`,
          '!',
        ],
        ...[
          'jpegdec',
          '!',
          'videoconvert',
          '!',
          'video/x-raw,format=I420',
          '!',
          'x264enc',
          'bitrate=6000',
          'speed-preset=veryfast',
        ],
        ...['key-int-max=50', '!', 'h264parse', '!', 'mp4mux', '!', 'filesink', `location=${part}`],
      );
    } finally {
      await rm(pictures, { recursive: true, force: true });
    }
  });
  return path;
}

async function once(path: string, make: (part: string) => Promise<void>): Promise<void> {
  if (existsSync(path)) return;
  await mkdir(folder, { recursive: true });
  const part = `${path}.part`;
  await make(part);
  await rename(part, path);
}

export async function gst(...pipeline: readonly string[]): Promise<void> {
  await run('gst-launch-1.0', ['-q', ...pipeline], { timeout: 600_000 });
}
