/**
 * The matrix: container × codec × timing × scan × rotation × range × cut. Declarative; `generate.ts` makes the files.
 *
 * `sample` marks the part that runs in every `./sonoscope test`: one or two of each kind that has gone wrong somewhere. All of it
 * runs with SONO_CONFORMANCE=all.
 */
import type { Rotation, Scan } from './picture.js';
import { cutTo, editList, softTelecine, turnedTag, twice } from './bytes.js';

/** What is done to the file after the first encoding: a run of ffmpeg on it, or a change of its bytes. */
export type Step =
  | {
      /** Options before `-i`, after it, and the ending of the new file. */
      readonly before?: readonly string[];
      readonly after: readonly string[];
      readonly extension: string;
    }
  | { readonly change: (bytes: Buffer) => Buffer };

export interface Variant {
  readonly name: string;
  /** Ending of the first file. */
  readonly extension: string;
  /** Options of ffmpeg from the filters to the muxer's. */
  readonly encode: readonly string[];
  readonly width: number;
  readonly height: number;
  readonly pictures: number;
  /** As ffmpeg takes it: `25`, `30000/1001`. */
  readonly rate: string;
  readonly scan: Scan;
  readonly rotation: Rotation;
  /** Seconds of sound, null for none. */
  readonly soundSeconds: number | null;
  readonly steps: readonly Step[];
  readonly sample: boolean;
  /** Also played live, where pictures may be dropped but not mixed up, and followed by the tracker. */
  readonly inDepth: 'no' | 'in the sample' | 'in the matrix';
  /** The file ends too early on purpose: the loss may be reported, and the last picture may be broken. */
  readonly cutShort: boolean;
}

type Options = Partial<Omit<Variant, 'name' | 'extension' | 'encode'>>;

const variant = (
  name: string,
  extension: string,
  encode: readonly string[],
  options: Options = {},
): Variant => ({
  name,
  extension,
  encode,
  width: 160,
  height: 96,
  pictures: 40,
  rate: '25',
  scan: 'progressive',
  rotation: 0,
  soundSeconds: null,
  steps: [],
  sample: false,
  inDepth: 'no',
  cutShort: false,
  ...options,
});

const sample: Options = { sample: true };
const roomy: Options = { width: 320, height: 240 };

/** libx264 with key pictures 15 apart and three B pictures between references, if not said otherwise. */
const h264 = (params = '', pixels = 'yuv420p', ...more: string[]): string[] => [
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '12', '-pix_fmt', pixels],
  '-x264-params',
  `threads=2:keyint=15:min-keyint=15:scenecut=0:bframes=3:b-adapt=0${params === '' ? '' : `:${params}`}`,
  ...more,
];
const hevc = (params = '', pixels = 'yuv420p', ...more: string[]): string[] => [
  ...['-c:v', 'libx265', '-preset', 'ultrafast', '-crf', '12', '-pix_fmt', pixels],
  '-x265-params',
  `log-level=none:pools=2:keyint=15:min-keyint=15:scenecut=0:bframes=3${params === '' ? '' : `:${params}`}`,
  ...more,
];
const mpeg2 = (...more: string[]): string[] => [
  ...['-c:v', 'mpeg2video', '-q:v', '2', '-bf', '2', '-g', '12', '-pix_fmt', 'yuv420p'],
  ...more,
];
const mpeg4 = (...more: string[]): string[] => ['-c:v', 'mpeg4', '-q:v', '2', '-g', '12', ...more];
const vp9 = (...more: string[]): string[] => [
  ...['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-crf', '10', '-b:v', '0', '-g', '15'],
  ...more,
];
const mjpeg = (pixels = 'yuvj420p'): string[] => ['-c:v', 'mjpeg', '-q:v', '2', '-pix_fmt', pixels];

/** Encoders by a short name, for the product with containers. */
const codecs: Readonly<Record<string, readonly string[]>> = {
  h264: h264(),
  hevc: hevc(),
  mpeg1: ['-c:v', 'mpeg1video', '-q:v', '2', '-bf', '2', '-g', '12'],
  mpeg2: mpeg2(),
  mpeg4: mpeg4(),
  'mpeg4 with B pictures': mpeg4('-bf', '2'),
  xvid: ['-c:v', 'libxvid', '-q:v', '2', '-g', '12'],
  h263: ['-c:v', 'h263', '-q:v', '2'],
  flv1: ['-c:v', 'flv', '-q:v', '2'],
  vp8: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-crf', '4', '-b:v', '4M', '-g', '15'],
  'vp8 with hidden pictures': [
    ...['-c:v', 'libvpx', '-auto-alt-ref', '1', '-lag-in-frames', '12', '-arnr-maxframes', '0'],
    ...['-deadline', 'good', '-cpu-used', '5', '-crf', '4', '-b:v', '4M'],
  ],
  vp9: vp9(),
  'vp9 with hidden pictures': [
    ...['-c:v', 'libvpx-vp9', '-auto-alt-ref', '1', '-lag-in-frames', '25'],
    ...['-deadline', 'good', '-cpu-used', '5', '-crf', '10', '-b:v', '0'],
  ],
  av1: ['-c:v', 'libsvtav1', '-preset', '10', '-crf', '15', '-g', '15', '-svtav1-params', 'lp=2'],
  mjpeg: mjpeg(),
  'mjpeg 4:2:2': mjpeg('yuvj422p'),
  prores: ['-c:v', 'prores_ks', '-profile:v', '2', '-pix_fmt', 'yuv422p10le'],
  'prores 4444': ['-c:v', 'prores_ks', '-profile:v', '4', '-pix_fmt', 'yuva444p10le'],
  dnxhr: ['-c:v', 'dnxhd', '-profile:v', 'dnxhr_hq', '-pix_fmt', 'yuv422p'],
  'dnxhr 4:4:4': ['-c:v', 'dnxhd', '-profile:v', 'dnxhr_444', '-pix_fmt', 'yuv444p10le'],
  ffv1: ['-c:v', 'ffv1', '-level', '3', '-pix_fmt', 'yuv422p'],
  'ffv1 RGB': ['-c:v', 'ffv1', '-level', '3', '-pix_fmt', 'bgr0'],
  'ffv1 grey 16 bit': ['-c:v', 'ffv1', '-level', '3', '-pix_fmt', 'gray16le'],
  huffyuv: ['-c:v', 'huffyuv', '-pix_fmt', 'yuv422p'],
  'huffyuv RGB': ['-c:v', 'huffyuv', '-pix_fmt', 'rgb24'],
  utvideo: ['-c:v', 'utvideo', '-pix_fmt', 'yuv420p'],
  'utvideo RGB': ['-c:v', 'utvideo', '-pix_fmt', 'gbrp'],
  rawvideo: ['-c:v', 'rawvideo', '-pix_fmt', 'yuv420p'],
  'rawvideo UYVY': ['-c:v', 'rawvideo', '-pix_fmt', 'uyvy422'],
  'rawvideo RGB': ['-c:v', 'rawvideo', '-pix_fmt', 'bgr24'],
  v210: ['-c:v', 'v210', '-pix_fmt', 'yuv422p10le'],
  wmv1: ['-c:v', 'wmv1', '-q:v', '2'],
  wmv2: ['-c:v', 'wmv2', '-q:v', '2'],
  msmpeg4: ['-c:v', 'msmpeg4', '-q:v', '2'],
  theora: ['-c:v', 'libtheora', '-q:v', '9', '-g', '12'],
  png: ['-c:v', 'png'],
  qtrle: ['-c:v', 'qtrle'],
  jpeg2000: ['-c:v', 'jpeg2000', '-q:v', '2', '-pix_fmt', 'yuv420p'],
  cinepak: ['-c:v', 'cinepak', '-q:v', '2'],
};

/** Which codecs stand in which container in practice. An asterisk: in the sample. */
const containers: Readonly<Record<string, string>> = {
  mp4: 'h264, hevc, mpeg1, mpeg2, mpeg4, mpeg4 with B pictures, vp9, av1, mjpeg, jpeg2000',
  mov: 'h264, hevc, mpeg4, mjpeg, mjpeg 4:2:2, prores, prores 4444, dnxhr, dnxhr 4:4:4, png, qtrle, rawvideo UYVY, v210, cinepak',
  mkv: 'h264, hevc, mpeg2, mpeg4, mpeg4 with B pictures, vp8, vp9, av1, mjpeg, prores, ffv1, ffv1 RGB, ffv1 grey 16 bit, huffyuv, utvideo, rawvideo, theora',
  webm: 'vp8, vp8 with hidden pictures, vp9, vp9 with hidden pictures, av1',
  avi: 'h264, mpeg4, mpeg4 with B pictures*, xvid, mjpeg, mjpeg 4:2:2, huffyuv, huffyuv RGB, utvideo, utvideo RGB, ffv1, rawvideo, rawvideo UYVY, rawvideo RGB, msmpeg4, cinepak',
  ts: 'h264, hevc, mpeg1, mpeg2, mpeg4',
  m2ts: 'h264, mpeg2',
  mpg: 'mpeg1, mpeg2, h264',
  vob: 'mpeg2',
  flv: 'flv1, h264',
  wmv: 'wmv1, wmv2, msmpeg4',
  asf: 'wmv2, h264',
  mxf: 'mpeg2, h264, dnxhr, jpeg2000',
  '3gp': 'mpeg4, h264',
  ogv: 'theora',
  nut: 'h264, ffv1',
  ivf: 'vp8, vp9, av1',
  h264: 'h264',
  hevc: 'hevc',
  m1v: 'mpeg1',
  m2v: 'mpeg2',
  m4v: 'mpeg4',
};

/** What a muxer needs beyond its name. */
const muxing: Readonly<Record<string, readonly string[]>> = {
  mp4: ['-strict', 'experimental'],
  mov: ['-strict', 'experimental'],
  mxf: ['-strict', 'experimental'],
  m2ts: ['-mpegts_m2ts_mode', '1'],
};

const containersAndCodecs: Variant[] = Object.entries(containers).flatMap(([container, list]) =>
  list.split(', ').map((entry) => {
    const codec = entry.replace('*', '');
    return variant(
      `${container}: ${codec}`,
      container,
      [...(codecs[codec] ?? []), ...(muxing[container] ?? [])],
      {
        sample: entry.endsWith('*'),
        inDepth: entry.endsWith('*') ? 'in the matrix' : 'no',
        // What an encoder or a muxer's buffer model asks for.
        ...(codec === 'mpeg1' || codec === 'mpeg2' || codec.startsWith('dnxhr') ? roomy : {}),
      },
    );
  }),
);

/** Dithered colours would not be flat. */
const flat = ['-sws_dither', 'none'];
const pictureFormats: Variant[] = [
  variant('gif', 'gif', ['-loop', '0', ...flat], { ...sample, pictures: 12 }),
  variant('gif that plays once', 'gif', ['-loop', '-1', ...flat], { pictures: 12 }),
  variant('gif with varying delays', 'gif', [
    '-vf',
    "select='not(eq(mod(n,5),2))'",
    '-fps_mode',
    'passthrough',
  ]),
  variant('apng', 'apng', ['-plays', '0', '-f', 'apng'], { pictures: 12 }),
  variant('y4m', 'y4m', ['-pix_fmt', 'yuv420p']),
  variant('y4m 4:4:4', 'y4m', ['-pix_fmt', 'yuv444p']),
];

const h264Kinds: Variant[] = [
  variant('h264 baseline', 'mp4', h264('bframes=0', 'yuv420p', '-profile:v', 'baseline')),
  variant('h264 B pyramid', 'mp4', h264('b-pyramid=normal:ref=4:bframes=7')),
  variant('h264 open groups', 'mp4', h264('open-gop=1')),
  variant('h264 open groups', 'ts', h264('open-gop=1')),
  variant('h264 open groups', 'mkv', h264('open-gop=1')),
  variant('h264 intra only', 'mov', h264('keyint=1:min-keyint=1:bframes=0')),
  variant('h264 intra refresh', 'ts', h264('intra-refresh=1:bframes=0')),
  variant('h264 many slices', 'mkv', h264('slices=4')),
  variant('h264 4:2:2', 'mp4', h264('', 'yuv422p')),
  variant('h264 4:4:4', 'mp4', h264('', 'yuv444p')),
  variant('h264 RGB', 'mkv', ['-c:v', 'libx264rgb', '-preset', 'veryfast', '-crf', '8', '-pix_fmt', 'rgb24']),
  variant('h264 10 bit', 'mp4', h264('', 'yuv420p10le')),
  variant('h264 10 bit 4:2:2', 'mov', h264('', 'yuv422p10le')),
  variant('h264 grey', 'mp4', h264('', 'gray'), sample),
  variant('h264 lossless', 'mkv', [...h264(), '-qp', '0']),
  variant('h264 one key picture', 'mp4', h264('keyint=1000')),
  variant('hevc 10 bit', 'mp4', hevc('', 'yuv420p10le')),
  variant('hevc 4:4:4', 'mkv', hevc('', 'yuv444p')),
  variant('hevc open groups', 'mp4', hevc('open-gop=1')),
  variant('hevc without B pictures', 'ts', hevc('bframes=0')),
  variant('hevc grey', 'mkv', hevc('', 'gray')),
  variant('vp9 4:4:4', 'webm', vp9('-pix_fmt', 'yuv444p')),
  variant('vp9 10 bit', 'mkv', vp9('-pix_fmt', 'yuv420p10le')),
  variant('av1 10 bit', 'mkv', [...(codecs['av1'] ?? []), '-pix_fmt', 'yuv420p10le']),
  variant('mpeg2 4:2:2', 'mpg', mpeg2('-pix_fmt', 'yuv422p'), { width: 320, height: 240 }),
  variant('mpeg2 without B pictures', 'ts', mpeg2('-bf', '0')),
].map((each) => ({ ...each, name: `${each.name}, ${each.extension}` }));

/** Menus, phones, recorders: tracks beside the picture. */
const sound = (codec: string): string[] => ['-c:a', codec, ...(codec === 'libopus' ? ['-b:a', '48k'] : [])];
const withSound: Variant[] = [
  variant('mkv with AAC', 'mkv', [...h264(), ...sound('aac')], {
    ...sample,
    inDepth: 'in the sample',
    soundSeconds: 1.6,
  }),
  variant('mkv with Opus', 'mkv', [...h264(), ...sound('libopus')], { soundSeconds: 1.6 }),
  variant('mkv with PCM', 'mkv', [...h264(), ...sound('pcm_s16le')], { soundSeconds: 1.6 }),
  variant('mkv with MP3', 'mkv', [...h264('bframes=0'), ...sound('libmp3lame')], { soundSeconds: 1.6 }),
  variant('mkv without cues, with AAC', 'mkv', [...h264(), ...sound('aac'), '-live', '1'], {
    soundSeconds: 1.6,
  }),
  variant('mkv of small clusters', 'mkv', [...h264(), ...sound('aac'), '-cluster_time_limit', '100'], {
    soundSeconds: 1.6,
  }),
  variant('mkv, sound longer', 'mkv', [...h264(), ...sound('aac')], { soundSeconds: 4 }),
  variant('mkv, sound shorter', 'mkv', [...h264(), ...sound('aac')], { soundSeconds: 0.5 }),
  variant('mp4 with AAC', 'mp4', [...h264(), ...sound('aac')], { soundSeconds: 1.6 }),
  variant('mp4, sound longer', 'mp4', [...h264(), ...sound('aac')], { soundSeconds: 4 }),
  variant('mp4, sound shorter', 'mp4', [...h264(), ...sound('aac')], { soundSeconds: 0.5 }),
  variant('mov with PCM', 'mov', [...(codecs['prores'] ?? []), ...sound('pcm_s16le')], { soundSeconds: 1.6 }),
  variant('webm with Opus', 'webm', [...vp9(), ...sound('libopus')], { soundSeconds: 1.6 }),
  variant('avi with PCM', 'avi', [...mpeg4('-bf', '2'), ...sound('pcm_s16le')], { soundSeconds: 1.6 }),
  variant('avi with MP3, sound longer', 'avi', [...mjpeg(), ...sound('libmp3lame')], { soundSeconds: 4 }),
  variant('ts with AAC', 'ts', [...h264(), ...sound('aac')], { soundSeconds: 1.6 }),
  variant('ts with MP2, sound longer', 'ts', [...mpeg2(), ...sound('mp2')], { soundSeconds: 4 }),
  variant('vob with AC-3', 'vob', [...mpeg2(), ...sound('ac3')], { soundSeconds: 1.6 }),
  variant('flv with AAC', 'flv', [...h264(), ...sound('aac'), '-ar', '44100'], { soundSeconds: 1.6 }),
  variant('wmv with WMA', 'wmv', [...(codecs['wmv2'] ?? []), ...sound('wmav2')], { soundSeconds: 1.6 }),
  variant('ogv with Vorbis', 'ogv', [...(codecs['theora'] ?? []), ...sound('libvorbis')], {
    soundSeconds: 1.6,
  }),
  variant('mxf with PCM', 'mxf', [...mpeg2(), ...sound('pcm_s16le'), '-ar', '48000'], { soundSeconds: 1.6 }),
  // FFmpeg takes the track that is marked as default, else the largest.
  ...(['0', 'default'] as const).map((mark) =>
    variant(`mkv, a small picture before the large one${mark === '0' ? '' : ', marked'}`, 'mkv', h264(), {
      steps: [
        {
          after: [
            ...['-filter_complex', '[0:v]scale=80:48[small]', '-map', '[small]', '-map', '0:v'],
            ...['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-c:v:1', 'copy'],
            ...['-disposition:v:0', mark, '-disposition:v:1', '0'],
          ],
          extension: 'mkv',
        },
      ],
    }),
  ),
  variant('mp4, a cover before the picture', 'mp4', h264(), {
    steps: [
      {
        after: [
          ...[
            '-filter_complex',
            '[0:v]scale=320:192,trim=end_frame=1[cover]',
            '-map',
            '[cover]',
            '-map',
            '0:v',
          ],
          ...['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-c:v:1', 'copy', '-disposition:v:0', 'attached_pic'],
        ],
        extension: 'mp4',
      },
    ],
  }),
];

/** Pictures that a recorder left out: of eleven, those whose number times seven leaves less than six. */
const varying = ['-vf', "select='lt(mod(n*7,11),6)'", '-fps_mode', 'passthrough'];
const timing: Variant[] = [
  ...['30000/1001', '50', '60000/1001', '12.5', '1'].flatMap((rate) =>
    ['mp4', 'mkv', 'ts', 'avi'].map((container) =>
      variant(
        `${rate} per second, ${container}`,
        container,
        container === 'avi' ? mpeg4('-bf', '2') : h264(),
        {
          rate,
          pictures: rate === '1' ? 8 : 40,
        },
      ),
    ),
  ),
];

const varyingRate: Variant[] = [
  ...['mp4', 'mkv', 'ts', 'mov', 'flv'].map((container) =>
    variant(`varying rate, ${container}`, container, [...varying, ...h264()], {
      pictures: 60,
      inDepth: container === 'mp4' ? 'in the matrix' : 'no',
    }),
  ),
  variant('varying rate, clock of 90 kHz, mp4', 'mp4', [...varying, ...h264(), '-enc_time_base', '1:90000'], {
    ...sample,
    pictures: 60,
  }),
  variant('varying rate, webm', 'webm', [...varying, ...vp9()], { pictures: 60 }),
  variant('varying rate, wmv', 'wmv', [...varying, ...(codecs['wmv2'] ?? [])], { pictures: 60 }),
  variant('varying rate, empty chunks, avi', 'avi', [...varying, ...mjpeg()], { pictures: 60, ...sample }),
  variant('varying rate, empty chunks, mpeg4, avi', 'avi', [...varying, ...mpeg4()], { pictures: 60 }),
  variant('one picture held for two seconds, mp4', 'mp4', [
    ...['-vf', "setpts='PTS+gte(N,20)*2/TB'", '-fps_mode', 'passthrough'],
    ...h264(),
  ]),
  variant('one picture held for twelve seconds, mkv', 'mkv', [
    ...['-vf', "setpts='PTS+gte(N,20)*12/TB'", '-fps_mode', 'passthrough'],
    ...h264(),
  ]),
  variant('repeated times, mkv', 'mkv', [
    ...['-vf', "setpts='floor(N/2)*2/25/TB'", '-fps_mode', 'passthrough'],
    ...(codecs['ffv1'] ?? []),
  ]),
];

const lengths: Variant[] = [
  ...['mp4', 'mkv', 'ts', 'flv', 'mpg'].map((container) =>
    variant(
      `begins at 1.5 s, ${container}`,
      container,
      [...(container === 'mpg' ? mpeg2() : h264()), '-output_ts_offset', '1.5'],
      {},
    ),
  ),
  ...['mp4', 'mkv', 'ts', 'mpg', 'avi'].flatMap((container) =>
    [1, 2].map((pictures) =>
      variant(
        `${pictures === 1 ? 'one picture' : 'two pictures'}, ${container}`,
        container,
        container === 'mpg' ? mpeg2() : container === 'avi' ? mjpeg() : h264(),
        { pictures, sample: pictures === 1 && container === 'mp4' },
      ),
    ),
  ),
  variant('one picture, gif', 'gif', [...flat], { pictures: 1 }),
];

const fields = ['-flags', '+ilme+ildct'];
const pal: Options = { width: 320, height: 288 };
const order = (scan: Scan): string[] => ['-vf', `setfield=${scan === 'bff' ? 'bff' : 'tff'}`];
const scans: Variant[] = [
  ...(['tff', 'bff'] as const).flatMap((scan) => {
    const interlaced: Options = { ...pal, scan, pictures: 30 };
    const top = ['-top', scan === 'tff' ? '1' : '0'];
    return [
      variant(`h264 MBAFF ${scan}, mp4`, 'mp4', [...order(scan), ...h264(`${scan}=1`), ...fields, ...top], {
        ...interlaced,
        sample: scan === 'tff',
        inDepth: scan === 'tff' ? 'in the sample' : 'no',
      }),
      variant(
        `h264 MBAFF ${scan}, ts`,
        'ts',
        [...order(scan), ...h264(`${scan}=1`), ...fields, ...top],
        interlaced,
      ),
      variant(
        `h264 MBAFF ${scan}, mkv`,
        'mkv',
        [...order(scan), ...h264(`${scan}=1`), ...fields, ...top],
        interlaced,
      ),
      variant(`mpeg2 ${scan}, mpg`, 'mpg', [...order(scan), ...mpeg2(), ...fields, ...top], {
        ...interlaced,
        sample: scan === 'bff',
        inDepth: scan === 'bff' ? 'in the matrix' : 'no',
      }),
      variant(`mpeg2 ${scan}, ts`, 'ts', [...order(scan), ...mpeg2(), ...fields, ...top], interlaced),
      variant(`mpeg2 ${scan}, mxf`, 'mxf', [...order(scan), ...mpeg2(), ...fields, ...top], interlaced),
      variant(
        `prores ${scan}, mov`,
        'mov',
        [...order(scan), ...(codecs['prores'] ?? []), '-flags', '+ildct', ...top],
        interlaced,
      ),
      variant(
        `ffv1 ${scan}, mkv`,
        'mkv',
        [...order(scan), ...(codecs['ffv1'] ?? []), ...fields, ...top],
        interlaced,
      ),
    ];
  }),
  variant('DV bff, avi', 'avi', ['-c:v', 'dvvideo', '-pix_fmt', 'yuv420p'], {
    width: 720,
    height: 576,
    scan: 'bff',
    pictures: 12,
  }),
  variant('DV bff, dv', 'dv', ['-c:v', 'dvvideo', '-pix_fmt', 'yuv420p'], {
    width: 720,
    height: 576,
    scan: 'bff',
    pictures: 12,
  }),
  variant('DV bff wide, mov', 'mov', ['-aspect', '16:9', '-c:v', 'dvvideo', '-pix_fmt', 'yuv420p'], {
    width: 720,
    height: 576,
    scan: 'bff',
    pictures: 12,
  }),
  variant('h264 progressive in fields (PsF), ts', 'ts', [...order('tff'), ...h264('tff=1'), ...fields], {
    ...pal,
    pictures: 30,
  }),
  variant('mpeg2 progressive in fields (PsF), mpg', 'mpg', [...order('tff'), ...mpeg2(), ...fields], {
    ...pal,
    pictures: 30,
  }),
  variant('h264 marked interlaced, coded in frames, mp4', 'mp4', h264('fake-interlaced=1'), pal),
  variant('telecine by flags, mpg', 'm2v', mpeg2(), {
    ...pal,
    rate: '24000/1001',
    steps: [{ change: softTelecine }, { after: ['-c', 'copy', '-f', 'vob'], extension: 'mpg' }],
  }),
  variant('telecine by flags, ts', 'm2v', mpeg2(), {
    ...pal,
    rate: '24000/1001',
    steps: [
      { change: softTelecine },
      { before: ['-fflags', '+genpts'], after: ['-c', 'copy'], extension: 'ts' },
    ],
  }),
];

const turn = (clockwise: Rotation, extension: string): Step => ({
  // The tag counts the other way round in this ffmpeg; the matrix in the file is what it should be.
  after: ['-c', 'copy', '-metadata:s:v:0', `rotate=${360 - clockwise}`],
  extension,
});
const aspect = (sar: string): string[] => ['-vf', `setsar=${sar}`];
const geometry: Variant[] = [
  ...([90, 180, 270] as const).flatMap((rotation) => [
    variant(`turned by ${rotation}, mp4`, 'mp4', h264(), {
      rotation,
      steps: [turn(rotation, 'mp4')],
      sample: rotation === 90,
      inDepth: rotation === 90 ? 'in the sample' : 'in the matrix',
    }),
    variant(`turned by ${rotation}, mov`, 'mov', mjpeg(), { rotation, steps: [turn(rotation, 'mov')] }),
    variant(`turned by ${rotation}, hevc, mp4`, 'mp4', hevc(), { rotation, steps: [turn(rotation, 'mp4')] }),
    variant(`turned by ${rotation}, oblong pixels, mp4`, 'mp4', [...aspect('16/15'), ...h264()], {
      rotation,
      steps: [turn(rotation, 'mp4')],
    }),
  ]),
  variant('turned by 90, odd size, mov', 'mov', codecs['png'] ?? [], {
    rotation: 90,
    width: 161,
    height: 97,
    steps: [turn(90, 'mov')],
  }),
  variant('turned by 270 with an edit list, mp4', 'mp4', h264(), {
    rotation: 270,
    steps: [turn(270, 'mp4'), { before: ['-ss', '0.8'], after: ['-c', 'copy'], extension: 'mp4' }],
  }),
  // A matrix in the file itself, as phones write it, and with the picture moved back into view.
  variant('turned by 90, matrix with shift, mp4', 'mp4', h264(), {
    rotation: 90,
    steps: [{ change: (bytes) => turnedTag(bytes, 96) }],
  }),
];

const oblong: Variant[] = [
  ...['16/15', '64/45', '8/9', '1/2', '4/3'].flatMap((sar) =>
    ['mp4', 'mkv', 'ts', 'avi', 'mov'].map((container) =>
      variant(
        `pixels ${sar}, ${container}`,
        container,
        [...aspect(sar), ...(container === 'avi' ? mpeg4() : container === 'mov' ? mjpeg() : h264())],
        { sample: sar === '64/45' && container === 'mp4' },
      ),
    ),
  ),
  variant('pixels 16/15, mpg', 'mpg', [...mpeg2(), '-aspect', '4:3'], { width: 360, height: 288 }),
  variant('pixels 64/45, vob', 'vob', [...mpeg2(), '-aspect', '16:9'], { width: 360, height: 288 }),
  variant('pixels 64/45, interlaced, ts', 'ts', [...order('tff'), ...mpeg2(), ...fields, '-aspect', '16:9'], {
    width: 360,
    height: 288,
    scan: 'tff',
    pictures: 20,
  }),
];

const sizes: Variant[] = [
  // Widths that are no multiple of 16: memory behind a row must not get into the picture.
  ...[162, 166, 170, 174].flatMap((width) =>
    ['mp4', 'avi'].map((container) =>
      variant(`${width} wide, ${container}`, container, container === 'avi' ? mjpeg() : h264(), {
        width,
        height: 98,
        sample: width === 166 && container === 'mp4',
      }),
    ),
  ),
  ...(
    [
      ['h264 4:4:4', 'mp4', h264('', 'yuv444p')],
      ['vp9', 'webm', vp9()],
      ['mjpeg', 'avi', mjpeg()],
      ['ffv1 4:2:0', 'mkv', ['-c:v', 'ffv1', '-pix_fmt', 'yuv420p']],
      ['mpeg4', 'mp4', mpeg4()],
      ['png', 'mov', codecs['png'] ?? []],
    ] as const
  ).map(([codec, container, encode]) =>
    variant(`321 × 241, ${codec}, ${container}`, container, encode, {
      width: 321,
      height: 241,
      pictures: 16,
      sample: codec === 'vp9',
    }),
  ),
];

/** Converted to a matrix and range, and named or left unnamed in the file. */
const colour = (matrix: string, range: 'tv' | 'pc', named: boolean, pixels = 'yuv420p'): string[] => {
  const converted = matrix === 'bt2020nc' ? 'bt2020' : matrix;
  return [
    ...['-vf', `scale=out_color_matrix=${converted}:out_range=${range}:flags=accurate_rnd,format=${pixels}`],
    ...(named
      ? [
          ...['-colorspace', matrix, '-color_range', range],
          ...['-color_primaries', matrix === 'bt2020nc' ? 'bt2020' : matrix],
          ...['-color_trc', matrix === 'bt470bg' ? 'gamma28' : matrix === 'bt2020nc' ? 'bt2020-10' : matrix],
        ]
      : ['-colorspace', 'unknown']),
  ];
};
const matrices = ['smpte170m', 'bt470bg', 'bt709', 'bt2020nc'];
/** The common encoders set the pixel format themselves; the filter has set it here. */
const anyPixels = (encode: readonly string[]): string[] => {
  const at = encode.indexOf('-pix_fmt');
  return at < 0 ? [...encode] : [...encode.slice(0, at), ...encode.slice(at + 2)];
};
const colours: Variant[] = [
  ...(
    [
      ['h264', 'mp4', anyPixels(h264())],
      ['hevc', 'mkv', anyPixels(hevc())],
      ['vp9', 'webm', vp9()],
      ['mpeg2', 'ts', anyPixels(mpeg2())],
    ] as const
  ).flatMap(([codec, container, encode]) =>
    matrices.flatMap((matrix) =>
      (['tv', 'pc'] as const)
        // MPEG-2 has no full range.
        .filter((range) => codec !== 'mpeg2' || range === 'tv')
        .flatMap((range) =>
          [true, false].map((named) =>
            variant(
              `${codec} ${matrix} ${range}${named ? '' : ', unnamed'}, ${container}`,
              container,
              [...colour(matrix, range, named), ...encode],
              {
                pictures: 12,
                sample: codec === 'h264' && range === 'pc' && matrix === 'bt709' && named,
              },
            ),
          ),
        ),
    ),
  ),
  // Above the height from which players guess BT.709 where nothing is said.
  variant('h264 unnamed, high definition, mp4', 'mp4', h264(), {
    width: 1280,
    height: 720,
    pictures: 6,
    ...sample,
  }),
  variant('mpeg2 unnamed, high definition, ts', 'ts', mpeg2(), { width: 1280, height: 720, pictures: 6 }),
];

const greys: Variant[] = [
  variant(
    'grey, full range, mp4',
    'mp4',
    [...anyPixels(h264()), '-vf', 'format=gray', '-color_range', 'pc'],
    {
      pictures: 12,
    },
  ),
  variant('grey, mjpeg, avi', 'avi', ['-c:v', 'mjpeg', '-q:v', '2', '-pix_fmt', 'gray', '-strict', '-1'], {
    pictures: 12,
  }),
  variant('grey, ffv1, mkv', 'mkv', ['-c:v', 'ffv1', '-pix_fmt', 'gray'], { pictures: 12 }),
  variant('grey, rawvideo, avi', 'avi', ['-c:v', 'rawvideo', '-pix_fmt', 'gray'], { pictures: 12 }),
  variant('grey, png, mov', 'mov', ['-c:v', 'png', '-pix_fmt', 'gray'], { pictures: 12 }),
  ...(['dnxhr', 'prores'] as const).flatMap((codec) =>
    ['smpte170m', 'bt709'].map((matrix) =>
      variant(
        `${codec} ${matrix}, mov`,
        'mov',
        [
          ...colour(matrix, 'tv', true, codec === 'dnxhr' ? 'yuv422p' : 'yuv422p10le'),
          ...anyPixels(codecs[codec] ?? []),
        ],
        { ...roomy, pictures: 12, sample: codec === 'dnxhr' && matrix === 'bt709' },
      ),
    ),
  ),
  variant(
    'dnxhr full range, mov',
    'mov',
    [...colour('bt709', 'pc', true, 'yuv422p'), ...anyPixels(codecs['dnxhr'] ?? [])],
    { ...roomy, pictures: 12 },
  ),
  variant('png with transparency, mov', 'mov', ['-vf', 'format=rgba', '-c:v', 'png'], { pictures: 12 }),
];

const long: Options = { pictures: 60 };
const copied = (before: string[], after: string[], extension: string, ...more: string[]): Step => ({
  before,
  after: [...after, '-c', 'copy', ...more],
  extension,
});
const cuts: Variant[] = [
  // At a key picture, within a group, within an open group.
  ...(
    [
      ['at a key picture', '0.6', 'open-gop=0'],
      ['within a group', '0.88', 'open-gop=0'],
      ['at an open group', '0.6', 'open-gop=1'],
      ['within an open group', '1.0', 'open-gop=1'],
    ] as const
  ).flatMap(([where, seconds, params]) =>
    ['mp4', 'mkv', 'ts', 'mov', 'flv'].map((container) =>
      // From a transport stream ffmpeg begins at the next key picture, from MP4 at the one before.
      variant(`cut ${where}, ${container}`, params === 'open-gop=1' ? 'ts' : 'mp4', h264(params), {
        ...long,
        steps: [copied(['-ss', seconds], [], container)],
        sample:
          (where === 'within an open group' && container === 'mkv') ||
          (where === 'within a group' && container === 'mp4'),
        inDepth: container !== 'mp4' ? 'no' : where === 'within a group' ? 'in the sample' : 'in the matrix',
      }),
    ),
  ),
  ...['mp4', 'mov', 'mkv'].map((container) =>
    variant(`cut at both ends, ${container}`, 'mp4', h264(), {
      ...long,
      steps: [copied(['-ss', '0.88'], ['-t', '1'], container)],
      sample: container === 'mov',
    }),
  ),
  variant('cut at both ends, with sound, mp4', 'mp4', [...h264(), ...sound('aac')], {
    ...long,
    soundSeconds: 2.4,
    steps: [copied(['-ss', '0.88'], ['-t', '1'], 'mp4')],
  }),
  variant('cut at both ends, hevc, mp4', 'mp4', hevc(), {
    ...long,
    steps: [copied(['-ss', '0.88'], ['-t', '1'], 'mp4')],
  }),
  variant('cut twice, mp4', 'mp4', h264(), {
    ...long,
    steps: [copied(['-ss', '0.4'], ['-t', '1.6'], 'mp4'), copied(['-ss', '0.5'], ['-t', '0.8'], 'mp4')],
  }),
  variant('cut open group, hevc, mp4', 'ts', hevc('open-gop=1'), {
    ...long,
    steps: [copied(['-ss', '1.0'], [], 'mp4')],
  }),
  variant('cut open group, mpeg2, ts', 'ts', mpeg2(), { ...long, steps: [copied(['-ss', '1.0'], [], 'ts')] }),
  variant('cut open group, mpeg2, mpg', 'mpg', mpeg2(), {
    ...long,
    width: 320,
    height: 240,
    steps: [copied(['-ss', '1.0'], [], 'mpg', '-f', 'vob')],
  }),
  variant('cut, mpeg4 with B pictures, avi', 'avi', mpeg4('-bf', '2'), {
    ...long,
    steps: [copied(['-ss', '1.0'], [], 'avi')],
  }),
  variant('cut, mpeg4 with B pictures, mp4', 'mp4', mpeg4('-bf', '2'), {
    ...long,
    steps: [copied(['-ss', '1.0'], [], 'mp4')],
  }),
];

const editLists: Variant[] = [
  // Edit lists in milliseconds of the shown film: [start, length]; null starts are empty.
  ...(
    [
      [
        'two pieces',
        [
          [0, 600],
          [1200, 600],
        ],
        true,
      ],
      [
        'two pieces within groups',
        [
          [200, 520],
          [1320, 600],
        ],
        false,
      ],
      [
        'two pieces in wrong order',
        [
          [1200, 600],
          [0, 600],
        ],
        false,
      ],
      [
        'a piece twice',
        [
          [600, 600],
          [600, 600],
        ],
        false,
      ],
      [
        'an empty edit first',
        [
          [null, 500],
          [0, 2400],
        ],
        false,
      ],
      [
        'an empty edit between',
        [
          [0, 600],
          [null, 400],
          [1200, 600],
        ],
        false,
      ],
      ['the end', [[0, 1000]], false],
      ['the start', [[920, 1480]], false],
      ['one picture', [[800, 40]], false],
    ] as const
  ).flatMap(([what, edits, inSample]) =>
    [0, 3].map((b) =>
      variant(
        `edit list: ${what}, ${b === 0 ? 'without' : 'with'} B pictures, mp4`,
        'mp4',
        h264(`bframes=${b}`),
        {
          ...long,
          steps: [{ change: (bytes) => editList(bytes, edits) }],
          sample: inSample && b === 3,
          inDepth: inSample && b === 3 ? 'in the matrix' : 'no',
        },
      ),
    ),
  ),
];

const fragments: Variant[] = [
  variant('no edit list with B pictures, mp4', 'mp4', [...h264(), '-use_editlist', '0'], {
    ...long,
    ...sample,
  }),
  variant('negative composition offsets, mp4', 'mp4', [...h264(), '-movflags', 'negative_cts_offsets'], long),
  variant('index at the front, mp4', 'mp4', [...h264(), '-movflags', 'faststart'], long),
  variant('fragmented, mp4', 'mp4', [...h264(), '-movflags', 'frag_keyframe+empty_moov+default_base_moof'], {
    ...long,
    ...sample,
  }),
  variant('fragmented with a full index, mp4', 'mp4', [...h264(), '-movflags', 'frag_keyframe'], long),
  variant(
    'fragmented every picture, mp4',
    'mp4',
    [...h264(), '-movflags', 'frag_every_frame+empty_moov'],
    long,
  ),
  variant(
    'fragmented with delayed index, mp4',
    'mp4',
    [...h264(), '-movflags', 'frag_keyframe+delay_moov'],
    long,
  ),
  variant(
    'fragmented with sound, mp4',
    'mp4',
    [...h264(), ...sound('aac'), '-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
    { ...long, soundSeconds: 2.4 },
  ),
  variant(
    'fragmented, recorded in the middle, mp4',
    'mp4',
    [...h264(), '-movflags', 'frag_keyframe+empty_moov+default_base_moof', '-output_ts_offset', '7'],
    long,
  ),
];

const recordings: Variant[] = [
  // What a recorder writes behind each other, and one behind the other.
  ...['ts', 'mkv', 'mp4', 'flv', 'm2ts'].map((container) =>
    variant(`second part of a split recording, ${container}`, 'ts', h264(), {
      ...long,
      steps: [
        copied(['-ss', '0.6'], [], container, '-output_ts_offset', '3600', ...(muxing[container] ?? [])),
      ],
      sample: container === 'ts',
    }),
  ),
  variant('second part of a split recording, mpg', 'mpg', mpeg2(), {
    ...long,
    width: 320,
    height: 240,
    steps: [copied([], [], 'mpg', '-output_ts_offset', '3600', '-f', 'vob')],
  }),
  variant('two joined, mpg', 'mpg', [...mpeg2(), '-f', 'vob'], {
    pictures: 30,
    width: 320,
    height: 240,
    steps: [{ change: twice }],
    ...sample,
    inDepth: 'in the matrix',
  }),
  variant('two joined, ts', 'ts', h264(), { pictures: 30, steps: [{ change: twice }] }),
  variant('two joined, mkv', 'mkv', h264(), { pictures: 30, steps: [{ change: twice }] }),
  variant('two joined, h264', 'h264', h264(), { pictures: 30, steps: [{ change: twice }] }),
  variant('two joined, m2v', 'm2v', mpeg2(), { pictures: 30, steps: [{ change: twice }] }),
];

const damaged: Variant[] = [
  ...(
    [
      ['mp4', 'mp4', [...h264(), '-movflags', 'faststart']],
      ['fragmented mp4', 'mp4', [...h264(), '-movflags', 'frag_keyframe+empty_moov+default_base_moof']],
      ['mkv', 'mkv', [...h264(), '-cluster_time_limit', '300']],
      ['ts', 'ts', h264()],
      ['mpg', 'mpg', mpeg2()],
      ['avi', 'avi', mjpeg()],
      ['flv', 'flv', h264()],
      ['webm', 'webm', vp9()],
      ['y4m', 'y4m', ['-pix_fmt', 'yuv420p']],
    ] as const
  ).map(([what, container, encode]) =>
    variant(`tail missing, ${what}`, container, encode, {
      ...long,
      ...(container === 'mpg' ? { width: 320, height: 240 } : {}),
      steps: [{ change: (bytes) => cutTo(bytes, 0.7) }],
      cutShort: true,
      sample: what === 'mkv',
    }),
  ),
  variant('beginning missing, ts', 'ts', h264(), {
    ...long,
    steps: [{ change: (bytes) => bytes.subarray(188 * 40) }],
  }),
  variant('beginning missing, mpg', 'mpg', mpeg2(), {
    ...long,
    width: 320,
    height: 240,
    steps: [{ change: (bytes) => bytes.subarray(2048 * 6) }],
  }),
  variant('beginning missing, open groups, ts', 'ts', h264('open-gop=1'), {
    ...long,
    steps: [{ change: (bytes) => bytes.subarray(188 * 40) }],
  }),
];

/** The rows of the table in docs/sources.md. */
export const kinds: Readonly<Record<string, readonly Variant[]>> = {
  'container and codec': containersAndCodecs,
  'animated pictures, Y4M': pictureFormats,
  'profiles, pixel formats, groups of pictures': h264Kinds,
  'with sound, other tracks': withSound,
  'constant rate': timing,
  'varying rate': varyingRate,
  'late start, one or two pictures': lengths,
  'interlaced, telecine': scans,
  turned: geometry,
  'oblong pixels': oblong,
  'widths and heights': sizes,
  'range and matrix': colours,
  'grey, levels, transparency': greys,
  'cut without encoding': cuts,
  'edit lists': editLists,
  'index of MP4, fragments': fragments,
  'split and joined recordings': recordings,
  'beginning or end missing': damaged,
};

export const variants: readonly Variant[] = Object.values(kinds).flat();
