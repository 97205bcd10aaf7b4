import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displaySize, isFourToOne, jpegSize, parseCaps, parseFraction } from './picture-format.js';

describe('picture format', () => {
  it('reads rates as fractions', () => {
    expect(parseFraction('25/1')).toBe(25);
    expect(parseFraction('30000/1001')).toBeCloseTo(29.97, 3);
    expect(parseFraction('0/1')).toBeNull();
    expect(parseFraction('1/0')).toBeNull();
    expect(parseFraction(25)).toBeNull();
  });

  it('makes pixels square without losing detail', () => {
    expect(displaySize({ width: 720, height: 576 }, '16/15')).toEqual({ width: 768, height: 576 });
    expect(displaySize({ width: 720, height: 480 }, '8/9')).toEqual({ width: 720, height: 540 });
    expect(displaySize({ width: 321, height: 243 }, '1/1')).toEqual({ width: 321, height: 243 });
  });

  it('reads caps text', () => {
    const text =
      'video/x-raw, format=(string)I420, width=(int)630, height=(int)584, interlace-mode=(string)progressive, ' +
      'pixel-aspect-ratio=(fraction)4/3, chroma-site=(string)mpeg2, framerate=(fraction)25/1';
    expect(parseCaps(text)).toEqual({
      width: 630,
      height: 584,
      pixelAspect: '4/3',
      framesPerSecond: 25,
      pixelFormat: 'I420',
    });
    expect(parseCaps('audio/x-raw, rate=(int)48000')).toBeNull();
    expect(parseCaps('video/x-raw, width=(int)2, height=(int)1, framerate=(fraction)0/1')).toEqual({
      width: 2,
      height: 1,
      pixelAspect: '1/1',
      framesPerSecond: null,
      pixelFormat: null,
    });
  });

  it('knows which formats have one colour sample for four pixels', () => {
    for (const format of ['I420', 'NV12']) expect(isFourToOne(format)).toBe(true);
    for (const format of ['UYVY', 'I420_10LE', 'Y444', 'RGBx', null]) expect(isFourToOne(format)).toBe(false);
  });

  it('finds the size in a JPEG header and in nothing else', () => {
    const jpeg = Uint8Array.from([
      0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc4, 0, 3, 9, 0xff, 0xc0, 0, 17, 8, 0, 243, 1, 65, 3, 1,
      0x11,
    ]);
    expect(jpegSize(jpeg)).toEqual({ width: 321, height: 243 });
    for (let cut = 0; cut < 20; cut += 1) expect(jpegSize(jpeg.subarray(0, cut))).toBeNull();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void jpegSize(bytes)));
  });
});
