/**
 * dicom-seg: <clip>/segmentation.dcm, a binary DICOM Segmentation (src/dicom/write/segmentation.ts has what stands in it).
 *
 * While the run goes on, run lengths are collected in a spool; the file is written at the end in two passes over them, because
 * the description of all frames stands before the first pixel. Everything in it follows from the run: no clock, no chance.
 */
import { join } from 'node:path';
import { BitPacker, packedBytes } from '../dicom/write/bit-packer.js';
import { elementHeader, sequenceEnd, sequenceStart } from '../dicom/write/elements.js';
import {
  perFrameGroups,
  segmentationFrameItem,
  segmentationHeader,
  type SegmentationFrame,
} from '../dicom/write/segmentation.js';
import type { Mask } from '../vocabulary/mask.js';
import { exportError } from './errors.js';
import { checkFrame } from './label-map.js';
import type { Exporter, ExporterCheckpoint, ExportFrame, ExportInfo } from './exporter.js';
import { PartialFile } from './partial.js';
import { SharedScale } from './shared-scale.js';

/** One frame of the segmentation, as collected. */
interface CollectedFrame extends SegmentationFrame {
  readonly mask: Mask;
}

/** Segment, frame of the source, number in time, runs (uint32), time (float64). */
const recordHeader = 24;
/** Pixel data has a 32-bit length. */
const mostPixelBytes = 0xfffffffe;

export class DicomSegExporter implements Exporter {
  readonly format = 'dicom-seg';
  readonly needsPicture = false;
  #info!: ExportInfo;
  #file!: PartialFile;
  #runs!: PartialFile;
  #scale!: SharedScale;
  /** Source frames seen, frames of the segmentation. */
  #seen = 0;
  #frames = 0;
  #overlap = 0;
  #firstSourceFrame = 0;

  async open(info: ExportInfo, resume: ExporterCheckpoint | null): Promise<void> {
    this.#info = info;
    checkDicomSize(info, this.format);
    const path = join(info.directory, info.clip, 'segmentation.dcm');
    // Written as a whole by `close`, so it starts anew after a kill there.
    this.#file = await PartialFile.open(path, resume === null ? null : 0);
    this.#runs = await PartialFile.open(
      `${path}.runs`,
      resume === null || this.#file.complete ? null : Number(resume['bytes']),
    );
    this.#scale = new SharedScale(info.source, resume);
    this.#seen = Number(resume?.['seen'] ?? 0);
    this.#frames = Number(resume?.['frames'] ?? 0);
    this.#overlap = Number(resume?.['overlap'] ?? 0);
    this.#firstSourceFrame = Number(resume?.['firstSourceFrame'] ?? 0);
  }

  async frame(frame: ExportFrame): Promise<void> {
    checkFrame(frame, this.#info, this.format);
    const { width, height } = this.#info.source.size;
    if (this.#seen === 0) this.#firstSourceFrame = frame.sourceFrame;
    this.#seen++;
    this.#scale.take(frame);
    const shown = frame.objects.map(({ mask }) => mask).filter(({ counts }) => counts.length > 1);
    if (shown.length > 1 && this.#overlap === 0 && masksOverlap(shown)) this.#overlap = 1;
    for (const [index, { mask }] of frame.objects.entries()) {
      if (mask.counts.length <= 1) continue;
      this.#frames++;
      if (packedBytes(this.#frames, width * height) > mostPixelBytes)
        throw exportError('SONO_EXPORT_FRAME', {
          frame: frame.sourceFrame,
          format: this.format,
          reason: 'the file would exceed 4 GiB; choose a part with --from and --to',
        });
      const { sourceFrame, mediaNs } = frame;
      await this.#runs.append(
        encodeRecord({ segment: index + 1, sourceFrame, timeIndex: this.#seen, mediaNs, mask }),
      );
    }
  }

  async checkpoint(): Promise<ExporterCheckpoint> {
    return {
      bytes: await this.#runs.sync(),
      seen: this.#seen,
      frames: this.#frames,
      overlap: this.#overlap,
      firstSourceFrame: this.#firstSourceFrame,
      ...this.#scale.state,
    };
  }

  async close(): Promise<readonly string[]> {
    if (!this.#file.complete) {
      const info = this.#info;
      const places = await this.#places();
      const { spacingMm } = this.#scale;
      const facts = { frames: Math.max(1, this.#frames), overlap: this.#overlap === 1, spacingMm };
      await this.#file.append(segmentationHeader(info, facts));
      await this.#file.append(sequenceStart(perFrameGroups));
      for await (const frame of this.#collected(places))
        await this.#file.append(segmentationFrameItem(info, frame));
      await this.#file.append(sequenceEnd);
      await this.#writePixels(places);
    }
    const path = await this.#file.finish();
    await this.#runs.discard();
    return [path];
  }

  async abort(): Promise<void> {
    await this.#file?.close();
    await this.#runs?.close();
  }

  /** Where the records of each segment begin in the spool: eight bytes a frame, of which pixel data of 4 GiB sets the number. */
  async #places(): Promise<number[][]> {
    const places = this.#info.objects.map((): number[] => []);
    for (let at = 0; at < this.#runs.position;) {
      const header = await this.#runs.read(at, recordHeader);
      places[header.readUInt32LE(0) - 1]?.push(at);
      at += recordHeader + 4 * header.readUInt32LE(12);
    }
    return places;
  }

  /** By segment, then by time. A segmentation has at least one frame: where nothing was ever shown, an empty one. */
  async *#collected(places: readonly (readonly number[])[]): AsyncGenerator<CollectedFrame> {
    const { width, height } = this.#info.source.size;
    if (this.#frames === 0)
      yield {
        ...{ segment: 1, sourceFrame: this.#firstSourceFrame, timeIndex: 1, mediaNs: 0 },
        mask: { width, height, counts: Uint32Array.of(width * height) },
      };
    for (const at of places.flat()) {
      const header = await this.#runs.read(at, recordHeader);
      const length = 4 * header.readUInt32LE(12);
      const data = await this.#runs.read(at + recordHeader, length);
      const counts = new Uint32Array(data.buffer.slice(data.byteOffset, data.byteOffset + length));
      yield {
        segment: header.readUInt32LE(0),
        sourceFrame: header.readUInt32LE(4),
        timeIndex: header.readUInt32LE(8),
        mediaNs: header.readDoubleLE(16),
        mask: { width, height, counts },
      };
    }
  }

  async #writePixels(places: readonly (readonly number[])[]): Promise<void> {
    const { width, height } = this.#info.source.size;
    const length = packedBytes(Math.max(1, this.#frames), width * height);
    await this.#file.append(elementHeader(0x7fe00010, 'OB', length));
    const packer = new BitPacker();
    for await (const { mask } of this.#collected(places))
      for (const block of packer.push(mask)) await this.#file.append(block);
    await this.#file.append(packer.end());
  }
}

/** Throws SONO_EXPORT_UNSUPPORTED: rows and columns have 16 bits. */
export function checkDicomSize({ source }: ExportInfo, format: string): void {
  const { width, height } = source.size;
  if (width > 65_535 || height > 65_535)
    throw exportError('SONO_EXPORT_UNSUPPORTED', { format, reason: 'its picture is too large' });
}

function encodeRecord({ segment, sourceFrame, timeIndex, mediaNs, mask }: CollectedFrame): Buffer {
  const { counts } = mask;
  const record = Buffer.alloc(recordHeader + 4 * counts.length);
  record.writeUInt32LE(segment, 0);
  record.writeUInt32LE(sourceFrame, 4);
  record.writeUInt32LE(timeIndex, 8);
  record.writeUInt32LE(counts.length, 12);
  record.writeDoubleLE(mediaNs, 16);
  counts.forEach((count, index) => record.writeUInt32LE(count, recordHeader + 4 * index));
  return record;
}

/** Is any pixel in two masks? All have one size. */
function masksOverlap(masks: readonly Mask[]): boolean {
  const [first] = masks;
  if (first === undefined) return false;
  const covered = new Uint8Array(first.width * first.height);
  for (const { counts } of masks) {
    let position = 0;
    for (const [run, count] of counts.entries()) {
      if (run % 2 === 1) {
        if (covered.subarray(position, position + count).includes(1)) return true;
        covered.fill(1, position, position + count);
      }
      position += count;
    }
  }
  return false;
}
