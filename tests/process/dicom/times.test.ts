/** When frames are shown, by every attribute that says it. Right values: PS3.3 C.7.6.5.1 and C.7.6.16.2.2. */
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/dicom/byte-source.js';
import { openCine, type DicomCine } from '../../../src/dicom/cine.js';
import {
  dicomFile,
  elements,
  explicitLittleEndian,
  native,
  openSequence,
  picture,
  type Fields,
} from './fixture.js';

function cine(frames: number, more: Fields, groups: Buffer = Buffer.alloc(0)): Promise<DicomCine> {
  const file = dicomFile(
    explicitLittleEndian,
    picture(1, 1, 'MONOCHROME2', { '00280008': ['IS', `${frames}`], ...more }),
    Buffer.concat([groups, native(new Uint8Array(frames))]),
  );
  return openCine(memorySource(file), 'x');
}

const pointsTo = (tag: number): Fields[string] => ['AT', [tag >>> 16, tag & 0xffff]];
const vector = (...ms: readonly number[]): Fields[string] => ['DS', ms.join('\\')];
const toFrameTime = pointsTo(0x00181063);
const toVector = pointsTo(0x00181065);

describe('times of frames', () => {
  const cases: Readonly<Record<string, readonly [frames: number, more: Fields, ms: number[]]>> = {
    'the pointer names the constant time, a vector is there too': [
      3,
      { '00280009': toFrameTime, '00181063': ['DS', '40'], '00181065': vector(0, 20, 20) },
      [0, 40, 80, 120],
    ],
    'the pointer names the vector, a constant time is there too': [
      3,
      { '00280009': toVector, '00181063': ['DS', '40'], '00181065': vector(0, 20, 30) },
      [0, 20, 50, 75],
    ],
    'the pointer names what is not there': [
      3,
      { '00280009': toVector, '00181063': ['DS', '40'] },
      [0, 40, 80, 120],
    ],
    'no pointer, both': [3, { '00181063': ['DS', '40'], '00181065': vector(0, 20, 20) }, [0, 20, 40, 60]],
    'the first entry says nothing': [3, { '00181065': vector(77, 20, 20) }, [0, 20, 40, 60]],
    'a step for each pair of frames': [4, { '00181065': vector(33, 33, 34) }, [0, 33, 66, 100, 133.333333]],
    'one step for all': [3, { '00181065': vector(40) }, [0, 40, 80, 120]],
    'more entries than frames': [2, { '00181065': vector(0, 20, 30, 40) }, [0, 20, 40]],
    'a coarse clock': [6, { '00181065': vector(0, 33, 0, 33, 33, 33) }, [0, 33, 49.5, 66, 99, 132, 158.4]],
    'a coarse clock at the end': [3, { '00181065': vector(0, 40, 0) }, [0, 40, 50, 60]],
    'a step back': [3, { '00181065': vector(0, 40, -5), '00180040': ['IS', '50'] }, [0, 20, 40, 60]],
    'no number': [2, { '00181065': ['DS', '0\\x'], '00180040': ['IS', '50'] }, [0, 20, 40]],
    'a vector that is too short': [
      4,
      { '00181065': vector(0, 40), '00180040': ['IS', '50'] },
      [0, 20, 40, 60, 80],
    ],
    'cine rate 0, recommended 20': [2, { '00180040': ['IS', '0 '], '00082144': ['IS', '20'] }, [0, 50, 100]],
    'cine rate before the recommended one': [
      2,
      { '00180040': ['IS', '50'], '00082144': ['IS', '20'] },
      [0, 20, 40],
    ],
    'time 0': [2, { '00181063': ['DS', '0'], '00181242': ['IS', '80'] }, [0, 80, 160]],
    'one frame': [1, { '00181063': ['DS', '40'] }, [0, 40]],
    'in UN': [3, { '00181065': ['UN', Buffer.from('0\\20\\20 ')] }, [0, 20, 40, 60]],
  };
  it.each(Object.entries(cases))('%s', async (_, [frames, more, ms]) => {
    const { mediaNs } = await cine(frames, more);
    expect(mediaNs).toEqual(ms.map((value) => Math.round(value * 1e6)));
  });

  it('a rate is said where steps are equal but for the clock', async () => {
    const rate = async (...ms: readonly number[]): Promise<number | null> =>
      (await cine(ms.length, { '00181065': vector(...ms) })).framesPerSecond;
    expect(await rate(0, 33, 34, 33, 33, 34)).toBeCloseTo(29.94, 2);
    expect(await rate(0, 33, 66, 33)).toBeNull();
    expect((await cine(3, { '00181063': ['DS', '33.333'] })).framesPerSecond).toBe(30);
  });

  it('a vector of many frames is read in one go', async () => {
    const frames = 12_000;
    // More than the 65,534 bytes that a DS may have: written as UN.
    const text = Buffer.from(['0', ...Array.from({ length: frames - 1 }, () => '33.366667')].join('\\'));
    const { mediaNs } = await cine(frames, { '00181065': ['UN', text] });
    expect(mediaNs).toHaveLength(frames + 1);
    expect(mediaNs[11_999]).toBe(Math.round(11_999 * 33_366_667));
  });

  it('a lost end does not change what the vector means', async () => {
    const file = dicomFile(
      explicitLittleEndian,
      picture(1, 1, 'MONOCHROME2', { '00280008': ['IS', '4'], '00181065': vector(0, 10, 20, 30) }),
      native(new Uint8Array(2)),
    );
    const short = await openCine(memorySource(file), 'x');
    expect(short).toMatchObject({ promisedFrames: 4, mediaNs: [0, 10e6, 30e6] });
  });
});

describe('functional groups', () => {
  const group = (sequence: string, fields: Fields): Buffer =>
    openSequence(sequence, 'SQ', [elements(fields)]);
  const perFrame = (...frames: readonly Buffer[]): Buffer => openSequence('52009230', 'SQ', frames);
  const shared = (...groups: readonly Buffer[]): Buffer =>
    openSequence('52009229', 'SQ', [Buffer.concat(groups)]);

  it('give times, spacing and window', async () => {
    const groups = Buffer.concat([
      shared(
        group('00289110', { '00280030': ['DS', '0.3\\0.4 '] }),
        group('00289132', { '00281050': ['DS', '512 '], '00281051': ['DS', '1024'] }),
        group('00289145', { '00281052': ['DS', '-3'], '00281053': ['DS', '2 '] }),
      ),
      perFrame(
        ...['101112.950000', '101113.000000', '101113.050000'].map((time) =>
          group('00209111', { '00189074': ['DT', `20200102${time} `] }),
        ),
      ),
    ]);
    expect(await cine(3, {}, groups)).toMatchObject({
      mediaNs: [0, 50e6, 100e6, 150e6],
      framesPerSecond: 20,
      calibration: { whole: { x: 0.4, y: 0.3 }, regions: [] },
      pixels: {
        voi: { center: 512, width: 1024, function: 'LINEAR' },
        modality: { slope: 2, intercept: -3 },
      },
    });
  });

  it('may give offsets instead, and are not believed where they go back', async () => {
    const offsets = (...seconds: readonly number[]): Buffer =>
      perFrame(...seconds.map((second) => group('00209310', { '0020930d': ['FD', second] })));
    expect((await cine(3, {}, offsets(1, 1.02, 1.05))).mediaNs).toEqual([0, 20e6, 50e6, 75e6]);
    const back = await cine(3, { '00180040': ['IS', '50'] }, offsets(1, 0.5, 1.05));
    expect(back.mediaNs).toEqual([0, 20e6, 40e6, 60e6]);
  });
});
