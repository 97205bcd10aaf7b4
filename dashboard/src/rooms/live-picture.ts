/**
 * The page's side of one surface: a canvas handed to the worker, what the worker says about it, and the sentences that
 * follow from it. Used by a tile of the grid, by a room and by the clean feed.
 */
import './stage.css';
import { playbackStateSchema, playbackTopic } from '../../../src/protocol/playback-requests.js';
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import { isShown } from '../../../src/vocabulary/prompt.js';
import type { PaintingWorker, SurfaceEvent } from '../app/painting-worker.js';
import { h, textScale } from '../app/dom.js';
import { preferences } from '../app/prefs.js';
import { Disposer, Signal } from '../app/signal.js';
import { plainTone } from '../core/tone.js';
import type { Tone } from '../core/tone.js';
import { fitView } from '../core/viewport.js';
import type { ViewChoice } from '../core/viewport.js';
import { SteadyNotice } from '../core/steady-notice.js';
import { overlayNotice, pictureNotice } from '../core/wording.js';
import type { Notice, RoomCondition } from '../core/wording.js';
import type { ListedObject, Look, PaintedMessage, SurfaceStats } from '../worker/messages.js';

/** A switch that was used here holds until the server confirms it, at most this long. */
const overlayPendingMs = 3000;
const noticeEveryMs = 50;
/** Limit in use until the server has said what its limit is. */
const usualLimitMs = 100;

export interface Notices {
  readonly picture: Notice | null;
  readonly overlay: Notice | null;
}

export class LivePicture {
  readonly stream: string;
  readonly canvas: HTMLCanvasElement;
  readonly surface: number;
  readonly stats = new Signal<SurfaceStats | null>(null);
  readonly objects = new Signal<readonly ListedObject[]>([]);
  readonly pictureSize = new Signal<PictureSize | null>(null);
  readonly painted = new Signal<PaintedMessage | null>(null);
  readonly notices = new Signal<Notices>({ picture: null, overlay: null });
  readonly overlayOn = new Signal(false);
  /** A recording that is paused or at its end. */
  readonly standsStill = new Signal(false);
  /** The room is a recording that is played: nothing in it is marked, recorded or replaced. */
  readonly played = new Signal(false);
  /** Somebody draws: the picture on which they began stays on this screen. */
  readonly heldStill = new Signal(false);
  readonly selected = new Signal<number | null>(null);
  /** performance.now() since when a person holds the picture on this screen; null: it is live. */
  readonly heldSinceMs = new Signal<number | null>(null);
  readonly tone = new Signal<Tone>(plainTone);
  /** Another source has come; how many objects ended with the one before. */
  readonly sourceChanged = new Signal<{ readonly objects: number } | null>(null);
  /** Not drawn, and protected from a slip of the hand, on this screen. */
  readonly hidden = new Signal<ReadonlySet<number>>(new Set());
  readonly locked = new Signal<ReadonlySet<number>>(new Set());
  readonly view = new Signal<ViewChoice>(fitView);
  /** Device pixels of the canvas. */
  readonly stageSize = new Signal<PictureSize>({ width: 1, height: 1 });
  /** Other things that the worker says about this surface: first masks, measurements. */
  readonly events = new Signal<SurfaceEvent | null>(null);
  readonly #worker: PaintingWorker;
  readonly #clean: boolean;
  readonly #overview: boolean;
  readonly #disposer = new Disposer();
  #overlayPending: { readonly on: boolean; readonly untilMs: number } | null = null;
  #lastFreshEpochMs: number | null = null;
  #lastOverlayEpochMs: number | null = null;
  #overlayAgeMs: number | null = null;
  #attached = false;
  #hiddenUntilMs = 0;
  readonly #steady = new SteadyNotice();
  /** How many sources the room had shown by then, null: not known. */
  #sources: number | null = null;

  constructor(
    worker: PaintingWorker,
    stream: string,
    options: {
      readonly clean?: boolean;
      readonly label: string;
      /** One of many pictures: steady outlines matter more than the full rate. */
      readonly overview?: boolean;
    },
  ) {
    this.#worker = worker;
    this.stream = stream;
    this.#clean = options.clean ?? false;
    this.#overview = options.overview ?? false;
    this.canvas = h('canvas', { class: 'picture', role: 'img', 'aria-label': options.label });
    this.surface = worker.newSurface((event) => this.#hear(event));
    const observer = new ResizeObserver((entries) => {
      const entry = entries[0];
      if (entry) this.#measure(entry);
    });
    observer.observe(this.canvas);
    this.#disposer.add(() => observer.disconnect());
    this.#disposer.add(preferences.watch(() => this.#sendLook()));
    this.#disposer.add(
      worker.health(stream).watch((health) => {
        this.#updateOverlay();
        if (health) this.#noticeSource(health.sources);
      }),
    );
    // A room that is no recording has no such topic.
    this.#disposer.add(
      worker.watchTopic(playbackTopic(stream), (value) => {
        const state = playbackStateSchema.safeParse(value).data;
        if (!state) return;
        this.played.value = true;
        this.standsStill.value = state.paused || state.ended;
      }),
    );
    this.#disposer.add(this.selected.watch(() => this.#sendLook()));
    this.#disposer.add(this.tone.watch(() => this.#sendLook()));
    this.#disposer.add(this.hidden.watch(() => this.#sendLook()));
    this.#disposer.add(
      this.view.watch((view) => {
        if (this.#attached) worker.send({ type: 'view', surface: this.surface, view });
      }),
    );
    this.#disposer.every(noticeEveryMs, () => this.#updateNotices());
    const onVisible = (): void => {
      // A hidden page is not painted. When it is seen again, wait a moment before saying that its picture is frozen.
      if (document.visibilityState === 'visible') this.#hiddenUntilMs = performance.now() + 500;
    };
    document.addEventListener('visibilitychange', onVisible);
    this.#disposer.add(() => document.removeEventListener('visibilitychange', onVisible));
  }

  end(): void {
    this.#disposer.end();
    this.#worker.detach(this.surface);
  }

  /** Device pixels per unit of drawing: lines and text on the picture grow with those of the page. */
  get #unit(): number {
    return this.pixelRatio * textScale();
  }

  /** Device pixels per CSS pixel. */
  get pixelRatio(): number {
    return this.stageSize.value.width / Math.max(1, this.canvas.clientWidth);
  }

  get limitMs(): number {
    return (
      preferences.value.limitMs ?? this.#worker.health(this.stream).value?.overlayLimitMs ?? usualLimitMs
    );
  }

  get look(): Look {
    const { fillOpacity, labels, lineWidth, slow } = preferences.value;
    return {
      overlayOn: this.overlayOn.value && !this.#clean,
      fillOpacity,
      labels,
      lineWidth,
      limitMs: this.limitMs,
      slow: this.#overview && slow === 'auto' ? 'steady-outlines' : slow,
      selectedObject: this.selected.value,
      tone: this.tone.value,
      hidden: [...this.hidden.value],
    };
  }

  /** Switches outlines at once here, and for every other viewer through the server. Rejects with a Refusal. */
  async switchOverlay(): Promise<boolean> {
    const on = !this.overlayOn.value;
    this.#overlayPending = { on, untilMs: performance.now() + overlayPendingMs };
    this.#updateOverlay();
    const known = this.#worker.health(this.stream).value !== null;
    if (!known) {
      // A server of another make sends no health: then the switch is for this page alone.
      this.#overlayPending = { on, untilMs: Number.POSITIVE_INFINITY };
      return on;
    }
    await this.#worker.call('overlay', { stream: this.stream, visible: on });
    return on;
  }

  /** Holds the picture that is on screen, on this screen alone; the server is not asked. */
  hold(on: boolean): void {
    this.#worker.send({ type: 'hold', surface: this.surface, on });
  }

  #updateOverlay(): void {
    const health = this.#worker.health(this.stream).value;
    const pending = this.#overlayPending;
    if (pending && (performance.now() > pending.untilMs || health?.overlayVisible === pending.on))
      this.#overlayPending = null;
    this.overlayOn.value = this.#overlayPending?.on ?? health?.overlayVisible ?? true;
    this.#sendLook();
  }

  /** What belongs to a source ends with it: its objects, its numbers, the selection and the zoom. */
  #noticeSource(sources: number): void {
    const before = this.#sources;
    this.#sources = sources;
    if (before === null || before === sources) return;
    const ended = this.objects.value.length;
    this.#worker.measured(this.stream).newest.clear();
    this.objects.value = [];
    this.selected.value = null;
    this.view.value = fitView;
    this.sourceChanged.value = { objects: ended };
  }

  /** Pictures per second, wherever this page says them. */
  get rates(): { readonly captured: number; readonly shown: number; readonly analysed: number } {
    const health = this.#worker.health(this.stream).value;
    const stats = this.stats.value;
    return {
      captured: health?.capturedFps ?? stats?.inFps ?? 0,
      shown: stats?.shownFps ?? 0,
      analysed: health?.analysedFps ?? stats?.analysedFps ?? 0,
    };
  }

  #sendLook(): void {
    if (this.#attached) this.#worker.send({ type: 'look', surface: this.surface, look: this.look });
  }

  #measure(entry: ResizeObserverEntry): void {
    const device = entry.devicePixelContentBoxSize?.[0];
    const size = device
      ? { width: device.inlineSize, height: device.blockSize }
      : {
          width: Math.round(entry.contentRect.width * devicePixelRatio),
          height: Math.round(entry.contentRect.height * devicePixelRatio),
        };
    if (size.width === 0 || size.height === 0) return;
    this.stageSize.value = size;
    if (this.#attached) {
      this.#worker.send({ type: 'resize', surface: this.surface, size, unit: this.#unit });
      return;
    }
    this.#attached = true;
    const canvas = this.canvas.transferControlToOffscreen();
    this.#worker.send(
      {
        type: 'attach',
        surface: this.surface,
        stream: this.stream,
        canvas,
        size,
        unit: this.#unit,
        look: this.look,
        blackAfterMs: this.#clean ? 1000 : null,
      },
      [canvas],
    );
    this.#worker.send({ type: 'view', surface: this.surface, view: this.view.value });
  }

  #hear(event: SurfaceEvent): void {
    switch (event.type) {
      case 'painted':
        if (event.fresh) this.#lastFreshEpochMs = event.atEpochMs;
        if (event.overlay) {
          this.#lastOverlayEpochMs = event.atEpochMs;
          this.#overlayAgeMs = event.captureToPaintMs;
        }
        this.painted.value = event;
        return;
      case 'held':
        this.heldSinceMs.value = event.on ? performance.now() : null;
        // What was not shown while it was held is no stall.
        this.#hiddenUntilMs = performance.now() + 500;
        return;
      case 'stats':
        this.stats.value = event.stats;
        return;
      case 'objects': {
        const { selected } = this;
        const listed = (objects: readonly ListedObject[]): boolean =>
          objects.some(({ id }) => id === selected.value);
        // A new object is selected before it is listed.
        const ended = listed(this.objects.value) && !listed(event.objects);
        this.objects.value = event.objects;
        if (ended) selected.value = null;
        return;
      }
      case 'still':
        // Live again: the next picture is due one interval from now.
        if (!event.on) this.#lastFreshEpochMs = performance.timeOrigin + performance.now();
        this.heldStill.value = event.on;
        return;
      case 'picture-size':
        this.pictureSize.value = event.size;
        return;
      case 'first-mask':
      case 'picked':
      case 'measure-progress':
      case 'measured':
        this.events.value = event;
        return;
    }
  }

  /** Age of the outlines on screen when they were painted; null: none on screen now, or clocks not joined. */
  get overlayAgeMs(): number | null {
    const now = performance.timeOrigin + performance.now();
    // Outlines that went away a moment ago count as shown, so that one picture without outlines does not make the figure blink.
    const shown =
      this.painted.value?.overlay === true ||
      (this.#lastOverlayEpochMs !== null && now - this.#lastOverlayEpochMs < 300);
    return shown && this.overlayOn.value && this.heldSinceMs.value === null ? this.#overlayAgeMs : null;
  }

  get condition(): RoomCondition {
    const health = this.#worker.health(this.stream).value;
    const stats = this.stats.value;
    const now = performance.timeOrigin + performance.now();
    const since = (epochMs: number | null): number | null =>
      epochMs === null ? null : Math.max(0, now - epochMs);
    const { captured, shown, analysed } = this.rates;
    const hidden =
      this.heldSinceMs.value !== null ||
      document.visibilityState !== 'visible' ||
      performance.now() < this.#hiddenUntilMs;
    return {
      sincePictureMs: hidden ? 0 : since(this.#lastFreshEpochMs),
      capturedFps: captured,
      sourcePhase: health?.sourcePhase ?? 'playing',
      reason: health?.reason ?? '',
      sinceUnixMs: health?.sinceUnixMs ?? null,
      connected: this.#worker.link.value.phase === 'open',
      standsStill: this.standsStill.value,
      played: this.played.value,
      heldStill: this.heldStill.value,
      overlayOn: this.overlayOn.value,
      analysis: health?.analysis ?? true,
      regime: stats?.regime ?? 'in-step',
      objectsExpected: this.objects.value.some(({ state }) => isShown(state)),
      sinceOverlayMs: hidden ? 0 : since(this.#lastOverlayEpochMs),
      shownFps: shown,
      analysedFps: analysed,
      limitMs: this.limitMs,
      maskAgeMs: stats?.maskAgeMs ?? null,
      slow: this.look.slow,
    };
  }

  #updateNotices(): void {
    if (this.#overlayPending && performance.now() > this.#overlayPending.untilMs) this.#updateOverlay();
    const condition = this.condition;
    const picture = pictureNotice(condition);
    const overlay =
      picture || !condition.overlayOn
        ? this.#steady.clear()
        : this.#steady.next(overlayNotice(condition), performance.now());
    const before = this.notices.value;
    const same = (a: Notice | null, b: Notice | null): boolean =>
      a?.title === b?.title &&
      a?.detail === b?.detail &&
      JSON.stringify(a?.remedy) === JSON.stringify(b?.remedy);
    if (!same(before.picture, picture) || !same(before.overlay, overlay))
      this.notices.value = { picture, overlay };
  }
}
