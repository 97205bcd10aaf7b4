/**
 * Adding a beat on the curve: three pictures, chosen on the curve or with the picture itself. Where the server refuses it, its reason
 * stands here, and another picture can be chosen. Runs in the page.
 */
import type { Correction } from '../../../src/protocol/project-requests.js';
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import { correctionOf, newBeatSteps, nextMomentOf, withMoment } from '../core/new-beat.js';
import type { NewBeat } from '../core/new-beat.js';
import { sentenceCase } from '../core/echo-readout.js';
import { shownKey } from '../core/keymap.js';
import { t } from '../core/texts.js';

interface NewBeatEvents {
  /** Resolves to null when the server has taken it, else to the sentence of its refusal. */
  readonly onAdd: (correction: Correction) => Promise<string | null>;
  /** It begins, goes on or ends: moments are to be drawn. */
  readonly onChange: () => void;
  /** The picture that is shown. */
  readonly frame: () => number;
}

interface NewBeatBar {
  /** Where it begins, and what is to be done meanwhile. */
  readonly button: HTMLElement;
  readonly element: HTMLElement;
  readonly active: boolean;
  /** Pictures of the moments so far. */
  readonly beat: NewBeat;
  /** Takes the picture as the next moment. */
  choose(frame: number): void;
  /** Takes back the last moment, or ends it where there is none. */
  back(): void;
  cancel(): void;
}

export function newBeatBar(events: NewBeatEvents): NewBeatBar {
  let beat: NewBeat = [];
  let active = false;
  let asking = false;
  const button = h(
    'button',
    {
      type: 'button',
      class: 'chip-button',
      title: t('Add a beat that was not found'),
      onclick: () => begin(),
    },
    icon('plus'),
    t('Add a beat'),
  );
  const words = h('p', { role: 'status' });
  const refused = h('p', { class: 'refused', role: 'alert', hidden: true });
  const hereText = h('span', {});
  const here = h(
    'button',
    { type: 'button', class: 'button primary', title: 'Enter', onclick: () => choose(events.frame()) },
    icon('tracking'),
    hereText,
  );
  const backButton = h(
    'button',
    {
      type: 'button',
      class: 'button',
      title: t('Take back the last one ({key})', { key: shownKey('undo') }),
      onclick: () => back(),
    },
    icon('undo'),
    t('Back'),
  );
  const cancelButton = h(
    'button',
    { type: 'button', class: 'button', title: 'Esc', onclick: () => cancel() },
    icon('close'),
    t('Leave'),
  );
  const element = h(
    'div',
    { class: 'new-beat', role: 'group', 'aria-label': t('New beat'), hidden: true },
    h('div', {}, words, refused),
    cancelButton,
    backButton,
    here,
  );
  // Keys go on stepping the picture, whatever is pressed here.
  for (const one of [here, backButton, cancelButton, button])
    one.addEventListener('pointerdown', (event) => event.preventDefault());

  const show = (): void => {
    const next = nextMomentOf(beat);
    element.hidden = !active;
    button.disabled = active;
    backButton.disabled = asking || beat.length === 0;
    here.disabled = asking || next === null;
    setText(
      words,
      next === null
        ? t('The beat is measured …')
        : t('{n} of {all}: {next}. Press on the curve, or go to its picture and press Enter.', {
            ...{ n: beat.length + 1, all: newBeatSteps, next },
          }),
    );
    setText(hereText, next === null ? t('Measuring') : t('{moment} here', { moment: sentenceCase(next) }));
    events.onChange();
  };
  const say = (sentence: string | null): void => {
    refused.hidden = sentence === null;
    setText(refused, sentence ?? '');
  };
  const begin = (): void => {
    active = true;
    beat = [];
    say(null);
    show();
  };
  const cancel = (): void => {
    if (asking) return;
    active = false;
    beat = [];
    show();
  };
  const back = (): void => {
    if (asking) return;
    if (beat.length === 0) {
      cancel();
      return;
    }
    beat = beat.slice(0, -1);
    say(null);
    show();
  };
  const choose = (frame: number): void => {
    if (!active || asking) return;
    const next = withMoment(beat, frame);
    if (typeof next === 'string') {
      say(next);
      return;
    }
    beat = next;
    say(null);
    const correction = correctionOf(beat);
    if (correction !== null) {
      asking = true;
      void events.onAdd(correction).then((problem) => {
        asking = false;
        if (problem === null) cancel();
        else {
          // The last picture is chosen again; those before can be taken back.
          beat = beat.slice(0, -1);
          say(problem);
          show();
        }
      });
    }
    show();
  };
  return {
    button,
    element,
    get active() {
      return active;
    },
    get beat() {
      return beat;
    },
    ...{ choose, back, cancel },
  };
}
