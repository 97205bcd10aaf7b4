/**
 * What the source delivers, told to the parent as soon as it is known and again when it changes; and what the display branch has
 * to do with it. Child process.
 */
import { uncalibrated } from '../vocabulary/calibration.js';
import type { PictureSize, SourceFormat } from '../vocabulary/frame.js';
import type { FrameFeed } from './feed.js';
import { parseTags } from './gdp.js';
import { displayCaps } from './launch.js';
import type { ChildRequest } from './messages.js';
import type { NativePipeline } from './native-pipeline.js';
import { displaySize, isFourToOne, parseCaps, type PictureShape } from './picture-format.js';

export class FormatTeller {
  #shape: PictureShape | null = null;
  #displayCaps: keyof typeof displayCaps = 'full';
  #size: PictureSize | null = null;
  #hasFrame = false;
  #isTold = false;
  readonly #tags = new Map<string, string>();

  /**
   * @param feed null for a camera; a feed's shape is known before its first picture and stays, what it learns later is told
   * @param tell called with the first format behind the first frame, and again when it changes
   */
  constructor(
    private readonly request: ChildRequest,
    private readonly feed: FrameFeed | null,
    private readonly pipeline: NativePipeline,
    private readonly tell: (format: SourceFormat) => void,
  ) {
    if (feed === null) return;
    const { size, pixelFormat, format } = feed;
    this.#shape = { ...size, pixelAspect: '1/1', framesPerSecond: format.framesPerSecond, pixelFormat };
    feed.onNews = () => {
      if (this.#isTold) this.#tell();
    };
  }

  /** Of the pictures shown, fixed by the first format; null before. */
  get size(): PictureSize | null {
    return this.#size;
  }

  get framesPerSecond(): number | null {
    return this.#shape?.framesPerSecond ?? null;
  }

  onTags(text: string): void {
    for (const [key, value] of parseTags(text)) this.#tags.set(key, value);
  }

  onFrame(): void {
    this.#hasFrame = true;
    if (!this.#isTold) this.#tell();
  }

  /** Caps of a camera's pictures. */
  onCaps(text: string): void {
    const shape = parseCaps(text);
    if (shape === null) return;
    const before = this.#shape;
    this.#shape = shape;
    this.#chooseDisplayCaps(isFourToOne(shape.pixelFormat) ? 'fourToOne' : 'full');
    if (before === null) {
      // Once a second one whole picture is let through, so that a change of size is noticed and told.
      setInterval(() => this.pipeline.setGate(true), 1000).unref();
      if (!this.#isTold) this.#tell();
    } else if (
      before.width !== shape.width ||
      before.height !== shape.height ||
      before.pixelAspect !== shape.pixelAspect
    ) {
      this.#tell();
    }
  }

  #chooseDisplayCaps(kind: keyof typeof displayCaps): void {
    if (this.request.displayQuality === null || kind === this.#displayCaps) return;
    this.#displayCaps = kind;
    const { through, colour } = displayCaps[kind];
    const steps = [['displaycolour', colour] as const, ['displaythrough', through] as const];
    // Back to `full` in reverse order: the RGB step must be in place before the colour caps that rely on it, or pictures look
    // pale in between.
    if (kind === 'full') steps.reverse();
    for (const [filter, caps] of steps) this.pipeline.setCaps(filter, caps);
  }

  #tell(): void {
    const { feed } = this;
    const shape = this.#shape;
    if (shape === null || !this.#hasFrame) return;
    const now = displaySize(shape, shape.pixelAspect);
    const isFirst = this.#size === null;
    const size = (this.#size ??= now);
    const parts = [
      feed?.format.description ??
        ['container-format', 'video-codec'].flatMap((key) => this.#tags.get(key) ?? []).join(', '),
      shape.pixelAspect === '1/1' ? '' : `pixels of ${shape.pixelAspect} made square`,
      now.width === size.width && now.height === size.height
        ? ''
        : `picture changed to ${now.width} × ${now.height}, shown at ${size.width} × ${size.height}`,
    ];
    this.tell({
      size,
      framesPerSecond: feed === null ? shape.framesPerSecond : feed.format.framesPerSecond,
      calibration: feed?.format.calibration ?? uncalibrated,
      frameCount: feed?.format.frameCount ?? null,
      description: parts.filter((part) => part !== '').join('; ') || this.request.address.kind,
    });
    this.#isTold = true;
    // From here on the display keeps this size whatever the source does: prompts and masks stay valid.
    if (isFirst && feed === null && this.request.displayQuality !== null)
      this.pipeline.setCaps(
        'displaysize',
        `video/x-raw,width=${size.width},height=${size.height},pixel-aspect-ratio=1/1`,
      );
  }
}
