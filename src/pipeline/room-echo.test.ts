import { uniformCalibration } from '../vocabulary/calibration.js';
import type { TrackedObject } from '../tracking/tracker.js';
import { describe, expect, it } from 'vitest';
import { maskFromBitmap } from '../mask/rle.js';
import { heldMeasurementSchema, mostHolds, type HeldMeasurement } from '../protocol/hold-requests.js';
import { beatRejections, echoMeasures } from '../vocabulary/echo.js';
import type { DisplayFrame, SourceFormat } from '../vocabulary/frame.js';
import type { Measurement } from '../vocabulary/measurement.js';
import { RoomEcho } from './room-echo.js';

const size = { width: 40, height: 20 };
const maskSize = { width: 20, height: 20 };
const frameNs = 40e6;
const square = maskFromBitmap(
  Uint8Array.from({ length: 400 }, (_, at) => (at % 20 < 10 && at < 200 ? 1 : 0)),
  20,
  20,
);
const format: SourceFormat = {
  ...{
    size,
    framesPerSecond: 25,
    calibration: uniformCalibration({ x: 0.5, y: 0.5 }),
    frameCount: null,
    description: '',
  },
};
const value = (name: string, more: Partial<Measurement> = {}): Measurement => ({
  ...{ name, value: 50, unit: '%', interval: null, quality: 'good', note: 'single-plane', objectId: 0 },
  ...more,
});
const noNumber = value(echoMeasures.ejectionFraction, {
  ...{ value: null, quality: 'rejected', note: 'waiting for a whole beat' },
});

/** A room that shows one picture after the other, each with a mask and with what a test says was measured. */
function heart() {
  const told: HeldMeasurement[] = [];
  const echo = new RoomEcho({
    ...{ id: 'echo 1', label: 'Echo', epochUnixNs: 1_000_000n, sourceUri: () => 'file:x' },
    ...{ format: () => format, engine: () => null, onHeld: (held) => told.push(held) },
  });
  let index = 0;
  let discontinuity = 0;
  const show = (measurements: readonly Measurement[], picture = true): number => {
    const ptsNs = index++ * frameNs;
    const frame = {
      ...{ streamId: 'echo 1', ptsNs, captureNs: ptsNs, mediaNs: ptsNs, sourceFrame: index, discontinuity },
    };
    const display: DisplayFrame = {
      ...{ ...frame, encoding: 'jpeg', size, decodedNs: 0, encodedNs: 0 },
      data: Uint8Array.of(index, 0, 0, 0),
    };
    if (picture) echo.take({ kind: 'display', frame: display });
    const object: TrackedObject = {
      ...{ id: 1, label: 'left ventricle', state: 'tracking' as const, score: 1, confidence: 1, areaPx: 100 },
      ...{ mask: square, box: [0, 0, 10, 10] as const },
    };
    echo.take({
      kind: 'result',
      result: {
        ...{ frame, maskSize, logitsSize: maskSize, objects: [object] },
        timing: { startedNs: 0, inferenceNs: 0, trackingNs: 0 },
      },
    });
    echo.take({ kind: 'measurement', frame, measurements });
    return ptsNs;
  };
  const now = value(echoMeasures.ejectionFraction, { value: 54, interval: { low: 48, high: 60 } });
  /** One beat of ten pictures, whose moments are decided three pictures late; the one after it closes it. */
  const beat = (number: number, refused?: string): void => {
    const start = show([now]);
    for (let picture = 1; picture < 10; picture++)
      show([
        now,
        ...(picture === 3
          ? [
              value(echoMeasures.endDiastole, { beat: number, atPtsNs: start }),
              ...(number > 1 ? closing(number - 1) : []),
            ]
          : []),
        ...(picture === 7
          ? [value(echoMeasures.endSystole, { beat: number, atPtsNs: start + 4 * frameNs })]
          : []),
      ]);
    why = refused;
  };
  let why: string | undefined;
  const closing = (number: number): Measurement[] =>
    [echoMeasures.beatEjectionFraction, echoMeasures.beatEndDiastolicVolume].map((name) =>
      value(name, {
        beat: number,
        ...(why !== undefined && { value: null, quality: 'rejected', note: why }),
      }),
    );
  const hold = () => echo.hold((index - 1) * frameNs);
  const jump = (): void => {
    discontinuity += 1;
  };
  return { echo, told, show, beat, hold, now, jump, moment: () => index * frameNs };
}

describe('holding', () => {
  it('gives the number with its beats, and the pictures and outlines of the last beat that counts', () => {
    const { beat, hold, show, told, echo } = heart();
    show([noNumber]);
    beat(1);
    beat(2);
    beat(3, beatRejections.moved);
    beat(4);
    const { held, dropped } = hold();
    expect(heldMeasurementSchema.parse(held)).toEqual(held);
    expect(dropped).toEqual([]);
    expect(told).toEqual([held]);
    expect(held).toMatchObject({
      ...{ id: 1, stream: 'echo 1', sourceUri: 'file:x', singlePlane: true },
      ejectionFraction: { value: 54, interval: { low: 48, high: 60 }, note: 'single-plane' },
    });
    expect(held.beats.map(({ number, accepted, reason }) => [number, accepted, reason])).toEqual([
      [1, true, ''],
      [2, true, ''],
      [3, false, beatRejections.moved],
    ]);
    // The first picture is number 1, and beats begin at pictures 2, 12, 22, …
    const [second] = held.beats.slice(1);
    expect(second).toMatchObject({ endDiastolePtsNs: 11 * frameNs, endSystolePtsNs: 15 * frameNs });
    expect(held.pictures).toMatchObject({
      beat: 2,
      endDiastole: { ptsNs: 11 * frameNs, size, path: '/api/rooms/echo%201/holds/1/end-diastole' },
      endSystole: { ptsNs: 15 * frameNs },
    });
    expect(held.pictures?.endDiastole?.outlines[0]).toMatchObject({
      ...{ objectId: 1, label: 'left ventricle' },
      // The mask is twice as narrow as the picture.
      rings: [expect.arrayContaining([[19, 10]])],
    });
    expect(echo.picture(1, 'end-diastole')[0]).toBe(12);
    expect(echo.picture(1, 'end-systole')[0]).toBe(16);
  });

  it('is refused, with the reason, where there is no number', () => {
    const { hold, show, echo, beat, now } = heart();
    const refusal = (reason: string) =>
      expect.objectContaining({
        code: 'SONO_HOLD_NO_NUMBER',
        message: expect.stringContaining(reason) as string,
      }) as Error;
    expect(hold).toThrow(refusal('nothing is measured on a heart'));
    show([value('area')]);
    expect(hold).toThrow(refusal('nothing is measured on a heart'));
    show([noNumber]);
    expect(hold).toThrow(refusal('waiting for a whole beat'));
    beat(1);
    show([now]);
    expect(hold().held.id).toBe(1);
    // The source is lost: nothing comes any more.
    expect(() => echo.hold(10e9)).toThrow(refusal('two seconds'));
    show([noNumber]);
    expect(hold).toThrow(refusal('waiting'));
    expect(echo.holds).toHaveLength(1);
  });

  it('takes no other picture for one that was not received', () => {
    const { echo, hold, show, now, moment } = heart();
    show([now]);
    const lost = moment();
    show([now], false);
    show([now, value(echoMeasures.endDiastole, { beat: 1, atPtsNs: lost })]);
    show([now, value(echoMeasures.beatEjectionFraction, { beat: 1 })]);
    const { held } = hold();
    expect(held.pictures).toEqual({ beat: 1, endDiastole: null, endSystole: null });
    expect(() => echo.picture(1, 'end-diastole')).toThrow(
      expect.objectContaining({ code: 'SONO_HOLD_NO_PICTURE' }),
    );
    expect(() => echo.held(2)).toThrow(expect.objectContaining({ code: 'SONO_HOLD_UNKNOWN' }));
  });

  it('keeps a bounded number and says which went', () => {
    const { show, hold, now, echo } = heart();
    show([now]);
    for (let taken = 1; taken <= mostHolds; taken++) expect(hold().dropped).toEqual([]);
    expect(hold()).toMatchObject({ held: { id: mostHolds + 1 }, dropped: [1] });
    expect(echo.holds.map(({ id }) => id)).toEqual(Array.from({ length: mostHolds }, (_, at) => at + 2));
  });

  it('keeps pictures within a bound, however long no beat counts, and none before a heart is measured', () => {
    const { echo, show, beat } = heart();
    show([value('area')]);
    expect(echo.bytes).toBe(0);
    for (let number = 1; number < 60; number++) beat(number, beatRejections.moved);
    // Two seconds of pictures, and the two of five beats: four bytes each.
    expect(echo.bytes).toBeLessThanOrEqual(4 * (51 + 2 * 5));
    echo.clear();
    expect(echo.bytes).toBe(0);
  });

  it('has no beats of another source or of before a jump, but keeps what was held', () => {
    const { echo, beat, show, hold, now, jump } = heart();
    beat(1);
    beat(2);
    expect(hold().held.beats).toHaveLength(1);
    jump();
    show([now]);
    expect(hold().held).toMatchObject({ beats: [], pictures: null });
    echo.clear();
    expect(hold).toThrow(expect.objectContaining({ code: 'SONO_HOLD_NO_NUMBER' }));
    expect(echo.holds).toHaveLength(2);
  });

  it('the report tells how the number stood at last, beats and reasons, and what was held; nothing of other rooms', () => {
    const { echo, beat, show, hold } = heart();
    show([value('area')]);
    expect(echo.report()).toBeNull();
    beat(1);
    beat(2);
    beat(3, beatRejections.moved);
    beat(4);
    const { held } = hold();
    const shown = expect.objectContaining({ value: 54, unit: '%' }) as unknown;
    const rest = {
      lastBiplaneEjectionFraction: null,
      beats: { accepted: 2, rejected: 1, reasons: { moved: 1 } },
      held: [held],
    };
    expect(echo.report()).toEqual({ ...rest, lastEjectionFraction: shown });
    expect(echo.report('Signal lost')).toEqual({
      ...rest,
      lastEjectionFraction: expect.objectContaining({
        value: null,
        interval: null,
        note: 'Signal lost',
      }) as unknown,
    });
    // A picture without a number: what stood there before is not how it ended.
    show([noNumber]);
    expect(echo.report()).toEqual({
      ...rest,
      lastEjectionFraction: expect.objectContaining({ value: null, note: noNumber.note }) as unknown,
    });
    echo.clear();
    expect(echo.report()?.lastEjectionFraction).toBeNull();
  });
});
