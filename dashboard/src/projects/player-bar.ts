/** Pause, seek, step and speed of a room that is a recording being played; nothing in every other room. */
import { playbackStateSchema, playbackTopic } from '../../../src/protocol/playback-requests.js';
import type { PlaybackState } from '../../../src/protocol/playback-requests.js';
import type { RequestOf } from '../../../src/protocol/operations.js';
import { h, setText } from '../app/dom.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { icon } from '../app/icons.js';
import './projects.css';
import { t } from '../core/texts.js';

const speeds = [0.25, 0.5, 1, 2, 4] as const;

/** Puts the player's bar into `container` where the room's source is a recording. Returns how to end it. */
export function mountPlayer(container: HTMLElement, worker: PaintingWorker, stream: string): () => void {
  /** While a hand is on the slider the server's position does not move it. */
  let dragging = false;
  let state: PlaybackState | null = null;

  const toggle = h(
    'button',
    {
      type: 'button',
      class: 'icon-button',
      'aria-label': t('Pause'),
      onclick: () => change({ paused: !state?.paused }),
    },
    icon('stop'),
  );
  const step = (pictures: number, label: string, text: string): HTMLButtonElement =>
    h(
      'button',
      {
        type: 'button',
        class: 'icon-button',
        'aria-label': label,
        onclick: () => change({ step: pictures }),
      },
      text,
    );
  const seek = h('input', { type: 'range', min: 0, max: 1, value: 0, step: 1, 'aria-label': t('Position') });
  seek.addEventListener('pointerdown', () => (dragging = true));
  seek.addEventListener('pointerup', () => (dragging = false));
  seek.addEventListener('input', () => change({ positionMs: Number(seek.value) }));
  const time = h('output', { class: 'player-time' });
  const speed = h(
    'select',
    { 'aria-label': t('Speed') },
    ...speeds.map((value) => h('option', { value, selected: value === 1 }, `${value}×`)),
  );
  speed.addEventListener('change', () => change({ speed: Number(speed.value) }));
  const bar = h(
    'div',
    { class: 'player-bar', role: 'group', 'aria-label': t('Player') },
    toggle,
    step(-1, t('One picture back'), '◂'),
    step(1, t('One picture on'), '▸'),
    seek,
    time,
    speed,
  );

  // The stage below takes presses as pointing.
  for (const name of ['pointerdown', 'wheel', 'dblclick'] as const)
    bar.addEventListener(name, (event) => event.stopPropagation());

  const show = (next: PlaybackState): void => {
    state = next;
    if (!bar.isConnected) container.append(bar);
    toggle.replaceChildren(icon(next.paused ? 'play' : 'stop'));
    toggle.setAttribute('aria-label', next.paused ? t('Play') : t('Pause'));
    seek.max = String(Math.max(1, Math.round(next.durationMs)));
    if (!dragging) seek.value = String(Math.round(next.positionMs));
    setText(time, `${clock(next.positionMs)} / ${clock(next.durationMs)}`);
    const known = speeds.find((value) => value === next.speed);
    if (known !== undefined && document.activeElement !== speed) speed.value = String(known);
  };
  const change = (wanted: Omit<RequestOf<'playback.control'>, 'stream'>): void => {
    // A refusal leaves everything as it is, which the bar shows.
    worker.call('playback.control', { stream, ...wanted }).then(show, () => undefined);
  };
  // A room that is no recording has no such topic.
  const unwatch = worker.watchTopic(playbackTopic(stream), (value) => {
    const next = playbackStateSchema.safeParse(value);
    if (next.success) show(next.data);
  });

  return () => {
    unwatch();
    bar.remove();
  };
}

/** `1:02:03.4` */
function clock(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = (seconds % 60).toFixed(1).padStart(4, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}
