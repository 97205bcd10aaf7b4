import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundaryOf, MultipartError, MultipartParser } from './multipart.js';

interface Part {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

function text(parts: readonly Part[], boundary: string): Buffer {
  const pieces = parts.map(({ headers, body }) =>
    Buffer.concat([
      Buffer.from(`--${boundary}\r\n`),
      Buffer.from(
        Object.entries(headers)
          .map(([key, value]) => `${key}: ${value}\r\n`)
          .join(''),
      ),
      Buffer.from('\r\n'),
      body,
      Buffer.from('\r\n'),
    ]),
  );
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
}

function read(pieces: readonly Buffer[], boundary: string): Part[] {
  const parser = new MultipartParser(boundary);
  const parts: { headers: Record<string, string>; body: Buffer }[] = [];
  for (const piece of pieces)
    for (const event of parser.push(piece)) {
      if (event.kind === 'part')
        parts.push({ headers: Object.fromEntries(event.headers), body: Buffer.alloc(0) });
      const last = parts.at(-1);
      if (event.kind === 'bytes' && last) last.body = Buffer.concat([last.body, event.bytes]);
    }
  parser.finish();
  return parts;
}

describe('multipart answers', () => {
  it('come out as they went in, wherever they are cut into pieces', () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      // What looks like the beginning of a boundary.
      fc.constantFrom('\r', '\r\n', '\r\n-', '\r\n--', '\r\n--Xy', '\n--XyZ').map((t) => Buffer.from(t)),
    );
    const part = fc.record({
      headers: fc.constantFrom<Record<string, string>>(
        {},
        { 'content-type': 'application/dicom', 'content-length': '12' },
      ),
      body: body.map((bytes) => Buffer.from(bytes)),
    });
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 40 }),
        (parts, size) => {
          const whole = text(parts, 'XyZ');
          const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) =>
            whole.subarray(i * size, (i + 1) * size),
          );
          expect(read(pieces, 'XyZ')).toEqual(parts);
        },
      ),
    );
  });

  it('are not taken for whole where they are cut off', () => {
    const whole = text([{ headers: { a: 'b' }, body: Buffer.from('hello') }], 'B');
    // Behind the two dashes of the last boundary nothing is missing.
    for (let end = 0; end < whole.length - 2; end += 1)
      expect(() => read([whole.subarray(0, end)], 'B'), String(end)).toThrow(MultipartError);
    expect(read([whole.subarray(0, whole.length - 2)], 'B')).toHaveLength(1);
  });

  it('have headers of a bounded length', () => {
    const parser = new MultipartParser('B');
    expect(() => parser.push(Buffer.from(`--B\r\nx: ${'y'.repeat(20_000)}`))).toThrow(MultipartError);
  });

  it.each([
    ['multipart/related; type="application/dicom"; boundary=abc', 'abc'],
    ['multipart/related; boundary="a b"; type=x', 'a b'],
    ['application/dicom', null],
    ['multipart/related', null],
  ])('name their boundary: %s', (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary);
  });
});
