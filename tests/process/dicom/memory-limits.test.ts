/** What a header or a compressed block claims is not believed: no file takes more memory than it is given. */
import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readNifti } from '../../../src/formats/nifti-reader.js';
import { memorySource } from '../../../src/dicom/byte-source.js';
import { openCine, type DicomCine } from '../../../src/dicom/cine.js';
import { checkFileBytes, checkPictureSize, mostFileBytes } from '../../../src/dicom/memory-limits.js';
import { parseSourceUri } from '../../../src/ingest/index.js';
import { dicomFile, explicitLittleEndian, native, picture } from './fixture.js';

const refused = (code: string) => expect.objectContaining({ code }) as Error;
const mebibyte = 1024 * 1024;
const open = (bytes: Uint8Array, mostBytes?: number): Promise<DicomCine> =>
  openCine(memorySource(bytes), 'a.dcm', mostBytes);

describe('a DICOM file', () => {
  it('whose deflated part unpacks to more than is given is refused before it is unpacked', async () => {
    const deflated = '1.2.840.10008.1.2.1.99';
    const whole = dicomFile(deflated, picture(16, 16, 'MONOCHROME2'), native(new Uint8Array(256)));
    // Preamble, DICM, and the group that says how the rest is packed: it tells its own length.
    const packedFrom = 128 + 4 + 12 + whole.readUInt32LE(128 + 4 + 8);
    const file = (rest: Buffer): Buffer =>
      Buffer.concat([whole.subarray(0, packedFrom), deflateRawSync(rest)]);
    const small = file(whole.subarray(packedFrom));
    expect((await open(small, mebibyte)).pixels.size).toEqual({ width: 16, height: 16 });
    const bomb = file(Buffer.concat([whole.subarray(packedFrom), Buffer.alloc(16 * mebibyte)]));
    expect(bomb.length).toBeLessThan(64 * 1024);
    await expect(open(bomb, mebibyte)).rejects.toThrow(refused('SONO_SOURCE_MEMORY'));
    await expect(open(small.subarray(0, small.length - 20), mebibyte)).rejects.toThrow(
      refused('SONO_DICOM_DAMAGED'),
    );
  });

  it('that claims a huge picture is refused by its header', async () => {
    const file = dicomFile(explicitLittleEndian, picture(16_000, 16_000, 'RGB'), native(new Uint8Array(64)));
    await expect(open(file)).rejects.toThrow(refused('SONO_SOURCE_MEMORY'));
  });
});

describe('sizes', () => {
  it('of pictures and files have a limit', () => {
    expect(() => checkPictureSize('a', { width: 8192, height: 8192 })).not.toThrow();
    expect(() => checkPictureSize('a', { width: 8193, height: 8192 })).toThrow(refused('SONO_SOURCE_MEMORY'));
    expect(() => checkPictureSize('a', { width: 16_385, height: 1 })).toThrow(refused('SONO_SOURCE_SIZE'));
    expect(() => checkPictureSize('a', { width: 0, height: 1 })).toThrow(refused('SONO_SOURCE_SIZE'));
    expect(() => checkFileBytes('a', mostFileBytes)).not.toThrow();
    expect(() => checkFileBytes('a', mostFileBytes + 1)).toThrow(refused('SONO_SOURCE_MEMORY'));
  });

  it('of computed scenes too', () => {
    expect(parseSourceUri('synthetic:counter?width=3840&height=2160')).toMatchObject({ width: 3840 });
    expect(parseSourceUri('synthetic:counter?width=8192&height=64')).toMatchObject({ width: 8192 });
    for (const size of ['width=8192', 'width=3840'])
      expect(() => parseSourceUri(`synthetic:laparoscopy?${size}&height=2161`)).toThrow(
        refused('SONO_SOURCE_URI'),
      );
  });
});

describe('a compressed volume', () => {
  it('that unpacks to more than is given is refused', () => {
    const bomb = gzipSync(Buffer.alloc(16 * mebibyte));
    expect(() => readNifti(bomb, mebibyte)).toThrow(/damaged|large/);
  });
});
