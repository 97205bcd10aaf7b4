/**
 * A room whose pictures and masks carry their frame number, so that a browser test can read both back from the screen.
 *
 * Picture: 16 black or white blocks across the top eighth, most significant bit left; bits 0 and 15 of the row are
 * always white and black, so that a misplaced grid is noticed. Mask of object 1: the same number as 16 blocks across
 * the second eighth, foreground = 1. Below: a moving disk as object 2, over something like tissue.
 * Which frames are dropped, delayed or swapped is the test's to say.
 */
import { uncalibrated } from '../../src/vocabulary/calibration.js';
import { Subject } from 'rxjs';
import sharp from 'sharp';
import type {
  DisplayFrame,
  DropStage,
  FrameIdentity,
  PictureSize,
  SourceFormat,
} from '../../src/vocabulary/frame.js';
import type { CommandResult, FrameResult, TrackerCommand } from '../../src/engine/engine.js';
import type { TrackedObject } from '../../src/tracking/tracker.js';
import { createMeasurer } from '../../src/analysis/measure.js';
import type { Measurement } from '../../src/vocabulary/measurement.js';
import { emptyMask, maskArea, maskBox, maskFromBitmap } from '../../src/mask/rle.js';
import type { Mask } from '../../src/vocabulary/mask.js';
import { ingestError } from '../../src/ingest/errors.js';
import { StandingNumbers } from '../../src/analysis/standing-numbers.js';
import { pipelineError } from '../../src/pipeline/errors.js';
import { HeldFrames, promptToleranceNs } from '../../src/pipeline/held-frames.js';
import { gestureSeconds, HeldGestures } from '../../src/pipeline/held-gestures.js';
import { trackingError } from '../../src/tracking/errors.js';
import type { Room, RoomEvent, RoomHealth } from '../../src/pipeline/room.js';
import { isShown, type ObjectState } from '../../src/vocabulary/prompt.js';

export const blocks = 16;
/** Numbers that fit between the two guard blocks. */
export const numbers = 1 << (blocks - 2);

export interface RoomPlan {
  readonly framesPerSecond: number;
  readonly size: PictureSize;
  readonly maskSize: PictureSize;
  /** Milliseconds from capture until a frame's mask leaves, null: it is not analysed. */
  readonly maskDelayMs: (frame: number) => number | null;
  /** Milliseconds from capture until the picture leaves, null: dropped. */
  readonly pictureDelayMs: (frame: number) => number | null;
  /** Background, RGB at `size`; default: something like tissue. */
  readonly scene?: Uint8Array;
}

export const usualPlan: RoomPlan = {
  framesPerSecond: 20,
  size: { width: 640, height: 360 },
  maskSize: { width: 160, height: 96 },
  maskDelayMs: () => 25,
  pictureDelayMs: () => 5,
};

/** A picture on its way out. */
interface Painted {
  readonly identity: FrameIdentity;
  /** When the plan lets it leave, monotonic. */
  readonly dueNs: number;
  jpeg: Uint8Array | null;
}

interface Followed {
  id: number;
  label: string;
  state: ObjectState;
  confidence: number;
}

function tissue({ width, height }: PictureSize): Uint8Array {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const u = x / width - 0.5;
      const v = y / height - 0.5;
      const fold = 0.5 + 0.5 * Math.sin(9 * u + 4 * Math.sin(5 * v + 2 * u) + 3 * v);
      const light = Math.max(0, 1 - 1.5 * (u * u + v * v));
      const at = (y * width + x) * 3;
      pixels[at] = 60 + 150 * light * (0.65 + 0.35 * fold);
      pixels[at + 1] = 18 + 78 * light * fold;
      pixels[at + 2] = 20 + 62 * light * fold;
    }
  return pixels;
}

function bitsOf(number: number): boolean[] {
  const bits = Array.from({ length: blocks - 2 }, (_, index) => ((number >> (blocks - 3 - index)) & 1) === 1);
  return [true, ...bits, false];
}

export class NumberedRoom implements Room {
  readonly label: string;
  readonly epochUnixNs = BigInt(Date.now()) * 1_000_000n;
  readonly #measure = createMeasurer();
  readonly #standing = new StandingNumbers();
  readonly held = new HeldFrames();
  readonly gestures = new HeldGestures({
    held: this.held,
    keepMasks: () => undefined,
    onChange: () => undefined,
  });
  readonly events = new Subject<RoomEvent>();
  readonly events$ = this.events.asObservable();
  readonly commands: {
    readonly command: TrackerCommand;
    readonly ptsNs: number | null;
    /** Frame whose capture was the newest when the command came. */
    readonly newestFrame: number;
  }[] = [];
  format: SourceFormat;
  sourceUri = 'synthetic:counter';
  health: RoomHealth;
  /** The picture that went out last. */
  lastShown: DisplayFrame | null = null;
  /** How often a picture or mask left after a newer one. */
  overtaken = 0;
  skipped = { pictures: 0, masks: 0 };
  #newestOut = { picture: -1, mask: -1 };
  objects: Followed[] = [
    { id: 1, label: 'number', state: 'tracking', confidence: 0.97 },
    { id: 2, label: 'disk', state: 'uncertain', confidence: 0.58 },
  ];
  #plan: RoomPlan;
  #scene: Uint8Array;
  #frame = 0;
  #timer: NodeJS.Timeout | null = null;
  readonly #delayed = new Set<NodeJS.Timeout>();
  /** In the order in which they leave. */
  readonly #painted: Painted[] = [];
  readonly #startNs = process.hrtime.bigint();
  #frames = { captured: 0, displayed: 0, analysed: 0 };

  constructor(
    readonly id: string,
    plan: Partial<RoomPlan> = {},
    label = `Room ${id}`,
  ) {
    this.label = label;
    this.#plan = { ...usualPlan, ...plan };
    this.#scene = this.#plan.scene ?? tissue(this.#plan.size);
    this.format = {
      size: this.#plan.size,
      framesPerSecond: this.#plan.framesPerSecond,
      calibration: uncalibrated,
      frameCount: null,
      description: 'numbers',
    };
    const drops: Record<DropStage, number> = {
      source: 0,
      'analysis-queue': 0,
      'display-queue': 0,
      inference: 0,
      client: 0,
    };
    this.health = {
      source: { phase: 'playing' },
      sinceUnixMs: Date.now(),
      capturedFps: this.#plan.framesPerSecond,
      displayedFps: this.#plan.framesPerSecond,
      analysedFps: this.#plan.framesPerSecond,
      latencyMs: null,
      frames: this.#frames,
      drops,
      engine: {
        kind: 'tracker',
        modelName: 'compact',
        modelVersion: '1',
        modelSha256: '0'.repeat(64),
        provider: 'cpu',
        rejected: {},
        inputSize: { width: 256, height: 256 },
        policy: 'sam2',
      },
      degraded: null,
      overlayVisible: true,
      overlayLimitMs: 100,
      recording: false,
      sources: 1,
      undoable: [],
    };
  }

  /** Number of the frame captured last. */
  get newestFrame(): number {
    return this.#frame - 1;
  }

  plan(change: Partial<RoomPlan>): void {
    this.#plan = { ...this.#plan, ...change };
  }

  /** Pictures begin (again) to come. */
  play(): void {
    if (this.#timer) return;
    const periodMs = 1000 / this.#plan.framesPerSecond;
    this.#timer = setInterval(() => this.capture(), periodMs);
    this.change({});
  }

  /** No new captures; what was captured still arrives. */
  pause(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  capture(): void {
    const frame = this.#frame++;
    const nowNs = process.hrtime.bigint();
    const identity: FrameIdentity = {
      streamId: this.id,
      ptsNs: Number(nowNs - this.#startNs),
      captureNs: Number(nowNs),
      mediaNs: Number(nowNs - this.#startNs),
      sourceFrame: frame,
      discontinuity: 0,
    };
    this.#frames.captured++;
    this.held.push({
      ...identity,
      decodedNs: identity.captureNs,
      size: { width: 1, height: 1 },
      data: new Uint8Array(3),
    });
    const pictureMs = this.#plan.pictureDelayMs(frame);
    if (pictureMs === null) this.skipped.pictures++;
    else {
      const painted: Painted = { identity, dueNs: Number(nowNs) + pictureMs * 1e6, jpeg: null };
      this.#painted.push(painted);
      this.#painted.sort((a, b) => a.dueNs - b.dueNs);
      this.#later(pictureMs, () => void this.#show(painted));
    }
    const maskMs = this.#plan.maskDelayMs(frame);
    if (maskMs === null) this.skipped.masks++;
    else
      this.#later(maskMs, () => {
        this.#frames.analysed++;
        this.#countOvertaking('mask', identity);
        const result = this.resultOf(identity);
        this.events.next({ kind: 'result', result });
        this.events.next({ kind: 'measurement', frame: identity, measurements: this.measured(result) });
      });
    if (frame % this.#plan.framesPerSecond === 0) this.change({});
  }

  #later(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#delayed.delete(timer);
      action();
    }, ms);
    this.#delayed.add(timer);
  }

  /** What is measured on one analysed picture. Called once for each, in their order. */
  measured(result: FrameResult): readonly Measurement[] {
    return this.#standing.next(this.#measure(result, this.format), result.objects);
  }

  /** The picture, RGB. */
  protected paint(identity: FrameIdentity): Uint8Array {
    const { width, height } = this.#plan.size;
    const pixels = new Uint8Array(this.#scene);
    const bits = bitsOf(identity.sourceFrame % numbers);
    for (let y = 0; y < height / 8; y++)
      for (let x = 0; x < width; x++)
        pixels.fill(
          bits[Math.floor((x * blocks) / width)] === true ? 245 : 10,
          (y * width + x) * 3,
          (y * width + x) * 3 + 3,
        );
    const { x: diskX, y: diskY, radius } = this.#disk(identity.sourceFrame);
    for (let y = Math.ceil((diskY - radius) * height); y < (diskY + radius) * height; y++)
      for (let x = Math.ceil(diskX * width - radius * height); x < diskX * width + radius * height; x++)
        if (Math.hypot(x - diskX * width, y - diskY * height) < radius * height)
          pixels.fill(205, (y * width + x) * 3, (y * width + x) * 3 + 3);
    return pixels;
  }

  /** On a busy machine one picture's JPEG is ready before that of an earlier one: pictures leave in the order of the plan. */
  async #show(painted: Painted): Promise<void> {
    const { size } = this.#plan;
    painted.jpeg = new Uint8Array(
      await sharp(this.paint(painted.identity), { raw: { ...size, channels: 3 } })
        .jpeg({ quality: 85, chromaSubsampling: '4:4:4' })
        .toBuffer(),
    );
    for (let next = this.#painted[0]; next?.jpeg; next = this.#painted[0]) {
      this.#painted.shift();
      this.#leave(next.identity, next.jpeg, size);
    }
  }

  #leave(identity: FrameIdentity, data: Uint8Array, size: PictureSize): void {
    this.#frames.displayed++;
    const frame: DisplayFrame = {
      ...identity,
      encoding: 'jpeg',
      size,
      data,
      decodedNs: identity.captureNs,
      encodedNs: Number(process.hrtime.bigint()),
    };
    this.lastShown = frame;
    this.#countOvertaking('picture', identity);
    this.events.next({ kind: 'display', frame });
  }

  #countOvertaking(kind: 'picture' | 'mask', { sourceFrame }: FrameIdentity): void {
    if (sourceFrame < this.#newestOut[kind]) this.overtaken++;
    else this.#newestOut[kind] = sourceFrame;
  }

  /** Centre as a share of the picture's size, radius as a share of its height. */
  #disk(frame: number): { x: number; y: number; radius: number } {
    const turn = frame / 40;
    return { x: 0.5 + 0.22 * Math.cos(turn), y: 0.65 + 0.14 * Math.sin(turn), radius: 0.14 };
  }

  #maskOf(id: number, frame: number): Mask {
    const { width, height } = this.#plan.maskSize;
    const bitmap = new Uint8Array(width * height);
    if (id === 1) {
      const bits = bitsOf(frame % numbers);
      for (let y = Math.ceil(height / 8); y < height / 4; y++)
        for (let x = 0; x < width; x++)
          if (bits[Math.floor((x * blocks) / width)] === true) bitmap[y * width + x] = 1;
    } else {
      const disk = this.#disk(frame + (id - 2) * 40);
      const scale = this.#plan.size.height / this.#plan.size.width;
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
          if (Math.hypot(((x + 0.5) / width - disk.x) / scale, (y + 0.5) / height - disk.y) < disk.radius)
            bitmap[y * width + x] = 1;
    }
    return maskFromBitmap(bitmap, width, height);
  }

  resultOf(identity: FrameIdentity): FrameResult {
    const { maskSize } = this.#plan;
    const objects = this.objects.map(({ id, label, state, confidence }): TrackedObject => {
      const shown = isShown(state);
      const mask = shown
        ? this.#maskOf(id, identity.sourceFrame)
        : emptyMask(maskSize.width, maskSize.height);
      return {
        id,
        label,
        state,
        score: confidence,
        confidence,
        mask,
        box: maskBox(mask),
        areaPx: maskArea(mask),
      };
    });
    return {
      frame: identity,
      maskSize,
      logitsSize: maskSize,
      objects,
      timing: { startedNs: identity.captureNs, inferenceNs: 20_000_000, trackingNs: 1_000_000 },
    };
  }

  change(health: Partial<RoomHealth>): void {
    this.health = { ...this.health, frames: { ...this.#frames }, ...health };
    this.events.next({ kind: 'health', health: this.health });
  }

  /** The signal is lost, for a coded reason. */
  lose(): void {
    this.pause();
    this.change({
      source: {
        phase: 'lost',
        reason: ingestError('SONO_SOURCE_NO_ANSWER', { uri: this.sourceUri, seconds: 10, what: 'a picture' }),
        sinceNs: Number(process.hrtime.bigint()),
        attempt: 1,
      },
      sinceUnixMs: Date.now(),
      capturedFps: 0,
    });
  }

  recover(): void {
    this.change({
      source: { phase: 'playing' },
      sinceUnixMs: Date.now(),
      capturedFps: this.#plan.framesPerSecond,
    });
    this.play();
  }

  command(command: TrackerCommand, ptsNs: number | null): Promise<CommandResult> {
    this.commands.push({ command, ptsNs, newestFrame: this.newestFrame });
    const nothing: CommandResult = { objectId: null, result: null };
    switch (command.kind) {
      case 'prompt': {
        const seen =
          ptsNs === null || (this.gestures.find(ptsNs) ?? this.held.closest(ptsNs, promptToleranceNs));
        if (!seen)
          return Promise.reject(pipelineError('SONO_PROMPT_FRAME_GONE', { seconds: gestureSeconds }));
        const objectId = command.objectId ?? Math.max(2, ...this.objects.map(({ id }) => id)) + 1;
        if (command.objectId === null)
          this.objects.push({
            id: objectId,
            label: command.label ?? `object ${objectId}`,
            state: 'tracking',
            confidence: 0.9,
          });
        const identity: FrameIdentity = {
          streamId: this.id,
          ptsNs: ptsNs ?? 0,
          captureNs: Number(this.#startNs) + (ptsNs ?? 0),
          mediaNs: ptsNs ?? 0,
          sourceFrame: this.#frame,
          discontinuity: 0,
        };
        return Promise.resolve({ objectId, result: this.resultOf(identity) });
      }
      case 'rename': {
        const object = this.objects.find(({ id }) => id === command.objectId);
        if (this.objects.some(({ id, label }) => id !== command.objectId && label === command.label))
          return Promise.reject(trackingError('SONO_LABEL_TAKEN', { label: command.label }));
        if (object) object.label = command.label;
        return Promise.resolve(nothing);
      }
      case 'remove':
        this.objects = this.objects.filter(({ id }) => id !== command.objectId);
        return Promise.resolve(nothing);
      case 'undo':
        return Promise.resolve({ objectId: command.objectId, result: null });
      case 'policy':
      case 'keep':
      case 'reset':
        return Promise.resolve(nothing);
    }
  }

  setOverlayVisible(visible: boolean): void {
    this.change({ overlayVisible: visible });
  }

  openSource(uri: string): Promise<void> {
    if (!uri.startsWith('synthetic:'))
      return Promise.reject(ingestError('SONO_SOURCE_NO_ANSWER', { uri, seconds: 10, what: 'a picture' }));
    this.replaceSource(uri);
    return Promise.resolve();
  }

  /** Another source takes over; what was marked belongs to the one before. */
  replaceSource(uri: string): void {
    this.sourceUri = uri;
    this.objects = [];
    this.held.clear();
    this.gestures.clear();
    this.change({ sources: (this.health.sources ?? 0) + 1, undoable: [] });
  }

  countClientDrop(count: number): void {
    this.change({ drops: { ...this.health.drops, client: this.health.drops.client + count } });
  }

  close(): Promise<void> {
    this.pause();
    for (const one of this.#delayed) clearTimeout(one);
    this.events.complete();
    return Promise.resolve();
  }
}
