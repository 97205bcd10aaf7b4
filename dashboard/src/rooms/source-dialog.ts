/** Choose what a room shows, or add a room that shows it: a file on the server, a cine of an archive, a network or device address, or a procedural scene. */
import './source-dialog.css';
import { longestRoomName } from '../../../src/protocol/room-requests.js';
import { openDialog } from '../app/dialog.js';
import { h, setText } from '../app/dom.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { icon } from '../app/icons.js';
import { sentenceOf, toast } from '../app/toast.js';
import { archiveSearch } from './archive-search.js';
import { folderList, isWorthListing } from './folder-list.js';
import { openTwice } from './open-twice.js';
import { uploadControl } from './upload.js';
import { msg, numberText, say, t } from '../core/texts.js';
import type { Text } from '../core/texts.js';

interface Kind {
  readonly id: string;
  readonly name: Text;
  readonly label: Text;
  readonly placeholder: string;
  readonly hint: Text;
}

const kinds: readonly Kind[] = [
  {
    id: 'file',
    name: msg('File'),
    label: msg('File, DICOM cine or picture folder on the server'),
    placeholder: '/data/case-12.mp4',
    hint: msg('A path as the server sees it.'),
  },
  {
    id: 'archive',
    name: msg('Archive'),
    label: msg('Cine in a DICOM archive'),
    placeholder: 'dicomweb://pacs.example:8042/dicom-web/studies/…',
    hint: msg('Search above, or paste the address of a cine: dicomweb://, dicomwebs:// for TLS, orthanc://'),
  },
  {
    id: 'network',
    name: msg('Network'),
    label: msg('RTSP or SRT address'),
    placeholder: 'rtsp://user:password@10.0.0.5:554/stream',
    hint: msg('rtsp:// (end it with #transport=udp for UDP) or srt://host:port'),
  },
  {
    id: 'device',
    name: msg('Device'),
    label: msg('Capture device of the server'),
    placeholder: 'v4l2:///dev/video0',
    hint: msg('v4l2:///dev/video0 for USB, decklink://0 for SDI'),
  },
  {
    id: 'scene',
    name: msg('Scene'),
    label: msg('Procedural scene'),
    placeholder: 'synthetic:laparoscopy?seed=7',
    hint: msg('Generated live, with exact ground truth: no patient data.'),
  },
];

const scenes = [
  {
    uri: 'synthetic:laparoscopy',
    name: msg('Laparoscopy'),
    meaning: msg('Instruments, smoke, highlights, camera motion'),
  },
  { uri: 'synthetic:echo', name: msg('Echo'), meaning: msg('Apical four-chamber view, beating ventricle') },
  { uri: 'synthetic:counter', name: msg('Counter'), meaning: msg('Frame number in blocks, for tests') },
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

/** Another source for this room. */
export function openSourceDialog(
  worker: PaintingWorker,
  stream: string,
  { followed, onChanging }: SourceDialogOptions,
): void {
  const present = worker.health(stream).value?.sourceUri ?? worker.infos.value.get(stream)?.sourceUri ?? '';
  const show = async (uri: string): Promise<void> => {
    onChanging(true);
    try {
      await worker.call('source.open', { stream, uri });
    } catch (problem) {
      onChanging(false);
      throw problem;
    }
    toast('info', t('Opened {uri}', { uri }));
  };
  openDialogFor(
    worker,
    present,
    { title: t('Source of this room'), action: t('Open') },
    null,
    show,
    followed,
  );
}

/** A new room. `go` is called with its id, or with that of the room that shows the source already. */
export function openAddRoom(worker: PaintingWorker, go: (stream: string) => void): void {
  const name = h('input', {
    type: 'text',
    id: 'room-name',
    maxlength: longestRoomName,
    placeholder: t('as the source is called'),
    autocomplete: 'off',
  });
  const model = h(
    'select',
    { id: 'room-model' },
    h('option', { value: '' }, t('Chosen for this computer: follows what is marked')),
  );
  worker.call('system.get', {}).then(
    ({ models }) => {
      for (const { name, kind } of models)
        model.append(
          h(
            'option',
            { value: name },
            `${name}: ${kind === 'tracker' ? t('follows what is marked') : t('finds its structures by itself')}`,
          ),
        );
      model.append(h('option', { value: 'none' }, t('None: the picture alone')));
    },
    // Then the usual one is taken.
    () => undefined,
  );
  const loop = h('input', { type: 'checkbox', checked: true });
  const more = h(
    'div',
    { class: 'field' },
    h('label', { for: 'room-name' }, t('Name of the room')),
    name,
    h('label', { for: 'room-model' }, t('Model')),
    model,
    h('label', { class: 'choice' }, loop, h('span', {}, t('Begin again where a recording ends'))),
  );
  openDialogFor(worker, '', { title: t('Add a room'), action: t('Add room') }, more, async (uri, already) => {
    const same = [...worker.infos.value.values()].find(({ sourceUri }) => sourceUri === uri);
    if (same && !(await already(same.label))) {
      go(same.id);
      return;
    }
    const { stream } = await worker.call('room.add', {
      uri,
      label: name.value.trim() === '' ? null : name.value,
      model: model.value === '' ? null : model.value,
      loop: loop.checked,
    });
    go(stream);
  });
}

/** Asks whether what is open in the room of this name should be opened again; false: the person wants to go there. */
type OpenAgain = (label: string) => Promise<boolean>;

/** `more`: further fields below that of the source; `show` rejects with what the dialog then says. */
function openDialogFor(
  worker: PaintingWorker,
  present: string,
  words: { readonly title: string; readonly action: string },
  more: HTMLElement | null,
  show: (uri: string, already: OpenAgain) => Promise<void>,
  followed: SourceDialogOptions['followed'] = () => 0,
): void {
  if (document.querySelector('dialog.dialog')) return;
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
  const open = h('button', { class: 'button primary', type: 'submit' }, words.action);
  const twice = openTwice();
  const tryIt = h('button', { class: 'button', type: 'button' }, t('Try without showing'));
  const found = h(
    'p',
    { class: 'field-found', role: 'status', hidden: true },
    icon('tracking'),
    h('span', {}),
  );
  const sceneList = h('div', { class: 'scene-list', hidden: true });
  const tabs = h('div', { class: 'segmented', role: 'radiogroup', 'aria-label': t('Kind of source') });

  const tell = (element: HTMLElement, text: string | null): void => {
    element.hidden = text === null;
    const span = element.querySelector('span');
    if (span && text !== null) setText(span, text);
  };
  const clear = (): void => {
    twice.hide();
    tell(error, null);
    tell(found, null);
    field.removeAttribute('aria-invalid');
  };
  const choose = (kind: Kind): void => {
    clear();
    setText(label, say(kind.label));
    field.placeholder = kind.placeholder;
    setText(hint, say(kind.hint));
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
        say(kind.name),
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
        h('strong', {}, say(scene.name)),
        h('small', {}, say(scene.meaning)),
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
      refuse(t('Enter what to open.'));
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
    tell(error, sentence);
    field.setAttribute('aria-invalid', 'true');
    field.focus();
  };
  const upload = uploadControl({
    onStored: (path, already) => {
      field.value = path;
      if (already !== null) toast('info', t('The server has this file already, as {already}.', { already }));
      form.requestSubmit();
    },
    onStart: clear,
    onProblem: refuse,
  });
  const endAnyway = h('button', { type: 'button', class: 'button primary' }, t('Open and end them'));
  const keepThem = h('button', { type: 'button', class: 'button' }, t('Keep them'));
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
        ? t('1 object is followed here. It ends with this source.')
        : t('{count} objects are followed here. They end with this source.', { count }),
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
  const showIt = async (uri: string): Promise<void> => {
    if (!(await mayEnd())) return;
    await show(uri, (label) => twice.ask(t('This source is open already, in the room {label}.', { label })));
    close();
  };
  const archive = archiveSearch(worker, showIt);
  const folder = folderList(worker, (uri) => {
    field.value = uri;
    void attempt(showIt);
  });
  const listIt = h(
    'button',
    { type: 'button', class: 'button', onclick: () => void attempt((uri) => folder.show(uri)) },
    t('List folder'),
  );
  const form = h(
    'form',
    { class: 'source-form' },
    tabs,
    sceneList,
    archive.element,
    h('div', { class: 'field' }, label, field, error, found, twice.element, hint),
    folder.element,
    upload.element,
    asks,
    more,
    h('div', { class: 'actions' }, listIt, tryIt, open),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void attempt(showIt);
  });
  tryIt.addEventListener('click', () => {
    void attempt(async (uri) => {
      const answer = await worker.call('source.probe', { uri });
      const { size, framesPerSecond } = answer;
      const picture =
        framesPerSecond === null
          ? `${size.width} × ${size.height}`
          : t('{width} × {height}, {rate} pictures per second', {
              ...size,
              rate: numberText(framesPerSecond, 1),
            });
      tell(found, `${picture}: ${answer.description}`);
    });
  });
  const close = openDialog(words.title, [form], { onclose: upload.cancel });
  const first = kinds.find((kind) => kind.id === kindOf(present)) ?? kinds[0];
  if (first) choose(first);
  field.focus();
  field.select();
}
