import { uncalibrated, uniformCalibration } from '../vocabulary/calibration.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyMask, maskArea, maskBox, maskFromBitmap, maskFromCocoBytes } from '../mask/rle.js';
import {
  fileDescriptorSet,
  channelSchemas,
  nsFromTimestamp,
  parseTopic,
  channelTopic,
  ptsFromWireTime,
  timestampFromNs,
  wireTimeNs,
} from './channels.js';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import {
  decodeHealth,
  decodeMeasurement,
  decodeOutlines,
  decodeSegmentation,
  decodeVideo,
  describeSegmentation,
  encodeHealth,
  encodeMeasurement,
  encodeOutlines,
  encodeSegmentation,
  encodeVideo,
} from './messages.js';
import type { HealthInput, MeasurementMessage, SegmentationMessage } from './messages.js';
import type { HexColour } from '../vocabulary/hex-colour.js';
import { segmentationToJson, segmentationJsonSchema, type SegmentationJson } from './requests.js';

const schemaError = expect.objectContaining({ code: 'SONO_WIRE_SCHEMA' }) as unknown;
const ns = fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n });
const u32 = fc.nat({ max: 0xffff_ffff });
const float32 = fc
  .float({ noNaN: true, noDefaultInfinity: true, min: 0, max: 1 })
  .filter((value) => !Object.is(value, -0));
const size = fc.record({
  width: fc.integer({ min: 1, max: 8192 }),
  height: fc.integer({ min: 1, max: 8192 }),
});

const segmentation: fc.Arbitrary<SegmentationMessage> = fc.record({
  timestampNs: ns,
  streamId: fc.string({ unit: 'grapheme' }),
  ptsNs: fc.maxSafeNat(),
  captureNs: fc.maxSafeNat(),
  sourceFrame: u32,
  pass: u32,
  maskSize: size,
  sourceSize: size,
  objects: fc.array(
    fc.record({
      id: u32,
      label: fc.string({ unit: 'grapheme' }),
      state: fc.constantFrom('searching', 'tracking', 'uncertain', 'lost'),
      score: float32,
      confidence: float32,
      box: fc.tuple(u32, u32, u32, u32),
      areaPx: u32,
      areaMm2: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 })),
      colour: fc.nat({ max: 0xffffff }).map((value): HexColour => `#${value.toString(16).padStart(6, '0')}`),
      counts: fc.uint8Array({ min: 48, max: 111, maxLength: 40 }),
    }),
    { maxLength: 4 },
  ),
});

/** Decoding every shorter part gives a message or the coded error. */
function cutEverywhere(bytes: Uint8Array, decode: (part: Uint8Array) => unknown): void {
  for (let length = 0; length < bytes.length; length++)
    try {
      decode(bytes.subarray(0, length));
    } catch (error) {
      expect(error).toEqual(schemaError);
    }
}

/** What a client of the HTTP address does with the answer. */
function segmentationFromJson(json: SegmentationJson): SegmentationMessage {
  const { stream: streamId, timestampNs, objects, ...rest } = json;
  return {
    ...rest,
    streamId,
    timestampNs: BigInt(timestampNs),
    objects: objects.map((object) => ({
      ...object,
      colour: object.colour as HexColour,
      counts: Uint8Array.from(object.counts, (character) => character.charCodeAt(0)),
    })),
  };
}

describe('segmentation', () => {
  it('comes back as it was, over protobuf and over JSON', () => {
    fc.assert(
      fc.property(segmentation, (message) => {
        expect(decodeSegmentation(encodeSegmentation(message))).toEqual(message);
        const json: unknown = JSON.parse(JSON.stringify(segmentationToJson(message)));
        expect(segmentationFromJson(segmentationJsonSchema.parse(json))).toEqual(message);
      }),
      { numRuns: 200 },
    );
  });

  it('cut at any byte is a message or a coded error', () => {
    fc.assert(
      fc.property(segmentation, (message) => cutEverywhere(encodeSegmentation(message), decodeSegmentation)),
      { numRuns: 20 },
    );
  });

  it('carries the mask as COCO run lengths and the area in square millimetres', () => {
    const bitmap = new Uint8Array(8 * 6);
    for (const index of [9, 10, 17, 18, 25, 26]) bitmap[index] = 1;
    const mask = maskFromBitmap(bitmap, 8, 6);
    const message = describeSegmentation(
      {
        frame: { streamId: 's', ptsNs: 40, captureNs: 50, mediaNs: 0, sourceFrame: 1, discontinuity: 0 },
        maskSize: { width: 8, height: 6 },
        objects: [
          {
            id: 3,
            label: 'l',
            state: 'tracking',
            score: 0.5,
            confidence: 0.25,
            mask,
            box: maskBox(mask),
            areaPx: maskArea(mask),
          },
          {
            id: 4,
            label: 'm',
            state: 'lost',
            score: 0,
            confidence: 0,
            mask: emptyMask(8, 6),
            box: [0, 0, 0, 0],
            areaPx: 0,
          },
        ],
      },
      1n,
      { size: { width: 80, height: 30 }, calibration: uniformCalibration({ x: 0.5, y: 2 }) },
    );
    const [object, lost] = decodeSegmentation(encodeSegmentation(message)).objects;
    // One mask pixel is 10 × 5 source pixels of 0.5 × 2 mm: 50 mm².
    expect(object).toMatchObject({ id: 3, state: 'tracking', box: [1, 1, 2, 3], areaPx: 6, areaMm2: 300 });
    expect(maskFromCocoBytes(object?.counts ?? new Uint8Array(), 8, 6)).toEqual(mask);
    expect(lost).toMatchObject({ state: 'lost', areaPx: 0, areaMm2: 0 });
    expect(maskArea(maskFromCocoBytes(lost?.counts ?? new Uint8Array(), 8, 6))).toBe(0);
  });

  it('without calibration has no area in square millimetres', () => {
    const mask = maskFromBitmap(Uint8Array.of(1), 1, 1);
    const message = describeSegmentation(
      {
        frame: { streamId: 's', ptsNs: 0, captureNs: 0, mediaNs: 0, sourceFrame: 0, discontinuity: 0 },
        maskSize: { width: 1, height: 1 },
        objects: [
          {
            id: 1,
            label: '',
            state: 'tracking',
            score: 1,
            confidence: 1,
            mask,
            box: [0, 0, 1, 1],
            areaPx: 1,
          },
        ],
      },
      0n,
      { size: { width: 1, height: 1 }, calibration: uncalibrated },
    );
    expect(decodeSegmentation(encodeSegmentation(message)).objects[0]?.areaMm2).toBeNull();
  });
});

describe('video', () => {
  it('comes back as it was and cut at any byte is a message or a coded error', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        ns,
        fc.string({ unit: 'grapheme' }),
        (data, timestampNs, streamId) => {
          const bytes = encodeVideo({ streamId, data }, timestampNs);
          expect(decodeVideo(bytes)).toEqual({ timestampNs, streamId, format: 'jpeg', data });
          cutEverywhere(bytes, decodeVideo);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('of any bytes is a message or a coded error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        for (const decode of [
          decodeVideo,
          decodeSegmentation,
          decodeHealth,
          decodeOutlines,
          decodeMeasurement,
        ])
          try {
            decode(bytes);
          } catch (error) {
            expect(error).toEqual(schemaError);
          }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('outlines', () => {
  it('carry closed lines and a label at the topmost point', () => {
    const bytes = encodeOutlines(
      [
        {
          id: 1,
          label: 'hook',
          state: 'uncertain',
          confidence: 0.425,
          colour: '#6555fe',
          rings: [
            [
              [10, 20],
              [30, 5],
              [30, 40],
            ],
            [
              [12, 21],
              [13, 22],
              [14, 21],
            ],
          ],
        },
        { id: 2, label: 'gone', state: 'lost', confidence: 0, colour: '#6555fe', rings: [] },
      ],
      77n,
    );
    expect(decodeOutlines(bytes)).toEqual({
      timestampNs: 77n,
      lines: [
        {
          points: [
            [10, 20],
            [30, 5],
            [30, 40],
          ],
        },
        {
          points: [
            [12, 21],
            [13, 22],
            [14, 21],
          ],
        },
      ],
      texts: [{ position: [30, 5], text: 'hook ? 43 %' }],
    });
    cutEverywhere(bytes, decodeOutlines);
  });
});

describe('measurement', () => {
  it('comes back as it was and cut at any byte is a message or a coded error', () => {
    const value = fc.double({ noNaN: true });
    fc.assert(
      fc.property(
        fc.record<MeasurementMessage>({
          timestampNs: ns,
          streamId: fc.string(),
          ptsNs: fc.maxSafeNat(),
          name: fc.string(),
          value,
          unit: fc.string(),
          interval: fc.option(fc.record({ low: value, high: value })),
          quality: fc.constantFrom('good', 'doubtful', 'rejected'),
          note: fc.string(),
          objectId: u32,
        }),
        fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 20 }),
        (plain, values) => {
          // Disks of a ventricle are several numbers of one thing.
          const message = { ...plain, values };
          expect(decodeMeasurement(encodeMeasurement(plain))).toEqual(plain);
          const bytes = encodeMeasurement(message);
          expect(decodeMeasurement(bytes)).toEqual(message);
          cutEverywhere(bytes, decodeMeasurement);
        },
      ),
      { numRuns: 50 },
    );
  });
});

const healthInput: HealthInput = {
  source: { phase: 'lost', reason: { message: 'No signal.', code: 'SONO_SIGNAL' } },
  sinceUnixMs: 1_700_000_000_123,
  capturedFps: 25,
  displayedFps: 24.5,
  analysedFps: 20.25,
  latencyMs: { inference: { p50: 1, p95: 2, p99: 3, max: 4 } },
  drops: { inference: 7, client: 0 },
  engine: {
    ...{ provider: 'cpu', modelName: 'compact', modelVersion: '1', licence: 'Apache-2.0' },
    ...{ kind: 'tracker', policy: 'sam2' },
  },
  degraded: 'Slower than the source.',
  overlayVisible: true,
  overlayLimitMs: 100,
  recording: true,
};
const healthContext = {
  timestampNs: 5n,
  streamId: 's',
  label: 'Scope',
  sourceUri: 'file.mp4',
  sourceSize: { width: 1280, height: 720 },
  clients: 3,
};

describe('health', () => {
  it('says everything', () => {
    const undoable = [
      { objectId: 1, label: 'hook', kind: 'box', made: true },
      { objectId: 2, label: 'liver', kind: null, made: false },
    ] as const;
    const told = { ...healthInput, echoView: 'a2c', echoPartner: 'four', sources: 2, undoable } as const;
    const bytes = encodeHealth({ ...told, gestures: { held: 3 } }, healthContext);
    expect(decodeHealth(bytes)).toEqual({
      timestampNs: 5n,
      streamId: 's',
      label: 'Scope',
      sourceUri: 'file.mp4',
      sourcePhase: 'lost',
      reason: 'No signal.',
      reasonCode: 'SONO_SIGNAL',
      sinceUnixMs: 1_700_000_000_123,
      capturedFps: 25,
      displayedFps: 24.5,
      analysedFps: 20.25,
      latencyMs: { inference: { p50: 1, p95: 2, p99: 3, max: 4 } },
      drops: { inference: 7, client: 0 },
      provider: 'cpu',
      model: 'compact 1',
      modelKind: 'tracker',
      modelLicence: 'Apache-2.0',
      policy: 'sam2',
      overlayVisible: true,
      overlayLimitMs: 100,
      recording: true,
      sourceSize: { width: 1280, height: 720 },
      clients: 3,
      degraded: 'Slower than the source.',
      analysis: true,
      echoView: 'a2c',
      echoPartner: 'four',
      ...{ sources: 2, undoable, heldGestures: 3 },
    });
    cutEverywhere(bytes, decodeHealth);
  });

  it('says so when there is no model and no picture yet', () => {
    const health = decodeHealth(
      encodeHealth(
        { ...healthInput, source: { phase: 'starting' }, latencyMs: null, engine: null, degraded: null },
        { ...healthContext, sourceSize: null },
      ),
    );
    expect(health).toMatchObject({
      sourcePhase: 'starting',
      reason: '',
      latencyMs: {},
      provider: 'none',
      model: '',
      degraded: '',
      analysis: false,
      sourceSize: null,
    });
  });
});

describe('channels', () => {
  it('have descriptors that hold everything they need', () => {
    for (const schema of Object.values(channelSchemas)) {
      const set = fromBinary(FileDescriptorSetSchema, fileDescriptorSet(schema));
      // Throws where an import is missing or comes too late.
      const registry = createFileRegistry(set);
      expect(registry.getMessage(schema.typeName)?.fields.length).toBe(schema.fields.length);
    }
  });

  it('have topics that can be read back', () => {
    expect(parseTopic(channelTopic('scope', 'video'))).toEqual({ streamId: 'scope', kind: 'video' });
    expect(parseTopic('/a/b/health')).toEqual({ streamId: 'a/b', kind: 'health' });
    for (const topic of ['', '/video', '/a/other', 'a/video']) expect(parseTopic(topic)).toBeNull();
  });

  it('have timestamps that are exact to the nanosecond', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), (unixNs) => {
        const timestamp = timestampFromNs(unixNs);
        expect(nsFromTimestamp(timestamp)).toBe(unixNs);
        expect(timestamp.nanos).toBeGreaterThanOrEqual(0);
        expect(timestamp.nanos).toBeLessThan(1e9);
      }),
    );
    fc.assert(
      fc.property(ns, fc.maxSafeNat(), (epoch, ptsNs) => {
        expect(ptsFromWireTime(epoch, wireTimeNs(epoch, ptsNs))).toBe(ptsNs);
      }),
    );
    expect(nsFromTimestamp(undefined)).toBe(0n);
  });
});
