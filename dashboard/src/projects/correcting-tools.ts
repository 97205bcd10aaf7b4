/** The tools that correct what a model has found by itself: brush, eraser, points, and what belongs to each. Runs in the page. */
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { IconName } from '../app/icons.js';
import { shownKey } from '../core/keymap.js';
import type { Action } from '../core/keymap.js';
import type { BrushTool } from './contour-brush.js';
import type { ProjectStage } from './project-stage.js';

type CorrectingTool = BrushTool | 'look' | 'points';

const tools: readonly {
  readonly tool: CorrectingTool;
  readonly action: Action;
  readonly word: string;
  readonly icon: IconName;
}[] = [
  { tool: 'look', action: 'tool-look', word: 'Look', icon: 'look' },
  { tool: 'points', action: 'tool-points', word: 'Points', icon: 'points' },
  { tool: 'add', action: 'tool-include', word: 'Brush (+)', icon: 'include' },
  { tool: 'erase', action: 'tool-erase', word: 'Erase (−)', icon: 'erase' },
];

/** The tool that an action chooses, null where it chooses none. */
export function correctingToolOf(action: Action | null): CorrectingTool | null {
  return tools.find((one) => one.action === action)?.tool ?? null;
}

/** Radius of the brush, percent of the picture's width. */
const brushPercent = { least: 0.5, most: 6, step: 0.25 };
const pointsHint = 'Drag a point, or Tab and arrow keys. Double-click the line for another point.';

interface CorrectingTools {
  /** The tools themselves; and, for the lower edge of the picture, what is to be done with points. */
  readonly element: HTMLElement;
  readonly bar: HTMLElement;
  /** The tool of the stage, or the points on it, have changed. */
  update(): void;
}

export function correctingTools(
  stage: ProjectStage,
  choose: (tool: CorrectingTool) => void,
): CorrectingTools {
  const { points } = stage;
  const toolButtons = tools.map(({ tool, action, word, icon: name }) =>
    h(
      'button',
      {
        ...{ type: 'button', class: 'tool', role: 'radio', 'aria-checked': String(tool === 'look') },
        ...{ title: `${word} (${shownKey(action)})`, onclick: () => choose(tool) },
      },
      icon(name),
      word,
    ),
  );
  const size = h('input', {
    ...{ type: 'range', min: brushPercent.least, max: brushPercent.most, step: brushPercent.step },
    ...{ value: 100 * stage.brushShare, id: 'brush-size' },
  });
  size.addEventListener('input', () => {
    stage.brushShare = Number(size.value) / 100;
    stage.draw();
  });
  const brush = h(
    'div',
    { class: 'brush-size' },
    h('label', { for: 'brush-size' }, 'Size of the brush'),
    size,
  );

  const hint = h('p', { class: 'contour-hint', role: 'status' });
  const button = (
    text: string,
    title: string,
    act: () => void,
    kind = '',
    name?: IconName,
  ): HTMLButtonElement => {
    const made = h(
      'button',
      { type: 'button', class: `button ${kind}`.trim(), title, onclick: act },
      name && icon(name),
      text,
    );
    // The chosen point stays chosen.
    made.addEventListener('pointerdown', (event) => event.preventDefault());
    return made;
  };
  const take = button('Take outline', 'Enter', () => points.take(), 'primary', 'tracking');
  const leave = button('Leave', 'Esc', () => points.leave(), '', 'close');
  const more = button('Add point', 'Insert, or double-click the line', () => points.addAfterChosen());
  const fewer = button('Remove point', 'Delete', () => points.removeChosen());
  const bar = h('div', { class: 'contour-bar', hidden: true }, hint, more, fewer, leave, take);
  const element = h(
    'div',
    { class: 'project-brush', hidden: true },
    h(
      'div',
      { class: 'project-tools', role: 'radiogroup', 'aria-label': 'Correct the outline' },
      ...toolButtons,
    ),
    brush,
  );
  const update = (): void => {
    const { tool } = stage;
    toolButtons.forEach((one, index) =>
      one.setAttribute('aria-checked', String(tools[index]?.tool === tool)),
    );
    brush.hidden = tool !== 'add' && tool !== 'erase';
    const { changed, waiting } = points;
    bar.hidden = tool !== 'points' && waiting.length === 0;
    for (const one of [take, leave]) one.disabled = !changed;
    for (const one of [more, fewer]) one.disabled = points.line === null;
    const where = waiting.length === 0 ? '' : ` Not taken on picture ${waiting.join(', ')} either.`;
    setText(
      hint,
      changed
        ? `Not taken yet: Enter takes it, Esc leaves it.${where}`
        : waiting.length > 0
          ? `Not taken yet on picture ${waiting.join(', ')}.`
          : points.line === null
            ? 'Choose a structure with an outline on this picture.'
            : pointsHint,
    );
    hint.classList.toggle('not-taken', changed || waiting.length > 0);
  };
  return { element, bar, update };
}
