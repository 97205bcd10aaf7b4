/** One room: the picture, its tools, its objects, its health. */
import './room-view.css';
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import { prefer, preferences } from '../app/prefs.js';
import { slowChoices } from '../app/settings-dialog.js';
import { Disposer, Signal } from '../app/signal.js';
import { toast, toastError } from '../app/toast.js';
import type { EndView, ViewContext } from '../app/view.js';
import { makesObjects, makingTool } from '../core/gestures.js';
import { t } from '../core/texts.js';
import { actionOf } from '../core/keymap.js';
import type { Action } from '../core/keymap.js';
import type { Prompt } from '../../../src/vocabulary/prompt.js';
import { slowAnalysisChoices } from '../core/presentation.js';
import { findsByItself } from '../core/wording.js';
import { performShared, repeatable } from '../editor/actions.js';
import { Pointing } from '../editor/pointing.js';
import { markingTools, toolbar } from '../editor/toolbar.js';
import { isTyping } from '../editor/typing.js';
import { zoomBar } from '../editor/zoom-bar.js';
import type { Tool } from '../core/gestures.js';
import { mountPlayer } from '../projects/player-bar.js';
import { echoRoom } from './echo-room.js';
import { firstMaskCard } from './first-mask-card.js';
import { healthStrip } from './health-strip.js';
import { LivePicture } from './live-picture.js';
import { noticeLayer } from './notices.js';
import { objectsPanel } from './objects-panel.js';
import { openSourceDialog } from './source-dialog.js';
import { stageFrame } from './stage-frame.js';

/** What needs a model that follows what it is pointed at. */
const pointingActions: ReadonlySet<Action> = new Set<Action>([
  'tool-include',
  'tool-exclude',
  'tool-box',
  'tool-scribble',
  'tool-erase',
  'new-object',
  'undo',
  'rename',
  'remove',
  'lock',
]);
export function roomView(context: ViewContext, stream: string): EndView {
  const { worker, element, go } = context;
  const disposer = new Disposer();
  const live = new LivePicture(worker, stream, { label: `Live picture of ${stream}` });
  const echo = echoRoom(worker, live, perform, disposer);
  /** The model follows what it is pointed at; false: it finds its structures by itself, or the room is a recording that is played. */
  const points = new Signal(true);
  const offered = new Signal<readonly Tool[]>(markingTools);
  const showPoints = (): void => {
    points.value = !findsByItself(worker.health(stream).value) && !live.played.value;
    offered.value = points.value ? markingTools : [];
  };
  disposer.add(worker.health(stream).watch(showPoints));
  disposer.add(live.played.watch(showPoints));

  // ---------------------------------------------------------------------------------------- stage
  const notices = noticeLayer(true);
  const age = h(
    'div',
    { class: 'age', title: 'Age of the outlines when they were painted: capture to paint' },
    icon('clock'),
    h('span', {}),
  );
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
  });
  let gesture: number | null = null;
  const pointing = new Pointing(live, stage, {
    onBegin: (atEpochMs) => {
      gesture = worker.newGesture(live.surface, atEpochMs);
    },
    onPrompt: (prompt) => void send(prompt),
    onPick: ([x, y]) => worker.send({ type: 'pick', surface: live.surface, x, y }),
  });
  stage.append(live.canvas, echo.scale, pointing.layer, notices.element);
  const name = new Signal(stream);
  disposer.add(
    worker.health(stream).watch((health) => {
      name.value = health?.label !== undefined && health.label !== '' ? health.label : stream;
    }),
  );
  const frame = stageFrame(
    live,
    stage,
    {
      name,
      head: [age, notices.line, waiting],
      zoom: zoomBar(live, perform, disposer),
      calibration: echo.calibration,
      perform,
    },
    disposer,
  );

  /** True, said in words: a locked object is not changed from this screen. */
  const refusesLocked = (objectId: number | null): boolean => {
    if (objectId === null || !live.locked.value.has(objectId)) return false;
    const name = live.objects.value.find(({ id }) => id === objectId)?.label ?? '';
    toast('info', `${name} is locked: unlock it in the list first.`);
    return true;
  };
  let asking = 0;
  /** How often the person asked for a new object. */
  let newObjectWishes = 0;
  const send = async (prompt: Prompt): Promise<void> => {
    const objectId = live.selected.value;
    if (objectId === null && !makesObjects(prompt)) {
      toast('error', 'Select the object to correct first, in the list or with its number.');
      return;
    }
    if (gesture === null || refusesLocked(objectId)) return;
    if (live.heldSinceMs.value !== null) {
      toast('info', t('The picture is held: press Space to go on, then mark.'));
      return;
    }
    const wishes = newObjectWishes;
    asking += 1;
    waiting.hidden = false;
    try {
      const answer = await worker.prompt({
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
      toastError(error);
    } finally {
      asking -= 1;
      waiting.hidden = asking === 0;
    }
  };

  disposer.add(
    live.events.watch((event) => {
      if (event?.type === 'first-mask')
        answers.replaceChildren(firstMaskCard(event, () => undo(event.objectId)));
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

  // ---------------------------------------------------------------------------------------- panel
  const undo = (objectId: number | null): void => {
    if (refusesLocked(objectId)) return;
    worker.call('undo', { stream, objectId }).catch(toastError);
  };
  const record = async (): Promise<void> => {
    const stops = worker.health(stream).value?.recording === true;
    try {
      const { path } = await worker.call(stops ? 'record.stop' : 'record.start', { stream });
      toast('info', stops ? `The recording is complete: ${path}` : `Recording to ${path}`);
    } catch (error) {
      toastError(error);
    }
  };
  const removeObject = (objectId: number): void => {
    if (refusesLocked(objectId)) return;
    if (live.selected.value === objectId) live.selected.value = null;
    worker.call('remove', { stream, objectId }).catch(toastError);
  };
  const panel = objectsPanel(
    worker,
    live,
    {
      points,
      toggleOverlay: () => perform('overlay'),
      newObject: () => perform('new-object'),
      rename: (objectId, label) => {
        if (!refusesLocked(objectId))
          void worker.call('rename', { stream, objectId, label }).catch(toastError);
      },
      remove: removeObject,
      undo,
      openSource: () => openSourceDialog(worker, stream),
      fullscreen: () => perform('fullscreen'),
      record: () => void record(),
    },
    [echo.beats],
    disposer,
  );
  const room = h(
    'div',
    { class: 'room' },
    toolbar(pointing.tool, offered, perform, disposer),
    frame.element,
    ...echo.parts,
    panel.element,
    healthStrip(worker, live, disposer),
  );
  disposer.add(mountPlayer(frame.foot, worker, stream));
  // Beside the picture: in the panel, or below the picture while that is closed.
  disposer.add(
    preferences.watch(({ panelOpen }) => {
      if (panelOpen) panel.element.querySelector('.panel-foot')?.before(answers);
      else frame.tools.prepend(answers);
    }),
  );
  disposer.add(echo.active.watch((on) => room.classList.toggle('echo', on)));
  disposer.add(
    points.watch((on) => {
      room.classList.toggle('no-tools', !on);
      if (!on) pointing.tool.value = 'look';
      setLabel(on);
    }),
  );
  disposer.add(preferences.watch(({ panelOpen }) => room.classList.toggle('panel-closed', !panelOpen)));

  let wasThere = false;
  const missingTitle = h('h1', {});
  const missingWords = h('p', {});
  const missing = h(
    'section',
    { class: 'empty', role: 'status' },
    icon('source'),
    missingTitle,
    missingWords,
    h('a', { class: 'button primary', href: '#/rooms' }, 'All rooms'),
  );
  disposer.add(
    worker.streams.watch((streams) => {
      const there = streams.includes(stream);
      wasThere ||= there;
      // Before the server has told its rooms an empty list says nothing.
      const absent = !there && (streams.length > 0 || wasThere);
      if (absent && wasThere) {
        setText(missingTitle, 'This room was closed');
        setText(missingWords, 'What was recorded of it stays on the server.');
      } else if (absent) {
        setText(missingTitle, 'There is no such room');
        setText(missingWords, `The server has no room called “${stream}”.`);
      }
      const wanted = absent ? missing : room;
      if (element.firstElementChild !== wanted) element.replaceChildren(wanted);
    }),
  );

  // ---------------------------------------------------------------------------------------- actions
  function setLabel(on: boolean): void {
    stage.setAttribute(
      'aria-label',
      on
        ? `Picture of ${stream}. Choose a tool, move the crosshair with the arrow keys, press Enter.`
        : live.played.value
          ? `Picture of ${stream}, a recording that is played.`
          : `Picture of ${stream}. The model finds its structures by itself.`,
    );
  }
  /** `far`: Shift is held, so that the crosshair moves in large steps. */
  function perform(action: Action, far = false): void {
    if (live.played.value && (pointingActions.has(action) || action === 'source')) {
      toast('info', 'This room plays a recording: to mark or correct, open the file under Recordings.');
      return;
    }
    if (!points.value && pointingActions.has(action)) {
      toast('info', 'This model finds its structures by itself: there is nothing to point at or to name.');
      return;
    }
    if (performShared(action, pointing, stage, far)) return;
    switch (action) {
      case 'overlay':
        live.switchOverlay().catch(toastError);
        return;
      case 'slow': {
        const at = slowAnalysisChoices.indexOf(preferences.value.slow) + 1;
        const next = slowAnalysisChoices[at % slowAnalysisChoices.length] ?? 'auto';
        prefer({ slow: next });
        toast('info', `When analysis is slow: ${slowChoices[next].name}. ${slowChoices[next].meaning}`);
        return;
      }
      case 'new-object':
        newObjectWishes += 1;
        live.selected.value = null;
        pointing.tool.value = makingTool(pointing.tool.value);
        stage.focus({ preventScroll: true });
        return;
      case 'hold':
      case 'held':
      case 'echo-view':
        if (!echo.active.value) toast('info', 'Nothing of a heart is measured in this room.');
        else if (action === 'hold') void echo.holds.hold();
        else if (action === 'echo-view') echo.turnView();
        else echo.holds.open();
        return;
      case 'freeze':
        frame.hold();
        return;
      case 'caliper':
      case 'ellipse':
        frame.measure(action === 'caliper' ? 'distance' : 'ellipse', true);
        return;
      case 'undo':
        undo(live.selected.value);
        return;
      case 'hide':
      case 'lock':
      case 'rename':
      case 'remove': {
        const objectId = live.selected.value;
        if (objectId === null) toast('info', 'Select an object first, in the list or with its number.');
        else if (action === 'remove') removeObject(objectId);
        else if (action === 'hide' || action === 'lock') panel.toggle(action, objectId);
        else if (refusesLocked(objectId)) return;
        else {
          prefer({ panelOpen: true });
          panel.startRename(objectId);
        }
        return;
      }
      case 'cancel':
        if (pointing.busy) pointing.cancel();
        else if (frame.putAway()) return;
        else if (pointing.tool.value !== 'look') pointing.tool.value = 'look';
        else live.selected.value = null;
        return;
      case 'fullscreen':
        if (document.fullscreenElement) void document.exitFullscreen();
        else
          frame.element
            .requestFullscreen()
            .catch(() => toast('error', 'This browser refuses full screen here.'));
        return;
      case 'source':
        openSourceDialog(worker, stream);
        return;
      case 'rooms':
        go({ view: 'rooms' });
        return;
      default:
        // The others belong to recordings.
        return;
    }
  }
  disposer.listen('keydown', (event) => {
    if (isTyping(event) || document.querySelector('dialog[open]')) return;
    const { ctrlKey, metaKey, altKey } = event;
    const digit = !ctrlKey && !metaKey && !altKey && /^[1-9]$/.test(event.key) ? Number(event.key) : null;
    if (digit !== null) {
      // A digit means the object with this number; where there is none, the object at this place in the list.
      const objects = live.objects.value;
      const object = objects.find(({ id }) => id === digit) ?? objects[digit - 1];
      if (object) live.selected.value = live.selected.value === object.id ? null : object.id;
      event.preventDefault();
      return;
    }
    const action = actionOf(event, preferences.value.pedalCode, 'room');
    if (action === null) return;
    // A held pedal or key must not make outlines blink.
    if (!event.repeat || repeatable.has(action)) perform(action, event.shiftKey);
    event.preventDefault();
  });

  return () => {
    pointing.end();
    live.end();
    disposer.end();
    element.replaceChildren();
  };
}
