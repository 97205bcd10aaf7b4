/** What can be asked about DICOM archives: which there are, who and what is in them, and storing results there. Pure; shared with the browser. */
import { z } from 'zod';
import type { OperationShape } from './operation.js';
import { uri } from './requests.js';

const text = z.string().trim().max(200).default('');
const date = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/, 'must be a day as YYYY-MM-DD')
  .nullable()
  .default(null);
const archive = uri.meta({
  description: 'address of the archive: dicomweb://host/root or orthanc://host',
  examples: ['orthanc://127.0.0.1'],
});
const count = z.number().nullable().describe('null: the archive does not say');

const studySchema = z.object({
  study: z.string().describe('Study Instance UID'),
  patientName: z.string(),
  patientId: z.string(),
  date: z.string().describe('YYYY-MM-DD'),
  description: z.string(),
  modalities: z.array(z.string()),
  objects: count,
});

const cineSchema = z.object({
  uri: z.string().describe('to be opened with "source.open" or "projects.open"'),
  modality: z.string(),
  seriesDescription: z.string(),
  seriesNumber: count,
  number: count,
  frames: count,
  width: count,
  height: count,
});

export const archiveOperations = {
  'archive.list': {
    method: 'GET',
    path: '/archives',
    summary: 'DICOM archives that the operator named',
    needs: 'manage',
    request: z.object({}),
    response: z.object({ archives: z.array(z.string()) }),
  },
  'archive.studies': {
    // Not GET: names of patients do not belong into addresses, which logs of others keep.
    method: 'POST',
    path: '/archives/studies',
    summary: 'Search an archive for studies; up to a hundred, sorted with the newest first',
    needs: 'manage',
    request: z
      .object({
        uri: archive,
        patientName: text.describe('any part, in any order of small and capital letters'),
        patientId: text,
        from: date,
        to: date,
        description: text.describe('any part'),
        modality: z
          .string()
          .regex(/^[A-Z]{1,16}$/)
          .nullable()
          .default(null)
          .describe('such as US; null: any'),
      })
      .strict(),
    response: z.object({
      studies: z.array(studySchema),
      more: z.boolean().describe('there are more than are listed'),
    }),
  },
  'archive.cines': {
    method: 'POST',
    path: '/archives/cines',
    summary: 'The cines of a study; what has one picture or none is counted',
    needs: 'manage',
    request: z
      .object({
        uri: archive,
        study: z
          .string()
          .regex(/^[0-9.]{1,64}$/, 'must be a DICOM identifier')
          .meta({ examples: ['1.2.826.0.1.3680043'] }),
      })
      .strict(),
    response: z.object({ cines: z.array(cineSchema), others: z.number() }),
  },
  'archive.store': {
    method: 'POST',
    path: '/archives/store',
    summary: 'Store the DICOM files of an export in an archive',
    needs: 'manage',
    request: z
      .object({
        uri: archive.nullable().default(null).describe('null: where the cine came from'),
        project: z
          .string()
          .regex(/^[a-z0-9-]{1,80}$/)
          .meta({ examples: ['case-1'] }),
        name: z
          .string()
          .regex(/^export-\d{1,6}$/)
          .meta({ examples: ['export-1'] }),
      })
      .strict(),
    response: z.object({ stored: z.number().describe('files'), archive: z.string() }),
  },
} as const satisfies Record<string, OperationShape>;
