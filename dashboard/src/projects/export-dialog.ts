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
import { msg, say, t } from '../core/texts.js';
import type { Text } from '../core/texts.js';
import { exportAddress, sentence, watchProjects } from './api.js';

/** What each format is for whoever has never heard its name. */
const formatWords: Readonly<Record<ExportFormat, Text>> = {
  png: msg('Masks, one picture per object and frame'),
  csv: msg('Table of all frames and objects'),
  coco: msg('Masks as COCO annotations'),
  mp4: msg('Video with the outlines'),
  mcap: msg('Recording, for replay and Foxglove'),
  echo: msg('Heart beats and volume curve'),
  nifti: msg('Label volume, for 3D Slicer and ITK-SNAP'),
  'dicom-seg': msg('DICOM segmentation'),
  'dicom-sr': msg('DICOM structured report, with the segmentation'),
  'dicom-sc': msg('DICOM secondary capture, the pictures with the outlines'),
  'png-indexed': msg('Masks, one picture per frame'),
  davis: msg('Folder as of the DAVIS data set'),
};

/** Who opens such a file, and with what. */
const formatUses: Readonly<Record<ExportFormat, Text>> = {
  png: msg('To look at, or to edit in any picture program'),
  csv: msg('For Excel, R and Python: areas, sizes and confidence'),
  coco: msg('To train and compare networks'),
  mp4: msg('For talks and teaching; plays everywhere'),
  mcap: msg('To measure again, or to play in sonoscope'),
  echo: msg('For statistics of ejection fraction and volumes'),
  nifti: msg('For volume programs of research'),
  'dicom-seg': msg('For the picture archive of the hospital'),
  'dicom-sr': msg('For the archive: measurements that other programs read'),
  'dicom-sc': msg('For any viewer of the hospital, also an old one'),
  'png-indexed': msg('For tools that read one label picture per frame'),
  davis: msg('To compare trackers with the DAVIS programs'),
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
      h(
        'span',
        {},
        bytes === null
          ? t('{name} is ready.', { name })
          : t('{name} is ready: {size}.', { name, size: bytesText(bytes) }),
      ),
    ),
    h('p', { class: 'hint' }, t('Folder on the server:'), ' ', h('code', {}, folder)),
    h(
      'a',
      { class: 'button primary', href: exportAddress(project, name), download: '' },
      icon('save'),
      t('Download'),
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
  const submit = h('button', { class: 'button primary', type: 'submit' }, t('Export'));
  const problem = problemLine();
  const bar = h('progress', { max: 1, value: 0, 'aria-label': t('Written') });
  const words = h('span', { class: 'muted', role: 'status' });
  const stop = h('button', { type: 'button', class: 'button quiet' }, t('Cancel'));
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
        h('span', {}, say(formatWords[format]), h('small', {}, say(formatUses[format]))),
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
          ? t('Beginning …')
          : total === 0
            ? t('{frames} pictures', { frames: progress.frames })
            : t('{frames} of {total} pictures', { frames: progress.frames, total }),
      );
    }
  };
  form.addEventListener('change', () => (submit.disabled = chosen().length === 0));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    problem.say('');
    result.replaceChildren();
    setText(words, t('Beginning …'));
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
  openDialog(t('Export'), [form], { onclose: unwatch });
}
