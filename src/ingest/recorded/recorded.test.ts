import { describe, expect, it } from 'vitest';
import { readReport } from './about.js';
import { parseScalerLine, parseTimeLine, readingArguments } from './arguments.js';
import { PacketCounter, parsePacketLine } from './packets.js';
import { inputArguments } from './tools.js';

const stream = {
  index: 0,
  codec_type: 'video',
  codec_name: 'h264',
  width: 720,
  height: 576,
  pix_fmt: 'yuv420p',
  sample_aspect_ratio: '16:15',
  field_order: 'tt',
  avg_frame_rate: '25/1',
  disposition: { default: 1, attached_pic: 0 },
};
const pictureOf = (...streams: object[]) => {
  const about = readReport({ streams, format: { format_long_name: 'QuickTime / MOV', duration: '2.0' } });
  if (about.kind !== 'picture') throw new Error(about.kind);
  return about.picture;
};

describe('what a file says about its picture', () => {
  it('makes pixels square, then turns the picture upright', () => {
    expect(pictureOf(stream).size).toEqual({ width: 768, height: 576 });
    expect(pictureOf({ ...stream, side_data_list: [{}, { rotation: -90 }] }).size).toEqual({
      width: 576,
      height: 768,
    });
    expect(pictureOf({ ...stream, side_data_list: [{ rotation: 180 }] }).size).toEqual({
      width: 768,
      height: 576,
    });
    expect(pictureOf({ ...stream, sample_aspect_ratio: '0:1' }).size).toEqual({ width: 720, height: 576 });
  });

  it.each([
    // Unnamed is BT.601 with limited levels, grey is full: as FFmpeg takes them.
    [{}, 'yuv420p', '2:4:0:0'],
    [{ color_space: 'bt709' }, 'yuv420p', '2:3:0:0'],
    [{ color_space: 'bt709', color_range: 'pc' }, 'yuvj420p', '1:3:0:0'],
    [{ pix_fmt: 'yuvj420p' }, 'yuvj420p', '1:4:0:0'],
    [{ pix_fmt: 'yuv422p10le', color_space: 'bt2020nc', color_range: 'tv' }, 'yuv422p', '2:6:0:0'],
    [{ pix_fmt: 'yuv411p' }, 'yuv422p', '2:4:0:0'],
    [{ pix_fmt: 'yuva444p' }, 'yuv444p', '2:4:0:0'],
    [{ pix_fmt: 'nv12' }, 'yuv420p', '2:4:0:0'],
    [{ pix_fmt: 'uyvy422' }, 'yuv422p', '2:4:0:0'],
    [{ pix_fmt: 'gray' }, 'gray', '1:4:0:0'],
    [{ pix_fmt: 'gray10le', color_range: 'tv' }, 'gray', '2:4:0:0'],
    [{ pix_fmt: 'pal8' }, 'rgb24', 'sRGB'],
    [{ pix_fmt: 'gbrp', color_space: 'gbr' }, 'rgb24', 'sRGB'],
    // A matrix that GStreamer does not know is resolved by FFmpeg.
    [{ color_space: 'ycgco' }, 'rgb24', 'sRGB'],
  ])('%j leaves as %s, meaning %s', (change, samples, colorimetry) => {
    expect(pictureOf({ ...stream, ...change })).toMatchObject({ samples, colorimetry });
  });

  it('expects woven fields where the stream or its first pictures say so, and nowhere else', () => {
    const woven = (change: object, frame: object = {}) => {
      const about = readReport({
        streams: [{ ...stream, ...change }],
        frames: [{ stream_index: 0, ...frame }],
      });
      return about.kind === 'picture' && about.picture.mayBeInterlaced;
    };
    expect(woven({})).toBe(true);
    expect(woven({ field_order: 'progressive' })).toBe(false);
    expect(woven({ field_order: 'unknown' })).toBe(false);
    expect(woven({ field_order: 'unknown' }, { interlaced_frame: 1 })).toBe(true);
    expect(woven({ width: 2 })).toBe(false);
  });

  it('believes the decoder where the container says something else about the colours', () => {
    const about = readReport({
      streams: [{ ...stream, color_space: 'smpte170m', color_range: 'tv' }],
      frames: [
        { stream_index: 1, color_space: 'bt2020nc' },
        { stream_index: 0, color_space: 'bt709', color_range: 'pc' },
      ],
    });
    expect(about).toMatchObject({ picture: { samples: 'yuvj420p', colorimetry: '1:3:0:0' } });
  });

  it('takes the stream that FFmpeg would: the default one, then the largest; covers are no video', () => {
    const cover = {
      ...stream,
      index: 1,
      disposition: { default: 1, attached_pic: 1 },
      width: 4000,
      height: 4000,
    };
    const small = { ...stream, index: 2, disposition: { default: 0 }, width: 320 };
    const large = { ...stream, index: 3, disposition: { default: 0 }, width: 1920 };
    expect(pictureOf(cover, small, large).stream).toBe(3);
    expect(pictureOf(cover, small, large, { ...small, index: 4, disposition: { default: 1 } }).stream).toBe(
      4,
    );
    expect(readReport({ streams: [cover, { index: 0, codec_type: 'audio' }] })).toEqual({
      kind: 'no-picture',
    });
  });

  it('names what cannot be read', () => {
    expect(readReport({ streams: [{ index: 0, codec_type: 'video', codec_tag_string: 'ZZ99' }] })).toEqual({
      kind: 'unknown-codec',
      codec: 'ZZ99',
    });
    expect(readReport({ streams: [{ ...stream, width: 20_000 }] })).toMatchObject({ kind: 'too-large' });
    expect(readReport({ streams: [{ ...stream, width: 0 }] })).toEqual({ kind: 'unreadable' });
    expect(readReport({ streams: 'none' })).toEqual({ kind: 'unreadable' });
  });
});

describe('arguments', () => {
  it('open the file itself and nothing else, also where its name looks like an address', () => {
    const text = inputArguments('http://camera/x').join(' ');
    expect(text).toContain('-protocol_whitelist file');
    expect(text).toContain('-i file:http://camera/x');
    // Containers that name other files or addresses.
    const allowed = /-format_whitelist (\S+)/.exec(text)?.[1]?.split(',') ?? [];
    for (const list of ['hls', 'concat', 'dash', 'sdp', 'rtsp', 'rtp', 'imf', 'image2', 'lavfi', 'tee'])
      expect(allowed).not.toContain(list);
  });

  it('take woven fields apart before scaling, unless told not to; never repeat or drop a picture', () => {
    const text = (mode: 'auto' | 'off') => readingArguments('/x.mp4', pictureOf(stream), mode, 0).join(' ');
    expect(text('auto')).toContain('[0:0]yadif=mode=send_frame:deint=interlaced,scale@picture=768:576');
    expect(text('off')).not.toContain('yadif');
    expect(text('auto').match(/-fps_mode passthrough/g)).toHaveLength(2);
    expect(readingArguments('/x.mp4', pictureOf(stream), 'auto', 7).join(' ')).toContain(
      '-ss 7 -i file:/x.mp4',
    );
  });

  it('read times and sizes out of FFmpeg’s own lines', () => {
    expect(parseTimeLine('0,   40000000,   80000000, 40000000,        6, 0x0d50035e')).toEqual({
      ptsNs: 80e6,
      durationNs: 40e6,
    });
    expect(parseTimeLine('#tb 0: 1/1000000000')).toBeNull();
    expect(
      parseScalerLine(
        '[scale@picture @ 0x56] [verbose] w:320 h:240 fmt:yuv420p sar:1/1 -> w:160 h:120 fmt:yuv420p sar:1/1 flags:0x0',
      ),
    ).toEqual({ width: 320, height: 240 });
    expect(parseScalerLine("[scale@picture @ 0x56] [verbose] w:240 h:320 flags:'' interl:0")).toBeNull();
  });
});

describe('counting packets', () => {
  const count = (lines: readonly string[], isWhole = true, mayReorder = true) => {
    const counter = new PacketCounter();
    for (const line of lines) {
      const packet = parsePacketLine(line);
      if (packet !== null) counter.add(packet);
    }
    return counter.summary(isWhole, mayReorder);
  };
  const plain = Array.from(
    { length: 10 },
    (_, n) => `0,${n * 0.04},${n * 0.04 - 0.08},900,${n === 0 ? 'K_' : '__'}`,
  );

  it('gives a number where every packet is a picture, in any order of display', () => {
    expect(count(plain)).toEqual({ frameCount: 10, isConstant: true });
    expect(count(['0,0,-0.08,9,K_', '0,0.12,-0.04,9,__', '0,0.04,0,9,__', '0,0.08,0.04,9,__'])).toEqual({
      frameCount: 4,
      isConstant: true,
    });
    // An edit list hides the first two.
    expect(count(plain.map((line, n) => (n < 2 ? line.replace(/_$/, 'D') : line)))).toMatchObject({
      frameCount: 8,
    });
    // Without a time of display by the order of decoding, where every picture stands alone.
    const untimed = plain.map((line) => line.replace(/^0,[^,]*/, '0,N/A'));
    expect(count(untimed.map((line) => line.replace('__', 'K_')))).toMatchObject({ frameCount: 10 });
    expect(count(untimed, true, false)).toMatchObject({ frameCount: 10 });
  });

  it.each([
    ['pictures before the first key picture', ['0,0.08,0,9,K_', '0,0,0.04,9,__', '0,0.04,0.08,9,__']],
    ['no key picture at the start', plain.slice(1)],
    ['an empty packet', [...plain, '0,0.4,0.4,0,__']],
    ['a repeated time', [...plain, plain.at(-1) ?? '']],
    ['no times of display', plain.map((line) => line.replace(/^0,[^,]*/, '0,N/A'))],
    ['packets without any time', plain.map((line) => line.replace(/^0,[^,]*,[^,]*/, '0,N/A,N/A'))],
    ['nothing', []],
  ])('gives none with %s', (_, lines) => {
    expect(count(lines).frameCount).toBeNull();
  });

  it('gives none for a list that has not come to its end, and tells constant from varying rates', () => {
    expect(count(plain, false).frameCount).toBeNull();
    expect(count(plain.filter((_, n) => n !== 4)).isConstant).toBe(false);
    // Milliseconds: 33, 34, 33.
    expect(count([0, 0.033, 0.067, 0.1].map((t) => `0,${t},${t},9,K_`)).isConstant).toBe(true);
    expect(count(plain.slice(0, 2)).isConstant).toBeNull();
  });
});
