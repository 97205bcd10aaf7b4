/**
 * A recording as a source for replay: the display pictures of one stream, every one of them, in order. They are JPEG, so what
 * the network sees differs a little from what it saw live; `replay --verify` uses the exact pictures instead.
 */
import { Observable } from 'rxjs';
import type { Subscriber } from 'rxjs';
import sharp from 'sharp';
import { uncalibrated } from '../vocabulary/calibration.js';
import type { PictureSize } from '../vocabulary/frame.js';
import type { FrameSource, SourceEvent, SourceOptions } from '../ingest/frame-source.js';
import { ingestError } from '../ingest/errors.js';
import { monotonicNs } from '../node/clock.js';
import { recordError } from './errors.js';
import { asJpeg, PictureClock, pictureChannelOf } from './recorded-pictures.js';
import { describedSource, openRecording } from './recording-streams.js';

/** Pictures decoded at the same time. */
const lookAhead = 4;

export class RecordingSource implements FrameSource {
  #held = false;
  #resume: (() => void) | null = null;

  constructor(
    readonly uri: string,
    private readonly stream: string | null,
  ) {}

  pause(hold: boolean): void {
    this.#held = hold;
    if (!hold) this.#resume?.();
  }

  /** Errors with SONO_RECORDING_*: behind the last good picture where one cannot be decoded. */
  open(options: SourceOptions): Observable<SourceEvent> {
    return new Observable((subscriber) => {
      this.#play(options, subscriber).then(
        () => subscriber.complete(),
        (error: unknown) => subscriber.error(error),
      );
      return () => this.#resume?.();
    });
  }

  async #play(options: SourceOptions, subscriber: Subscriber<SourceEvent>): Promise<void> {
    const reader = await openRecording(this.uri);
    try {
      const { stream, topic, decode } = pictureChannelOf(reader, this.stream);
      const described = await describedSource(reader, stream);
      subscriber.next({ kind: 'state', state: { phase: 'starting' } });
      const clock = new PictureClock();
      let sourceFrame = 0;
      let lastPtsNs = 0;
      const queue: Promise<() => void>[] = [];
      const deliver = async (): Promise<void> => {
        const emit = await queue.shift();
        while (this.#held && !subscriber.closed)
          await new Promise<void>((resolve) => {
            this.#resume = resolve;
          });
        if (!subscriber.closed) emit?.();
      };
      for await (const message of reader.inTimeOrder(new Set([topic]))) {
        if (subscriber.closed) return;
        const picture = decode(message.data);
        const first = sourceFrame === 0;
        const ptsNs = clock.next(picture, message);
        lastPtsNs = ptsNs;
        const identity = {
          streamId: options.streamId,
          ptsNs,
          mediaNs: ptsNs,
          sourceFrame: sourceFrame++,
          discontinuity: 0,
        };
        const file = Uint8Array.from(picture.data);
        const decoding = decodePicture(file, options).catch((error: unknown) => {
          throw recordError('SONO_RECORDING_PICTURE', { path: this.uri, frame: identity.sourceFrame }, error);
        });
        queue.push(
          decoding.then(({ size, rgb, jpeg }) => () => {
            const now = monotonicNs();
            const frame = { ...identity, captureNs: now, decodedNs: now };
            if (first) {
              subscriber.next({
                kind: 'format',
                format: {
                  size,
                  framesPerSecond: described?.format?.framesPerSecond ?? null,
                  calibration: described?.format?.calibration ?? uncalibrated,
                  pictureKind: described?.format?.pictureKind,
                  frameCount: null,
                  description: `MCAP recording, stream ${stream}`,
                },
              });
              subscriber.next({ kind: 'state', state: { phase: 'playing' } });
            }
            if (jpeg)
              subscriber.next({
                kind: 'display',
                frame: { ...frame, encoding: 'jpeg', size, data: jpeg, encodedNs: now },
              });
            if (options.analysisSize && rgb)
              subscriber.next({
                kind: 'analysis',
                frame: { ...frame, size: options.analysisSize, data: rgb },
              });
          }),
        );
        // It is awaited when its turn comes: until then a failure would be one that nobody handles.
        queue.at(-1)?.catch(() => undefined);
        if (queue.length >= lookAhead) await deliver();
      }
      while (queue.length > 0) await deliver();
      if (sourceFrame === 0)
        throw recordError('SONO_RECORDING_EMPTY', { path: this.uri, stream: ` of "${stream}"` });
      // As a video that was cut off: what is there has been shown, then that it is not all.
      if (!reader.complete)
        subscriber.next({
          kind: 'state',
          state: {
            phase: 'lost',
            reason: ingestError('SONO_SOURCE_DAMAGED', {
              path: this.uri,
              seconds: (lastPtsNs / 1e9).toFixed(1),
            }),
            sinceNs: monotonicNs(),
            attempt: 0,
          },
        });
      subscriber.next({ kind: 'state', state: { phase: 'ended' } });
    } finally {
      await reader.close();
    }
  }
}

/**
 * Size of the picture, the picture at analysis size (uint8 RGB, bilinear, stretched like the live analysis branch) and as
 * JPEG, where they are asked for.
 */
async function decodePicture(
  file: Uint8Array,
  { analysisSize, displayQuality }: SourceOptions,
): Promise<{
  readonly size: PictureSize;
  readonly rgb: Uint8Array | null;
  readonly jpeg: Uint8Array | null;
}> {
  const image = sharp(file);
  const { width, height } = await image.metadata();
  const jpeg = displayQuality === null ? null : await asJpeg(file);
  if (!analysisSize) return { size: { width, height }, rgb: null, jpeg };
  const rgb = await image
    .removeAlpha()
    .toColourspace('srgb')
    .resize(analysisSize.width, analysisSize.height, { fit: 'fill', kernel: 'linear' })
    .raw()
    .toBuffer();
  return { size: { width, height }, rgb: new Uint8Array(rgb), jpeg };
}
