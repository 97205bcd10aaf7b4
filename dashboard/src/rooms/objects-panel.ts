/** The side panel of a room: outlines switch, objects with their state in words, measurements, what else can be done. */
import './panel.css';
import './objects-panel.css';
import { promptLimits } from '../../../src/vocabulary/prompt.js';
import { h, setText } from '../app/dom.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { icon } from '../app/icons.js';
import { prefer, preferences } from '../app/prefs.js';
import type { Disposer, Signal } from '../app/signal.js';
import { isEchoMeasure } from '../core/echo-log.js';
import { unitWords } from '../core/echo-readout.js';
import { inCentimetres } from '../core/measure-words.js';
import { writeRoute } from '../core/route.js';
import { stateWords } from '../core/wording.js';
import type { ListedObject } from '../worker/messages.js';
import type { LivePicture } from './live-picture.js';

const figures = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });

/** Measurements are listed anew this often, and are gone when nothing was said of them for this long. */
const measuredEveryMs = 250;
const measuredForNs = 2e9;

function cleanFeedAddress(stream: string): string {
  const query = new URLSearchParams({ clean: '1', room: stream });
  return `?${query.toString()}`;
}

interface PanelActions {
  /** Objects can be made, named, corrected and removed. */
  readonly points: Signal<boolean>;
  readonly toggleOverlay: () => void;
  readonly newObject: () => void;
  readonly rename: (objectId: number, label: string) => void;
  readonly remove: (objectId: number) => void;
  readonly undo: (objectId: number | null) => void;
  readonly openSource: () => void;
  readonly fullscreen: () => void;
  /** Starts or ends the recording of the room. */
  readonly record: () => void;
}

interface Row {
  readonly element: HTMLElement;
  readonly update: (object: ListedObject) => void;
  readonly startRename: () => void;
}

function objectRow(live: LivePicture, actions: PanelActions, id: number): Row {
  const name = h('span', { class: 'object-name' });
  const stateIcon = h('span', { class: 'state-icon', 'aria-hidden': 'true' });
  const stateWord = h('span', { class: 'state-word' });
  const percent = h('span', { class: 'object-percent' });
  const bar = h('span', { class: 'bar-fill' });
  const field = h('input', {
    class: 'rename-field',
    type: 'text',
    maxlength: promptLimits.labelCharacters,
    'aria-label': 'New name',
    hidden: true,
  });
  const swatch = h('span', { class: 'swatch', 'aria-hidden': 'true' }, String(id));
  const select = h(
    'button',
    { type: 'button', class: 'object-select', onclick: () => toggle() },
    swatch,
    h('span', { class: 'object-text' }, name, h('span', { class: 'object-state' }, stateIcon, stateWord)),
    h('span', { class: 'object-score' }, percent, h('span', { class: 'bar', 'aria-hidden': 'true' }, bar)),
  );
  const tool = (
    label: string,
    symbol: 'rename' | 'undo' | 'remove',
    onclick: () => void,
  ): HTMLButtonElement => h('button', { type: 'button', class: 'chip-button', onclick }, icon(symbol), label);
  const tools = h(
    'div',
    { class: 'object-tools', hidden: true },
    tool('Rename', 'rename', () => startRename()),
    tool('Undo', 'undo', () => actions.undo(id)),
    tool('Remove', 'remove', () => actions.remove(id)),
  );
  const element = h('li', { class: 'object', 'data-object': id }, select, field, tools);
  const toggle = (): void => {
    live.selected.value = live.selected.value === id ? null : id;
  };
  const endRename = (keep: boolean): void => {
    if (field.hidden) return;
    field.hidden = true;
    select.hidden = false;
    const label = field.value.trim();
    if (keep && label !== '' && label !== name.textContent) actions.rename(id, label);
    select.focus();
  };
  const startRename = (): void => {
    field.value = name.textContent ?? '';
    field.hidden = false;
    select.hidden = true;
    field.focus();
    field.select();
  };
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') endRename(true);
    else if (event.key === 'Escape') endRename(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  field.addEventListener('blur', () => endRename(true));
  let state = '';
  return {
    element,
    startRename,
    update: (object) => {
      setText(name, object.label);
      swatch.style.setProperty('--paint', object.colour);
      setText(percent, `${Math.round(object.confidence * 100)} %`);
      bar.style.inlineSize = `${Math.round(object.confidence * 100)}%`;
      if (state !== object.state) {
        state = object.state;
        element.dataset['state'] = object.state;
        stateIcon.replaceChildren(icon(object.state));
        setText(stateWord, stateWords[object.state].word);
        select.title = stateWords[object.state].meaning;
      }
      const selected = live.selected.value === id;
      const chosen = selected && !element.classList.contains('selected');
      element.classList.toggle('selected', selected);
      select.setAttribute('aria-pressed', String(selected));
      tools.hidden = !selected || !actions.points.value;
      if (chosen) element.scrollIntoView({ block: 'nearest' });
    },
  };
}

interface ObjectsPanel {
  readonly element: HTMLElement;
  readonly startRename: (objectId: number) => void;
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
  const overlaySwitch = h(
    'button',
    { type: 'button', class: 'switch', role: 'switch', onclick: actions.toggleOverlay },
    h('span', { class: 'switch-track', 'aria-hidden': 'true' }, h('span', { class: 'switch-thumb' })),
    h('span', { class: 'switch-text' }, h('strong', {}, 'Outlines'), h('small', {})),
    h('kbd', {}, 'O'),
  );
  const fill = h('input', {
    type: 'range',
    min: 0,
    max: 100,
    step: 5,
    id: 'fill',
    'aria-label': 'Fill opacity',
  });
  const fillValue = h('output', { for: 'fill' });
  fill.addEventListener('input', () => prefer({ fillOpacity: Number(fill.value) / 100 }));
  const labels = h('input', { type: 'checkbox', id: 'labels' });
  labels.addEventListener('change', () => prefer({ labels: labels.checked }));
  const list = h('ul', { class: 'objects' });
  const none = h('p', { class: 'hint' });
  const add = h(
    'button',
    { type: 'button', class: 'button', onclick: actions.newObject },
    icon('plus'),
    'New object',
  );
  const measured = h('dl', { class: 'measurements' });
  const measuredSection = h('section', { hidden: true }, h('h2', {}, 'Measurements'), measured);
  const recordText = h('span', {});
  const record = h(
    'button',
    {
      type: 'button',
      class: 'button quiet',
      onclick: actions.record,
      title: 'Record this room on the server',
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
      title: 'Choose the source (C)',
    },
    icon('source'),
    'Source',
  );
  const element = h(
    'aside',
    { class: 'panel', 'aria-label': 'Objects and outlines' },
    h('header', { class: 'panel-head' }, h('div', { class: 'panel-title' }, title, source), openSource),
    h(
      'section',
      { class: 'outline-settings' },
      overlaySwitch,
      h('div', { class: 'slider' }, h('label', { for: 'fill' }, 'Fill'), fill, fillValue),
      h('label', { class: 'check', for: 'labels' }, labels, 'Names beside outlines'),
    ),
    h(
      'div',
      { class: 'panel-scroll' },
      ...sections,
      h(
        'section',
        { class: 'objects-section' },
        h('div', { class: 'section-head' }, h('h2', {}, 'Objects'), add),
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
          title: 'Acceptance test of this display',
        },
        icon('measure'),
        'Display test',
      ),
      h(
        'a',
        {
          class: 'button quiet',
          href: `${cleanFeedAddress(stream)}`,
          target: '_blank',
          title: 'The raw picture alone, without any graphics',
        },
        icon('clean'),
        'Clean feed',
      ),
      record,
      h(
        'button',
        { type: 'button', class: 'button quiet', onclick: actions.fullscreen, title: 'Full screen (H)' },
        icon('fullscreen'),
        'Full screen',
      ),
    ),
  );

  const rows = new Map<number, Row>();
  const update = (): void => {
    const objects = live.objects.value;
    for (const [id, row] of rows)
      if (!objects.some((object) => object.id === id)) {
        row.element.remove();
        rows.delete(id);
      }
    for (const object of objects) {
      let row = rows.get(object.id);
      if (!row) {
        row = objectRow(live, actions, object.id);
        rows.set(object.id, row);
        list.append(row.element);
      }
      row.update(object);
    }
    const analysis = worker.health(stream).value?.analysis ?? true;
    none.hidden = objects.length > 0;
    setText(
      none,
      live.played.value
        ? 'Nothing is outlined on this picture of the recording.'
        : !actions.points.value
          ? 'Nothing is found in this picture. The model looks for its structures by itself.'
          : analysis
            ? 'Nothing is followed yet. Choose a tool on the left and point at something in the picture.'
            : 'No model is loaded: the picture is shown, nothing can be followed.',
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
      setText(recordText, health?.recording === true ? 'Stop recording' : 'Record');
      record.setAttribute('aria-pressed', String(health?.recording === true));
      update();
    }),
  );
  disposer.add(
    live.overlayOn.watch((on) => {
      overlaySwitch.setAttribute('aria-checked', String(on));
      const small = overlaySwitch.querySelector('small');
      if (small) setText(small, on ? 'On' : 'Off');
    }),
  );
  disposer.add(
    preferences.watch(({ fillOpacity, labels: shown }) => {
      fill.value = String(Math.round(fillOpacity * 100));
      setText(fillValue, fillOpacity === 0 ? 'none' : `${Math.round(fillOpacity * 100)} %`);
      labels.checked = shown;
    }),
  );
  const { newest, changes } = worker.measured(stream);
  let listed = 0;
  const listMeasured = (): void => {
    if (changes.value === listed || live.heldSinceMs.value !== null) return;
    listed = changes.value;
    const all = [...newest.values()];
    const oldestNs = Math.max(...all.map(({ ptsNs }) => ptsNs)) - measuredForNs;
    // Measurements of objects that are gone are not shown; those of an echo room have a place of their own.
    const present = all.filter(
      ({ name, ptsNs, objectId }) =>
        ptsNs >= oldestNs &&
        !isEchoMeasure(name) &&
        (objectId === 0 || live.objects.value.some(({ id }) => id === objectId)),
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
          h('dt', {}, name.replaceAll('_', ' '), object ? h('small', {}, ` ${object.label}`) : ''),
          h(
            'dd',
            { 'data-quality': quality, title: note },
            quality === 'good' ? '' : icon(quality === 'rejected' ? 'lost' : 'uncertain'),
            h('b', {}, value === null ? '–' : figures.format(value)),
            value === null ? '' : ` ${unitWords(unit)}`,
            interval
              ? h('small', {}, ` ${figures.format(interval.low)}–${figures.format(interval.high)}`)
              : '',
          ),
          isNews ? h('dd', { class: 'refusal' }, note) : '',
        ];
      }),
    );
  };
  disposer.every(measuredEveryMs, listMeasured);
  return { element, startRename: (id) => rows.get(id)?.startRename() };
}
