/** The system page: this computer, how long its disk lasts, versions, models, and what each room takes. Renews itself. */
import './system.css';
import type { SystemState } from '../../../src/protocol/system-requests.js';
import { h } from '../app/dom.js';
import { Disposer } from '../app/signal.js';
import { sentenceOf } from '../app/toast.js';
import type { EndView, ViewContext } from '../app/view.js';
import { writeRoute } from '../core/route.js';
import { bytesText, durationText, recordingBasis, recordingTime } from '../core/system-words.js';
import { dropWords } from '../rooms/health-dialog.js';

const renewMs = 2000;

type Row = readonly [name: string, value: Node | string];

function facts(title: string, rows: readonly Row[]): HTMLElement {
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
  const rows: (Row | null)[] = [
    [
      'Pictures per second',
      `${room.capturedFps.toFixed(0)} from the source, ${room.analysedFps.toFixed(0)} analysed`,
    ],
    [
      'Model',
      model === null ? 'none: the picture alone' : `${model.name} ${model.version}, licence ${model.licence}`,
    ],
    room.reason === '' ? null : ['Why this model', room.reason],
    model === null
      ? null
      : [
          'Runs on',
          `${room.provider.toUpperCase()}${room.threads === null ? '' : `, ${room.threads} processor threads`}`,
        ],
    ...Object.entries(rejectedProviders).map(([name, reason]): Row => [
      `Not on ${name.toUpperCase()}`,
      reason,
    ]),
    [
      'Pictures left out',
      dropped.length === 0
        ? 'none'
        : dropped.map(([place, count]) => `${count} ${dropWords[place] ?? place}`).join(', '),
    ],
    [
      'Memory of its source',
      room.sourceMemoryBytes === null ? 'not known' : bytesText(room.sourceMemoryBytes),
    ],
    room.recording ? ['Recording', 'yes'] : null,
    model === null ? null : ['Hash of the model', h('code', {}, model.sha256)],
  ];
  const section = facts(
    room.label,
    rows.filter((row) => row !== null),
  );
  section
    .querySelector('h2')
    ?.replaceChildren(h('a', { href: writeRoute({ view: 'room', stream: room.stream }) }, room.label));
  return section;
}

function content(state: SystemState): readonly HTMLElement[] {
  const { machine, disk, versions } = state;
  const usedBytes = machine.memoryBytes - machine.freeMemoryBytes;
  return [
    facts('This computer', [
      ['Processor', `${machine.cpu}, ${machine.cores} cores`],
      [
        'Load',
        bar(
          machine.busyCores / machine.cores,
          `${machine.busyCores.toFixed(1)} of ${machine.cores} cores in use`,
        ),
      ],
      [
        'Memory',
        bar(
          usedBytes / machine.memoryBytes,
          `${bytesText(usedBytes)} of ${bytesText(machine.memoryBytes)} in use, ${bytesText(state.server.memoryBytes)} by the server with its models`,
        ),
      ],
      ['System', machine.system],
      ['Server running for', durationText(state.upSeconds)],
      state.mostRooms === null
        ? ['Rooms', `${state.rooms.length}`]
        : ['Rooms', `${state.rooms.length} open, at most ${state.mostRooms} on this computer`],
    ]),
    facts('Space for recordings', [
      ['Time left', h('strong', {}, recordingTime(disk.recording.hoursLeft))],
      ['How this is known', recordingBasis(disk.recording)],
      ['Free', `${bytesText(disk.freeBytes)}; sent files leave ${bytesText(disk.reservedBytes)} of it free`],
      ['Folder', h('code', {}, disk.folder)],
    ]),
    ...state.rooms.map(roomSection),
    facts('Versions', [
      ['sonoscope', versions.sonoscope],
      ['Node.js', versions.node],
      ['ONNX Runtime', versions.onnxruntime],
      ['GStreamer', versions.gstreamer ?? 'missing'],
      ['FFmpeg', versions.ffmpeg ?? 'missing'],
    ]),
    facts(
      'Installed models',
      state.models.map(({ name, version, licence, kind, sha256 }) => [
        `${name} ${version}`,
        h(
          'span',
          {},
          `${kind === 'tracker' ? 'follows what is marked' : 'finds its structures by itself'}; licence ${licence}; `,
          h('code', {}, sha256.slice(0, 16)),
        ),
      ]),
    ),
  ];
}

export function systemView({ worker, element }: ViewContext): EndView {
  const disposer = new Disposer();
  const body = h('div', { class: 'system-body' }, h('p', { class: 'muted' }, 'Asking the server …'));
  const problem = h('p', { class: 'field-error', role: 'alert', hidden: true });
  element.replaceChildren(h('section', { class: 'system' }, h('h1', {}, 'System'), problem, body));
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
