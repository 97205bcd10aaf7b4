/**
 * Which picture goes on the screen now, and whether its outlines go with it. Pure: time comes in as a number, pictures
 * and overlays are opaque. Runs in the painting worker, once per display refresh. The rule and its reasons are in
 * docs/decisions/0030-presentation-rule.md; in short:
 *
 * - An overlay is painted only together with the picture of the same timestamp, and only up to `limitMs` after capture.
 * - Nothing to draw, or overlay off: the newest picture, at once.
 * - in-step: a picture waits for its own overlay, no longer than masks usually take (never past the limit), then goes
 *   on screen without.
 * - Where analysis skips so many pictures that outlines would blink more than three times a second, either only
 *   analysed pictures are shown (steady) or the outlines rest and every picture is shown (paused). The screen says which.
 */

/** What the person chose for the case that analysis is slower than the source. */
export const slowAnalysisChoices = ['auto', 'every-picture', 'steady-outlines'] as const;
export type SlowAnalysisChoice = (typeof slowAnalysisChoices)[number];

/** How picture and outlines go together at present. */
export type Regime = 'off' | 'in-step' | 'steady' | 'paused';

export interface PresentationSettings {
  /** A person wants to see outlines. */
  readonly overlayOn: boolean;
  /** Milliseconds after capture past which an overlay is not painted. */
  readonly limitMs: number;
  readonly slow: SlowAnalysisChoice;
}

export interface Shown<Picture, Overlay> {
  readonly timeNs: bigint;
  /** Capture on this browser's clock (performance time, ms). */
  readonly captureMs: number;
  readonly picture: Picture;
  /** Non-null only if it carries the same timestamp as the picture. */
  readonly overlay: Overlay | null;
}

type Decision<Picture, Overlay> =
  /** Nothing changes. */
  | { readonly kind: 'keep' }
  /** A new picture. */
  | { readonly kind: 'paint'; readonly shown: Shown<Picture, Overlay> }
  /** The picture stays, its overlay comes (arrived late but within the limit) or goes (past the limit, switched off). */
  | { readonly kind: 'repaint'; readonly shown: Shown<Picture, Overlay> };

export interface PresentationCounts {
  /** Pictures taken in. */
  pictures: number;
  /** Pictures that went on screen. */
  painted: number;
  /** … of these, with their own overlay. */
  withOverlay: number;
  /** … of these, without although an overlay was wanted and could be expected. */
  withoutOverlay: number;
  /** Overlays that came after the limit or after their picture had gone. */
  lateOverlays: number;
  /** Pictures never shown because a newer one was ready. */
  superseded: number;
}

/** Pictures and overlays held at most, each. */
const capacity = 8;
/** Window of the decision between regimes, ms; longer for slow sources, so that it holds some pictures. */
const shortestWindowMs = 2000;
const windowPictures = 6;
/** After so many pictures in a row without a mask in time, pictures stop waiting at once. */
const missesInARow = 8;
/** WCAG 2.3.1 allows three flashes per second. Where outlines would blink more often, steady or paused begins. */
const blinksPerSecond = 3;
/**
 * Fewer pictures per second than this are no live picture: by default, and where a person asked for steady outlines
 * (any fewer, and the screen would call the picture frozen).
 */
const steadyFloorPerSecond = {
  auto: 8,
  'steady-outlines': 5,
  'every-picture': Number.POSITIVE_INFINITY,
} as const;
/** A picture waits this much longer than masks usually take: one refresh at 60 Hz and some jitter. */
const holdMarginMs = 20;
/** Taken off the limit, so that an overlay which is painted at the next refresh is still within it. */
const paintMarginMs = 4;

interface Waiting<Picture> {
  readonly timeNs: bigint;
  readonly captureMs: number;
  readonly picture: Picture;
}

interface Outcome {
  readonly timeNs: bigint;
  readonly captureMs: number;
  readonly atMs: number;
  /** null: not known yet. */
  inTime: boolean | null;
}

interface PresenterOptions<Picture> {
  /** Called exactly once for every picture that is no longer needed. */
  readonly release: (picture: Picture) => void;
}

export class Presenter<Picture, Overlay> {
  readonly counts: PresentationCounts = {
    pictures: 0,
    painted: 0,
    withOverlay: 0,
    withoutOverlay: 0,
    lateOverlays: 0,
    superseded: 0,
  };
  #settings: PresentationSettings = { overlayOn: true, limitMs: 100, slow: 'auto' };
  #waiting: Waiting<Picture>[] = [];
  readonly #overlays = new Map<bigint, { readonly overlay: Overlay; readonly drawable: boolean }>();
  #newestOverlayNs: bigint | null = null;
  /** The newest overlay had something to draw, so the next one is worth waiting for. */
  #expectsOverlay = false;
  #shown: Shown<Picture, Overlay> | null = null;
  /** Whether the shown picture's overlay has been taken off because it grew too old. */
  #expired = false;
  #regime: Regime = 'in-step';
  #regimeSinceMs: number | null = null;
  #outcomes: Outcome[] = [];
  readonly #maskAges: number[] = [];
  #inTimePerSecond = 0;
  #paintIntervalMs = 40;
  #pictureIntervalMs = 40;
  #lastCaptureMs: number | null = null;
  #refreshMs = 1000 / 60;
  #lastRefreshMs: number | null = null;
  #lastPaintMs: number | null = null;
  readonly #release: (picture: Picture) => void;

  constructor(options: PresenterOptions<Picture>) {
    this.#release = options.release;
  }

  get shown(): Shown<Picture, Overlay> | null {
    return this.#shown;
  }

  get regime(): Regime {
    return this.#settings.overlayOn ? this.#regime : 'off';
  }

  get settings(): PresentationSettings {
    return this.#settings;
  }

  configure(settings: PresentationSettings): void {
    // A person's choice takes effect at the next decision, without the usual dwell time.
    if (settings.slow !== this.#settings.slow && this.#regimeSinceMs !== null)
      this.#regimeSinceMs -= this.#windowMs;
    this.#settings = settings;
  }

  /** Ages at which masks came lately, in time or not, ms. */
  get maskAges(): readonly number[] {
    return this.#maskAges;
  }

  /** How long after capture a picture waits for its overlay, ms: the 95th percentile of mask age plus a margin, within the limit. */
  get holdMs(): number {
    const most = this.#settings.limitMs - paintMarginMs;
    if (this.#maskAges.length < 8) return most;
    const sorted = [...this.#maskAges].sort((a, b) => a - b);
    const usual = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))] ?? most;
    return Math.max(0, Math.min(most, usual + holdMarginMs));
  }

  /** A decoded picture. One that is not newer than the picture on screen is released at once. */
  addPicture(timeNs: bigint, captureMs: number, picture: Picture, nowMs: number): void {
    this.counts.pictures += 1;
    this.#regimeSinceMs ??= nowMs;
    // By capture, so that pictures which arrive in bursts count as evenly spaced as they were taken.
    if (this.#lastCaptureMs !== null && captureMs > this.#lastCaptureMs)
      this.#pictureIntervalMs +=
        0.2 * (Math.min(5000, captureMs - this.#lastCaptureMs) - this.#pictureIntervalMs);
    this.#lastCaptureMs = captureMs;
    if (
      (this.#shown !== null && timeNs <= this.#shown.timeNs) ||
      this.#waiting.some((one) => one.timeNs === timeNs)
    ) {
      this.counts.superseded += 1;
      this.#release(picture);
      return;
    }
    this.#waiting.push({ timeNs, captureMs, picture });
    this.#waiting.sort((a, b) => (a.timeNs < b.timeNs ? -1 : 1));
    while (this.#waiting.length > capacity) this.#drop(this.#waiting.shift());
    this.#outcomes.push({ timeNs, captureMs, atMs: nowMs, inTime: null });
    while (this.#outcomes[0] && nowMs - this.#outcomes[0].atMs > this.#windowMs + 500) this.#outcomes.shift();
    if (this.#overlays.has(timeNs)) this.#judge(timeNs, nowMs);
  }

  /** The analysis of the picture with this timestamp; `drawable`: it has at least one outline. */
  addOverlay(timeNs: bigint, overlay: Overlay, drawable: boolean, nowMs: number): void {
    const ageMs = this.#judge(timeNs, nowMs);
    if (this.#newestOverlayNs === null || timeNs > this.#newestOverlayNs) {
      this.#newestOverlayNs = timeNs;
      this.#expectsOverlay = drawable;
    }
    if (this.#shown !== null && timeNs < this.#shown.timeNs) {
      if (drawable) this.counts.lateOverlays += 1;
      return;
    }
    this.#overlays.set(timeNs, { overlay, drawable });
    for (const key of this.#overlays.keys()) {
      if (this.#overlays.size <= capacity) break;
      this.#overlays.delete(key);
    }
    if (drawable && ageMs !== null && ageMs > this.#settings.limitMs) this.counts.lateOverlays += 1;
  }

  /** What to put on the screen at this refresh. */
  next(nowMs: number): Decision<Picture, Overlay> {
    if (this.#lastRefreshMs !== null)
      this.#refreshMs += 0.1 * (Math.min(200, nowMs - this.#lastRefreshMs) - this.#refreshMs);
    this.#lastRefreshMs = nowMs;
    this.#chooseRegime(nowMs);
    const candidate = this.#candidate(nowMs);
    if (candidate) return { kind: 'paint', shown: this.#show(candidate, nowMs) };
    return this.#revise(nowMs);
  }

  /** Forget everything, also the picture on screen (another source, signal lost). */
  clear(): void {
    for (const one of this.#waiting) this.#release(one.picture);
    this.#waiting = [];
    this.#overlays.clear();
    if (this.#shown) this.#release(this.#shown.picture);
    this.#shown = null;
    this.#newestOverlayNs = null;
    this.#expectsOverlay = false;
    this.#outcomes = [];
    this.#maskAges.length = 0;
    this.#lastPaintMs = null;
    this.#lastCaptureMs = null;
    this.#regime = 'in-step';
    this.#regimeSinceMs = null;
  }

  #candidate(nowMs: number): Waiting<Picture> | null {
    if (this.#waiting.length === 0) return null;
    if (!this.#waits()) return this.#pick(this.#waiting);
    const complete = this.#waiting.filter(
      (one) => this.#overlays.has(one.timeNs) && this.#young(one.captureMs, nowMs),
    );
    if (complete.length > 0) return this.#pick(complete);
    if (this.#regime === 'steady') {
      // The picture on screen may grow old only so far: then pictures go on without outlines.
      const longest = this.#settings.limitMs + Math.min(350, 1500 / Math.max(1, this.#inTimePerSecond));
      if (this.#shown !== null && nowMs - this.#shown.captureMs <= longest) return null;
    }
    const hold = this.holdMs;
    for (let index = this.#waiting.length - 1; index >= 0; index -= 1) {
      const one = this.#waiting[index];
      if (!one) continue;
      const skippedByAnalysis = this.#newestOverlayNs !== null && one.timeNs < this.#newestOverlayNs;
      if (skippedByAnalysis || nowMs - one.captureMs >= hold) return one;
    }
    return null;
  }

  /**
   * Of pictures that could go on screen now: the newest; but where two came between two refreshes and the display is
   * much faster than the source, the older one first, so that every picture is seen. At most one picture waits like this.
   */
  #pick(ready: readonly Waiting<Picture>[]): Waiting<Picture> | null {
    const newest = ready.at(-1) ?? null;
    return ready.length === 2 && 2 * this.#refreshMs < this.#pictureIntervalMs
      ? (ready[0] ?? newest)
      : newest;
  }

  /** Whether an overlay painted now is within the limit when the paint is done. */
  #young(captureMs: number, nowMs: number): boolean {
    return nowMs - captureMs <= this.#settings.limitMs - paintMarginMs;
  }

  /** Whether pictures wait for overlays at all. */
  #waits(): boolean {
    return (
      this.#settings.overlayOn &&
      this.#expectsOverlay &&
      (this.#regime === 'in-step' || this.#regime === 'steady')
    );
  }

  #show(candidate: Waiting<Picture>, nowMs: number): Shown<Picture, Overlay> {
    const waited = this.#waits();
    while (this.#waiting[0] && this.#waiting[0] !== candidate) this.#drop(this.#waiting.shift());
    this.#waiting.shift();
    const found = this.#overlays.get(candidate.timeNs);
    const overlay =
      found?.drawable === true &&
      this.#settings.overlayOn &&
      this.#regime !== 'paused' &&
      this.#young(candidate.captureMs, nowMs)
        ? found
        : null;
    for (const key of this.#overlays.keys()) if (key < candidate.timeNs) this.#overlays.delete(key);
    const shown = {
      timeNs: candidate.timeNs,
      captureMs: candidate.captureMs,
      picture: candidate.picture,
      overlay: overlay?.overlay ?? null,
    };
    if (this.#shown) this.#release(this.#shown.picture);
    this.#shown = shown;
    this.#expired = false;
    this.counts.painted += 1;
    if (overlay) this.counts.withOverlay += 1;
    else if (
      found?.drawable !== false &&
      this.#expectsOverlay &&
      (waited || (this.#settings.overlayOn && this.#regime === 'paused'))
    )
      this.counts.withoutOverlay += 1;
    if (this.#lastPaintMs !== null) {
      const interval = Math.min(200, nowMs - this.#lastPaintMs);
      this.#paintIntervalMs += 0.1 * (interval - this.#paintIntervalMs);
    }
    this.#lastPaintMs = nowMs;
    return shown;
  }

  /** The picture stays: its overlay may come or must go. */
  #revise(nowMs: number): Decision<Picture, Overlay> {
    const shown = this.#shown;
    if (!shown) return { kind: 'keep' };
    const ageMs = nowMs - shown.captureMs;
    const wanted = this.#settings.overlayOn && this.#regime !== 'paused';
    if (shown.overlay !== null) {
      // Its successor is due one interval after it was painted at the latest age allowed.
      const expired = ageMs > this.#settings.limitMs + 1.5 * this.#paintIntervalMs;
      if (wanted && !expired) return { kind: 'keep' };
      this.#expired = expired;
      this.#shown = { ...shown, overlay: null };
      return { kind: 'repaint', shown: this.#shown };
    }
    const found = this.#overlays.get(shown.timeNs);
    if (found?.drawable !== true || !wanted || this.#expired || !this.#young(shown.captureMs, nowMs))
      return { kind: 'keep' };
    this.#shown = { ...shown, overlay: found.overlay };
    this.counts.withOverlay += 1;
    if (this.counts.withoutOverlay > 0) this.counts.withoutOverlay -= 1;
    return { kind: 'repaint', shown: this.#shown };
  }

  #drop(one: Waiting<Picture> | undefined): void {
    if (!one) return;
    this.counts.superseded += 1;
    this.#release(one.picture);
  }

  /** Notes the age at which the mask of a picture came; null where that picture has not been seen. */
  #judge(timeNs: bigint, nowMs: number): number | null {
    const outcome = this.#outcomes.find((one) => one.timeNs === timeNs);
    if (!outcome) return null;
    const ageMs = nowMs - outcome.captureMs;
    outcome.inTime = ageMs <= this.#settings.limitMs - paintMarginMs;
    this.#maskAges.push(ageMs);
    if (this.#maskAges.length > 64) this.#maskAges.shift();
    return ageMs;
  }

  /** Pictures, pictures analysed in time, and blinks per second over the window that has been decided. */
  #window(nowMs: number): { pictures: number; inTimePerSecond: number; share: number; blinks: number } {
    const until = nowMs - this.#settings.limitMs;
    const windowMs = this.#windowMs;
    const decided = this.#outcomes.filter((one) => one.atMs <= until && one.atMs > until - windowMs);
    let inTime = 0;
    let blinks = 0;
    let before = true;
    for (const one of decided) {
      const now = one.inTime === true;
      if (now) inTime += 1;
      if (before && !now) blinks += 1;
      before = now;
    }
    const seconds = windowMs / 1000;
    return {
      pictures: decided.length,
      inTimePerSecond: inTime / seconds,
      share: decided.length === 0 ? 1 : inTime / decided.length,
      blinks: blinks / seconds,
    };
  }

  /** How many of the newest pictures in a row have no mask although it is due. While everything stalls the number stays, because no picture comes either. */
  #missesInARow(nowMs: number): number {
    let misses = 0;
    for (let index = this.#outcomes.length - 1; index >= 0; index -= 1) {
      const one = this.#outcomes[index];
      if (!one || (one.inTime === null && nowMs - one.captureMs < this.#settings.limitMs)) continue;
      if (one.inTime === true) break;
      misses += 1;
    }
    return misses;
  }

  get #windowMs(): number {
    return Math.max(shortestWindowMs, windowPictures * this.#pictureIntervalMs);
  }

  #chooseRegime(nowMs: number): void {
    if (!this.#settings.overlayOn || !this.#expectsOverlay || this.#regimeSinceMs === null) return;
    const silent = this.#missesInARow(nowMs) >= missesInARow;
    if (silent && this.#regime !== 'paused') {
      this.#regime = 'paused';
      this.#regimeSinceMs = nowMs;
      return;
    }
    if (nowMs - this.#regimeSinceMs < this.#windowMs) return;
    const seen = this.#window(nowMs);
    if (seen.pictures < 4) return;
    const good =
      this.#regime === 'in-step'
        ? seen.share >= 0.5 && seen.blinks <= blinksPerSecond
        : seen.share >= 0.9 && seen.blinks <= blinksPerSecond - 1;
    this.#inTimePerSecond = seen.inTimePerSecond;
    const floor = steadyFloorPerSecond[this.#settings.slow];
    // The rate must fall clearly below the entry level before the regime is left; otherwise it would change too often.
    const steadyAllowed = seen.inTimePerSecond >= (this.#regime === 'steady' ? 0.75 * floor : floor);
    const regime: Regime = good ? 'in-step' : steadyAllowed ? 'steady' : 'paused';
    if (regime === this.#regime) return;
    this.#regime = regime;
    this.#regimeSinceMs = nowMs;
  }
}
