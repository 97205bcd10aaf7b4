/**
 * What every export format implements. The caller (replay, the server's export job) owns the order and the chunks:
 *
 *   await exporter.open(info, null)
 *   for each frame, ascending sourceFrame:  await exporter.frame(frame)
 *   after every `info.chunkFrames` frames:  state = await exporter.checkpoint()   // durable: may be killed from here on
 *   await exporter.close()                                                        // final names appear only now
 *
 * After a kill: `open(info, state)` with the last durable state cuts away whatever was written later and goes on
 * behind it. The result is equal, byte for byte, to that of a run that was never interrupted, because nothing in
 * a file depends on the clock or on chance, and because chunk borders fall on the same frames in both runs.
 *
 * Nothing half-written carries a final name: files grow under `<name>.partial` and are renamed by `close()`. After a kill in
 * its middle `open(info, state)` finds the final names and `close()` completes the rest. `mcap` can moreover go on from any
 * earlier state of a complete file: that is how a correction keeps what lies before it. Memory is bounded: no exporter keeps frames.
 */
import type { PictureSize, SourceFormat } from '../vocabulary/frame.js';
import type { EchoView } from '../vocabulary/echo.js';
import type { ExportFormat } from '../vocabulary/export-format.js';
import type { Mask } from '../vocabulary/mask.js';
import type { DicomReference } from '../dicom/reference.js';
import type { Measurement } from '../vocabulary/measurement.js';
import type { ObjectId, ObjectState } from '../vocabulary/prompt.js';

/** `mcap` is written by src/record, behind the same interface. */
export { exportFormats } from '../vocabulary/export-format.js';
export type { ExportFormat } from '../vocabulary/export-format.js';

export interface ExportObject {
  readonly id: ObjectId;
  /** Unique among the objects; becomes folder name, COCO category, DICOM segment label. */
  readonly label: string;
}

/** What the pictures lost before they were analysed, in DICOM's words (PS3.3 C.7.6.1.1.5); one entry per compression, empty: unknown. */
export interface SourceLoss {
  /** Size before over size after. */
  readonly ratios: readonly string[];
  readonly methods: readonly string[];
}

export interface ExportInfo {
  /** Output directory of the run; it exists. Each exporter writes below `<directory>/<clip>/` (davis: `<directory>/davis/`). */
  readonly directory: string;
  /** Name of the clip: safe as a file name (see `safeName`). */
  readonly clip: string;
  /** Path or URI of the source as the person wrote it. */
  readonly sourceUri: string;
  readonly source: SourceFormat;
  /** Every object of the run, ascending id. Frames may not bring others. */
  readonly objects: readonly ExportObject[];
  readonly software: { readonly version: string; readonly model: string; readonly modelSha256: string };
  /** Hash (hex) over input, model, options and prompts: DICOM UIDs are derived from it, so the same run gives the same file. */
  readonly identity: string;
  /** Hash (hex) over the source alone, or its address: DICOM objects of one video stand in one study by it. */
  readonly inputIdentity: string;
  /** Whether a person marked the objects, or the model found them by itself. */
  readonly segmentation: 'automatic' | 'semiautomatic';
  /** Modification time of the source, Unix ms: stands for the content date where a format demands one. */
  readonly sourceModifiedUnixMs: number;
  readonly dicom: DicomReference | null;
  /** null: the source is not known to have lost anything. */
  readonly loss: SourceLoss | null;
  /** The apical view, where a heart is measured. */
  readonly view: EchoView;
  /** Frames between two checkpoints. */
  readonly chunkFrames: number;
}

export interface ExportedObject {
  readonly id: ObjectId;
  readonly state: ObjectState;
  /** Raw predicted IoU, 0..1. */
  readonly score: number;
  /** Calibrated confidence, 0..1. */
  readonly confidence: number;
  /** At source size (see `objectMaskAtSourceSize` in resample.ts); empty where the object is not shown. */
  readonly mask: Mask;
}

export interface ExportFrame {
  /** Index of the frame in its source; names the frame's files. Ascending, gaps allowed (`--stride`, bad frames). */
  readonly sourceFrame: number;
  readonly ptsNs: number;
  /** Position in the source in nanoseconds; the time stamp of csv and mp4. */
  readonly mediaNs: number;
  /** One entry per object of `ExportInfo.objects`, in that order, also where the mask is empty. */
  readonly objects: readonly ExportedObject[];
  /** What was measured on it, by the ids of `objects`; `atPtsNs` is a `mediaNs`, as a whole number. */
  readonly measurements: readonly Measurement[];
  /** JPEG (or PNG) at source size, where the exporter says `needsPicture`; may be null otherwise. */
  readonly picture: Uint8Array | null;
}

/** JSON; only the exporter that wrote it reads it. */
export type ExporterCheckpoint = Readonly<Record<string, string | number>>;

export interface Exporter {
  readonly format: ExportFormat;
  /** True where `ExportFrame.picture` must be given. */
  readonly needsPicture: boolean;
  /**
   * Start, or go on behind `resume`. Throws SONO_EXPORT_NOT_WRITABLE, SONO_EXPORT_EXISTS (a final name is taken),
   * SONO_EXPORT_RESUME_BROKEN (the partial files are shorter than the state says), SONO_EXPORT_UNSUPPORTED.
   */
  open(info: ExportInfo, resume: ExporterCheckpoint | null): Promise<void>;
  /** One call at a time. Throws SONO_EXPORT_DISK_FULL, SONO_EXPORT_NOT_WRITABLE, SONO_EXPORT_FRAME. */
  frame(frame: ExportFrame): Promise<void>;
  /** Everything written so far survives a kill of this process when this resolves. */
  checkpoint(): Promise<ExporterCheckpoint>;
  /** Complete the files and give them their final names; resolves to the paths (files or folders) made. */
  close(): Promise<readonly string[]>;
  /** Let go of handles and children, leave the partial files for a later resume. Never throws. */
  abort(): Promise<void>;
}

/** File systems take 255; the rest is for numbers and endings. */
const longestNameBytes = 200;

/** A file name that every file system takes, never hidden, never empty; different texts may meet: see `uniqueNames`. */
export function safeName(text: string): string {
  const signs = [
    ...text
      .normalize('NFC')
      .replace(/[^\p{L}\p{N}._ +-]/gu, '_')
      .replace(/^[. ]+/, ''),
  ].slice(0, 100);
  while (Buffer.byteLength(signs.join('')) > longestNameBytes) signs.pop();
  const name = signs.join('').replace(/[. ]+$/, '');
  // Names of devices: Windows cannot unpack an archive that has them.
  if (/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(name)) return `_${name}`;
  return name === '' ? '_' : name;
}

/** Endings of the files that stand beside the folders of the objects. */
const fileEnding = /\.(json|csv|mp4|dcm|gz|mcap|partial)$/i;

/** Folder name per object: the label made safe, with the id behind it where two would meet, or where it is named like a file. */
export function uniqueNames(objects: readonly ExportObject[]): ReadonlyMap<ObjectId, string> {
  // Names that other formats use beside the folders of the objects.
  const taken = new Set<string>(['indexed']);
  return new Map(
    objects.map(({ id, label }) => {
      const plain = safeName(label);
      const name = taken.has(plain.toLowerCase()) || fileEnding.test(plain) ? `${plain}-${id}` : plain;
      taken.add(name.toLowerCase());
      return [id, name] as const;
    }),
  );
}

/** Frame number in file names: five digits, more where needed. */
export function frameName(sourceFrame: number): string {
  return String(sourceFrame).padStart(5, '0');
}

export function sameSize(mask: Mask, size: PictureSize): boolean {
  return mask.width === size.width && mask.height === size.height;
}
