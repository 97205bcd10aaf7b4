import { expect, it } from 'vitest';
import { areaText, inCentimetres, lengthText, scaleBar, scaleBarText } from './measure-words.js';

it('millimetres below one centimetre, then centimetres; pixels where there is no scale', () => {
  expect(lengthText(7.44, 'mm')).toBe('7.4 mm');
  expect(lengthText(23.14, 'mm')).toBe('2.31 cm');
  expect(lengthText(123.4, 'px')).toBe('123 px');
  expect(areaText(314.159, 'mm')).toBe('3.14 cm²');
  expect(areaText(314.159, 'px')).toBe('314 px²');
});

it('a scale bar is a round length that fits', () => {
  expect(scaleBar(4, 120)).toEqual({ mm: 20, px: 80 });
  expect(scaleBar(0.5, 120)).toEqual({ mm: 100, px: 50 });
  expect(scaleBar(40, 30)).toEqual({ mm: 0.5, px: 20 });
  expect(scaleBar(400, 30)).toBeNull();
  expect(scaleBarText(20)).toBe('2 cm');
  expect(scaleBarText(5)).toBe('5 mm');
});

it('areas of objects are said in square centimetres, everything else as it is', () => {
  const area = { unit: 'mm2', value: 512, interval: { low: 500, high: 530 }, name: 'area' };
  expect(inCentimetres(area)).toEqual({ ...area, unit: 'cm2', value: 5.12, interval: { low: 5, high: 5.3 } });
  expect(inCentimetres({ unit: 'mm2', value: null, interval: null })).toEqual({
    ...{ unit: 'cm2', value: null, interval: null },
  });
  const pixels = { unit: 'px2', value: 512, interval: null };
  expect(inCentimetres(pixels)).toBe(pixels);
});
