/**
 * How FFmpeg's programs are started on a recorded file. Pure arguments and one spawn; child process.
 *
 * A file plays or it is refused: only the `file` protocol may be opened and only containers that hold their own pictures, so
 * that a playlist or a session description under any name opens no address, no port and no other file.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants, getPriority, setPriority } from 'node:os';

/**
 * FFmpeg's names of the containers that are read. Containers of sound alone are listed so that the error can name them. `mjpeg` is
 * left out: it accepts every file that contains JPEGs, such as an MCAP recording, a PDF or an archive.
 */
const containers = [
  'mov,mp4,m4a,3gp,3g2,mj2',
  'matroska,webm',
  'avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,vc1,av1,obu,ivf,flv,asf,mxf,mxf_d10,gxf,dv,ogg,rm,nut,yuv4mpegpipe',
  'gif,apng,png_pipe,jpeg_pipe,bmp_pipe,tiff_pipe,webp_pipe,dirac,cavsvideo,lxf,wtv,r3d,swf',
  'wav,mp3,aac,flac,aiff,au,ac3,eac3,amr,caf,w64,srt,ass,lrc,webvtt,microdvd,mpl2,sami,subviewer',
].join(',');

/** Header claims above this are refused by the decoder: 16384 × 16384. */
const mostPixels = 16384 * 16384;

/** A recorded file that lies within another one, such as a DICOM object. */
export interface FilePart {
  readonly path: string;
  /** First byte, and the one behind the last. */
  readonly start: number;
  readonly end: number;
}

/** Arguments that open a recorded file, for ffprobe and ffmpeg alike. */
export function inputArguments(file: string | FilePart, before: readonly string[] = []): string[] {
  const isWhole = typeof file === 'string';
  return [
    ...['-protocol_whitelist', isWhole ? 'file' : 'file,subfile', '-format_whitelist', containers],
    ...['-max_pixels', String(mostPixels)],
    ...before,
    // The protocol's name in front keeps a path a path, also where it looks like an address.
    '-i',
    isWhole ? `file:${file}` : `subfile,,start,${file.start},end,${file.end},,:file:${file.path}`,
  ];
}

/** Niceness added to that of this process: decoding ahead and counting must not delay the frame that is due. */
export const niceness = { decode: 5, count: 10 } as const;

export function startTool(
  name: 'ffmpeg' | 'ffprobe',
  args: readonly string[],
  extraPipes: number,
  nicer: number,
): ChildProcess {
  const child = spawn(name, args, {
    stdio: ['ignore', 'pipe', 'pipe', ...Array.from({ length: extraPipes }, () => 'pipe' as const)],
    env: {
      PATH: process.env['PATH'],
      LC_ALL: 'C',
      ...(process.env['LD_LIBRARY_PATH'] !== undefined && {
        LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'],
      }),
    },
  });
  if (child.pid !== undefined) {
    try {
      // Added to the niceness that the whole program was started with.
      setPriority(child.pid, Math.min(getPriority() + nicer, constants.priority.PRIORITY_LOW));
    } catch {
      // The process may have ended already. With normal priority a due frame would only be a few milliseconds late.
    }
  }
  return child;
}
