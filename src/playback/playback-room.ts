/**
 * A recording as a room: the dashboard (and Foxglove) watches it like a live one, with pause, seek and speed. Main process.
 *
 * The room has a clock of its own: what goes out is stamped with the moment at which it is shown, because a viewer
 * expects time to go on through pauses and jumps; `mediaNs` is the position in the recording. A standing picture is sent
 * again several times a second, so that it does not look frozen. Nothing can be changed in a recording.
 */
import { Subject } from 'rxjs';
import { createMeasurer } from '../analysis/measure.js';
import { StandingNumbers } from '../analysis/standing-numbers.js';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { monotonicNs, unixNowMs, unixNsOfMonotonic } from '../node/clock.js';
import { uncalibrated } from '../vocabulary/calibration.js';
import { codedFault, reasonOf } from '../vocabulary/faults.js';
import type {
  DisplayFrame,
  DropStage,
  FrameIdentity,
  PictureSize,
  SourceFormat,
} from '../vocabulary/frame.js';
import type { Measurement } from '../vocabulary/measurement.js';
import type { CommandResult, EngineInfo, FrameResult } from '../engine/engine.js';
import type { SourceState } from '../ingest/frame-source.js';
import { maskFromCocoBytes } from '../mask/rle.js';
import { RoomEcho } from '../pipeline/room-echo.js';
import type { Room, RoomEvent, RoomHealth } from '../pipeline/room.js';
import { channelTopic } from '../protocol/channels.js';
import { decodeMeasurement, decodeSegmentation, measurementOf } from '../protocol/messages.js';
import type { SegmentationMessage } from '../protocol/messages.js';
import { playbackSpeeds } from '../protocol/playback-requests.js';
import type { PlaybackState } from '../protocol/playback-requests.js';
import { recordError } from '../record/errors.js';
import { decodeEntry, journalTopic } from '../record/journal.js';
import type { McapFileReader } from '../record/mcap-reader.js';
import { replayError } from '../replay/errors.js';
import { jpegOf, pictureChannelOf, type PictureChannel } from '../record/recorded-pictures.js';
import { describedSource, openRecording } from '../record/recording-streams.js';

interface PlaybackChange {
  readonly paused?: boolean | undefined;
  readonly positionMs?: number | undefined;
  readonly speed?: number | undefined;
  /** Pictures to go forwards or (negative) backwards; pauses. */
  readonly step?: number | undefined;
}

/** One moment of the recording. */
interface AnyMoment {
  readonly timeNs: bigint;
  /** null: numbers end here, because pictures do. */
  readonly jpeg: Uint8Array | null;
  readonly segmentation: SegmentationMessage | null;
  readonly measurements: readonly Measurement[];
}
type Moment = AnyMoment & { readonly jpeg: Uint8Array };

/** Times a standing picture is sent again; viewers warn after 250 ms. */
const repeatMs = 150;
const healthMs = 1000;

export class PlaybackRoom implements Room {
  readonly id: string;
  readonly label: string;
  readonly sourceUri: string;
  readonly format: SourceFormat;
  readonly epochUnixNs: bigint;
  readonly #events = new Subject<RoomEvent>();
  readonly events$ = this.#events.asObservable();
  readonly #reader: McapFileReader;
  readonly #engine: EngineInfo | null;
  readonly #channel: PictureChannel;
  readonly #firstNs: bigint;
  readonly #lastNs: bigint;
  readonly #openedNs = monotonicNs();
  readonly #openedUnixMs = unixNowMs();
  readonly #drops: Record<DropStage, number> = {
    source: 0,
    'analysis-queue': 0,
    'display-queue': 0,
    inference: 0,
    client: 0,
  };
  readonly #counts = { captured: 0, displayed: 0, analysed: 0 };
  /** Of recordings without measurements. */
  readonly #measure = createMeasurer();
  readonly #standing = new StandingNumbers();
  /** Counts jumps: what is measured over time begins anew behind each. */
  #jumps = 0;
  /** What was measured anew, so that a standing picture is not taken for a heart that stands. */
  #measured: { readonly moment: Moment; readonly measurements: readonly Measurement[] } | null = null;
  /** By position in the recording, when its picture was shown here first since the last jump: the newest `mostShownAt`. */
  readonly #shownAt = new Map<number, number>();
  readonly echo: RoomEcho;
  /** Moments of emission within the last second: rates. */
  #shown: number[] = [];
  #analysed: number[] = [];
  #shownFrames = 0;
  #positionNs: bigint;
  #paused: boolean;
  #speed = 1;
  #ended = false;
  #overlayVisible = true;
  /** Ends what is being done now: the position, the speed or the state has changed. */
  #turn = new AbortController();
  #closed = false;
  #current: Moment | null = null;
  readonly #loop: Promise<void>;
  readonly #healthTimer: NodeJS.Timeout;

  private constructor(
    reader: McapFileReader,
    contents: Contents,
    options: { readonly id: string; readonly paused: boolean },
  ) {
    this.#reader = reader;
    this.id = options.id;
    this.label = contents.label;
    this.sourceUri = reader.path;
    this.format = contents.format;
    this.#engine = contents.engine;
    this.#channel = contents.channel;
    this.#firstNs = contents.firstNs;
    this.#lastNs = contents.lastNs;
    this.#positionNs = contents.firstNs;
    this.#paused = options.paused;
    this.epochUnixNs = unixNsOfMonotonic(this.#openedNs);
    this.echo = new RoomEcho({
      ...{ id: this.id, label: this.label, epochUnixNs: this.epochUnixNs },
      ...{ sourceUri: () => this.sourceUri, format: () => this.format, engine: () => this.#engine },
      onHeld: (held) => this.#events.next({ kind: 'held', held }),
    });
    this.#events.subscribe((event) => this.echo.take(event));
    this.#loop = this.#run();
    this.#healthTimer = setInterval(
      () => this.#events.next({ kind: 'health', health: this.health }),
      healthMs,
    );
  }

  /**
   * `stream` null: the recording's first. Throws SONO_RECORDING_* (also _EMPTY where the stream has no pictures).
   */
  static async open(
    path: string,
    stream: string | null,
    options: { readonly id?: string; readonly paused?: boolean } = {},
  ): Promise<PlaybackRoom> {
    const reader = await openRecording(path);
    try {
      const channel = pictureChannelOf(reader, stream);
      const id = channel.stream;
      const contents = await readContents(reader, channel);
      if (!contents) throw recordError('SONO_RECORDING_EMPTY', { path, stream: ` of "${id}"` });
      return new PlaybackRoom(reader, contents, { id: options.id ?? id, paused: options.paused ?? false });
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  get playback(): PlaybackState {
    return {
      paused: this.#paused,
      positionMs: Number(this.#positionNs - this.#firstNs) / 1e6,
      durationMs: Number(this.#lastNs - this.#firstNs) / 1e6,
      speed: this.#speed,
      ended: this.#ended,
      complete: this.#reader.complete,
    };
  }

  /** Pause, go on, jump, step, change the speed. Throws SONO_PLAYBACK_REQUEST, SONO_RECORDING_DAMAGED. */
  async control(change: PlaybackChange): Promise<PlaybackState> {
    const { paused, positionMs, speed, step } = change;
    if (speed !== undefined && !(speed >= playbackSpeeds.least && speed <= playbackSpeeds.most))
      throw replayError('SONO_PLAYBACK_REQUEST', {
        problem: `the speed must lie between ${playbackSpeeds.least} and ${playbackSpeeds.most}`,
      });
    if (positionMs !== undefined && !Number.isFinite(positionMs))
      throw replayError('SONO_PLAYBACK_REQUEST', { problem: 'the position is not a number' });
    let target: bigint | null = null;
    // Cut at the end while it is a number: a far larger one would be infinite in nanoseconds.
    if (positionMs !== undefined)
      target = this.#firstNs + BigInt(Math.round(Math.min(positionMs, this.playback.durationMs) * 1e6));
    if (step !== undefined && step !== 0) target = await this.#stepTarget(Math.trunc(step));
    if (speed !== undefined) this.#speed = speed;
    if (paused !== undefined) this.#paused = paused;
    if (step !== undefined) this.#paused = true;
    // Playing on from the end means from the beginning.
    if (this.#ended && target === null && paused === false) target = this.#firstNs;
    if (target !== null) {
      this.#positionNs =
        target < this.#firstNs ? this.#firstNs : target > this.#lastNs ? this.#lastNs : target;
      this.#ended = false;
      this.#current = null;
      this.#jumps += 1;
      this.#shownAt.clear();
    }
    this.#turn.abort();
    return this.playback;
  }

  get health(): RoomHealth {
    const source: SourceState = { phase: this.#ended && this.#paused ? 'ended' : 'playing' };
    return {
      source,
      sinceUnixMs: this.#openedUnixMs,
      capturedFps: this.#rate(this.#shown),
      displayedFps: this.#rate(this.#shown),
      analysedFps: this.#rate(this.#analysed),
      latencyMs: null,
      frames: { ...this.#counts },
      drops: { ...this.#drops },
      engine: this.#engine,
      degraded: null,
      overlayVisible: this.#overlayVisible,
      overlayLimitMs: 1000,
      recording: false,
    };
  }

  command(): Promise<CommandResult> {
    return Promise.reject(replayError('SONO_PLAYBACK_READ_ONLY'));
  }

  /** Nobody draws on a recording that is played: its pictures need not be held. */
  get gestures(): never {
    throw replayError('SONO_PLAYBACK_READ_ONLY');
  }

  setOverlayVisible(visible: boolean): void {
    this.#overlayVisible = visible;
    this.#events.next({ kind: 'health', health: this.health });
  }

  openSource(): Promise<void> {
    return Promise.reject(replayError('SONO_PLAYBACK_READ_ONLY'));
  }

  countClientDrop(count: number): void {
    this.#drops.client += count;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#healthTimer);
    this.#turn.abort();
    await this.#loop;
    this.#events.complete();
    await this.#reader.close();
  }

  /** Shows one stretch after the other until the room closes; every change of state begins a new one. */
  async #run(): Promise<void> {
    while (!this.#closed) {
      this.#turn = new AbortController();
      try {
        if (this.#paused || this.#ended) await this.#stand(this.#turn.signal);
        else await this.#play(this.#turn.signal);
      } catch (error) {
        if (this.#turn.signal.aborted) continue;
        // A damaged place: what was shown stays, and the rest can still be jumped to.
        this.#paused = true;
        if (!this.#current) await delay(repeatMs);
        if (this.#closed) return;
        // Counted and logged where it is none of the recording's own faults.
        codedFault('room', this.id, error, (cause) =>
          recordError(
            'SONO_RECORDING_DAMAGED',
            {
              path: this.sourceUri,
              position: '?',
              reason: reasonOf(cause),
            },
            cause,
          ),
        );
      }
    }
  }

  async #stand(signal: AbortSignal): Promise<void> {
    if (!this.#current)
      for await (const moment of this.#moments(this.#positionNs)) {
        // Told to be elsewhere while it was read.
        if (signal.aborted) return;
        if (!hasPicture(moment)) continue;
        this.#current = moment;
        this.#positionNs = moment.timeNs;
        break;
      }
    while (!signal.aborted) {
      if (this.#current) this.#emit(this.#current);
      await delay(repeatMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #play(signal: AbortSignal): Promise<void> {
    const startNs = this.#positionNs;
    const startedMs = performance.now();
    const speed = this.#speed;
    for await (const moment of this.#moments(startNs)) {
      if (signal.aborted) return;
      const dueMs = startedMs + Number(moment.timeNs - startNs) / 1e6 / speed;
      const waitMs = dueMs - performance.now();
      // A gap in the recording is shown as a standing picture.
      for (let left = waitMs; left > 1; left = dueMs - performance.now()) {
        await delay(Math.min(left, repeatMs), undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        if (dueMs - performance.now() > repeatMs / 2 && this.#current) this.#emit(this.#current);
      }
      if (hasPicture(moment)) {
        this.#current = moment;
        this.#positionNs = moment.timeNs;
      } else if (this.#current) this.#current = { ...this.#current, measurements: moment.measurements };
      if (this.#current) this.#emit(this.#current);
    }
    // Told to be elsewhere while the end was looked for.
    if (signal.aborted) return;
    this.#ended = true;
    this.#paused = true;
  }

  /** Pictures from a time on, each with its masks; and where numbers end without a picture. */
  async *#moments(fromNs: bigint): AsyncGenerator<AnyMoment> {
    const { topic: video, stream } = this.#channel;
    const segmented = channelTopic(stream, 'segmentation');
    const topics = new Set([video, segmented, channelTopic(stream, 'measurements')]);
    const nothing = { jpeg: null, segmentation: null, measurements: [] };
    let moment: AnyMoment = { timeNs: fromNs, ...nothing };
    for await (const { topic, timeNs, data } of this.#reader.inTimeOrder(topics, { fromNs })) {
      // Everything of one moment carries the same time stamp.
      if (timeNs !== moment.timeNs) {
        if (isSaid(moment)) yield moment;
        moment = { timeNs, ...nothing };
      }
      if (topic === video) moment = { ...moment, jpeg: await jpegOf(this.#channel, data) };
      else if (topic === segmented)
        moment = { ...moment, segmentation: decodeSegmentation(Uint8Array.from(data)) };
      else {
        const measurement = recordedMeasurement(data, Number(timeNs - this.#firstNs));
        moment = { ...moment, measurements: [...moment.measurements, measurement] };
      }
    }
    // At the end the last picture stands, and its numbers with it.
    if (hasPicture(moment)) yield moment;
  }

  /** Time of the picture `step` pictures from the present one. */
  async #stepTarget(step: number): Promise<bigint> {
    const topics = new Set([this.#channel.topic]);
    if (step > 0) {
      let left = step;
      for await (const { timeNs } of this.#reader.inTimeOrder(topics, { fromNs: this.#positionNs + 1n }))
        if (--left === 0) return timeNs;
      return this.#lastNs;
    }
    // Backwards in windows that grow until enough pictures lie in them.
    for (let windowNs = 1_000_000_000n; ; windowNs *= 4n) {
      const fromNs = this.#positionNs - windowNs;
      const times: bigint[] = [];
      for await (const { timeNs } of this.#reader.inTimeOrder(topics, {
        fromNs,
        toNs: this.#positionNs - 1n,
      }))
        times.push(timeNs);
      const found = times.at(step);
      if (found !== undefined) return found;
      if (fromNs <= this.#firstNs) return this.#firstNs;
    }
  }

  #emit(moment: Moment): void {
    const { timeNs, jpeg, segmentation } = moment;
    const now = monotonicNs();
    const identity: FrameIdentity = {
      streamId: this.id,
      ptsNs: now - this.#openedNs,
      captureNs: now,
      mediaNs: Number(timeNs - this.#firstNs),
      sourceFrame: segmentation?.sourceFrame ?? this.#shownFrames,
      discontinuity: this.#jumps,
    };
    remembered(this.#shownAt, identity.mediaNs, identity.ptsNs);
    this.#shownFrames += 1;
    this.#counts.captured += 1;
    this.#counts.displayed += 1;
    remember(this.#shown);
    const frame: DisplayFrame = {
      ...identity,
      encoding: 'jpeg',
      size: this.format.size,
      data: jpeg,
      decodedNs: now,
      encodedNs: now,
    };
    this.#events.next({ kind: 'display', frame });
    if (!segmentation) return;
    this.#counts.analysed += 1;
    remember(this.#analysed);
    const result = resultOf(segmentation, identity);
    this.#events.next({ kind: 'result', result });
    const own = this.#measurementsOf(moment, result).map((measurement) => this.#here(measurement));
    const measurements = this.#standing.next(own, result.objects);
    if (measurements.length > 0) this.#events.next({ kind: 'measurement', frame: identity, measurements });
  }

  /** Older recordings hold masks without measurements. `atPtsNs` is a position in the recording. */
  #measurementsOf(moment: Moment, result: FrameResult): readonly Measurement[] {
    if (moment.measurements.length > 0) return moment.measurements;
    if (this.#measured?.moment !== moment) {
      const { mediaNs, discontinuity } = result.frame;
      const frame = { ptsNs: mediaNs, discontinuity };
      this.#measured = { moment, measurements: this.#measure({ ...result, frame }, this.format) };
    }
    return this.#measured.measurements;
  }

  /** Its moment on the clock of this room; a moment whose picture was not shown here has none. */
  #here({ atPtsNs, ...measurement }: Measurement): Measurement {
    const shownAt = atPtsNs === undefined ? undefined : this.#shownAt.get(atPtsNs);
    return shownAt === undefined ? measurement : { ...measurement, atPtsNs: shownAt };
  }

  #rate(moments: readonly number[]): number {
    const since = performance.now() - 1000;
    return moments.filter((moment) => moment >= since).length;
  }
}

function hasPicture(moment: AnyMoment): moment is Moment {
  return moment.jpeg !== null;
}

/** Analysis of a picture that was not recorded is shown nowhere. */
const isSaid = (moment: AnyMoment): boolean =>
  hasPicture(moment) || (moment.segmentation === null && moment.measurements.length > 0);

/** `atPtsNs` is a position in the recording, as that of the frame, `mediaNs`, is. */
function recordedMeasurement(data: Uint8Array, mediaNs: number): Measurement {
  const message = decodeMeasurement(data);
  const { ptsNs, atPtsNs } = message;
  const measurement = measurementOf(message);
  return atPtsNs === undefined ? measurement : { ...measurement, atPtsNs: mediaNs - (ptsNs - atPtsNs) };
}

/** Moments are decided within a second; four of them at 120 pictures per second. */
const mostShownAt = 512;

function remembered(shownAt: Map<number, number>, mediaNs: number, ptsNs: number): void {
  if (shownAt.has(mediaNs)) return;
  shownAt.set(mediaNs, ptsNs);
  const [oldest] = shownAt.keys();
  if (shownAt.size > mostShownAt && oldest !== undefined) shownAt.delete(oldest);
}

function remember(moments: number[]): void {
  const now = performance.now();
  moments.push(now);
  while ((moments[0] ?? now) < now - 1000) moments.shift();
}

function resultOf(message: SegmentationMessage, frame: FrameIdentity): FrameResult {
  const { width, height } = message.maskSize;
  return {
    frame,
    maskSize: message.maskSize,
    logitsSize: message.maskSize,
    objects: message.objects.map(({ id, label, state, score, confidence, box, areaPx, colour, counts }) => ({
      id,
      label,
      state,
      score,
      confidence,
      box,
      areaPx,
      colour,
      mask: maskFromCocoBytes(counts, width, height),
    })),
    timing: { startedNs: frame.captureNs, inferenceNs: 0, trackingNs: 0 },
  };
}

interface Contents {
  readonly label: string;
  readonly format: SourceFormat;
  readonly engine: EngineInfo | null;
  readonly channel: PictureChannel;
  readonly firstNs: bigint;
  readonly lastNs: bigint;
}

/** null where the stream has no pictures. */
async function readContents(reader: McapFileReader, channel: PictureChannel): Promise<Contents | null> {
  const { stream, topic } = channel;
  const videoOnly = new Set([topic]);
  let first: { timeNs: bigint; jpeg: Uint8Array } | null = null;
  for await (const { timeNs, data } of reader.inTimeOrder(videoOnly)) {
    first = { timeNs, jpeg: await jpegOf(channel, data) };
    break;
  }
  if (!first) return null;
  const lastNs = (await lastTime(reader, videoOnly)) ?? first.timeNs;
  const described = await describedSource(reader, stream);
  const { width, height } = await sharp(first.jpeg).metadata();
  const size: PictureSize = { width, height };
  return {
    label: `${described?.label ?? stream} (recording)`,
    format: {
      size,
      framesPerSecond: described?.format?.framesPerSecond ?? null,
      calibration: described?.format?.calibration ?? uncalibrated,
      pictureKind: described?.format?.pictureKind,
      frameCount: null,
      description: 'MCAP recording',
    },
    engine: await recordedEngine(reader, stream),
    channel,
    firstNs: first.timeNs,
    lastNs,
  };
}

/** Newest time stamp on the topics; only as many chunks are read as can hold it. */
async function lastTime(reader: McapFileReader, topics: ReadonlySet<string>): Promise<bigint | null> {
  let last: bigint | null = null;
  const byEnd = [...reader.chunks].sort((a, b) => (a.endNs < b.endNs ? 1 : a.endNs > b.endNs ? -1 : 0));
  for (const chunk of byEnd) {
    if (last !== null && chunk.endNs <= last) break;
    for (const { timeNs } of reader.messagesOf(await reader.readChunk(chunk), topics))
      if (last === null || timeNs > last) last = timeNs;
  }
  return last;
}

async function recordedEngine(reader: McapFileReader, stream: string): Promise<EngineInfo | null> {
  const topic = new Set([journalTopic(stream)]);
  for (const chunk of reader.chunks.slice(0, 20))
    for (const message of reader.messagesOf(await reader.readChunk(chunk), topic)) {
      const entry = decodeEntry(message.data);
      if (entry?.op === 'engine') return entry.info;
    }
  return null;
}
