/** One room: the picture, its tools, its objects, its health. */
import './room-view.css';
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import { prefer, preferences } from '../app/prefs.js';
import { slowChoices } from '../app/settings-dialog.js';
import { Disposer, Signal } from '../app/signal.js';
import { leaveToasts, toast, toastError } from '../app/toast.js';
import type { EndView, ViewContext } from '../app/view.js';
import { makesObjects, makingTool } from '../core/gestures.js';
import { actionOf } from '../core/keymap.js';
import type { Action } from '../core/keymap.js';
import type { Prompt } from '../../../src/vocabulary/prompt.js';
import { slowAnalysisChoices } from '../core/presentation.js';
import { findsByItself, nextUndo, undoSentence } from '../core/wording.js';
import type { Remedy } from '../core/wording.js';
import { performShared, repeatable } from '../editor/actions.js';
import { Pointing } from '../editor/pointing.js';
import { markingTools, toolbar, toolOf } from '../editor/toolbar.js';
import { isTyping } from '../editor/typing.js';
import { zoomBar } from '../editor/zoom-bar.js';
import type { Tool } from '../core/gestures.js';
import { say, t } from '../core/texts.js';
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
/** A second press within this time means it. */
const againWithinMs = 4000;
/** A removed object can be brought back with everything that it remembers for 30 s. */
const restorableMs = 20_000;
/** After a refused key that would have opened a field, what is typed on is a name that nobody takes, and no shortcuts. */
const typedOnMs = 1500;
/** The server holds the picture of a gesture for 30 s. */
const longestGestureMs = 29_000;

export function roomView(context: ViewContext, stream: string): EndView {
  const { worker, element, go } = context;
  const disposer = new Disposer();
  const live = new LivePicture(worker, stream, { label: t('Live picture of {stream}', { stream }) });
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
  const help = (remedy: Remedy): void => {
    if (remedy.kind === 'limit') prefer({ limitMs: remedy.ms });
    else prefer({ slow: 'steady-outlines' });
  };
  const notices = noticeLayer(true, help);
  const age = h(
    'div',
    { class: 'age', title: t('Age of the outlines when they were shown, from capture') },
    icon('clock'),
    h('span', {}),
  );
  const answers = h('div', { class: 'answers' });
  const waiting = h(
    'div',
    { class: 'waiting', hidden: true, role: 'status' },
    h('span', { class: 'spinner', 'aria-hidden': 'true' }),
    t('Finding it …'),
  );
  const stage = h('div', {
    class: 'stage',
    tabindex: 0,
    role: 'application',
  });
  let gesture: number | null = null;
  const pointing = new Pointing(live, stage, {
    onBegin: (atEpochMs, stillAfterMs) => {
      gesture = worker.newGesture(live.surface, atEpochMs, stillAfterMs);
    },
    onPrompt: (prompt) => void send(prompt),
    longestMs: longestGestureMs,
    onGiveUp: (why) => {
      if (why === 'too-small') {
        toast('info', t('Move the crosshair with the arrow keys to the opposite corner, then press Enter.'));
        return;
      }
      endGesture();
      if (why === 'too-long')
        toast(
          'error',
          t('The picture is held for 30 seconds at most, so this was given up. Please draw again.'),
        );
    },
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

  const endGesture = (): void => {
    if (gesture !== null) worker.send({ type: 'gesture-end', surface: live.surface, gesture });
    gesture = null;
  };
  /** True, said in words: a locked object is not changed from this screen. */
  const refusesLocked = (objectId: number | null): boolean => {
    if (objectId === null || !live.locked.value.has(objectId)) return false;
    const name = live.objects.value.find(({ id }) => id === objectId)?.label ?? '';
    toast('info', t('{name} is locked: unlock it in the list first.', { name }));
    return true;
  };
  let asking = 0;
  /** How often the person asked for a new object. */
  let newObjectWishes = 0;
  const send = async (prompt: Prompt): Promise<void> => {
    const objectId = live.selected.value;
    if (objectId === null && !makesObjects(prompt)) {
      endGesture();
      toast('error', t('Select the object to correct first, in the list or with its number.'));
      return;
    }
    if (live.heldSinceMs.value !== null) {
      toast('info', t('The picture is held: press Space to go on, then mark.'));
      endGesture();
      return;
    }
    if (refusesLocked(objectId)) {
      endGesture();
      return;
    }
    const pinned = gesture;
    if (pinned === null) return;
    // It ends with the answer.
    gesture = null;
    const wishes = newObjectWishes;
    asking += 1;
    waiting.hidden = false;
    try {
      const answer = await worker.prompt({
        surface: live.surface,
        gesture: pinned,
        objectId,
        label: null,
        prompts: [prompt],
      });
      // The next prompts correct the new object, unless the person has gone on to something else meanwhile.
      if (objectId === null && live.selected.value === null && wishes === newObjectWishes)
        live.selected.value = answer.objectId;
      if (!live.overlayOn.value)
        toast('info', t('It is followed. Outlines are off: press O or use the switch to see them.'));
    } catch (error) {
      toastError(error);
    } finally {
      asking -= 1;
      waiting.hidden = asking === 0;
    }
  };

  disposer.add(
    live.events.watch((event) => {
      if (event?.type === 'first-mask') {
        answered = event.objectId;
        answers.replaceChildren(firstMaskCard(event, () => undo(event.objectId)));
      } else if (event?.type === 'picked') live.selected.value = event.objectId;
    }),
  );
  // A card goes with its object, once that has been listed.
  let answered: number | null = null;
  let listed = new Set<number>();
  disposer.add(
    live.objects.watch((objects) => {
      const now = new Set(objects.map(({ id }) => id));
      if (answered !== null && listed.has(answered) && !now.has(answered)) answers.replaceChildren();
      listed = now;
    }),
  );
  /** Until then a change of source is this page's own. */
  let ownChangeUntilMs = 0;
  disposer.add(
    live.sourceChanged.watch((change) => {
      if (!change) return;
      answers.replaceChildren();
      pointing.cancel();
      leaveToasts();
      const own = performance.now() < ownChangeUntilMs;
      ownChangeUntilMs = 0;
      if (own) return;
      const { objects } = change;
      toast(
        'info',
        objects === 0
          ? t('Somebody has opened another source in this room.')
          : objects === 1
            ? t('Somebody has opened another source in this room. 1 object ended with the one before.')
            : t(
                'Somebody has opened another source in this room. {objects} objects ended with the one before.',
                { objects },
              ),
        { forMs: restorableMs },
      );
    }),
  );
  disposer.add(
    live.heldStill.watch((on) => {
      stage.classList.toggle('held-still', on);
      age.classList.toggle('still', on);
    }),
  );
  disposer.add(live.notices.watch((value) => notices.show(value)));
  disposer.every(200, () => {
    const text = age.querySelector('span');
    const ageMs = live.overlayAgeMs;
    const still = live.heldStill.value;
    age.hidden = ageMs === null && !still;
    if (text && still) setText(text, t('Picture held while you draw'));
    else if (text && ageMs !== null) setText(text, t('Outlines {ms} ms old', { ms: Math.round(ageMs) }));
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
      toast(
        'info',
        stops ? t('The recording is complete: {path}', { path }) : t('Recording to {path}', { path }),
      );
    } catch (error) {
      toastError(error);
    }
  };
  const nameOf = (objectId: number): string =>
    live.objects.value.find(({ id }) => id === objectId)?.label ?? String(objectId);
  const removeObject = (objectId: number): void => {
    if (refusesLocked(objectId)) return;
    const name = nameOf(objectId);
    if (live.selected.value === objectId) live.selected.value = null;
    worker.call('remove', { stream, objectId }).then(
      () =>
        toast('info', t('{name} is not followed any more.', { name }), {
          action: { name: t('Undo'), act: () => undo(objectId) },
          forMs: restorableMs,
        }),
      toastError,
    );
  };
  /** The key alone must not end an object for everybody: it is pressed twice. */
  let armed: { readonly objectId: number; readonly untilMs: number } | null = null;
  const removeByKey = (objectId: number): void => {
    const again = armed?.objectId === objectId && performance.now() < armed.untilMs;
    armed = again ? null : { objectId, untilMs: performance.now() + againWithinMs };
    if (again) removeObject(objectId);
    else
      toast('info', t('Press Delete again to stop following {name}.', { name: nameOf(objectId) }), {
        forMs: againWithinMs,
      });
  };
  const undoSays = new Signal<Readonly<Record<'undo' | 'redo', string | null>>>({ undo: null, redo: null });
  const showUndo = (): void => {
    const step = nextUndo(worker.health(stream).value?.undoable ?? [], live.selected.value);
    const undo = step && undoSentence(step);
    if (undo !== undoSays.value.undo) undoSays.value = { undo, redo: null };
  };
  disposer.add(worker.health(stream).watch(showUndo));
  disposer.add(live.selected.watch(showUndo));
  const openSource = (): void =>
    openSourceDialog(worker, stream, {
      followed: () => (points.value ? live.objects.value.length : 0),
      onChanging: (changing) => {
        ownChangeUntilMs = changing ? performance.now() + 60_000 : 0;
      },
    });
  const panel = objectsPanel(
    worker,
    live,
    {
      points,
      toggleOverlay: () => perform('overlay'),
      newObject: () => perform('new-object'),
      rename: async (objectId, label) => {
        if (!refusesLocked(objectId)) await worker.call('rename', { stream, objectId, label });
      },
      remove: removeObject,
      undo,
      openSource,
      fullscreen: () => perform('fullscreen'),
      record: () => void record(),
    },
    [echo.beats],
    disposer,
  );
  const room = h(
    'div',
    { class: 'room' },
    toolbar(pointing.tool, offered, perform, disposer, ['undo'], undoSays, true),
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
    h('a', { class: 'button primary', href: '#/rooms' }, t('All rooms')),
  );
  const showRoom = (): void => {
    const streams = worker.streams.value;
    const there = streams.includes(stream);
    // A server that ends takes its rooms away first, and then the connection: none of them was closed by anybody.
    const connected = worker.link.value.phase === 'open';
    wasThere = connected && (wasThere || there);
    // Before the server has told its rooms an empty list says nothing.
    const absent = connected && !there && (streams.length > 0 || wasThere);
    if (absent && wasThere) {
      setText(missingTitle, t('This room was closed'));
      setText(missingWords, t('What was recorded of it stays on the server.'));
    } else if (absent) {
      setText(missingTitle, t('There is no such room'));
      setText(missingWords, t('The server has no room called “{stream}”.', { stream }));
    }
    const wanted = absent ? missing : room;
    if (element.firstElementChild !== wanted) element.replaceChildren(wanted);
  };
  disposer.add(worker.streams.watch(showRoom));
  disposer.add(worker.link.watch(showRoom));

  // ---------------------------------------------------------------------------------------- actions
  function setLabel(on: boolean): void {
    stage.setAttribute(
      'aria-label',
      on
        ? t('Picture of {stream}. Choose a tool, move the crosshair with the arrow keys, press Enter.', {
            stream,
          })
        : live.played.value
          ? t('Picture of {stream}, a recording that is played.', { stream })
          : t('Picture of {stream}. The model finds its structures by itself.', { stream }),
    );
  }
  /** `far`: Shift is held, so that the crosshair moves in large steps. */
  function perform(action: Action, far = false): void {
    if (live.played.value && (pointingActions.has(action) || action === 'source')) {
      typedOn(action);
      toast('info', t('This room plays a recording: to mark or correct, open the file under Recordings.'));
      return;
    }
    if (!points.value && pointingActions.has(action)) {
      typedOn(action);
      toast('info', t('This model finds its structures by itself: there is nothing to point at or to name.'));
      return;
    }
    const wanted = toolOf(action);
    if (wanted !== null && wanted !== 'look' && !offered.value.includes(wanted)) {
      toast('info', t('Outlines are corrected in a recording: open it under Recordings.'));
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
        toast(
          'info',
          t('When analysis is slow: {name}. {meaning}', {
            name: say(slowChoices[next].name),
            meaning: say(slowChoices[next].meaning),
          }),
        );
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
        if (!echo.active.value) toast('info', t('Nothing of a heart is measured in this room.'));
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
        if (objectId === null) {
          typedOn(action);
          toast('info', t('Select an object first, in the list or with its number.'));
        } else if (action === 'remove') removeByKey(objectId);
        else if (action === 'hide' || action === 'lock') panel.toggle(action, objectId);
        else if (refusesLocked(objectId)) typedOn(action);
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
            .catch(() => toast('error', t('This browser refuses full screen here.')));
        return;
      case 'source':
        openSource();
        return;
      case 'rooms':
        go({ view: 'rooms' });
        return;
      default:
        // The others belong to recordings.
        return;
    }
  }
  /** Somebody who renames goes on typing before they see that it was refused. */
  let deafUntilMs = 0;
  function typedOn(action: Action): void {
    if (action === 'rename') deafUntilMs = performance.now() + typedOnMs;
  }
  disposer.listen('keydown', (event) => {
    if (isTyping(event) || document.querySelector('dialog[open]')) return;
    const { ctrlKey, metaKey, altKey } = event;
    const typed = event.key.length === 1 || event.key === 'Enter' || event.key === 'Backspace';
    if (typed && !ctrlKey && !metaKey && performance.now() < deafUntilMs) {
      deafUntilMs = event.key === 'Enter' ? 0 : performance.now() + typedOnMs;
      event.preventDefault();
      return;
    }
    const digit = !ctrlKey && !metaKey && !altKey && /^[1-9]$/.test(event.key) ? Number(event.key) : null;
    if (digit !== null) {
      // A digit means the object with this number; where there is none, the object at this place in the list.
      const objects = live.objects.value;
      const object = objects.find(({ id }) => id === digit) ?? objects[digit - 1];
      if (object) live.selected.value = object.id;
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
