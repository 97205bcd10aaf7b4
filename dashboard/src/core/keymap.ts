/** Every key of the page in one table: read by the key handler, the help overlay and the tool hints. Pure. */
import { msg } from './texts.js';
import type { Text } from './texts.js';

/**
 * Keys: KeyboardEvent.key values, lower case; a leading `shift+`, `ctrl+` or `ctrl+shift+` asks for those keys too. Shown: as
 * written in the help, empty where another row speaks for it. Place: where alone it works, left out: wherever a picture is.
 */
type Row = readonly [keys: readonly string[], shown: string, meaning: Text | '', place?: Place];

/** Where keys work: a live room, a recording, the other views. */
export type Place = 'room' | 'recording' | 'page';

const groups = {
  Outlines: {
    overlay: [['o'], 'O', msg('Outlines on or off; in a room for every viewer')],
    fill: [['f'], 'F', msg('Fill: none, light, strong')],
    labels: [['l'], 'L', msg('Names beside outlines on or off')],
    slow: [['y'], 'Y', msg('When analysis is slow: automatic, every picture, steady outlines'), 'room'],
  },
  'Point at an object': {
    'tool-look': [['v'], 'V', msg('Look: select and move the picture')],
    'tool-include': [['a'], 'A', msg('Click what belongs to it (right button: what does not)')],
    'tool-exclude': [['x'], 'X', msg('Click what does not belong to it')],
    'tool-box': [['b'], 'B', msg('Draw a box around it')],
    'tool-scribble': [['s'], 'S', msg('Draw a stroke along it')],
    'tool-erase': [['e'], 'E', msg('Draw over what does not belong to it')],
    act: [
      ['enter'],
      'Enter',
      msg('Use the tool at the crosshair: click, start or end a box or stroke, set a corner (twice: close)'),
    ],
    'act-opposite': [['shift+enter'], 'Shift Enter', msg('Click the opposite (+ / −)')],
    cancel: [['escape'], 'Esc', msg('Give up the stroke or box, then the tool, then the selection')],
  },
  'Repair an outline': {
    'tool-brush': [
      ['q'],
      'Q',
      msg('Brush: paint over what belongs to it (right button: rub out)'),
      'recording',
    ],
    'tool-rub': [['shift+q'], 'Shift Q', msg('Rub out what does not belong to it'), 'recording'],
    'tool-polygon': [
      ['shift+d'],
      'Shift D',
      msg('Draw it corner after corner; double click or Enter closes it'),
      'recording',
    ],
    'tool-points': [
      ['d'],
      'D',
      msg('Drag the points of its outline (Enter takes it, Esc leaves it)'),
      'recording',
    ],
  },
  Objects: {
    'new-object': [['n'], 'N', msg('The next mark makes a new object')],
    undo: [['z', 'ctrl+z'], 'Z', msg('Take back what was done last')],
    redo: [
      ['shift+z', 'ctrl+shift+z', 'ctrl+y'],
      'Shift Z',
      msg('Do again what was taken back'),
      'recording',
    ],
    rename: [['r', 'f2'], 'R', msg('Rename the selected object')],
    remove: [
      ['delete', 'backspace'],
      'Delete',
      msg('Remove the selected object (in a room: press it twice); it can be taken back'),
    ],
    hide: [['i'], 'I', msg('Hide or show the selected object')],
    lock: [['shift+i'], 'Shift I', msg('Lock the selected object against changes, or unlock it')],
  },
  Echo: {
    hold: [['k'], 'K', msg('Hold the figures of the last beats with their pictures'), 'room'],
    held: [['m'], 'M', msg('Held measurements'), 'room'],
    'echo-view': [['w'], 'W', msg('Change the view: four-chamber or two-chamber'), 'room'],
  },
  Picture: {
    freeze: [[' '], 'Space', msg('Hold the picture on this screen; again: go on'), 'room'],
    caliper: [['shift+m'], 'Shift M', msg('Measure a distance on the held picture'), 'room'],
    ellipse: [
      ['shift+e'],
      'Shift E',
      msg('Measure an ellipse on the held picture: area and circumference'),
      'room',
    ],
    'zoom-in': [['+', '='], '+', msg('Zoom in')],
    'zoom-out': [['-', '_'], '−', msg('Zoom out')],
    fit: [['0'], '0', msg('Whole picture')],
    actual: [['t'], 'T', msg('True size: one picture pixel is one screen pixel')],
    left: [
      ['arrowleft', 'shift+arrowleft'],
      '← ↑ → ↓',
      msg(
        'Move the crosshair; with Look the picture, in a recording to the one before or after (Shift: far)',
      ),
    ],
    right: [['arrowright', 'shift+arrowright'], '', ''],
    up: [['arrowup', 'shift+arrowup'], '', ''],
    down: [['arrowdown', 'shift+arrowdown'], '', ''],
  },
  'Play a recording': {
    play: [[' '], 'Space', msg('Play or pause'), 'recording'],
    'step-back': [
      [',', 'shift+,', 'shift+<', 'shift+;'],
      ',',
      msg('One picture back (Shift: ten)'),
      'recording',
    ],
    'step-on': [['.', 'shift+.', 'shift+>', 'shift+:'], '.', msg('One picture on (Shift: ten)'), 'recording'],
    first: [['home'], 'Home', msg('First picture'), 'recording'],
    last: [['end'], 'End', msg('Last picture'), 'recording'],
    'play-back': [['j'], 'J', msg('Play backwards; again: faster'), 'recording'],
    'play-on': [['shift+j'], 'Shift J', msg('Play forwards; again: faster'), 'recording'],
    uncertain: [
      ['u'],
      'U',
      msg('Next picture with an uncertain outline, lowest confidence first'),
      'recording',
    ],
    track: [['ctrl+enter'], 'Ctrl Enter', msg('Track all objects both ways'), 'recording'],
  },
  Page: {
    panel: [['p'], 'P', msg('Side panel on or off')],
    fullscreen: [['h'], 'H', msg('Full screen')],
    source: [['shift+c'], 'Shift C', msg('Choose the source'), 'room'],
    rooms: [['g'], 'G', msg('Grid of all rooms')],
    settings: [['ctrl+,'], 'Ctrl ,', msg('Settings')],
    help: [['?'], '?', msg('This list')],
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Row>>>>;

type Group = keyof typeof groups;

export const groupNames: Readonly<Record<Group, Text>> = {
  Outlines: msg('Outlines'),
  'Point at an object': msg('Point at an object'),
  'Repair an outline': msg('Repair an outline'),
  Objects: msg('Objects'),
  Echo: msg('Echo'),
  Picture: msg('Picture'),
  'Play a recording': msg('Play a recording'),
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
  readonly place: Place | null;
}

export const keymap: readonly Binding[] = (Object.keys(groups) as Group[]).flatMap((group) =>
  (Object.entries(groups[group]) as [Action, Row][]).map(
    ([action, [keys, shown, meaning, place = null]]) => ({ action, keys, shown, meaning, group, place }),
  ),
);

/** Outside rooms and recordings. */
const pageActions: readonly Action[] = ['settings', 'help'];

export function worksIn({ action, place }: Pick<Binding, 'action' | 'place'>, here: Place): boolean {
  return here === 'page' ? pageActions.includes(action) : place === null || place === here;
}

/** What a key press means, null: nothing. `here`: the same key may mean another thing elsewhere; null: anywhere. `pedalCode`: KeyboardEvent.code of a foot pedal. Digits select objects and are not here. */
export function actionOf(
  press: KeyPress,
  pedalCode: string | null,
  here: Place | null = null,
): Action | null {
  if (pedalCode !== null && press.code === pedalCode) return 'overlay';
  if (press.altKey) return null;
  const key = press.key.toLowerCase();
  const control = press.ctrlKey || press.metaKey;
  // What works here goes first; of the rest a view says where it works.
  const own = here === null ? [] : keymap.filter((binding) => worksIn(binding, here));
  for (const { action, keys } of [...own, ...keymap])
    for (const candidate of keys) {
      if (candidate === `ctrl+${press.shiftKey ? 'shift+' : ''}${key}` && control) return action;
      if (control) continue;
      if (candidate === `shift+${key}` && press.shiftKey) return action;
      // The characters ? + _ need Shift on many keyboards; letters do not ask for it.
      if (candidate === key && (!press.shiftKey || /^[?+_=-]$/.test(key))) return action;
    }
  return null;
}

export function shownKey(action: Action): string {
  return keymap.find((binding) => binding.action === action)?.shown ?? '';
}
