/**
 * Masks in DICOM segmentations (PS3.3 A.51 and A.80): binary, fractional (half and more is inside) and label maps, in any transfer syntax that
 * pictures are read in. A frame belongs to the picture that it was derived from, else to its position in time. Runs in the main process.
 */
import { openDicom } from '../../dicom/data-set-file.js';
import type { DataSet } from '../../dicom/data-set.js';
import { perFrameGroups } from '../../dicom/functional-groups.js';
import { readStoredPixels } from '../../dicom/image.js';
import { indexPixels } from '../../dicom/pixel-index.js';
import { codingOf } from '../../dicom/pixels/coding.js';
import { SampleDecoder } from '../../dicom/pixels/sample-decoder.js';
import { valueOf } from '../../dicom/pixels/samples.js';
import { rgbOfCieLab } from '../../dicom/write/cie-lab.js';
import { maskFromBitmap } from '../../mask/rle.js';
import type { FoundMask, PictureReference } from './found-mask.js';

interface Segment {
  readonly label: string;
  readonly color: string | null;
}

/** Throws RangeError, in words, for a DICOM object that is no segmentation; SONO_DICOM_…, SONO_SOURCE_MEMORY. */
export async function* readSegMasks(path: string, named: string): AsyncGenerator<FoundMask> {
  const file = await openDicom(path, named);
  try {
    const { set } = file;
    const kind = set.ascii(0x00620001);
    if (kind !== 'BINARY' && kind !== 'FRACTIONAL' && kind !== 'LABELMAP')
      throw new RangeError('it is a DICOM object, but no segmentation');
    const pixels = readStoredPixels(file);
    const coding = codingOf(pixels.transferSyntaxUid);
    if (coding === null || coding === 'video')
      throw new RangeError('its pixels are coded in a way that is not read');
    const promised = set.number(0x00280008, 'US') ?? 1;
    const index = await indexPixels(file, pixels, promised);
    const segments = segmentsOf(set);
    const identification = perFrameGroups(set, 0x0062000a);
    const shared = set.item(0x52009229)?.item(0x0062000a);
    const pictures = picturesOf(set, index.frameCount);
    const most = set.number(0x0062000e, 'US') ?? 255;
    const decoder = new SampleDecoder(pixels, coding);
    try {
      for (let frame = 0; frame < index.frameCount; frame++) {
        const picture = pictures[frame] ?? unsaid;
        const { samples } = await decoder.decode(await index.read(frame));
        const values = Array.from(samples.values, (value) => valueOf(value, samples.layout));
        const { width, height } = pixels.size;
        const masks =
          kind === 'LABELMAP'
            ? [...new Set(values)].filter((value) => value !== 0)
            : [(identification[frame] ?? shared)?.number(0x0062000b, 'US') ?? 1];
        const inside = (value: number, number: number): boolean =>
          kind === 'LABELMAP' ? value === number : kind === 'BINARY' ? value !== 0 : value * 2 >= most;
        for (const number of masks) {
          const { label, color } = segments.get(number) ?? { label: `segment ${number}`, color: null };
          const bitmap = Uint8Array.from(values, (value) => (inside(value, number) ? 1 : 0));
          yield { label, color, picture, mask: maskFromBitmap(bitmap, width, height) };
        }
      }
    } finally {
      decoder.close();
    }
  } finally {
    await file.close();
  }
}

/** By number; of two with one name the number stands behind it. */
function segmentsOf(set: DataSet): ReadonlyMap<number, Segment> {
  const names = new Set<string>();
  return new Map(
    set.items(0x00620002).map((segment): [number, Segment] => {
      const number = segment.number(0x00620004, 'US') ?? 0;
      const plain = segment.text(0x00620005) ?? `segment ${number}`;
      const label = names.has(plain) ? `${plain} ${number}` : plain;
      names.add(label);
      const [l, a, b] = segment.numbers(0x0062000d, 'US');
      const color = l === undefined || a === undefined || b === undefined ? null : rgbOfCieLab([l, a, b]);
      return [number, { label, color }];
    }),
  );
}

/** It does not say which picture it is of. */
const unsaid: PictureReference = { kind: 'name', name: '', number: null };

/** Of each frame. */
function picturesOf(set: DataSet, frames: number): readonly PictureReference[] {
  const derived = perFrameGroups(set, 0x00089124);
  const content = perFrameGroups(set, 0x00209111);
  return Array.from({ length: frames }, (_, frame) => {
    const source = derived[frame]?.item(0x00082112);
    const uid = source?.ascii(0x00081155);
    if (uid !== undefined) {
      const inside = source?.numbers(0x00081160, 'DS')[0];
      return { kind: 'instance', uid, frame: inside ?? null };
    }
    const time = content[frame]?.number(0x00209128, 'UL');
    return time === undefined ? unsaid : { kind: 'number', frame: time - 1 };
  });
}
