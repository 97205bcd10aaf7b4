import { describe, expect, it } from 'vitest';
import { byNearness, nearnessOf } from './partners.js';

const at = (uri: string, stream: string | null = null) => ({ uri, stream });
const near = (one: string, other: string) => nearnessOf(at(one), at(other));

describe('the other view of a heart', () => {
  it('has a name that differs in the view alone, which then says the view', () => {
    expect(near('/data/case 7_A4C.mp4', '/data/case 7_A2C.mp4')).toEqual({ near: 'name', view: 'a4c' });
    expect(near('/data/p1_2ch.dcm', '/data/p1_4CH.dcm')).toEqual({ near: 'name', view: 'a2c' });
    // The same view, another patient, another folder.
    expect(near('/data/p1_4ch.dcm', '/data/p1_4CH.dcm').near).toBe('folder');
    expect(near('/data/p1_4ch.dcm', '/data/p2_2ch.dcm').near).toBe('folder');
    expect(near('/one/p1_4ch.dcm', '/two/p1_2ch.dcm')).toEqual({ near: 'none', view: null });
  });

  it('lies in the study of an archive, or in the folder', () => {
    const instance = (study: string, id: string) =>
      `dicomweb://pacs.example/dicom-web/studies/${study}/series/1.2/instances/${id}`;
    expect(near(instance('1.9', '1'), instance('1.9', '2'))).toEqual({ near: 'study', view: null });
    expect(near(instance('1.9', '1'), instance('1.8', '1')).near).toBe('none');
    expect(near('/data/a.mp4', '/data/b.mp4').near).toBe('folder');
  });

  it('stands nearest first, and otherwise as it came', () => {
    const partners = (['none', 'folder', 'name', 'folder', 'study'] as const).map((one, index) => ({
      ...{ near: one, index },
    }));
    expect(byNearness(partners).map(({ index }) => index)).toEqual([2, 4, 1, 3, 0]);
  });
});
