/** What stops a source turned into our codes. Pure. Texts are those of GStreamer 1.22 in the C locale. */
import { SonoError } from '../vocabulary/errors.js';
import { isSourceCode, type SourceCode } from './source-codes.js';
import { redact, type SourceAddress } from './source-uri.js';

export interface Failure {
  readonly code: SourceCode;
  readonly details: Readonly<Record<string, string | number>>;
  readonly cause: string;
}

/** What to call the source in a sentence: a path, a device or an address without its password. */
export function sourceName(address: SourceAddress): string {
  if ('path' in address) return address.path;
  if ('location' in address) return redact(address.location);
  if ('device' in address) return address.device;
  return 'scene' in address ? `synthetic:${address.scene}` : `DeckLink card ${address.deviceNumber}`;
}

interface BusError {
  readonly message: string;
  readonly debug: string;
  /** Name of the element that reported it. */
  readonly element: string;
}

/** GStreamer cannot build the launch string; the message is in its words. */
export class LaunchError extends Error {}

/** An exception in the child process. */
export function failureOf(error: unknown, address: SourceAddress): Failure {
  if (error instanceof LaunchError) return classifyLaunchError(address, error.message);
  const code = error instanceof SonoError ? String(error.code) : '';
  if (error instanceof SonoError && isSourceCode(code))
    return { code, details: error.details, cause: error.cause instanceof Error ? error.cause.message : '' };
  const why = error instanceof Error ? error.message : String(error);
  return {
    code: 'SONO_SOURCE_FAILED',
    details: { uri: sourceName(address), why },
    cause: error instanceof Error ? (error.stack ?? why) : why,
  };
}

export function classifyBusError(address: SourceAddress, error: BusError): Failure {
  const text = `${error.message}\n${error.debug}`;
  const cause = `${error.element}: ${error.message} ${error.debug}`.slice(0, 2000);
  const name = sourceName(address);
  const failure = (code: SourceCode, details: Record<string, string | number>): Failure => ({
    code,
    details,
    cause,
  });
  switch (address.kind) {
    case 'rtsp':
    case 'srt':
      if (/unauthori[sz]ed|401|passphrase|bad secret/i.test(text))
        return failure('SONO_SOURCE_UNAUTHORIZED', { uri: name });
      if (/not found|404/i.test(text) && !/resolv/i.test(text))
        return failure('SONO_SOURCE_NOT_FOUND', { uri: name });
      if (/missing decoder|missing a plug-in|no suitable plugins/i.test(text))
        return failure('SONO_SOURCE_CODEC', { path: name, codec: missingCodec(text) });
      if (
        /could not connect|failed to connect|connection refused|timed? ?out|timeout|unreachable|resolv|could not open resource|could not receive message|connection was broken|connection setup/i.test(
          text,
        )
      )
        return failure('SONO_SOURCE_REFUSED', { uri: name });
      if (/not-linked/.test(text)) return failure('SONO_SOURCE_NO_PICTURE', { path: name });
      return failure('SONO_SOURCE_FAILED', { uri: name, why: error.message });
    case 'v4l2':
    case 'decklink':
      if (/busy/i.test(text)) return failure('SONO_SOURCE_DEVICE_BUSY', { device: name });
      if (/permission/i.test(text)) return failure('SONO_SOURCE_FORBIDDEN', { path: name });
      if (
        /cannot identify device|no such (file|device)|does not exist|not a capture device|is not a (tv|capture)|could not open device|failed to acquire|no input source|internal data stream error/i.test(
          text,
        )
      )
        return failure('SONO_SOURCE_DEVICE_ABSENT', { device: name });
      return failure('SONO_SOURCE_FAILED', { uri: name, why: error.message });
    default:
      if (/permission denied|could not open file .* for reading/i.test(text))
        return failure('SONO_SOURCE_FORBIDDEN', { path: name });
      if (/not-linked/.test(text)) return failure('SONO_SOURCE_NO_PICTURE', { path: name });
      if (/missing decoder|missing a plug-in|no suitable plugins/i.test(text))
        return /missing decoder: [^\n]*(video|image)/i.test(text)
          ? failure('SONO_SOURCE_CODEC', { path: name, codec: missingCodec(text) })
          : failure('SONO_SOURCE_NOT_VIDEO', { path: name });
      if (/could not determine type|wrong type|could not be identified|can't (handle|typefind)/i.test(text))
        return failure('SONO_SOURCE_NOT_VIDEO', { path: name });
      if (
        /no playable streams|invalid|corrupt|truncated|damaged|not enough data|moov|could not demultiplex|cannot be played/i.test(
          text,
        )
      )
        return failure('SONO_SOURCE_DAMAGED', { path: name, seconds: 0 });
      return failure('SONO_SOURCE_NOT_VIDEO', { path: name });
  }
}

/**
 * Whether a warning says that decoding has offered all it has and nothing of it was a picture. An error follows only where
 * the other streams are longer than a queue: a file of a few lines of text would be waited for without end.
 *
 * @param debug the warning's debug text; the addon gives no other
 */
export function saysNoPicture(debug: string): boolean {
  return debug.includes('failed delayed linking');
}

/** @param missingCodec pictures that were found and cannot be decoded here, as GStreamer names them */
export function noPicture(address: SourceAddress, missingCodec: string | null): Failure {
  const path = sourceName(address);
  return missingCodec === null
    ? { code: 'SONO_SOURCE_NO_PICTURE', details: { path }, cause: 'no stream of pictures' }
    : { code: 'SONO_SOURCE_CODEC', details: { path, codec: missingCodec }, cause: 'no decoder' };
}

/** The codec that a message about a missing decoder names, null where it is not about pictures. */
export function missingPictureCodec(message: {
  readonly name: string;
  readonly detail: string;
}): string | null {
  return /^(video|image)\//.test(message.detail) ? message.name.replace(/ decoder$/, '') : null;
}

/** An exception of the launch string itself: an element that is not installed. */
export function classifyLaunchError(address: SourceAddress, message: string): Failure {
  const element = /no element "([^"]+)"/.exec(message)?.[1] ?? message;
  if (element === 'decklinkvideosrc')
    return {
      code: 'SONO_SOURCE_DEVICE_ABSENT',
      details: { device: sourceName(address) },
      cause: message,
    };
  return { code: 'SONO_SOURCE_PLUGIN', details: { uri: sourceName(address), element }, cause: message };
}

function missingCodec(text: string): string {
  return /missing (?:decoder|plug-in)?:? ?([^(\n]+)/i.exec(text)?.[1]?.trim() ?? 'unknown';
}
