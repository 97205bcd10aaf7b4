/** The tracked masks of a project as far as they are on disk, also those of a run that is under way. Runs in the main process. */
import { stat } from 'node:fs/promises';
import type { Disks } from '../analysis/beats.js';
import { maskToCocoString } from '../mask/rle.js';
import type { SegmentationMessage } from '../protocol/messages.js';
import type { Correction } from '../protocol/project-requests.js';
import { ClipMeasurements } from '../replay/clip-measurements.js';
import {
  CorrectedClip,
  disksOfFrame,
  drawnByFrame,
  measureFrame,
  unitsOf,
  type DrawnFrame,
  type DrawnOutlines,
} from '../replay/corrected-clip.js';
import { replayError } from '../replay/errors.js';
import { StoredMasks } from '../replay/stored-masks.js';
import { Lanes } from './lanes.js';
import type { FrameConfidences, Lane } from './lanes.js';
import type { StoredCorrection } from './project-document.js';
import type { MeasuredSource } from '../vocabulary/frame.js';

export class ProjectMasks {
  /** The file of a run grows, and is then opened anew: looked up one after the other. */
  #lookups: Promise<unknown> = Promise.resolve();
  #opened: { readonly path: string; readonly bytes: number; readonly masks: StoredMasks } | null = null;
  readonly #lanes = new Lanes();
  #laneChunks = 0;
  #clip: ClipMeasurements | null = null;
  #clipChunks = 0;
  /** What was measured on pictures with drawn outlines, with the outlines it was measured for. */
  #drawn = new Map<number, { readonly outlines: string; readonly frame: DrawnFrame }>();
  #corrected: { readonly corrections: readonly StoredCorrection[]; readonly value: CorrectedClip } | null =
    null;
  /** Of pictures around the moments of corrected beats, with the outlines that they were read from. */
  #disks = new Map<
    number,
    { readonly outlines: string; readonly ptsNs: number; readonly disks: Disks | null }
  >();
  #closed = false;

  /** `path`: final name of the file; while it is being written `.partial` stands behind it. */
  constructor(
    readonly path: string,
    private readonly clip: string,
  ) {}

  /** Masks of a frame, null where it has not been tracked with the present masks. Throws SONO_PROJECT_UNKNOWN once closed. */
  find(frame: number): Promise<SegmentationMessage | null> {
    return this.#lookUp(async () => (await (await this.#open())?.find(frame)) ?? null);
  }

  /** `frames` of the clip in at most `buckets` parts. Throws SONO_PROJECT_UNKNOWN once closed. */
  lanes(frames: number, buckets: number): Promise<Lane[]> {
    return this.#lookUp(async () => (await this.#readLanes()).summary(Math.max(1, frames), buckets));
  }

  /** State and confidence of each object on every frame. Throws SONO_PROJECT_UNKNOWN once closed. */
  confidences(): Promise<FrameConfidences[]> {
    return this.#lookUp(async () => (await this.#readLanes()).frames);
  }

  /** What was measured so far, as it is with these corrections. Throws SONO_PROJECT_UNKNOWN once closed. */
  corrected(corrections: readonly StoredCorrection[], source: MeasuredSource): Promise<CorrectedClip> {
    return this.#lookUp(async () => {
      const masks = await this.#open();
      this.#clip ??= new ClipMeasurements(unitsOf(source));
      const from = this.#clipChunks;
      const whole = this.#opened?.path === this.path;
      if (masks) {
        this.#clipChunks = masks.chunkCount;
        for await (const entry of masks.entriesSince(from)) this.#clip.take(entry);
        if (whole) this.#clip.finish();
      }
      if (this.#corrected?.corrections === corrections && whole && from === this.#clipChunks)
        return this.#corrected.value;
      const said = corrections.map(({ correction }) => correction);
      const value = new CorrectedClip(this.#clip, said, await this.#drawnFrames(masks, said, source));
      this.#corrected = { corrections, value };
      return value;
    });
  }

  /** The same, with the disks of the beats that a person has corrected: for two views. Throws SONO_PROJECT_UNKNOWN once closed. */
  async withDisks(corrections: readonly StoredCorrection[], source: MeasuredSource): Promise<CorrectedClip> {
    const plain = await this.corrected(corrections, source);
    const wanted = plain.forDisks;
    if (wanted.length === 0) return plain;
    return this.#lookUp(async () => {
      const masks = await this.#open();
      const said = corrections.map(({ correction }) => correction);
      const drawn = drawnByFrame(said);
      const outlines = (frame: number): string => outlineKey(drawn.get(frame));
      const unread = wanted.filter((frame) => this.#disks.get(frame)?.outlines !== outlines(frame));
      for await (const message of masks?.among(unread) ?? []) {
        const { sourceFrame, ptsNs } = message;
        const disks = disksOfFrame(message, drawn.get(sourceFrame), source);
        this.#disks.set(sourceFrame, { outlines: outlines(sourceFrame), ptsNs, disks });
      }
      const known = new Map<number, Disks>();
      for (const frame of wanted) {
        const own = this.#disks.get(frame);
        if (own?.disks && own.outlines === outlines(frame)) known.set(own.ptsNs, own.disks);
      }
      this.#disks = new Map([...this.#disks].filter(([frame]) => wanted.includes(frame)));
      return new CorrectedClip(plain.clip, said, plain.drawn, known);
    });
  }

  /** They are going to be tracked anew. */
  forget(): Promise<void> {
    return this.#lookUp(async () => {
      this.#clip = null;
      this.#clipChunks = 0;
      this.#drawn.clear();
      this.#disks.clear();
      this.#corrected = null;
      await this.#opened?.masks.close();
      this.#opened = null;
      this.#lanes.clear();
      this.#laneChunks = 0;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#lookups;
    await this.#opened?.masks.close();
    this.#opened = null;
  }

  async #readLanes(): Promise<Lanes> {
    const masks = await this.#open();
    if (masks) {
      const from = this.#laneChunks;
      this.#laneChunks = masks.chunkCount;
      for await (const message of masks.since(from)) this.#lanes.take(message);
    }
    return this.#lanes;
  }

  /** An outline is measured once, not at each question. */
  async #drawnFrames(
    masks: StoredMasks | null,
    corrections: readonly Correction[],
    source: MeasuredSource,
  ): Promise<ReadonlyMap<number, DrawnFrame>> {
    const frames = new Map<number, { readonly outlines: string; readonly frame: DrawnFrame }>();
    for (const [frame, drawn] of drawnByFrame(corrections)) {
      const outlines = outlineKey(drawn);
      const known = this.#drawn.get(frame);
      const message = known?.outlines === outlines ? null : ((await masks?.find(frame)) ?? null);
      if (known?.outlines === outlines) frames.set(frame, known);
      else if (message)
        frames.set(frame, {
          outlines,
          frame: { ptsNs: message.ptsNs, measurements: measureFrame(message, drawn, source) },
        });
    }
    this.#drawn = frames;
    return new Map([...frames].map(([frame, { frame: measured }]) => [frame, measured]));
  }

  #lookUp<Result>(look: () => Promise<Result>): Promise<Result> {
    const found = this.#lookups.then(() => {
      if (this.#closed) throw replayError('SONO_PROJECT_UNKNOWN');
      return look();
    });
    this.#lookups = found.catch(() => undefined);
    return found;
  }

  async #open(): Promise<StoredMasks | null> {
    for (const path of [this.path, `${this.path}.partial`]) {
      const found = await stat(path).catch(() => null);
      if (!found) continue;
      if (this.#opened?.path === path && this.#opened.bytes === found.size) return this.#opened.masks;
      const masks = await StoredMasks.open(path, this.clip).catch(() => null);
      if (!masks) return null;
      await this.#opened?.masks.close();
      this.#opened = { path, bytes: found.size, masks };
      return masks;
    }
    return null;
  }
}

function outlineKey(drawn: DrawnOutlines | undefined): string {
  return JSON.stringify([...(drawn ?? [])].map(([label, mask]) => [label, maskToCocoString(mask)]));
}
