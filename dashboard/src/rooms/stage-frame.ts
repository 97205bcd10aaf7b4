/**
 * What stands around the picture of a room, so that nothing lies on it: above it what is to know (age, notices, held), below it what
 * can be done (hold, measure, window and level, zoom, player). A machine writes numbers into its picture; none may be covered.
 */
import './stage-frame.css';
import { scales } from '../core/ruler.js';
import type { Calibration } from '../../../src/vocabulary/calibration.js';
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import { Signal } from '../app/signal.js';
import type { Disposer } from '../app/signal.js';
import type { HandKind } from '../core/hand-measures.js';
import { shownKey } from '../core/keymap.js';
import type { Action } from '../core/keymap.js';
import { t } from '../core/texts.js';
import { scaleBar, scaleBarText } from '../core/measure-words.js';
import { isPlain, plainTone, toneWithin } from '../core/tone.js';
import { place } from '../core/viewport.js';
import type { Placement } from '../core/viewport.js';
import { HandTools } from './hand-tools.js';
import type { LivePicture } from './live-picture.js';

const heldEveryMs = 200;
/** Longest scale bar, rem. */
const barRem = 8;

interface StageFrame {
  readonly element: HTMLElement;
  /** Below the picture, for a player. */
  readonly foot: HTMLElement;
  /** For answers while the panel is closed. */
  readonly tools: HTMLElement;
  /** Holds the picture of this screen, or lets it go. */
  readonly hold: () => void;
  /** Takes a measuring tool in hand, or puts it away. */
  readonly measure: (kind: HandKind, byKey: boolean) => void;
  /** Puts the measuring tool away; false: there was none in hand. */
  readonly putAway: () => boolean;
}

export function stageFrame(
  live: LivePicture,
  stage: HTMLElement,
  parts: {
    /** Of the room, as people call it. */
    readonly name: Signal<string>;
    readonly head: readonly HTMLElement[];
    readonly zoom: HTMLElement;
    readonly calibration: Signal<Calibration>;
    readonly perform: (action: Action) => void;
  },
  disposer: Disposer,
): StageFrame {
  const { perform, calibration } = parts;
  const tool = new Signal<HandKind | null>(null);
  const placement = (): Placement | null => {
    const size = live.pictureSize.value;
    if (!size) return null;
    const { left, top, scale } = place(live.view.value, size, live.stageSize.value);
    const ratio = live.pixelRatio;
    return { left: left / ratio, top: top / ratio, scale: scale / ratio };
  };
  const hand = new HandTools(
    { placement, size: () => live.pictureSize.value, calibration: () => calibration.value },
    tool,
  );
  stage.append(hand.layer);

  // ------------------------------------------------------------------------------------------ above
  const since = h('span', {});
  const held = h(
    'div',
    { class: 'held-now', role: 'status', hidden: true },
    h('strong', {}, t('HELD')),
    since,
    h('button', { type: 'button', class: 'chip-button', onclick: () => hold() }, t('Go on')),
  );
  const changed = h(
    'button',
    { type: 'button', class: 'chip-button tone-changed', hidden: true, onclick: () => resetTone() },
    h('span', {}),
  );
  const name = h('p', { class: 'stage-name' });
  disposer.add(parts.name.watch((text) => setText(name, text)));
  const played = h(
    'p',
    { class: 'played', hidden: true },
    t('A recording that is played: to look at and to measure'),
  );
  disposer.add(live.played.watch((on) => (played.hidden = !on)));
  const head = h(
    'div',
    { class: 'stage-head' },
    h('p', { class: 'research' }, t('Research use only')),
    name,
    played,
    held,
    changed,
    ...parts.head,
    // In a place that is there before: a picture that moved under the hand would be measured wrongly.
    hand.list,
  );

  // ------------------------------------------------------------------------------------------ below
  const button = (text: string, action: Action, onclick: (event: MouseEvent) => void): HTMLButtonElement =>
    h(
      'button',
      {
        type: 'button',
        class: 'button quiet',
        'data-action': action,
        title: `${text} (${shownKey(action)})`,
        onclick,
      },
      text,
    );
  const holdButton = button(t('Hold'), 'freeze', () => perform('freeze'));
  const kinds: readonly (readonly [HandKind, HTMLButtonElement])[] = [
    // A press by key has no place: the measure then begins in the middle.
    ['distance', button(t('Distance'), 'caliper', (event) => measure('distance', event.detail === 0))],
    ['ellipse', button(t('Ellipse'), 'ellipse', (event) => measure('ellipse', event.detail === 0))],
  ];
  const slider = (name: string, part: 'window' | 'level', min: number): HTMLInputElement => {
    const input = h('input', { type: 'range', min, max: 255, step: 1, 'aria-label': name });
    input.addEventListener('input', () => {
      live.tone.value = toneWithin({ ...live.tone.value, [part]: Number(input.value) });
    });
    input.addEventListener('dblclick', () => resetTone());
    disposer.add(live.tone.watch((tone) => (input.value = String(Math.round(tone[part])))));
    return input;
  };
  const sliders = h(
    'div',
    { class: 'tone', hidden: true, role: 'group', 'aria-label': t('Brightness of this screen') },
    h('label', {}, t('Window'), slider(t('Window'), 'window', 16)),
    h('label', {}, t('Level'), slider(t('Level'), 'level', 8)),
    h('button', { type: 'button', class: 'chip-button', onclick: () => resetTone() }, t('As it came')),
  );
  const toneButton = h(
    'button',
    {
      type: 'button',
      class: 'button quiet',
      'aria-expanded': 'false',
      title: t('Window and level of the picture on this screen'),
      onclick: () => {
        sliders.hidden = !sliders.hidden;
        toneButton.setAttribute('aria-expanded', String(!sliders.hidden));
      },
    },
    icon('settings'),
    t('Brightness'),
  );
  const barLine = h('span', { class: 'scale-line', 'aria-hidden': 'true' });
  const barText = h('span', {});
  const bar = h('div', { class: 'scale-bar', role: 'img', hidden: true }, barLine, barText);
  const tools = h(
    'div',
    { class: 'stage-tools' },
    holdButton,
    ...kinds.map(([, one]) => one),
    toneButton,
    bar,
    parts.zoom,
  );
  const foot = h('div', { class: 'stage-foot' }, sliders, tools);
  const element = h('div', { class: 'stage-frame' }, head, stage, foot);

  // ------------------------------------------------------------------------------------------ acts
  const resetTone = (): void => {
    live.tone.value = plainTone;
  };
  const hold = (): void => live.hold(live.heldSinceMs.value === null);
  const measure = (kind: HandKind, byKey: boolean): void => {
    const away = tool.value === kind && !byKey;
    tool.value = away ? null : kind;
    if (away) return;
    // On a picture that moves a length would be of nothing.
    if (live.heldSinceMs.value === null) live.hold(true);
    if (byKey) hand.place(kind);
  };

  disposer.add(
    tool.watch((kind) => {
      for (const [name, one] of kinds) one.setAttribute('aria-pressed', String(name === kind));
    }),
  );
  disposer.add(
    live.heldSinceMs.watch((sinceMs) => {
      held.hidden = sinceMs === null;
      element.classList.toggle('is-held', sinceMs !== null);
      holdButton.setAttribute('aria-pressed', String(sinceMs !== null));
      setText(holdButton, sinceMs === null ? t('Hold') : t('Go on'));
      if (sinceMs !== null) return;
      tool.value = null;
      hand.clear();
    }),
  );
  disposer.every(heldEveryMs, () => {
    const sinceMs = live.heldSinceMs.value;
    if (sinceMs !== null)
      setText(since, t('for {n} s', { n: Math.floor((performance.now() - sinceMs) / 1000) }));
  });
  disposer.add(
    live.tone.watch((tone) => {
      changed.hidden = isPlain(tone);
      const text = changed.querySelector('span');
      if (text)
        setText(
          text,
          t('Brightness changed on this screen: window {window}, level {level}', {
            window: Math.round(tone.window),
            level: Math.round(tone.level),
          }),
        );
      changed.title = t('Show the picture as it came');
    }),
  );
  const redraw = (): void => {
    hand.draw();
    const size = live.pictureSize.value;
    const at = placement();
    const [scale] = size ? scales(calibration.value, size) : [];
    const most = barRem * parseFloat(getComputedStyle(document.documentElement).fontSize);
    const shown = at && scale ? scaleBar(at.scale / scale.spacingMm.x, most) : null;
    bar.hidden = shown === null;
    if (!shown) return;
    barLine.style.inlineSize = `${shown.px}px`;
    setText(barText, scaleBarText(shown.mm));
    bar.setAttribute(
      'aria-label',
      t('Scale: this line is {length} long in the picture', { length: scaleBarText(shown.mm) }),
    );
  };
  for (const signal of [live.view, live.stageSize, live.pictureSize, calibration])
    disposer.add(signal.watch(redraw));
  return {
    ...{ element, foot, tools, hold, measure },
    putAway: () => {
      const had = tool.value !== null;
      tool.value = null;
      return had;
    },
  };
}
