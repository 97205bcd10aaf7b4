/** What keys and buttons do alike beside every picture, in a room and in a recording. Runs in the page. */
import { openHelp } from '../app/help-dialog.js';
import { prefer, preferences } from '../app/prefs.js';
import { openSettings } from '../app/settings-dialog.js';
import type { Action } from '../core/keymap.js';
import type { Pointing } from './pointing.js';
import { toolOf } from './toolbar.js';

/** Steps of the arrow keys: right, down. */
const arrows = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] } as const;
/** What a held key does again and again. */
export const repeatable: ReadonlySet<Action> = new Set<Action>([
  'left',
  'right',
  'up',
  'down',
  'zoom-in',
  'zoom-out',
  'step-back',
  'step-on',
]);

/** `far`: Shift is held, so that the crosshair moves in large steps. False: the action belongs to the view. */
export function performShared(action: Action, pointing: Pointing, stage: HTMLElement, far: boolean): boolean {
  const tool = toolOf(action);
  if (tool !== null) {
    pointing.tool.value = tool;
    // Keys pressed after this go to the picture, not to the button that was just pressed.
    stage.focus({ preventScroll: true });
    return true;
  }
  switch (action) {
    case 'fill': {
      const { fillOpacity } = preferences.value;
      prefer({ fillOpacity: fillOpacity === 0 ? 0.2 : fillOpacity < 0.4 ? 0.5 : 0 });
      return true;
    }
    case 'labels':
      prefer({ labels: !preferences.value.labels });
      return true;
    case 'zoom-in':
      pointing.zoom(1.25);
      return true;
    case 'zoom-out':
      pointing.zoom(0.8);
      return true;
    case 'fit':
    case 'actual':
      pointing.show(action);
      return true;
    case 'left':
    case 'right':
    case 'up':
    case 'down': {
      const [dx, dy] = arrows[action];
      pointing.nudge(dx, dy, far);
      return true;
    }
    case 'act':
    case 'act-opposite':
      pointing.act(action === 'act-opposite');
      return true;
    case 'panel':
      prefer({ panelOpen: !preferences.value.panelOpen });
      return true;
    case 'settings':
      openSettings();
      return true;
    case 'help':
      openHelp();
      return true;
    default:
      return false;
  }
}
