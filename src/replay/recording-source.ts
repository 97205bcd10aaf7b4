/**
 * A recording as a source for replay: the display pictures of one stream, every one of them, in order. They are JPEG, so what
 * the network sees differs a little from what it saw live; `replay --verify` uses the exact pictures instead.
 */
import { Observable } from 'rxjs';
import type { Subscriber } from 'rxjs';
import sharp from 'sharp';
import type { PictureSize } from '../frame.js';
import type { FrameSource, SourceEvent, SourceOptions } from '../ingest/frame-source.js';
import { ingestError } from '../ingest/errors.js';
import { decodeVideo } from '../protocol/messages.js';
import { recordError } from '../record/errors.js';
import { describedSource, openRecording, streamsOf } from './recording-streams.js';

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
      const stream = this.stream ?? streamsOf(reader)[0];
      if (stream === undefined) throw recordError('SONO_RECORDING_EMPTY', { path: this.uri, stream: '' });
      const described = await describedSource(reader, stream);
      subscriber.next({ kind: 'state', state: { phase: 'starting' } });
      let firstNs: bigint | null = null;
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
      for await (const message of reader.inTimeOrder(new Set([`/${stream}/video`]))) {
        if (subscriber.closed) return;
        const { timestampNs, data } = decodeVideo(message.data);
        const first: boolean = firstNs === null;
        firstNs ??= timestampNs;
        const ptsNs = Number(timestampNs - firstNs);
        lastPtsNs = ptsNs;
        const identity = {
          streamId: options.streamId,
          ptsNs,
          mediaNs: ptsNs,
          sourceFrame: sourceFrame++,
          pass: 0,
        };
        const jpeg = Uint8Array.from(data);
        const decoding = decodePicture(jpeg, options.analysisSize).catch((error: unknown) => {
          throw recordError('SONO_RECORDING_PICTURE', { path: this.uri, frame: identity.sourceFrame }, error);
        });
        queue.push(
          decoding.then(({ size, rgb }) => () => {
            const now = Number(process.hrtime.bigint());
            const frame = { ...identity, captureNs: now, decodedNs: now };
            if (first) {
              subscriber.next({
                kind: 'format',
                format: {
                  size,
                  framesPerSecond: described?.format?.framesPerSecond ?? null,
                  pixelSpacingMm: described?.format?.pixelSpacingMm ?? null,
                  frameCount: null,
                  description: `MCAP recording, stream ${stream}, JPEG`,
                },
              });
              subscriber.next({ kind: 'state', state: { phase: 'playing' } });
            }
            if (options.displayQuality !== null)
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
            sinceNs: Number(process.hrtime.bigint()),
            attempt: 0,
          },
        });
      subscriber.next({ kind: 'state', state: { phase: 'ended' } });
    } finally {
      await reader.close();
    }
  }
}

/** Size of the picture, and the picture at analysis size: uint8 RGB, bilinear, stretched like the live analysis branch. */
async function decodePicture(
  jpeg: Uint8Array,
  analysisSize: PictureSize | null,
): Promise<{ readonly size: PictureSize; readonly rgb: Uint8Array | null }> {
  const image = sharp(jpeg);
  const { width, height } = await image.metadata();
  if (!analysisSize) return { size: { width, height }, rgb: null };
  const rgb = await image
    .removeAlpha()
    .toColourspace('srgb')
    .resize(analysisSize.width, analysisSize.height, { fit: 'fill', kernel: 'linear' })
    .raw()
    .toBuffer();
  return { size: { width, height }, rgb: new Uint8Array(rgb) };
}
