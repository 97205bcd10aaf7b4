import { describe, expect, it } from 'vitest';
import { byFrameName, pictureNames } from './picture-order.js';

describe('the order of pictures', () => {
  it.each([
    ['numbers', ['f9.png', 'f10.png', 'f100.png']],
    ['numbers with leading zeros', ['0008.png', '0009.png', '0010.png']],
    ['seconds as Python prints them', ['0.0.png', '0.04.png', '0.08.png', '0.12.png', '0.2.png', '1.0.png']],
    ['seconds and whole seconds', ['0.png', '0.5.png', '1.png', '1.25.png', '10.png']],
    ['seconds of one length', ['0.00.png', '0.04.png', '9.96.png', '10.00.png']],
    ['seconds with a name around them', ['case2_t0.04s.png', 'case2_t0.2s.png', 'case2_t10.0s.png']],
    ['a part and a number', ['1.8.png', '1.9.png', '1.10.png', '1.11.png', '2.1.png']],
    ['DICOM-like names', ['1.2.840.9.png', '1.2.840.10.png', '1.2.840.11.png']],
    ['two numbers', ['a1_0.9.png', 'a1_0.10.png', 'a2_0.1.png']],
    ['words', ['end.png', 'start.png']],
  ])('%s', (_, names) => {
    const mixed = names.map((__, index) => names[(index * 7 + 3) % names.length] as string);
    expect(byFrameName([...new Set([...mixed, ...names])])).toEqual(names);
    expect(byFrameName([...names].reverse())).toEqual(names);
  });

  it('is that of pictures only, without hidden files and what systems leave behind', () => {
    const left = ['._0.2.png', '.hidden.png', 'Thumbs.db', 'desktop.ini', 'notes.txt', 'clip.mp4'];
    expect(pictureNames([...left, '0.2.PNG', '0.04.jpeg', '0.12.tif', '1.0.bmp'])).toEqual([
      '0.04.jpeg',
      '0.12.tif',
      '0.2.PNG',
      '1.0.bmp',
    ]);
  });
});
