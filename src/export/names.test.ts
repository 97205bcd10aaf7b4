/** Labels are texts of strangers: what becomes of them in file names and in tables. */
import { uncalibrated } from '../vocabulary/calibration.js';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvRecords } from '../formats/csv-table.js';
import { maskFromBitmap } from '../mask/rle.js';
import { CsvExporter } from './csv-exporter.js';
import { safeName, uniqueNames } from './exporter.js';

describe('file names', () => {
  it.each([
    ['../../etc/passwd', '_.._etc_passwd'],
    ['a\\b', 'a_b'],
    ['a\u0000b\nc', 'a_b_c'],
    ['CON', '_CON'],
    ['nul.txt', '_nul.txt'],
    ['lpt1', '_lpt1'],
    ['console', 'console'],
    ['name. ', 'name'],
    [`${'a'.repeat(99)}. b`, 'a'.repeat(99)],
    ['', '_'],
  ])('%j becomes %j', (label, name) => {
    expect(safeName(label)).toBe(name);
  });

  it('fit every file system, whatever is typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (label) => {
        const name = safeName(label);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(201);
        expect(name).not.toMatch(/[/\\\u0000-\u001f<>:"|?*]|^\.|[. ]$|^$/u);
        expect(Buffer.from(name).toString()).toBe(name);
      }),
    );
    expect(Buffer.byteLength(safeName('\u{20000}'.repeat(100)))).toBeLessThanOrEqual(200);
  });

  it('of objects never meet the files beside them', () => {
    const labels = [
      'objects.csv',
      'COCO.json',
      'labels.nii.gz',
      'overlay.mp4',
      'clip.mcap',
      'x.partial',
      'plain',
    ];
    const names = [...uniqueNames(labels.map((label, index) => ({ id: index + 1, label }))).values()];
    expect(names).toEqual([
      ...[
        'objects.csv-1',
        'COCO.json-2',
        'labels.nii.gz-3',
        'overlay.mp4-4',
        'clip.mcap-5',
        'x.partial-6',
        'plain',
      ],
    ]);
  });
});

describe('tables', () => {
  it.each([
    ['=HYPERLINK("http://evil.example";"x")', `'=HYPERLINK("http://evil.example";"x")`],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    [' =1+1', "' =1+1"],
    ['\uff1d1', "'\uff1d1"],
    ['left, "lower" lobe', 'left, "lower" lobe'],
    ['a\r\n=1', 'a\r\n=1'],
    ['grasper', 'grasper'],
  ])('the label %j stands in a CSV as the text %j', async (label, text) => {
    const directory = await mkdtemp(join(tmpdir(), 'sono-csv-'));
    try {
      const exporter = new CsvExporter();
      const mask = maskFromBitmap(new Uint8Array(16), 4, 4);
      await exporter.open(
        {
          directory,
          clip: 'clip',
          sourceUri: 'clip.mp4',
          source: {
            size: { width: 4, height: 4 },
            framesPerSecond: 25,
            calibration: uncalibrated,
            frameCount: 1,
            description: '',
          },
          objects: [{ id: 1, label }],
          software: { version: '0', model: 'm', modelSha256: '0' },
          identity: '0',
          inputIdentity: '',
          segmentation: 'semiautomatic' as const,
          sourceModifiedUnixMs: 0,
          dicom: null,
          loss: null,
          view: 'a4c',
          chunkFrames: 1,
        },
        null,
      );
      const object = { id: 1, state: 'lost', score: 0, confidence: 0, mask } as const;
      await exporter.frame({
        sourceFrame: 0,
        ptsNs: 0,
        mediaNs: 0,
        objects: [object],
        picture: null,
        measurements: [],
      });
      const [file = ''] = await exporter.close();
      const content = await readFile(file, 'utf8');
      expect(csvRecords(content)).toMatchObject([{ frame: '0', label: text, state: 'lost' }]);
      // Also where a semicolon divides fields.
      if (label.includes(';')) expect(content).toContain(`"${text.replaceAll('"', '""')}"`);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
