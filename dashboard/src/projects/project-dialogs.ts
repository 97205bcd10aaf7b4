/** What a project asks in a dialog: the formats of an export. */
import { exportFormats } from '../../../src/vocabulary/export-format.js';
import type { ExportFormat } from '../../../src/vocabulary/export-format.js';
import { openDialog } from '../app/dialog.js';
import { h } from '../app/dom.js';

function ask(
  title: string,
  action: string,
  fields: readonly HTMLElement[],
  onAnswer: () => void,
  isAnswer: () => boolean = () => true,
): void {
  const submit = h('button', { class: 'button primary', type: 'submit' }, action);
  const form = h('form', { class: 'field' }, ...fields, submit);
  form.addEventListener('change', () => (submit.disabled = !isAnswer()));
  const close = openDialog(title, [form]);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    close();
    onAnswer();
  });
}

/** What each format is for whoever has never heard its name. */
const formatWords: Readonly<Record<ExportFormat, string>> = {
  png: 'Masks, one picture per object and frame',
  csv: 'Table of all frames and objects',
  coco: 'Masks as COCO annotations',
  mp4: 'Video with the outlines',
  mcap: 'Recording, for replay and Foxglove',
  echo: 'Heart beats and volume curve',
  nifti: 'Label volume, for 3D Slicer and ITK-SNAP',
  'dicom-seg': 'DICOM segmentation',
  'dicom-sr': 'DICOM structured report, with the segmentation',
  'dicom-sc': 'DICOM secondary capture, the pictures with the outlines',
  'png-indexed': 'Masks, one picture per frame',
  davis: 'Folder as of the DAVIS data set',
};

export function askFormats(onFormats: (formats: ExportFormat[]) => void): void {
  const boxes = exportFormats.map((format) => {
    const box = h('input', {
      type: 'checkbox',
      value: format,
      id: `format-${format}`,
      checked: format === 'png' || format === 'csv',
    });
    return { format, box };
  });
  const labels = boxes.map(({ box, format }) =>
    h(
      'label',
      { class: 'export-format', for: box.id },
      box,
      h('span', {}, formatWords[format]),
      h('span', { class: 'muted' }, format),
    ),
  );
  const chosen = (): ExportFormat[] => boxes.filter(({ box }) => box.checked).map(({ format }) => format);
  ask(
    'Export',
    'Export',
    labels,
    () => onFormats(chosen()),
    () => chosen().length > 0,
  );
}
