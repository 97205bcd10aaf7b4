/** ffmpeg's arguments for reading one recorded file: every picture once, in order, upright, in 8 bits. Pure. */
import type { Deinterlacing } from '../source-uri.js';
import type { RecordedPicture } from './about.js';
import { inputArguments, type FilePart } from './tools.js';

/** File descriptors in the ffmpeg process. */
export const picturePipe = 3;
export const timesPipe = 4;

/**
 * Two outputs of the same pictures: raw samples on one pipe, and one line of text per picture with its time on the other (the
 * framecrc format, of a corner of the picture). Raw video cannot carry times, and containers that can would round them.
 *
 * @param seekSeconds where to begin, on FFmpeg's own clock of this file; 0: its beginning
 */
export function readingArguments(
  file: string | FilePart,
  picture: RecordedPicture,
  deinterlacing: Deinterlacing,
  seekSeconds: number,
): string[] {
  const { width, height } = picture.size;
  // Deinterlace before any scaling. Pictures that are not marked as interlaced pass unchanged.
  const deinterlace =
    deinterlacing === 'auto' && picture.mayBeInterlaced ? 'yadif=mode=send_frame:deint=interlaced,' : '';
  const graph =
    `[0:${picture.stream}]${deinterlace}scale@picture=${width}:${height},format=${picture.samples},split[all][corner];` +
    '[corner]crop=min(2\\,iw):min(2\\,ih):0:0:0:1[tick]';
  // Times in nanoseconds; no picture is dropped or repeated to reach a rate.
  const output = [
    '-c:v',
    'rawvideo',
    '-fps_mode',
    'passthrough',
    '-enc_time_base',
    '1:1000000000',
    '-flush_packets',
    '1',
  ];
  return [
    ...['-nostdin', '-nostats', '-hide_banner', '-loglevel', 'level+verbose', '-filter_complex_threads', '1'],
    ...inputArguments(file, seekSeconds > 0 ? ['-ss', String(seekSeconds)] : []),
    ...['-filter_complex', graph],
    ...['-map', '[all]', ...output, '-f', 'rawvideo', `pipe:${picturePipe}`],
    ...['-map', '[tick]', ...output, '-f', 'framecrc', `pipe:${timesPipe}`],
  ];
}

export interface PictureTime {
  readonly ptsNs: number;
  readonly durationNs: number;
}

/** One line of framecrc: "stream, dts, pts, duration, size, checksum". null for its header. */
export function parseTimeLine(line: string): PictureTime | null {
  const fields = /^\s*\d+,\s*-?\d+,\s*(-?\d+),\s*(\d+),/.exec(line);
  return fields === null ? null : { ptsNs: Number(fields[1]), durationNs: Number(fields[2]) };
}

/** The size of the pictures that enter the scaler, from its line in the verbose log; null for other lines. */
export function parseScalerLine(line: string): { readonly width: number; readonly height: number } | null {
  const found = /^\[scale@picture @ \S+\] \[verbose\] w:(\d+) h:(\d+) fmt:\S+ sar:\S+ -> /.exec(line);
  return found === null ? null : { width: Number(found[1]), height: Number(found[2]) };
}
