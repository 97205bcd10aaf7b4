/** All codes by which a source can fail, those of the rooms that read for this one included. Pure; used by parent and child process. */
import { dicomError } from '../dicom/errors.js';
import { errorFactory } from '../vocabulary/errors.js';
import { ingestError } from './errors.js';

/** Makes an error of any of these codes, as when it comes from another process as text. */
export const sourceError = errorFactory({ ...dicomError.table, ...ingestError.table });

export type SourceCode = keyof typeof sourceError.table;

export function isSourceCode(code: string): code is SourceCode {
  return Object.hasOwn(sourceError.table, code);
}
