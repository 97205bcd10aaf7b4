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

/** Another source for this room. */
export function openSourceDialog(worker: PaintingWorker, stream: string): void {
  const present = worker.health(stream).value?.sourceUri ?? worker.infos.value.get(stream)?.sourceUri ?? '';
  openDialogFor(worker, present, { title: 'Source of this room', action: 'Open' }, null, async (uri) => {
    await worker.call('source.open', { stream, uri });
    toast('info', `Opened ${uri}`);
  });
}

/** A new room. `go` is called with its id, or with that of the room that shows the source already. */
export function openAddRoom(worker: PaintingWorker, go: (stream: string) => void): void {
  const name = h('input', {
    type: 'text',
    id: 'room-name',
    maxlength: longestRoomName,
    placeholder: 'as the source is called',
    autocomplete: 'off',
  });
  const model = h(
    'select',
    { id: 'room-model' },
    h('option', { value: '' }, 'Chosen for this computer: follows what is marked'),
  );
  worker.call('system.get', {}).then(
    ({ models }) => {
      for (const { name, kind } of models)
        model.append(
          h(
            'option',
            { value: name },
            `${name}: ${kind === 'tracker' ? 'follows what is marked' : 'finds its structures by itself'}`,
          ),
        );
      model.append(h('option', { value: 'none' }, 'None: the picture alone'));
    },
    // Then the usual one is taken.
    () => undefined,
  );
  const loop = h('input', { type: 'checkbox', checked: true });
  const more = h(
    'div',
    { class: 'field' },
    h('label', { for: 'room-name' }, 'Name of the room'),
    name,
    h('label', { for: 'room-model' }, 'Model'),
    model,
    h('label', { class: 'choice' }, loop, h('span', {}, 'Begin again where a recording ends')),
  );
  openDialogFor(worker, '', { title: 'Add a room', action: 'Add room' }, more, async (uri, already) => {
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
    twice.hide();
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
    onStored: (path, already) => {
      field.value = path;
      if (already !== null) toast('info', `The server has this file already, as ${already}.`);
      form.requestSubmit();
    },
    onStart: clear,
    onProblem: refuse,
  });
  const showIt = async (uri: string): Promise<void> => {
    await show(uri, (label) => twice.ask(`This source is open already, in the room ${label}.`));
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
    'List folder',
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
      const perSecond =
        answer.framesPerSecond === null ? '' : `, ${answer.framesPerSecond.toFixed(1)} pictures per second`;
      say(found, `${answer.size.width} × ${answer.size.height}${perSecond}: ${answer.description}`);
    });
  });
  const close = openDialog(words.title, [form], { onclose: upload.cancel });
  const first = kinds.find((kind) => kind.id === kindOf(present)) ?? kinds[0];
  if (first) choose(first);
  field.focus();
  field.select();
}
