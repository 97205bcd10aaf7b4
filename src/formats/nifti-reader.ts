/** Reads NIfTI-1 volumes (.nii, .nii.gz) into memory: header, sizes, spacing, samples as numbers. Pure but for inflate. */
import { gunzipSync } from 'node:zlib';

export interface NiftiVolume {
  /** Sizes of the first four axes; absent axes are 1. */
  readonly size: readonly [number, number, number, number];
  /** Step along each axis in the header's units. */
  readonly spacing: readonly [number, number, number, number];
  /** First axis fastest; scl_slope and scl_inter applied. */
  readonly samples: Float64Array | Uint8Array | Int16Array;
}

/** A few kilobytes may unpack to gigabytes. */
const mostVolumeBytes = 2 ** 31;

/** Throws RangeError for anything that is no complete NIfTI-1 file. */
export function readNifti(file: Uint8Array, mostBytes = mostVolumeBytes): NiftiVolume {
  let bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = gunzipSync(bytes, { maxOutputLength: mostBytes });
    } catch (error) {
      throw new RangeError('the compressed file is damaged', { cause: error });
    }
  }
  if (bytes.length < 352) throw new RangeError('shorter than a NIfTI header');
  const little = bytes.readInt32LE(0) === 348;
  if (!little && bytes.readInt32BE(0) !== 348) throw new RangeError('not a NIfTI-1 file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const int16 = (at: number): number => view.getInt16(at, little);
  const float = (at: number): number => view.getFloat32(at, little);
  const axes = int16(40);
  if (axes < 1 || axes > 7) throw new RangeError(`a volume of ${axes} axes`);
  const axis = (index: number): number => (index <= axes ? Math.max(1, int16(40 + 2 * index)) : 1);
  const step = (index: number): number => (index <= axes ? float(76 + 4 * index) : 1);
  const size = [axis(1), axis(2), axis(3), axis(4)] as const;
  const spacing = [step(1), step(2), step(3), step(4)] as const;
  const count = size[0] * size[1] * size[2] * size[3];
  const start = Math.max(352, Math.round(float(108)));
  const type = int16(70);
  const reader = readers.get(type);
  if (reader === undefined) throw new RangeError(`samples of type ${type}`);
  if (start + count * reader.bytes > bytes.length)
    throw new RangeError(`${bytes.length} bytes do not hold ${size.join('×')} samples`);
  const slope = float(112);
  const inter = float(116);
  if (type === 2 && (slope === 0 || (slope === 1 && inter === 0)))
    return { size, spacing, samples: new Uint8Array(bytes.subarray(start, start + count)) };
  const samples = new Float64Array(count);
  const scale = slope === 0 || !Number.isFinite(slope) ? 1 : slope;
  const shift = slope === 0 || !Number.isFinite(inter) ? 0 : inter;
  for (let index = 0; index < count; index++)
    samples[index] = reader.read(view, start + index * reader.bytes, little) * scale + shift;
  return { size, spacing, samples };
}

type SampleReader = (view: DataView, at: number, little: boolean) => number;
const readers: ReadonlyMap<number, { readonly bytes: number; readonly read: SampleReader }> = new Map([
  [2, { bytes: 1, read: (view, at) => view.getUint8(at) }],
  [4, { bytes: 2, read: (view, at, little) => view.getInt16(at, little) }],
  [8, { bytes: 4, read: (view, at, little) => view.getInt32(at, little) }],
  [16, { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) }],
  [64, { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) }],
  [256, { bytes: 1, read: (view, at) => view.getInt8(at) }],
  [512, { bytes: 2, read: (view, at, little) => view.getUint16(at, little) }],
  [768, { bytes: 4, read: (view, at, little) => view.getUint32(at, little) }],
]);
