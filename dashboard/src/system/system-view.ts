/** The system page: this computer, how long its disk lasts, versions, models, and what each room takes. Renews itself. */
import './system.css';
import type { SystemState } from '../../../src/protocol/system-requests.js';
import { h } from '../app/dom.js';
import { Disposer } from '../app/signal.js';
import { sentenceOf } from '../app/toast.js';
import type { EndView, ViewContext } from '../app/view.js';
import { writeRoute } from '../core/route.js';
import { numberText, serverText, t } from '../core/texts.js';
import { bytesText, durationText, recordingBasis, recordingTime } from '../core/system-words.js';

const renewMs = 2000;

/** Where pictures were left out, in plain words. */
function dropPlace(place: string): string {
  switch (place) {
    case 'source':
      return t('at the source');
    case 'analysis-queue':
      return t('before analysis');
    case 'display-queue':
      return t('before sending');
    case 'inference':
      return t('in analysis');
    case 'client':
      return t('for slow viewers');
    default:
      return place;
  }
}

type Row = readonly [name: string, value: Node | string];

function facts(title: Node | string, rows: readonly Row[]): HTMLElement {
  return h(
    'section',
    { class: 'system-facts' },
    h('h2', {}, title),
    h('dl', {}, ...rows.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
  );
}

/** A bar with its words: `share` from 0 to 1. */
function bar(share: number, words: string): HTMLElement {
  return h(
    'span',
    { class: 'system-bar' },
    h('meter', { value: share, max: 1, high: 0.85, 'aria-label': words }),
    words,
  );
}

function roomSection(room: SystemState['rooms'][number]): HTMLElement {
  const { model, drops, rejectedProviders } = room;
  const dropped = Object.entries(drops).filter(([, count]) => count > 0);
  const provider = room.provider.toUpperCase();
  const rows: (Row | null)[] = [
    [
      t('Pictures per second'),
      t('{source} from the source, {analysed} analysed', {
        source: numberText(room.capturedFps),
        analysed: numberText(room.analysedFps),
      }),
    ],
    [
      t('Model'),
      model === null
        ? t('none: the picture alone')
        : t('{model}, licence {licence}', {
            model: `${model.name} ${model.version}`,
            licence: model.licence,
          }),
    ],
    room.reason === '' ? null : [t('Why this model'), serverText(room.reason)],
    model === null
      ? null
      : [
          t('Runs on'),
          room.threads === null
            ? provider
            : t('{provider}, {n, plural, one {# processor thread} other {# processor threads}}', {
                provider,
                n: room.threads,
              }),
        ],
    ...Object.entries(rejectedProviders).map(([name, reason]): Row => [
      t('Not on {provider}', { provider: name.toUpperCase() }),
      serverText(reason),
    ]),
    [
      t('Pictures left out'),
      dropped.length === 0
        ? t('none')
        : dropped.map(([place, count]) => `${dropPlace(place)}: ${count}`).join('; '),
    ],
    [
      t('Memory of its source'),
      room.sourceMemoryBytes === null ? t('not known') : bytesText(room.sourceMemoryBytes),
    ],
    room.recording ? [t('Recording'), t('yes')] : null,
    model === null ? null : [t('Hash of the model'), h('code', {}, model.sha256)],
  ];
  return facts(
    h('a', { href: writeRoute({ view: 'room', stream: room.stream }) }, room.label),
    rows.filter((row) => row !== null),
  );
}

function content(state: SystemState): readonly HTMLElement[] {
  const { machine, disk, versions } = state;
  const { cores } = machine;
  const usedBytes = machine.memoryBytes - machine.freeMemoryBytes;
  const open = state.rooms.length;
  return [
    facts(t('This computer'), [
      [
        t('Processor'),
        t('{name}, {n, plural, one {# core} other {# cores}}', { name: machine.cpu, n: cores }),
      ],
      [
        t('Load'),
        bar(
          machine.busyCores / cores,
          t('{busy} of {n, plural, one {# core} other {# cores}} in use', {
            busy: numberText(machine.busyCores, 1),
            n: cores,
          }),
        ),
      ],
      [
        t('Memory'),
        bar(
          usedBytes / machine.memoryBytes,
          t('{used} of {all} in use, {server} by the server with its models', {
            used: bytesText(usedBytes),
            all: bytesText(machine.memoryBytes),
            server: bytesText(state.server.memoryBytes),
          }),
        ),
      ],
      [t('System'), machine.system],
      [t('Server running for'), durationText(state.upSeconds)],
      [
        t('Rooms'),
        state.mostRooms === null
          ? String(open)
          : t('{open} open, at most {most} on this computer', { open, most: state.mostRooms }),
      ],
    ]),
    facts(t('Space for recordings'), [
      [t('Time left'), h('strong', {}, recordingTime(disk.recording.hoursLeft))],
      [t('How this is known'), recordingBasis(disk.recording)],
      [
        t('Free'),
        t('{free}; files that are sent leave {reserved} of it free', {
          free: bytesText(disk.freeBytes),
          reserved: bytesText(disk.reservedBytes),
        }),
      ],
      [t('Folder'), h('code', {}, disk.folder)],
    ]),
    ...state.rooms.map(roomSection),
    facts(t('Versions'), [
      ['sonoscope', versions.sonoscope],
      ['Node.js', versions.node],
      ['ONNX Runtime', versions.onnxruntime],
      ['GStreamer', versions.gstreamer ?? t('missing')],
      ['FFmpeg', versions.ffmpeg ?? t('missing')],
    ]),
    facts(
      t('Installed models'),
      state.models.map(({ name, version, licence, kind, sha256 }) => [
        `${name} ${version}`,
        h(
          'span',
          {},
          kind === 'tracker'
            ? t('Follows what is marked. Licence {licence}, hash {hash}', {
                licence,
                hash: sha256.slice(0, 16),
              })
            : t('Finds its structures by itself. Licence {licence}, hash {hash}', {
                licence,
                hash: sha256.slice(0, 16),
              }),
        ),
      ]),
    ),
  ];
}

export function systemView({ worker, element }: ViewContext): EndView {
  const disposer = new Disposer();
  const body = h('div', { class: 'system-body' }, h('p', { class: 'muted' }, t('Asking the server …')));
  const problem = h('p', { class: 'field-error', role: 'alert', hidden: true });
  element.replaceChildren(h('section', { class: 'system' }, h('h1', {}, t('System')), problem, body));
  let asking = false;
  let ended = false;
  const renew = async (): Promise<void> => {
    // A slow answer is waited for; a page that nobody sees asks for nothing.
    if (asking || document.visibilityState === 'hidden' || worker.link.value.phase !== 'open') return;
    asking = true;
    try {
      const state = await worker.call('system.get', {});
      if (ended) return;
      problem.hidden = true;
      // Made anew, but where somebody is reading (a selection, the focus on a link) one round is left out.
      if (body.contains(document.activeElement) || getSelection()?.isCollapsed === false) return;
      body.replaceChildren(...content(state));
    } catch (error) {
      problem.hidden = false;
      problem.textContent = sentenceOf(error);
    } finally {
      asking = false;
    }
  };
  disposer.add(worker.link.watch(() => void renew()));
  disposer.every(renewMs, () => void renew());
  return () => {
    ended = true;
    disposer.end();
    element.replaceChildren();
  };
}
