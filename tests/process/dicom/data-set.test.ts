/** Data sets in every form that files have: encodings, sequences, character sets, and what lies in front of the pixel data. */
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { memorySource, type ByteSource } from '../../../src/dicom/byte-source.js';
import { openCine } from '../../../src/dicom/cine.js';
import { looksLikeDicom, openDicom, type DicomFile } from '../../../src/dicom/data-set-file.js';
import { readStoredPixels } from '../../../src/dicom/image.js';
import {
  bigEndianElements,
  dicomFile,
  elements,
  explicitLittleEndian,
  implicitElements,
  native,
  openSequence,
  picture,
  sequence,
  type Fields,
} from './fixture.js';

const implicit = '1.2.840.10008.1.2';
const bigEndian = '1.2.840.10008.1.2.2';
const deflated = '1.2.840.10008.1.2.1.99';

const open = (bytes: Uint8Array): Promise<DicomFile> => openDicom(memorySource(bytes), 'x');
const header: Fields = {
  '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.3.1\0'],
  '00100010': ['PN', 'Test^Person '],
  ...picture(3, 2, 'MONOCHROME2', { '00280008': ['IS', '2 '] }),
};
const samples = Uint8Array.from({ length: 12 }, (_, i) => i + 1);
const whole = dicomFile(explicitLittleEndian, header, native(samples));
/** Length of preamble, letters and meta header. */
const metaEnd = (file: Buffer): number => 132 + 12 + file.readUInt32LE(140);
const set = whole.subarray(metaEnd(whole));
const implicitSet = implicitElements({ ...header, '7fe00010': ['OW', samples] });
const bigEndianSet = bigEndianElements({ ...header, '7fe00010': ['OB', samples] });
const meta = (syntax: string): Buffer => dicomFile(syntax, {}, null);

describe('a data set', () => {
  const forms: Readonly<Record<string, readonly [bytes: Uint8Array, syntax: string]>> = {
    explicit: [whole, explicitLittleEndian],
    implicit: [Buffer.concat([meta(implicit), implicitSet]), implicit],
    'big-endian': [Buffer.concat([meta(bigEndian), bigEndianSet]), bigEndian],
    deflated: [Buffer.concat([meta(deflated), deflateRawSync(set)]), explicitLittleEndian],
    'without preamble': [whole.subarray(132), explicitLittleEndian],
    'without meta header': [set, explicitLittleEndian],
    'without meta header, implicit': [implicitSet, implicit],
    'without meta header, big-endian': [bigEndianSet, bigEndian],
    'with a preamble and no meta header': [
      Buffer.concat([whole.subarray(0, 132), set]),
      explicitLittleEndian,
    ],
    'without the length of its meta header': [
      Buffer.concat([whole.subarray(0, 132), whole.subarray(144)]),
      explicitLittleEndian,
    ],
    'that is implicit although it says explicit': [
      Buffer.concat([meta(explicitLittleEndian), implicitSet]),
      implicit,
    ],
    'that is explicit although it says implicit': [
      Buffer.concat([meta(implicit), set]),
      explicitLittleEndian,
    ],
    'with zeros behind it': [Buffer.concat([whole, Buffer.alloc(20_000)]), explicitLittleEndian],
  };
  it.each(Object.entries(forms))('%s is read', async (_, [bytes, syntax]) => {
    expect(looksLikeDicom(bytes.subarray(0, 132))).toBe(true);
    const cine = await openCine(memorySource(bytes), 'x');
    expect(cine.pixels).toMatchObject({ size: { width: 3, height: 2 }, transferSyntaxUid: syntax });
    expect(cine.set.text(0x00100010, 'PN')).toBe('Test^Person');
    expect([...(await cine.index.read(1))]).toEqual([7, 8, 9, 10, 11, 12]);
  });

  it.each([
    [
      'a text',
      Buffer.from('a text that is long enough to be looked at for some time, and no picture'.repeat(3)),
    ],
    ['a PNG', Buffer.from('89504e470d0a1a0a0000000d49484452'.padEnd(300, '0'), 'hex')],
    ['zeros', Buffer.alloc(200)],
    ['too short', Buffer.from([8, 0, 5, 0, 0x43, 0x53])],
  ])('is not seen in %s', (_, bytes) => {
    expect(looksLikeDicom(bytes)).toBe(false);
  });
});

describe('in front of the pixel data', () => {
  const withElements = (...more: readonly Buffer[]): Buffer =>
    Buffer.concat([whole.subarray(0, metaEnd(whole)), elements(header), ...more, native(samples)]);
  const region = { '00186012': ['US', 1], '0018602c': ['FD', 0.05] } as const;
  const delta = ({ set: read }: DicomFile): number | undefined =>
    read.item(0x00186011)?.number(0x0018602c, 'FD');

  it.each([
    ['SQ of known length', elements({ '00186011': ['SQ', sequence(region)] })],
    ['SQ of unknown length', openSequence('00186011', 'SQ', [elements(region)])],
    ['UN of known length', elements({ '00186011': ['UN', implicitItem(implicitElements(region))] })],
    ['UN of unknown length', openSequence('00186011', 'UN', [implicitElements(region)])],
    ['UN whose writer left the VRs', openSequence('00186011', 'UN', [elements(region)])],
  ])('a sequence in %s is looked into', async (_, bytes) => {
    const file = await open(withElements(bytes));
    expect(delta(file)).toBe(0.05);
    expect(file.pixels?.length).toBe(12);
  });

  it('bytes that look like the end of an item do not end it', async () => {
    const tricky = elements({ '00291010': ['OB', Uint8Array.of(0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0)], ...{} });
    const file = await open(
      withElements(openSequence('00186011', 'SQ', [Buffer.concat([elements(region), tricky])])),
    );
    expect(delta(file)).toBe(0.05);
  });

  it('numbers of 64 bits are read', async () => {
    const table = Buffer.alloc(16);
    table.writeBigUInt64LE(5_000_000_000n, 8);
    const file = await open(withElements(elements({ '7fe00001': ['OV', table] })));
    expect(file.set.numbers(0x7fe00001, 'OV')).toEqual([0, 5_000_000_000]);
    expect(file.pixels?.length).toBe(12);
  });

  it.each([1000, 4000])('sequences nested %i deep are passed', async (depth) => {
    let nested: Buffer = Buffer.alloc(0);
    for (let i = 0; i < depth; i += 1) nested = openSequence('0040a730', 'SQ', [nested]);
    expect((await open(withElements(nested))).pixels?.length).toBe(12);
  });

  it('sequences nested without an end are refused', async () => {
    const one = openSequence('0040a730', 'SQ', [Buffer.alloc(0)]).subarray(0, 20);
    const endless = Buffer.concat(Array.from({ length: 20_000 }, () => one));
    await expect(open(withElements(endless))).rejects.toMatchObject({ code: 'SONO_DICOM_DAMAGED' });
  });

  it('a picture of 4 GB costs its header only', async () => {
    const bytes = 4_294_000_000;
    const head = dicomFile(
      explicitLittleEndian,
      picture(1000, 1000, 'MONOCHROME2', { '00280008': ['IS', '4294'] }),
      native(new Uint8Array(0)),
    );
    head.writeUInt32LE(bytes, head.length - 4);
    let read = 0;
    const get = (at: number, length: number): Uint8Array => {
      const part = Buffer.alloc(Math.max(0, Math.min(length, head.length + bytes - at)));
      if (at < head.length) head.copy(part, 0, at);
      read += part.length;
      return part;
    };
    const source: ByteSource = {
      size: head.length + bytes,
      read: (at, length) => Promise.resolve(get(at, length)),
      fd: null,
      readNow: get,
      close: () => Promise.resolve(),
    };
    const cine = await openCine(source, 'x');
    expect(cine.index.frameCount).toBe(4294);
    expect(read).toBeLessThan(300_000);
    expect(await cine.index.read(4293)).toHaveLength(1_000_000);
  });

  it('values are kept to a limit, whatever their number', async () => {
    const megabytes = elements({ '00189999': ['UN', new Uint8Array(16 * 1024 * 1024)] });
    const many = Array.from({ length: 9 }, () => megabytes);
    await expect(open(withElements(...many))).rejects.toMatchObject({ code: 'SONO_SOURCE_MEMORY' });
    const isPrivate = elements({ '00299999': ['UN', new Uint8Array(16 * 1024 * 1024)] });
    expect((await open(withElements(...many.map(() => isPrivate)))).pixels?.length).toBe(12);
  });
});

describe('names', () => {
  it.each([
    ['ISO_IR 192', '4dc3bc6c6c65725e4ac3bc7267656e20', 'Müller^Jürgen'],
    ['ISO_IR 100', '4dfc6c6c65725e4afc7267656e20', 'Müller^Jürgen'],
    ['ISO_IR 144', 'b8d2d0ddded25eb8d2d0dd20', 'Иванов^Иван'],
    ['GB18030', 'cdf55ed0a1b6ab20', '王^小东'],
    [
      '\\ISO 2022 IR 87',
      '59616d6164615e5461726f753d1b24423b3345441b28425e1b244242404f3a1b28423d1b24422464245e24401b28425e1b2442243f246d24261b2842',
      'Yamada^Tarou=山田^太郎=やまだ^たろう',
    ],
    [
      '\\ISO 2022 IR 149',
      '486f6e675e47696c646f6e673d1b242943fbf35e1b242943d1ced4d73d1b242943c8ab5e1b242943b1e6b5bf',
      'Hong^Gildong=洪^吉洞=홍^길동',
    ],
    // The set that its escapes name is not in the list.
    ['ISO 2022 IR 6', '1b24423b3345441b2842', '山田'],
    // Names that are no names of the standard, and none at all.
    ['ISO-IR 192', '4dc3bc6c6c6572', 'Müller'],
    ['UTF-8', '4dc3bc6c6c6572', 'Müller'],
    ['', '4dc3bc6c6c6572', 'Müller'],
    ['', '4dfc6c6c6572', 'Müller'],
    ['nonsense', '4dfc6c6c6572', 'Müller'],
    ['ISO_IR 203', 'a4', '€'],
  ])('in %s are read', async (characterSet, bytes, name) => {
    const fields: Fields = {
      ...header,
      '00080005': ['CS', characterSet],
      '00100010': ['PN', Buffer.from(bytes, 'hex')],
    };
    const file = await open(dicomFile(explicitLittleEndian, fields, native(samples)));
    expect(file.set.text(0x00100010, 'PN')).toBe(name);
  });
});

describe('what is said of the samples', () => {
  it('tables keep their words whatever the byte order', async () => {
    const table = ['OW', Uint8Array.of(1, 2, 3, 4)] as const;
    const fields: Fields = picture(3, 2, 'PALETTE COLOR', {
      '00281101': ['US', [2, 0xfffe, 16]],
      '00281102': ['US', [2, 0xfffe, 16]],
      '00281103': ['US', [0, 0xfffe, 16]],
      '00281201': table,
      '00281202': table,
      '00281203': table,
      '00280103': ['US', 1],
    });
    const little = readStoredPixels(await open(dicomFile(explicitLittleEndian, fields, native(samples))));
    const big = readStoredPixels(
      await open(
        Buffer.concat([meta(bigEndian), bigEndianElements({ ...fields, '7fe00010': ['OB', samples] })]),
      ),
    );
    for (const { palette } of [little, big]) {
      expect(palette?.red).toMatchObject({ entries: 2, first: -2, bits: 16 });
      expect(palette?.blue.entries).toBe(65_536);
      expect([...(palette?.red.data ?? [])]).toEqual([1, 2, 3, 4]);
    }
  });

  it('windows, tables, extremes and aspect', async () => {
    const stored = async (more: Fields): Promise<ReturnType<typeof readStoredPixels>> =>
      readStoredPixels(
        await open(dicomFile(explicitLittleEndian, picture(3, 2, 'MONOCHROME2', more), native(samples))),
      );
    const lut = sequence({ '00283002': ['US', [4, 0, 8]], '00283006': ['OW', Uint8Array.of(0, 9, 8, 7)] });
    expect(
      await stored({
        '00280034': ['IS', '2\\1 '],
        '00280106': ['US', 3],
        '00280107': ['US', 200],
        '00281050': ['DS', '40\\50 '],
        '00281051': ['DS', '80\\90 '],
        '00281052': ['DS', '-1'],
        '00281056': ['CS', 'SIGMOID '],
      }),
    ).toMatchObject({
      pixelAspect: { vertical: 2, horizontal: 1 },
      extremes: { low: 3, high: 200 },
      voi: { center: 40, width: 80, function: 'SIGMOID' },
      modality: { slope: 1, intercept: -1 },
    });
    expect((await stored({ '00281050': ['DS', '40'], '00281051': ['DS', '0 '] })).voi).toBeNull();
    expect((await stored({ '00283010': ['SQ', lut] })).voi).toMatchObject({ lut: { entries: 4, bits: 8 } });
    expect((await stored({ '00283000': ['SQ', lut] })).modality).toMatchObject({ lut: { entries: 4 } });
  });
});

function implicitItem(content: Buffer): Buffer {
  const head = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content]);
}
