/** Lists the recordings in a folder of the server, by what its files hold, so that one of them can be opened. */
import './folder-list.css';
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import { Refusal, type PaintingWorker } from '../app/painting-worker.js';
import { serverText, t } from '../core/texts.js';

/** The folder holds more than one recording, or none at its top: what there is is worth a look. */
export function isWorthListing(problem: unknown): boolean {
  return problem instanceof Refusal && ['SONO_DICOM_CHOOSE', 'SONO_FOLDER_EMPTY'].includes(problem.code);
}

interface FolderList {
  readonly element: HTMLElement;
  /** Rejects with the server's refusal. */
  show(folder: string): Promise<void>;
  hide(): void;
}

/** @param open gets the address of the chosen recording; it shows what goes wrong itself */
export function folderList(worker: PaintingWorker, open: (uri: string) => void): FolderList {
  const status = h('p', { class: 'muted', role: 'status' });
  const list = h('ul', { class: 'folder-clips', 'aria-label': t('Recordings in this folder') });
  const others = h('details', { class: 'folder-others', hidden: true });
  const element = h('div', { class: 'folder-list', hidden: true }, status, list, others);
  /** The last question counts. */
  let turn = 0;
  const hide = (): void => {
    turn += 1;
    element.hidden = true;
  };
  return {
    element,
    hide,
    show: async (folder) => {
      const own = ++turn;
      element.hidden = false;
      list.replaceChildren();
      others.hidden = true;
      setText(status, t('Looking into the folder …'));
      const found = await worker.call('source.list', { uri: folder }).catch((problem: unknown) => {
        if (own === turn) hide();
        throw problem;
      });
      if (own !== turn) return;
      const { clips, skipped, more } = found;
      setText(
        status,
        [
          clips.length === 0
            ? t('No recording in this folder.')
            : t('{n, plural, one {# recording} other {# recordings}}.', { n: clips.length }),
          ...(more ? [t('There is more than was looked at: name a folder within it.')] : []),
        ].join(' '),
      );
      list.replaceChildren(
        ...clips.map(({ uri, name, pictures }) =>
          h(
            'li',
            {},
            h(
              'button',
              { type: 'button', class: 'folder-clip', title: uri, onclick: () => open(uri) },
              icon('recordings'),
              h('span', {}, name),
              h(
                'span',
                { class: 'muted' },
                pictures === null
                  ? ''
                  : t('{n, plural, one {# picture} other {# pictures}}', { n: pictures }),
              ),
            ),
          ),
        ),
      );
      others.hidden = skipped.length === 0;
      others.replaceChildren(
        h(
          'summary',
          {},
          t('{n, plural, one {# file is} other {# files are}} no recording', { n: skipped.length }),
        ),
        h(
          'ul',
          {},
          ...skipped.map(({ name, reason }) => h('li', { class: 'muted' }, `${name}: ${serverText(reason)}`)),
        ),
      );
    },
  };
}
