/** Keeps appsrc filled with the pictures of a feed, and repeats the feed. Child process. */
import type { FrameFeed } from './feed.js';
import type { FrameOrigin } from './frame-index.js';
import type { Damage } from './messages.js';
import type { NativePipeline } from './native-pipeline.js';

/** Pictures that wait in appsrc; the pipeline's first queue holds three more. */
const fedAhead = 2;
/** Most pictures between appsrc and the index branch. */
const mostUnderWay = 8;

export class Pusher {
  /** Pictures that the index branch has not shown yet, in order. */
  readonly #underWay: FrameOrigin[] = [];
  #offsetNs = 0;
  #repetition = 0;
  #fedThisRepetition = 0;
  /** Media time of the first picture of this repetition; a feed that was opened in its middle begins later than 0. */
  #startNs: number | null = null;
  #damage: Damage | null = null;
  #pushing = false;
  #over = false;

  constructor(
    readonly feed: FrameFeed,
    private readonly loop: boolean,
    private readonly pipeline: NativePipeline,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** What a recording lacks, once all of it has been read; else null. */
  get damage(): Damage | null {
    return this.#damage;
  }

  /** The next picture that comes out. Nothing between appsrc and the index branch drops, so the order says which it is. */
  shift(): FrameOrigin {
    const origin = this.#underWay.shift();
    if (origin === undefined) throw new Error('a picture came out that was never put in');
    return origin;
  }

  /** Fills appsrc; called at the start and whenever a picture has left. */
  more(): void {
    if (this.#pushing || this.#over) return;
    this.#pushing = true;
    this.#pushWhileRoom()
      .catch((error: unknown) => {
        this.#over = true;
        this.onFailure(error);
      })
      .finally(() => (this.#pushing = false));
  }

  close(): void {
    this.#over = true;
    this.feed.close();
  }

  async #pushWhileRoom(): Promise<void> {
    while (!this.#isOver() && this.pipeline.fedWaiting < fedAhead && this.#underWay.length < mostUnderWay) {
      const picture = await this.feed.next();
      if (this.#isOver()) return;
      if (picture === null) {
        this.#damage = this.feed.damage();
        // A recording that is damaged is said to be, before it begins again; a source without a picture never ends.
        if (!this.loop || this.#damage !== null || this.#fedThisRepetition === 0) {
          this.#over = true;
          this.pipeline.endFeed();
          return;
        }
        this.#repeat();
        continue;
      }
      this.#fedThisRepetition += 1;
      // PTS start at 0 in each life; media time is kept by our own list.
      this.#startNs ??= picture.mediaNs;
      const { index: sourceFrame, mediaNs } = picture;
      this.#underWay.push({ sourceFrame, mediaNs, repetition: this.#repetition });
      this.pipeline.feed(picture.data, this.#offsetNs + mediaNs - this.#startNs);
    }
  }

  #repeat(): void {
    this.#offsetNs += this.feed.endNs - (this.#startNs ?? 0);
    this.#startNs = 0;
    this.#repetition += 1;
    this.#fedThisRepetition = 0;
    this.feed.rewind();
  }

  /** A method, because the pusher may be closed while a picture is read. */
  #isOver(): boolean {
    return this.#over;
  }
}
