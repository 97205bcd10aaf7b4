/** The exports of a recording: each can be fetched, and stored in the DICOM archive that the recording came from, or in one that the operator named. */
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import { h } from '../app/dom.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { toast } from '../app/toast.js';
import { bytesText } from '../core/system-words.js';
import { t } from '../core/texts.js';
import { exportAddress } from './api.js';

interface ExportList {
  readonly element: HTMLElement;
  show(project: ProjectState): void;
}

/** @param onProblem hears why something could not be stored */
export function exportList(worker: PaintingWorker, onProblem: (problem: unknown) => void): ExportList {
  const element = h('ul', { class: 'project-exports', 'aria-label': t('Exports') });
  /** What is on its way: the rows are made anew whenever something changes. */
  const storing = new Set<string>();
  let archives: readonly string[] = [];
  let shown: ProjectState | null = null;

  const store = (project: string, name: string, uri: string | null): void => {
    storing.add(name);
    draw();
    worker
      .call('archive.store', { project, name, uri })
      .then(({ stored, archive }) => {
        toast(
          'info',
          t('{n, plural, one {# file is} other {# files are}} in the archive at {archive}', {
            ...{ n: stored, archive },
          }),
        );
      }, onProblem)
      .finally(() => {
        storing.delete(name);
        draw();
      });
  };
  const draw = (): void => {
    if (shown === null) return;
    const { id, uri, exports } = shown;
    // Where the cine came from, before any other.
    const targets = /^(dicomweb|orthanc)/.test(uri) ? [null] : archives;
    element.replaceChildren(
      ...exports.map(({ name, formats, bytes }) => {
        const isDicom = formats.some((format) => format.startsWith('dicom'));
        return h(
          'li',
          {},
          h(
            'a',
            { href: exportAddress(id, name), download: '' },
            `${name}: ${formats.join(', ')}${bytes === null ? '' : ` (${bytesText(bytes)})`}`,
          ),
          ...(isDicom ? targets : []).map((target) =>
            h(
              'button',
              {
                type: 'button',
                class: 'button',
                disabled: storing.has(name),
                onclick: () => store(id, name, target),
              },
              storing.has(name)
                ? t('Storing …')
                : target === null
                  ? t('Store in archive')
                  : t('Store in {target}', { target }),
            ),
          ),
        );
      }),
    );
  };
  worker.call('archive.list', {}).then(
    (found) => {
      ({ archives } = found);
      draw();
    },
    // Who may not store is not offered it.
    () => undefined,
  );
  return {
    element,
    show: (project) => {
      shown = project;
      draw();
    },
  };
}
