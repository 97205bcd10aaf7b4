/** What the header of a DICOM image says of its stored samples; nothing is decided here about colour. Pure. PS3.3 C.7.6.3, C.11. */
import type { PictureSize } from '../vocabulary/frame.js';
import type { DataSet } from './data-set.js';
import type { DicomFile } from './data-set-file.js';
import { dicomError } from './errors.js';
import { functionalGroup } from './functional-groups.js';
import { checkPictureSize } from './memory-limits.js';

/** A look-up table as it is stored (PS3.3 C.7.6.3.1.5 and C.11.1.1). */
export interface StoredLut {
  /** Number of entries; 0 in the file, which means 65,536, is given as that. */
  readonly entries: number;
  /** Stored value that the first entry is for; signed where the samples are. */
  readonly first: number;
  /** Bits per entry, as written. */
  readonly bits: number;
  /** Stored data; words of 16 bits are little-endian, whatever the file's byte order. */
  readonly data: Uint8Array;
}

export interface StoredPalette {
  readonly red: StoredLut;
  readonly green: StoredLut;
  readonly blue: StoredLut;
  /** Segmented tables (0028,1221 to 1223, PS3.3 C.7.9.2): `data` holds segments instead of entries. */
  readonly segmented: boolean;
}

/** How a frame's bytes are to be understood. */
export interface StoredPixels {
  /** Columns × Rows. */
  readonly size: PictureSize;
  readonly transferSyntaxUid: string;
  /** As written, trimmed. */
  readonly photometric: string;
  readonly samplesPerPixel: 1 | 3;
  /** 1, 8, 16 or 32. */
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
  /** Samples of one pixel side by side (false) or in three planes (true). */
  readonly planar: boolean;
  readonly bigEndian: boolean;
  /** VR of the pixel data: in big endian OW swaps the bytes of each 16-bit word. */
  readonly pixelVr: 'OB' | 'OW' | 'UN' | 'OF' | 'OD';
  /** Also where it only supplements grey (photometric MONOCHROME2). */
  readonly palette: StoredPalette | null;
  /** From stored values to what the modality measured. */
  readonly modality:
    { readonly slope: number; readonly intercept: number } | { readonly lut: StoredLut } | null;
  /** Which of the modality's values are shown. */
  readonly voi:
    | {
        readonly center: number;
        readonly width: number;
        readonly function: 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID';
      }
    | { readonly lut: StoredLut }
    | null;
  /** Smallest and largest stored value if the header says so. */
  readonly extremes: { readonly low: number; readonly high: number } | null;
  readonly pixelAspect: { readonly vertical: number; readonly horizontal: number } | null;
}

/** Floating-point pixel data have tags of their own. */
const pixelVrs: Readonly<Record<number, StoredPixels['pixelVr']>> = { 0x7fe00008: 'OF', 0x7fe00009: 'OD' };

/**
 * @throws SONO_SOURCE_SIZE, SONO_SOURCE_MEMORY, and SONO_DICOM_PHOTOMETRIC for numbers of samples or bits that no picture has
 */
export function readStoredPixels({
  path,
  set,
  pixels,
  transferSyntaxUid,
  bigEndian,
}: DicomFile): StoredPixels {
  const size = { width: set.number(0x00280011, 'US') ?? 0, height: set.number(0x00280010, 'US') ?? 0 };
  checkPictureSize(path, size);
  const photometric = set.ascii(0x00280004) ?? '';
  const samplesPerPixel = set.number(0x00280002, 'US') ?? 1;
  const bitsAllocated = set.number(0x00280100, 'US') ?? 8;
  if ((samplesPerPixel !== 1 && samplesPerPixel !== 3) || ![1, 8, 16, 32].includes(bitsAllocated))
    throw dicomError('SONO_DICOM_PHOTOMETRIC', {
      path,
      photometric: `${photometric || 'unnamed'}, ${samplesPerPixel} samples of ${bitsAllocated} bits`,
    });
  const between = (value: number | undefined, low: number, high: number): number | undefined =>
    value !== undefined && value >= low && value <= high ? value : undefined;
  const bitsStored = between(set.number(0x00280101, 'US'), 1, bitsAllocated) ?? bitsAllocated;
  const signed = set.number(0x00280103, 'US') === 1;
  const pixelVr = pixels?.vr;
  return {
    size,
    transferSyntaxUid,
    photometric,
    samplesPerPixel,
    bitsAllocated,
    bitsStored,
    highBit: between(set.number(0x00280102, 'US'), bitsStored - 1, bitsAllocated - 1) ?? bitsStored - 1,
    signed,
    planar: set.number(0x00280006, 'US') === 1,
    bigEndian,
    pixelVr:
      pixelVrs[pixels?.tag ?? 0] ??
      (pixelVr === 'OB' || pixelVr === 'UN' || pixelVr === 'OW' ? pixelVr : 'OW'),
    palette: readPalette(set, signed),
    modality: readModality(set, signed),
    voi: readVoi(set, signed),
    extremes: readExtremes(set, signed),
    pixelAspect: readAspect(set),
  };
}

function readPalette(set: DataSet, signed: boolean): StoredPalette | null {
  const read = (data: number): StoredPalette | null => {
    const [red, green, blue] = [0, 1, 2].map((colour) =>
      readLut(set, 0x00281101 + colour, data + colour, signed),
    );
    return red && green && blue ? { red, green, blue, segmented: data === 0x00281221 } : null;
  };
  return read(0x00281201) ?? read(0x00281221);
}

function readLut(set: DataSet, descriptor: number, data: number, signed: boolean): StoredLut | null {
  const [count, first, bits] = set.numbers(descriptor, 'US');
  const bytes = set.littleEndianWords(data);
  if (count === undefined || first === undefined || bits === undefined || bytes === undefined) return null;
  return {
    entries: (count & 0xffff) === 0 ? 65_536 : count & 0xffff,
    // The descriptor's own VR may be either, in spite of what its values are.
    first: signed ? ((first & 0xffff) << 16) >> 16 : first & 0xffff,
    bits,
    data: bytes,
  };
}

function readModality(set: DataSet, signed: boolean): StoredPixels['modality'] {
  const table = set.item(0x00283000);
  const lut = table && readLut(table, 0x00283002, 0x00283006, signed);
  if (lut) return { lut };
  // The enhanced objects' own place.
  const where = functionalGroup(set, 0x00289145) ?? set;
  const slope = where.number(0x00281053, 'DS');
  const intercept = where.number(0x00281052, 'DS');
  if (slope === undefined && intercept === undefined) return null;
  return { slope: slope === undefined || slope === 0 ? 1 : slope, intercept: intercept ?? 0 };
}

function readVoi(set: DataSet, signed: boolean): StoredPixels['voi'] {
  const where = functionalGroup(set, 0x00289132) ?? set;
  const table = where.item(0x00283010);
  const lut = table && readLut(table, 0x00283002, 0x00283006, signed);
  if (lut) return { lut };
  const center = where.number(0x00281050, 'DS');
  const width = where.number(0x00281051, 'DS');
  const name = where.ascii(0x00281056);
  const shape = name === 'LINEAR_EXACT' || name === 'SIGMOID' ? name : 'LINEAR';
  // PS3.3 C.11.2.1.2: at least 1, and more than 0 for the others.
  if (center === undefined || width === undefined || !(shape === 'LINEAR' ? width >= 1 : width > 0))
    return null;
  return { center, width, function: shape };
}

function readExtremes(set: DataSet, signed: boolean): StoredPixels['extremes'] {
  const vr = signed ? 'SS' : 'US';
  for (const tag of [0x00280106, 0x00280108]) {
    const low = set.number(tag, vr);
    const high = set.number(tag + 1, vr);
    if (low !== undefined && high !== undefined && high > low) return { low, high };
  }
  return null;
}

function readAspect(set: DataSet): StoredPixels['pixelAspect'] {
  const [vertical, horizontal] = set.numbers(0x00280034, 'DS');
  return vertical !== undefined && horizontal !== undefined && vertical > 0 && horizontal > 0
    ? { vertical, horizontal }
    : null;
}
