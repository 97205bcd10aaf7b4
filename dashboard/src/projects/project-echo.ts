/**
 * What a recording has besides where a heart is measured in it: the ejection fraction, its beats, the curve. Everything is as the
 * server says; a correction goes there, and what follows from it comes back. Runs in the page.
 */
import './project-echo.css';
import type { Correction, ProjectState } from '../../../src/protocol/project-requests.js';
import type { EchoView } from '../../../src/vocabulary/echo.js';
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import { beatRows, readoutOfRecording } from '../core/project-beats.js';
import type { ProjectMeasurements } from '../core/project-beats.js';
import { t } from '../core/texts.js';
import { echoNow } from '../rooms/echo-now.js';
import { measurementsOf } from './api.js';
import { projectCurve } from './project-curve.js';
import { projectPair } from './project-pair.js';

interface EchoEvents {
  readonly seek: (frame: number) => void;
  /** Resolves when the server has taken or refused it (which is said elsewhere); false: refused. */
  readonly correct: (correction: Correction) => Promise<boolean>;
  /** The same, but nothing is said elsewhere: null when it was taken, else the sentence of the refusal. */
  readonly ask: (correction: Correction) => Promise<string | null>;
  /** Resolves when the server has taken or refused it, which is said elsewhere. */
  readonly pair: (partner: string | null, view: EchoView) => Promise<void>;
}

interface ProjectEcho {
  /** For the panel and below the picture. */
  readonly panel: HTMLElement;
  readonly curve: HTMLElement;
  update(project: ProjectState): void;
  /** The recording with the other view has changed. */
  partnerChanged(): void;
  showFrame(frame: number, project: ProjectState | null): void;
  /** Keys that belong to the beat that is being added. False: none is. */
  newBeatKey(key: 'take' | 'back' | 'leave'): boolean;
  end(): void;
}

const usualFramesPerSecond = 25;

export function projectEcho(id: string, events: EchoEvents): ProjectEcho {
  const hand = h('p', { class: 'corrected-by-hand', hidden: true }, icon('rename'), t('Corrected by hand'));
  const pair = projectPair(id, events.pair);
  const now = echoNow(hand, pair.element);
  const counts = h('span', { class: 'beat-counts' });
  const list = h('ul', { class: 'project-beats' });
  const none = h('p', { class: 'hint' }, t('No beat was found.'));
  const beats = h(
    'section',
    { class: 'beats-section', 'aria-label': t('Heart beats') },
    h('div', { class: 'section-head' }, h('h2', {}, t('Beats')), counts),
    none,
    list,
  );
  const panel = h('div', { class: 'project-echo', hidden: true }, now.element, beats);
  let ended = false;
  let measured: ProjectMeasurements | null = null;
  let stateShown = '';

  const curve = projectCurve({
    onSeek: events.seek,
    onMove: (beat, which, frame) => {
      void events.correct({ kind: 'moment', beat, which, frame }).then((taken) => {
        if (!taken && !ended) curve.forgetMoves();
      });
    },
    onAdd: events.ask,
    onRange: () => void refresh(),
  });
  curve.element.hidden = true;

  const accept = (beat: number, accepted: boolean): void => {
    void events.correct({ kind: 'accept', beat, accepted });
  };
  let listed = '';
  const showBeats = (): void => {
    const rows = beatRows(measured?.beats ?? []);
    none.hidden = rows.length > 0;
    setText(
      counts,
      measured
        ? t('{counted} counted, {left} not', {
            counted: measured.summary.beats,
            left: measured.summary.rejected,
          })
        : '',
    );
    const key = JSON.stringify(rows);
    if (key === listed) return;
    listed = key;
    // A row that is made anew keeps the focus of the one before.
    const focused = document.activeElement?.getAttribute('data-beat') ?? null;
    list.replaceChildren(
      ...rows.map(({ number, frame, accepted, ejectionFraction, words }) =>
        h(
          'li',
          { class: accepted ? '' : 'not-counted' },
          h(
            'button',
            {
              type: 'button',
              class: 'project-beat',
              title: t('Show its end-diastole'),
              disabled: frame === null,
              onclick: () => {
                if (frame !== null) events.seek(frame);
              },
            },
            icon(accepted ? 'tracking' : 'lost'),
            h('b', {}, t('Beat {number}', { number })),
            h('span', {}, ejectionFraction),
            h('small', {}, words),
          ),
          h(
            'button',
            {
              type: 'button',
              class: 'chip-button',
              'data-beat': number,
              'aria-label': accepted
                ? t('Reject beat {number}', { number })
                : t('Accept beat {number}', { number }),
              onclick: () => accept(number, !accepted),
            },
            accepted ? t('Reject') : t('Accept'),
          ),
        ),
      ),
    );
    if (focused !== null) list.querySelector<HTMLElement>(`[data-beat="${focused}"]`)?.focus();
  };
  const show = (): void => {
    curve.update(measured);
    showBeats();
    if (!measured) return;
    now.show(readoutOfRecording(measured), measured.calibrated);
    hand.hidden = !measured.summary.corrected;
  };

  let refreshing = false;
  let refreshAgain = false;
  /** One question at a time; what changes meanwhile is asked for afterwards, once. */
  const refresh = async (): Promise<void> => {
    refreshAgain = true;
    if (refreshing || panel.hidden) return;
    refreshing = true;
    while (refreshAgain && !ended) {
      refreshAgain = false;
      const next = await measurementsOf(id, curve.range).catch(() => null);
      if (ended || next === null || refreshAgain) continue;
      measured = next;
      show();
    }
    refreshing = false;
  };

  return {
    panel,
    curve: curve.element,
    update: (project) => {
      const { measuresHeart, corrections, upToDate, run, pair: chosen } = project;
      pair.update(project);
      panel.hidden = !measuresHeart;
      curve.element.hidden = !measuresHeart;
      const state = JSON.stringify([measuresHeart, corrections, upToDate, run, chosen]);
      if (state === stateShown) return;
      stateShown = state;
      if (measuresHeart) void refresh();
    },
    partnerChanged: () => void refresh(),
    showFrame: (frame, project) =>
      curve.showFrame(
        frame,
        Math.max(1, project?.pictures.frames ?? 1),
        project?.format?.framesPerSecond ?? usualFramesPerSecond,
      ),
    newBeatKey: (key) => curve.newBeatKey(key),
    end: () => {
      ended = true;
      curve.end();
    },
  };
}
