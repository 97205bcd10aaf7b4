import { describe, expect, it } from 'vitest';
import { presentUnits, processorName } from './processor.js';

describe('the processor', () => {
  it('is told by its vector units, on x64 and on ARM', () => {
    expect(
      presentUnits('model name\t: X\nflags\t\t: fpu avx sse avx2 fma avx512f\nbugs: avx_vnni\n'),
    ).toEqual(['avx', 'avx2', 'fma', 'avx512f']);
    expect(presentUnits('Features\t: fp asimd i8mm\n')).toEqual(['asimd', 'i8mm']);
    expect(presentUnits('')).toEqual([]);
  });

  it('has the same name whenever it is asked for', () => {
    expect(processorName()).toBe(processorName());
    expect(processorName()).toMatch(/^\w+, .+: /);
  });
});
