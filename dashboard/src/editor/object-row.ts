/**
 * One object in the list beside a picture, in a room and in a recording: small picture, colour and number, name, state in words,
 * confidence, and what can be done with it. Runs in the page.
 */
import './object-row.css';
import { isShown, promptLimits } from '../../../src/vocabulary/prompt.js';
import type { ObjectState } from '../../../src/vocabulary/prompt.js';
import { h, setText } from '../app/dom.js';
import { sentenceOf } from '../app/toast.js';
import { icon, iconButton } from '../app/icons.js';
import type { IconName } from '../app/icons.js';
import { say, t } from '../core/texts.js';
import { stateWords } from '../core/wording.js';

interface RowActions {
  readonly select: () => void;
  /** May reject with the reason why not. */
  readonly rename: (name: string) => unknown;
  readonly remove: () => void;
  /** Takes back what was done to this object last; null: only the last change of all can be taken back. */
  readonly undo: (() => void) | null;
  readonly hide: (hidden: boolean) => void;
  readonly lock: (locked: boolean) => void;
}

interface ShownObject {
  readonly number: number;
  /** `#rrggbb` */
  readonly colour: string;
  readonly name: string;
  /** On the picture that is shown; null: it has no outline there. */
  readonly state: ObjectState | null;
  /** 0 … 1 */
  readonly confidence: number;
  /** In place of the state: what a person should know of this outline, else empty. */
  readonly remark: string;
  readonly selected: boolean;
  readonly hidden: boolean;
  readonly locked: boolean;
  /** It can be named, corrected and removed. */
  readonly editable: boolean;
  /** What undo takes back of it; null: nothing; absent: it is not known. */
  readonly undoSays?: string | null | undefined;
}

interface ObjectRow {
  readonly element: HTMLElement;
  /** A small picture of the object: the newest that was seen. */
  readonly thumbnail: HTMLCanvasElement;
  readonly update: (object: ShownObject) => void;
  readonly startRename: () => void;
}

/** CSS pixels of the small picture, and its pixels. */
const thumbnailPx = { width: 96, height: 72 };

export function objectRow(actions: RowActions, data: Readonly<Record<string, string | number>>): ObjectRow {
  const name = h('span', { class: 'object-name' });
  const stateIcon = h('span', { class: 'state-icon', 'aria-hidden': 'true' });
  const stateWord = h('span', { class: 'state-word' });
  const percent = h('span', { class: 'object-percent' });
  const bar = h('span', { class: 'bar-fill' });
  const thumbnail = h('canvas', { class: 'thumbnail', ...thumbnailPx, hidden: true, 'aria-hidden': 'true' });
  const score = h(
    'span',
    { class: 'object-score' },
    thumbnail,
    percent,
    h('span', { class: 'bar', 'aria-hidden': 'true' }, bar),
  );
  const swatch = h('span', { class: 'swatch', 'aria-hidden': 'true' });
  const field = h('input', {
    class: 'rename-field',
    type: 'text',
    maxlength: promptLimits.labelCharacters,
    'aria-label': t('New name'),
    hidden: true,
  });
  const problem = h('p', { class: 'field-error rename-problem', role: 'alert', hidden: true });
  const select = h(
    'button',
    { type: 'button', class: 'object-select', onclick: actions.select },
    swatch,
    h('span', { class: 'object-text' }, name, h('span', { class: 'object-state' }, stateIcon, stateWord)),
    score,
  );
  const toggle = (onclick: () => void): HTMLButtonElement => iconButton('show', '', onclick, null);
  const hide = toggle(() => actions.hide(hide.getAttribute('aria-pressed') !== 'true'));
  const lock = toggle(() => actions.lock(lock.getAttribute('aria-pressed') !== 'true'));
  const tool = (label: string, symbol: IconName, onclick: () => void): HTMLButtonElement =>
    h('button', { type: 'button', class: 'chip-button', onclick }, icon(symbol), label);
  const undoTool = actions.undo && tool(t('Undo'), 'undo', actions.undo);
  const tools = h(
    'div',
    { class: 'object-tools', hidden: true },
    tool(t('Rename'), 'rename', () => startRename()),
    tool(t('Remove'), 'remove', actions.remove),
    undoTool,
  );
  const element = h(
    'li',
    { class: 'object', ...data },
    h('div', { class: 'object-head' }, select, field, h('div', { class: 'object-toggles' }, hide, lock)),
    problem,
    tools,
  );
  const close = (): void => {
    const had = field === document.activeElement;
    field.hidden = true;
    problem.hidden = true;
    select.hidden = false;
    if (had) select.focus();
  };
  /** A name that is refused stays in its field, with the reason: what is typed on belongs there, and is no shortcut. */
  const endRename = async (keep: boolean): Promise<void> => {
    if (field.hidden) return;
    const label = field.value.trim();
    try {
      if (keep && label !== '' && label !== name.textContent) await actions.rename(label);
      close();
    } catch (error) {
      setText(problem, sentenceOf(error));
      problem.hidden = false;
      field.setAttribute('aria-invalid', 'true');
    }
  };
  const startRename = (): void => {
    problem.hidden = true;
    field.removeAttribute('aria-invalid');
    field.value = name.textContent ?? '';
    field.hidden = false;
    select.hidden = true;
    field.focus();
    field.select();
  };
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') void endRename(true);
    else if (event.key === 'Escape') void endRename(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  field.addEventListener('blur', () => void endRename(true));
  const showToggle = (button: HTMLButtonElement, on: boolean, symbol: IconName, label: string): void => {
    if (button.title === label) return;
    button.setAttribute('aria-pressed', String(on));
    button.setAttribute('aria-label', label);
    button.title = label;
    button.replaceChildren(icon(symbol));
  };
  let drawn: ObjectState | null | undefined;
  return {
    element,
    thumbnail,
    startRename,
    update: (object) => {
      const { number, colour, state, confidence, remark, selected, hidden, locked } = object;
      const named = { name: object.name };
      if (undoTool?.lastChild) {
        const says = object.undoSays ?? t('Undo');
        if (undoTool.lastChild.nodeValue !== says) undoTool.lastChild.nodeValue = says;
        undoTool.hidden = object.undoSays === null;
        undoTool.classList.toggle('wide', typeof object.undoSays === 'string');
      }
      setText(name, object.name);
      setText(swatch, String(number));
      swatch.style.setProperty('--paint', colour);
      percent.hidden = state === null;
      score.classList.toggle('none', state === null);
      setText(percent, `${Math.round(confidence * 100)} %`);
      bar.style.inlineSize = `${Math.round(confidence * 100)}%`;
      if (drawn !== state) {
        drawn = state;
        element.dataset['state'] = state ?? 'none';
        stateIcon.replaceChildren(state === null ? '' : icon(state));
        select.title = state === null ? '' : say(stateWords[state].meaning);
      }
      const word = state === null ? t('No outline here') : say(stateWords[state].word);
      setText(stateWord, remark === '' ? word : remark);
      thumbnail.hidden = thumbnail.dataset['drawn'] === undefined || hidden;
      element.classList.toggle('not-shown', hidden);
      showToggle(
        hide,
        hidden,
        hidden ? 'hide' : 'show',
        hidden ? t('Show {name}', named) : t('Hide {name}', named),
      );
      showToggle(
        lock,
        locked,
        locked ? 'lock' : 'unlock',
        locked ? t('Unlock {name}', named) : t('Lock {name}', named),
      );
      lock.hidden = !object.editable;
      const chosen = selected && !element.classList.contains('selected');
      element.classList.toggle('selected', selected);
      select.setAttribute('aria-pressed', String(selected));
      tools.hidden = !selected || !object.editable;
      if (chosen) element.scrollIntoView({ block: 'nearest' });
    },
  };
}

/** Pixels around an object that its small picture shows too, as a share of the object. */
const around = 0.2;

/**
 * Draws the part of `image` (pixels) around an object, undistorted. `outline`: drawn over it, in the pixels of the image.
 * Nothing happens where the object lies outside the image.
 */
export function drawThumbnail(
  canvas: HTMLCanvasElement | null,
  image: CanvasImageSource & { readonly width: number; readonly height: number },
  box: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number },
  outline: { readonly path: Path2D; readonly colour: string } | null,
): void {
  const context = canvas?.getContext('2d');
  const [width, height] = [box.right - box.left, box.bottom - box.top];
  if (!canvas || !context || !(width > 0 && height > 0)) return;
  const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  if (x < 0 || y < 0 || x > image.width || y > image.height) return;
  const scale = Math.min(canvas.width / width, canvas.height / height) / (1 + 2 * around);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = '#000';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.setTransform(scale, 0, 0, scale, canvas.width / 2 - x * scale, canvas.height / 2 - y * scale);
  context.drawImage(image, 0, 0);
  if (outline) {
    context.strokeStyle = outline.colour;
    context.lineWidth = 3 / scale;
    context.stroke(outline.path);
  }
  canvas.dataset['drawn'] = '';
  canvas.hidden = false;
}

/** Whether a small picture can be made of an object in this state. */
export const hasThumbnail = (state: ObjectState | null): boolean => state !== null && isShown(state);
