/** What belongs to the tools that draw an outline by hand: the size of the brush, and what is to be done with points. Runs in the page. */
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { IconName } from '../app/icons.js';
import type { ProjectStage } from './project-stage.js';
import { msg, say, t } from '../core/texts.js';

/** Radius of the brush, percent of the picture's width. */
const brushPercent = { least: 0.5, most: 6, step: 0.25 };
const pointsHint = msg('Drag a point, or Tab and arrow keys. Double-click the line for another point.');

interface CorrectingTools {
  /** The size of the brush; and, for the lower edge of the picture, what is to be done with points. */
  readonly element: HTMLElement;
  readonly bar: HTMLElement;
  /** The tool of the stage, or the points on it, have changed. */
  update(): void;
}

export function correctingTools(stage: ProjectStage): CorrectingTools {
  const { points } = stage;
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
    { class: 'brush-size', hidden: true },
    h('label', { for: 'brush-size' }, t('Size of the brush')),
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
  const take = button(t('Take outline'), 'Enter', () => points.take(), 'primary', 'tracking');
  const leave = button(t('Leave'), 'Esc', () => points.leave(), '', 'close');
  const more = button(t('Add point'), t('Insert, or double-click the line'), () => points.addAfterChosen());
  const fewer = button(t('Remove point'), 'Delete', () => points.removeChosen());
  const bar = h('div', { class: 'contour-bar', hidden: true }, hint, more, fewer, leave, take);
  const update = (): void => {
    const tool = stage.pointing.tool.value;
    brush.hidden = tool !== 'brush' && tool !== 'rub';
    const { changed, waiting } = points;
    bar.hidden = tool !== 'points' && waiting.length === 0;
    for (const one of [take, leave]) one.disabled = !changed;
    for (const one of [more, fewer]) one.disabled = points.line === null;
    const where =
      waiting.length === 0 ? '' : t('Not taken yet on picture {pictures}.', { pictures: waiting.join(', ') });
    setText(
      hint,
      changed
        ? [t('Not taken yet: Enter takes it, Esc leaves it.'), where].join(' ').trim()
        : waiting.length > 0
          ? where
          : points.line === null
            ? t('Choose a structure with an outline on this picture.')
            : say(pointsHint),
    );
    hint.classList.toggle('not-taken', changed || waiting.length > 0);
  };
  return { element: brush, bar, update };
}
