/**
 * The volume curve of a recording over its pictures, with its beats and their moments. ▲ and ▼ are moved by hand or by key; the
 * picture goes with them, and what they mean is measured anew by the server. Runs in the page; core/project-beats.ts decides how far.
 */
import './project-echo.css';
import type { Correction } from '../../../src/protocol/project-requests.js';
import { h, setText, textScale } from '../app/dom.js';
import { unitWords } from '../core/echo-readout.js';
import { momentsOf, pageOf, widestSeconds, within } from '../core/project-beats.js';
import type { FrameRange, Moment, MomentKind, ProjectMeasurements } from '../core/project-beats.js';
import { axisTop } from '../core/volume-curve.js';
import { locale, numberText, t } from '../core/texts.js';
import { drawRejected } from '../rooms/curve-drawing.js';
import { newBeatBar } from './new-beat-bar.js';

interface CurveEvents {
  readonly onSeek: (frame: number) => void;
  /** A person has put a moment on another picture. */
  readonly onMove: (beat: number, which: MomentKind, frame: number) => void;
  /** A person adds a beat: null when it was taken, else why not. */
  readonly onAdd: (correction: Correction) => Promise<string | null>;
  /** Another part of the recording is shown. */
  readonly onRange: (range: FrameRange) => void;
}

interface ProjectCurve {
  readonly element: HTMLElement;
  readonly range: FrameRange;
  update(measured: ProjectMeasurements | null): void;
  /** `frames`: that there are. */
  showFrame(frame: number, frames: number, framesPerSecond: number): void;
  /** Enter, Escape or undo while a beat is being added. False: none is. */
  newBeatKey(key: 'take' | 'back' | 'leave'): boolean;
  /** The server did not take a move: moments are where it says. */
  forgetMoves(): void;
  end(): void;
}

/** A moment that was moved by key is sent when no further key came for this long. */
const settleMs = 600;
const signs: Readonly<Record<MomentKind, readonly [counted: string, rejected: string]>> = {
  'end-diastole': ['▲', '△'],
  'end-systole': ['▼', '▽'],
};

interface Handle {
  readonly element: HTMLButtonElement;
  moment: Moment;
}

export function projectCurve(events: CurveEvents): ProjectCurve {
  const canvas = h('canvas', { 'aria-hidden': 'true' });
  const head = h('div', { class: 'playhead', 'aria-hidden': 'true' });
  const marks = h('div', { class: 'moments' });
  const unitText = h('span', { class: 'echo-unit' });
  const field = h('div', { class: 'project-curve-field' }, canvas, head, marks);
  const adding = newBeatBar({
    onAdd: events.onAdd,
    onChange: () => showNewBeat(),
    frame: () => frame,
  });
  const header = h(
    'header',
    {},
    h('h2', {}, t('LV volume'), ' ', unitText),
    h(
      'ul',
      { class: 'echo-legend', 'aria-hidden': 'true' },
      h('li', {}, '▲ ', t('end-diastole')),
      h('li', {}, '▼ ', t('end-systole')),
      h('li', { class: 'echo-legend-rejected' }, t('beat not counted')),
    ),
    adding.button,
  );
  const element = h(
    'section',
    { class: 'project-curve', 'aria-label': t('Volume of the left ventricle') },
    header,
    adding.element,
    field,
  );

  let measured: ProjectMeasurements | null = null;
  let range: FrameRange = { from: 0, to: 0 };
  let frame = 0;
  let frames = 1;
  let top: number | null = null;
  const handles = new Map<string, Handle>();
  /** Where a person has put a moment that the server has not answered yet. */
  const moved = new Map<string, number>();
  let settling = 0;
  let dragging = false;

  const shareOf = (at: number): number => (at - range.from + 0.5) / (range.to - range.from + 1);
  const frameAt = (clientX: number): number => {
    const { left, width } = field.getBoundingClientRect();
    return Math.floor(range.from + ((clientX - left) / Math.max(1, width)) * (range.to - range.from + 1));
  };
  const clamped = (clientX: number): number => Math.min(frames - 1, Math.max(0, frameAt(clientX)));
  const volumeAt = (at: number): number | null => {
    let nearest: ProjectMeasurements['curve'][number] | null = null;
    for (const point of measured?.curve ?? [])
      if (nearest === null || Math.abs(point.frame - at) < Math.abs(nearest.frame - at)) nearest = point;
    return nearest !== null && Math.abs(nearest.frame - at) <= 2 ? nearest.volume : null;
  };

  // ------------------------------------------------------------------------------------------ drawing
  const paint = (): void => {
    const ratio = window.devicePixelRatio;
    // Lines and words grow with the screen, as everything else on it.
    const unit = ratio * textScale();
    const width = Math.max(1, Math.round(field.clientWidth * ratio));
    const height = Math.max(1, Math.round(field.clientHeight * ratio));
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d');
    if (!context) return;
    const style = getComputedStyle(element);
    const ink = (name: string): string => style.getPropertyValue(name).trim();
    const x = (at: number): number => shareOf(at) * width;
    const curve = measured?.curve ?? [];
    const volumes = curve.flatMap(({ volume }) => (volume === null ? [] : [volume]));
    top = axisTop(volumes.length > 0 ? Math.max(...volumes) : null, top);
    const y = (volume: number): number => height * (1 - volume / (top ?? 1));

    context.strokeStyle = ink('--line');
    context.lineWidth = unit;
    context.fillStyle = ink('--text-2');
    context.font = `${12 * unit}px sans-serif`;
    context.textBaseline = 'top';
    for (const part of [0, 0.5]) {
      context.beginPath();
      context.moveTo(0, height * part + unit / 2);
      context.lineTo(width, height * part + unit / 2);
      context.stroke();
      if (volumes.length > 0)
        context.fillText(
          (top * (1 - part)).toLocaleString(locale(), { notation: 'compact' }),
          3 * unit,
          height * part + 2 * unit,
        );
    }

    const rejected = (measured?.beats ?? []).flatMap(({ accepted, reason, ...beat }) => {
      const from = beat.endDiastole?.frame ?? beat.endSystole?.frame;
      const to = beat.nextEndDiastole?.frame ?? beat.endSystole?.frame ?? from;
      return accepted || from === undefined || to === undefined ? [] : [{ from, to, reason }];
    });
    const systoles = [...handles.values()].flatMap(({ moment }) =>
      moment.which === 'end-systole' ? [x(moved.get(moment.key) ?? moment.frame)] : [],
    );
    const inks = { rejected: ink('--warn'), ground: ink('--surface') };
    for (const { from, to, reason } of rejected) {
      const left = Math.max(0, x(from));
      const place = new DOMRect(left, 0, Math.min(width, x(to)) - left, height);
      drawRejected(context, place, { reason, systoles }, inks, unit);
    }

    const dim = (at: number): boolean => rejected.some(({ from, to }) => at >= from && at < to);
    context.lineJoin = 'round';
    curve.forEach((point, index) => {
      const before = curve[index - 1];
      if (point.volume === null) return;
      const faint = dim(point.frame) || point.quality !== 'good';
      context.strokeStyle = ink(faint ? '--text-3' : '--accent');
      context.fillStyle = context.strokeStyle;
      context.lineWidth = (faint ? 1.5 : 2.5) * unit;
      context.setLineDash(faint ? [5 * unit, 4 * unit] : []);
      if (before === undefined || before.volume === null) {
        context.fillRect(x(point.frame) - unit, y(point.volume) - unit, 2 * unit, 2 * unit);
      } else {
        context.beginPath();
        context.moveTo(x(before.frame), y(before.volume));
        context.lineTo(x(point.frame), y(point.volume));
        context.stroke();
      }
      // An outline that a person has drawn.
      if (point.corrected) {
        context.setLineDash([]);
        context.beginPath();
        context.arc(x(point.frame), y(point.volume), 4 * unit, 0, 2 * Math.PI);
        context.stroke();
      }
    });
    context.setLineDash([]);
    for (const handle of handles.values()) place(handle);
    showNewBeat();
    placeHead();
  };
  const place = ({ element: button, moment }: Handle): void => {
    const at = moved.get(moment.key) ?? moment.frame;
    const share = shareOf(at);
    const volume = volumeAt(at);
    button.hidden = share < 0 || share > 1;
    button.style.insetInlineStart = `${100 * share}%`;
    const edge = moment.which === 'end-diastole' ? 1 : 0;
    button.style.insetBlockEnd = `${100 * Math.min(1, volume === null ? edge : volume / (top ?? 1))}%`;
    button.setAttribute('aria-valuenow', String(at));
    const where = t('picture {n}', { n: at });
    const measure =
      volume === null ? '' : `${numberText(volume)} ${unitWords(measured?.units.volume ?? '')}`.trim();
    button.setAttribute(
      'aria-valuetext',
      [where, measure, moment.corrected ? t('corrected by hand') : '']
        .filter((part) => part !== '')
        .join(', '),
    );
  };
  /** Moments of the beat that is being added: they are not moved, but taken back. */
  const newMarks = h('div', { class: 'moments', 'aria-hidden': 'true' });
  field.append(newMarks);
  const showNewBeat = (): void => {
    field.classList.toggle('choosing', adding.active);
    header.hidden = adding.active;
    newMarks.replaceChildren(
      ...adding.beat.flatMap((at, index) => {
        const share = shareOf(at);
        if (share < 0 || share > 1) return [];
        const which = index === 1 ? 'end-systole' : 'end-diastole';
        const block = index === 1 ? 0 : 1;
        const height = 100 * Math.min(1, (volumeAt(at) ?? block * (top ?? 1)) / (top ?? 1));
        const style = `inset-inline-start:${100 * share}%;inset-block-end:${height}%`;
        return [h('span', { class: `moment ${which} new`, style }, signs[which][0])];
      }),
    );
  };
  const placeHead = (): void => {
    const share = shareOf(frame);
    head.hidden = share < 0 || share > 1;
    head.style.insetInlineStart = `${100 * share}%`;
  };

  // ------------------------------------------------------------------------------------------ moving
  const move = (handle: Handle, wanted: number): void => {
    const at = within(handle.moment, wanted);
    moved.set(handle.moment.key, at);
    place(handle);
    events.onSeek(at);
  };
  const send = ({ moment }: Handle): void => {
    clearTimeout(settling);
    settling = 0;
    const at = moved.get(moment.key);
    if (at === undefined) return;
    if (at === moment.frame) moved.delete(moment.key);
    else events.onMove(moment.beat, moment.which, at);
  };
  const giveUp = (handle: Handle): void => {
    clearTimeout(settling);
    settling = 0;
    moved.delete(handle.moment.key);
    place(handle);
    events.onSeek(handle.moment.frame);
  };
  const newHandle = (moment: Moment): Handle => {
    const button = h('button', { type: 'button', role: 'slider' });
    const handle: Handle = { element: button, moment };
    button.addEventListener('pointerdown', (event) => {
      event.stopPropagation();
      button.setPointerCapture(event.pointerId);
      dragging = false;
      events.onSeek(moved.get(handle.moment.key) ?? handle.moment.frame);
    });
    button.addEventListener('pointermove', (event) => {
      if (!button.hasPointerCapture(event.pointerId)) return;
      const at = frameAt(event.clientX);
      if (!dragging && at === handle.moment.frame) return;
      dragging = true;
      move(handle, at);
    });
    button.addEventListener('pointerup', () => {
      if (dragging) send(handle);
      dragging = false;
    });
    button.addEventListener('pointercancel', () => {
      dragging = false;
      giveUp(handle);
    });
    button.addEventListener('blur', () => {
      if (settling !== 0) send(handle);
    });
    button.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const at = moved.get(handle.moment.key) ?? handle.moment.frame;
      if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
        move(handle, at + (event.key === 'ArrowRight' ? 1 : -1));
        clearTimeout(settling);
        settling = window.setTimeout(() => send(handle), settleMs);
      } else if (event.key === 'Enter' && settling !== 0) send(handle);
      else if (event.key === 'Escape' && settling !== 0) giveUp(handle);
      else return;
      // The same keys step the picture.
      event.preventDefault();
      event.stopPropagation();
    });
    return handle;
  };
  const setHandles = (moments: readonly Moment[]): void => {
    const known = new Set(moments.map(({ key }) => key));
    for (const [key, { element: button }] of handles)
      if (!known.has(key)) {
        button.remove();
        handles.delete(key);
        moved.delete(key);
      }
    for (const moment of moments) {
      const handle = handles.get(moment.key) ?? newHandle(moment);
      handle.moment = moment;
      handles.set(moment.key, handle);
      const { element: button } = handle;
      const { which, beat, rejected, corrected } = moment;
      setText(button, signs[which][rejected ? 1 : 0]);
      button.className = `moment ${which}${corrected ? ' corrected' : ''}`;
      const name =
        which === 'end-diastole'
          ? t('End-diastole, beat {beat}', { beat })
          : t('End-systole, beat {beat}', { beat });
      button.setAttribute('aria-label', name);
      const hint = t('{name}: drag it, or move it by one picture with ← →.', { name });
      button.title = corrected ? `${hint} ${t('Corrected by hand')}.` : hint;
      button.setAttribute('aria-valuemin', String(moment.least));
      button.setAttribute('aria-valuemax', String(moment.most));
      if (!button.isConnected) marks.append(button);
    }
  };

  // While a beat is added the moments that were found take no presses (style sheet).
  field.addEventListener('pointerup', (event) => {
    if (adding.active && field.hasPointerCapture(event.pointerId)) adding.choose(clamped(event.clientX));
  });
  field.addEventListener('pointerdown', (event) => {
    if (event.target instanceof HTMLButtonElement) return;
    field.setPointerCapture(event.pointerId);
    events.onSeek(frameAt(event.clientX));
  });
  field.addEventListener('pointermove', (event) => {
    if (field.hasPointerCapture(event.pointerId)) events.onSeek(frameAt(event.clientX));
  });
  const observer = new ResizeObserver(paint);
  observer.observe(field);

  return {
    element,
    get range() {
      return range;
    },
    update: (next) => {
      measured = next;
      // What is being moved stays where the hand has put it.
      if (settling === 0 && !dragging) moved.clear();
      setText(unitText, next === null || next.curve.length === 0 ? '' : unitWords(next.units.volume));
      setHandles(momentsOf(next?.beats ?? [], Math.max(0, frames - 1)));
      const leftOut = next?.beatsLeftOut ?? 0;
      element.title =
        leftOut === 0 ? '' : t('{n, plural, one {# beat is} other {# beats are}} not shown', { n: leftOut });
      paint();
    },
    showFrame: (at, count, framesPerSecond) => {
      frame = at;
      frames = count;
      const page = pageOf(at, count, Math.max(2, Math.round(widestSeconds * framesPerSecond)), range);
      if (page.from !== range.from || page.to !== range.to) {
        range = page;
        events.onRange(range);
        paint();
      }
      placeHead();
    },
    newBeatKey: (key) => {
      if (!adding.active) return false;
      if (key === 'take') adding.choose(frame);
      else if (key === 'back') adding.back();
      else adding.cancel();
      return true;
    },
    forgetMoves: () => {
      moved.clear();
      paint();
    },
    end: () => {
      clearTimeout(settling);
      observer.disconnect();
    },
  };
}
