/**
 * Two apical views of one ventricle in the rooms of one server: which stream shows which view, and what their beats give together.
 * A room without a partner has a study of its own, in which its view can be changed when the probe is turned. Main thread.
 *
 * The other view is that of the partner as it is now, by the limits of single-plane numbers; where there is none, the one that somebody
 * has held last, for a few minutes: two views are usually acquired one after the other.
 */
import {
  biplaneMeasurements,
  biplaneOf,
  byView,
  viewReason,
  type BiplanePresent,
  type ViewBeats,
} from '../analysis/biplane-beats.js';
import { ViewBeatKeeper } from '../analysis/view-beats.js';
import { echoMeasures, echoViewWords, otherView, type EchoView } from '../vocabulary/echo.js';
import type { FrameIdentity } from '../vocabulary/frame.js';
import type { Measurement } from '../vocabulary/measurement.js';

/** Nanoseconds. */
export const studyLimits = {
  /** A partner that has measured nothing for this long shows no view now. */
  live: 2e9,
  /** A held view older than this may be of another patient. */
  held: 5 * 60e9,
} as const;

interface HeldView {
  readonly stream: string;
  readonly holdId: number;
  readonly takenNs: number;
  readonly beats: ViewBeats;
}

/** Where the other view of a biplane number comes from. `holdId` null: it is what its stream shows now. */
interface OtherView {
  readonly stream: string;
  readonly holdId: number | null;
}

interface Found {
  readonly present: BiplanePresent;
  readonly other: OtherView | null;
  /** For the note. */
  readonly remark: string;
}

export class BiplaneStudy {
  readonly #members = new Map<string, BiplaneMember>();
  /** The newest of each view. */
  readonly #held = new Map<EchoView, HeldView>();

  /** A room of this study. `view` null: nobody has marked it, so that it is four-chamber. */
  join(stream: string, view: EchoView | null): BiplaneMember {
    const member = new BiplaneMember(this, stream, view);
    this.#members.set(stream, member);
    return member;
  }

  /** This room has closed: nobody waits for its view. What it has held stays as long as any held view. */
  leave(stream: string): void {
    this.#members.delete(stream);
  }

  get paired(): boolean {
    return this.#members.size > 1;
  }

  /** Id of the other stream; null: it has none. */
  partnerOf(stream: string): string | null {
    return [...this.#members.keys()].find((id) => id !== stream) ?? null;
  }

  keep(view: EchoView, held: HeldView): void {
    this.#held.set(view, held);
  }

  /** This stream shows another source: what was seen there is of another heart. */
  forget(stream: string): void {
    for (const [view, held] of this.#held) if (held.stream === stream) this.#held.delete(view);
  }

  /** With these beats of one view. */
  find(view: EchoView, own: ViewBeats, stream: string, nowNs: number): Found {
    const wanted = otherView(view);
    const partners = [...this.#members.values()].filter((member) => member.stream !== stream);
    const partner = partners.find((member) => member.view === wanted);
    const live = partner?.now(nowNs) ?? null;
    if (live !== null && !('reason' in live))
      return {
        present: biplaneOf(byView(view, own, live)),
        ...{ other: { stream: partner?.stream ?? '', holdId: null }, remark: '' },
      };
    const held = this.#held.get(wanted);
    if (held !== undefined && nowNs - held.takenNs <= studyLimits.held)
      return {
        present: biplaneOf(byView(view, own, held.beats)),
        other: { stream: held.stream, holdId: held.holdId },
        remark: `${echoViewWords[wanted]} view held ${ageWords(nowNs - held.takenNs)} ago`,
      };
    const missing = echoViewWords[wanted];
    const reason =
      live !== null
        ? `the ${missing} view has no number (${viewReason(wanted, live.reason)})`
        : partners.length > 0 && partner === undefined
          ? `both streams are marked as ${echoViewWords[view]}`
          : partner !== undefined
            ? `the ${missing} view shows nothing now`
            : held !== undefined
              ? `the held ${missing} view is older than ${studyLimits.held / 60e9} minutes: hold it again`
              : `hold the ${missing} view first`;
    return { present: { reason }, other: null, remark: '' };
  }
}

/** One room's part in a study. */
export class BiplaneMember {
  readonly #keeper = new ViewBeatKeeper();
  #view: EchoView;
  #marked: boolean;
  #discontinuity: number | null = null;
  #newestNs = -Infinity;

  constructor(
    private readonly study: BiplaneStudy,
    readonly stream: string,
    view: EchoView | null,
  ) {
    this.#view = view ?? 'a4c';
    this.#marked = view !== null;
  }

  get view(): EchoView {
    return this.#view;
  }

  /** Whether somebody has said which view it is. */
  get marked(): boolean {
    return this.#marked;
  }

  /** Id of the other stream; null: it has none. */
  get partner(): string | null {
    return this.study.partnerOf(this.stream);
  }

  /** The probe was turned: beats of before are of the other view. */
  setView(view: EchoView): void {
    if (view !== this.#view) this.#keeper.clear();
    this.#view = view;
    this.#marked = true;
  }

  leave(): void {
    this.study.leave(this.stream);
  }

  /** Another source, or another pass of it. */
  clear(): void {
    this.#keeper.clear();
    this.#newestNs = -Infinity;
    this.study.forget(this.stream);
  }

  /** What this view has now; null: nothing was measured lately. `nowNs`: monotonic. */
  now(nowNs: number): ViewBeats | { readonly reason: string } | null {
    return nowNs - this.#newestNs > studyLimits.live ? null : this.#keeper.state;
  }

  /** The measurements from two views on one frame; none where nobody has asked for them. Called with every frame in order. */
  measure(frame: FrameIdentity, measurements: readonly Measurement[]): Measurement[] {
    const shown = measurements.find(({ name }) => name === echoMeasures.ejectionFraction);
    if (shown === undefined) return [];
    if (this.#discontinuity !== frame.discontinuity) this.#keeper.clear();
    this.#discontinuity = frame.discontinuity;
    this.#keeper.take(frame.ptsNs, measurements);
    this.#newestNs = frame.captureNs;
    if (!this.#marked && !this.study.paired) return [];
    const { present, remark } = this.#find(frame.captureNs);
    return Object.values(biplaneMeasurements(present, shown.objectId, remark));
  }

  /** Keeps this view for the other one, and says what both give; null: nobody has asked for two views. */
  hold(
    holdId: number,
    nowNs: number,
  ): { readonly measurements: readonly Measurement[]; readonly other: OtherView | null } | null {
    const own = this.now(nowNs);
    if (own === null || 'reason' in own) return null;
    this.study.keep(this.#view, { stream: this.stream, holdId, takenNs: nowNs, beats: own });
    if (!this.#marked && !this.study.paired) return null;
    const { present, other, remark } = this.#find(nowNs);
    return { measurements: Object.values(biplaneMeasurements(present, 0, remark)), other };
  }

  #find(nowNs: number): Found {
    const own = this.#keeper.state;
    if (!('reason' in own)) return this.study.find(this.#view, own, this.stream, nowNs);
    return { present: { reason: viewReason(this.#view, own.reason) }, other: null, remark: '' };
  }
}

function ageWords(ns: number): string {
  const seconds = Math.round(ns / 1e9);
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
