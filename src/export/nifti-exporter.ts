/**
 * nifti: <clip>/labels.nii.gz, a NIfTI-1 label volume of columns × rows × 1 × frames, uint8, 0 background and 1 … n the
 * objects in their order. Spacing in mm where one scale holds for all that is shown, else 1 with an unknown unit; time in seconds.
 * The affine is ITK's for a plain picture (x to the left, y to the back), so viewers show it upright.
 *
 * Each frame is a gzip member of its own, and the header a member that is stored uncompressed: the number of frames is
 * written into it at the end, without touching what follows. Members in a row are one gzip file.
 */
import { crc32, gzip } from 'node:zlib';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exportError } from './errors.js';
import { checkFrame, checkLabelCount, labelMap } from './label-map.js';
import type { Exporter, ExporterCheckpoint, ExportFrame, ExportInfo } from './exporter.js';
import { PartialFile } from './partial.js';
import { SharedScale } from './shared-scale.js';
import type { SpacingMm } from '../vocabulary/calibration.js';

const gzipAsync = promisify(gzip);

/** NIfTI-1 counts in 16 bits. */
const mostFrames = 32_767;

function niftiHeader(
  info: ExportInfo,
  spacingMm: SpacingMm | null,
  frames: number,
  secondsPerFrame: number,
): Buffer {
  const { size } = info.source;
  const x = spacingMm?.x ?? 1;
  const y = spacingMm?.y ?? 1;
  const header = Buffer.alloc(352);
  header.writeInt32LE(348, 0);
  header.write('r', 38, 'latin1');
  [4, size.width, size.height, 1, frames, 1, 1, 1].forEach((value, index) =>
    header.writeInt16LE(value, 40 + 2 * index),
  );
  header.writeInt16LE(1002, 68); // NIFTI_INTENT_LABEL
  header.writeInt16LE(2, 70); // uint8
  header.writeInt16LE(8, 72);
  [1, x, y, 1, secondsPerFrame, 0, 0, 0].forEach((value, index) =>
    header.writeFloatLE(value, 76 + 4 * index),
  );
  header.writeFloatLE(352, 108);
  header.writeFloatLE(1, 112);
  header.writeUInt8((spacingMm === null ? 0 : 2) | 8, 123); // mm or unknown, seconds
  header.writeFloatLE(info.objects.length, 124);
  const names = info.objects.map(({ label }, index) => `${index + 1} ${label}`).join(', ');
  header.write(
    names
      .normalize('NFKD')
      .replace(/[^\x20-\x7e]/g, '')
      .slice(0, 79),
    148,
    'latin1',
  );
  header.writeInt16LE(1, 252);
  header.writeInt16LE(1, 254);
  // Half a turn about z: the quaternion of diag(−1, −1, 1).
  header.writeFloatLE(1, 264);
  header.writeFloatLE(-x, 280);
  header.writeFloatLE(-y, 300);
  header.writeFloatLE(1, 320);
  header.write('labels', 328, 'latin1');
  header.write('n+1\0', 344, 'latin1');
  return header;
}

/** A gzip member that only stores: its length depends on nothing but the length of `data`. */
function storedMember(data: Uint8Array): Buffer {
  const start = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  const block = Buffer.alloc(5);
  block.writeUInt8(1, 0);
  block.writeUInt16LE(data.byteLength, 1);
  block.writeUInt16LE(~data.byteLength & 0xffff, 3);
  const end = Buffer.alloc(8);
  end.writeUInt32LE(crc32(data), 0);
  end.writeUInt32LE(data.byteLength, 4);
  return Buffer.concat([start, block, data, end]);
}

export class NiftiExporter implements Exporter {
  readonly format = 'nifti';
  readonly needsPicture = false;
  #info!: ExportInfo;
  #file!: PartialFile;
  #scale!: SharedScale;
  #frames = 0;
  #firstNs = 0;
  #lastNs = 0;

  async open(info: ExportInfo, resume: ExporterCheckpoint | null): Promise<void> {
    checkLabelCount(info, this.format);
    const { width, height } = info.source.size;
    if (width > 32_767 || height > 32_767)
      throw exportError('SONO_EXPORT_UNSUPPORTED', {
        format: this.format,
        reason: 'its picture is too large',
      });
    this.#info = info;
    this.#file = await PartialFile.open(
      join(info.directory, info.clip, 'labels.nii.gz'),
      resume === null ? null : Number(resume['bytes']),
    );
    this.#scale = new SharedScale(info.source, resume);
    this.#frames = Number(resume?.['frames'] ?? 0);
    this.#firstNs = Number(resume?.['firstNs'] ?? 0);
    this.#lastNs = Number(resume?.['lastNs'] ?? 0);
    if (resume === null) await this.#file.append(storedMember(niftiHeader(info, null, 0, 0)));
  }

  async frame(frame: ExportFrame): Promise<void> {
    checkFrame(frame, this.#info, this.format);
    if (this.#frames === mostFrames)
      throw exportError('SONO_EXPORT_FRAME', {
        frame: frame.sourceFrame,
        format: this.format,
        reason: `NIfTI holds ${mostFrames} frames at most; choose a part with --from and --to`,
      });
    await this.#file.append(await gzipAsync(labelMap(frame, this.#info), { level: 6 }));
    this.#scale.take(frame);
    if (this.#frames === 0) this.#firstNs = frame.mediaNs;
    this.#lastNs = frame.mediaNs;
    this.#frames++;
  }

  async checkpoint(): Promise<ExporterCheckpoint> {
    return {
      bytes: await this.#file.sync(),
      frames: this.#frames,
      firstNs: this.#firstNs,
      lastNs: this.#lastNs,
      ...this.#scale.state,
    };
  }

  async close(): Promise<readonly string[]> {
    if (!this.#file.complete) {
      const rate = this.#info.source.framesPerSecond;
      const seconds =
        this.#frames > 1
          ? (this.#lastNs - this.#firstNs) / 1e9 / (this.#frames - 1)
          : rate === null
            ? 0
            : 1 / rate;
      await this.#file.overwrite(
        storedMember(niftiHeader(this.#info, this.#scale.spacingMm, this.#frames, seconds)),
        0,
      );
    }
    return [await this.#file.finish()];
  }

  abort(): Promise<void> {
    return this.#file.close();
  }
}
