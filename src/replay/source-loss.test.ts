import { uncalibrated } from '../vocabulary/calibration.js';
import { describe, expect, it } from 'vitest';
import type { DicomReference } from '../dicom/reference.js';
import type { SourceFormat } from '../vocabulary/frame.js';
import { sourceLoss } from './source-loss.js';

const source = (description: string): SourceFormat => ({
  size: { width: 100, height: 50 },
  framesPerSecond: 25,
  calibration: uncalibrated,
  frameCount: 10,
  description,
});
const file = (...names: string[]) => ({ sha256: 'ab', bytes: 10_000, names });
const dicom = (attributes: DicomReference['attributes']): DicomReference => ({
  sopClassUid: '1',
  sopInstanceUid: '2',
  seriesInstanceUid: '3',
  studyInstanceUid: '4',
  attributes,
});

describe('what a source lost by compression', () => {
  it.each([
    ['QuickTime, H.264', 'ISO_14496_10'],
    ['Matroska, H.265', 'ISO_23008_2'],
    ['AVI, Motion JPEG', 'ISO_10918_1'],
  ])('a video (%s): its method, and by how much', (description, method) => {
    expect(sourceLoss('a.mp4', source(description), file('a.mp4'), null)).toEqual({
      ratios: ['15.00'],
      methods: [method],
    });
  });

  it('a video of an unknown codec counts as lossy, one of a lossless codec and a synthetic scene do not', () => {
    expect(sourceLoss('a.webm', source('Matroska, VP9'), file('a.webm'), null)).toEqual({
      ratios: ['15.00'],
      methods: [],
    });
    expect(sourceLoss('a.mkv', source('Matroska, FFmpeg video codec #1'), file('a.mkv'), null)).toBeNull();
    const scene = { sha256: null, bytes: 0, names: [] };
    expect(sourceLoss('synthetic:echo', source('synthetic echo'), scene, null)).toBeNull();
  });

  it('pictures: one lossy kind among them is enough', () => {
    const pictures = source('2 pictures');
    expect(sourceLoss('folder', pictures, file('1.png', '2.tif', 'note.txt'), null)).toBeNull();
    expect(sourceLoss('folder', pictures, file('1.png', '2.JPG'), null)).toMatchObject({
      methods: ['ISO_10918_1'],
    });
    expect(sourceLoss('a.webp', source('WebP'), file('a.webp'), null)).toMatchObject({ methods: [] });
    expect(sourceLoss('a.mcap', source('MCAP recording'), file('a.mcap'), null)).toEqual({
      ratios: [],
      methods: ['ISO_10918_1'],
    });
  });

  it('a DICOM cine: what it says of itself, else what its transfer syntax says', () => {
    const cine = source('DICOM, US; JPEG; YBR_FULL_422');
    const said = {
      TransferSyntaxUID: '1.2.840.10008.1.2.1',
      LossyImageCompression: '01',
      LossyImageCompressionRatio: '8\\3.5',
      LossyImageCompressionMethod: 'ISO_14495_1\\ISO_10918_1',
    };
    expect(sourceLoss('a.dcm', cine, file('a.dcm'), dicom(said))).toEqual({
      ratios: ['8', '3.5'],
      methods: ['ISO_14495_1', 'ISO_10918_1'],
    });
    const jpeg = { TransferSyntaxUID: '1.2.840.10008.1.2.4.50' };
    expect(sourceLoss('a.dcm', cine, file('a.dcm'), dicom(jpeg))).toEqual({
      ratios: ['15.00'],
      methods: ['ISO_10918_1'],
    });
    const native = { TransferSyntaxUID: '1.2.840.10008.1.2.1', LossyImageCompression: '00' };
    const endoscopy = { TransferSyntaxUID: '1.2.840.10008.1.2.4.102' };
    expect(sourceLoss('a.dcm', cine, file('a.dcm'), dicom(endoscopy))).toMatchObject({
      methods: ['ISO_14496_10'],
    });
    expect(sourceLoss('a.dcm', cine, file('a.dcm'), dicom(native))).toBeNull();
  });
});
