import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { unpackLz4 } from './lz4.js';

/** Made by the reference tool (lz4 1.9.4): short patterns, long runs, all bytes, a repeated word. */
const content = Buffer.concat([
  Buffer.from('abcdefgh'.repeat(40)),
  Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index)),
  Buffer.alloc(700),
  Buffer.from('xyz'.repeat(50)),
]);
const block =
  'HwEAAI9hYmNkZWZnaAgA/yb0UgABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj9AQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2ChAf+KaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/wAAAgD//6k/eHl6AwB7UHl6eHl6';
const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');
const frames: readonly (readonly [name: string, file: Buffer])[] = [
  ['a checksum of the whole', Buffer.concat([bytes('BCJNGGRApw=='), bytes(block), bytes('AAAAAG64/70=')])],
  // The decoder lz4js 0.2.0 loses what is behind the first of these.
  [
    'a checksum of each block',
    Buffer.concat([bytes('BCJNGHRAvQ=='), bytes(block), bytes('hdxDcwAAAABuuP+9')]),
  ],
  ['no checksum', Buffer.concat([bytes('BCJNGGBAgg=='), bytes(block), bytes('AAAAAA==')])],
];

describe('LZ4 frames', () => {
  it.each(frames)('with %s', (_, file) => {
    expect(createHash('sha256').update(content).digest('hex')).toBe(
      '28145c28f7772f8e2644cbf9e05378fbda9ff7d4375ccc904ebc0570ade0804c',
    );
    expect(Buffer.from(unpackLz4(file, content.length))).toEqual(content);
  });

  it('one behind the other', () => {
    const two = Buffer.concat([frames[0]?.[1] ?? Buffer.of(), frames[1]?.[1] ?? Buffer.of()]);
    expect(Buffer.from(unpackLz4(two, 2 * content.length))).toEqual(Buffer.concat([content, content]));
  });

  it('cut anywhere, of another length, or changed: an error in words or the right length, never more', () => {
    const file = frames[0]?.[1] ?? Buffer.of();
    for (let length = 0; length < file.length; length++)
      expect(() => unpackLz4(file.subarray(0, length), content.length)).toThrow(RangeError);
    expect(() => unpackLz4(file, content.length - 1)).toThrow('longer');
    expect(() => unpackLz4(file, content.length + 1)).toThrow('shorter');
    for (let at = 0; at < file.length; at++) {
      const changed = Uint8Array.from(file);
      changed[at] = (changed[at] as number) ^ 0x55;
      try {
        expect(unpackLz4(changed, content.length)).toHaveLength(content.length);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }
    // A damaged one leaves nothing behind.
    expect(Buffer.from(unpackLz4(file, content.length))).toEqual(content);
  });
});
