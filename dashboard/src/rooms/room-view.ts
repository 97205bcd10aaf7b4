/** One room: the picture, its tools, its objects, its health. */
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import type { IconName } from '../app/icons.js';
import { prefer, preferences } from '../app/prefs.js';
import { openHelp } from '../app/help-dialog.js';
import { openSettings, slowChoices } from '../app/settings-dialog.js';
import { Disposer } from '../app/signal.js';
import { toast } from '../app/toast.js';
import type { EndView, ViewContext } from '../app/view.js';
import { makesObjects } from '../core/gestures.js';
import type { Tool } from '../core/gestures.js';
import { actionOf, shownKey } from '../core/keymap.js';
import type { Action } from '../core/keymap.js';
import { scaleOf } from '../core/viewport.js';
import type { Prompt } from '../../../src/vocabulary/prompt.js';
import type { SlowAnalysisChoice } from '../core/presentation.js';
import { mountPlayer } from '../projects/player-bar.js';
import { firstMaskCard } from './first-mask-card.js';
import { healthStrip } from './health-strip.js';
import { LivePicture } from './live-picture.js';
import { noticeLayer } from './notices.js';
import { objectsPanel } from './objects-panel.js';
import { Pointing } from './pointing.js';
import { openSourceDialog } from './source-dialog.js';
import { isTyping } from './typing.js';

const tools: readonly { readonly tool: Tool; readonly name: string; readonly action: Action }[] = [
  { tool: 'look', name: 'Look', action: 'tool-look' },
  { tool: 'include', name: 'Add', action: 'tool-include' },
  { tool: 'exclude', name: 'Exclude', action: 'tool-exclude' },
  { tool: 'box', name: 'Box', action: 'tool-box' },
  { tool: 'scribble', name: 'Stroke', action: 'tool-scribble' },
  { tool: 'erase', name: 'Erase', action: 'tool-erase' },
];

const slowOrder: readonly SlowAnalysisChoice[] = ['auto', 'every-picture', 'steady-outlines'];

export function roomView(context: ViewContext, stream: string): EndView {
  const { engine, element, go } = context;
  const disposer = new Disposer();
  const live = new LivePicture(engine, stream, { label: `Live picture of ${stream}` });
  const fail = (error: unknown): void =>
    toast('error', error instanceof Error ? error.message : String(error));

  // ---------------------------------------------------------------------------------------- stage
  const notices = noticeLayer(true);
  const age = h(
    'div',
    { class: 'age', title: 'Age of the outlines when they were painted: capture to paint' },
    icon('clock'),
    h('span', {}),
  );
  const zoomLabel = h('span', { class: 'zoom-label' });
  const answers = h('div', { class: 'answers' });
  const waiting = h(
    'div',
    { class: 'waiting', hidden: true, role: 'status' },
    h('span', { class: 'spinner', 'aria-hidden': 'true' }),
    'Finding it …',
  );
  const stage = h('div', {
    class: 'stage',
    tabindex: 0,
    role: 'application',
    'aria-label': `Picture of ${stream}. Choose a tool, move the crosshair with the arrow keys, press Enter.`,
  });
  let gesture: number | null = null;
  const pointing = new Pointing(live, stage, {
    onBegin: (atEpochMs) => {
      gesture = engine.newGesture(live.surface, atEpochMs);
    },
    onPrompt: (prompt) => void send(prompt),
    onPick: ([x, y]) => engine.send({ type: 'pick', surface: live.surface, x, y }),
  });
  const zoomButton = (name: IconName, label: string, action: Action): HTMLButtonElement =>
    h(
      'button',
      {
        type: 'button',
        class: 'icon-button',
        'aria-label': label,
        title: `${label} (${shownKey(action)})`,
        onclick: () => perform(action),
      },
      icon(name),
    );
  stage.append(
    live.canvas,
    pointing.layer,
    notices.element,
    age,
    waiting,
    answers,
    h(
      'div',
      { class: 'zoom', role: 'group', 'aria-label': 'Zoom' },
      zoomButton('zoomOut', 'Zoom out', 'zoom-out'),
      zoomLabel,
      zoomButton('zoomIn', 'Zoom in', 'zoom-in'),
      zoomButton('fit', 'Whole picture', 'fit'),
      zoomButton('actual', 'True size 1:1', 'actual'),
    ),
  );

  let asking = 0;
  /** How often the person asked for a new object. */
  let newObjectWishes = 0;
  const send = async (prompt: Prompt): Promise<void> => {
    const objectId = live.selected.value;
    if (objectId === null && !makesObjects(prompt)) {
      toast('error', 'Select the object to correct first, in the list or with its number.');
      return;
    }
    if (gesture === null) return;
    const wishes = newObjectWishes;
    asking += 1;
    waiting.hidden = false;
    try {
      const answer = await engine.prompt({
        surface: live.surface,
        gesture,
        objectId,
        label: null,
        prompts: [prompt],
      });
      // The next prompts correct the new object, unless the person has gone on to something else meanwhile.
      if (objectId === null && live.selected.value === null && wishes === newObjectWishes)
        live.selected.value = answer.objectId;
      if (!live.overlayOn.value)
        toast('info', 'It is followed. Outlines are off: press O or use the switch to see them.');
    } catch (error) {
      fail(error);
    } finally {
      asking -= 1;
      waiting.hidden = asking === 0;
    }
  };

  disposer.add(
    live.events.watch((event) => {
      if (event?.type === 'first-mask')
        answers.replaceChildren(firstMaskCard(event, () => void undo(event.objectId)));
      else if (event?.type === 'picked') live.selected.value = event.objectId;
    }),
  );
  disposer.add(live.notices.watch((value) => notices.show(value)));
  disposer.every(200, () => {
    const text = age.querySelector('span');
    const ageMs = live.overlayAgeMs;
    age.hidden = ageMs === null;
    if (text && ageMs !== null) setText(text, `Outlines ${Math.round(ageMs)} ms`);
  });
  const showZoom = (): void => {
    const size = live.pictureSize.value;
    const scale = size ? scaleOf(live.view.value, size, live.stageSize.value) : 1;
    setText(zoomLabel, scale === 1 ? '1:1' : `${Math.round(scale * 100)} %`);
  };
  disposer.add(live.view.watch(showZoom));
  disposer.add(live.stageSize.watch(showZoom));
  disposer.add(live.pictureSize.watch(showZoom));

  // ---------------------------------------------------------------------------------------- tools
  const toolButtons = tools.map(({ tool, name, action }) =>
    h(
      'button',
      {
        type: 'button',
        class: 'tool',
        role: 'radio',
        'data-tool': tool,
        title: `${name} (${shownKey(action)})`,
        onclick: () => perform(action),
      },
      icon(tool),
      h('span', { class: 'tool-name' }, name),
      h('kbd', {}, shownKey(action)),
    ),
  );
  const undoButton = h(
    'button',
    { type: 'button', class: 'tool', title: `Undo (${shownKey('undo')})`, onclick: () => perform('undo') },
    icon('undo'),
    h('span', { class: 'tool-name' }, 'Undo'),
    h('kbd', {}, shownKey('undo')),
  );
  const toolbar = h(
    'div',
    { class: 'tools', role: 'toolbar', 'aria-label': 'Tools', 'aria-orientation': 'vertical' },
    h('div', { class: 'tool-group', role: 'radiogroup', 'aria-label': 'Pointing tools' }, ...toolButtons),
    undoButton,
  );
  disposer.add(
    pointing.tool.watch((tool) => {
      for (const button of toolButtons)
        button.setAttribute('aria-checked', String(button.dataset['tool'] === tool));
    }),
  );

  // ---------------------------------------------------------------------------------------- panel
  const undo = async (objectId: number | null): Promise<void> => {
    try {
      await engine.call('undo', { stream, objectId });
    } catch (error) {
      fail(error);
    }
  };
  const record = async (): Promise<void> => {
    try {
      if (engine.health(stream).value?.recording === true) {
        const { path } = await engine.call('record.stop', { stream });
        toast('info', `The recording is complete: ${path}`);
      } else {
        const { path } = await engine.call('record.start', { stream });
        toast('info', `Recording to ${path}`);
      }
    } catch (error) {
      fail(error);
    }
  };
  const removeObject = (objectId: number): void => {
    if (live.selected.value === objectId) live.selected.value = null;
    engine.call('remove', { stream, objectId }).catch(fail);
  };
  const panel = objectsPanel(
    engine,
    live,
    {
      toggleOverlay: () => perform('overlay'),
      newObject: () => perform('new-object'),
      rename: (objectId, label) => void engine.call('rename', { stream, objectId, label }).catch(fail),
      remove: removeObject,
      undo: (objectId) => void undo(objectId),
      openSource: () => openSourceDialog(engine, stream),
      fullscreen: () => perform('fullscreen'),
      record: () => void record(),
    },
    disposer,
  );
  const room = h(
    'div',
    { class: 'room' },
    toolbar,
    stage,
    panel.element,
    healthStrip(engine, live, disposer),
  );
  disposer.add(mountPlayer(stage, engine, stream));
  disposer.add(preferences.watch(({ panelOpen }) => room.classList.toggle('panel-closed', !panelOpen)));

  const missing = h(
    'section',
    { class: 'empty' },
    icon('source'),
    h('h1', {}, 'There is no such room'),
    h('p', {}, `The server has no stream called “${stream}”.`),
    h('a', { class: 'button primary', href: '#/rooms' }, 'All rooms'),
  );
  disposer.add(
    engine.streams.watch((streams) => {
      const absent = streams.length > 0 && !streams.includes(stream);
      const wanted = absent ? missing : room;
      if (element.firstElementChild !== wanted) element.replaceChildren(wanted);
    }),
  );

  // ---------------------------------------------------------------------------------------- actions
  const perform = (action: Action): void => {
    switch (action) {
      case 'overlay':
        live.switchOverlay().catch(fail);
        return;
      case 'fill': {
        const { fillOpacity } = preferences.value;
        prefer({ fillOpacity: fillOpacity === 0 ? 0.2 : fillOpacity < 0.4 ? 0.5 : 0 });
        return;
      }
      case 'labels':
        prefer({ labels: !preferences.value.labels });
        return;
      case 'slow': {
        const next = slowOrder[(slowOrder.indexOf(preferences.value.slow) + 1) % slowOrder.length] ?? 'auto';
        prefer({ slow: next });
        toast('info', `When analysis is slow: ${slowChoices[next].name}. ${slowChoices[next].meaning}`);
        return;
      }
      case 'tool-look':
      case 'tool-include':
      case 'tool-exclude':
      case 'tool-box':
      case 'tool-scribble':
      case 'tool-erase':
        pointing.tool.value = tools.find((one) => one.action === action)?.tool ?? 'look';
        // The next key belongs to the picture, not to the button that was just pressed.
        stage.focus({ preventScroll: true });
        return;
      case 'new-object':
        newObjectWishes += 1;
        live.selected.value = null;
        if (
          pointing.tool.value === 'look' ||
          pointing.tool.value === 'erase' ||
          pointing.tool.value === 'exclude'
        )
          pointing.tool.value = 'include';
        stage.focus({ preventScroll: true });
        return;
      case 'undo':
        void undo(live.selected.value);
        return;
      case 'rename':
        if (live.selected.value === null)
          toast('info', 'Select an object first, in the list or with its number.');
        else {
          prefer({ panelOpen: true });
          panel.startRename(live.selected.value);
        }
        return;
      case 'remove':
        if (live.selected.value === null)
          toast('info', 'Select an object first, in the list or with its number.');
        else removeObject(live.selected.value);
        return;
      case 'zoom-in':
        pointing.zoom(1.25);
        return;
      case 'zoom-out':
        pointing.zoom(0.8);
        return;
      case 'fit':
        pointing.show('fit');
        return;
      case 'actual':
        pointing.show('actual');
        return;
      case 'left':
      case 'right':
      case 'up':
      case 'down':
      case 'act':
      case 'act-opposite':
        // Need the key's own modifiers: see onKey.
        return;
      case 'cancel':
        if (pointing.busy) pointing.cancel();
        else if (pointing.tool.value !== 'look') pointing.tool.value = 'look';
        else live.selected.value = null;
        return;
      case 'panel':
        prefer({ panelOpen: !preferences.value.panelOpen });
        return;
      case 'fullscreen':
        if (document.fullscreenElement) void document.exitFullscreen();
        else room.requestFullscreen().catch(() => toast('error', 'This browser refuses full screen here.'));
        return;
      case 'source':
        openSourceDialog(engine, stream);
        return;
      case 'rooms':
        go({ view: 'rooms' });
        return;
      case 'settings':
        openSettings();
        return;
      case 'help':
        openHelp();
        return;
    }
  };
  disposer.listen('keydown', (event) => {
    if (isTyping(event) || document.querySelector('dialog[open]')) return;
    const { ctrlKey, metaKey, altKey } = event;
    const digit = !ctrlKey && !metaKey && !altKey && /^[1-9]$/.test(event.key) ? Number(event.key) : null;
    if (digit !== null) {
      // The number on its label while there are few; after many removals the place in the list.
      const objects = live.objects.value;
      const object = objects.find(({ id }) => id === digit) ?? objects[digit - 1];
      if (object) live.selected.value = live.selected.value === object.id ? null : object.id;
      event.preventDefault();
      return;
    }
    const action = actionOf(event, preferences.value.pedalCode);
    if (action === null) return;
    switch (action) {
      case 'left':
        pointing.nudge(-1, 0, event.shiftKey);
        break;
      case 'right':
        pointing.nudge(1, 0, event.shiftKey);
        break;
      case 'up':
        pointing.nudge(0, -1, event.shiftKey);
        break;
      case 'down':
        pointing.nudge(0, 1, event.shiftKey);
        break;
      case 'act':
      case 'act-opposite':
        if (event.repeat) break;
        pointing.act(action === 'act-opposite');
        break;
      default:
        // A held pedal or key must not blink outlines.
        if (event.repeat && action !== 'zoom-in' && action !== 'zoom-out') break;
        perform(action);
    }
    event.preventDefault();
  });

  return () => {
    pointing.end();
    live.end();
    disposer.end();
    element.replaceChildren();
  };
}
