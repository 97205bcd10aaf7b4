/** Every key of the page in one table: read by the key handler, the help overlay and the tool hints. Pure. */

/**
 * Keys: KeyboardEvent.key values, lower case; a leading `shift+` or `ctrl+` asks for that key too. Shown: as written in
 * the help, empty where another row speaks for it.
 */
type Row = readonly [keys: readonly string[], shown: string, meaning: string];

const groups = {
  Outlines: {
    overlay: [['o'], 'O', 'Outlines on or off, for every viewer'],
    fill: [['f'], 'F', 'Fill: none, light, strong'],
    labels: [['l'], 'L', 'Names beside outlines on or off'],
    slow: [['y'], 'Y', 'When analysis is slow: automatic, every picture, steady outlines'],
  },
  'Point at an object': {
    'tool-look': [['v'], 'V', 'Look: select and move the picture'],
    'tool-include': [['a'], 'A', 'Click what belongs to it (right button: what does not)'],
    'tool-exclude': [['x'], 'X', 'Click what does not belong to it'],
    'tool-box': [['b'], 'B', 'Draw a box around it'],
    'tool-scribble': [['s'], 'S', 'Draw a stroke along it'],
    'tool-erase': [['e'], 'E', 'Stroke over what does not belong to it'],
    act: [['enter'], 'Enter', 'Use the tool at the crosshair: click, start or end a box or stroke'],
    'act-opposite': [['shift+enter'], 'Shift Enter', 'Click the opposite (+ / −)'],
    cancel: [['escape'], 'Esc', 'Give up the stroke or box, close what is open'],
  },
  Objects: {
    'new-object': [['n'], 'N', 'The next prompt makes a new object'],
    undo: [['z', 'ctrl+z'], 'Z', 'Take back the last prompt'],
    rename: [['r', 'f2'], 'R', 'Rename the selected object'],
    remove: [['delete', 'backspace'], 'Delete', 'Stop following the selected object'],
  },
  Echo: {
    hold: [['k'], 'K', 'Keep the figures of the last beats with their pictures'],
    'tool-points': [['d'], 'D', 'Recording: drag the points of an outline (Enter takes it, Esc leaves it)'],
    held: [['m'], 'M', 'Measurements that are kept'],
    'echo-view': [['w'], 'W', 'Which view it is: four-chamber or two-chamber'],
  },
  Picture: {
    freeze: [[' '], 'Space', 'Hold the picture on this screen; again: go on'],
    caliper: [['shift+m'], 'Shift M', 'Measure a distance on the held picture'],
    ellipse: [['shift+e'], 'Shift E', 'Measure an ellipse on the held picture: area and circumference'],
    'zoom-in': [['+', '='], '+', 'Zoom in'],
    'zoom-out': [['-', '_'], '−', 'Zoom out'],
    fit: [['0'], '0', 'Whole picture'],
    actual: [['t'], 'T', 'True size: one picture pixel is one screen pixel'],
    left: [
      ['arrowleft', 'shift+arrowleft'],
      '← ↑ → ↓',
      'Move the crosshair, or the picture with Look (Shift: far)',
    ],
    right: [['arrowright', 'shift+arrowright'], '', ''],
    up: [['arrowup', 'shift+arrowup'], '', ''],
    down: [['arrowdown', 'shift+arrowdown'], '', ''],
  },
  Page: {
    panel: [['p'], 'P', 'Side panel on or off'],
    fullscreen: [['h'], 'H', 'Full screen'],
    source: [['c'], 'C', 'Choose the source'],
    rooms: [['g'], 'G', 'Grid of all rooms'],
    settings: [[','], ',', 'Settings'],
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
