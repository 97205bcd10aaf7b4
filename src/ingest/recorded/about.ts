/** What a recorded file says about its picture, read from ffprobe's JSON. Pure. */
import { z } from 'zod';
import type { PictureSize } from '../../vocabulary/frame.js';
import { displaySize, parseFraction } from '../picture-format.js';

const fractionText = z.string().optional();
const streamSchema = z.object({
  index: z.number(),
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  codec_long_name: z.string().optional(),
  codec_tag_string: z.string().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  pix_fmt: z.string().optional(),
  sample_aspect_ratio: fractionText,
  field_order: z.string().optional(),
  has_b_frames: z.number().optional(),
  color_range: z.string().optional(),
  color_space: z.string().optional(),
  r_frame_rate: fractionText,
  avg_frame_rate: fractionText,
  duration: z.string().optional(),
  disposition: z.object({ default: z.number().optional(), attached_pic: z.number().optional() }).optional(),
  side_data_list: z.array(z.object({ rotation: z.number().optional() })).optional(),
});
const frameSchema = z.object({
  stream_index: z.number().optional(),
  color_range: z.string().optional(),
  color_space: z.string().optional(),
  interlaced_frame: z.number().optional(),
});
const reportSchema = z.object({
  streams: z.array(streamSchema).default([]),
  frames: z.array(frameSchema).default([]),
  format: z
    .object({
      format_name: z.string().optional(),
      format_long_name: z.string().optional(),
      duration: z.string().optional(),
      start_time: z.string().optional(),
    })
    .optional(),
});

/** How samples leave FFmpeg: 8 bits, the colour resolution of the source. Names are FFmpeg's. */
export type SampleFormat =
  'gray' | 'yuv420p' | 'yuvj420p' | 'yuv422p' | 'yuvj422p' | 'yuv444p' | 'yuvj444p' | 'rgb24';

interface CodedPicture {
  readonly size: PictureSize;
  /** Width to height of one pixel, such as 16/15; null where the file does not say. */
  readonly pixelAspect: string | null;
  /** Shown in another position, as the file says. */
  readonly isTurned: boolean;
  /** A stream of nothing but coded pictures: a rate that it does not say is taken to be FFmpeg's. */
  readonly isBare: boolean;
}

export interface RecordedPicture {
  /** FFmpeg's number of the stream in the file. */
  readonly stream: number;
  /** Upright and with square pixels. */
  readonly size: PictureSize;
  /** As it is coded. */
  readonly coded: CodedPicture;
  readonly samples: SampleFormat;
  /** GStreamer's name of what the samples mean (range:matrix:transfer:primaries). */
  readonly colorimetry: string;
  /** Some pictures may be interlaced (woven of two fields). */
  readonly mayBeInterlaced: boolean;
  /** Pictures may be shown in another order than they are stored. */
  readonly mayReorder: boolean;
  /** The rate that the container names, or null. Counting packets shows whether it is constant. */
  readonly framesPerSecond: number | null;
  /** Seconds of the picture as FFmpeg has it, null where nothing says. */
  readonly promisedSeconds: number | null;
  /** For people: container and codec, and what was done to the geometry. */
  readonly description: string;
}

type AboutFile =
  | { readonly kind: 'picture'; readonly picture: RecordedPicture }
  | { readonly kind: 'no-picture' }
  | { readonly kind: 'unknown-codec'; readonly codec: string }
  | { readonly kind: 'too-large'; readonly size: PictureSize }
  /** The file has a video stream, but its format could not be read. */
  | { readonly kind: 'unreadable' };

const longestSide = 16384;
/** The deinterlacer refuses smaller pictures. */
const leastWovenSide = 4;

/** @param report ffprobe's -show_streams -show_format as JSON, with some first frames where there are any */
export function readReport(report: unknown): AboutFile {
  const parsed = reportSchema.safeParse(report);
  if (!parsed.success) return { kind: 'unreadable' };
  const pictures = parsed.data.streams.filter(
    (stream) => stream.codec_type === 'video' && stream.disposition?.attached_pic !== 1,
  );
  const area = (stream: Stream): number => (stream.width ?? 0) * (stream.height ?? 0);
  const preferred = (stream: Stream): number => stream.disposition?.default ?? 0;
  // FFmpeg's own choice: what the file calls its default, then the largest, then the first.
  const stream = [...pictures].sort((a, b) => preferred(b) - preferred(a) || area(b) - area(a))[0];
  if (stream === undefined) return { kind: 'no-picture' };
  if (stream.codec_name === undefined || stream.codec_name === 'none')
    return { kind: 'unknown-codec', codec: stream.codec_tag_string ?? 'unknown' };
  const { width = 0, height = 0, pix_fmt: pixelFormat } = stream;
  if (width > longestSide || height > longestSide) return { kind: 'too-large', size: { width, height } };
  if (width < 1 || height < 1 || pixelFormat === undefined) return { kind: 'unreadable' };

  const rotation = stream.side_data_list?.find((data) => data.rotation !== undefined)?.rotation ?? 0;
  const isOnItsSide = Math.abs(Math.round(rotation / 90)) % 2 === 1;
  const told = stream.sample_aspect_ratio?.replace(':', '/');
  const pixelAspect = told === undefined || parseFraction(told) === null ? null : told;
  const square = displaySize({ width, height }, pixelAspect ?? '1/1');
  const size = isOnItsSide ? { width: square.height, height: square.width } : square;
  if (size.width > longestSide || size.height > longestSide) return { kind: 'too-large', size };
  const isOblong = square.width !== width || square.height !== height;
  const { format, frames } = parsed.data;
  // Where the decoder and the container disagree about colours, the decoder is right.
  const decoded = frames.find((frame) => frame.stream_index === stream.index);
  const range = decoded?.color_range ?? stream.color_range;
  const matrix = decoded?.color_space ?? stream.color_space;
  const samples = sampleFormat(pixelFormat, range, matrix);
  return {
    kind: 'picture',
    picture: {
      stream: stream.index,
      size,
      coded: {
        size: { width, height },
        pixelAspect,
        isTurned: rotation !== 0,
        isBare: ['h264', 'hevc'].includes(format?.format_name ?? ''),
      },
      samples,
      colorimetry: colorimetry(samples, range, matrix),
      // Only where needed: the deinterlacer holds one picture back, and FFmpeg loses that one when the size changes.
      mayBeInterlaced:
        Math.min(width, height) >= leastWovenSide &&
        (!['progressive', 'unknown', undefined].includes(stream.field_order) ||
          frames.some((frame) => frame.stream_index === stream.index && frame.interlaced_frame === 1)),
      mayReorder: (stream.has_b_frames ?? 1) > 0,
      framesPerSecond: parseFraction(stream.avg_frame_rate) ?? parseFraction(stream.r_frame_rate),
      promisedSeconds: seconds(stream.duration) ?? lengthOf(format),
      description: [
        [format?.format_long_name, stream.codec_long_name ?? stream.codec_name]
          .map(shortName)
          .filter(Boolean)
          .join(', '),
        isOblong ? `pixels of ${pixelAspect} made square` : '',
        rotation === 0 ? '' : `turned by ${rotation} degrees as the file says`,
      ]
        .filter((part) => part !== '')
        .join('; '),
    },
  };
}

type Stream = z.infer<typeof streamSchema>;

/** "H.264 / AVC / MPEG-4 AVC / MPEG-4 part 10" → "H.264"; "MPEG-TS (MPEG-2 Transport Stream)" → "MPEG-TS". */
const shortName = (name: string | undefined): string => name?.split(/ \/ | \(/)[0]?.trim() ?? '';

function seconds(text: string | undefined): number | null {
  const value = Number(text ?? Number.NaN);
  return Number.isFinite(value) && value > 0 ? value : null;
}

/** Seconds. Matroska counts from time 0, but a split recording begins later: the time before its start is not in the file. */
function lengthOf(
  format: { duration?: string | undefined; start_time?: string | undefined } | undefined,
): number | null {
  const whole = seconds(format?.duration);
  if (whole === null) return null;
  const rest = whole - (seconds(format?.start_time) ?? 0);
  return rest > 0 ? rest : null;
}

/** Matrices that GStreamer knows, by FFmpeg's names. Unnamed is BT.601, as FFmpeg, OpenCV and PyAV take it. */
const matrices: Readonly<Record<string, number>> = {
  fcc: 2,
  bt709: 3,
  bt470bg: 4,
  smpte170m: 4,
  unknown: 4,
  smpte240m: 5,
  bt2020nc: 6,
  bt2020c: 6,
};

/** Sample values are not converted to another range; `colorimetry` says what they mean. */
function sampleFormat(
  pixelFormat: string,
  range: string | undefined,
  matrix: string | undefined,
): SampleFormat {
  if (/^(gray|ya\d)/.test(pixelFormat)) return 'gray';
  const isYuv = /^(yuv|yuyv|uyvy|yvyu|nv\d|p[024]1[026]|y21)/.test(pixelFormat);
  // RGB in all its orders, palettes, and the matrices that only FFmpeg knows.
  if (!isYuv || matrices[matrix ?? 'unknown'] === undefined) return 'rgb24';
  const full = range === 'pc' || pixelFormat.startsWith('yuvj') ? 'j' : '';
  if (/420|nv12|nv21|p01|41[01]/.test(pixelFormat) && !/411/.test(pixelFormat)) return `yuv${full}420p`;
  if (/422|yuyv|uyvy|yvyu|nv16|nv20|p21|y21|411/.test(pixelFormat)) return `yuv${full}422p`;
  return `yuv${full}444p`;
}

function colorimetry(samples: SampleFormat, range: string | undefined, matrix: string | undefined): string {
  if (samples === 'rgb24') return 'sRGB';
  const code = matrices[matrix ?? 'unknown'] ?? 4;
  // Grey of an unnamed range is full, as FFmpeg takes it.
  const isFull = samples === 'gray' ? range !== 'tv' : samples.startsWith('yuvj');
  return `${isFull ? 1 : 2}:${code}:0:0`;
}
