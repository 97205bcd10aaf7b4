/**
 * The parts of a multipart/related answer (RFC 2046, PS3.18 section 8.6) while it arrives. Own code, because the kept parsers are
 * made for forms: they want a Content-Disposition, or hold each part in memory, and a part here may be a cine of gigabytes.
 * Pure.
 */

/** What comes out, in order: a part begins, its bytes in pieces, a part ends. */
export type MultipartEvent =
  | { readonly kind: 'part'; readonly headers: ReadonlyMap<string, string> }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' };

export class MultipartError extends Error {}

/** Headers of one part; a line of an honest archive has some hundred letters. */
const mostHeaderBytes = 16 * 1024;

/** The boundary in a Content-Type; null where it is no multipart answer. */
export function boundaryOf(contentType: string): string | null {
  if (!/^\s*multipart\//i.test(contentType)) return null;
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,200})"|([^;\s]{1,200}))/i.exec(contentType) ?? [];
  return quoted ?? plain ?? null;
}

/** `push` pieces as they arrive, then `finish`. */
export class MultipartParser {
  readonly #delimiter: Buffer;
  #state: 'preamble' | 'after-delimiter' | 'headers' | 'body-start' | 'body' | 'epilogue' = 'preamble';
  #held: Buffer;

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
    // The first delimiter stands at the very beginning, as if a line had ended before it.
    this.#held = Buffer.from('\r\n');
  }

  /** @throws MultipartError where it is not what it says */
  push(piece: Uint8Array): MultipartEvent[] {
    this.#held = this.#held.length === 0 ? Buffer.from(piece) : Buffer.concat([this.#held, piece]);
    const events: MultipartEvent[] = [];
    while (this.#step(events));
    return events;
  }

  /** @throws MultipartError where it ended too early */
  finish(): void {
    if (this.#state !== 'epilogue') throw new MultipartError('it ended in the middle');
  }

  /** Goes on as far as it can; false where more must arrive first. */
  #step(events: MultipartEvent[]): boolean {
    const held = this.#held;
    switch (this.#state) {
      case 'epilogue':
        this.#held = Buffer.alloc(0);
        return false;
      case 'preamble':
      case 'body': {
        const at = held.indexOf(this.#delimiter);
        const isBody = this.#state === 'body';
        // What may be the beginning of a delimiter waits.
        const end = at >= 0 ? at : Math.max(0, held.length - this.#delimiter.length + 1);
        if (isBody && end > 0) events.push({ kind: 'bytes', bytes: held.subarray(0, end) });
        this.#held = held.subarray(at >= 0 ? at + this.#delimiter.length : end);
        if (at < 0) return false;
        if (isBody) events.push({ kind: 'end' });
        this.#state = 'after-delimiter';
        return true;
      }
      case 'after-delimiter': {
        if (held.length < 2) return false;
        if (held[0] === 0x2d && held[1] === 0x2d) {
          this.#state = 'epilogue';
          return true;
        }
        const line = held.indexOf('\r\n');
        if (line < 0 && held.length < 200) return false;
        if (line < 0 || held.subarray(0, line).toString('latin1').trim() !== '')
          throw new MultipartError('behind a boundary there is something else');
        // The end of this line stays: a part without headers has the empty line right behind it.
        this.#held = held.subarray(line);
        this.#state = 'headers';
        return true;
      }
      case 'headers': {
        const end = held.indexOf('\r\n\r\n');
        if (end < 0) {
          if (held.length > mostHeaderBytes) throw new MultipartError('the headers of a part do not end');
          return false;
        }
        events.push({ kind: 'part', headers: headersOf(held.subarray(0, end).toString('latin1')) });
        this.#held = held.subarray(end + 2);
        this.#state = 'body-start';
        return true;
      }
      case 'body-start':
        // Behind an empty part, the line end of its headers is the first of the delimiter.
        if (held.length < this.#delimiter.length) return false;
        if (!held.subarray(0, this.#delimiter.length).equals(this.#delimiter)) this.#held = held.subarray(2);
        this.#state = 'body';
        return true;
    }
  }
}

function headersOf(text: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}
