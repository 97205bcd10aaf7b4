/**
 * From JPEG bytes to bitmaps, two at once. Runs in the painting worker. Queue: one picture waits, a newer one takes its
 * place and the older one is counted as dropped. A picture that cannot be decoded is counted; nothing is thrown.
 */
import type { VideoMessage } from '../../../src/protocol/messages.js';
import { Recent } from '../core/rates.js';

/** A decoded picture, shared by the screen and by gestures that refer to it; closed when nobody needs it. */
export interface Picture {
  readonly bitmap: ImageBitmap;
  holders: number;
}

export function letGo(picture: Picture): void {
  picture.holders -= 1;
  if (picture.holders === 0) picture.bitmap.close();
}

export interface ArrivedPicture {
  readonly message: VideoMessage;
  /** Capture on the clock of `performance.now()`. */
  readonly captureMs: number;
}

const decodesAtOnce = 2;

export class PictureDecoder {
  readonly decodeMs = new Recent(32);
  /** Pictures dropped because a newer one came before their turn. */
  drops = 0;
  failures = 0;
  readonly #onDecoded: (arrived: ArrivedPicture, picture: Picture) => void;
  #running = 0;
  #waiting: ArrivedPicture | null = null;
  #ended = false;

  /** `onDecoded` becomes the one holder of the picture. */
  constructor(onDecoded: (arrived: ArrivedPicture, picture: Picture) => void) {
    this.#onDecoded = onDecoded;
  }

  take(arrived: ArrivedPicture): void {
    if (this.#running < decodesAtOnce) {
      void this.#decode(arrived);
      return;
    }
    if (this.#waiting) this.drops += 1;
    this.#waiting = arrived;
  }

  /** The picture that waits is not wanted any more. */
  forgetWaiting(): void {
    this.#waiting = null;
  }

  close(): void {
    this.#ended = true;
    this.#waiting = null;
  }

  async #decode(arrived: ArrivedPicture): Promise<void> {
    this.#running += 1;
    const startMs = performance.now();
    try {
      const { data, format } = arrived.message;
      // A Blob part must not be shared memory; message bytes are an ordinary ArrayBuffer.
      const blob = new Blob([data as Uint8Array<ArrayBuffer>], { type: `image/${format}` });
      // No options: our JPEG has neither alpha nor a colour profile, and with any option Chromium copies the picture in this thread.
      const picture: Picture = { bitmap: await createImageBitmap(blob), holders: 1 };
      this.decodeMs.add(performance.now() - startMs);
      if (this.#ended) letGo(picture);
      else this.#onDecoded(arrived, picture);
    } catch {
      // The next picture does not depend on this one, so decoding goes on.
      this.failures += 1;
    } finally {
      this.#running -= 1;
      const next = this.#waiting;
      this.#waiting = null;
      if (next) void this.#decode(next);
    }
  }
}
