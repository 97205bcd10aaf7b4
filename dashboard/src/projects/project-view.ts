/**
 * One recording: picture with outlines, timeline, prompts on any frame, tracking with preview, corrections, exports. Where a model
 * finds its structures by itself nothing is marked: it is let loose, and its outlines and beats are corrected.
 */
import type { OperationName, RequestOf, ResponseOf } from '../../../src/protocol/operations.js';
import { promptToWire } from '../../../src/protocol/requests.js';
import { maskToCocoString } from '../../../src/mask/rle.js';
import type { Correction, ProjectState } from '../../../src/protocol/project-requests.js';
import { chambers } from '../../../src/vocabulary/echo.js';
import type { Prompt } from '../../../src/vocabulary/prompt.js';
import { h, setText } from '../app/dom.js';
import { Refusal } from '../app/painting-worker.js';
import { icon } from '../app/icons.js';
import type { IconName } from '../app/icons.js';
import { Disposer } from '../app/signal.js';
import { toast } from '../app/toast.js';
import type { EndView, ViewContext } from '../app/view.js';
import { makesObjects } from '../core/gestures.js';
import type { DrawingTool } from '../core/gestures.js';
import { actionOf, shownKey } from '../core/keymap.js';
import type { Action } from '../core/keymap.js';
import { isTyping } from '../rooms/typing.js';
import { lanesOf, masksOf, sentence, watchProjects, writesPictures } from './api.js';
import type { LaneInfo } from './api.js';
import { correctingTools, correctingToolOf } from './correcting-tools.js';
import { cineSpeed } from './cine-speed.js';
import { exportList } from './export-list.js';
import { FrameCache } from './frame-cache.js';
import { FramePlayer } from './frame-player.js';
import { askFormats, askName } from './project-dialogs.js';
import { projectEcho } from './project-echo.js';
import { projectObjects } from './project-objects.js';
import { ProjectStage } from './project-stage.js';
import type { StageContent, StageTool } from './project-stage.js';
import { statusText } from './project-status.js';
import { timeline } from './timeline.js';

const tools: readonly { readonly tool: DrawingTool; readonly action: Action; readonly word: string }[] = [
  { tool: 'include', action: 'tool-include', word: 'Add (+)' },
  { tool: 'exclude', action: 'tool-exclude', word: 'Exclude (−)' },
  { tool: 'box', action: 'tool-box', word: 'Box' },
  { tool: 'scribble', action: 'tool-scribble', word: 'Stroke' },
];
/** Operations that answer with the state of the project. */
type Change = {
  [Name in OperationName]: ResponseOf<Name> extends ProjectState ? Name : never;
}[OperationName];

/** What a button says that lets a model look for its structures. */
function findWords(finder: ResponseOf<'projects.list'>['finders'][number] | undefined): string {
  if (finder === undefined) return 'Find by itself';
  return finder.measuresHeart ? 'Find the left ventricle' : `Find ${finder.finds.join(', ')}`;
}

export function projectView({ element, worker, go }: ViewContext, id: string): EndView {
  let project: ProjectState | null = null;
  let lanes: readonly LaneInfo[] = [];
  let finders: ResponseOf<'projects.list'>['finders'] = [];
  let selected: string | null = null;
  let ended = false;
  const disposer = new Disposer();
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
      playButton.replaceChildren(icon(speed === 0 ? 'play' : 'stop'), speed === 0 ? 'Play' : 'Pause');
      showPosition();
      stage.draw();
    },
  });
  const stageContent = (): StageContent => ({
    ...{ project, shown: player.shown, labels: labels(), selected },
    playing: player.speed !== 0,
  });
  const stage = new ProjectStage(stageContent, {
    onBegin: () => player.play(0),
    onPrompt: (prompt) => send(prompt),
    onContour: (frame, label, mask) => {
      const counts = maskToCocoString(mask);
      void correct({ kind: 'contour', frame, label, mask: { size: [mask.height, mask.width], counts } }).then(
        (taken) => {
          if (!taken) stage.forgetPainting();
          stage.points.answered(frame, label, taken);
        },
      );
    },
    onNothingSelected: () =>
      toast('info', 'Choose the structure to correct first (in the list, or with its digit).'),
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
  const writing = h('p', { class: 'recording', hidden: true }, 'Recording pictures');
  const bar = h('progress', { max: 1, value: 0, hidden: true, 'aria-label': 'Progress' });
  const position = h('output', { class: 'project-position' });
  const objects = projectObjects({
    select: (label) => select(label),
    rename: (label) => rename(label),
    remove: (label) => change('projects.removeObject', { project: id, label }),
  });
  const toolButtons = tools.map(({ tool, action, word }) =>
    h(
      'button',
      {
        type: 'button',
        class: 'tool',
        role: 'radio',
        'aria-checked': String(tool === stage.tool),
        title: `${word} (${shownKey(action)})`,
        onclick: () => chooseTool(tool),
      },
      icon(tool),
      word,
    ),
  );
  const marking = h(
    'div',
    { class: 'project-tools', role: 'radiogroup', 'aria-label': 'Tool' },
    ...toolButtons,
  );
  const correcting = correctingTools(stage, (tool) => chooseTool(tool));
  const findButtons = h('div', { class: 'project-actions' });
  const button = (text: string, name: IconName, act: () => void, kind = ''): HTMLButtonElement =>
    h('button', { type: 'button', class: `button ${kind}`.trim(), onclick: act }, icon(name), text);
  const playButton = button('Play', 'play', () => player.toggle());
  const propagateText = h('span', {}, 'Track both ways');
  const propagate = h(
    'button',
    { type: 'button', class: 'button primary', onclick: () => track() },
    icon('tracking'),
    propagateText,
  );
  const byHand = button('Mark by hand instead', 'box', () =>
    change('projects.finder', { project: id, finder: null }),
  );
  const cancel = button('Cancel', 'stop', () => change('projects.cancel', { project: id }));
  const undo = button('Undo', 'undo', () => change('projects.undo', { project: id }));
  const exporting = button('Export …', 'print', () =>
    askFormats((formats) => change('projects.export', { project: id, formats })),
  );
  const exported = exportList(worker, (problem) => sayProblem(problem));
  const strip = timeline((wanted) => player.seek(wanted));
  element.replaceChildren(
    h(
      'section',
      { class: 'project' },
      h(
        'header',
        { class: 'project-head' },
        h('a', { class: 'icon-button', href: '#/recordings', 'aria-label': 'All recordings' }, icon('back')),
        h('div', { class: 'panel-title' }, title, where),
        writing,
        status,
        bar,
        cancel,
      ),
      stage.element,
      stage.points.element,
      correcting.bar,
      h(
        'aside',
        { class: 'project-panel', 'aria-label': 'Objects and tools' },
        echo.panel,
        findButtons,
        marking,
        objects.element,
        h('div', { class: 'project-actions' }, propagate, undo, byHand, exporting),
        exported.element,
      ),
      h(
        'footer',
        { class: 'project-foot' },
        h('div', { class: 'project-transport' }, playButton, position, correcting.element),
        echo.curve,
        strip.element,
      ),
    ),
  );

  playButton.after(cineSpeed(player));

  // ------------------------------------------------------------------------------------------ showing
  const list = (): void =>
    objects.update(labels(), {
      ...{ masks: player.shown?.masks ?? null, selected, kind: project?.format?.pictureKind },
      editable: (project?.finder ?? null) === null,
    });
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
  const chooseTool = (name: StageTool): void => {
    stage.tool = name;
    toolButtons.forEach((one, index) =>
      one.setAttribute('aria-checked', String(tools[index]?.tool === name)),
    );
    stage.element.dataset['tool'] = name;
    if (name === 'points') player.play(0);
    stage.draw();
    correcting.update();
    // Keys pressed after this move the point.
    if (name === 'points') stage.points.focus();
  };
  /** What is shown depends on who outlines: what was marked, or a model that finds its structures by itself. */
  let findsShown: boolean | null = null;
  const showFinder = (next: ProjectState): void => {
    const finds = next.finder !== null;
    const marked = next.objects.some(({ prompts }) => prompts.length > 0);
    const idle = next.run.phase !== 'running';
    findButtons.hidden = finds || marked;
    for (const one of findButtons.querySelectorAll('button')) one.disabled = !idle;
    marking.hidden = finds;
    correcting.element.hidden = !next.measuresHeart;
    byHand.hidden = !finds || next.corrections > 0 || !idle;
    setText(propagateText, finds ? findWords(finder()) : 'Track both ways');
    if (findsShown === finds) return;
    findsShown = finds;
    chooseTool(finds ? 'look' : 'box');
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
    undo.disabled = running || (next.finder === null ? nothing : next.corrections === 0);
    exporting.disabled = running || !next.upToDate;
    const progress = next.run.phase === 'running' ? next.run.progress : null;
    bar.hidden = !running;
    if (progress?.totalFrames) {
      bar.max = progress.totalFrames;
      bar.value = progress.frames;
    } else bar.removeAttribute('value');
    setText(status, statusText(next));
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
      before.corrections !== next.corrections
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
  const rename = (label: string): void =>
    askName(label, (name) => {
      if (selected === label) selected = name.trim();
      change('projects.rename', { project: id, label, name });
    });
  const send = (prompt: Prompt): void => {
    if (player.shown === null) return;
    if (selected === null && !makesObjects(prompt)) {
      toast('info', 'Choose the object to correct first (in the list, or with its digit).');
      return;
    }
    const { frame } = player.shown;
    worker
      .call('projects.prompt', { project: id, frame, label: selected, prompts: [promptToWire(prompt)] })
      .then((answer) => {
        selected = answer.label;
        applyState(answer.project);
        stage.draw();
      }, sayProblem);
  };

  disposer.listen('keydown', (event) => {
    if (isTyping(event) || document.querySelector('dialog[open]')) return;
    const held = event.ctrlKey || event.metaKey;
    if ((held || !onPlayerKey(event)) && !onActionKey(event)) return;
    event.preventDefault();
  });
  const onPlayerKey = ({ key, shiftKey }: KeyboardEvent): boolean => {
    switch (key.toLowerCase()) {
      case ' ':
        player.toggle();
        return true;
      case 'arrowright':
      case 'arrowleft':
        player.play(0);
        player.seek(player.frame + (key === 'ArrowRight' ? 1 : -1) * (shiftKey ? 10 : 1));
        return true;
      case 'home':
        player.seek(0);
        return true;
      case 'end':
        player.seek(player.lastFrame);
        return true;
      case 'j':
        player.faster(-1);
        return true;
      case 'k':
        player.play(0);
        return true;
      case 'l':
        player.faster(1);
        return true;
      default:
        return false;
    }
  };
  const onActionKey = (event: KeyboardEvent): boolean => {
    const digit = Number(event.key);
    const action = actionOf(event, null);
    const chosen =
      (project?.finder ?? null) === null
        ? tools.find((candidate) => candidate.action === action)?.tool
        : project?.measuresHeart
          ? correctingToolOf(action)
          : null;
    const control = event.ctrlKey || event.metaKey;
    if (action === 'undo' && echo.newBeatKey('back')) return true;
    if (action === 'act' && echo.newBeatKey('take')) return true;
    if (action === 'cancel' && echo.newBeatKey('leave')) return true;
    if (chosen) chooseTool(chosen);
    else if (action === 'undo') {
      if (stage.tool !== 'points' || !stage.points.undo()) change('projects.undo', { project: id });
    } else if (control) return false;
    else if (action === 'new-object') select(null);
    else if (action === 'act' && stage.tool === 'points') stage.points.take();
    else if (action === 'cancel') {
      if (stage.tool !== 'points') stage.cancel();
      else if (!stage.points.leave()) chooseTool('look');
    } else if (event.key.toLowerCase() === 'p') {
      if (!propagate.disabled) track();
    } else if (digit >= 1 && digit <= 9) select(labels()[digit - 1] ?? selected);
    else return false;
    return true;
  };

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
