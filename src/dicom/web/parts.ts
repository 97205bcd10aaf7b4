/** An answer as parts, whether the archive sends several of them or one without saying so. Any Node thread. */
import type { Answer } from './http.js';
import { boundaryOf, MultipartError, MultipartParser, type MultipartEvent } from './multipart.js';

/**
 * Parts as they arrive; the connection is given back at the end, and when the caller stops.
 * @throws MultipartError; what reading the body throws
 */
export async function* partsOf({ headers, body }: Answer): AsyncGenerator<MultipartEvent, void, undefined> {
  const type = headers.get('content-type') ?? '';
  const boundary = boundaryOf(type);
  try {
    if (boundary === null) {
      if (/^\s*multipart\//i.test(type))
        throw new MultipartError('it sends parts without saying what divides them');
      yield { kind: 'part', headers };
      for await (const bytes of body as AsyncIterable<Buffer>) yield { kind: 'bytes', bytes };
      yield { kind: 'end' };
      return;
    }
    const parser = new MultipartParser(boundary);
    for await (const piece of body as AsyncIterable<Buffer>) yield* parser.push(piece);
    parser.finish();
  } finally {
    body.on('error', () => undefined);
    body.destroy();
  }
}

/** Type and subtype in small letters; '' where nothing is said. */
export function mediaType(headers: ReadonlyMap<string, string>): string {
  return (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** A parameter of a content type; '' where it is not there. */
export function parameter(headers: ReadonlyMap<string, string>, name: string): string {
  const pattern = new RegExp(`;\\s*${name}\\s*=\\s*(?:"([^"]*)"|([^;\\s]*))`, 'i');
  const [, quoted, plain] = pattern.exec(headers.get('content-type') ?? '') ?? [];
  return quoted ?? plain ?? '';
}
