import { describe, expect, it } from 'vitest';
import type { StreamConfig } from '../config/pipeline-file.js';
import {
  atRate,
  editionForAnother,
  editionWords,
  keepsUp,
  withEdition,
  type Demand,
  type MeasuredEdition,
} from './choose-model.js';

const oneStream: Demand = {
  streams: 1,
  analysed: 1,
  framesPerSecond: 25,
  threads: 2,
  cores: 2,
  besideCores: 0.9,
  onProcessor: true,
};

describe('choosing an edition', () => {
  it('leaves room for everything else that a stream costs', () => {
    // 13 ms on both of two cores, 25 times a second, are .65 cores; the stream itself takes .9; .4 stay free.
    expect(keepsUp(13, oneStream)).toBe(true);
    expect(keepsUp(15, oneStream)).toBe(false);
    expect(keepsUp(24, oneStream)).toBe(false);
    expect(keepsUp(24, { ...oneStream, cores: 4 })).toBe(true);
    expect(keepsUp(20, { ...oneStream, besideCores: 0.5 })).toBe(true);
  });

  it('counts all streams together, at their rate', () => {
    expect(keepsUp(20, { ...oneStream, streams: 2, analysed: 2, threads: 1 })).toBe(false);
    // The other one shows its picture alone.
    expect(keepsUp(20, { ...oneStream, streams: 2, besideCores: 0.5, threads: 1 })).toBe(true);
    expect(keepsUp(20, { ...oneStream, streams: 2, analysed: 2, threads: 1, framesPerSecond: 12 })).toBe(
      true,
    );
    expect(keepsUp(20, { ...oneStream, streams: 2, analysed: 2, threads: 1, cores: 4 })).toBe(true);
  });

  it('takes none that needs most of a picture’s interval, however many cores there are, and a GPU costs no core', () => {
    expect(keepsUp(30, { ...oneStream, cores: 64 })).toBe(false);
    expect(keepsUp(25, { ...oneStream, onProcessor: false })).toBe(true);
    expect(keepsUp(30, { ...oneStream, onProcessor: false })).toBe(false);
  });

  const slow: MeasuredEdition = {
    name: 'compact',
    modelDir: '/m/compact',
    frameMs: 58.4,
    demand: oneStream,
    keepsUp: false,
  };
  const fast: MeasuredEdition = {
    name: 'compact-fast',
    modelDir: '/m/fast',
    frameMs: 21.2,
    demand: oneStream,
    keepsUp: true,
  };

  it('says what was measured', () => {
    expect(editionWords([fast], 25)).toBe('compact-fast: 21 ms per picture');
    expect(editionWords([slow, fast], 25)).toBe(
      'compact-fast: 21 ms per picture (compact: 58 ms, too slow for 25 per second here)',
    );
    expect(editionWords([slow], 20)).toBe(
      'compact: 58 ms per picture; outlines will come at less than the full rate',
    );
    expect(editionWords([], 25)).toBe('no model is installed');
  });

  it('chooses again for another rate from the same measurements', () => {
    const names = (rate: number): string[] => atRate([slow, fast], rate).map(({ name }) => name);
    expect(names(25)).toEqual(['compact', 'compact-fast']);
    expect(names(10)).toEqual(['compact']);
    expect(atRate([slow, fast], 10).at(-1)).toMatchObject({ keepsUp: true, demand: { framesPerSecond: 10 } });
    expect(atRate([slow], 25).at(-1)?.keepsUp).toBe(false);
  });

  it('changes only the streams that leave the choice open', () => {
    const streams = [{ modelDir: 'auto' }, { modelDir: '/mine' }, { modelDir: null }] as StreamConfig[];
    expect(withEdition(streams, [slow, fast]).map(({ modelDir }) => modelDir)).toEqual([
      '/m/fast',
      '/mine',
      null,
    ]);
    expect(withEdition(streams, []).map(({ modelDir }) => modelDir)).toEqual([null, '/mine', null]);
  });

  it('judges one more room by what was measured, and takes fewer threads for slower', () => {
    const measured = { ...fast, frameMs: 10, demand: { ...oneStream, cores: 8, threads: 4 } };
    const [first] = editionForAnother([measured], { streams: 2, analysed: 2, threads: 2 });
    expect(first).toMatchObject({ name: 'compact-fast', frameMs: 20, keepsUp: true });
    expect(first?.demand).toMatchObject({ streams: 2, analysed: 2, threads: 2 });
  });

  it('takes a faster edition for one more room where the measured one would not keep up, and says that it was not measured', () => {
    const judged = editionForAnother([{ ...slow, keepsUp: true }], { streams: 3, analysed: 3, threads: 1 });
    expect(judged.map(({ name, frameMs }) => [name, frameMs === null])).toEqual([
      ['compact', false],
      ['compact-fast', true],
    ]);
    expect(editionWords(judged, 25)).toBe(
      'compact-fast: faster, not measured, per picture (compact: 117 ms, too slow for 25 per second here); outlines will come at less than the full rate',
    );
  });

  it('stays with the fastest edition where none is faster', () => {
    const light = { ...slow, name: 'compact-light' };
    expect(editionForAnother([light], { streams: 9, analysed: 9, threads: 1 }).at(-1)?.name).toBe(
      'compact-light',
    );
    expect(editionForAnother([], { streams: 1, analysed: 1, threads: 1 })).toEqual([]);
  });
});
