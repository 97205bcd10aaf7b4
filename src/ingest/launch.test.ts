import { describe, expect, it } from 'vitest';
import { classifyBusError, classifyLaunchError } from './bus-errors.js';
import { fraction, isPaced, launchString, quote, sourceLaunch } from './launch.js';
import { parseSourceUri } from './source-uri.js';

const both = {
  analysisSize: { width: 448, height: 256 },
  displayQuality: 85,
  mode: 'live',
  pushed: null,
} as const;

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
    expect(sourceLaunch(parseSourceUri('rtsp://cam/x#latencyMs=80'), null)).toContain(
      'rtspsrc location="rtsp://cam/x" protocols=tcp latency=80 drop-on-latency=true',
    );
    expect(sourceLaunch(parseSourceUri('rtsp://nurse:a"b\\c@cam/x'), null)).toContain(
      'rtspsrc location="rtsp://cam/x" user-id="nurse" user-pw="a\\"b\\\\c" protocols=tcp',
    );
    expect(sourceLaunch(parseSourceUri('srt://h:1?mode=caller'), null)).toBe(
      'srtsrc uri="srt://h:1?mode=caller" ! decodebin',
    );
    expect(sourceLaunch(parseSourceUri('v4l2:///dev/video0'), null)).toBe(
      'v4l2src device="/dev/video0" ! decodebin',
    );
    expect(
      sourceLaunch(parseSourceUri('v4l2:///dev/video0?width=1920&height=1080&fps=60&encoding=mjpeg'), null),
    ).toBe('v4l2src device="/dev/video0" ! image/jpeg,width=1920,height=1080,framerate=60/1 ! decodebin');
    expect(sourceLaunch(parseSourceUri('v4l2:///dev/video0?fps=30'), null)).toBe(
      'v4l2src device="/dev/video0" ! capsfilter caps="video/x-raw,framerate=30/1;image/jpeg,framerate=30/1" ! decodebin',
    );
    expect(sourceLaunch(parseSourceUri('decklink://1?mode=1080i50&connection=sdi'), null)).toContain(
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
