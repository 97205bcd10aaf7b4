/**
 * One picture on one canvas: takes pictures and segmentations of one stream, decodes them, asks the presenter what to
 * show at each display refresh and paints it. Runs in the painting worker; owns its canvas and its subscriptions.
 */
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { SonoscopeClient } from '../../../src/protocol/client.js';
import type { SegmentationMessage, VideoMessage } from '../../../src/protocol/messages.js';
import { Presenter } from '../core/presentation.js';
import type { Shown } from '../core/presentation.js';
import { Rate, Recent } from '../core/rates.js';
import { fitView, place } from '../core/viewport.js';
import type { Placement, ViewChoice } from '../core/viewport.js';
import type { ListedObject, Look, Post, ToWorker } from './messages.js';
import { drawOverlay, overlayOf } from './overlay-drawing.js';
import type { DrawableSegmentation, Overlay } from './overlay-drawing.js';

/** A decoded picture, shared by the screen and by gestures that refer to it; closed when nobody needs it. */
interface Picture {
  readonly bitmap: ImageBitmap;
  holders: number;
}

const letGo = (picture: Picture): void => {
  picture.holders -= 1;
  if (picture.holders === 0) picture.bitmap.close();
};

/** Pictures being decoded at once; the newest one waits, others are dropped and counted. */
const decodesAtOnce = 2;
/** Paints remembered to find what a gesture saw; the page tells of a gesture within a few milliseconds. */
const rememberedPaints = 3;
/** Gestures whose picture is remembered. */
const rememberedGestures = 4;
const epochNow = (): number => performance.timeOrigin + performance.now();

interface Gesture {
  readonly id: number;
  readonly timeNs: bigint;
  readonly picture: Picture;
}

interface Measurement {
  readonly kind: 'overlay' | 'picture';
  readonly frames: number;
  readonly startMs: number;
  readonly samplesMs: number[];
  readonly atMs: number[];
  /** Pictures that came since the start, by timestamp: painted (true) or not yet. */
  readonly due: Map<bigint, boolean>;
  neverPainted: number;
  readonly startDrops: number;
  readonly startLate: number;
}

type Attach = Extract<ToWorker, { readonly type: 'attach' }>;

export class Surface {
  readonly id: number;
  readonly stream: string;
  readonly #post: Post;
  readonly #client: SonoscopeClient;
  readonly #canvas: OffscreenCanvas;
  readonly #context: OffscreenCanvasRenderingContext2D;
  readonly #presenter = new Presenter<Picture, Overlay>({ release: letGo });
  readonly #blackAfterMs: number | null;
  readonly #endSubscriptions: (() => void)[];
  /** The canvas on the page, device pixels. */
  #stage: PictureSize;
  /** Canvas pixels per device pixel of the stage: below 1 where this machine cannot paint its whole screen in time. */
  #detail = 1;
  #coarse = false;
  readonly #refreshRate = new Rate();
  #lastRefreshMs = performance.now();
  #look: Look;
  #view: ViewChoice = fitView;
  #unit: number;
  #pictureSize: PictureSize | null = null;
  #dirty = false;
  #black = false;
  #ended = false;
  /** The connection was lost: time stamps may start anew with the next picture. */
  #restarted = false;
  #decoding = 0;
  #next: { readonly message: VideoMessage; readonly captureMs: number } | null = null;
  #decodeDrops = 0;
  #decodeFailures = 0;
  #gestures: Gesture[] = [];
  /** Recent paints, to find what was on screen at a moment. */
  #paints: { readonly atMs: number; readonly timeNs: bigint; readonly picture: Picture }[] = [];
  #measurement: Measurement | null = null;
  readonly #inRate = new Rate();
  readonly #shownRate = new Rate();
  readonly #analysedRate = new Rate();
  readonly #paintedMs = new Recent(128);
  readonly #overlayMs = new Recent(128);
  readonly #readyMs = new Recent(128);
  readonly #decodeMs = new Recent(32);
  readonly #drawMs = new Recent(32);
  #objectsKey = '';
  #objectsAtMs = 0;
  #objectsWaiting: readonly ListedObject[] | null = null;

  constructor(attach: Attach, client: SonoscopeClient, post: Post) {
    this.id = attach.surface;
    this.stream = attach.stream;
    this.#client = client;
    this.#post = post;
    this.#canvas = attach.canvas;
    this.#look = attach.look;
    this.#blackAfterMs = attach.blackAfterMs;
    this.#unit = attach.unit;
    this.#stage = attach.size;
    this.#fitCanvas();
    const context = this.#canvas.getContext('2d', { alpha: false });
    if (!context) throw new Error('this browser gives no 2d context for an OffscreenCanvas');
    this.#context = context;
    this.look(attach.look);
    this.#endSubscriptions = [
      client.subscribe(this.stream, 'video', (message, logTimeNs) =>
        this.#receivePicture(message, logTimeNs),
      ),
    ];
    if (this.#blackAfterMs === null)
      this.#endSubscriptions.push(
        client.subscribe(this.stream, 'segmentation', (message) => this.#receiveSegmentation(message)),
      );
  }

  close(): void {
    this.#ended = true;
    for (const end of this.#endSubscriptions) end();
    for (const gesture of this.#gestures) letGo(gesture.picture);
    this.#gestures = [];
    for (const paint of this.#paints) letGo(paint.picture);
    this.#paints = [];
    this.#presenter.clear();
  }

  resize(size: PictureSize, unit: number): void {
    this.#unit = unit;
    if (size.width === this.#stage.width && size.height === this.#stage.height) return;
    this.#stage = size;
    this.#coarse = false;
    this.#fitCanvas();
  }

  /**
   * A machine without a GPU may not fill a large screen at source rate. Then the canvas gets only as many pixels as the
   * picture has at this zoom, and the browser stretches it: the picture loses nothing, outlines some crispness.
   */
  #fitCanvas(): void {
    const scale = this.#pictureSize ? place(this.#view, this.#pictureSize, this.#stage).scale : 1;
    this.#detail = this.#coarse ? Math.min(1, 1 / scale) : 1;
    const width = Math.max(1, Math.round(this.#stage.width * this.#detail));
    const height = Math.max(1, Math.round(this.#stage.height * this.#detail));
    if (width === this.#canvas.width && height === this.#canvas.height) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
    // Setting the size clears the canvas: paint again before anybody sees it.
    this.#dirty = true;
  }

  /** Too few refreshes per second for the source's rate: paint fewer pixels. */
  #watchRefreshRate(nowMs: number): void {
    this.#lastRefreshMs = nowMs;
    this.#refreshRate.mark(nowMs);
    if (
      this.#coarse ||
      this.#refreshRate.spanMs(nowMs) < 1500 ||
      this.#stage.width * this.#stage.height < 1e6
    )
      return;
    if (this.#refreshRate.perSecond(nowMs) >= 1.25 * this.#inRate.perSecond(nowMs)) return;
    this.#coarse = true;
    this.#fitCanvas();
  }

  view(view: ViewChoice): void {
    this.#view = view;
    this.#fitCanvas();
    this.#dirty = true;
  }

  look(look: Look): void {
    this.#look = look;
    this.#presenter.configure({
      overlayOn: this.#blackAfterMs === null && this.#overlayWanted(look),
      limitMs: look.limitMs,
      slow: look.slow,
    });
    this.#dirty = true;
  }

  /** A running measurement decides for this screen, else the person. */
  #overlayWanted(look: Look): boolean {
    switch (this.#measurement?.kind) {
      case 'overlay':
        return true;
      case 'picture':
        return false;
      case undefined:
        return look.overlayOn;
    }
  }

  // ------------------------------------------------------------------------------------------ input

  #captureMs(logTimeNs: bigint): number {
    // Without joined clocks (a foreign server) a picture counts from its arrival; its age is then not shown.
    return this.#client.clock.ready ? this.#client.clock.localMsOfLogTime(logTimeNs) : performance.now();
  }

  #receivePicture(message: VideoMessage, logTimeNs: bigint): void {
    const nowMs = performance.now();
    this.#inRate.mark(nowMs);
    // A hidden page gets no refreshes: nothing would be painted, so nothing is decoded.
    if (nowMs - this.#lastRefreshMs > 1000) return;
    this.#measurement?.due.set(message.timestampNs, false);
    const arrived = { message, captureMs: this.#captureMs(logTimeNs) };
    // The server keeps its last picture for newcomers; on a clean feed an old one must not look live.
    if (this.#blackAfterMs !== null && nowMs - arrived.captureMs > this.#blackAfterMs) return;
    if (this.#decoding < decodesAtOnce) {
      void this.#decode(arrived);
      return;
    }
    if (this.#next) this.#decodeDrops += 1;
    this.#next = arrived;
  }

  async #decode(arrived: { readonly message: VideoMessage; readonly captureMs: number }): Promise<void> {
    this.#decoding += 1;
    const startMs = performance.now();
    try {
      const { data, format } = arrived.message;
      // A Blob part must not be shared memory; message bytes are an ordinary ArrayBuffer.
      const blob = new Blob([data as Uint8Array<ArrayBuffer>], { type: `image/${format}` });
      // Without options: a JPEG has no alpha and ours no profile, and any option makes Chromium copy the picture in this thread.
      const bitmap = await createImageBitmap(blob);
      const nowMs = performance.now();
      this.#decodeMs.add(nowMs - startMs);
      this.#readyMs.add(nowMs - arrived.captureMs);
      const picture: Picture = { bitmap, holders: 1 };
      if (this.#restarted) {
        this.#restarted = false;
        this.#presenter.clear();
      }
      if (this.#ended) letGo(picture);
      else this.#presenter.addPicture(arrived.message.timestampNs, arrived.captureMs, picture, nowMs);
    } catch {
      // One broken picture is no reason to stop: the next one is complete in itself.
      this.#decodeFailures += 1;
    } finally {
      this.#decoding -= 1;
      const next = this.#next;
      this.#next = null;
      if (next && !this.#ended) void this.#decode(next);
    }
  }

  #receiveSegmentation(message: SegmentationMessage): void {
    this.#analysedRate.mark(performance.now());
    const overlay = overlayOf(message);
    this.#presenter.addOverlay(message.timestampNs, overlay, overlay.objects.length > 0, performance.now());
    this.#listObjects(message);
  }

  /** Tells the page about objects: at once when one comes, goes or changes state, else four times a second. */
  #listObjects(message: SegmentationMessage): void {
    const objects = message.objects.map(
      ({ id, label, state, confidence, areaPx, areaMm2 }): ListedObject => ({
        id,
        label,
        state,
        confidence,
        areaPx,
        areaMm2,
      }),
    );
    const key = objects.map(({ id, label, state }) => `${id}/${state}/${label}`).join('\n');
    this.#objectsWaiting = objects;
    if (key !== this.#objectsKey || performance.now() - this.#objectsAtMs > 250) this.#sendObjects(key);
  }

  #sendObjects(key: string): void {
    if (!this.#objectsWaiting) return;
    this.#objectsKey = key;
    this.#objectsAtMs = performance.now();
    this.#post({ type: 'objects', surface: this.id, objects: this.#objectsWaiting });
    this.#objectsWaiting = null;
  }

  /** The server is gone: nothing that waits is worth showing when it is back. */
  disconnected(): void {
    this.#next = null;
    this.#restarted = true;
  }

  // ------------------------------------------------------------------------------------------ painting

  /** Once per display refresh. */
  refresh(): void {
    const nowMs = performance.now();
    this.#watchRefreshRate(nowMs);
    const decision = this.#presenter.next(nowMs);
    switch (decision.kind) {
      case 'keep':
        if (this.#blackAfterMs !== null) this.#blacken(nowMs);
        else if (this.#dirty && this.#presenter.shown) this.#paint(this.#presenter.shown);
        break;
      case 'paint':
        this.#paint(decision.shown);
        this.#remember(decision.shown);
        this.#account(decision.shown, true);
        break;
      case 'repaint':
        this.#paint(decision.shown);
        this.#account(decision.shown, false);
        break;
    }
    this.#dirty = false;
  }

  /** Canvas pixels. */
  #placement(bitmap: ImageBitmap): Placement {
    const { left, top, scale } = place(this.#view, bitmap, this.#stage);
    return { left: left * this.#detail, top: top * this.#detail, scale: scale * this.#detail };
  }

  #paint(shown: Shown<Picture, Overlay>): void {
    const startMs = performance.now();
    const context = this.#context;
    const { bitmap } = shown.picture;
    if (bitmap.width !== this.#pictureSize?.width || bitmap.height !== this.#pictureSize.height) {
      this.#pictureSize = { width: bitmap.width, height: bitmap.height };
      this.#post({ type: 'picture-size', surface: this.id, size: this.#pictureSize });
      this.#fitCanvas();
    }
    const placement = this.#placement(bitmap);
    const width = bitmap.width * placement.scale;
    const height = bitmap.height * placement.scale;
    const { width: stageWidth, height: stageHeight } = this.#canvas;
    context.fillStyle = '#000';
    if (
      placement.left > 0 ||
      placement.top > 0 ||
      placement.left + width < stageWidth ||
      placement.top + height < stageHeight
    )
      context.fillRect(0, 0, stageWidth, stageHeight);
    // One source pixel per device pixel must stay exactly that; far in, pixels are shown as pixels.
    context.imageSmoothingEnabled = Math.abs(placement.scale - 1) > 1e-6 && placement.scale < 6;
    context.drawImage(bitmap, placement.left, placement.top, width, height);
    if (shown.overlay) drawOverlay(context, shown.overlay, placement, this.#look, this.#unit * this.#detail);
    this.#black = false;
    this.#drawMs.add(performance.now() - startMs);
  }

  #blacken(nowMs: number): void {
    const shown = this.#presenter.shown;
    if (this.#black && !this.#dirty) return;
    const stale = shown !== null && nowMs - (this.#paints.at(-1)?.atMs ?? nowMs) > (this.#blackAfterMs ?? 0);
    if (!stale && shown !== null) {
      if (this.#dirty) this.#paint(shown);
      return;
    }
    this.#context.fillStyle = '#000';
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    this.#black = true;
  }

  #remember(shown: Shown<Picture, Overlay>): void {
    shown.picture.holders += 1;
    this.#paints.push({ atMs: performance.now(), timeNs: shown.timeNs, picture: shown.picture });
    while (this.#paints.length > rememberedPaints) {
      const old = this.#paints.shift();
      if (old) letGo(old.picture);
    }
  }

  /** Counts a paint and tells the page. */
  #account(shown: Shown<Picture, Overlay>, fresh: boolean): void {
    const nowMs = performance.now();
    const ageMs = nowMs - shown.captureMs;
    const known = this.#client.clock.ready;
    if (fresh) {
      this.#shownRate.mark(nowMs);
      if (known) this.#paintedMs.add(ageMs);
    }
    const overlay = shown.overlay !== null && shown.overlay.objects.length > 0;
    if (overlay && known) this.#overlayMs.add(ageMs);
    this.#post({
      type: 'painted',
      surface: this.id,
      atEpochMs: epochNow(),
      captureToPaintMs: known ? ageMs : null,
      overlay,
      fresh,
    });
    this.#measure(shown, overlay, fresh, ageMs, nowMs);
  }

  // ------------------------------------------------------------------------------------------ gestures

  /** Remembers the picture that was on screen at that moment. */
  gesture(id: number, atEpochMs: number): void {
    const atMs = atEpochMs - performance.timeOrigin;
    let found = this.#paints[0];
    for (const paint of this.#paints) if (paint.atMs <= atMs) found = paint;
    if (!found) return;
    found.picture.holders += 1;
    this.#gestures.push({ id, timeNs: found.timeNs, picture: found.picture });
    while (this.#gestures.length > rememberedGestures) {
      const old = this.#gestures.shift();
      if (old) letGo(old.picture);
    }
  }

  /** The topmost object whose outline on screen holds this source pixel. */
  pick(x: number, y: number): void {
    const objects = this.#presenter.shown?.overlay?.objects ?? [];
    const hit = objects.findLast(({ path }) => this.#context.isPointInPath(path, x, y, 'evenodd'));
    this.#post({ type: 'picked', surface: this.id, objectId: hit?.id ?? null });
  }

  /** Unix nanoseconds of the picture that a gesture refers to, null where none was on screen. */
  gestureTimeNs(id: number): bigint | null {
    return this.#gestures.find((gesture) => gesture.id === id)?.timeNs ?? null;
  }

  /** Shows the answer to a prompt on its own picture, beside the live one. */
  showFirstMask(
    gestureId: number,
    objectId: number,
    segmentation: DrawableSegmentation,
    waitedMs: number,
  ): void {
    const object = segmentation.objects.find((one) => one.id === objectId);
    if (!object) return;
    const picture = this.#gestures.find((gesture) => gesture.id === gestureId)?.picture ?? null;
    const bitmap = picture ? this.#cutOut(picture.bitmap, segmentation, objectId) : null;
    this.#post(
      {
        type: 'first-mask',
        surface: this.id,
        objectId,
        label: object.label,
        state: object.state,
        confidence: object.confidence,
        waitedMs,
        picture: bitmap,
      },
      bitmap ? [bitmap] : [],
    );
  }

  #cutOut(bitmap: ImageBitmap, segmentation: DrawableSegmentation, objectId: number): ImageBitmap {
    const overlay = overlayOf({
      ...segmentation,
      objects: segmentation.objects.filter((one) => one.id === objectId),
    });
    const width = Math.round(240 * this.#unit);
    const height = Math.round(150 * this.#unit);
    const drawn = overlay.objects[0];
    const scale = drawn
      ? Math.min(
          (0.7 * width) / Math.max(1, drawn.right - drawn.left),
          (0.7 * height) / Math.max(1, drawn.bottom - drawn.top),
          3 * this.#unit,
        )
      : Math.min(width / bitmap.width, height / bitmap.height);
    const covering = Math.max(scale, width / bitmap.width, height / bitmap.height);
    const middleX = drawn ? (drawn.left + drawn.right) / 2 : bitmap.width / 2;
    const middleY = drawn ? (drawn.top + drawn.bottom) / 2 : bitmap.height / 2;
    const within = (value: number, extent: number, room: number): number =>
      Math.min(0, Math.max(room - extent, value));
    const placement = {
      left: within(width / 2 - middleX * covering, bitmap.width * covering, width),
      top: within(height / 2 - middleY * covering, bitmap.height * covering, height),
      scale: covering,
    };
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) throw new Error('this browser gives no 2d context for an OffscreenCanvas');
    context.drawImage(
      bitmap,
      placement.left,
      placement.top,
      bitmap.width * covering,
      bitmap.height * covering,
    );
    drawOverlay(
      context,
      overlay,
      placement,
      { fillOpacity: 0.25, labels: false, lineWidth: 2, selectedObject: null },
      this.#unit,
    );
    return canvas.transferToImageBitmap();
  }

  // ------------------------------------------------------------------------------------------ figures

  /** Starts collecting capture-to-paint samples. `picture`: outlines rest meanwhile, pictures go on screen at once. */
  startMeasuring(kind: 'overlay' | 'picture', frames: number): void {
    this.#measurement = {
      kind,
      frames,
      startMs: performance.now(),
      samplesMs: [],
      atMs: [],
      due: new Map(),
      neverPainted: 0,
      startDrops: this.#decodeDrops + this.#decodeFailures,
      startLate: this.#presenter.counts.lateOverlays,
    };
    this.look(this.#look);
  }

  /** Ends the run with what there is. */
  stopMeasuring(): void {
    const measurement = this.#measurement;
    if (!measurement) return;
    this.#measurement = null;
    this.look(this.#look);
    this.#post({
      type: 'measured',
      surface: this.id,
      kind: measurement.kind,
      result: {
        samplesMs: measurement.samplesMs,
        atMs: measurement.atMs,
        neverPainted: measurement.neverPainted,
        durationMs: performance.now() - measurement.startMs,
        decodeDrops: this.#decodeDrops + this.#decodeFailures - measurement.startDrops,
        lateOverlays: this.#presenter.counts.lateOverlays - measurement.startLate,
      },
    });
  }

  #measure(
    shown: Shown<Picture, Overlay>,
    overlay: boolean,
    fresh: boolean,
    ageMs: number,
    nowMs: number,
  ): void {
    const measurement = this.#measurement;
    if (!measurement || !measurement.due.has(shown.timeNs)) return;
    if (measurement.kind === 'picture' ? fresh : overlay && measurement.due.get(shown.timeNs) === false) {
      measurement.samplesMs.push(ageMs);
      measurement.atMs.push(nowMs - measurement.startMs);
      measurement.due.set(shown.timeNs, true);
    }
    // A picture that has gone from the screen, or never was on it, will not be painted any more.
    for (const [timeNs, painted] of measurement.due) {
      if (timeNs >= shown.timeNs) continue;
      measurement.due.delete(timeNs);
      if (!painted) measurement.neverPainted += 1;
    }
    const done = measurement.samplesMs.length;
    if (done >= measurement.frames) {
      this.stopMeasuring();
    } else if (done % 10 === 0) {
      this.#post({ type: 'measure-progress', surface: this.id, kind: measurement.kind, done });
    }
  }

  sendStats(): void {
    const nowMs = performance.now();
    const { clock } = this.#client;
    this.#sendObjects(this.#objectsKey);
    this.#post({
      type: 'stats',
      surface: this.id,
      stats: {
        inFps: this.#inRate.perSecond(nowMs),
        shownFps: this.#shownRate.perSecond(nowMs),
        analysedFps: this.#analysedRate.perSecond(nowMs),
        regime: this.#presenter.regime,
        holdMs: this.#presenter.holdMs,
        counts: { ...this.#presenter.counts },
        decodeDrops: this.#decodeDrops,
        decodeFailures: this.#decodeFailures,
        paintedMs: this.#paintedMs.quantiles(),
        overlayMs: this.#overlayMs.quantiles(),
        readyMs: this.#readyMs.quantiles(),
        decodeMs: this.#decodeMs.quantiles()?.p50 ?? null,
        refreshPerSecond: this.#refreshRate.perSecond(nowMs),
        canvasPixels: this.#canvas.width * this.#canvas.height,
        drawMs: this.#drawMs.quantiles()?.p50 ?? null,
        clock: clock.ready ? { uncertaintyMs: clock.uncertaintyMs, roundTripMs: clock.roundTripMs } : null,
      },
    });
  }
}
