/** The side panel of a room: outlines switch, objects with their state in words, measurements, what else can be done. */
import './panel.css';
import './objects-panel.css';
import { isShown } from '../../../src/vocabulary/prompt.js';
import { h, setText } from '../app/dom.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { icon } from '../app/icons.js';
import type { Disposer, Signal } from '../app/signal.js';
import { isEchoMeasure, reasonWords } from '../core/echo-log.js';
import { unitWords } from '../core/echo-readout.js';
import { shownKey } from '../core/keymap.js';
import { inCentimetres } from '../core/measure-words.js';
import { writeRoute } from '../core/route.js';
import { nextUndo, undoSentence } from '../core/wording.js';
import { place } from '../core/viewport.js';
import { locale, serverText, t } from '../core/texts.js';
import { drawThumbnail, hasThumbnail, objectRow } from '../editor/object-row.js';
import { outlineSettings } from '../editor/outline-settings.js';
import type { LivePicture } from './live-picture.js';

/** To three digits, without separators of thousands. */
const rounded = (value: number): string =>
  value.toLocaleString(locale(), { maximumSignificantDigits: 3, useGrouping: false });

/** Measurements are listed anew this often, and are gone when nothing was said of them for this long. */
const measuredEveryMs = 250;
const measuredForNs = 2e9;
/** … and of a picture that stands still although it should not. */
const frozenForMs = 2000;
/** Small pictures of objects are renewed this often. */
const thumbnailEveryMs = 1000;

function withOrWithout(set: ReadonlySet<number>, id: number, on: boolean): ReadonlySet<number> {
  const others = [...set].filter((one) => one !== id);
  return new Set(on ? [...others, id] : others);
}

function cleanFeedAddress(stream: string): string {
  const query = new URLSearchParams({ clean: '1', room: stream });
  return `?${query.toString()}`;
}

interface PanelActions {
  /** Objects can be made, named, corrected and removed. */
  readonly points: Signal<boolean>;
  readonly toggleOverlay: () => void;
  readonly newObject: () => void;
  /** Rejects with the reason why not. */
  readonly rename: (objectId: number, label: string) => Promise<unknown>;
  readonly remove: (objectId: number) => void;
  readonly undo: (objectId: number | null) => void;
  readonly openSource: () => void;
  readonly fullscreen: () => void;
  /** Starts or ends the recording of the room. */
  readonly record: () => void;
}

interface ObjectsPanel {
  readonly element: HTMLElement;
  readonly startRename: (objectId: number) => void;
  /** Hides, shows, locks or unlocks. */
  readonly toggle: (what: 'hide' | 'lock', objectId: number) => void;
}

/** `sections`: what a kind of room adds above the objects. */
export function objectsPanel(
  worker: PaintingWorker,
  live: LivePicture,
  actions: PanelActions,
  sections: readonly HTMLElement[],
  disposer: Disposer,
): ObjectsPanel {
  const { stream } = live;
  const title = h('h1', {});
  const source = h('span', { class: 'source-uri' });
  const settings = outlineSettings(live.overlayOn, actions.toggleOverlay, disposer);
  const list = h('ul', { class: 'objects' });
  const none = h('p', { class: 'hint' });
  const add = h(
    'button',
    { type: 'button', class: 'button', onclick: actions.newObject },
    icon('plus'),
    t('New object'),
  );
  const measured = h('dl', { class: 'measurements' });
  const measuredSection = h('section', { hidden: true }, h('h2', {}, t('Measurements')), measured);
  const recordText = h('span', {});
  const record = h(
    'button',
    {
      type: 'button',
      class: 'button quiet',
      onclick: actions.record,
      title: t('Record this room on the server'),
    },
    icon('record'),
    recordText,
  );
  const openSource = h(
    'button',
    {
      type: 'button',
      class: 'button quiet',
      onclick: actions.openSource,
      title: t('Choose the source ({key})', { key: shownKey('source') }),
    },
    icon('source'),
    t('Source'),
  );
  const element = h(
    'aside',
    { class: 'panel', 'aria-label': t('Objects and outlines') },
    h('header', { class: 'panel-head' }, h('div', { class: 'panel-title' }, title, source), openSource),
    settings,
    h(
      'div',
      { class: 'panel-scroll' },
      ...sections,
      h(
        'section',
        { class: 'objects-section' },
        h('div', { class: 'section-head' }, h('h2', {}, t('Objects')), add),
        none,
        list,
      ),
      measuredSection,
    ),
    h(
      'footer',
      { class: 'panel-foot' },
      h(
        'a',
        {
          class: 'button quiet',
          href: writeRoute({ view: 'acceptance', stream }),
          title: t('Acceptance test of this display'),
        },
        icon('measure'),
        t('Display test'),
      ),
      h(
        'a',
        {
          class: 'button quiet',
          href: `${cleanFeedAddress(stream)}`,
          target: '_blank',
          title: t('The raw picture alone, without any graphics'),
        },
        icon('clean'),
        t('Clean feed'),
      ),
      record,
      h(
        'button',
        {
          type: 'button',
          class: 'button quiet',
          onclick: actions.fullscreen,
          title: t('Full screen ({key})', { key: shownKey('fullscreen') }),
        },
        icon('fullscreen'),
        t('Full screen'),
      ),
    ),
  );

  const rowOf = (id: number): ReturnType<typeof objectRow> =>
    objectRow(
      {
        select: () => (live.selected.value = live.selected.value === id ? null : id),
        rename: (label) => actions.rename(id, label),
        remove: () => actions.remove(id),
        undo: () => actions.undo(id),
        hide: (on) => (live.hidden.value = withOrWithout(live.hidden.value, id, on)),
        lock: (on) => (live.locked.value = withOrWithout(live.locked.value, id, on)),
      },
      { 'data-object': id },
    );
  const rows = new Map<number, ReturnType<typeof objectRow>>();
  const update = (): void => {
    const objects = live.objects.value;
    const undoable = worker.health(stream).value?.undoable;
    for (const [id, row] of rows)
      if (!objects.some((object) => object.id === id)) {
        row.element.remove();
        rows.delete(id);
      }
    for (const object of objects) {
      const { id, label, state, confidence, colour } = object;
      let row = rows.get(object.id);
      if (!row) {
        row = rowOf(object.id);
        rows.set(object.id, row);
        list.append(row.element);
      }
      const step = undoable && nextUndo(undoable, object.id);
      row.update({
        ...{ number: id, colour, name: label, state, confidence, remark: '' },
        ...{ selected: live.selected.value === id, editable: actions.points.value },
        ...{ hidden: live.hidden.value.has(id), locked: live.locked.value.has(id) },
        undoSays: step ? undoSentence({ ...step, label }) : step,
      });
    }
    const analysis = worker.health(stream).value?.analysis ?? true;
    none.hidden = objects.length > 0;
    setText(
      none,
      live.played.value
        ? t('Nothing is outlined on this picture of the recording.')
        : !actions.points.value
          ? t('Nothing is found in this picture. The model looks for its structures by itself.')
          : analysis
            ? t('Nothing is followed yet. Choose a tool on the left and point at something in the picture.')
            : t('No model is loaded: the picture is shown, nothing can be followed.'),
    );
  };
  // The server refuses both of a recording that is played.
  disposer.add(
    live.played.watch((on) => {
      openSource.hidden = on;
      record.hidden = on;
      update();
    }),
  );
  disposer.add(live.objects.watch(update));
  for (const signal of [live.hidden, live.locked]) disposer.add(signal.watch(update));
  disposer.add(live.selected.watch(update));
  disposer.add(
    actions.points.watch((on) => {
      add.hidden = !on;
      update();
    }),
  );
  disposer.add(
    worker.health(stream).watch((health) => {
      setText(title, health?.label !== undefined && health.label !== '' ? health.label : stream);
      setText(source, health?.sourceUri ?? '');
      source.title = health?.sourceUri ?? '';
      setText(recordText, health?.recording === true ? t('Stop recording') : t('Record'));
      record.setAttribute('aria-pressed', String(health?.recording === true));
      update();
    }),
  );
  const { newest, changes } = worker.measured(stream);
  /** A number stands for a picture that is shown now, and for an object that is outlined on it. */
  const numbersStand = (): boolean => {
    const { connected, sourcePhase, sincePictureMs, standsStill, heldStill } = live.condition;
    const stopped = sincePictureMs === null || sincePictureMs > frozenForMs;
    return connected && sourcePhase === 'playing' && !heldStill && (standsStill || !stopped);
  };
  let listed = '';
  const listMeasured = (): void => {
    // What is said of a held picture stays with it.
    if (live.heldSinceMs.value !== null) return;
    const stand = numbersStand();
    const shown = live.objects.value.map(({ id, state }) => `${id}/${state}`);
    const now = `${changes.value}|${newest.size}|${stand}|${shown.join()}`;
    if (now === listed) return;
    listed = now;
    const all = [...newest.values()];
    const oldestNs = Math.max(...all.map(({ ptsNs }) => ptsNs)) - measuredForNs;
    // Measurements of objects that are gone are not shown; those of an echo room have a place of their own.
    const present = all.filter(
      ({ name, ptsNs, objectId }) =>
        stand &&
        ptsNs >= oldestNs &&
        !isEchoMeasure(name) &&
        (objectId === 0 || live.objects.value.some(({ id, state }) => id === objectId && isShown(state))),
    );
    measuredSection.hidden = present.length === 0;
    // What several have no number for is said once.
    let refusal = '';
    measured.replaceChildren(
      ...present.map(inCentimetres).flatMap(({ name, value, unit, interval, quality, note, objectId }) => {
        const object = live.objects.value.find(({ id }) => id === objectId);
        const isNews = value === null && note !== refusal;
        if (value === null) refusal = note;
        return [
          h(
            'dt',
            {},
            serverText(name.replaceAll('_', ' ')),
            object ? h('small', {}, ` ${object.label}`) : '',
          ),
          h(
            'dd',
            { 'data-quality': quality, title: reasonWords(note) },
            quality === 'good' ? '' : icon(quality === 'rejected' ? 'lost' : 'uncertain'),
            h('b', {}, value === null ? '–' : rounded(value)),
            value === null ? '' : ` ${unitWords(unit)}`,
            interval ? h('small', {}, ` ${rounded(interval.low)}–${rounded(interval.high)}`) : '',
          ),
          isNews ? h('dd', { class: 'refusal' }, note) : '',
        ];
      }),
    );
  };
  disposer.every(measuredEveryMs, listMeasured);
  // What ends a number ends it at once.
  for (const signal of [live.objects, live.sourceChanged, live.heldStill, worker.link, worker.health(stream)])
    disposer.add(signal.watch(listMeasured));
  disposer.every(thumbnailEveryMs, () => {
    const size = live.pictureSize.value;
    if (!size || live.canvas.width < 2) return;
    const { left, top, scale } = place(live.view.value, size, live.stageSize.value);
    // As it is shown, with its outline: the page itself has no other picture than that of its screen.
    for (const { id, state, box } of live.objects.value)
      if (box && hasThumbnail(state) && !live.hidden.value.has(id))
        drawThumbnail(
          rows.get(id)?.thumbnail ?? null,
          live.canvas,
          {
            ...{ left: left + box.left * scale, right: left + box.right * scale },
            ...{ top: top + box.top * scale, bottom: top + box.bottom * scale },
          },
          null,
        );
  });
  return {
    element,
    startRename: (id) => rows.get(id)?.startRename(),
    toggle: (what, id) => {
      const set = what === 'hide' ? live.hidden : live.locked;
      set.value = withOrWithout(set.value, id, !set.value.has(id));
    },
  };
}
