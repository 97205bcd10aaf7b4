/**
 * One picture on one canvas: takes pictures and segmentations of one stream, asks the presenter what to show at each
 * display refresh, has it painted and tells the page. Runs in the painting worker; owns its subscriptions, the decoder,
 * the painter and what gestures refer to. Throws where the browser gives no 2d context.
 */
import type { PictureSize } from '../../../src/vocabulary/frame.js';
import type { SonoscopeClient } from '../../../src/protocol/client.js';
import type { SegmentationMessage, VideoMessage } from '../../../src/protocol/messages.js';
import { Presenter } from '../core/presentation.js';
import type { Shown } from '../core/presentation.js';
import { quantilesOf, Rate, Recent } from '../core/rates.js';
import type { ViewChoice } from '../core/viewport.js';
import { firstMaskStill } from './first-mask.js';
import { GestureMemory } from './gesture-memory.js';
import { Measurement } from './measurement.js';
import type { MeasuredCounts } from './measurement.js';
import type { ListedObject, Look, MeasuredKind, Post, ToWorker } from './messages.js';
import { overlayOf } from './overlay-drawing.js';
import type { DrawableSegmentation, Overlay } from './overlay-drawing.js';
import { Painter } from './painter.js';
import { letGo, PictureDecoder } from './picture-decoder.js';
import type { ArrivedPicture, Picture } from './picture-decoder.js';

/** A page that gets no refreshes for this long is hidden: nothing would be painted, so nothing is decoded. */
const hiddenAfterMs = 1000;
const epochNow = (): number => performance.timeOrigin + performance.now();

type Attach = Extract<ToWorker, { readonly type: 'attach' }>;

export class Surface {
  readonly id: number;
  readonly stream: string;
  readonly #post: Post;
  readonly #client: SonoscopeClient;
  readonly #painter: Painter;
  readonly #presenter = new Presenter<Picture, Overlay>({ release: letGo });
  /** The newest picture that came while the page was not painted. A source that stands still sends no other. */
  #missed: ArrivedPicture | null = null;
  readonly #decoder = new PictureDecoder((arrived, picture) => this.#show(arrived, picture));
  readonly #gestures = new GestureMemory();
  readonly #blackAfterMs: number | null;
  readonly #endSubscriptions: (() => void)[];
  #look: Look;
  /** The connection was lost: time stamps may start anew with the next picture. */
  #restarted = false;
  #measurement: Measurement | null = null;
  /** A person holds the picture that is on screen. */
  #held = false;
  /** The gesture whose picture stays on screen, from that moment on. */
  #still: { readonly gesture: number; readonly fromMs: number; shown: boolean } | null = null;
  readonly #inRate = new Rate();
  readonly #shownRate = new Rate();
  readonly #analysedRate = new Rate();
  readonly #paintedMs = new Recent(128);
  readonly #overlayMs = new Recent(128);
  readonly #readyMs = new Recent(128);
  /** Of the newest analysed picture, null before the first. */
  #pass: number | null = null;
  #objectsKey = '';
  #objectsAtMs = 0;
  #objectsWaiting: readonly ListedObject[] | null = null;

  constructor(attach: Attach, client: SonoscopeClient, post: Post) {
    this.id = attach.surface;
    this.stream = attach.stream;
    this.#client = client;
    this.#post = post;
    this.#look = attach.look;
    this.#blackAfterMs = attach.blackAfterMs;
    this.#painter = new Painter(attach.canvas, attach.size, attach.unit, (size) =>
      post({ type: 'picture-size', surface: this.id, size }),
    );
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
    for (const end of this.#endSubscriptions) end();
    this.#decoder.close();
    this.#gestures.close();
    this.#presenter.clear();
  }

  resize(size: PictureSize, unit: number): void {
    this.#painter.resize(size, unit);
  }

  view(view: ViewChoice): void {
    this.#painter.view(view);
  }

  look(look: Look): void {
    this.#look = look;
    this.#presenter.configure({
      overlayOn: this.#blackAfterMs === null && this.#overlayWanted(look),
      limitMs: look.limitMs,
      slow: look.slow,
    });
    this.#painter.dirty = true;
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
    const arrived = { message, captureMs: this.#captureMs(logTimeNs) };
    const hidden = this.#held || nowMs - this.#painter.lastRefreshMs > hiddenAfterMs;
    this.#missed = hidden ? arrived : null;
    if (hidden) return;
    this.#measurement?.pictureCame(message.timestampNs);
    this.#decode(arrived, nowMs);
  }

  #decode(arrived: ArrivedPicture, nowMs: number): void {
    // The server keeps its last picture for newcomers; on a clean feed an old one must not look live.
    if (this.#blackAfterMs !== null && nowMs - arrived.captureMs > this.#blackAfterMs) return;
    this.#decoder.take(arrived);
  }

  #show({ message, captureMs }: ArrivedPicture, picture: Picture): void {
    const nowMs = performance.now();
    this.#readyMs.add(nowMs - captureMs);
    if (this.#restarted) {
      this.#restarted = false;
      this.#presenter.clear();
    }
    this.#presenter.addPicture(message.timestampNs, captureMs, picture, nowMs);
  }

  #receiveSegmentation(message: SegmentationMessage): void {
    this.#analysedRate.mark(performance.now());
    if (this.#pass !== null && message.pass !== this.#pass)
      this.#post({ type: 'began-anew', stream: this.stream, ptsNs: message.ptsNs });
    this.#pass = message.pass;
    // The picture that is held keeps its outlines, and the list beside it what it says of them.
    if (this.#held) return;
    const overlay = overlayOf(message);
    this.#presenter.addOverlay(message.timestampNs, overlay, overlay.objects.length > 0, performance.now());
    this.#listObjects(message, overlay);
  }

  /** Tells the page about objects: at once when one comes, goes or changes state, else four times a second. */
  #listObjects(message: SegmentationMessage, overlay: Overlay): void {
    const objects = message.objects.map((object): ListedObject => {
      const { id, label, state, confidence, areaPx, areaMm2, colour } = object;
      const drawn = overlay.objects.find((one) => one.id === id);
      const box = drawn
        ? { left: drawn.left, top: drawn.top, right: drawn.right, bottom: drawn.bottom }
        : null;
      return { id, label, state, confidence, areaPx, areaMm2, colour, box };
    });
    const key = objects.map(({ id, label, state, colour }) => `${id}/${state}/${colour}/${label}`).join('\n');
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
    this.#decoder.forgetWaiting();
    this.#missed = null;
    this.#restarted = true;
  }

  // ------------------------------------------------------------------------------------------ painting

  /** Once per display refresh. */
  refresh(): void {
    const nowMs = performance.now();
    this.#painter.refreshed(nowMs, this.#inRate.perSecond(nowMs));
    if (this.#held) {
      this.#repaintHeld();
      return;
    }
    if (this.#missed) this.#decode(this.#missed, nowMs);
    this.#missed = null;
    if (this.#holdStill(nowMs)) return;
    const decision = this.#presenter.next(nowMs);
    switch (decision.kind) {
      case 'keep':
        if (this.#isTooOld(nowMs)) this.#painter.blacken();
        else if (this.#painter.dirty && this.#presenter.shown)
          this.#painter.paint(this.#presenter.shown, this.#look);
        break;
      case 'paint':
        this.#painter.paint(decision.shown, this.#look);
        this.#gestures.painted(decision.shown);
        this.#account(decision.shown, true);
        break;
      case 'repaint':
        this.#painter.paint(decision.shown, this.#look);
        this.#gestures.repainted(decision.shown);
        this.#account(decision.shown, false);
        break;
    }
    this.#painter.dirty = false;
  }

  /**
   * On this screen alone: pictures go on coming, the newest is shown when the person lets go. Nothing is held before the first picture,
   * and the page is told of what is.
   */
  hold(on: boolean): void {
    const held = on && this.#presenter.shown !== null;
    if (held === this.#held) return;
    this.#held = held;
    this.#painter.dirty = true;
    this.#post({ type: 'held', surface: this.id, on: held });
  }

  #repaintHeld(): void {
    const { shown } = this.#presenter;
    if (this.#painter.dirty && shown)
      this.#painter.paint(this.#look.overlayOn ? shown : { ...shown, overlay: null }, this.#look);
    this.#painter.dirty = false;
  }

  /** A clean feed shows no picture that may be taken for a live one. */
  #isTooOld(nowMs: number): boolean {
    if (this.#blackAfterMs === null) return false;
    return !this.#presenter.shown || nowMs - (this.#gestures.lastPaintMs ?? nowMs) > this.#blackAfterMs;
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
    const measurement = this.#measurement;
    if (!measurement?.painted({ timeNs: shown.timeNs, overlay, fresh, ageMs, nowMs })) return;
    const { kind, done } = measurement;
    if (done >= measurement.frames) this.stopMeasuring();
    else if (done % 10 === 0) this.#post({ type: 'measure-progress', surface: this.id, kind, done });
  }

  // ------------------------------------------------------------------------------------------ gestures

  /** Remembers the picture that was on screen at that moment; after `stillAfterMs` it stays there. */
  gesture(id: number, atEpochMs: number, stillAfterMs: number): void {
    this.#gestures.begin(id, atEpochMs);
    if (this.#gestures.find(id))
      this.#still = { gesture: id, fromMs: performance.now() + stillAfterMs, shown: false };
  }

  /** The hand has let go: the picture is live again. */
  gestureOver(id: number): void {
    if (this.#still?.gesture !== id) return;
    if (this.#still.shown) this.#post({ type: 'still', surface: this.id, on: false });
    this.#still = null;
    this.#painter.dirty = true;
  }

  /** Keeps the picture of a gesture on screen with its own outlines; pictures that come meanwhile are superseded. */
  #holdStill(nowMs: number): boolean {
    const still = this.#still;
    if (!still || nowMs < still.fromMs) return false;
    const seen = this.#gestures.find(still.gesture);
    if (!seen) return false;
    if (!still.shown) this.#post({ type: 'still', surface: this.id, on: true });
    if (!still.shown || this.#painter.dirty) this.#painter.paint(seen, this.#look);
    still.shown = true;
    this.#painter.dirty = false;
    return true;
  }

  /** Another source: its objects are not those of the one before. */
  sourceChanged(): void {
    this.#objectsWaiting = null;
    this.#objectsKey = '';
  }

  /** The topmost object whose outline on screen holds this source pixel. */
  pick(x: number, y: number): void {
    const hit = this.#painter.objectAt(this.#presenter.shown?.overlay?.objects ?? [], x, y);
    this.#post({ type: 'picked', surface: this.id, objectId: hit?.id ?? null });
  }

  /** Unix nanoseconds of the picture that a gesture refers to, null where none was on screen. */
  gestureTimeNs(id: number): bigint | null {
    return this.#gestures.find(id)?.timeNs ?? null;
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
    const seen = this.#gestures.find(gestureId);
    const bitmap = seen && firstMaskStill(seen.picture.bitmap, segmentation, objectId, this.#painter.unit);
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

  // ------------------------------------------------------------------------------------------ figures

  get #counts(): MeasuredCounts {
    return {
      decodeDrops: this.#decoder.drops + this.#decoder.failures,
      lateOverlays: this.#presenter.counts.lateOverlays,
    };
  }

  /** Starts collecting capture-to-paint samples. `picture`: outlines are off meanwhile, pictures go on screen at once. */
  startMeasuring(kind: MeasuredKind, frames: number): void {
    this.#measurement = new Measurement(kind, frames, this.#counts, performance.now());
    this.look(this.#look);
  }

  /** Ends the measurement with the samples that there are. */
  stopMeasuring(): void {
    const measurement = this.#measurement;
    if (!measurement) return;
    this.#measurement = null;
    this.look(this.#look);
    const result = measurement.result(this.#counts, performance.now());
    this.#post({ type: 'measured', surface: this.id, kind: measurement.kind, result });
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
        decodeDrops: this.#decoder.drops,
        decodeFailures: this.#decoder.failures,
        paintedMs: this.#paintedMs.quantiles(),
        overlayMs: this.#overlayMs.quantiles(),
        maskAgeMs: quantilesOf(this.#presenter.maskAges),
        readyMs: this.#readyMs.quantiles(),
        decodeMs: this.#decoder.decodeMs.quantiles()?.p50 ?? null,
        refreshPerSecond: this.#painter.refreshRate.perSecond(nowMs),
        canvasPixels: this.#painter.canvasPixels,
        drawMs: this.#painter.drawMs.quantiles()?.p50 ?? null,
        clock: clock.ready ? { uncertaintyMs: clock.uncertaintyMs, roundTripMs: clock.roundTripMs } : null,
      },
    });
  }
}
