/** Pause, seek, step and speed of a room that is a recording being played; nothing in every other room. */
import { z } from 'zod';
import { h, setText } from '../app/dom.js';
import type { PaintingWorker } from '../app/painting-worker.js';
import { icon } from '../app/icons.js';
import './recordings.css';

const stateSchema = z.object({
  paused: z.boolean(),
  positionMs: z.number(),
  durationMs: z.number(),
  speed: z.number(),
  ended: z.boolean(),
});
type PlayerState = z.infer<typeof stateSchema>;

const pollMs = 250;
const speeds = [0.25, 0.5, 1, 2, 4] as const;

/** Puts the player's bar into `container` where the room's source is a recording. Returns how to end it. */
export function mountPlayer(container: HTMLElement, engine: PaintingWorker, stream: string): () => void {
  let ended = false;
  let timer = 0;
  let started = false;
  /** While a hand is on the slider the server's position does not move it. */
  let dragging = false;
  let state: PlayerState | null = null;

  const address = (): string => {
    const query = new URLSearchParams({ stream });
    return `api/playback?${query.toString()}`;
  };
  const toggle = h(
    'button',
    {
      type: 'button',
      class: 'icon-button',
      'aria-label': 'Pause',
      onclick: () => void change({ paused: !state?.paused }),
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
        onclick: () => void change({ step: pictures }),
      },
      text,
    );
  const seek = h('input', { type: 'range', min: 0, max: 1, value: 0, step: 1, 'aria-label': 'Position' });
  seek.addEventListener('pointerdown', () => (dragging = true));
  seek.addEventListener('pointerup', () => (dragging = false));
  seek.addEventListener('input', () => void change({ positionMs: Number(seek.value) }));
  const time = h('output', { class: 'player-time' });
  const speed = h(
    'select',
    { 'aria-label': 'Speed' },
    ...speeds.map((value) => h('option', { value, selected: value === 1 }, `${value}×`)),
  );
  speed.addEventListener('change', () => void change({ speed: Number(speed.value) }));
  const bar = h(
    'div',
    { class: 'player-bar', role: 'group', 'aria-label': 'Player' },
    toggle,
    step(-1, 'One picture back', '◂'),
    step(1, 'One picture on', '▸'),
    seek,
    time,
    speed,
  );

  // The stage below takes presses as pointing.
  for (const name of ['pointerdown', 'wheel', 'dblclick'] as const)
    bar.addEventListener(name, (event) => event.stopPropagation());

  const show = (next: PlayerState): void => {
    state = next;
    if (!bar.isConnected) container.append(bar);
    toggle.replaceChildren(icon(next.paused ? 'play' : 'stop'));
    toggle.setAttribute('aria-label', next.paused ? 'Play' : 'Pause');
    seek.max = String(Math.max(1, Math.round(next.durationMs)));
    if (!dragging) seek.value = String(Math.round(next.positionMs));
    setText(time, `${clock(next.positionMs)} / ${clock(next.durationMs)}`);
    const known = speeds.find((value) => value === next.speed);
    if (known !== undefined && document.activeElement !== speed) speed.value = String(known);
  };
  const take = async (response: Response): Promise<boolean> => {
    const parsed = stateSchema.safeParse(await response.json().catch(() => null));
    if (!ended && response.ok && parsed.success) show(parsed.data);
    return response.ok && parsed.success;
  };
  const change = async (body: Record<string, unknown>): Promise<void> => {
    const response = await fetch(address(), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ stream, ...body }),
    }).catch(() => null);
    if (response) await take(response);
  };
  const poll = async (): Promise<void> => {
    const response = await fetch(address()).catch(() => null);
    // A server without a player answers once; a server that is away is asked again.
    if (ended || (response && !(await take(response)))) return;
    timer = window.setTimeout(() => void poll(), pollMs);
  };
  const unwatch = engine.health(stream).watch((health) => {
    if (started || !health?.sourceUri.toLowerCase().endsWith('.mcap')) return;
    started = true;
    void poll();
  });

  return () => {
    ended = true;
    window.clearTimeout(timer);
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
