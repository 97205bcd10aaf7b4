/** Masks that were made elsewhere: chosen or dropped as files, sent one after the other, what became of them said in words. */
import { h } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { Disposer } from '../app/signal.js';
import { toast } from '../app/toast.js';
import { t } from '../core/texts.js';
import { importMasks, sentence } from './api.js';
import type { Imported } from './api.js';

interface ImportEvents {
  /** Picture that is shown: a single mask without a number in its name belongs there. */
  readonly frame: () => number;
  readonly onProject: (state: Imported['project']) => void;
}

const kinds = '.png,.json,.dcm,.dicom,.tar';

/** Button for the panel; files may also be dropped on `target`. */
export function maskImport(
  project: string,
  target: HTMLElement,
  events: ImportEvents,
  disposer: Disposer,
): HTMLButtonElement {
  const input = h('input', { type: 'file', accept: kinds, multiple: true, hidden: true });
  const button = h(
    'button',
    {
      ...{ type: 'button', class: 'button', onclick: () => input.click() },
      title: t('PNG, COCO or DICOM SEG, or an export of this program; files can also be dropped here'),
    },
    icon('save'),
    t('Import masks …'),
    input,
  );
  let busy = false;
  const take = async (files: readonly File[]): Promise<void> => {
    if (busy || files.length === 0) return;
    busy = true;
    button.disabled = true;
    let taken = 0;
    let left = 0;
    const labels = new Set<string>();
    const batch = crypto.getRandomValues(new Uint32Array(4)).join('-');
    const [first] = files;
    // A mask that says nothing of its picture is of the one that is shown.
    const here = files.length === 1 && first && /^\D+\.png$/i.test(first.name) ? events.frame() : undefined;
    try {
      for (const file of files) {
        const answer = await importMasks(project, file, { frame: here, label: undefined, batch });
        taken += answer.masks;
        for (const count of Object.values(answer.left)) left += count;
        for (const label of answer.labels) labels.add(label);
        events.onProject(answer.project);
      }
    } catch (error) {
      toast('error', sentence(error));
    }
    if (taken + left > 0)
      toast(
        left > 0 ? 'error' : 'info',
        `${t('{n, plural, one {# mask} other {# masks}} taken for {names}.', { n: taken, names: [...labels].join(', ') })} ${
          left > 0
            ? t(
                '{n, plural, one {# was} other {# were}} left out: empty, locked, of another size or of a picture that is not there.',
                { n: left },
              )
            : ''
        }`.trim(),
      );
    busy = false;
    button.disabled = false;
    input.value = '';
  };
  input.addEventListener('change', () => void take([...(input.files ?? [])]));
  const over = (event: DragEvent): void => {
    if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    void take([...(event.dataTransfer?.files ?? [])]);
  };
  target.addEventListener('dragover', over);
  target.addEventListener('drop', drop);
  disposer.add(() => {
    target.removeEventListener('dragover', over);
    target.removeEventListener('drop', drop);
  });
  return button;
}
