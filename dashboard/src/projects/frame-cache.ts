/** Pictures and masks of the frames around the one that is shown, fetched ahead, bounded. */
import { masksOf, pictureAddress } from './api.js';
import type { FrameMasks } from './api.js';

export interface ShownFrame {
  readonly frame: number;
  readonly picture: ImageBitmap;
  /** Of this very frame; null where it has not been tracked. */
  readonly masks: FrameMasks;
}

const keptFrames = 48;

export class FrameCache {
  readonly #pictures = new Map<number, Promise<ImageBitmap>>();
  readonly #masks = new Map<number, Promise<FrameMasks>>();

  constructor(private readonly project: string) {}

  /** Picture and masks of a frame together: one is never shown with the other's. */
  async get(frame: number): Promise<ShownFrame> {
    const [picture, masks] = await Promise.all([this.#picture(frame), this.#mask(frame)]);
    return { frame, picture, masks };
  }

  ahead(frames: readonly number[]): void {
    for (const frame of frames) this.get(frame).catch(() => undefined);
  }

  /** What was tracked has changed. */
  forgetMasks(): void {
    this.#masks.clear();
  }

  clear(): void {
    for (const picture of this.#pictures.values())
      picture.then(
        (bitmap) => bitmap.close(),
        () => undefined,
      );
    this.#pictures.clear();
    this.#masks.clear();
  }

  #picture(frame: number): Promise<ImageBitmap> {
    return remember(this.#pictures, frame, async () => {
      const response = await fetch(pictureAddress(this.project, frame));
      if (!response.ok) throw new Error(`picture ${frame} is not there`);
      return createImageBitmap(await response.blob());
    });
  }

  #mask(frame: number): Promise<FrameMasks> {
    return remember(this.#masks, frame, () => masksOf(this.project, frame));
  }
}

/** One request for each key. When there are too many, the one that was not used for longest goes; one that fails goes at once. */
function remember<Value>(
  map: Map<number, Promise<Value>>,
  key: number,
  load: () => Promise<Value>,
): Promise<Value> {
  const known = map.get(key);
  if (known) {
    map.delete(key);
    map.set(key, known);
    return known;
  }
  const value = load();
  map.set(key, value);
  value.catch(() => map.delete(key));
  while (map.size > keptFrames) {
    const oldest = map.keys().next().value;
    if (oldest === undefined) break;
    map.delete(oldest);
  }
  return value;
}
