/** An exported segmentation through the adapter with which OHIF opens it (@cornerstonejs/adapters), over the frames of its cine. */
import { uncalibrated } from '../../../src/vocabulary/calibration.js';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DicomReference } from '../../../src/dicom/reference.js';
import type { ExportInfo } from '../../../src/export/exporter.js';
import { createExporter } from '../../../src/export/index.js';
import { emptyMask, maskArea, maskFromBitmap } from '../../../src/mask/rle.js';
import type { Mask } from '../../../src/vocabulary/mask.js';

/** The part of the adapter that is used here; its own types need those of a browser. */
interface Adapter {
  readonly adaptersSEG: {
    readonly Cornerstone3D: {
      readonly Segmentation: {
        createFromDICOMSegBuffer(
          imageIds: readonly string[],
          file: ArrayBuffer,
          options: { readonly metadataProvider: MetadataProvider },
        ): Promise<{
          /** Layers, because masks may overlap; in each a picture per frame. */
          readonly labelMapImages: readonly (readonly { getPixelData(): ArrayLike<number> }[])[];
        }>;
      };
    };
  };
}
interface MetadataProvider {
  get(kind: string, imageId: string): unknown;
}
interface Core {
  readonly metaData: {
    addProvider(provider: MetadataProvider['get'], priority: number): void;
    removeAllProviders(): void;
  };
}

const [width, height] = [160, 120];
const cine: DicomReference = {
  sopClassUid: '1.2.840.10008.5.1.4.1.1.3.1',
  sopInstanceUid: '1.2.826.0.1.3680043.8.498.1234',
  seriesInstanceUid: '1.2.826.0.1.3680043.8.498.5678',
  studyInstanceUid: '1.2.826.0.1.3680043.8.498.9999',
  attributes: {},
};

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'sonoscope-ohif-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

function box(x: number, y: number, size: number): Mask {
  const inside = (at: number, from: number): boolean => at >= from && at < from + size;
  return maskFromBitmap(
    Uint8Array.from({ length: width * height }, (_, at) =>
      inside(at % width, x) && inside(Math.floor(at / width), y) ? 1 : 0,
    ),
    width,
    height,
  );
}

/** Two objects that overlap on the first pictures; the second comes late, and both are hidden on the fourth. */
function masksOf(index: number): Mask[] {
  const hidden = emptyMask(width, height);
  if (index === 3) return [hidden, hidden];
  return [box(20 + 4 * index, 30, 40 + index), index < 1 ? hidden : box(50 + 8 * index, 50, 20 + index)];
}

async function segmentationOf(name: string, dicom: DicomReference, frames: number): Promise<ArrayBuffer> {
  const exporter = createExporter('dicom-seg');
  const objects = [1, 2].map((id) => ({ id, label: `object ${id}` }));
  const info: ExportInfo = {
    ...{ directory: folder, clip: name, sourceUri: name, objects, dicom, loss: null, chunkFrames: 99 },
    source: {
      ...{ size: { width, height }, framesPerSecond: 25, calibration: uncalibrated, frameCount: frames },
      description: 'test',
    },
    software: { version: '0', model: 'm', modelSha256: '0' },
    ...{
      identity: name,
      inputIdentity: name,
      segmentation: 'semiautomatic',
      sourceModifiedUnixMs: 1,
      view: 'a4c',
    },
  };
  await exporter.open(info, null);
  for (let index = 0; index < frames; index++)
    await exporter.frame({
      ...{ sourceFrame: index, ptsNs: index * 4e7, mediaNs: index * 4e7, measurements: [], picture: null },
      objects: masksOf(index).map((mask, object) => ({
        ...{ id: object + 1, state: 'tracking', score: 1, confidence: 1, mask },
      })),
    });
  const [path = ''] = await exporter.close();
  const { buffer, byteOffset, byteLength } = await readFile(path);
  return buffer.slice(byteOffset, byteOffset + byteLength);
}

/** Pixels of each object on each frame of the cine. */
async function countsOf(file: ArrayBuffer, imageIds: readonly string[]): Promise<number[][]> {
  const [adapterName, coreName] = ['@cornerstonejs/adapters', '@cornerstonejs/core'];
  const { adaptersSEG } = (await import(adapterName)) as Adapter;
  const { metaData } = (await import(coreName)) as Core;
  // What a viewer knows of an ultrasound cine: no place in a patient.
  const known: Readonly<Record<string, unknown>> = {
    generalSeriesModule: { seriesInstanceUID: cine.seriesInstanceUid, modality: 'US' },
    generalImageModule: { sopInstanceUID: cine.sopInstanceUid },
    imagePixelModule: { bitsAllocated: 8, rows: height, columns: width, samplesPerPixel: 1 },
    instance: { SOPInstanceUID: cine.sopInstanceUid, Rows: height, Columns: width },
    imagePlaneModule: {
      ...{ rows: height, columns: width, rowPixelSpacing: 1, columnPixelSpacing: 1 },
      ...{ rowCosines: [1, 0, 0], columnCosines: [0, 1, 0], imagePositionPatient: [0, 0, 0] },
    },
  };
  const get = (kind: string): unknown => known[kind];
  metaData.removeAllProviders();
  metaData.addProvider(get, 10_000);
  const { labelMapImages } = await adaptersSEG.Cornerstone3D.Segmentation.createFromDICOMSegBuffer(
    imageIds,
    file,
    { metadataProvider: { get } },
  );
  return imageIds.map((_, index) =>
    [1, 2].map((segment) =>
      labelMapImages.reduce(
        (sum, layer) =>
          sum + Array.from(layer[index]?.getPixelData() ?? []).filter((value) => value === segment).length,
        0,
      ),
    ),
  );
}

describe('what OHIF reads', () => {
  it('of a cine: every object on its own frame, overlaps and gaps included', async () => {
    const frames = 7;
    const file = await segmentationOf('cine', cine, frames);
    const imageIds = Array.from(
      { length: frames },
      (_, index) => `wadors:/instances/${cine.sopInstanceUid}/frames/${index + 1}`,
    );
    const expected = imageIds.map((_, index) => masksOf(index).map(maskArea));
    expect(await countsOf(file, imageIds)).toEqual(expected);
  });

  it('of a single picture', async () => {
    const single = { ...cine, sopClassUid: '1.2.840.10008.5.1.4.1.1.6.1' };
    const file = await segmentationOf('picture', single, 1);
    expect(await countsOf(file, [`wadors:/instances/${cine.sopInstanceUid}`])).toEqual([
      masksOf(0).map(maskArea),
    ]);
  });
});
