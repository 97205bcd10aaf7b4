/** One recording: picture with outlines, timeline, prompts on any frame, tracking with preview, corrections, exports. */
import type { Prompt } from '../../../src/vocabulary/prompt.js';
import { h, setText } from '../app/dom.js';
import { openDialog } from '../app/dialog.js';
import { icon } from '../app/icons.js';
import type { IconName } from '../app/icons.js';
import { toast } from '../app/toast.js';
import type { EndView, ViewContext } from '../app/view.js';
import { idle, makesObjects, stepGesture } from '../core/gestures.js';
import type { DrawingTool, GestureInput, GestureState } from '../core/gestures.js';
import { paintOf } from '../../../src/vocabulary/palette.js';
import { fitView, place, toSource } from '../core/viewport.js';
import type { Placement } from '../core/viewport.js';
import { stateWords } from '../core/wording.js';
import { isTyping } from '../rooms/typing.js';
import { drawOverlay, overlayOf } from '../worker/overlay-drawing.js';
import { api, writesPictures } from './api.js';
import type { LaneInfo, ProjectInfo } from './api.js';
import { FrameCache } from './frame-cache.js';
import type { ShownFrame } from './frame-cache.js';
import { timeline } from './timeline.js';

const pollMs = 400;
const formats = ['png', 'csv', 'coco', 'mp4', 'mcap', 'nifti', 'dicom-seg', 'png-indexed', 'davis'] as const;
const tools: readonly {
  readonly tool: DrawingTool;
  readonly name: IconName;
  readonly key: string;
  readonly word: string;
}[] = [
  { tool: 'include', name: 'include', key: 'a', word: 'Add (+)' },
  { tool: 'exclude', name: 'exclude', key: 'x', word: 'Exclude (−)' },
  { tool: 'box', name: 'box', key: 'b', word: 'Box' },
  { tool: 'scribble', name: 'scribble', key: 's', word: 'Stroke' },
];
/** Speeds of J and L, each press the next one. */
const speeds = [1, 2, 4, 8] as const;
const prefetch = 6;

export function projectView({ element, go }: ViewContext, id: string): EndView {
  let project: ProjectInfo | null = null;
  let lanes: readonly LaneInfo[] = [];
  let shown: ShownFrame | null = null;
  /** The frame that is wanted; the picture follows. */
  let frame = 0;
  let playing = 0;
  let selected: string | null = null;
  let tool: DrawingTool = 'box';
  let gesture: GestureState = idle;
  let ended = false;
  let placement: Placement = { left: 0, top: 0, scale: 1 };
  const cache = new FrameCache(id);

  // ------------------------------------------------------------------------------------------ elements
  const stage = h('canvas', {
    class: 'project-stage',
    tabindex: 0,
    role: 'img',
    'aria-label': 'Picture of the recording',
  });
  const overlay = new OffscreenCanvas(1, 1);
  const title = h('h1', {}, '…');
  const where = h('p', { class: 'source-uri' });
  const status = h('p', { class: 'project-status', role: 'status' });
  const writing = h('p', { class: 'recording', hidden: true }, 'Recording pictures');
  const bar = h('progress', { max: 1, value: 0, hidden: true, 'aria-label': 'Progress' });
  const position = h('output', { class: 'project-position' });
  const objectList = h('ul', { class: 'project-objects' });
  const toolButtons = tools.map(({ tool: name, name: iconName, key, word }) =>
    h(
      'button',
      {
        type: 'button',
        class: 'tool',
        role: 'radio',
        'aria-checked': String(name === tool),
        title: `${word} (${key.toUpperCase()})`,
        onclick: () => chooseTool(name),
      },
      icon(iconName),
      word,
    ),
  );
  const button = (text: string, name: IconName, act: () => void, kind = ''): HTMLButtonElement =>
    h('button', { type: 'button', class: `button ${kind}`.trim(), onclick: act }, icon(name), text);
  const playButton = button('Play', 'play', () => togglePlay());
  const propagate = button('Track both ways', 'tracking', () => act('propagate'), 'primary');
  const cancel = button('Cancel', 'stop', () => act('cancel'));
  const undo = button('Undo', 'undo', () => act('undo'));
  const exporting = button('Export …', 'print', () => openExport());
  const exportList = h('ul', { class: 'project-exports' });
  const strip = timeline((wanted) => seek(wanted));
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
      stage,
      h(
        'aside',
        { class: 'project-panel', 'aria-label': 'Objects and tools' },
        h('div', { class: 'project-tools', role: 'radiogroup', 'aria-label': 'Tool' }, ...toolButtons),
        objectList,
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

  // ------------------------------------------------------------------------------------------ drawing
  const indexOf = (label: string): number =>
    (project?.objects.findIndex((object) => object.label === label) ?? -1) + 1;

  const draw = (): void => {
    const unit = window.devicePixelRatio;
    const width = Math.max(1, Math.round(stage.clientWidth * unit));
    const height = Math.max(1, Math.round(stage.clientHeight * unit));
    if (stage.width !== width || stage.height !== height) {
      stage.width = width;
      stage.height = height;
    }
    const context = stage.getContext('2d');
    if (!context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = '#000';
    context.fillRect(0, 0, width, height);
    if (!shown || !project?.format) return;
    const { size } = project.format;
    placement = place(fitView, size, { width, height });
    const { left, top, scale } = placement;
    context.drawImage(shown.picture, left, top, size.width * scale, size.height * scale);
    const { masks } = shown;
    stage.dataset['frame'] = String(shown.frame);
    stage.dataset['masks'] = String(masks.frame === shown.frame ? masks.objects.length : 0);
    if (masks.size && masks.frame === shown.frame) {
      overlay.width = width;
      overlay.height = height;
      const layer = overlay.getContext('2d');
      if (layer) {
        const drawn = overlayOf({
          maskSize: masks.size,
          sourceSize: size,
          objects: masks.objects.map((object) => ({ ...object, id: indexOf(object.label) })),
        });
        const look = {
          fillOpacity: 0.18,
          labels: true,
          lineWidth: 2,
          selectedObject: selected === null ? null : indexOf(selected),
        };
        drawOverlay(layer, drawn, placement, look, unit);
        context.drawImage(overlay, 0, 0);
      }
    }
    drawGesture(context, unit);
  };

  const drawGesture = (context: CanvasRenderingContext2D, unit: number): void => {
    const { left, top, scale } = placement;
    context.setTransform(scale, 0, 0, scale, left, top);
    context.lineWidth = (2 * unit) / scale;
    context.strokeStyle = '#fff';
    context.beginPath();
    if (gesture.kind === 'box') {
      const [x0, y0] = gesture.from;
      const [x1, y1] = gesture.to;
      context.strokeRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
    } else if (gesture.kind === 'stroke') {
      gesture.points.forEach(([x, y], index) => (index === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
      context.stroke();
    } else if (gesture.kind === 'click') {
      context.arc(gesture.at[0], gesture.at[1], (6 * unit) / scale, 0, 2 * Math.PI);
      context.stroke();
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
  };

  // ------------------------------------------------------------------------------------------ moving
  let fetching = false;
  const follow = async (): Promise<void> => {
    // One at a time: while a picture comes, only the newest wish counts.
    if (fetching) return;
    fetching = true;
    try {
      while (!ended && shown?.frame !== frame) {
        const wanted = frame;
        const next = await cache.get(wanted);
        if (ended) return;
        shown = next;
        strip.showFrame(wanted);
        draw();
        list();
        showPosition();
      }
    } catch {
      // Not read yet; the next poll tries again.
    } finally {
      fetching = false;
    }
  };
  const lastFrame = (): number => Math.max(0, (project?.pictures.frames ?? 1) - 1);
  const seek = (wanted: number): void => {
    frame = Math.min(lastFrame(), Math.max(0, Math.round(wanted)));
    void follow();
  };
  const showPosition = (): void => {
    const fps = project?.format?.framesPerSecond ?? null;
    const time = fps === null ? '' : `  ${(frame / fps).toFixed(2)} s`;
    const speed = Math.abs(playing) > 1 ? `  ${playing}×` : '';
    setText(position, `${frame} / ${lastFrame()}${time}${speed}`);
  };

  let clock = 0;
  let due = 0;
  const tick = (now: number): void => {
    if (ended || playing === 0) return;
    const stepMs = 1000 / ((project?.format?.framesPerSecond ?? 25) * Math.abs(playing));
    if (now - due > 500) due = now;
    let steps = 0;
    while (due <= now) {
      due += stepMs;
      steps += 1;
    }
    // The next picture waits for the one before: slower rather than with gaps.
    if (steps > 0 && shown?.frame === frame) {
      const direction = Math.sign(playing);
      const wanted = frame + direction * (Math.abs(playing) > 1 ? steps : 1);
      if (wanted < 0 || wanted > lastFrame()) setPlaying(0);
      seek(wanted);
      cache.ahead(
        Array.from({ length: prefetch }, (_, index) => frame + direction * (index + 1)).filter(
          (candidate) => candidate >= 0 && candidate <= lastFrame(),
        ),
      );
    }
    clock = requestAnimationFrame(tick);
  };
  const setPlaying = (speed: number): void => {
    playing = speed;
    cancelAnimationFrame(clock);
    playButton.replaceChildren(icon(speed === 0 ? 'play' : 'stop'), speed === 0 ? 'Play' : 'Pause');
    showPosition();
    if (speed === 0) return;
    due = performance.now();
    clock = requestAnimationFrame(tick);
  };
  const togglePlay = (): void => {
    if (playing !== 0) return setPlaying(0);
    if (frame >= lastFrame()) seek(0);
    setPlaying(1);
  };
  const faster = (direction: 1 | -1): void => {
    const now = Math.sign(playing) === direction ? Math.abs(playing) : 0;
    setPlaying(direction * (speeds.find((speed) => speed > now) ?? speeds.at(-1) ?? 1));
  };

  // ------------------------------------------------------------------------------------------ objects and state
  const list = (): void => {
    const masks = shown?.masks;
    objectList.replaceChildren(
      ...(project?.objects ?? []).map((object, index) => {
        const found = masks?.objects.find(({ label }) => label === object.label);
        const words = found
          ? `${stateWords[found.state].word} ${Math.round(found.confidence * 100)} %`
          : 'not tracked here';
        const chosen = object.label === selected;
        return h(
          'li',
          { class: chosen ? 'chosen' : '' },
          h(
            'button',
            {
              type: 'button',
              class: 'project-object',
              'aria-pressed': String(chosen),
              onclick: () => select(chosen ? null : object.label),
            },
            h('span', { class: 'swatch', style: `background:${paintOf(index + 1).hex}` }, String(index + 1)),
            h('span', {}, object.label),
            h('span', { class: 'muted' }, words),
          ),
          h(
            'button',
            {
              type: 'button',
              class: 'icon-button small',
              'aria-label': `Rename ${object.label}`,
              onclick: () => rename(object.label),
            },
            icon('rename'),
          ),
          h(
            'button',
            {
              type: 'button',
              class: 'icon-button small',
              'aria-label': `Remove ${object.label}`,
              onclick: () => act('remove', { label: object.label }),
            },
            icon('remove'),
          ),
        );
      }),
    );
  };
  const select = (label: string | null): void => {
    selected = label;
    list();
    draw();
  };
  const chooseTool = (name: DrawingTool): void => {
    tool = name;
    toolButtons.forEach((element, index) =>
      element.setAttribute('aria-checked', String(tools[index]?.tool === name)),
    );
  };

  const take = (next: ProjectInfo): void => {
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
      ...next.exports.map(({ name, formats: made }) =>
        h(
          'li',
          {},
          h('a', { href: api.exportAddress(id, name), download: '' }, `${name}: ${made.join(', ')}`),
        ),
      ),
    );
    if (selected !== null && !next.objects.some(({ label }) => label === selected)) selected = null;
    if (running || before?.run.phase === 'running' || before?.upToDate !== next.upToDate) void refreshMasks();
    strip.update(next, lanes);
    showPosition();
    list();
    if (shown?.frame !== frame || shown === null) void follow();
  };
  const statusText = ({ run, pictures, format, upToDate, objects }: ProjectInfo): string => {
    if (run.phase === 'failed') return run.message;
    if (run.phase === 'running') {
      if (run.what === 'export') return 'Writing files …';
      const { progress } = run;
      if (!progress) return 'Loading the model …';
      const total = progress.totalFrames === null ? '' : ` of ${progress.totalFrames}`;
      return `${progress.pass === 'backward' ? 'Tracking backwards' : 'Tracking'}: ${progress.frames}${total}`;
    }
    if (!pictures.complete) {
      const total = format?.frameCount ? ` of ${format.frameCount}` : '';
      return pictures.problem ?? `${pictures.frames}${total} pictures read`;
    }
    if (pictures.problem !== null) return pictures.problem;
    if (objects.length === 0)
      return 'Mark an object: choose a tool, go to a picture where it is well seen, draw.';
    return upToDate ? 'Tracked.' : 'Prompts have changed: track again.';
  };

  const refreshMasks = async (): Promise<void> => {
    cache.forgetMasks();
    lanes = await api.lanes(id, 800).catch(() => lanes);
    if (ended || !project) return;
    strip.update(project, lanes);
    if (!shown) return;
    const masks = await api.masks(id, shown.frame).catch(() => null);
    if (ended || !masks || masks.frame !== shown.frame) return;
    shown = { ...shown, masks };
    draw();
    list();
  };

  const sayProblem = (error: unknown): void =>
    toast('error', error instanceof Error ? error.message : String(error));
  const act = (
    action: 'undo' | 'rename' | 'remove' | 'propagate' | 'cancel' | 'export',
    body?: unknown,
  ): void => {
    api.act(id, action, body).then(take, sayProblem);
  };
  const rename = (label: string): void => {
    const field = h('input', { type: 'text', value: label, maxlength: 80, 'aria-label': 'Name' });
    const form = h(
      'form',
      { class: 'field' },
      field,
      h('button', { class: 'button primary', type: 'submit' }, 'Rename'),
    );
    const close = openDialog('Rename', [form]);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      close();
      if (selected === label) selected = field.value.trim();
      act('rename', { label, name: field.value });
    });
    field.select();
  };
  const openExport = (): void => {
    const boxes = formats.map((format) =>
      h('input', {
        type: 'checkbox',
        value: format,
        id: `format-${format}`,
        checked: format === 'png' || format === 'csv',
      }),
    );
    const form = h(
      'form',
      { class: 'field' },
      ...boxes.map((box) => h('label', { class: 'export-format', for: box.id }, box, box.value)),
      h('button', { class: 'button primary', type: 'submit' }, 'Export'),
    );
    const close = openDialog('Export', [form]);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      close();
      act('export', { formats: boxes.filter((box) => box.checked).map((box) => box.value) });
    });
  };

  // ------------------------------------------------------------------------------------------ pointing
  const send = (prompt: Prompt): void => {
    if (shown === null) return;
    if (selected === null && !makesObjects(prompt)) {
      toast('info', 'Choose the object to correct first (in the list, or with its digit).');
      return;
    }
    api.prompt(id, shown.frame, selected, prompt).then((answer) => {
      selected = answer.label;
      take(answer.project);
      draw();
    }, sayProblem);
  };
  const input = (value: GestureInput): void => {
    const size = project?.format?.size;
    if (!size) return;
    const step = stepGesture(gesture, tool, value, size);
    gesture = step.state;
    if (step.began) setPlaying(0);
    if (step.prompt) send(step.prompt);
    draw();
  };
  const at = (event: PointerEvent): [number, number] => {
    const bounds = stage.getBoundingClientRect();
    const unit = window.devicePixelRatio;
    return toSource(placement, (event.clientX - bounds.left) * unit, (event.clientY - bounds.top) * unit);
  };
  stage.addEventListener('pointerdown', (event) => {
    stage.focus();
    stage.setPointerCapture(event.pointerId);
    input({ kind: 'down', at: at(event), opposite: event.button === 2 || event.altKey });
  });
  stage.addEventListener('pointermove', (event) => {
    if (gesture.kind !== 'idle') input({ kind: 'move', at: at(event) });
  });
  stage.addEventListener('pointerup', () => input({ kind: 'up' }));
  stage.addEventListener('pointercancel', () => input({ kind: 'cancel' }));
  stage.addEventListener('contextmenu', (event) => event.preventDefault());

  const onKey = (event: KeyboardEvent): void => {
    if (isTyping(event) || event.ctrlKey || event.metaKey || document.querySelector('dialog[open]')) return;
    const key = event.key.toLowerCase();
    const digit = Number(event.key);
    const chosen = tools.find((candidate) => candidate.key === key);
    if (event.key === ' ') togglePlay();
    else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
      setPlaying(0);
      seek(frame + (event.key === 'ArrowRight' ? 1 : -1) * (event.shiftKey ? 10 : 1));
    } else if (event.key === 'Home') seek(0);
    else if (event.key === 'End') seek(lastFrame());
    else if (key === 'j') faster(-1);
    else if (key === 'k') setPlaying(0);
    else if (key === 'l') faster(1);
    else if (key === 'z') act('undo');
    else if (key === 'n') select(null);
    else if (key === 'p') {
      if (!propagate.disabled) act('propagate');
    } else if (event.key === 'Escape') input({ kind: 'cancel' });
    else if (chosen) chooseTool(chosen.tool);
    else if (digit >= 1 && digit <= 9) select(project?.objects[digit - 1]?.label ?? selected);
    else return;
    event.preventDefault();
  };
  document.addEventListener('keydown', onKey);

  // ------------------------------------------------------------------------------------------ life
  const observer = new ResizeObserver(draw);
  observer.observe(stage);
  let timer = 0;
  const poll = async (): Promise<void> => {
    try {
      take(await api.state(id));
    } catch (error) {
      if (ended) return;
      sayProblem(error);
      if (!project) {
        go({ view: 'recordings', rest: '' });
        return;
      }
    }
    if (!ended) timer = window.setTimeout(() => void poll(), pollMs);
  };
  void refreshMasks();
  void poll();

  return () => {
    ended = true;
    window.clearTimeout(timer);
    cancelAnimationFrame(clock);
    document.removeEventListener('keydown', onKey);
    observer.disconnect();
    strip.end();
    cache.clear();
    element.replaceChildren();
  };
}
