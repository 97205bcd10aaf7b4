import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cieLab, rgbOfCieLab } from '../../dicom/write/cie-lab.js';
import {
  dataSet,
  elementHeader,
  fileStart,
  item,
  sequence,
  text,
  unsignedLong,
  unsignedShort,
} from '../../dicom/write/elements.js';
import { maskToBitmap } from '../../mask/rle.js';
import { pictureFinder, referenceByName, type FoundMask } from './found-mask.js';
import { readSegMasks } from './read-seg.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-seg-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the picture of a mask', () => {
  it('is found by the name of the file that the picture was, else by the number in the name', () => {
    const byName = pictureFinder({ frames: 3, names: ['x_10.png', 'x_11.png', 'x_12.png'], instances: null });
    expect(byName(referenceByName('masks/X_11.PNG'))).toBe(1);
    expect(byName(referenceByName('other_2_mask.png'))).toBe(2);
    expect(byName(referenceByName('x_13.png'))).toBeNull();
    expect(byName(referenceByName('none.png'))).toBeNull();
    expect(byName({ kind: 'number', frame: -1 })).toBeNull();
  });

  it('is found by DICOM object and frame', () => {
    const one = pictureFinder({ frames: 9, names: null, instances: { all: '1.2' } });
    expect(one({ kind: 'instance', uid: '1.2', frame: 4 })).toBe(3);
    expect(one({ kind: 'instance', uid: '1.3', frame: 4 })).toBeNull();
    const series = pictureFinder({ frames: 2, names: null, instances: { each: ['1.2', '1.3'] } });
    expect(series({ kind: 'instance', uid: '1.3', frame: null })).toBe(1);
    // The recording is no DICOM any more: the number of the frame counts.
    const plain = pictureFinder({ frames: 9, names: null, instances: null });
    expect(plain({ kind: 'instance', uid: '1.2', frame: 4 })).toBe(3);
  });
});

it.each([
  [255, 0, 0],
  [17, 130, 200],
  [0, 0, 0],
  [255, 255, 255],
] as const)('a colour of a segment comes back: %i %i %i', (...rgb) => {
  const back = rgbOfCieLab(cieLab(rgb));
  const parts = [1, 3, 5].map((at) => parseInt(back.slice(at, at + 2), 16));
  parts.forEach((part, index) => expect(Math.abs(part - (rgb[index] ?? 0))).toBeLessThanOrEqual(1));
});

/** A segmentation of 4 × 2 pixels with 8 bits per pixel. */
function segmentation(
  kind: string,
  frames: readonly (readonly number[])[],
  perFrame: readonly Buffer[],
): string {
  const path = join(folder, `${kind}.dcm`);
  const pixels = Buffer.from(frames.flat());
  const segment = (number: number, label: string) =>
    item(
      unsignedShort(0x00620004, number),
      text(0x00620005, 'LO', label),
      unsignedShort(0x0062000d, ...cieLab([0, 255, 0])),
    );
  const description = [
    text(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.66.4'),
    text(0x00080018, 'UI', '1.2.3'),
    unsignedShort(0x00280002, 1),
    text(0x00280004, 'CS', 'MONOCHROME2'),
    text(0x00280008, 'IS', String(frames.length)),
    ...[0x00280010, 2, 0x00280011, 4, 0x00280100, 8, 0x00280101, 8, 0x00280102, 7, 0x00280103, 0].flatMap(
      (value, index, all) => (index % 2 === 0 ? [unsignedShort(value, all[index + 1] ?? 0)] : []),
    ),
    text(0x00620001, 'CS', kind),
    sequence(0x00620002, segment(1, 'liver'), segment(2, 'vessel')),
    unsignedShort(0x0062000e, 200),
    sequence(0x52009230, ...perFrame.map((one) => item(one))),
  ];
  writeFileSync(
    path,
    Buffer.concat([
      fileStart('1.2.840.10008.5.1.4.1.1.66.4', '1.2.3'),
      dataSet(...description),
      elementHeader(0x7fe00010, 'OB', pixels.length),
      pixels,
    ]),
  );
  return path;
}

async function read(path: string): Promise<FoundMask[]> {
  const found: FoundMask[] = [];
  for await (const mask of readSegMasks(path, 'x.dcm')) found.push(mask);
  return found;
}

describe('DICOM segmentations of other programs', () => {
  it('fractional: half of the largest value and more is inside; segment and source of each frame', async () => {
    const frame = (segment: number, number: number): Buffer =>
      Buffer.concat([
        sequence(
          0x00089124,
          item(
            sequence(0x00082112, item(text(0x00081155, 'UI', '1.9'), text(0x00081160, 'IS', String(number)))),
          ),
        ),
        sequence(0x0062000a, item(unsignedShort(0x0062000b, segment))),
      ]);
    const values = [
      [0, 99, 100, 200, 0, 0, 0, 0],
      [200, 0, 0, 0, 0, 0, 0, 50],
    ];
    const found = await read(segmentation('FRACTIONAL', values, [frame(1, 3), frame(2, 4)]));
    expect(
      found.map(({ label, color, picture, mask }) => [label, color, picture, [...maskToBitmap(mask)]]),
    ).toEqual([
      ['liver', '#00ff00', { kind: 'instance', uid: '1.9', frame: 3 }, [0, 0, 1, 1, 0, 0, 0, 0]],
      ['vessel', '#00ff00', { kind: 'instance', uid: '1.9', frame: 4 }, [1, 0, 0, 0, 0, 0, 0, 0]],
    ]);
  });

  it('a map of labels: each number is a segment; position in time where nothing was derived', async () => {
    const frame = (time: number): Buffer => sequence(0x00209111, item(unsignedLong(0x00209128, time)));
    const values = [
      [0, 1, 1, 2, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0, 7],
    ];
    const found = await read(segmentation('LABELMAP', values, [frame(1), frame(2)]));
    expect(found.map(({ label, picture }) => [label, picture])).toEqual([
      ['liver', { kind: 'number', frame: 0 }],
      ['vessel', { kind: 'number', frame: 0 }],
      ['segment 7', { kind: 'number', frame: 1 }],
    ]);
  });

  it('any other object is refused in words', async () => {
    await expect(read(segmentation('NONE', [[0, 0, 0, 0, 0, 0, 0, 0]], []))).rejects.toThrow(
      'it is a DICOM object, but no segmentation',
    );
  });
});
