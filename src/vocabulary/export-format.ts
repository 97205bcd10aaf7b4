/** Formats in which tracked masks can be written, those that most people want first: the order of every list that shows them. */
export const exportFormats = [
  'png',
  'csv',
  'coco',
  'mp4',
  'mcap',
  'echo',
  'nifti',
  'dicom-seg',
  'dicom-sr',
  'dicom-sc',
  'png-indexed',
  'davis',
] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** A report names the segments of the run's segmentation as its regions: one without the other would point at nothing. */
export function withCompanions(formats: readonly ExportFormat[]): readonly ExportFormat[] {
  return formats.includes('dicom-sr') && !formats.includes('dicom-seg') ? [...formats, 'dicom-seg'] : formats;
}
