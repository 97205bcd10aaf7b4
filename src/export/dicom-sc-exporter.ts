/**
 * dicom-sc: <clip>/capture.dcm, the pictures with their outlines burned in as a Secondary Capture of several frames (JPEG baseline,
 * what every viewer opens), with "Research use only" in a strip below each picture. src/dicom/write/capture.ts has what stands in it.
 *
 * Frames are collected in a spool, because their number and sizes stand before the first of them.
 */
import { join } from 'node:path';
import { captureHeader } from '../dicom/write/capture.js';
import { elementHeader, encapsulatedStart, fragmentHeader, sequenceEnd } from '../dicom/write/elements.js';
import { rgbOf } from '../vocabulary/hex-colour.js';
import { colourOf, slotOfId } from '../vocabulary/palette.js';
import { researchStrip } from './burned-text.js';
import { checkDicomSize } from './dicom-seg-exporter.js';
import { exportError } from './errors.js';
import { checkFrame } from './label-map.js';
import type { Exporter, ExporterCheckpoint, ExportFrame, ExportInfo } from './exporter.js';
import { drawOutline, lineWidth } from './overlay.js';
import { PartialFile } from './partial.js';

/** Bytes of the frame (uint32), time in the source (float64). */
const frameRecord = 12;
const copiedBlock = 1 << 20;
/** Offsets of the basic table have 32 bits; beyond them stands the extended one (PS3.3 C.7.6.3.1.8). */
const mostOffset = 0xffffffff;
const quality = 92;

export class DicomScExporter implements Exporter {
  readonly format = 'dicom-sc';
  readonly needsPicture = true;
  #info!: ExportInfo;
  #file!: PartialFile;
  /** Fragments, each of even length, one behind the other. */
  #pictures!: PartialFile;
  #frames!: PartialFile;
  #strip!: ReturnType<typeof researchStrip>;

  async open(info: ExportInfo, resume: ExporterCheckpoint | null): Promise<void> {
    this.#info = info;
    checkDicomSize(info, this.format);
    this.#strip = researchStrip(info.source.size.width);
    const path = join(info.directory, info.clip, 'capture.dcm');
    this.#file = await PartialFile.open(path, resume === null ? null : 0);
    const spool = (name: string, bytes: string): Promise<PartialFile> =>
      PartialFile.open(
        `${path}.${name}`,
        resume === null || this.#file.complete ? null : Number(resume[bytes]),
      );
    this.#pictures = await spool('pictures', 'bytes');
    this.#frames = await spool('frames', 'frameBytes');
  }

  async frame(frame: ExportFrame): Promise<void> {
    checkFrame(frame, this.#info, this.format);
    const jpeg = await this.#compose(frame);
    const record = Buffer.alloc(frameRecord);
    record.writeUInt32LE(jpeg.length + (jpeg.length % 2), 0);
    record.writeDoubleLE(frame.mediaNs, 4);
    await this.#pictures.append(jpeg.length % 2 === 0 ? jpeg : Buffer.concat([jpeg, Buffer.alloc(1)]));
    await this.#frames.append(record);
  }

  async checkpoint(): Promise<ExporterCheckpoint> {
    return { bytes: await this.#pictures.sync(), frameBytes: await this.#frames.sync() };
  }

  async close(): Promise<readonly string[]> {
    if (!this.#file.complete) await this.#write();
    const path = await this.#file.finish();
    await this.#pictures.discard();
    await this.#frames.discard();
    return [path];
  }

  async abort(): Promise<void> {
    await Promise.all([this.#file, this.#pictures, this.#frames].map((file) => file?.close()));
  }

  async #write(): Promise<void> {
    const records = await this.#frames.read(0, this.#frames.position);
    const count = records.length / frameRecord;
    const lengths = Array.from({ length: count }, (_, index) => records.readUInt32LE(index * frameRecord));
    const timesNs = Array.from({ length: count }, (_, index) =>
      records.readDoubleLE(index * frameRecord + 4),
    );
    const { width, height } = this.#info.source.size;
    await this.#file.append(
      captureHeader(this.#info, {
        ...{ width, height: height + this.#strip.height, timesNs },
        compressedBytes: this.#pictures.position,
      }),
    );
    await this.#writeOffsets(lengths);
    let at = 0;
    for (const length of lengths) {
      await this.#file.append(fragmentHeader(length));
      for (const end = at + length; at < end;) {
        const block = await this.#pictures.read(at, Math.min(copiedBlock, end - at));
        await this.#file.append(block);
        at += block.length;
      }
    }
    await this.#file.append(sequenceEnd);
  }

  async #writeOffsets(lengths: readonly number[]): Promise<void> {
    let next = 0;
    const offsets = lengths.map((length) => {
      const offset = next;
      next += length + 8;
      return offset;
    });
    if ((offsets.at(-1) ?? 0) <= mostOffset) {
      const table = Buffer.alloc(4 * offsets.length);
      offsets.forEach((offset, index) => table.writeUInt32LE(offset, 4 * index));
      await this.#file.append(encapsulatedStart());
      await this.#file.append(fragmentHeader(table.length));
      await this.#file.append(table);
      return;
    }
    for (const [tag, values] of [
      [0x7fe00001, offsets],
      [0x7fe00002, lengths],
    ] as const) {
      const table = Buffer.alloc(8 * values.length);
      values.forEach((value, index) => table.writeBigUInt64LE(BigInt(value), 8 * index));
      await this.#file.append(elementHeader(tag, 'OV', table.length));
      await this.#file.append(table);
    }
    await this.#file.append(encapsulatedStart());
    await this.#file.append(fragmentHeader(0));
  }

  /** JPEG of the picture with outlines, the strip below. */
  async #compose(frame: ExportFrame): Promise<Buffer> {
    const fail = (reason: string, cause?: unknown): Error =>
      exportError('SONO_EXPORT_FRAME', { frame: frame.sourceFrame, format: this.format, reason }, cause);
    if (frame.picture === null) throw fail('its picture is missing');
    const { size, pictureKind } = this.#info.source;
    const { width, height } = size;
    try {
      const { default: sharp } = await import('sharp');
      const { data, info } = await sharp(frame.picture)
        .toColourspace('srgb')
        .removeAlpha()
        .raw({ depth: 'uchar' })
        .toBuffer({ resolveWithObject: true });
      if (info.width !== width || info.height !== height)
        throw new Error(`it is ${info.width}×${info.height}`);
      for (const { id, mask, state } of frame.objects)
        drawOutline(data, 3, mask, rgbOf(colourOf(slotOfId(id), pictureKind)), lineWidth(height), state);
      // Colour at full resolution: outlines are one to three pixels wide.
      return await sharp(Buffer.concat([data, this.#strip.rgb]), {
        raw: { width, height: height + this.#strip.height, channels: 3 },
      })
        .jpeg({ quality, chromaSubsampling: '4:4:4', progressive: false, optimiseCoding: false })
        .toBuffer();
    } catch (error) {
      throw fail('its picture cannot be used', error);
    }
  }
}
