/** One recording: picture with outlines, timeline, prompts on any frame, tracking with preview, corrections, exports. */
import type { OperationName, RequestOf, ResponseOf } from '../../../src/protocol/operations.js';
import { promptToWire } from '../../../src/protocol/requests.js';
import type { ProjectState } from '../../../src/protocol/project-requests.js';
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
import { exportAddress, lanesOf, masksOf, sentence, watchProjects, writesPictures } from './api.js';
import type { LaneInfo } from './api.js';
import { FrameCache } from './frame-cache.js';
import { FramePlayer } from './frame-player.js';
import { askFormats, askName } from './project-dialogs.js';
import { projectObjects } from './project-objects.js';
import { ProjectStage } from './project-stage.js';
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

export function projectView({ element, worker, go }: ViewContext, id: string): EndView {
  let project: ProjectState | null = null;
  let lanes: readonly LaneInfo[] = [];
  let selected: string | null = null;
  let ended = false;
  const disposer = new Disposer();
  const cache = new FrameCache(id);
  const player = new FramePlayer(cache, () => project, {
    onShown: () => {
      strip.showFrame(player.frame);
      stage.draw();
      list();
      showPosition();
    },
    onSpeed: (speed) => {
      playButton.replaceChildren(icon(speed === 0 ? 'play' : 'stop'), speed === 0 ? 'Play' : 'Pause');
      showPosition();
    },
  });
  const stage = new ProjectStage(() => ({ project, shown: player.shown, selected }), {
    onBegin: () => player.play(0),
    onPrompt: (prompt) => send(prompt),
  });

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
  const button = (text: string, name: IconName, act: () => void, kind = ''): HTMLButtonElement =>
    h('button', { type: 'button', class: `button ${kind}`.trim(), onclick: act }, icon(name), text);
  const playButton = button('Play', 'play', () => player.toggle());
  const propagate = button('Track both ways', 'tracking', () => track(), 'primary');
  const cancel = button('Cancel', 'stop', () => change('projects.cancel', { project: id }));
  const undo = button('Undo', 'undo', () => change('projects.undo', { project: id }));
  const exporting = button('Export …', 'print', () =>
    askFormats((formats) => change('projects.export', { project: id, formats })),
  );
  const exportList = h('ul', { class: 'project-exports' });
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
      h(
        'aside',
        { class: 'project-panel', 'aria-label': 'Objects and tools' },
        h('div', { class: 'project-tools', role: 'radiogroup', 'aria-label': 'Tool' }, ...toolButtons),
        objects.element,
        h('div', { class: 'project-actions' }, propagate, undo, exporting),
        exportList,
      ),
      h(
        'footer',
        { class: 'project-foot' },
        h('div', { class: 'project-transport' }, playButton, position),
        strip.element,
      ),
    ),
  );

  // ------------------------------------------------------------------------------------------ showing
  const list = (): void => objects.update(project?.objects ?? [], player.shown?.masks ?? null, selected);
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
  const chooseTool = (name: DrawingTool): void => {
    stage.tool = name;
    toolButtons.forEach((one, index) =>
      one.setAttribute('aria-checked', String(tools[index]?.tool === name)),
    );
  };

  const applyState = (next: ProjectState): void => {
    if (ended) return;
    const before = project;
    project = next;
    setText(title, next.name);
    setText(where, `${next.uri} – ${next.format?.description ?? ''}`);
    const running = next.run.phase === 'running';
    cancel.hidden = !running;
    propagate.disabled = running || next.objects.length === 0 || next.upToDate;
    undo.disabled = running || next.objects.length === 0;
    exporting.disabled = running || !next.upToDate;
    const progress = next.run.phase === 'running' ? next.run.progress : null;
    bar.hidden = !running;
    if (progress?.totalFrames) {
      bar.max = progress.totalFrames;
      bar.value = progress.frames;
    } else bar.removeAttribute('value');
    setText(status, statusText(next));
    writing.hidden = !writesPictures(next);
    exportList.replaceChildren(
      ...next.exports.map(({ name, formats }) =>
        h(
          'li',
          {},
          h('a', { href: exportAddress(id, name), download: '' }, `${name}: ${formats.join(', ')}`),
        ),
      ),
    );
    if (selected !== null && !next.objects.some(({ label }) => label === selected)) selected = null;
    if (running || before?.run.phase === 'running' || before?.upToDate !== next.upToDate) void refreshMasks();
    strip.update(next, lanes);
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
      strip.update(project, lanes);
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
    if (isTyping(event) || event.ctrlKey || event.metaKey || document.querySelector('dialog[open]')) return;
    if (!onPlayerKey(event) && !onActionKey(event)) return;
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
    const chosen = tools.find((candidate) => candidate.action === action);
    if (chosen) chooseTool(chosen.tool);
    else if (action === 'undo') change('projects.undo', { project: id });
    else if (action === 'new-object') select(null);
    else if (action === 'cancel') stage.cancel();
    else if (event.key.toLowerCase() === 'p') {
      if (!propagate.disabled) track();
    } else if (digit >= 1 && digit <= 9) select(project?.objects[digit - 1]?.label ?? selected);
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
  };
  disposer.add(
    watchProjects(worker, (event) => {
      if (event.id === id && event.state) applyState(event.state);
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
    cache.clear();
    element.replaceChildren();
  };
}
