/**
 * dicom-seg: <clip>/segmentation.dcm, a binary DICOM Segmentation (PS3.3 A.51): one segment per object, one frame per
 * object and source frame on which it is shown. For a DICOM source patient and study are taken over and each frame points
 * at its frame of the source instance; otherwise the file stands in a study of its own and frames carry their position in
 * time only.
 *
 * While the run goes on, run lengths are collected; the file is written at the end in two passes over them, because the
 * description of all frames stands before the first pixel. Everything in it follows from the run: no clock, no chance.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Mask } from '../vocabulary/mask.js';
import { exportError } from './errors.js';
import {
  attributeTag,
  codeSequence,
  elementHeader,
  fileStart,
  item,
  sequence,
  sequenceEnd,
  sequenceStart,
  text,
  unsignedLong,
  unsignedShort,
} from './dicom-writer.js';
import { checkFrame } from './label-map.js';
import type { Exporter, ExporterCheckpoint, ExportFrame, ExportInfo } from './exporter.js';
import { PartialFile } from './partial.js';
import { segmentCodes } from './segment-codes.js';

const segmentationStorage = '1.2.840.10008.5.1.4.1.1.66.4';

/** UID under 2.25 from 128 bits of a hash: the same run gives the same UIDs (PS3.5 B.2). */
function derivedUid(identity: string, purpose: string): string {
  const hash = createHash('sha256').update(`${identity}/${purpose}`).digest();
  // Version and variant bits of a UUID (version 8: own scheme).
  hash[6] = ((hash[6] as number) & 0x0f) | 0x80;
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
  return `2.25.${BigInt(`0x${hash.subarray(0, 16).toString('hex')}`)}`;
}

/** One frame of the segmentation, as collected: number of segment, of source frame, of position in time, runs. */
interface CollectedFrame {
  readonly segment: number;
  readonly sourceFrame: number;
  readonly timeIndex: number;
  readonly counts: Uint32Array;
}

const recordHeader = 16;
const pixelBlock = 1 << 20;
/** Pixel data has a 32-bit length. */
const mostPixelBytes = 0xfffffffe;

export class DicomSegExporter implements Exporter {
  readonly format = 'dicom-seg';
  readonly needsPicture = false;
  #info!: ExportInfo;
  #file!: PartialFile;
  #runs!: PartialFile;
  /** Source frames seen, frames of the segmentation. */
  #seen = 0;
  #frames = 0;
  #overlap = 0;
  #firstSourceFrame = 0;

  async open(info: ExportInfo, resume: ExporterCheckpoint | null): Promise<void> {
    this.#info = info;
    const { width, height } = info.source.size;
    if (width > 65_535 || height > 65_535)
      throw exportError('SONO_EXPORT_UNSUPPORTED', {
        format: this.format,
        reason: 'its picture is too large',
      });
    const path = join(info.directory, info.clip, 'segmentation.dcm');
    // Written as a whole by `close`, so it starts anew after a kill there.
    this.#file = await PartialFile.open(path, resume === null ? null : 0);
    this.#runs = await PartialFile.open(
      `${path}.runs`,
      resume === null || this.#file.complete ? null : Number(resume['bytes']),
    );
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
    const shown = frame.objects.map(({ mask }) => mask).filter(({ counts }) => counts.length > 1);
    if (shown.length > 1 && this.#overlap === 0 && masksOverlap(shown)) this.#overlap = 1;
    for (const [index, { mask }] of frame.objects.entries()) {
      if (mask.counts.length <= 1) continue;
      this.#frames++;
      if (Math.ceil((this.#frames * width * height) / 8) > mostPixelBytes)
        throw exportError('SONO_EXPORT_FRAME', {
          frame: frame.sourceFrame,
          format: this.format,
          reason: 'the file would exceed 4 GiB; choose a part with --from and --to',
        });
      await this.#runs.append(encodeRecord(index + 1, frame.sourceFrame, this.#seen, mask.counts));
    }
  }

  async checkpoint(): Promise<ExporterCheckpoint> {
    return {
      bytes: await this.#runs.sync(),
      seen: this.#seen,
      frames: this.#frames,
      overlap: this.#overlap,
      firstSourceFrame: this.#firstSourceFrame,
    };
  }

  async close(): Promise<readonly string[]> {
    if (!this.#file.complete) {
      await this.#file.append(this.#beforeFrames());
      await this.#file.append(sequenceStart(0x52009230));
      for await (const frame of this.#collected()) await this.#file.append(this.#frameItem(frame));
      await this.#file.append(sequenceEnd);
      await this.#writePixels();
    }
    const path = await this.#file.finish();
    await this.#runs.discard();
    return [path];
  }

  async abort(): Promise<void> {
    await this.#file.close();
    await this.#runs.close();
  }

  /** A segmentation has at least one frame: where nothing was ever shown, an empty one. */
  async *#collected(): AsyncGenerator<CollectedFrame> {
    if (this.#frames === 0) {
      const { width, height } = this.#info.source.size;
      yield {
        segment: 1,
        sourceFrame: this.#firstSourceFrame,
        timeIndex: 1,
        counts: Uint32Array.of(width * height),
      };
      return;
    }
    for (let at = 0; at < this.#runs.position;) {
      const header = await this.#runs.read(at, recordHeader);
      const length = 4 * header.readUInt32LE(12);
      const data = await this.#runs.read(at + recordHeader, length);
      yield {
        segment: header.readUInt32LE(0),
        sourceFrame: header.readUInt32LE(4),
        timeIndex: header.readUInt32LE(8),
        counts: new Uint32Array(data.buffer.slice(data.byteOffset, data.byteOffset + length)),
      };
      at += recordHeader + length;
    }
  }

  async #writePixels(): Promise<void> {
    const { width, height } = this.#info.source.size;
    const pixels = width * height;
    const frames = Math.max(1, this.#frames);
    const length = Math.ceil((frames * pixels) / 8);
    await this.#file.append(elementHeader(0x7fe00010, 'OB', length + (length % 2)));
    // Frames follow each other bit by bit, without padding between them (PS3.5 8.1.1).
    let block = Buffer.alloc(pixelBlock);
    let bit = 0;

    for await (const { counts } of this.#collected()) {
      const frameBitmap = rowMajor(counts, width, height);
      for (let pixel = 0; pixel < pixels; pixel++) {
        if (frameBitmap[pixel] === 1) block[bit >> 3] = (block[bit >> 3] as number) | (1 << (bit & 7));
        if (++bit === pixelBlock * 8) {
          await this.#file.append(block);
          block = Buffer.alloc(pixelBlock);
          bit = 0;
        }
      }
    }
    await this.#file.append(block.subarray(0, Math.ceil(bit / 8)));
    if (length % 2 === 1) await this.#file.append(Uint8Array.of(0));
  }

  #frameItem({ segment, sourceFrame, timeIndex }: CollectedFrame): Buffer {
    const { dicom } = this.#info;
    return item(
      ...(dicom === null
        ? []
        : [
            // Derivation Image: which frame of which instance was segmented.
            sequence(
              0x00089124,
              item(
                sequence(
                  0x00082112,
                  item(
                    text(0x00081150, 'UI', dicom.sopClassUid),
                    text(0x00081155, 'UI', dicom.sopInstanceUid),
                    text(0x00081160, 'IS', String(sourceFrame + 1)),
                    // Same pixels at the same places.
                    text(0x0028135a, 'CS', 'YES'),
                    codeSequence(0x0040a170, {
                      value: '121322',
                      scheme: 'DCM',
                      meaning: 'Source image for image processing operation',
                    }),
                  ),
                ),
                codeSequence(0x00089215, { value: '113076', scheme: 'DCM', meaning: 'Segmentation' }),
              ),
            ),
          ]),
      // Frame Content
      sequence(
        0x00209111,
        item(unsignedLong(0x00209128, timeIndex), unsignedLong(0x00209157, segment, timeIndex)),
      ),
      // Segment Identification
      sequence(0x0062000a, item(unsignedShort(0x0062000b, segment))),
    );
  }

  /** Everything in front of the frames' descriptions, in ascending order of the tags. */
  #beforeFrames(): Buffer {
    const { dicom, identity, loss, objects, software, source, clip } = this.#info;
    const uid = (purpose: string): string => derivedUid(identity, `${clip}/${purpose}`);
    const instance = uid('instance');
    const inherited = (keyword: string): string => dicom?.attributes[keyword] ?? '';
    const written = new Date(this.#info.sourceModifiedUnixMs).toISOString();
    const date =
      inherited('ContentDate') || inherited('StudyDate') || written.slice(0, 10).replaceAll('-', '');
    const time =
      inherited('ContentTime') || inherited('StudyTime') || written.slice(11, 19).replaceAll(':', '');
    const organization = uid('dimensions');
    const dimension = (pointer: number, group: number, label: string): Buffer =>
      item(
        text(0x00209164, 'UI', organization),
        attributeTag(0x00209165, pointer),
        attributeTag(0x00209167, group),
        text(0x00209421, 'LO', label),
      );
    return Buffer.concat([
      fileStart(segmentationStorage, instance),
      text(0x00080005, 'CS', 'ISO_IR 192'),
      text(0x00080008, 'CS', ['DERIVED', 'PRIMARY']),
      text(0x00080016, 'UI', segmentationStorage),
      text(0x00080018, 'UI', instance),
      text(0x00080020, 'DA', inherited('StudyDate')),
      text(0x00080023, 'DA', date),
      text(0x00080030, 'TM', inherited('StudyTime')),
      text(0x00080033, 'TM', time),
      text(0x00080050, 'SH', inherited('AccessionNumber')),
      text(0x00080060, 'CS', 'SEG'),
      text(0x00080070, 'LO', 'sonoscope'),
      text(0x00080090, 'PN', inherited('ReferringPhysicianName')),
      text(0x0008103e, 'LO', `sonoscope ${clip}`.slice(0, 64)),
      text(0x00081090, 'LO', software.model.slice(0, 64) || 'sonoscope'),
      ...(dicom === null
        ? []
        : [
            sequence(
              0x00081115,
              item(
                sequence(
                  0x0008114a,
                  item(
                    text(0x00081150, 'UI', dicom.sopClassUid),
                    text(0x00081155, 'UI', dicom.sopInstanceUid),
                  ),
                ),
                text(0x0020000e, 'UI', dicom.seriesInstanceUid),
              ),
            ),
          ]),
      text(0x00100010, 'PN', inherited('PatientName')),
      text(0x00100020, 'LO', inherited('PatientID')),
      text(0x00100030, 'DA', inherited('PatientBirthDate')),
      text(0x00100040, 'CS', inherited('PatientSex')),
      text(0x00181000, 'LO', software.modelSha256.slice(0, 64) || 'none'),
      text(0x00181020, 'LO', software.version),
      text(0x0020000d, 'UI', dicom?.studyInstanceUid ?? uid('study')),
      text(0x0020000e, 'UI', uid('series')),
      text(0x00200010, 'SH', inherited('StudyID')),
      text(0x00200011, 'IS', '1'),
      text(0x00200013, 'IS', '1'),
      sequence(0x00209221, item(text(0x00209164, 'UI', organization))),
      sequence(
        0x00209222,
        dimension(0x0062000b, 0x0062000a, 'Segment'),
        dimension(0x00209128, 0x00209111, 'Position in time'),
      ),
      unsignedShort(0x00280002, 1),
      text(0x00280004, 'CS', 'MONOCHROME2'),
      text(0x00280008, 'IS', String(Math.max(1, this.#frames))),
      unsignedShort(0x00280010, source.size.height),
      unsignedShort(0x00280011, source.size.width),
      unsignedShort(0x00280100, 1),
      unsignedShort(0x00280101, 1),
      unsignedShort(0x00280102, 0),
      unsignedShort(0x00280103, 0),
      text(0x00282110, 'CS', loss === null ? '00' : '01'),
      ...(loss && loss.ratios.length > 0 ? [text(0x00282112, 'DS', loss.ratios)] : []),
      ...(loss && loss.methods.length > 0 ? [text(0x00282114, 'CS', loss.methods)] : []),
      text(0x00620001, 'CS', 'BINARY'),
      sequence(0x00620002, ...objects.map((object, index) => this.#segmentItem(object, index + 1))),
      text(0x00620013, 'CS', this.#overlap === 1 ? 'YES' : 'NO'),
      text(0x00700080, 'CS', 'SEGMENTATION'),
      text(0x00700081, 'LO', `Tracked objects of ${clip}`.slice(0, 64)),
      text(0x00700084, 'PN', 'sonoscope'),
      sequence(0x52009229, item(...this.#sharedGroups())),
    ]);
  }

  #segmentItem({ id, label }: ExportInfo['objects'][number], number: number): Buffer {
    const { category, type } = segmentCodes(label);
    const { model } = this.#info.software;
    return item(
      codeSequence(0x00620003, category),
      unsignedShort(0x00620004, number),
      text(0x00620005, 'LO', label.slice(0, 64)),
      text(0x00620008, 'CS', 'SEMIAUTOMATIC'),
      text(0x00620009, 'LO', `sonoscope ${model}`.slice(0, 64)),
      codeSequence(0x0062000f, type),
      text(0x00620020, 'UT', `${label} (${id})`),
      text(0x00620021, 'UI', derivedUid(this.#info.identity, `${this.#info.clip}/object ${id}`)),
    );
  }

  #sharedGroups(): Buffer[] {
    const spacing = this.#info.source.pixelSpacingMm;
    if (spacing === null) return [];
    return [
      sequence(
        0x00289110,
        // Rows first, then columns; a picture has no thickness, but readers want a number.
        item(text(0x00180050, 'DS', '1'), text(0x00280030, 'DS', [decimal(spacing.y), decimal(spacing.x)])),
      ),
    ];
  }
}

/** DS holds 16 characters. */
function decimal(value: number): string {
  for (let digits = 15; ; digits--) {
    const written = String(Number(value.toPrecision(digits)));
    if (written.length <= 16) return written;
  }
}

function encodeRecord(segment: number, sourceFrame: number, timeIndex: number, counts: Uint32Array): Buffer {
  const record = Buffer.alloc(recordHeader + 4 * counts.length);
  record.writeUInt32LE(segment, 0);
  record.writeUInt32LE(sourceFrame, 4);
  record.writeUInt32LE(timeIndex, 8);
  record.writeUInt32LE(counts.length, 12);
  counts.forEach((count, index) => record.writeUInt32LE(count, recordHeader + 4 * index));
  return record;
}

function rowMajor(counts: Uint32Array, width: number, height: number): Uint8Array {
  const bitmap = new Uint8Array(width * height);
  let position = 0;
  counts.forEach((count, run) => {
    if (run % 2 === 1)
      for (let at = position; at < position + count; at++)
        bitmap[(at % height) * width + Math.floor(at / height)] = 1;
    position += count;
  });
  return bitmap;
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
