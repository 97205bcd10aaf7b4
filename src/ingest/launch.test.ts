import { describe, expect, it } from 'vitest';
import { classifyBusError, classifyLaunchError } from './bus-errors.js';
import { cameraLaunch, fraction, isPaced, launchString, quote } from './launch.js';
import { parseSourceUri } from './source-uri.js';

const both = {
  analysisSize: { width: 448, height: 256 },
  displayQuality: 85,
  mode: 'live',
  fed: {
    size: { width: 1280, height: 720 },
    paddedWidth: 1280,
    pixelFormat: 'I420',
    colorimetry: '2:3:0:0',
    framesPerSecond: 25,
  },
} as const;

function cameraOf(uri: string): string {
  const address = parseSourceUri(uri);
  if (
    address.kind !== 'rtsp' &&
    address.kind !== 'srt' &&
    address.kind !== 'v4l2' &&
    address.kind !== 'decklink'
  )
    throw new Error(`${uri} is no camera`);
  return cameraLaunch(address);
}

describe('launch strings', () => {
  it('quotes file names so that they stay one value', () => {
    expect(quote('/a b/"x"\\y!.mp4')).toBe('"/a b/\\"x\\"\\\\y!.mp4"');
  });

  it('writes frame rates as fractions', () => {
    expect([25, 30000 / 1001, 12.5, 29.97].map(fraction)).toEqual([
      '25/1',
      '30000/1001',
      '12500/1000',
      '30000/1001',
    ]);
  });

  it('opens cameras with short buffers and the chosen transport', () => {
    expect(cameraOf('rtsp://cam/x#latencyMs=80')).toContain(
      'rtspsrc location="rtsp://cam/x" protocols=tcp latency=80 drop-on-latency=true',
    );
    expect(cameraOf('rtsp://nurse:a"b\\c@cam/x')).toContain(
      'rtspsrc location="rtsp://cam/x" user-id="nurse" user-pw="a\\"b\\\\c" protocols=tcp',
    );
    expect(cameraOf('srt://h:1?mode=caller')).toBe('srtsrc uri="srt://h:1?mode=caller" ! decodebin');
    expect(cameraOf('v4l2:///dev/video0')).toBe('v4l2src device="/dev/video0" ! decodebin');
    expect(cameraOf('v4l2:///dev/video0?width=1920&height=1080&fps=60&encoding=mjpeg')).toBe(
      'v4l2src device="/dev/video0" ! image/jpeg,width=1920,height=1080,framerate=60/1 ! decodebin',
    );
    expect(cameraOf('v4l2:///dev/video0?fps=30')).toBe(
      'v4l2src device="/dev/video0" ! capsfilter caps="video/x-raw,framerate=30/1;image/jpeg,framerate=30/1" ! decodebin',
    );
    expect(cameraOf('decklink://1?mode=1080i50&connection=sdi')).toContain(
      'decklinkvideosrc device-number=1 mode=1080i50 connection=sdi',
    );
  });

  it('drops in live mode and never in replay', () => {
    const file = parseSourceUri('/x.mp4');
    const liveText = launchString(file, both);
    const replayText = launchString(file, { ...both, mode: 'replay' });
    expect(liveText.match(/leaky=downstream/g)).toHaveLength(2);
    expect(liveText).toContain('fakesink name=pace sync=true');
    expect(replayText).not.toContain('leaky');
    expect(replayText).not.toContain('drop=true');
    expect(replayText).toContain('fakesink name=pace sync=false');
    expect(isPaced(parseSourceUri('rtsp://cam/x'), 'live')).toBe(false);
  });

  it('takes woven fields apart before anything scales the picture, unless it is told not to', () => {
    const camera = { ...both, fed: null };
    const text = launchString(parseSourceUri('rtsp://cam/x'), camera);
    expect(text.indexOf('deinterlace mode=auto fields=top')).toBeGreaterThan(0);
    expect(text.indexOf('deinterlace')).toBeLessThan(text.indexOf('videoscale'));
    const woven = launchString(parseSourceUri('rtsp://cam/x#deinterlace=off'), camera);
    expect(woven).not.toContain('deinterlace');
    expect(woven).toContain('capssetter caps="video/x-raw,interlace-mode=progressive"');
  });

  it('fills up the blocks of the JPEG encoder, and cuts that away before the network sees it', () => {
    const file = parseSourceUri('/x.mp4');
    const odd = { ...both.fed, size: { width: 630, height: 584 }, paddedWidth: 640 };
    const text = launchString(file, { ...both, fed: odd });
    expect(text).toContain('width=640,height=584');
    expect(text).toContain('videocrop right=10 ! videoscale');
    expect(launchString(file, both)).not.toContain('videocrop');
  });

  it('knows from the start how a fed picture becomes a JPEG: nothing is negotiated later', () => {
    const file = parseSourceUri('/x.mp4');
    const colour = (fed: Partial<typeof both.fed> | { pixelFormat: 'Y444' | 'RGB' }): string =>
      /name=displaycolour caps="([^"]*)"/.exec(
        launchString(file, { ...both, fed: { ...both.fed, ...fed } }),
      )?.[1] ?? '';
    expect(colour({})).toBe('video/x-raw,format=I420,colorimetry=1:2:0:0');
    expect(colour({ pixelFormat: 'Y444' })).toBe('video/x-raw,format=Y444,colorimetry=1:2:0:0');
    expect(colour({ pixelFormat: 'RGB' })).toBe('video/x-raw,format=Y444,colorimetry=1:4:0:0');
    // What JFIF wants already is left alone.
    const full = { ...both.fed, colorimetry: '1:4:0:0' };
    expect(launchString(file, { ...both, fed: full })).toContain('format=I420,colorimetry=1:4:0:0');
  });

  it('leaves out a branch that nobody wants', () => {
    const file = parseSourceUri('/x.mp4');
    expect(launchString(file, { ...both, displayQuality: null })).not.toContain('jpegenc');
    expect(launchString(file, { ...both, analysisSize: null })).not.toContain('name=analysis');
  });
});

describe('GStreamer errors', () => {
  const address = {
    file: parseSourceUri('/x.mp4'),
    rtsp: parseSourceUri('rtsp://bob:secret@cam/x'),
    v4l2: parseSourceUri('v4l2:///dev/video0'),
  };
  it.each([
    ['rtsp', 'Unauthorized', 'Unauthorized (401)', 'SONO_SOURCE_UNAUTHORIZED'],
    ['rtsp', 'Not found', 'Not Found (404)', 'SONO_SOURCE_NOT_FOUND'],
    [
      'rtsp',
      'Could not open resource for reading and writing.',
      'Failed to connect. (Generic error)',
      'SONO_SOURCE_REFUSED',
    ],
    ['rtsp', 'Something new.', 'nobody knows', 'SONO_SOURCE_FAILED'],
    ['file', 'Could not determine type of stream.', '', 'SONO_SOURCE_NOT_VIDEO'],
    [
      'file',
      'Internal data stream error.',
      'streaming stopped, reason not-linked (-1)',
      'SONO_SOURCE_NO_PICTURE',
    ],
    [
      'file',
      'Your GStreamer installation is missing a plug-in.',
      'Missing decoder: AV9 (video/x-av9)',
      'SONO_SOURCE_CODEC',
    ],
    ['file', 'This file contains no playable streams.', 'no known streams found', 'SONO_SOURCE_DAMAGED'],
    [
      'v4l2',
      "Cannot identify device '/dev/video0'.",
      'system error: No such file or directory',
      'SONO_SOURCE_DEVICE_ABSENT',
    ],
    ['v4l2', "Device '/dev/video0' is busy", 'Call to S_FMT failed', 'SONO_SOURCE_DEVICE_BUSY'],
  ] as const)('%s: "%s" is %s', (kind, message, debug, code) => {
    const failure = classifyBusError(address[kind], { message, debug, element: 'x' });
    expect(failure.code).toBe(code);
    expect(JSON.stringify(failure.details)).not.toContain('secret');
  });

  it('tells a missing card driver from a missing part', () => {
    const missing = (element: string): string => `no element "${element}"`;
    expect(classifyLaunchError(parseSourceUri('decklink://0'), missing('decklinkvideosrc')).code).toBe(
      'SONO_SOURCE_DEVICE_ABSENT',
    );
    expect(classifyLaunchError(address.file, missing('videoflip'))).toMatchObject({
      code: 'SONO_SOURCE_PLUGIN',
      details: { element: 'videoflip' },
    });
  });
});
