/**
 * What a person writes to name a source, parsed once into a closed set of kinds. Pure: no file is looked at, because a share
 * that hangs would hold the main process. What lies at a path is found out by the source's own process (preflight.ts).
 */
import { basename, extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { echoViews } from '../vocabulary/echo.js';
import type { SonoError } from '../vocabulary/errors.js';
import type { SeriesAddress } from '../dicom/series-folder.js';
import { isArchiveScheme, parseArchiveUri, type ArchiveAddress } from '../dicom/web/address.js';
import { holdsSecret, redact, redactText } from '../node/redact.js';
import { ingestError } from './errors.js';
import { rhythms, type EchoParameters } from './synthetic/heart.js';

export { redact } from '../node/redact.js';

const syntheticKinds = ['laparoscopy', 'echo', 'counter'] as const;
export type SyntheticKind = (typeof syntheticKinds)[number];

/** auto: pictures that are marked as two woven fields are taken apart; off: shown as they are stored. */
export type Deinterlacing = 'auto' | 'off';

export type SourceAddress =
  /** A path as it was written, until somebody has looked: it may be a folder, or end with options. */
  | { readonly kind: 'file'; readonly path: string; readonly deinterlacing: Deinterlacing }
  | { readonly kind: 'dicom'; readonly path: string }
  | { readonly kind: 'folder'; readonly path: string; readonly framesPerSecond: number }
  /** Single pictures of a DICOM series that are a clip together. */
  | ({ readonly kind: 'series' } & SeriesAddress)
  /** A cine in a DICOM archive. `location`: its address without login. */
  | { readonly kind: 'archive'; readonly location: string; readonly archive: ArchiveAddress }
  | {
      readonly kind: 'rtsp';
      /** rtsp:// or rtsps:// address without login and without our own fragment options. */
      readonly location: string;
      /** Decoded; kept apart from the address, so that no text of a library can repeat it with the address. */
      readonly login: { readonly user: string; readonly password: string } | null;
      readonly transport: 'tcp' | 'udp';
      readonly latencyMs: number;
      readonly deinterlacing: Deinterlacing;
    }
  | { readonly kind: 'srt'; readonly location: string; readonly deinterlacing: Deinterlacing }
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
      /** What the address asks of the heart; absent where it asks for nothing. */
      readonly echo?: EchoParameters;
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
    case 'series':
    case 'archive':
    case 'synthetic':
      return false;
  }
}

/** Sources with an end or at least a beginning, whose pictures enter GStreamer through appsrc. */
export type FedAddress = Extract<
  SourceAddress,
  { kind: 'file' | 'dicom' | 'folder' | 'series' | 'archive' | 'synthetic' }
>;

export function isFed(address: SourceAddress): address is FedAddress {
  return !isLive(address);
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
  // The page shows addresses with secrets taken out, and somebody may send such an address back.
  if (/:\/\/.*\*\*\*/.test(text))
    throw uriProblem(uri, 'it has three asterisks in place of what is kept secret, so write that again');
  if (text === '') throw uriProblem(uri, 'it is empty');
  if (text.includes('\0')) throw uriProblem('?', 'it holds a zero byte');
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  // One letter before a colon is a file name such as "a:b.mp4", never a scheme of ours.
  if (scheme === undefined || scheme.length === 1) return ofPath(parsePath(uri, text));
  if (isArchiveScheme(scheme)) return parseArchive(uri, text);
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
      if (/^https?:\/\//i.test(text))
        throw uriProblem(uri, `"${scheme}" is not known; an archive is written dicomweb:// or dicomwebs://`);
      if (text.includes('://')) throw uriProblem(uri, `"${scheme}" is not known`);
      return ofPath(parsePath(uri, text));
  }
}

/** The one error of this file. What it says about the address never holds a secret of it. */
function uriProblem(uri: string, why: string): SonoError {
  return ingestError('SONO_SOURCE_URI', { uri: redact(uri), why: redactText(why, [uri]) });
}

function parseFileUrl(uri: string, text: string): SourceAddress {
  try {
    const url = new URL(text);
    const { search } = url;
    url.search = '';
    url.hash = '';
    return ofPath(fileURLToPath(url) + search);
  } catch {
    throw uriProblem(uri, 'it is not a valid file address');
  }
}

/** Text with a login, or with a network address inside, is never meant as the name of a file. */
function parsePath(uri: string, text: string): string {
  if (holdsSecret(text)) throw uriProblem(uri, 'it holds a login, but does not begin with rtsp:// or srt://');
  return resolve(text);
}

function ofPath(path: string): SourceAddress {
  return /\.(dcm|dicom)$/i.test(path)
    ? { kind: 'dicom', path }
    : { kind: 'file', path, deinterlacing: 'auto' };
}

/** Used where the rate of a folder's pictures is not given. */
const folderFramesPerSecond = 25;

/**
 * A folder of pictures, or of a DICOM series (`series=`), for who has seen that it is a folder.
 * @throws SONO_SOURCE_URI for options that it does not have
 */
export function folderAddress(
  path: string,
  options: string,
): Extract<SourceAddress, { kind: 'folder' | 'series' }> {
  const parsed = new URLSearchParams(options);
  const series = parsed.get('series');
  if (series !== null) {
    checkKeys(path, parsed, ['series', 'part']);
    if (!/^[0-9.]{1,64}$/.test(series)) throw uriProblem(path, 'series is a DICOM identifier');
    return { kind: 'series', path, series, part: integer(path, parsed, 'part', 1, 1_000_000) ?? 1 };
  }
  checkKeys(path, parsed, ['fps']);
  return { kind: 'folder', path, framesPerSecond: rate(path, parsed, folderFramesPerSecond) };
}

/** A file with options, for who has seen that it is one. @throws SONO_SOURCE_URI for options that it does not have */
export function fileAddress(path: string, options: string): Extract<SourceAddress, { kind: 'file' }> {
  const parsed = new URLSearchParams(options);
  checkKeys(path, parsed, ['deinterlace']);
  return { kind: 'file', path, deinterlacing: deinterlacing(path, parsed) };
}

/** `path?key=value…` in its two parts; null where the text does not end with options. */
export function splitOptions(path: string): { readonly path: string; readonly options: string } | null {
  const match = /^([^?]*)\?([a-z]+=[^&?]*(?:&[a-z]+=[^&?]*)*)$/i.exec(path);
  return match?.[1] === undefined || match[2] === undefined ? null : { path: match[1], options: match[2] };
}

/** What a clip is called after its address: the folder's or file's own name, without ending and options. */
export function nameOfPath(uri: string): string {
  const path = splitOptions(uri)?.path ?? uri;
  return basename(path, extname(path));
}

const longestSourceName = 100;
const sceneWords: Readonly<Record<SyntheticKind, string>> = {
  laparoscopy: 'Laparoscopy scene',
  echo: 'Echo scene',
  counter: 'Counter scene',
};

/**
 * What a room is called to which nobody has given a name: the file or folder with its ending, the host of a camera, the device,
 * the scene. Never longer than 100 characters, never with a login, and never empty.
 */
export function nameOfSource(uri: string): string {
  const name = sourceWords(uri).slice(0, longestSourceName).trim();
  return name === '' ? 'Room' : name;
}

function sourceWords(uri: string): string {
  let address: SourceAddress;
  try {
    address = parseSourceUri(uri);
  } catch {
    // What cannot be read is refused when it is opened.
    return '';
  }
  switch (address.kind) {
    case 'file':
    case 'dicom':
    case 'folder':
    case 'series':
      return basename(splitOptions(address.path)?.path ?? address.path);
    case 'rtsp':
    case 'srt':
    case 'archive':
      return networkHost(address) ?? '';
    case 'v4l2':
      return basename(address.device);
    case 'decklink':
      return `DeckLink ${address.deviceNumber}`;
    case 'synthetic':
      return sceneWords[address.scene];
  }
}

/** As GStreamer and everybody else reads `rtsp://user:password@host:port/path`. */
interface NetworkAddress {
  readonly login: { readonly user: string; readonly password: string } | null;
  /** In small letters, without the brackets of IPv6 and without the port. */
  readonly host: string;
  readonly port: string;
  /** Path, query and fragment. */
  readonly behind: string;
}

/**
 * What stands behind `scheme://`; null where it names no host. A password with / ? or # in it is understood where nothing else
 * makes sense, because people forget to write %2F.
 */
function parseNetwork(rest: string): NetworkAddress | null {
  const strict = /^[^/?#]*/.exec(rest)?.[0] ?? '';
  for (const at of [strict.lastIndexOf('@'), rest.lastIndexOf('@')]) {
    const [, name, port = '', behind = ''] =
      /^(\[[0-9a-f:.]+(?:%[\w.-]+)?\]|[^/?#@:[\]\s%]+)(?::(\d{1,5}))?((?:[/?#].*)?)$/is.exec(
        rest.slice(at + 1),
      ) ?? [];
    if (name === undefined || Number(port) > 65535) continue;
    const written = at < 0 ? null : rest.slice(0, at);
    const colon = written?.indexOf(':') ?? -1;
    const login =
      written === null
        ? null
        : colon < 0
          ? [written, '']
          : [written.slice(0, colon), written.slice(colon + 1)];
    return {
      login: login && { user: plainText(login[0] ?? ''), password: plainText(login[1] ?? '') },
      host: name.replace(/^\[|\]$/g, '').toLowerCase(),
      port,
      behind,
    };
  }
  return null;
}

/** With %-codes decoded; unchanged where a % is only a %. */
function plainText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parseRtsp(uri: string, text: string, scheme: string): SourceAddress {
  const parts = parseNetwork(/^[a-z]+:\/\/(.*)$/is.exec(text)?.[1] ?? '');
  if (parts === null) throw uriProblem(uri, 'the host is missing');
  const { login, host, port, behind } = parts;
  const [, path = '', fragment = ''] = /^([^#]*)#?(.*)$/s.exec(behind) ?? [];
  const name = host.includes(':') ? `[${host}]` : host;
  const location = `${scheme === 'rtsps' ? 'rtsps' : 'rtsp'}://${name}${port === '' ? '' : `:${port}`}${path}`;
  const options = new URLSearchParams(fragment);
  checkKeys(uri, options, ['transport', 'latencyMs', 'deinterlace']);
  const transport = options.get('transport') ?? (scheme === 'rtspu' ? 'udp' : 'tcp');
  if (transport !== 'tcp' && transport !== 'udp') throw uriProblem(uri, 'transport is tcp or udp');
  const latencyMs = integer(uri, options, 'latencyMs', 0, 10_000) ?? (transport === 'udp' ? 60 : 20);
  return { kind: 'rtsp', location, login, transport, latencyMs, deinterlacing: deinterlacing(uri, options) };
}

export function isNetwork(
  address: SourceAddress,
): address is Extract<SourceAddress, { kind: 'rtsp' | 'srt' | 'archive' }> {
  return address.kind === 'rtsp' || address.kind === 'srt' || address.kind === 'archive';
}

/** Host of a network address, in small letters; '' for SRT that waits to be called, null for what is not on the network. */
export function networkHost(address: SourceAddress): string | null {
  if (!isNetwork(address)) return null;
  if (address.kind === 'archive') return address.archive.host;
  const query = new URLSearchParams(/\?([^#]*)/.exec(address.location)?.[1]);
  // With a mode or an address of this machine's own it waits to be called.
  if (
    address.kind === 'srt' &&
    ((query.get('mode') ?? 'caller') !== 'caller' || query.has('localaddress') || query.has('localport'))
  )
    return '';
  return parseNetwork(address.location.replace(/^[a-z]+:\/\//i, ''))?.host ?? '';
}

function parseArchive(uri: string, text: string): SourceAddress {
  const archive = parseArchiveUri(text, (why) => uriProblem(uri, why));
  if (archive.target.kind === 'archive') throw uriProblem(uri, 'it names no study, series or instance');
  return { kind: 'archive', location: archive.location, archive };
}

function parseSrt(uri: string, text: string): SourceAddress {
  const [address = '', fragment = ''] = text.split('#', 2);
  const options = new URLSearchParams(fragment);
  checkKeys(uri, options, ['deinterlace']);
  // "srt://:7001?mode=listener" has no host, which the URL class refuses.
  const match = /^srt:\/\/([^:/?#]*|\[[0-9a-f:]+\]):(\d{1,5})(\/)?(\?[^#]*)?$/i.exec(address);
  if (match === null || Number(match[2]) > 65535) throw uriProblem(uri, 'it needs srt://host:port');
  // Given twice, GStreamer takes the last one, while a person who reads the address sees the first.
  const keys = [...new URLSearchParams(match[4]).keys()].map((key) => key.toLowerCase());
  if (new Set(keys).size < keys.length) throw uriProblem(uri, 'an option is given twice');
  return { kind: 'srt', location: address, deinterlacing: deinterlacing(uri, options) };
}

function parseV4l2(uri: string, text: string): SourceAddress {
  const match = /^v4l2:\/\/(\/[^?#]+)(?:\?([^#]*))?$/i.exec(text);
  if (match?.[1] === undefined) throw uriProblem(uri, 'it needs a device, as in v4l2:///dev/video0');
  const options = new URLSearchParams(match[2] ?? '');
  checkKeys(uri, options, ['width', 'height', 'fps', 'encoding']);
  const encoding = options.get('encoding');
  if (encoding !== null && encoding !== 'raw' && encoding !== 'mjpeg')
    throw uriProblem(uri, 'encoding is raw or mjpeg');
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
  if (match?.[1] === undefined) throw uriProblem(uri, 'it needs a card number, as in decklink://0');
  const options = new URLSearchParams(match[2] ?? '');
  checkKeys(uri, options, ['mode', 'connection']);
  const word = (name: string): string => {
    const value = options.get(name) ?? 'auto';
    if (!/^[a-z0-9-]{1,20}$/i.test(value)) throw uriProblem(uri, `${name} is not valid`);
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
  if (scene === undefined) throw uriProblem(uri, `the synthetic scenes are ${syntheticKinds.join(', ')}`);
  const options = new URLSearchParams(match?.[2] ?? '');
  const own = scene === 'echo' ? ['ef', 'bpm', 'rhythm', 'dropout', 'mirror', 'view'] : [];
  checkKeys(uri, options, ['seed', 'width', 'height', 'fps', 'duration', ...own]);
  const defaults = syntheticDefaults[scene];
  const duration = options.get('duration');
  const durationS =
    duration === null ? null : Number(/^(\d+(?:\.\d+)?)s?$/.exec(duration)?.[1] ?? Number.NaN);
  if (durationS !== null && !(durationS > 0)) throw uriProblem(uri, 'duration is a number of seconds');
  const width = integer(uri, options, 'width', 64, 8192) ?? defaults.width;
  const height = integer(uri, options, 'height', 64, 8192) ?? defaults.height;
  if (width * height > mostSyntheticPixels)
    throw uriProblem(uri, 'a scene has at most the points of 3840 by 2160');
  return {
    kind: 'synthetic',
    scene,
    seed: integer(uri, options, 'seed', 0, 0xffffffff) ?? 1,
    width,
    height,
    framesPerSecond: rate(uri, options, defaults.framesPerSecond),
    durationS,
    ...(own.some((key) => options.has(key)) ? { echo: echoParameters(uri, options) } : {}),
  };
}

function echoParameters(uri: string, options: URLSearchParams): EchoParameters {
  const rhythm = options.get('rhythm');
  const known = rhythms.find((name) => name === rhythm) ?? null;
  if (rhythm !== null && known === null) throw uriProblem(uri, `rhythm is ${rhythms.join(', ')}`);
  const mirror = options.get('mirror') ?? '0';
  if (mirror !== '0' && mirror !== '1') throw uriProblem(uri, 'mirror is 0 or 1');
  const wanted = options.get('view') ?? 'a4c';
  const view = echoViews.find((name) => name === wanted);
  if (view === undefined) throw uriProblem(uri, `view is ${echoViews.join(' or ')}`);
  return {
    ejectionFractionPercent: decimal(uri, options, 'ef', 10, 75),
    heartRateBpm: decimal(uri, options, 'bpm', 45, 180),
    rhythm: known,
    dropout: decimal(uri, options, 'dropout', 0, 1),
    mirrored: mirror === '1',
    view,
  };
}

function checkKeys(uri: string, options: URLSearchParams, known: readonly string[]): void {
  for (const key of options.keys()) {
    if (!known.includes(key)) throw uriProblem(uri, `"${key}" is not one of ${known.join(', ')}`);
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
    throw uriProblem(uri, `${name} is a whole number from ${least} to ${most}`);
  return value;
}

function decimal(
  uri: string,
  options: URLSearchParams,
  name: string,
  least: number,
  most: number,
): number | null {
  const text = options.get(name);
  if (text === null) return null;
  const value = /^\d{1,4}(\.\d{1,4})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw uriProblem(uri, `${name} is a number from ${least} to ${most}`);
  return value;
}

function rate(uri: string, options: URLSearchParams, fallback: number): number {
  const text = options.get('fps');
  if (text === null) return fallback;
  const value = /^\d{1,4}(\.\d{1,4})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0.1 && value <= 240)) throw uriProblem(uri, 'fps is a number from 0.1 to 240');
  return value;
}

function deinterlacing(uri: string, options: URLSearchParams): Deinterlacing {
  const value = options.get('deinterlace') ?? 'auto';
  if (value !== 'auto' && value !== 'off') throw uriProblem(uri, 'deinterlace is auto or off');
  return value;
}

function decodeURIComponentSafe(uri: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw uriProblem(uri, 'it has a broken % sign');
  }
}
