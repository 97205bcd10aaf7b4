/**
 * The export of a recording, from the choice of formats to the files: what each format is for, how far it is, and the result with its size,
 * its link and its folder on the server. What goes wrong stays in the dialog.
 */
import { exportFormats, type ExportFormat } from '../../../src/vocabulary/export-format.js';
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import { problemLine } from '../app/ask.js';
import { openDialog } from '../app/dialog.js';
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { bytesText } from '../core/system-words.js';
import { exportAddress, sentence, watchProjects } from './api.js';

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

/** Who opens such a file, and with what. */
const formatUses: Readonly<Record<ExportFormat, string>> = {
  png: 'To look at, or to edit in any picture program',
  csv: 'For Excel, R and Python: areas, sizes and confidence',
  coco: 'To train and compare networks',
  mp4: 'For talks and teaching; plays everywhere',
  mcap: 'To measure again, or to play in sonoscope',
  echo: 'For statistics of ejection fraction and volumes',
  nifti: 'For volume programs of research',
  'dicom-seg': 'For the picture archive of the hospital',
  'dicom-sr': 'For the archive: measurements that other programs read',
  'dicom-sc': 'For any viewer of the hospital, also an old one',
  'png-indexed': 'For tools that read one label picture per frame',
  davis: 'To compare trackers with the DAVIS programs',
};

type Made = ProjectState['exports'][number];

/** Where an export lies and how large it is. */
function madeLine(project: string, { name, bytes, folder }: Made): HTMLElement {
  return h(
    'div',
    { class: 'export-made' },
    h(
      'p',
      { class: 'field-found', role: 'status' },
      icon('tracking'),
      h('span', {}, bytes === null ? `${name} is ready.` : `${name} is ready: ${bytesText(bytes)}.`),
    ),
    h('p', { class: 'hint' }, 'Folder on the server: ', h('code', {}, folder)),
    h(
      'a',
      { class: 'button primary', href: exportAddress(project, name), download: '' },
      icon('save'),
      'Download',
    ),
  );
}

export function openExport(worker: PaintingWorker, project: ProjectState): void {
  const { id } = project;
  const before = new Set(project.exports.map(({ name }) => name));
  const boxes = exportFormats.map((format) => {
    const box = h('input', {
      type: 'checkbox',
      value: format,
      id: `format-${format}`,
      checked: format === 'png' || format === 'csv',
    });
    return { format, box };
  });
  const chosen = (): ExportFormat[] => boxes.filter(({ box }) => box.checked).map(({ format }) => format);
  const submit = h('button', { class: 'button primary', type: 'submit' }, 'Export');
  const problem = problemLine();
  const bar = h('progress', { max: 1, value: 0, 'aria-label': 'Written' });
  const words = h('span', { class: 'muted', role: 'status' });
  const stop = h('button', { type: 'button', class: 'button quiet' }, 'Cancel');
  const working = h('div', { class: 'upload', hidden: true }, bar, words, stop);
  const result = h('div', {});
  const form = h(
    'form',
    { class: 'field' },
    ...boxes.map(({ box, format }) =>
      h(
        'label',
        { class: 'export-format', for: box.id },
        box,
        h('span', {}, formatWords[format], h('small', {}, formatUses[format])),
        h('span', { class: 'muted' }, format),
      ),
    ),
    problem.element,
    working,
    result,
    h('div', { class: 'actions' }, submit),
  );
  /** The export of this dialog runs: what the project says of a run is of this one. */
  let begun = false;
  const busy = (on: boolean): void => {
    begun &&= on;
    working.hidden = !on;
    for (const { box } of boxes) box.disabled = on;
    submit.disabled = on || chosen().length === 0;
  };
  const show = (state: ProjectState): void => {
    if (!begun) return;
    const made = state.exports.find(({ name }) => !before.has(name));
    const { run } = state;
    if (made) {
      busy(false);
      for (const { name } of state.exports) before.add(name);
      result.replaceChildren(madeLine(id, made));
      result.querySelector('a')?.focus();
    } else if (run.phase === 'failed') {
      busy(false);
      problem.say(run.message);
    } else if (run.phase === 'idle') busy(false);
    else {
      const { progress } = run;
      const total = progress?.totalFrames ?? 0;
      if (progress === null || total === 0) bar.removeAttribute('value');
      else bar.value = progress.frames / total;
      setText(
        words,
        progress === null
          ? 'Beginning …'
          : total === 0
            ? `${progress.frames} pictures`
            : `${progress.frames} of ${total} pictures`,
      );
    }
  };
  form.addEventListener('change', () => (submit.disabled = chosen().length === 0));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    problem.say('');
    result.replaceChildren();
    setText(words, 'Beginning …');
    busy(true);
    worker.call('projects.export', { project: id, formats: chosen() }).then(
      (state) => {
        begun = true;
        show(state);
      },
      (error: unknown) => {
        busy(false);
        problem.say(sentence(error));
      },
    );
  });
  stop.addEventListener('click', () => {
    worker.call('projects.cancel', { project: id }).then(
      () => busy(false),
      (error: unknown) => problem.say(sentence(error)),
    );
  });
  const unwatch = watchProjects(worker, ({ id: changed, state }) => {
    if (changed === id && state !== null) show(state);
  });
  openDialog('Export', [form], { onclose: unwatch });
}
