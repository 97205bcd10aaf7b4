/** Every key of the page in one table: read by the key handler, the help overlay and the tool hints. Pure. */
import { msg } from './texts.js';
import type { Text } from './texts.js';

/**
 * Keys: KeyboardEvent.key values, lower case; a leading `shift+` or `ctrl+` asks for that key too. Shown: as written in
 * the help, empty where another row speaks for it.
 */
type Row = readonly [keys: readonly string[], shown: string, meaning: Text | ''];

const groups = {
  Outlines: {
    overlay: [['o'], 'O', msg('Outlines on or off, for every viewer')],
    fill: [['f'], 'F', msg('Fill: none, light, strong')],
    labels: [['l'], 'L', msg('Names beside outlines on or off')],
    slow: [['y'], 'Y', msg('When analysis is slow: automatic, every picture, steady outlines')],
  },
  'Point at an object': {
    'tool-look': [['v'], 'V', msg('Look: select and move the picture')],
    'tool-include': [['a'], 'A', msg('Click what belongs to it (right button: what does not)')],
    'tool-exclude': [['x'], 'X', msg('Click what does not belong to it')],
    'tool-box': [['b'], 'B', msg('Draw a box around it')],
    'tool-scribble': [['s'], 'S', msg('Draw a stroke along it')],
    'tool-erase': [['e'], 'E', msg('Draw over what does not belong to it')],
    act: [['enter'], 'Enter', msg('Use the tool at the crosshair: click, start or end a box or stroke')],
    'act-opposite': [['shift+enter'], 'Shift Enter', msg('Click the opposite (+ / −)')],
    cancel: [['escape'], 'Esc', msg('Give up the stroke or box; close what is open')],
  },
  Objects: {
    'new-object': [['n'], 'N', msg('The next mark makes a new object')],
    undo: [['z', 'ctrl+z'], 'Z', msg('Take back the last mark')],
    rename: [['r', 'f2'], 'R', msg('Rename the selected object')],
    remove: [['delete', 'backspace'], 'Delete', msg('Remove the selected object')],
  },
  Echo: {
    hold: [['k'], 'K', msg('Hold the figures of the last beats with their pictures')],
    'tool-points': [
      ['d'],
      'D',
      msg('In a recording: drag the points of an outline (Enter takes it, Esc leaves it)'),
    ],
    held: [['m'], 'M', msg('Held measurements')],
    'echo-view': [['w'], 'W', msg('Change the view: four-chamber or two-chamber')],
  },
  Picture: {
    freeze: [[' '], 'Space', msg('Hold the picture on this screen; again: go on')],
    caliper: [['shift+m'], 'Shift M', msg('Measure a distance on the held picture')],
    ellipse: [['shift+e'], 'Shift E', msg('Measure an ellipse on the held picture: area and circumference')],
    'zoom-in': [['+', '='], '+', msg('Zoom in')],
    'zoom-out': [['-', '_'], '−', msg('Zoom out')],
    fit: [['0'], '0', msg('Whole picture')],
    actual: [['t'], 'T', msg('True size: one picture pixel is one screen pixel')],
    left: [
      ['arrowleft', 'shift+arrowleft'],
      '← ↑ → ↓',
      msg('Move the crosshair, or the picture with Look (Shift: far)'),
    ],
    right: [['arrowright', 'shift+arrowright'], '', ''],
    up: [['arrowup', 'shift+arrowup'], '', ''],
    down: [['arrowdown', 'shift+arrowdown'], '', ''],
  },
  Page: {
    panel: [['p'], 'P', msg('Side panel on or off')],
    fullscreen: [['h'], 'H', msg('Full screen')],
    source: [['c'], 'C', msg('Choose the source')],
    rooms: [['g'], 'G', msg('Grid of all rooms')],
    settings: [[','], ',', msg('Settings')],
    help: [['?'], '?', msg('This list')],
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Row>>>>;

type Group = keyof typeof groups;

export const groupNames: Readonly<Record<Group, Text>> = {
  Outlines: msg('Outlines'),
  'Point at an object': msg('Point at an object'),
  Objects: msg('Objects'),
  Echo: msg('Echo'),
  Picture: msg('Picture'),
  Page: msg('Page'),
};

export type Action = { [Name in Group]: keyof (typeof groups)[Name] }[Group];

export interface KeyPress {
  readonly key: string;
  readonly code: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

interface Binding {
  readonly action: Action;
  readonly keys: readonly string[];
  readonly shown: string;
  readonly meaning: Text | '';
  readonly group: Group;
}

export const keymap: readonly Binding[] = (Object.keys(groups) as Group[]).flatMap((group) =>
  (Object.entries(groups[group]) as [Action, Row][]).map(([action, [keys, shown, meaning]]) => ({
    action,
    keys,
    shown,
    meaning,
    group,
  })),
);

/** What a key press means, null: nothing. `pedalCode`: KeyboardEvent.code of a foot pedal. Digits select objects and are not here. */
export function actionOf(press: KeyPress, pedalCode: string | null): Action | null {
  if (pedalCode !== null && press.code === pedalCode) return 'overlay';
  if (press.altKey) return null;
  const key = press.key.toLowerCase();
  const control = press.ctrlKey || press.metaKey;
  for (const { action, keys } of keymap)
    for (const candidate of keys) {
      if (candidate === `ctrl+${key}` && control) return action;
      if (control) continue;
      if (candidate === `shift+${key}` && press.shiftKey) return action;
      // The characters ? + _ need Shift on many keyboards; letters do not ask for it.
      if (candidate === key && (!press.shiftKey || /^[?+_=,-]$/.test(key))) return action;
    }
  return null;
}

export function shownKey(action: Action): string {
  return keymap.find((binding) => binding.action === action)?.shown ?? '';
}
