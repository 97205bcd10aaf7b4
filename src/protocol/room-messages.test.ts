import { uniformCalibration } from '../vocabulary/calibration.js';
import { describe, expect, it } from 'vitest';
import { maskOutlines, simplifyOutline } from '../mask/contour.js';
import { maskFromBitmap } from '../mask/rle.js';
import { decodeMeasurement, decodeOutlines, decodeSegmentation, decodeVideo } from './messages.js';
import { healthMessage, roomMessages, segmentationOf, type WireFrameEvent } from './room-messages.js';

const size = { width: 64, height: 32 };
const frame = {
  ...{ streamId: 'scope', ptsNs: 40, captureNs: 7, mediaNs: 40, sourceFrame: 1, discontinuity: 0 },
} as const;
const room = { epochUnixNs: 1_000n, format: { size, calibration: uniformCalibration({ x: 0.5, y: 0.5 }) } };

/** A filled circle: its outline has corners of many kinds. */
const disc = maskFromBitmap(
  Uint8Array.from({ length: 32 * 32 }, (_, index) =>
    Math.hypot((index % 32) - 16, Math.floor(index / 32) - 16) < 12 ? 1 : 0,
  ),
  32,
  32,
);
const object = { score: 1, confidence: 1, mask: disc, box: [4, 4, 24, 24], areaPx: 100 } as const;
const result: WireFrameEvent = {
  kind: 'result',
  result: {
    frame,
    maskSize: { width: 32, height: 32 },
    objects: [
      { id: 1, label: 'a', state: 'tracking', ...object },
      { id: 2, label: 'b', state: 'uncertain', ...object },
      { id: 3, label: 'c', state: 'lost', ...object },
    ],
  },
};
const measured: WireFrameEvent = {
  kind: 'measurement',
  frame,
  measurements: [1, 2].map((objectId) => ({
    ...{ name: 'area', value: objectId, unit: 'mm2', interval: null, quality: 'good', note: '', objectId },
  })),
};

describe('the messages of a room', () => {
  it('are encoded when the first one asks, once however many do', () => {
    const first = roomMessages(result, room);
    expect(first.map(({ kind, encodings }) => [kind, encodings])).toEqual([
      ['segmentation', 0],
      ['outlines', 0],
    ]);
    const [segmentation, outlines] = first;
    const bytes = segmentation?.bytes;
    // A second output, with the same event of the same room.
    expect(roomMessages(result, room)[0]?.bytes).toBe(bytes);
    expect(segmentation?.encodings).toBe(1);
    expect(outlines?.encodings).toBe(0);
  });

  it('belong together by one time stamp and carry the moment of capture', () => {
    const picture: WireFrameEvent = {
      kind: 'display',
      frame: { ...frame, data: Uint8Array.of(1, 2, 3) },
    };
    const all = [picture, result, measured].flatMap((event) => roomMessages(event, room));
    expect(all.map(({ kind }) => kind)).toEqual([
      ...['video', 'segmentation', 'outlines', 'measurements', 'measurements'],
    ]);
    for (const message of all) expect(message).toMatchObject({ timestampNs: 1_040n, captureNs: 7 });
    const [video, segmentation, outlines, measurement] = all;
    expect(decodeVideo(video?.bytes as Uint8Array)).toMatchObject({ timestampNs: 1_040n, streamId: 'scope' });
    expect(decodeSegmentation(segmentation?.bytes as Uint8Array)).toMatchObject({
      ...{ timestampNs: 1_040n, ptsNs: 40, sourceSize: size, objects: [{ areaMm2: 50 }, {}, {}] },
    });
    expect(decodeOutlines(outlines?.bytes as Uint8Array).timestampNs).toBe(1_040n);
    expect(decodeMeasurement(measurement?.bytes as Uint8Array)).toMatchObject({
      ...{ timestampNs: 1_040n, streamId: 'scope', ptsNs: 40, name: 'area', value: 1, objectId: 1 },
    });
  });

  it('hand a picture on without a copy', () => {
    const data = Uint8Array.of(9, 8, 7);
    const [video] = roomMessages({ kind: 'display', frame: { ...frame, data } }, room);
    expect(video?.parts.at(-1)).toBe(data);
  });

  it('of measurements wait side by side, those of pictures and masks for the newest only', () => {
    expect(roomMessages(measured, room).map(({ slot }) => slot)).toEqual(['area 1', 'area 2']);
    expect(roomMessages(result, room).map(({ slot }) => slot)).toEqual(['', '']);
  });

  it('of one beat do not take the place of those of another, and a bounded number of beats waits', () => {
    const slotsOf = (beat: number) =>
      roomMessages(
        {
          kind: 'measurement',
          frame,
          measurements: ['beat_ef', 'beat_edv'].map((name) => ({
            ...{ name, value: null, unit: '%', interval: null, quality: 'rejected', note: '' },
            ...{ objectId: 1, beat },
          })),
        },
        room,
      ).map(({ slot }) => slot);
    expect(new Set([...slotsOf(1), ...slotsOf(2)]).size).toBe(4);
    const all = Array.from({ length: 1000 }, (_, beat) => slotsOf(beat)).flat();
    expect(new Set(all).size).toBeLessThanOrEqual(32);
  });

  it('outline what is shown, in source pixels, to a quarter of a mask pixel', () => {
    const { lines, texts } = decodeOutlines(roomMessages(result, room)[1]?.bytes as Uint8Array);
    expect(texts.map(({ text }) => text)).toEqual(['a 100 %', 'b ? 100 %']);
    const [outline] = maskOutlines(disc);
    if (!outline) throw new Error('the disc has no outline');
    const simplified = (tolerance: number) => simplifyOutline(outline, tolerance).points;
    expect(lines[0]?.points).toEqual(simplified(0.25).map(([x, y]) => [2 * x, y]));
    expect(simplified(0.25).length).toBeGreaterThan(simplified(0.5).length);
  });

  it('say of the source what was so when the event came', () => {
    const changing = { ...room };
    const event = { ...result };
    const [segmentation] = roomMessages(event, changing);
    changing.format = { size: { width: 1, height: 1 }, calibration: uniformCalibration({ x: 1, y: 1 }) };
    expect(decodeSegmentation(segmentation?.bytes as Uint8Array).sourceSize).toEqual(size);
    // Before the source has said its size.
    const { maskSize } = result.result;
    expect(segmentationOf(result.result, { ...room, format: null }).sourceSize).toEqual(maskSize);
  });

  it('of health are made for each receiver, with its viewers', () => {
    const health = { source: { phase: 'playing' }, sinceUnixMs: 0, drops: {}, latencyMs: null } as never;
    const about = { ...room, id: 'scope', label: 'Scope', sourceUri: 'x' };
    const message = healthMessage(health, about, 5n, 3);
    expect(message).toMatchObject({ kind: 'health', timestampNs: 5n, captureNs: null, encodings: 0 });
  });
});
