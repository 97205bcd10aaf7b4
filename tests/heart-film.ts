/**
 * Films of a procedural heart for live rooms: parts of some seconds one behind the other, good pictures and bad ones, as a scanner would
 * send them, encoded by FFmpeg. Times of a picture are those of the film, so a test knows what a room was shown at any moment.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { echoScene, plainEcho, syntheticScene } from '../src/ingest/synthetic/index.js';

export const filmSize = { width: 320, height: 240 } as const;
export const filmRate = 25;
const { width, height } = filmSize;
/** Of the heart. */
export const filmHeart = { ejectionFractionPercent: 55, heartRateBpm: 120 } as const;

/** RGB, row-major; `index`: picture within its part. */
type Picture = (index: number) => Uint8Array;

const sceneAt = (framesPerSecond: number) =>
  echoScene({
    ...{ seed: 4, ...filmSize, framesPerSecond },
    echo: { ...plainEcho, ...filmHeart, rhythm: 'sinus' },
  });
const scene = sceneAt(filmRate);
const drawn = new Map<number, Uint8Array>();
/** The heart as it beats on, whatever part it is in. */
const heart: Picture = (index) => {
  const known = drawn.get(index) ?? Uint8Array.from(scene.frame(index).rgb);
  drawn.set(index, known);
  return known;
};

/** Each pixel from another place of a picture; null: black. */
function moved(
  picture: Uint8Array,
  from: (x: number, y: number) => readonly [number, number] | null,
): Uint8Array {
  const result = new Uint8Array(picture.length);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at += 3) {
      const place = from(x, y);
      if (place === null) continue;
      const [left, top] = place.map(Math.floor) as [number, number];
      if (left < 0 || left >= width || top < 0 || top >= height) continue;
      const source = (top * width + left) * 3;
      for (let channel = 0; channel < 3; channel++)
        result[at + channel] = picture[source + channel] as number;
    }
  return result;
}

const black = new Uint8Array(width * height * 3);
const mode = syntheticScene('laparoscopy', { ...filmSize, seed: 3 });
/** A box of coloured flow over the middle of the ventricle, as a scanner lays it on: red towards the probe, blue away from it. */
function flow(picture: Uint8Array, index: number): Uint8Array {
  const result = Uint8Array.from(picture);
  for (let y = 70; y < 170; y++)
    for (let x = 120; x < 215; x++) {
      const at = (y * width + x) * 3;
      if (x === 120 || x === 214 || y === 70 || y === 169) result.fill(255, at, at + 3);
      // Where blood is: dark places.
      else if ((result[at] as number) < 40) {
        const speed = Math.sin((x + 3 * index) / 9) * Math.cos(y / 13) + 0.4 * Math.sin(index / 2);
        result.set(
          speed > 0 ? [90 + 160 * Math.min(1, speed), 40, 10] : [10, 50, 90 + 160 * Math.min(1, -speed)],
          at,
        );
      }
    }
  return result;
}

/** What a room may be shown. */
export const pictures = {
  heart,
  black: () => black,
  /** A dual screen: the same heart left and, half a beat later, right. */
  'two hearts': (index) => {
    const [left, right] = [heart(index), heart(index + 6)];
    const half = (picture: Uint8Array, side: number): Uint8Array =>
      moved(picture, (x, y) => {
        const own = x - (side * width) / 2;
        return own < 0 || own >= width / 2 ? null : [own * 2, (y - height / 4) * 2];
      });
    const [one, other] = [half(left, 0), half(right, 1)];
    return one.map((value, at) => value | (other[at] as number));
  },
  'upside down': (index) => moved(heart(index), (x, y) => [x, height - 1 - y]),
  mirrored: (index) => moved(heart(index), (x, y) => [width - 1 - x, y]),
  /** Closer by 1.35 about the middle of the ventricle. */
  zoomed: (index) => moved(heart(index), (x, y) => [165 + (x - 165) / 1.35, 95 + (y - 95) / 1.35]),
  'colour Doppler': (index) => flow(heart(index), index),
  /** Depth against time: one line of the sector, whose past runs to the left. */
  'M-mode': (index) => {
    const result = new Uint8Array(black);
    for (let x = 0; x < width; x++) {
      const line = heart(Math.max(0, index + Math.round((x - width) / 4)) % 100);
      for (let y = 0; y < height; y++) {
        const from = (y * width + width / 2) * 3;
        result.set(line.subarray(from, from + 3), (y * width + x) * 3);
      }
    }
    return result;
  },
  frozen: () => heart(5),
  /** Nine pictures of the heart again and again: three fifths of a beat, whose jumps nobody marks. */
  'part of a beat, looped': (index) => heart(index % 9),
  'no heart': (index) => Uint8Array.from(mode.frame(index).rgb),
} as const satisfies Readonly<Record<string, Picture>>;
export type Shown = keyof typeof pictures;

/** `seconds` of each part. */
export type Part = readonly [shown: Shown, seconds: number];

async function encode(
  path: string,
  rate: number,
  timing: readonly string[],
  all: Iterable<Uint8Array>,
): Promise<string> {
  const child = spawn(
    'ffmpeg',
    [
      ...[
        '-v',
        'error',
        '-f',
        'rawvideo',
        '-pix_fmt',
        'rgb24',
        '-s',
        `${width}x${height}`,
        '-r',
        String(rate),
      ],
      ...['-i', '-', ...timing, '-c:v', 'libx264', '-crf', '20', '-preset', 'ultrafast'],
      ...['-pix_fmt', 'yuv420p', '-y', `file:${path}`],
    ],
    { stdio: ['pipe', 'ignore', 'inherit'] },
  );
  const ended = once(child, 'close');
  for (const picture of all) if (!child.stdin.write(picture)) await once(child.stdin, 'drain');
  child.stdin.end();
  const [code] = (await ended) as [number];
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}`);
  return path;
}

/** A film of these parts, 25 pictures per second. The heart beats on in each of them from the beginning. */
export function film(path: string, parts: readonly Part[]): Promise<string> {
  function* all(): Generator<Uint8Array> {
    for (const [shown, seconds] of parts)
      for (let index = 0; index < seconds * filmRate; index++) yield pictures[shown](index);
  }
  return encode(path, filmRate, [], all());
}

/** The heart at another rate. */
export function filmAt(path: string, framesPerSecond: number, seconds: number): Promise<string> {
  const own = sceneAt(framesPerSecond);
  function* all(): Generator<Uint8Array> {
    for (let index = 0; index < seconds * framesPerSecond; index++) yield own.frame(index).rgb;
  }
  return encode(path, framesPerSecond, [], all());
}

/** The heart in pictures that come 20 to 60 ms after one another, each drawn for its own moment. */
export function unevenFilm(path: string, seconds: number): Promise<string> {
  const fine = 500;
  const own = sceneAt(fine);
  const late = (index: number): number => 0.01 * Math.sin(index * 2.1);
  function* all(): Generator<Uint8Array> {
    for (let index = 0; index < seconds * filmRate; index++)
      yield own.frame(Math.round(fine * (index / filmRate + 0.01 + late(index)))).rgb;
  }
  const times = `settb=1/90000,setpts=(N/${filmRate}+0.01+0.01*sin(N*2.1))*90000`;
  return encode(path, filmRate, ['-vf', times, '-fps_mode', 'vfr', '-enc_time_base', '1/90000'], all());
}
