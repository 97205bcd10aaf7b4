/**
 * One recording: picture with outlines, timeline, prompts on any frame, tracking with preview, corrections, exports. Where a model
 * finds its structures by itself nothing is marked: it is let loose, and its outlines and beats are corrected.
 */
import type { OperationName, RequestOf, ResponseOf } from '../../../src/protocol/operations.js';
import { promptToWire } from '../../../src/protocol/requests.js';
import { maskToCocoString } from '../../../src/mask/rle.js';
import type { Mask } from '../../../src/vocabulary/mask.js';
import type { Correction, ProjectState } from '../../../src/protocol/project-requests.js';
import { chambers } from '../../../src/vocabulary/echo.js';
import type { Prompt } from '../../../src/vocabulary/prompt.js';
import { h, setText } from '../app/dom.js';
import { Refusal } from '../app/painting-worker.js';
import { icon } from '../app/icons.js';
import type { IconName } from '../app/icons.js';
import { prefer, preferences } from '../app/prefs.js';
import { Disposer, Signal } from '../app/signal.js';
import { toast } from '../app/toast.js';
import type { EndView, ViewContext } from '../app/view.js';
import { draws, makesObjects, makingTool } from '../core/gestures.js';
import type { Tool } from '../core/gestures.js';
import { actionOf, shownKey } from '../core/keymap.js';
import type { Action } from '../core/keymap.js';
import { performShared, repeatable } from '../editor/actions.js';
import { outlineSettings } from '../editor/outline-settings.js';
import { markingTools, repairTools, toolbar, toolOf } from '../editor/toolbar.js';
import { isTyping } from '../editor/typing.js';
import { zoomBar } from '../editor/zoom-bar.js';
import { changeWords } from '../core/change-words.js';
import type { PlacedMark } from '../core/marks.js';
import { t } from '../core/texts.js';
import { lanesOf, masksOf, sentence, uncertainOf, watchProjects, writesPictures } from './api.js';
import type { LaneInfo } from './api.js';
import { cineSpeed } from './cine-speed.js';
import { correctingTools } from './correcting-tools.js';
import { openExport } from './export-dialog.js';
import { exportList } from './export-list.js';
import { FrameCache } from './frame-cache.js';
import { FramePlayer } from './frame-player.js';
import { maskImport } from './mask-import.js';
import { projectEcho } from './project-echo.js';
import { projectObjects } from './project-objects.js';
import { ProjectStage } from './project-stage.js';
import type { StageContent } from './project-stage.js';
import { statusText } from './project-status.js';
import { marksOn, withAnswer } from './shown-marks.js';
import { timeline } from './timeline.js';

/** Pictures of one step with Shift. */
const farPictures = 10;
/** Operations that answer with the state of the project. */
type Change = {
  [Name in OperationName]: ResponseOf<Name> extends ProjectState ? Name : never;
}[OperationName];

/** What a button says that lets a model look for its structures. */
function findWords(finder: ResponseOf<'projects.list'>['finders'][number] | undefined): string {
  if (finder === undefined) return t('Find by itself');
  return finder.measuresHeart
    ? t('Find the left ventricle')
    : t('Find {names}', { names: finder.finds.join(', ') });
}

export function projectView({ element, worker, go }: ViewContext, id: string): EndView {
  let project: ProjectState | null = null;
  let lanes: readonly LaneInfo[] = [];
  let finders: ResponseOf<'projects.list'>['finders'] = [];
  let selected: string | null = null;
  let ended = false;
  /** Answers that are awaited; how often a new object was asked for. */
  let waiting = 0;
  let newObjectWishes = 0;
  const disposer = new Disposer();
  const outlinesOn = new Signal(true);
  const offered = new Signal<readonly Tool[]>(['look']);
  const cache = new FrameCache(id);
  const player = new FramePlayer(cache, () => project, {
    onShown: () => {
      strip.showFrame(player.frame);
      echo.showFrame(player.frame, project);
      stage.draw();
      list();
      showPosition();
    },
    onSpeed: (speed) => {
      playButton.replaceChildren(icon(speed === 0 ? 'play' : 'stop'), speed === 0 ? t('Play') : t('Pause'));
      showPosition();
      stage.draw();
    },
  });
  /** Names of the objects that are hidden or locked. */
  const those = (what: 'hidden' | 'locked'): readonly string[] =>
    project?.objects.flatMap((one) => (one[what] ? one.label : [])) ?? [];
  let marksOf: { readonly of: readonly unknown[]; readonly marks: readonly PlacedMark[] } = {
    ...{ of: [], marks: [] },
  };
  /** The same list for as long as nothing has changed. */
  const marks = (): readonly PlacedMark[] => {
    const of = [project, selected, player.shown?.frame];
    if (of.some((one, at) => one !== marksOf.of[at]))
      marksOf = { of, marks: marksOn(project, selected, player.shown?.frame ?? -1) };
    return marksOf.marks;
  };
  const stageContent = (): StageContent => ({
    ...{ project, shown: player.shown, labels: labels(), selected },
    ...{ marks: marks(), hidden: those('hidden'), outlinesOn: outlinesOn.value },
    playing: player.speed !== 0,
  });
  const stage = new ProjectStage(stageContent, {
    onBegin: () => player.play(0),
    onPrompt: (prompt) => send(prompt),
    onPick: (label) => select(label),
    onContour: (frame, label, mask) => void takeOutline(frame, label, mask),
    mayRepair: () => {
      // Where a person marks, an outline can be the first of an object.
      if (refusesLocked(selected)) return false;
      if (selected !== null || project?.finder === null) return true;
      toast('info', t('Choose the structure to correct first (in the list, or with its digit).'));
      return false;
    },
    onMoveMark: (mark, moved) => {
      if (refusesLocked(selected)) stage.marks.settled();
      else
        void changeMark(worker.call('projects.moveMark', { project: id, mark, prompt: promptToWire(moved) }));
    },
    onRemoveMark: (mark) => {
      if (!refusesLocked(selected))
        void changeMark(worker.call('projects.removeMark', { project: id, mark }));
    },
    onPoints: () => correcting.update(),
    onRefused: (sentence) => toast('info', sentence),
  });
  const echo = projectEcho(id, {
    seek: (frame) => {
      player.play(0);
      player.seek(frame);
    },
    correct: (correction) => correct(correction),
    ask: (correction) => tryCorrection(correction),
    pair: (partner, view) =>
      worker.call('projects.pair', { project: id, partner, view }).then(applyState, sayProblem),
  });
  const finder = () => finders.find(({ name }) => name === project?.finder);
  /** Names of what is or will be outlined, in their order. */
  const labels = (): readonly string[] => {
    const known = project?.objects.map(({ label }) => label) ?? [];
    if (known.length > 0 || project === null || project.finder === null) return known;
    return finder()?.finds ?? player.shown?.masks.objects.map(({ label }) => label) ?? [];
  };

  // ------------------------------------------------------------------------------------------ elements
  const title = h('h1', {}, '…');
  const where = h('p', { class: 'source-uri' });
  const status = h('p', { class: 'project-status', role: 'status' });
  const writing = h('p', { class: 'recording', hidden: true }, t('Recording pictures'));
  const bar = h('progress', { max: 1, value: 0, hidden: true, 'aria-label': t('Progress') });
  const position = h('output', { class: 'project-position' });
  const objects = projectObjects({
    select: (label) => select(label),
    rename: (label, name) => rename(label, name),
    remove: (label) => remove(label),
    hide: (label, hidden) => change('projects.hide', { project: id, label, hidden }),
    lock: (label, locked) => change('projects.lock', { project: id, label, locked }),
  });
  const { tool } = stage.pointing;
  const undoes = new Signal<{ readonly undo: string | null; readonly redo: string | null }>({
    ...{ undo: null, redo: null },
  });
  const rail = toolbar(tool, offered, (action) => perform(action), disposer, ['undo', 'redo'], undoes);
  const correcting = correctingTools(stage);
  stage.element.append(zoomBar(stage, (action) => perform(action), disposer));
  const findButtons = h('div', { class: 'project-actions' });
  const button = (text: string, name: IconName, act: () => void, kind = ''): HTMLButtonElement =>
    h('button', { type: 'button', class: `button ${kind}`.trim(), onclick: act }, icon(name), text);
  const playButton = button(t('Play'), 'play', () => player.toggle());
  const propagateText = h('span', {}, t('Track both ways'));
  const propagate = h(
    'button',
    {
      ...{ type: 'button', class: 'button primary', title: shownKey('track') },
      onclick: () => track(),
    },
    icon('tracking'),
    propagateText,
  );
  const byHand = button(t('Mark by hand instead'), 'box', () =>
    change('projects.finder', { project: id, finder: null }),
  );
  const cancel = button(t('Cancel'), 'stop', () => change('projects.cancel', { project: id }));
  const exporting = button(t('Export …'), 'print', () => {
    if (project !== null) openExport(worker, project);
  });
  const exported = exportList(worker, (problem) => sayProblem(problem));
  const strip = timeline((wanted) => player.seek(wanted));
  const importing = maskImport(
    id,
    element,
    { frame: () => player.frame, onProject: (state) => applyState(state) },
    disposer,
  );
  const nextUncertain = button(t('Next uncertain picture'), 'uncertain', () => perform('uncertain'));
  nextUncertain.title = shownKey('uncertain');
  const newObject = button(t('New object'), 'plus', () => perform('new-object'));
  const root = h(
    'section',
    { class: 'project' },
    h(
      'header',
      { class: 'project-head' },
      h('a', { class: 'icon-button', href: '#/recordings', 'aria-label': t('All recordings') }, icon('back')),
      h('div', { class: 'panel-title' }, title, where),
      writing,
      status,
      bar,
      cancel,
    ),
    rail,
    stage.element,
    correcting.bar,
    h(
      'aside',
      { class: 'project-panel', 'aria-label': t('Objects and outlines') },
      outlineSettings(outlinesOn, () => perform('overlay'), disposer),
      echo.panel,
      findButtons,
      h(
        'section',
        { class: 'objects-section' },
        h('div', { class: 'section-head' }, h('h2', {}, t('Objects')), newObject),
        objects.element,
      ),
      h('div', { class: 'project-actions' }, propagate, byHand, importing, exporting),
      exported.element,
    ),
    h(
      'footer',
      { class: 'project-foot' },
      h('div', { class: 'project-transport' }, playButton, position, nextUncertain, correcting.element),
      echo.curve,
      strip.element,
    ),
  );
  element.replaceChildren(root);
  disposer.add(preferences.watch(({ panelOpen }) => root.classList.toggle('panel-closed', !panelOpen)));
  disposer.add(outlinesOn.watch(() => stage.draw()));
  disposer.add(
    tool.watch((chosen) => {
      if (chosen === 'points') player.play(0);
      stage.draw();
      correcting.update();
      // Keys pressed after this move the point.
      if (chosen === 'points') stage.points.focus();
    }),
  );

  playButton.after(cineSpeed(player));

  // ------------------------------------------------------------------------------------------ showing
  const list = (): void => {
    objects.update(labels(), {
      ...{ masks: player.shown?.masks ?? null, selected, hidden: those('hidden') },
      ...{ locked: those('locked'), kind: project?.format?.pictureKind },
      editable: (project?.finder ?? null) === null,
    });
    const { shown } = player;
    if (shown && project?.format && player.speed === 0 && shown.masks.frame === shown.frame)
      objects.showThumbnails(shown.picture, stage.outlines(project.format, shown.masks).objects);
  };
  const showPosition = (): void => {
    const { frame, lastFrame, speed } = player;
    const fps = project?.format?.framesPerSecond ?? null;
    const time = fps === null ? '' : `  ${(frame / fps).toFixed(2)} s`;
    setText(position, `${frame} / ${lastFrame}${time}${Math.abs(speed) > 1 ? `  ${speed}×` : ''}`);
  };
  const select = (label: string | null): void => {
    selected = label;
    list();
    stage.draw();
  };
  /** What is shown depends on who outlines: what was marked, or a model that finds its structures by itself. */
  const showFinder = (next: ProjectState): void => {
    const finds = next.finder !== null;
    const marked = next.objects.some(({ prompts }) => prompts.length > 0);
    const idle = next.run.phase !== 'running';
    findButtons.hidden = finds || marked;
    for (const one of findButtons.querySelectorAll('button')) one.disabled = !idle;
    newObject.hidden = finds;
    importing.hidden = finds;
    offer(
      finds ? (next.measuresHeart ? ['look', ...repairTools] : ['look']) : [...markingTools, ...repairTools],
    );
    byHand.hidden = !finds || next.corrections > 0 || !idle;
    setText(propagateText, finds ? findWords(finder()) : t('Track both ways'));
  };
  const offer = (next: readonly Tool[]): void => {
    if (next.join() === offered.value.join()) return;
    offered.value = next;
    if (!next.includes(tool.value)) tool.value = 'look';
  };
  const showFinders = (): void => {
    findButtons.replaceChildren(
      ...finders.map((one) => button(findWords(one), 'searching', () => find(one.name), 'primary')),
    );
    if (project) applyState(project);
  };

  const applyState = (next: ProjectState): void => {
    if (ended) return;
    const before = project;
    project = next;
    setText(title, next.name);
    setText(where, `${next.uri} – ${next.format?.description ?? ''}`);
    const running = next.run.phase === 'running';
    cancel.hidden = !running;
    const nothing = next.finder === null && next.objects.length === 0;
    propagate.disabled = running || nothing || next.upToDate;
    exporting.disabled = running || !next.exportable;
    nextUncertain.hidden = nothing;
    const progress = next.run.phase === 'running' ? next.run.progress : null;
    bar.hidden = !running;
    if (progress?.totalFrames) {
      bar.max = progress.totalFrames;
      bar.value = progress.frames;
    } else bar.removeAttribute('value');
    setText(status, statusText(next));
    undoes.value = { undo: changeWords(next.undo), redo: changeWords(next.redo) };
    showFinder(next);
    echo.update(next);
    writing.hidden = !writesPictures(next);
    exported.show(next);
    if (selected !== null && !labels().includes(selected)) selected = null;
    // Corrections are nearly always of the ventricle.
    if (next.measuresHeart && !before?.measuresHeart && labels().includes(chambers.ventricle))
      selected ??= chambers.ventricle;
    if (
      running ||
      before?.run.phase === 'running' ||
      before?.upToDate !== next.upToDate ||
      before.corrections !== next.corrections ||
      JSON.stringify(before.objects) !== JSON.stringify(next.objects)
    )
      void refreshMasks();
    strip.update(next, labels(), lanes);
    echo.showFrame(player.frame, next);
    showPosition();
    list();
    if (player.shown?.frame !== player.frame) void player.follow();
  };

  let refreshing = false;
  let refreshAgain = false;
  /** Masks and lanes of a run that grows. What changes while they are fetched is fetched afterwards, once. */
  const refreshMasks = async (): Promise<void> => {
    refreshAgain = true;
    if (refreshing) return;
    refreshing = true;
    while (refreshAgain && !ended) {
      refreshAgain = false;
      cache.forgetMasks();
      lanes = await lanesOf(id).catch(() => lanes);
      if (ended || !project) continue;
      strip.update(project, labels(), lanes);
      const shown = player.shown?.frame;
      const masks = shown === undefined ? null : await masksOf(id, shown).catch(() => null);
      if (ended || !masks || masks.frame !== player.shown?.frame) continue;
      player.shown = { ...player.shown, masks };
      stage.draw();
      list();
    }
    refreshing = false;
  };

  // ------------------------------------------------------------------------------------------ orders
  const sayProblem = (error: unknown): void => {
    if (!ended) toast('error', sentence(error));
  };
  const change = <Name extends Change>(name: Name, question: RequestOf<Name>): void => {
    worker.call(name, question).then(applyState, sayProblem);
  };
  /** null: it was taken; else why not. */
  const tryCorrection = async (correction: Correction): Promise<string | null> => {
    try {
      applyState(await worker.call('projects.correct', { project: id, correction }));
      return null;
    } catch (error) {
      return sentence(error);
    }
  };
  const correct = async (correction: Correction): Promise<boolean> => {
    const problem = await tryCorrection(correction);
    if (problem !== null && !ended) toast('error', problem);
    return problem === null;
  };
  const find = (name: string): void => {
    worker.call('projects.finder', { project: id, finder: name }).then((answer) => {
      applyState(answer);
      track();
    }, sayProblem);
  };
  const track = (): void => change('projects.propagate', { project: id });
  const remove = (label: string): void => {
    if (!refusesLocked(label)) change('projects.removeObject', { project: id, label });
  };
  const rename = (label: string, name: string): void => {
    if (refusesLocked(label)) return;
    if (selected === label) selected = name;
    change('projects.rename', { project: id, label, name });
  };
  const takeOutline = async (frame: number, label: string | null, mask: Mask): Promise<void> => {
    const byMark = (project?.finder ?? null) === null;
    const drawn = { size: [mask.height, mask.width] as [number, number], counts: maskToCocoString(mask) };
    const taken =
      label === null
        ? byMark && (await prompt(frame, null, { type: 'mask', mask }))
        : byMark
          ? await changeMark(worker.call('projects.repair', { project: id, frame, label, mask: drawn }))
          : await correct({ kind: 'contour', frame, label, mask: drawn });
    if (!taken) stage.forgetPainting();
    if (label !== null) stage.points.answered(frame, label, taken);
  };
  /** Sends a mark. False: it was refused, which has been said. */
  const prompt = (frame: number, label: string | null, mark: Prompt): Promise<boolean> => {
    const wishes = newObjectWishes;
    return changeMark(
      worker.call('projects.prompt', {
        ...{ project: id, frame, label, prompts: [promptToWire(mark)] },
      }),
      // The next marks correct the new object, unless the person has gone on to something else meanwhile.
      (answer) => {
        if (selected === label && wishes === newObjectWishes) selected = answer.label;
      },
    );
  };
  /** A mark is set, moved or removed: its object's mask on that picture comes with the answer. */
  const changeMark = async (
    asked: Promise<ResponseOf<'projects.prompt'>>,
    onAnswer: (answer: ResponseOf<'projects.prompt'>) => void = () => undefined,
  ): Promise<boolean> => {
    waiting += 1;
    stage.element.dataset['waiting'] = String(waiting);
    try {
      const answer = await asked;
      if (ended) return true;
      onAnswer(answer);
      cache.forgetMasks();
      if (player.shown) player.shown = { ...player.shown, masks: withAnswer(player.shown.masks, answer) };
      if (answer.problem) toast('info', answer.problem.message);
      applyState(answer.project);
      stage.draw();
      return true;
    } catch (error) {
      sayProblem(error);
      return false;
    } finally {
      waiting -= 1;
      stage.element.dataset['waiting'] = String(waiting);
      stage.marks.settled();
    }
  };
  const send = (mark: Prompt): void => {
    if (player.shown === null) return;
    if (selected === null && !makesObjects(mark)) {
      toast('info', t('Choose the object to correct first (in the list, or with its digit).'));
      return;
    }
    if (!refusesLocked(selected)) void prompt(player.shown.frame, selected, mark);
  };
  /** Goes to the least certain picture that has not been looked at, and chooses the object that is uncertain there. */
  const showUncertain = async (): Promise<void> => {
    player.play(0);
    const [next] = await uncertainOf(id).catch(() => []);
    if (ended) return;
    if (!next) {
      toast('info', t('No outline is uncertain on a picture that nobody has looked at.'));
      return;
    }
    selected = next.label;
    player.seek(next.frame);
    list();
    change('projects.seen', { project: id, frame: next.frame });
  };
  /** True, said in words: a locked object is not changed. */
  function refusesLocked(label: string | null): boolean {
    if (label === null || !those('locked').includes(label)) return false;
    toast('info', t('{label} is locked: unlock it in the list first.', { label }));
    return true;
  }
  const step = (by: number): void => {
    player.play(0);
    player.seek(player.frame + by);
  };
  /** `far`: Shift is held, so that steps are large. */
  function perform(action: Action, far = false): void {
    const wanted = toolOf(action);
    if (wanted !== null && !offered.value.includes(wanted)) {
      toast('info', t('This tool has nothing to work on here.'));
      return;
    }
    switch (action) {
      case 'left':
      case 'right':
        // With a tool in hand the crosshair moves.
        if (draws(tool.value)) break;
        step((action === 'right' ? 1 : -1) * (far ? farPictures : 1));
        return;
      case 'act':
        if (echo.newBeatKey('take')) return;
        if (tool.value === 'points') stage.points.take();
        break;
      default:
    }
    if (performShared(action, stage.pointing, stage.element, far)) {
      if (action === 'tool-points') stage.points.focus();
      return;
    }
    switch (action) {
      case 'overlay':
        outlinesOn.value = !outlinesOn.value;
        return;
      case 'undo':
        if (echo.newBeatKey('back') || stage.pointing.back()) return;
        if (tool.value !== 'points' || !stage.points.undo()) change('projects.undo', { project: id });
        return;
      case 'cancel':
        if (echo.newBeatKey('leave')) return;
        if (stage.pointing.busy) stage.pointing.cancel();
        else if (tool.value === 'points' && stage.points.leave()) return;
        else if (tool.value !== 'look') tool.value = 'look';
        else select(null);
        return;
      case 'redo':
        change('projects.redo', { project: id });
        return;
      case 'hide':
      case 'lock': {
        const own = project?.objects.find(({ label }) => label === selected);
        if (!own) toast('info', t('Select an object first, in the list or with its number.'));
        else if (action === 'hide')
          change('projects.hide', { project: id, label: own.label, hidden: !own.hidden });
        else change('projects.lock', { project: id, label: own.label, locked: !own.locked });
        return;
      }
      case 'new-object':
        newObjectWishes += 1;
        select(null);
        tool.value = makingTool(tool.value);
        stage.element.focus({ preventScroll: true });
        return;
      case 'rename':
      case 'remove':
        if (selected === null || project?.finder !== null)
          toast('info', t('Select an object first, in the list or with its number.'));
        else if (action === 'remove') remove(selected);
        else {
          prefer({ panelOpen: true });
          objects.startRename(selected);
        }
        return;
      case 'play':
        player.toggle();
        return;
      case 'step-back':
      case 'step-on':
        step((action === 'step-on' ? 1 : -1) * (far ? farPictures : 1));
        return;
      case 'first':
        player.seek(0);
        return;
      case 'last':
        player.seek(player.lastFrame);
        return;
      case 'play-back':
        player.faster(-1);
        return;
      case 'play-on':
        player.faster(1);
        return;
      case 'uncertain':
        void showUncertain();
        return;
      case 'track':
        if (!propagate.disabled) track();
        return;
      case 'fullscreen':
        if (document.fullscreenElement) void document.exitFullscreen();
        else
          root.requestFullscreen().catch(() => toast('error', t('This browser refuses full screen here.')));
        return;
      case 'rooms':
        go({ view: 'rooms' });
        return;
      default:
        // The others belong to live rooms.
        return;
    }
  }
  disposer.listen('keydown', (event) => {
    if (isTyping(event) || document.querySelector('dialog[open]')) return;
    const { ctrlKey, metaKey, altKey } = event;
    const digit = !ctrlKey && !metaKey && !altKey && /^[1-9]$/.test(event.key) ? Number(event.key) : null;
    if (digit !== null) {
      const label = labels()[digit - 1];
      if (label !== undefined) select(label);
      event.preventDefault();
      return;
    }
    const action = actionOf(event, preferences.value.pedalCode, 'recording');
    if (action === null) return;
    if (!event.repeat || repeatable.has(action)) perform(action, event.shiftKey);
    event.preventDefault();
  });

  // ------------------------------------------------------------------------------------------ life
  const ask = (): void => {
    worker.call('projects.get', { project: id }).then(applyState, (error: unknown) => {
      // The connection is made again by itself, and then it is asked again.
      if (ended || (error instanceof Refusal && error.code === 'SONO_CONNECTION_LOST')) return;
      sayProblem(error);
      if (!project) go({ view: 'recordings', rest: '' });
    });
    worker.call('projects.list', {}).then(
      (answer) => {
        if (ended) return;
        finders = answer.finders;
        showFinders();
      },
      // What went wrong is said by the question above.
      () => undefined,
    );
  };
  disposer.add(
    watchProjects(worker, (event) => {
      if (event.id === id && event.state) applyState(event.state);
      else if (event.id === project?.pair?.partner) echo.partnerChanged();
    }),
  );
  disposer.add(
    worker.link.watch(({ phase }) => {
      if (phase === 'open') ask();
    }),
  );
  void refreshMasks();

  return () => {
    ended = true;
    disposer.end();
    player.end();
    stage.end();
    strip.end();
    echo.end();
    cache.clear();
    element.replaceChildren();
  };
}
