/** Whether an object has frames that a reference can name by number (PS3.3 table 10-3: only where the class has several). Pure. */
import type { DicomReference } from '../reference.js';

/** Storage classes of several frames, behind 1.2.840.10008.5.1.4.1.1. (PS3.4 table B.5-1). */
const classes = new Set([
  ...['3', '3.1', '6.2', '6.3', '20'],
  ...['7.1', '7.2', '7.3', '7.4'],
  ...['2.1', '2.2', '4.1', '4.3', '4.4', '128.1', '130', '131'],
  ...['12.1', '12.1.1', '12.2', '12.2.1', '13.1.1', '13.1.2', '13.1.3', '13.1.4', '13.1.5', '14.1', '14.2'],
  ...['77.1.1.1', '77.1.2.1', '77.1.4.1', '77.1.5.3', '77.1.5.4', '77.1.6'],
  ...['30', '66.4', '66.7'],
]);
const prefix = '1.2.840.10008.5.1.4.1.1.';

export function isMultiFrame({
  sopClassUid,
  attributes,
}: Pick<DicomReference, 'sopClassUid' | 'attributes'>): boolean {
  return (
    (sopClassUid.startsWith(prefix) && classes.has(sopClassUid.slice(prefix.length))) ||
    Number(attributes['NumberOfFrames'] ?? 1) > 1
  );
}
