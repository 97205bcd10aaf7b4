import { describe, expect, it } from 'vitest';
import { parseSourceUri } from '../ingest/source-uri.js';
import { holdsSecret, redact, redactText } from './redact.js';

/** Every form in which somebody may write a secret; what must not be seen again; what is shown instead. */
const secretForms: readonly (readonly [uri: string, secrets: readonly string[], shown: string])[] = [
  ['rtsp://nurse:s3cret@cam/live', ['s3cret', 'nurse'], 'rtsp://***@cam/live'],
  ['RTSP://nurse:s3cret@cam:554/live', ['s3cret'], 'RTSP://***@cam:554/live'],
  ['rtsps://nurse:s3cret@cam/live', ['s3cret'], 'rtsps://***@cam/live'],
  ['rtspu://nurse:s3cret@cam/live', ['s3cret'], 'rtspu://***@cam/live'],
  ['RtspT://nurse:s3cret@cam/live', ['s3cret'], 'RtspT://***@cam/live'],
  ['  rtsp://nurse:s3cret@cam/live ', ['s3cret'], 'rtsp://***@cam/live'],
  ['rtsp://t0ken-alone@cam/live', ['t0ken-alone'], 'rtsp://***@cam/live'],
  ['rtsp://:s3cret@cam/live', ['s3cret'], 'rtsp://***@cam/live'],
  ['rtsp://nurse:s3@cret@cam/live', ['s3', 'cret'], 'rtsp://***@cam/live'],
  ['rtsp://nurse:s3:cret@cam/live', ['s3', 'cret'], 'rtsp://***@cam/live'],
  ['rtsp://nurse:s3/cret@cam/live', ['s3', 'cret'], 'rtsp://***@cam/live'],
  ['rtsp://nurse:1234/cret@cam/live', ['1234', 'cret'], 'rtsp://***@cam/live'],
  ['rtsp://nurse:s3?cret@cam/live', ['s3', 'cret'], 'rtsp://***@cam/live'],
  ['rtsp://nurse:s3#cret@cam/live', ['s3', 'cret'], 'rtsp://***@cam/live'],
  ['rtsp://nurse:1234#cret@cam/live', ['1234', 'cret'], 'rtsp://***'],
  ['rtsp://nurse:s3%cret@cam/live', ['s3', 'cret'], 'rtsp://***@cam/live'],
  ['rtsp://nurse:s3 cret@cam/live', ['s3', 'cret'], 'rtsp://***@cam/live'],
  ['rtsp://nurse:s%33cr%65t@cam/live', ['s%33cr%65t', 's3cret'], 'rtsp://***@cam/live'],
  ['rtsp://nurse%3As3cret%40cam/live', ['s3cret'], 'rtsp://***/live'],
  ['rtsp://nurse:s3cret@[fe80::1]:554/live', ['s3cret'], 'rtsp://***@[fe80::1]:554/live'],
  ['rtsp://nurse:s3cret', ['s3cret'], 'rtsp://***'],
  ['rtsp:/nurse:s3cret@cam/live', ['s3cret'], 'rtsp:/***@cam/live'],
  ['rtsp:nurse:s3cret@cam/live', ['s3cret'], 'rtsp:***@cam/live'],
  ['nurse:s3cret@cam/live', ['s3cret'], '***@cam/live'],
  ['//nurse:s3cret@cam/live', ['s3cret'], '//***@cam/live'],
  ['left=rtsp://nurse:s3cret@cam/live', ['s3cret'], 'left=rtsp://***@cam/live'],
  ['rtsp://cam/live?token=s3cret', ['s3cret'], 'rtsp://cam/live?token=***'],
  ['rtsp://cam/live?auth=s3cret&channel=1', ['s3cret'], 'rtsp://cam/live?auth=***&channel=1'],
  [
    'rtsp://cam/live?user=nurse&password=s3cret',
    ['s3cret', 'nurse'],
    'rtsp://cam/live?user=***&password=***',
  ],
  ['rtsp://cam/live?channel=1;PassWord=s3cret', ['s3cret'], 'rtsp://cam/live?channel=1;PassWord=***'],
  ['rtsp://cam/live?p%61ss=s3cret', ['s3cret'], 'rtsp://cam/live?***'],
  ['rtsp://cam/live?s3cret', ['s3cret'], 'rtsp://cam/live?***'],
  ['rtsp://cam/live?token=a@s3cret', ['s3cret'], 'rtsp://***'],
  ['rtsp://cam/live#s3cret', ['s3cret'], 'rtsp://cam/live#***'],
  ['rtsp://cam/live#token=s3cret&transport=udp', ['s3cret'], 'rtsp://cam/live#token=***&transport=udp'],
  [
    'rtsp://cam/user=nurse&password=s3cret&channel=1&stream=0.sdp?',
    ['s3cret', 'nurse'],
    'rtsp://cam/user=***&password=***&channel=1&stream=0.sdp?',
  ],
  ['rtsp://cam/token/s3cret/live', ['s3cret'], 'rtsp://cam/token/***/live'],
  ['rtsps://cam:7441/5nPr7RCmueGTKP7N', ['5nPr7RCmueGTKP7N'], 'rtsps://cam:7441/***'],
  ['rtsp://cam/live%3Ftoken%3Ds3cret', ['s3cret'], 'rtsp://cam/***'],
  ['srt://cam:7001?passphrase=s3cret-s3cret', ['s3cret'], 'srt://cam:7001?passphrase=***'],
  [
    'srt://cam:7001?mode=caller&PassPhrase=s3cret-s3cret&latency=80',
    ['s3cret'],
    'srt://cam:7001?mode=caller&PassPhrase=***&latency=80',
  ],
  ['srt://cam:7001?pass%70hrase=s3cret-s3cret', ['s3cret'], 'srt://cam:7001?***'],
  ['SRT://cam:7001?streamid=#!::u=nurse,r=s3cret', ['s3cret', 'nurse'], 'SRT://cam:7001?streamid=#***,r=***'],
  [
    'srt://cam:7001?streamid=%23!%3A%3Au%3Dnurse%2Cs%3Ds3cret',
    ['s3cret', 'nurse'],
    'srt://cam:7001?streamid=***',
  ],
  ['srt://nurse:s3cret@cam:7001?mode=caller', ['s3cret'], 'srt://***@cam:7001?mode=caller'],
  ['http://nurse:s3cret@cam/live.m3u8', ['s3cret'], 'http://***@cam/live.m3u8'],
  ['file://nurse:s3cret@server/clip.mp4', ['s3cret'], 'file://***@server/clip.mp4'],
];

const plainForms = [
  '/data/case 1.mp4',
  '/data/a@b.mp4',
  '/data/12:30@theatre.mp4',
  'case.mp4',
  'C:\\films\\a.avi',
  'rtsp://cam/live',
  'rtsp://10.0.0.7:554/Streaming/Channels/101',
  'rtsp://cam/h264Preview_01_main',
  'rtsp://cam/axis-media/media.amp?videocodec=h264&resolution=1280x720#transport=udp&latencyMs=80',
  'rtsp://cam/cam/realmonitor?channel=1&subtype=0',
  'srt://:7001?mode=listener&latency=120',
  'srt://[fe80::1]:7001',
  'v4l2:///dev/video0?width=1920&encoding=mjpeg',
  'decklink://0?mode=1080p50',
  'synthetic:echo?seed=3&duration=5',
  'file:///data/a@b.mp4',
];

describe('a secret in an address', () => {
  it.each(secretForms)('%s is not shown', (uri, secrets, shown) => {
    expect(redact(uri)).toBe(shown);
    expect(holdsSecret(uri)).toBe(true);
    for (const secret of secrets) expect(redact(uri)).not.toContain(secret);
  });

  it.each(secretForms)('%s does not come back in a text about it', (uri, secrets) => {
    const address = uri.trim();
    const decoded = (() => {
      try {
        return decodeURIComponent(address);
      } catch {
        return address;
      }
    })();
    const login = 'nurse:s3cret';
    for (const text of [
      `Could not open "${address}": no route to host`,
      `gstrtspsrc.c(8170): /GstPipeline:pipeline0/GstRTSPSrc:src: Failed to connect to ${decoded}. (Generic error)`,
      `tried ${address}, then ${address} again`,
      `Authorization: Basic ${Buffer.from(login).toString('base64')}`,
      `{"location":"${encodeURIComponent(address)}"}`,
    ]) {
      const said = redactText(text, [uri]);
      for (const secret of secrets.filter(({ length }) => length > 2)) expect(said).not.toContain(secret);
      if (secrets.includes('s3cret')) expect(said).not.toContain(Buffer.from(login).toString('base64'));
    }
  });

  it.each(secretForms)('%s does not come back in a refusal', (uri, secrets) => {
    try {
      parseSourceUri(uri);
    } catch (error) {
      const { message, details, cause } = error as Error & { details: unknown };
      const said = `${message} ${JSON.stringify(details)} ${JSON.stringify(cause)} ${String(cause)}`;
      for (const secret of secrets.filter(({ length }) => length > 2)) expect(said).not.toContain(secret);
    }
  });

  it('is left out of every address in a text', () => {
    expect(
      redactText('from rtsp://a:s3cret@one/x to "srt://two:1?passphrase=s3cret-s3cret" (rtsp://cam/x)'),
    ).toBe('from rtsp://***@one/x to "srt://two:1?passphrase=***" (rtsp://cam/x)');
  });

  it('is not seen in schemes that a sentence names', () => {
    const sentence = 'Give a file, rtsp://, srt://, dicomweb://, orthanc://, v4l2:// (or synthetic://).';
    expect(redactText(sentence)).toBe(sentence);
    expect(redactText('rtsp://,nurse:secret@cam/x')).not.toContain('secret');
  });

  it('that is a short word does not eat other words', () => {
    expect(redactText('No picture for 10 seconds: sec', ['rtsp://a:sec@cam/x'])).toBe(
      'No picture for 10 seconds: ***',
    );
  });
});

it.each(plainForms)('%s has none and is shown as it is', (uri) => {
  expect(redact(uri)).toBe(uri);
  expect(holdsSecret(uri)).toBe(false);
});
