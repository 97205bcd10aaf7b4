/** What a project asks in a dialog: the new name of an object, the formats of an export. */
import { exportFormats } from '../../../src/vocabulary/export-format.js';
import type { ExportFormat } from '../../../src/vocabulary/export-format.js';
import { limits } from '../../../src/protocol/requests.js';
import { openDialog } from '../app/dialog.js';
import { h } from '../app/dom.js';

function ask(title: string, action: string, fields: readonly HTMLElement[], onAnswer: () => void): void {
  const form = h(
    'form',
    { class: 'field' },
    ...fields,
    h('button', { class: 'button primary', type: 'submit' }, action),
  );
  const close = openDialog(title, [form]);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    close();
    onAnswer();
  });
}

export function askName(label: string, onName: (name: string) => void): void {
  const field = h('input', {
    type: 'text',
    value: label,
    maxlength: limits.labelCharacters,
    'aria-label': 'Name',
  });
  ask('Rename', 'Rename', [field], () => onName(field.value));
  field.select();
}

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
    h('label', { class: 'export-format', for: box.id }, box, format),
  );
  ask('Export', 'Export', labels, () =>
    onFormats(boxes.filter(({ box }) => box.checked).map(({ format }) => format)),
  );
}
