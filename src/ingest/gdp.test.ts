import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseGdp, parseSegment, parseTags } from './gdp.js';

function packet(type: number, payload: Uint8Array, pts = 0n): Buffer {
  const out = Buffer.alloc(62 + payload.length);
  out.writeUInt16BE(type, 4);
  out.writeUInt32BE(payload.length, 6);
  out.writeBigUInt64BE(pts, 10);
  out.set(payload, 62);
  return out;
}

// As captured from gdppay of GStreamer 1.22.
const segmentText =
  'GstEventSegment, segment=(GstSegment)"segment, flags=(GstSegmentFlags)GST_SEGMENT_FLAG_NONE, rate=(double)1, ' +
  'applied-rate=(double)1, format=(GstFormat)time, base=(guint64)2720000000, offset=(guint64)0, start=(guint64)80000000, ' +
  'stop=(guint64)10080000000, time=(guint64)0, position=(guint64)80000000, duration=(guint64)18446744073709551615;";';
const tagText =
  'GstTagList-global, taglist=(taglist)"taglist\\,\\ encoder\\=\\(string\\)Lavf57.83.100\\,\\ ' +
  'container-format\\=\\(string\\)\\"ISO\\\\\\ MP4/M4A\\"\\;";';

describe('GDP packets', () => {
  it('reads PTS and payload of a buffer without copying it', () => {
    const bytes = packet(1, Buffer.from([1, 2, 3]), 80_000_000n);
    const parsed = parseGdp(bytes);
    expect(parsed).toMatchObject({ kind: 'buffer', ptsNs: 80_000_000 });
    expect(parsed.kind === 'buffer' && parsed.payload.buffer === bytes.buffer).toBe(true);
  });

  it('says when a buffer has no PTS', () => {
    expect(parseGdp(packet(1, Buffer.alloc(4), 0xffffffffffffffffn))).toMatchObject({
      kind: 'buffer',
      ptsNs: null,
    });
  });

  it('tells caps and events from buffers', () => {
    expect(parseGdp(packet(2, Buffer.from('video/x-raw')))).toEqual({ kind: 'caps', text: 'video/x-raw' });
    expect(parseGdp(packet(17998, Buffer.from(segmentText)))).toEqual({ kind: 'event', text: segmentText });
  });

  it('calls every cut of a packet broken', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), (payload, seed) => {
        const whole = packet(1, payload, 5n);
        const cut = seed % whole.length;
        expect(parseGdp(whole.subarray(0, cut))).toEqual({ kind: 'broken' });
      }),
    );
  });

  it('reads a segment event', () => {
    expect(parseSegment(segmentText)).toEqual({ startNs: 80_000_000, baseNs: 2_720_000_000 });
    expect(parseSegment('GstEventSegmentDone, format=(GstFormat)time, position=(gint64)1;')).toBeNull();
    expect(parseSegment(tagText)).toBeNull();
  });

  it('reads container and codec from tags', () => {
    expect(parseTags(tagText)).toEqual([['container-format', 'ISO MP4/M4A']]);
    expect(parseTags(segmentText)).toEqual([]);
  });
});
