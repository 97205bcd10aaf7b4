/** docs/dicom.md names every attribute, class and code that is written, and no other. */
import { uncalibrated } from '../../src/vocabulary/calibration.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { captureHeader } from '../../src/dicom/write/capture.js';
import type { WrittenRun } from '../../src/dicom/write/modules.js';
import { heartConcepts, reportEnd, reportHeader } from '../../src/dicom/write/report.js';
import { segmentationHeader } from '../../src/dicom/write/segmentation.js';
import { codingOf } from '../../src/dicom/pixels/coding.js';
import { packageRoot } from '../../src/node/built-module.js';

/** The part of dcmjs that is used here; it has no types of its own. */
interface Dcmjs {
  readonly data: {
    readonly DicomMessage: {
      readFile(file: ArrayBufferLike): {
        readonly dict: Readonly<Record<string, unknown>>;
        readonly meta: Readonly<Record<string, { readonly Value: readonly string[] }>>;
      };
    };
    readonly DicomMetaDictionary: { naturalizeDataset(dict: unknown): object };
  };
}
const dcmjsName = 'dcmjs';
const { default: dcmjs } = (await import(dcmjsName)) as { default: Dcmjs };

const page = readFileSync(join(packageRoot, 'docs/dicom.md'), 'utf8');

const run: WrittenRun = {
  clip: 'clip',
  source: { size: { width: 8, height: 8 }, calibration: uncalibrated },
  objects: [{ id: 1, label: 'polyp' }],
  software: { version: '1', model: 'm', modelSha256: 'ab' },
  ...{ identity: 'a', inputIdentity: 'b', segmentation: 'automatic', sourceModifiedUnixMs: 1 },
  loss: { ratios: ['2'], methods: ['ISO_10918_1'] },
  dicom: {
    ...{ sopClassUid: '1.2', sopInstanceUid: '1.3', seriesInstanceUid: '1.4', studyInstanceUid: '1.5' },
    attributes: {
      TimezoneOffsetFromUTC: '+0100',
      StudyDescription: 'x',
      IssuerOfPatientID: 'x',
      PatientAge: '042Y',
      PatientIdentityRemoved: 'YES',
      DeidentificationMethod: 'x',
    },
  },
};
const capture = (timesNs: readonly number[]): Buffer =>
  captureHeader(run, { width: 8, height: 8, timesNs, compressedBytes: 9 });
const written: Readonly<Record<string, readonly Buffer[]>> = {
  SEG: [segmentationHeader(run, { frames: 1, overlap: false, spacingMm: null })],
  SR: [Buffer.concat([reportHeader(run, []), reportEnd])],
  SC: [capture([0, 4e7]), capture([0, 4e7, 9e7])],
};

/** Keywords of the data set's own attributes, as dcmjs reads them. */
function keywords(file: Buffer): string[] {
  const { buffer, byteOffset, byteLength } = file;
  const { dict } = dcmjs.data.DicomMessage.readFile(buffer.slice(byteOffset, byteOffset + byteLength));
  return Object.keys(dcmjs.data.DicomMetaDictionary.naturalizeDataset(dict)).filter(
    (name) => !name.startsWith('_'),
  );
}

describe('docs/dicom.md', () => {
  it.each(Object.entries(written))('lists the attributes of %s', (kind, files) => {
    const listed = [...page.matchAll(/^\| (\w+) \| ((?:SEG|SR|SC)(?:, (?:SR|SC))*) \| [^|]+ \|$/gm)]
      .filter(([, , kinds]) => kinds?.split(', ').includes(kind))
      .map(([, keyword]) => keyword);
    expect(listed.length).toBeGreaterThan(30);
    expect(listed.toSorted()).toEqual([...new Set(files.flatMap(keywords))].sort());
  });

  it('lists classes and syntaxes', () => {
    for (const [file] of Object.values(written)) {
      const { buffer, byteOffset, byteLength } = file as Buffer;
      const { meta } = dcmjs.data.DicomMessage.readFile(buffer.slice(byteOffset, byteOffset + byteLength));
      for (const tag of ['00020002', '00020010']) expect(page).toContain(`\`${meta[tag]?.Value[0]}\``);
    }
  });

  it('lists the codes of what is measured on a heart', () => {
    const listed = [...page.matchAll(/^\| [^|]+ \| ([\d-]+), (LN|SCT) \|/gm)].map(([, value, scheme]) => [
      value,
      scheme,
    ]);
    expect(listed).toEqual(Object.values(heartConcepts).map(({ value, scheme }) => [value, scheme]));
  });
});

describe('what is read', () => {
  const read = page.slice(page.indexOf('## What is read'), page.indexOf('## What is written'));
  const listed = [...read.matchAll(/^\| .* \| (`1\.2\.840\.10008\.1\.2.*`) \|$/gm)].flatMap(([, uids = '']) =>
    uids.split(', ').map((uid) => uid.replaceAll('`', '')),
  );
  /** Every UID that the standard has room for in this part. */
  const possible = [
    '1.2.840.10008.1.2',
    ...['1', '1.98', '1.99', '2', '5', '6.1', '8.1', '9'].map((end) => `1.2.840.10008.1.2.${end}`),
    ...Array.from({ length: 300 }, (_, index) => `1.2.840.10008.1.2.4.${index}`),
    ...Array.from({ length: 300 }, (_, index) => `1.2.840.10008.1.2.4.${index}.1`),
  ];

  it('is what there is a decoder for', () => {
    const decoded = possible.filter((uid) => codingOf(uid) !== null);
    expect([...listed].sort()).toEqual(decoded.sort());
  });
});
