import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { text } from './elements.js';
import { decimal, fittedValue, firstValue, type TextVr } from './values.js';

describe('text for a value representation', () => {
  it.each<[TextVr, string, string]>([
    ['DA', '2024.01.02', '20240102'],
    ['DA', '20241302', ''],
    ['DA', 'yesterday', ''],
    ['TM', '10:11:12.5', '101112.5'],
    ['TM', '1011', '1011'],
    ['TM', '25', ''],
    ['CS', 'f', 'F'],
    ['CS', 'female, 42', ''],
    ['AS', '042Y', '042Y'],
    ['IS', '12.5', ''],
    ['DS', '0.123456789012345678', ''],
    ['LO', 'left\\right\u0007 ', 'left/right'],
    ['LO', 'ä'.repeat(70), 'ä'.repeat(64)],
    ['LO', '🫀'.repeat(70), '🫀'.repeat(64)],
    ['SH', 'x'.repeat(20), 'x'.repeat(16)],
    ['PN', `${'a'.repeat(70)}=山田^太郎=やまだ=more`, `${'a'.repeat(64)}=山田^太郎=やまだ`],
    ['UT', 'two\nlines\u0000', 'two\nlines'],
  ])('%s: %j becomes %j', (vr, value, fitted) => {
    expect(fittedValue(vr, value)).toBe(fitted);
  });

  it('takes the first of several values', () => {
    expect([firstValue('A\\B'), firstValue(' A '), firstValue(undefined)]).toEqual(['A', 'A', '']);
  });

  it('writes numbers in sixteen characters, as near as they allow', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1e300, max: 1e300 }), (value) => {
        const written = decimal(value);
        expect(written.length).toBeLessThanOrEqual(16);
        expect(Math.abs(Number(written) - value)).toBeLessThanOrEqual(Math.abs(value) * 1e-8);
      }),
      { examples: [[123_456_789_012_345_680], [1e20], [-1.23456789012e-6], [-5e-324], [0]] },
    );
    expect([decimal(0), decimal(0.1), decimal(33.3333333333333333), decimal(1234567890123456)]).toEqual([
      ...['0', '0.1', '33.3333333333333', '1234567890123460'],
    ]);
  });

  it('has an even length whatever it says, and one that its field can hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const element = text(0x00100020, 'LO', value);
        expect(element.readUInt16LE(6)).toBe(element.length - 8);
        expect(element.length % 2).toBe(0);
      }),
    );
    const long = text(0x00181065, 'DS', Array<string>(12_000).fill('33.333333'));
    expect(long.toString('latin1', 4, 6)).toBe('UN');
    expect(long.readUInt32LE(8)).toBe(long.length - 12);
  });
});
