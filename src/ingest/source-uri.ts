/**
 * What a person writes to name a source, parsed once into a closed set of kinds. Pure: no file is looked at, because a share
 * that hangs would hold the main process. What lies at a path is found out by the source's own process (preflight.ts).
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ingestError } from './errors.js';

export const syntheticKinds = ['laparoscopy', 'echo', 'counter'] as const;
export type SyntheticKind = (typeof syntheticKinds)[number];

export type SourceAddress =
  /** A path as it was written, until somebody has looked: it may be a folder, or end with `?fps=` of one. */
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'dicom'; readonly path: string }
  | { readonly kind: 'folder'; readonly path: string; readonly framesPerSecond: number }
  | {
      readonly kind: 'rtsp';
      /** rtsp:// or rtsps:// address without our own fragment options. */
      readonly location: string;
      readonly transport: 'tcp' | 'udp';
      readonly latencyMs: number;
    }
  | { readonly kind: 'srt'; readonly location: string }
  | {
      readonly kind: 'v4l2';
      readonly device: string;
      readonly width: number | null;
      readonly height: number | null;
      readonly framesPerSecond: number | null;
      readonly encoding: 'raw' | 'mjpeg' | null;
    }
  | {
      readonly kind: 'decklink';
      readonly deviceNumber: number;
      /** decklinkvideosrc's own names, for example 1080p50, 1080i60; auto detects. */
      readonly mode: string;
      readonly connection: string;
    }
  | {
      readonly kind: 'synthetic';
      readonly scene: SyntheticKind;
      readonly seed: number;
      readonly width: number;
      readonly height: number;
      readonly framesPerSecond: number;
      /** null: endless. */
      readonly durationS: number | null;
    };

/** Sources that come from a running camera: no end of their own, no seeking, restarted for ever. */
export function isLive(address: SourceAddress): boolean {
  switch (address.kind) {
    case 'rtsp':
    case 'srt':
    case 'v4l2':
    case 'decklink':
      return true;
    case 'file':
    case 'dicom':
    case 'folder':
    case 'synthetic':
      return false;
  }
}

/** True for sources whose frames our own code makes and pushes into GStreamer. */
export function isPushed(
  address: SourceAddress,
): address is Extract<SourceAddress, { kind: 'dicom' | 'folder' | 'synthetic' }> {
  return address.kind === 'dicom' || address.kind === 'folder' || address.kind === 'synthetic';
}

const syntheticDefaults: Record<SyntheticKind, { width: number; height: number; framesPerSecond: number }> = {
  laparoscopy: { width: 1280, height: 720, framesPerSecond: 25 },
  echo: { width: 800, height: 600, framesPerSecond: 30 },
  counter: { width: 640, height: 360, framesPerSecond: 25 },
};

/** Every picture of a scene is computed: 4K, as the largest cameras give. */
const mostSyntheticPixels = 3840 * 2160;

/**
 * @param uri an address or a path, as written by a person
 * @throws SONO_SOURCE_URI for anything that cannot be understood. Existence is checked when the source opens.
 */
export function parseSourceUri(uri: string): SourceAddress {
  const text = uri.trim();
  if (text === '') throw ingestError('SONO_SOURCE_URI', { uri, why: 'it is empty' });
  if (text.includes('\0')) throw ingestError('SONO_SOURCE_URI', { uri: '?', why: 'it holds a zero byte' });
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  // One letter before a colon is a file name such as "a:b.mp4", never a scheme of ours.
  if (scheme === undefined || scheme.length === 1) return ofPath(resolve(text));
  switch (scheme) {
    case 'file':
      return parseFileUrl(uri, text);
    case 'rtsp':
    case 'rtsps':
    case 'rtspt':
    case 'rtspu':
      return parseRtsp(uri, text, scheme);
    case 'srt':
      return parseSrt(uri, text);
    case 'v4l2':
      return parseV4l2(uri, text);
    case 'decklink':
      return parseDecklink(uri, text);
    case 'synthetic':
      return parseSynthetic(uri, text);
    default:
      if (text.includes('://'))
        throw ingestError('SONO_SOURCE_URI', { uri: redact(uri), why: `"${scheme}" is not known` });
      return ofPath(resolve(text));
  }
}

/** The address with any password removed, for logs and sentences. */
export function redact(uri: string): string {
  return uri
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1***@')
    .replace(/([?&]passphrase=)[^&#]*/gi, '$1***');
}

function parseFileUrl(uri: string, text: string): SourceAddress {
  try {
    const url = new URL(text);
    const { search } = url;
    url.search = '';
    url.hash = '';
    return ofPath(fileURLToPath(url) + search);
  } catch (error) {
    throw ingestError('SONO_SOURCE_URI', { uri, why: 'it is not a valid file address' }, error);
  }
}

function ofPath(path: string): SourceAddress {
  return /\.(dcm|dicom)$/i.test(path) ? { kind: 'dicom', path } : { kind: 'file', path };
}

/** Where the rate of a folder's pictures is not given. */
const folderFramesPerSecond = 25;

/** A folder of pictures, for who has seen that it is one. @throws SONO_SOURCE_URI for options that it does not have */
export function folderAddress(path: string, options: string): Extract<SourceAddress, { kind: 'folder' }> {
  const parsed = new URLSearchParams(options);
  checkKeys(path, parsed, ['fps']);
  return { kind: 'folder', path, framesPerSecond: rate(path, parsed, folderFramesPerSecond) };
}

/** `path?key=value…` in its two parts; null where the text does not end with options. */
export function splitOptions(path: string): { readonly path: string; readonly options: string } | null {
  const match = /^([^?]*)\?([a-z]+=[^&?]*(?:&[a-z]+=[^&?]*)*)$/i.exec(path);
  return match?.[1] === undefined || match[2] === undefined ? null : { path: match[1], options: match[2] };
}

function parseRtsp(uri: string, text: string, scheme: string): SourceAddress {
  const [address = '', fragment = ''] = text.split('#', 2);
  const location = address.replace(/^rtsp[tu]:/i, 'rtsp:');
  if (!/^rtsps?:\/\/[^/]/i.test(location))
    throw ingestError('SONO_SOURCE_URI', { uri: redact(uri), why: 'the host is missing' });
  const options = new URLSearchParams(fragment);
  checkKeys(uri, options, ['transport', 'latencyMs']);
  const transport = options.get('transport') ?? (scheme === 'rtspu' ? 'udp' : 'tcp');
  if (transport !== 'tcp' && transport !== 'udp')
    throw ingestError('SONO_SOURCE_URI', { uri: redact(uri), why: 'transport is tcp or udp' });
  const latencyMs = integer(uri, options, 'latencyMs', 0, 10_000) ?? (transport === 'udp' ? 60 : 20);
  return { kind: 'rtsp', location, transport, latencyMs };
}

function parseSrt(uri: string, text: string): SourceAddress {
  // "srt://:7001?mode=listener" has no host, which the URL class refuses.
  const match = /^srt:\/\/([^:/?#]*|\[[0-9a-f:]+\]):(\d{1,5})(\/)?(\?[^#]*)?$/i.exec(text);
  if (match === null || Number(match[2]) > 65535)
    throw ingestError('SONO_SOURCE_URI', { uri: redact(uri), why: 'it needs srt://host:port' });
  return { kind: 'srt', location: text };
}

function parseV4l2(uri: string, text: string): SourceAddress {
  const match = /^v4l2:\/\/(\/[^?#]+)(?:\?([^#]*))?$/i.exec(text);
  if (match?.[1] === undefined)
    throw ingestError('SONO_SOURCE_URI', { uri, why: 'it needs a device, as in v4l2:///dev/video0' });
  const options = new URLSearchParams(match[2] ?? '');
  checkKeys(uri, options, ['width', 'height', 'fps', 'encoding']);
  const encoding = options.get('encoding');
  if (encoding !== null && encoding !== 'raw' && encoding !== 'mjpeg')
    throw ingestError('SONO_SOURCE_URI', { uri, why: 'encoding is raw or mjpeg' });
  return {
    kind: 'v4l2',
    device: decodeURIComponentSafe(uri, match[1]),
    width: integer(uri, options, 'width', 1, 16384),
    height: integer(uri, options, 'height', 1, 16384),
    framesPerSecond: options.has('fps') ? rate(uri, options, 25) : null,
    encoding,
  };
}

function parseDecklink(uri: string, text: string): SourceAddress {
  const match = /^decklink:\/\/(\d{1,2})\/?(?:\?([^#]*))?$/i.exec(text);
  if (match?.[1] === undefined)
    throw ingestError('SONO_SOURCE_URI', { uri, why: 'it needs a card number, as in decklink://0' });
  const options = new URLSearchParams(match[2] ?? '');
  checkKeys(uri, options, ['mode', 'connection']);
  const word = (name: string): string => {
    const value = options.get(name) ?? 'auto';
    if (!/^[a-z0-9-]{1,20}$/i.test(value))
      throw ingestError('SONO_SOURCE_URI', { uri, why: `${name} is not valid` });
    return value;
  };
  return {
    kind: 'decklink',
    deviceNumber: Number(match[1]),
    mode: word('mode'),
    connection: word('connection'),
  };
}

function parseSynthetic(uri: string, text: string): SourceAddress {
  const match = /^synthetic:(?:\/\/)?([a-z]+)\/?(?:\?([^#]*))?$/i.exec(text);
  const scene = syntheticKinds.find((kind) => kind === match?.[1]?.toLowerCase());
  if (scene === undefined)
    throw ingestError('SONO_SOURCE_URI', {
      uri,
      why: `the synthetic scenes are ${syntheticKinds.join(', ')}`,
    });
  const options = new URLSearchParams(match?.[2] ?? '');
  checkKeys(uri, options, ['seed', 'width', 'height', 'fps', 'duration']);
  const defaults = syntheticDefaults[scene];
  const duration = options.get('duration');
  const durationS =
    duration === null ? null : Number(/^(\d+(?:\.\d+)?)s?$/.exec(duration)?.[1] ?? Number.NaN);
  if (durationS !== null && !(durationS > 0))
    throw ingestError('SONO_SOURCE_URI', { uri, why: 'duration is a number of seconds' });
  const width = integer(uri, options, 'width', 64, 8192) ?? defaults.width;
  const height = integer(uri, options, 'height', 64, 8192) ?? defaults.height;
  if (width * height > mostSyntheticPixels)
    throw ingestError('SONO_SOURCE_URI', { uri, why: 'a scene has at most the points of 3840 by 2160' });
  return {
    kind: 'synthetic',
    scene,
    seed: integer(uri, options, 'seed', 0, 0xffffffff) ?? 1,
    width,
    height,
    framesPerSecond: rate(uri, options, defaults.framesPerSecond),
    durationS,
  };
}

function checkKeys(uri: string, options: URLSearchParams, known: readonly string[]): void {
  for (const key of options.keys()) {
    if (!known.includes(key))
      throw ingestError('SONO_SOURCE_URI', {
        uri: redact(uri),
        why: `"${key}" is not one of ${known.join(', ')}`,
      });
  }
}

function integer(
  uri: string,
  options: URLSearchParams,
  name: string,
  least: number,
  most: number,
): number | null {
  const text = options.get(name);
  if (text === null) return null;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw ingestError('SONO_SOURCE_URI', {
      uri: redact(uri),
      why: `${name} is a whole number from ${least} to ${most}`,
    });
  return value;
}

function rate(uri: string, options: URLSearchParams, fallback: number): number {
  const text = options.get('fps');
  if (text === null) return fallback;
  const value = /^\d{1,4}(\.\d{1,4})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0.1 && value <= 240))
    throw ingestError('SONO_SOURCE_URI', { uri: redact(uri), why: 'fps is a number from 0.1 to 240' });
  return value;
}

function decodeURIComponentSafe(uri: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw ingestError('SONO_SOURCE_URI', { uri, why: 'it has a broken % sign' }, error);
  }
}
