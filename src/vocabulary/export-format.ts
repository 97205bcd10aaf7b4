/** Formats in which tracked masks can be written, those that most people want first: the order of every list that shows them. */
export const exportFormats = [
  'png',
  'csv',
  'coco',
  'mp4',
  'mcap',
  'nifti',
  'dicom-seg',
  'png-indexed',
  'davis',
] as const;
export type ExportFormat = (typeof exportFormats)[number];
