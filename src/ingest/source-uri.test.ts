import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { SonoError } from '../vocabulary/errors.js';
import { fileAddress, isFed, isLive, nameOfSource, networkHost, parseSourceUri } from './source-uri.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-uri-'));
mkdirSync(join(folder, 'pictures'));
writeFileSync(join(folder, 'a:b?.mp4'), 'x');
afterAll(() => rmSync(folder, { recursive: true }));

describe('source addresses', () => {
  it('takes paths literally, also odd ones', () => {
    const path = join(folder, 'a:b?.mp4');
    expect(parseSourceUri(path)).toEqual({ kind: 'file', path, deinterlacing: 'auto' });
    expect(parseSourceUri(pathToFileURL(path).href)).toEqual({ kind: 'file', path, deinterlacing: 'auto' });
    expect(parseSourceUri('no such file.mkv')).toEqual({
      kind: 'file',
      path: join(process.cwd(), 'no such file.mkv'),
      deinterlacing: 'auto',
    });
  });

  it('looks at no file: a folder is one for who looks', () => {
    expect(parseSourceUri('/data/heart.DCM')).toEqual({ kind: 'dicom', path: '/data/heart.DCM' });
    const pictures = join(folder, 'pictures');
    expect(parseSourceUri(pictures)).toEqual({ kind: 'file', path: pictures, deinterlacing: 'auto' });
    expect(parseSourceUri(`${pictures}?fps=12.5`)).toEqual({
      kind: 'file',
      path: `${pictures}?fps=12.5`,
      deinterlacing: 'auto',
    });
    expect(parseSourceUri(`${pathToFileURL(pictures).href}?fps=50`)).toEqual({
      kind: 'file',
      path: `${pictures}?fps=50`,
      deinterlacing: 'auto',
    });
  });

  it('leaves woven fields as they are where it is told to', () => {
    const off = { deinterlacing: 'off' };
    expect(fileAddress('/woven.mp4', 'deinterlace=off')).toEqual({
      kind: 'file',
      path: '/woven.mp4',
      ...off,
    });
    expect(() => fileAddress('/woven.mp4', 'deinterlace=no')).toThrow(
      expect.objectContaining({ code: 'SONO_SOURCE_URI' }) as Error,
    );
    expect(parseSourceUri('rtsp://cam/live#deinterlace=off')).toMatchObject({
      location: 'rtsp://cam/live',
      ...off,
    });
    expect(parseSourceUri('srt://cam:7001?mode=caller#deinterlace=off')).toMatchObject({
      location: 'srt://cam:7001?mode=caller',
      ...off,
    });
    for (const wrong of [
      'rtsp://cam/x#deinterlace=no',
      'srt://cam:7001#fps=3',
      'srt://cam:7001?mode=caller&mode=listener',
      'srt://cam:7001?mode=caller&m%6fde=listener',
    ])
      expect(() => parseSourceUri(wrong)).toThrow(
        expect.objectContaining({ code: 'SONO_SOURCE_URI' }) as Error,
      );
  });

  it('reads cameras on the network', () => {
    expect(parseSourceUri('rtsp://10.0.0.7:554/live?x=1')).toEqual({
      kind: 'rtsp',
      location: 'rtsp://10.0.0.7:554/live?x=1',
      login: null,
      transport: 'tcp',
      latencyMs: 20,
      deinterlacing: 'auto',
    });
    expect(parseSourceUri('rtspu://cam/live')).toMatchObject({
      location: 'rtsp://cam/live',
      transport: 'udp',
    });
    expect(parseSourceUri('rtsps://u:p@cam/live#transport=udp&latencyMs=200')).toMatchObject({
      location: 'rtsps://cam/live',
      login: { user: 'u', password: 'p' },
      transport: 'udp',
      latencyMs: 200,
    });
    expect(parseSourceUri('srt://:7001?mode=listener')).toEqual({
      kind: 'srt',
      location: 'srt://:7001?mode=listener',
      deinterlacing: 'auto',
    });
  });

  it.each([
    ['nurse:p%40ss', 'p@ss'],
    ['nurse:p@ss:x', 'p@ss:x'],
    ['nurse:p/ss', 'p/ss'],
    ['nurse:p?s#s', 'p?s#s'],
    ['nurse:100%', '100%'],
    ['nurse:a b"c\\d', 'a b"c\\d'],
    ['nurse', ''],
  ])('keeps the login %s apart from the address', (login, password) => {
    expect(parseSourceUri(`rtsp://${login}@cam:8554/live?x=1#latencyMs=5`)).toEqual({
      kind: 'rtsp',
      location: 'rtsp://cam:8554/live?x=1',
      login: { user: 'nurse', password },
      transport: 'tcp',
      latencyMs: 5,
      deinterlacing: 'auto',
    });
  });

  it('knows the host that will be asked', () => {
    const host = (uri: string) => networkHost(parseSourceUri(uri));
    expect(host('rtsp://allowed@Other:554/x')).toBe('other');
    expect(host('rtsp://allowed:80/@other/x')).toBe('allowed');
    expect(host('rtsps://[FE80::1]/x')).toBe('fe80::1');
    expect(host('srt://10.0.0.9:7001?mode=caller')).toBe('10.0.0.9');
    expect(host('srt://10.0.0.9:7001?m%6fde=listener')).toBe('');
    expect(host('srt://:7001')).toBe('');
    expect(host('v4l2:///dev/video0')).toBeNull();
  });

  it('reads local devices', () => {
    expect(parseSourceUri('v4l2:///dev/video0')).toMatchObject({
      kind: 'v4l2',
      device: '/dev/video0',
      encoding: null,
    });
    expect(parseSourceUri('v4l2:///dev/video2?width=1920&height=1080&fps=60&encoding=mjpeg')).toMatchObject({
      width: 1920,
      height: 1080,
      framesPerSecond: 60,
      encoding: 'mjpeg',
    });
    expect(parseSourceUri('decklink://1?mode=1080p50')).toEqual({
      kind: 'decklink',
      deviceNumber: 1,
      mode: '1080p50',
      connection: 'auto',
    });
  });

  it('reads synthetic scenes with their defaults', () => {
    expect(parseSourceUri('synthetic:laparoscopy')).toEqual({
      kind: 'synthetic',
      scene: 'laparoscopy',
      seed: 1,
      width: 1280,
      height: 720,
      framesPerSecond: 25,
      durationS: null,
    });
    expect(parseSourceUri('synthetic:echo?seed=9&duration=12.5s')).toMatchObject({
      seed: 9,
      durationS: 12.5,
    });
    expect(parseSourceUri('synthetic:echo')).not.toHaveProperty('echo');
    expect(
      parseSourceUri('synthetic:echo?ef=35&bpm=90.5&rhythm=fibrillation&dropout=0.5&mirror=1'),
    ).toMatchObject({
      echo: {
        ejectionFractionPercent: 35,
        heartRateBpm: 90.5,
        rhythm: 'fibrillation',
        dropout: 0.5,
        mirrored: true,
      },
    });
    expect(parseSourceUri('synthetic:echo?ef=20')).toMatchObject({
      echo: { ejectionFractionPercent: 20, heartRateBpm: null, rhythm: null, dropout: null, mirrored: false },
    });
  });

  it.each([
    '',
    '   ',
    'ftp://host/file.mp4',
    'rtsp://',
    'rtsp://cam/x#transport=carrier-pigeon',
    'rtsp://cam/x#latency=5',
    'srt://host',
    'srt://host:99999',
    'v4l2://video0',
    'v4l2:///dev/video0?width=0',
    'v4l2:///dev/%zz',
    'decklink://one',
    'decklink://0?mode=a b',
    'synthetic:opera',
    'synthetic:echo?colour=red',
    'synthetic:echo?seed=-1',
    'synthetic:echo?duration=soon',
    'synthetic:echo?fps=0',
    'synthetic:echo?ef=9',
    'synthetic:echo?ef=76',
    'synthetic:echo?bpm=200',
    'synthetic:echo?rhythm=waltz',
    'synthetic:echo?dropout=1.5',
    'synthetic:echo?mirror=yes',
    'synthetic:laparoscopy?ef=50',
    'file://elsewhere/x.mp4',
    'rtsp://***@cam/live',
    'srt://cam:7001?passphrase=***',
    'nurse:secret@cam/live',
    'left=rtsp://nurse:secret@cam/live',
  ])('refuses "%s" with one code and a reason', (uri) => {
    expect(() => parseSourceUri(uri)).toThrow(expect.objectContaining({ code: 'SONO_SOURCE_URI' }) as Error);
  });

  it('never throws anything else, whatever is typed', () => {
    const scheme = fc.constantFrom(
      'rtsp://',
      'srt://',
      'v4l2://',
      'decklink://',
      'synthetic:',
      'file://',
      '',
    );
    fc.assert(
      fc.property(scheme, fc.string({ unit: 'binary' }), (start, rest) => {
        try {
          const address = parseSourceUri(start + rest);
          expect(isLive(address)).not.toBe(isFed(address));
        } catch (error) {
          expect(error).toBeInstanceOf(SonoError);
          expect((error as SonoError).code).toBe('SONO_SOURCE_URI');
        }
      }),
    );
  });
});

describe('the name of a room after its source', () => {
  it.each([
    ['/data/Case 12/laparoscopy.mp4', 'laparoscopy.mp4'],
    ['/data/case.mkv?deinterlace=off', 'case.mkv'],
    ['file:///data/Gall%20bladder.mp4', 'Gall bladder.mp4'],
    ['/data/study/', 'study'],
    ['cine.dcm', 'cine.dcm'],
    ['rtsp://user:secret@tower-2:554/stream', 'tower-2'],
    ['srt://:7001?mode=listener', 'Room'],
    ['v4l2:///dev/video0', 'video0'],
    ['decklink://1', 'DeckLink 1'],
    ['synthetic:echo?seed=3', 'Echo scene'],
    ['dicomweb://pacs.example:8042/dicom-web/studies/1.2', 'pacs.example'],
    ['rtsp://', 'Room'],
    ['', 'Room'],
    [`/${'long '.repeat(60)}.mp4`, 'long '.repeat(20).trim()],
  ])('%s', (uri, name) => expect(nameOfSource(uri)).toBe(name));

  it('never holds a login, whatever is written', () => {
    fc.assert(
      fc.property(fc.string(), (path) => {
        const name = nameOfSource(`rtsp://nurse:Pa55-w0rd@tower/${path}`);
        expect(name).not.toContain('Pa55-w0rd');
        expect(name.length).toBeLessThanOrEqual(100);
      }),
    );
  });
});
