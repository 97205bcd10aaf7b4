/** Choose what a room shows: a file on the server, a cine of an archive, a network or device address, or a procedural scene. */
import './source-dialog.css';
import { openDialog } from '../app/dialog.js';
import { h, setText } from '../app/dom.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { icon } from '../app/icons.js';
import { sentenceOf, toast } from '../app/toast.js';
import { archiveSearch } from './archive-search.js';
import { folderList, isWorthListing } from './folder-list.js';
import { uploadControl } from './upload.js';

interface Kind {
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly placeholder: string;
  readonly hint: string;
}

const kinds: readonly Kind[] = [
  {
    id: 'file',
    name: 'File',
    label: 'File, DICOM cine or picture folder on the server',
    placeholder: '/data/case-12.mp4',
    hint: 'A path as the server sees it.',
  },
  {
    id: 'archive',
    name: 'Archive',
    label: 'Cine in a DICOM archive',
    placeholder: 'dicomweb://pacs.example:8042/dicom-web/studies/…',
    hint: 'Search above, or paste the address of a cine: dicomweb://, dicomwebs:// for TLS, orthanc://',
  },
  {
    id: 'network',
    name: 'Network',
    label: 'RTSP or SRT address',
    placeholder: 'rtsp://user:password@10.0.0.5:554/stream',
    hint: 'rtsp:// (end it with #transport=udp for UDP) or srt://host:port',
  },
  {
    id: 'device',
    name: 'Device',
    label: 'Capture device of the server',
    placeholder: 'v4l2:///dev/video0',
    hint: 'v4l2:///dev/video0 for USB, decklink://0 for SDI',
  },
  {
    id: 'scene',
    name: 'Scene',
    label: 'Procedural scene',
    placeholder: 'synthetic:laparoscopy?seed=7',
    hint: 'Generated live, with exact ground truth: no patient data.',
  },
];

const scenes = [
  {
    uri: 'synthetic:laparoscopy',
    name: 'Laparoscopy',
    meaning: 'Instruments, smoke, highlights, camera motion',
  },
  { uri: 'synthetic:echo', name: 'Echo', meaning: 'Apical four-chamber view, beating ventricle' },
  { uri: 'synthetic:counter', name: 'Counter', meaning: 'Frame number in blocks, for tests' },
] as const;

function kindOf(uri: string): string {
  if (uri.startsWith('synthetic:')) return 'scene';
  if (/^(rtsp|rtsps|rtspt|rtspu|srt):/.test(uri)) return 'network';
  if (/^(v4l2|decklink):/.test(uri)) return 'device';
  if (/^(dicomweb|orthanc)(s|\+https?)?:/.test(uri)) return 'archive';
  return 'file';
}

interface SourceDialogOptions {
  /** Objects that are followed and end with the source. */
  readonly followed: () => number;
  /** This page is about to change the source, or (false) has not. */
  readonly onChanging: (changing: boolean) => void;
}

export function openSourceDialog(
  worker: PaintingWorker,
  stream: string,
  { followed, onChanging }: SourceDialogOptions,
): void {
  if (document.querySelector('dialog.dialog')) return;
  const present = worker.health(stream).value?.sourceUri ?? worker.infos.value.get(stream)?.sourceUri ?? '';
  const field = h('input', {
    type: 'text',
    id: 'source-uri',
    name: 'uri',
    autocomplete: 'off',
    spellcheck: 'false',
    autocapitalize: 'off',
    'aria-describedby': 'source-hint source-error',
  });
  const label = h('label', { for: 'source-uri' });
  const hint = h('p', { class: 'hint', id: 'source-hint' });
  const error = h(
    'p',
    { class: 'field-error', id: 'source-error', role: 'alert', hidden: true },
    icon('alarm'),
    h('span', {}),
  );
  const open = h('button', { class: 'button primary', type: 'submit' }, 'Open');
  const tryIt = h('button', { class: 'button', type: 'button' }, 'Try without showing');
  const found = h(
    'p',
    { class: 'field-found', role: 'status', hidden: true },
    icon('tracking'),
    h('span', {}),
  );
  const sceneList = h('div', { class: 'scene-list', hidden: true });
  const tabs = h('div', { class: 'segmented', role: 'radiogroup', 'aria-label': 'Kind of source' });

  const say = (element: HTMLElement, text: string | null): void => {
    element.hidden = text === null;
    const span = element.querySelector('span');
    if (span && text !== null) setText(span, text);
  };
  const clear = (): void => {
    say(error, null);
    say(found, null);
    field.removeAttribute('aria-invalid');
  };
  const choose = (kind: Kind): void => {
    clear();
    setText(label, kind.label);
    field.placeholder = kind.placeholder;
    setText(hint, kind.hint);
    sceneList.hidden = kind.id !== 'scene';
    upload.element.hidden = kind.id !== 'file';
    listIt.hidden = kind.id !== 'file';
    folder.hide();
    archive.element.hidden = kind.id !== 'archive';
    if (kind.id === 'archive') archive.show();
    for (const tab of tabs.querySelectorAll('button'))
      tab.setAttribute('aria-checked', String(tab.dataset['kind'] === kind.id));
    const suits = kindOf(present) === kind.id;
    if (field.value === '' || kindOf(field.value) !== kind.id) field.value = suits ? present : '';
  };
  for (const kind of kinds)
    tabs.append(
      h(
        'button',
        { type: 'button', role: 'radio', 'data-kind': kind.id, onclick: () => choose(kind) },
        kind.name,
      ),
    );
  for (const scene of scenes)
    sceneList.append(
      h(
        'button',
        {
          type: 'button',
          class: 'scene',
          onclick: () => {
            field.value = scene.uri;
            clear();
          },
        },
        h('strong', {}, scene.name),
        h('small', {}, scene.meaning),
      ),
    );
  field.addEventListener('input', () => {
    clear();
    const kind = kinds.find((one) => one.id === kindOf(field.value));
    if (kind && field.value.includes(':')) choose(kind);
  });

  const busy = (on: boolean): void => {
    open.disabled = on;
    tryIt.disabled = on;
    listIt.disabled = on;
    form.classList.toggle('busy', on);
  };
  const attempt = async (action: (uri: string) => Promise<void>): Promise<void> => {
    const uri = field.value.trim();
    clear();
    if (uri === '') {
      refuse('Enter what to open.');
      return;
    }
    busy(true);
    try {
      await action(uri);
    } catch (problem) {
      refuse(sentenceOf(problem));
      if (isWorthListing(problem)) await folder.show(uri).catch(() => undefined);
    } finally {
      busy(false);
    }
  };
  const refuse = (sentence: string): void => {
    say(error, sentence);
    field.setAttribute('aria-invalid', 'true');
    field.focus();
  };
  const upload = uploadControl({
    onStored: (path) => {
      field.value = path;
      form.requestSubmit();
    },
    onStart: clear,
    onProblem: refuse,
  });
  const endAnyway = h('button', { type: 'button', class: 'button primary' }, 'Open and end them');
  const keepThem = h('button', { type: 'button', class: 'button' }, 'Keep them');
  const askText = h('p', { id: 'source-ends' });
  const asks = h(
    'div',
    { class: 'source-ends', role: 'alertdialog', 'aria-labelledby': 'source-ends', hidden: true },
    askText,
    h('div', { class: 'actions' }, keepThem, endAnyway),
  );
  /** Objects end with their source: whoever opens another one says that they may. */
  const mayEnd = (): Promise<boolean> => {
    const count = followed();
    if (count === 0) return Promise.resolve(true);
    setText(
      askText,
      count === 1
        ? '1 object is followed here. It ends with this source.'
        : `${count} objects are followed here. They end with this source.`,
    );
    asks.hidden = false;
    keepThem.focus();
    return new Promise((resolve) => {
      const answer = (may: boolean) => (): void => {
        asks.hidden = true;
        resolve(may);
      };
      endAnyway.onclick = answer(true);
      keepThem.onclick = answer(false);
    });
  };
  const show = async (uri: string): Promise<void> => {
    if (!(await mayEnd())) return;
    onChanging(true);
    try {
      await worker.call('source.open', { stream, uri });
    } catch (problem) {
      onChanging(false);
      throw problem;
    }
    close();
    toast('info', `Opened ${uri}`);
  };
  const archive = archiveSearch(worker, show);
  const folder = folderList(worker, (uri) => {
    field.value = uri;
    void attempt(show);
  });
  const listIt = h(
    'button',
    { type: 'button', class: 'button', onclick: () => void attempt((uri) => folder.show(uri)) },
    'List folder',
  );
  const form = h(
    'form',
    { class: 'source-form' },
    tabs,
    sceneList,
    archive.element,
    h('div', { class: 'field' }, label, field, error, found, hint),
    folder.element,
    upload.element,
    asks,
    h('div', { class: 'actions' }, listIt, tryIt, open),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void attempt(show);
  });
  tryIt.addEventListener('click', () => {
    void attempt(async (uri) => {
      const answer = await worker.call('source.probe', { uri });
      const perSecond =
        answer.framesPerSecond === null ? '' : `, ${answer.framesPerSecond.toFixed(1)} pictures per second`;
      say(found, `${answer.size.width} × ${answer.size.height}${perSecond}: ${answer.description}`);
    });
  });
  const close = openDialog('Source of this room', [form], { onclose: upload.cancel });
  const first = kinds.find((kind) => kind.id === kindOf(present)) ?? kinds[0];
  if (first) choose(first);
  field.focus();
  field.select();
}
