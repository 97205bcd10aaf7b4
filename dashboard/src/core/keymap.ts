/** Every key of the page in one table: read by the key handler, the help overlay and the tool hints. Pure. */

/**
 * Keys: KeyboardEvent.key values, lower case; a leading `shift+`, `ctrl+` or `ctrl+shift+` asks for those keys too. Shown: as
 * written in the help, empty where another row speaks for it. Place: where alone it works, left out: wherever a picture is.
 */
type Row = readonly [keys: readonly string[], shown: string, meaning: string, place?: Place];

/** Where keys work: a live room, a recording, the other views. */
export type Place = 'room' | 'recording' | 'page';

const groups = {
  Outlines: {
    overlay: [['o'], 'O', 'Outlines on or off; in a room for every viewer'],
    fill: [['f'], 'F', 'Fill: none, light, strong'],
    labels: [['l'], 'L', 'Names beside outlines on or off'],
    slow: [['y'], 'Y', 'When analysis is slow: automatic, every picture, steady outlines', 'room'],
  },
  'Point at an object': {
    'tool-look': [['v'], 'V', 'Look: select and move the picture'],
    'tool-include': [['a'], 'A', 'Click what belongs to it (right button: what does not)'],
    'tool-exclude': [['x'], 'X', 'Click what does not belong to it'],
    'tool-box': [['b'], 'B', 'Draw a box around it'],
    'tool-scribble': [['s'], 'S', 'Draw a stroke along it'],
    'tool-erase': [['e'], 'E', 'Stroke over what does not belong to it'],
    act: [
      ['enter'],
      'Enter',
      'Use the tool at the crosshair: click, start or end a box or stroke, set a corner (twice: close)',
    ],
    'act-opposite': [['shift+enter'], 'Shift Enter', 'Click the opposite (+ / −)'],
    cancel: [['escape'], 'Esc', 'Give up the stroke or box, close what is open'],
  },
  'Repair an outline': {
    'tool-brush': [['q'], 'Q', 'Brush: paint over what belongs to it (right button: rub out)', 'recording'],
    'tool-rub': [['shift+q'], 'Shift Q', 'Rub out what does not belong to it', 'recording'],
    'tool-polygon': [
      ['shift+d'],
      'Shift D',
      'Draw it corner after corner; double click or Enter closes it',
      'recording',
    ],
    'tool-points': [
      ['d'],
      'D',
      'Drag the points of its outline (Enter takes it, Esc leaves it)',
      'recording',
    ],
  },
  Objects: {
    'new-object': [['n'], 'N', 'The next prompt makes a new object'],
    undo: [['z', 'ctrl+z'], 'Z', 'Take back what was done last'],
    redo: [['shift+z', 'ctrl+shift+z', 'ctrl+y'], 'Shift Z', 'Do again what was taken back', 'recording'],
    rename: [['r', 'f2'], 'R', 'Rename the selected object'],
    remove: [['delete', 'backspace'], 'Delete', 'Remove the selected object'],
    hide: [['i'], 'I', 'Hide or show the selected object'],
    lock: [['shift+i'], 'Shift I', 'Lock the selected object against changes, or unlock it'],
  },
  Echo: {
    hold: [['k'], 'K', 'Keep the figures of the last beats with their pictures', 'room'],
    held: [['m'], 'M', 'Measurements that are kept', 'room'],
    'echo-view': [['w'], 'W', 'Which view it is: four-chamber or two-chamber', 'room'],
  },
  Picture: {
    'zoom-in': [['+', '='], '+', 'Zoom in'],
    'zoom-out': [['-', '_'], '−', 'Zoom out'],
    fit: [['0'], '0', 'Whole picture'],
    actual: [['t'], 'T', 'True size: one picture pixel is one screen pixel'],
    left: [
      ['arrowleft', 'shift+arrowleft'],
      '← ↑ → ↓',
      'Move the crosshair; with Look the picture, in a recording to the one before or after (Shift: far)',
    ],
    right: [['arrowright', 'shift+arrowright'], '', ''],
    up: [['arrowup', 'shift+arrowup'], '', ''],
    down: [['arrowdown', 'shift+arrowdown'], '', ''],
  },
  'Play a recording': {
    play: [[' '], 'Space', 'Play or pause', 'recording'],
    'step-back': [[',', 'shift+,', 'shift+<', 'shift+;'], ',', 'One picture back (Shift: ten)', 'recording'],
    'step-on': [['.', 'shift+.', 'shift+>', 'shift+:'], '.', 'One picture on (Shift: ten)', 'recording'],
    first: [['home'], 'Home', 'First picture', 'recording'],
    last: [['end'], 'End', 'Last picture', 'recording'],
    'play-back': [['j'], 'J', 'Play backwards; again: faster', 'recording'],
    'play-on': [['shift+j'], 'Shift J', 'Play forwards; again: faster', 'recording'],
    uncertain: [['u'], 'U', 'Next picture with an uncertain outline, lowest confidence first', 'recording'],
    track: [['ctrl+enter'], 'Ctrl Enter', 'Track all objects both ways', 'recording'],
  },
  Page: {
    panel: [['p'], 'P', 'Side panel on or off'],
    fullscreen: [['h'], 'H', 'Full screen'],
    source: [['c'], 'C', 'Choose the source', 'room'],
    rooms: [['g'], 'G', 'Grid of all rooms'],
    settings: [['ctrl+,'], 'Ctrl ,', 'Settings'],
    help: [['?'], '?', 'This list'],
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Row>>>>;

type Group = keyof typeof groups;
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
  readonly meaning: string;
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

/** What a key press means, null: nothing. `pedalCode`: KeyboardEvent.code of a foot pedal. Digits select objects and are not here. */
export function actionOf(press: KeyPress, pedalCode: string | null): Action | null {
  if (pedalCode !== null && press.code === pedalCode) return 'overlay';
  if (press.altKey) return null;
  const key = press.key.toLowerCase();
  const control = press.ctrlKey || press.metaKey;
  for (const { action, keys } of keymap)
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
