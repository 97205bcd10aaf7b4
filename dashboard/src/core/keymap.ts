/** Every key of the page in one table: read by the key handler, the help overlay and the tool hints. Pure. */

export type Action =
  | 'overlay'
  | 'fill'
  | 'labels'
  | 'slow'
  | 'tool-look'
  | 'tool-include'
  | 'tool-exclude'
  | 'tool-box'
  | 'tool-scribble'
  | 'tool-erase'
  | 'new-object'
  | 'undo'
  | 'rename'
  | 'remove'
  | 'zoom-in'
  | 'zoom-out'
  | 'fit'
  | 'actual'
  | 'left'
  | 'right'
  | 'up'
  | 'down'
  | 'act'
  | 'act-opposite'
  | 'cancel'
  | 'panel'
  | 'fullscreen'
  | 'source'
  | 'rooms'
  | 'settings'
  | 'help';

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
  /** KeyboardEvent.key values, lower case; a leading `shift+` or `ctrl+` asks for that key too. */
  readonly keys: readonly string[];
  /** As written in the help. */
  readonly shown: string;
  readonly meaning: string;
  readonly group: 'Outlines' | 'Point at an object' | 'Objects' | 'Picture' | 'Page';
}

export const keymap: readonly Binding[] = [
  {
    action: 'overlay',
    keys: ['o'],
    shown: 'O',
    meaning: 'Outlines on or off, for every viewer',
    group: 'Outlines',
  },
  { action: 'fill', keys: ['f'], shown: 'F', meaning: 'Fill: none, light, strong', group: 'Outlines' },
  {
    action: 'labels',
    keys: ['l'],
    shown: 'L',
    meaning: 'Names beside outlines on or off',
    group: 'Outlines',
  },
  {
    action: 'slow',
    keys: ['y'],
    shown: 'Y',
    meaning: 'When analysis is slow: automatic, every picture, steady outlines',
    group: 'Outlines',
  },
  {
    action: 'tool-look',
    keys: ['v'],
    shown: 'V',
    meaning: 'Look: select and move the picture',
    group: 'Point at an object',
  },
  {
    action: 'tool-include',
    keys: ['a'],
    shown: 'A',
    meaning: 'Click what belongs to it (right button: what does not)',
    group: 'Point at an object',
  },
  {
    action: 'tool-exclude',
    keys: ['x'],
    shown: 'X',
    meaning: 'Click what does not belong to it',
    group: 'Point at an object',
  },
  {
    action: 'tool-box',
    keys: ['b'],
    shown: 'B',
    meaning: 'Draw a box around it',
    group: 'Point at an object',
  },
  {
    action: 'tool-scribble',
    keys: ['s'],
    shown: 'S',
    meaning: 'Draw a stroke along it',
    group: 'Point at an object',
  },
  {
    action: 'tool-erase',
    keys: ['e'],
    shown: 'E',
    meaning: 'Stroke over what does not belong to it',
    group: 'Point at an object',
  },
  {
    action: 'act',
    keys: ['enter', ' '],
    shown: 'Enter',
    meaning: 'Use the tool at the crosshair: click, start or end a box or stroke',
    group: 'Point at an object',
  },
  {
    action: 'act-opposite',
    keys: ['shift+enter'],
    shown: 'Shift Enter',
    meaning: 'Click the opposite (+ / −)',
    group: 'Point at an object',
  },
  {
    action: 'cancel',
    keys: ['escape'],
    shown: 'Esc',
    meaning: 'Give up the stroke or box, close what is open',
    group: 'Point at an object',
  },
  {
    action: 'new-object',
    keys: ['n'],
    shown: 'N',
    meaning: 'The next prompt makes a new object',
    group: 'Objects',
  },
  {
    action: 'undo',
    keys: ['z', 'ctrl+z'],
    shown: 'Z',
    meaning: 'Take back the last prompt',
    group: 'Objects',
  },
  {
    action: 'rename',
    keys: ['r', 'f2'],
    shown: 'R',
    meaning: 'Rename the selected object',
    group: 'Objects',
  },
  {
    action: 'remove',
    keys: ['delete', 'backspace'],
    shown: 'Delete',
    meaning: 'Stop following the selected object',
    group: 'Objects',
  },
  { action: 'zoom-in', keys: ['+', '='], shown: '+', meaning: 'Zoom in', group: 'Picture' },
  { action: 'zoom-out', keys: ['-', '_'], shown: '−', meaning: 'Zoom out', group: 'Picture' },
  { action: 'fit', keys: ['0'], shown: '0', meaning: 'Whole picture', group: 'Picture' },
  {
    action: 'actual',
    keys: ['t'],
    shown: 'T',
    meaning: 'True size: one picture pixel is one screen pixel',
    group: 'Picture',
  },
  {
    action: 'left',
    keys: ['arrowleft', 'shift+arrowleft'],
    shown: '← ↑ → ↓',
    meaning: 'Move the crosshair, or the picture with Look (Shift: far)',
    group: 'Picture',
  },
  { action: 'right', keys: ['arrowright', 'shift+arrowright'], shown: '', meaning: '', group: 'Picture' },
  { action: 'up', keys: ['arrowup', 'shift+arrowup'], shown: '', meaning: '', group: 'Picture' },
  { action: 'down', keys: ['arrowdown', 'shift+arrowdown'], shown: '', meaning: '', group: 'Picture' },
  { action: 'panel', keys: ['p'], shown: 'P', meaning: 'Side panel on or off', group: 'Page' },
  { action: 'fullscreen', keys: ['h'], shown: 'H', meaning: 'Full screen', group: 'Page' },
  { action: 'source', keys: ['c'], shown: 'C', meaning: 'Choose the source', group: 'Page' },
  { action: 'rooms', keys: ['g'], shown: 'G', meaning: 'Grid of all rooms', group: 'Page' },
  { action: 'settings', keys: [','], shown: ',', meaning: 'Settings', group: 'Page' },
  { action: 'help', keys: ['?'], shown: '?', meaning: 'This list', group: 'Page' },
];

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
