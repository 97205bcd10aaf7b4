/**
 * Keeps what is said about outlines from flickering: it appears once it has been true for a moment, stays long enough to be read, and goes
 * once it has been untrue for a while. Figures in its sentence are always the present ones. Pure; time comes in as a number.
 */
import type { Notice } from './wording.js';

const appearsAfterMs = 300;
const goesAfterMs = 1500;
const staysMs = 2500;

export class SteadyNotice {
  #shown: Notice | null = null;
  #sinceMs = Number.NEGATIVE_INFINITY;
  /** What is wanted instead of it, and since when. */
  #wanted: { readonly title: string | null; readonly sinceMs: number } | null = null;

  /** Call at short, even intervals. */
  next(notice: Notice | null, nowMs: number): Notice | null {
    const title = notice?.title ?? null;
    if (title === (this.#shown?.title ?? null)) {
      this.#wanted = null;
      this.#shown = notice;
      return notice;
    }
    if (this.#wanted?.title !== title) this.#wanted = { title, sinceMs: nowMs };
    const lasts = nowMs - this.#wanted.sinceMs;
    const due =
      this.#shown === null
        ? lasts >= appearsAfterMs
        : lasts >= goesAfterMs && nowMs - this.#sinceMs >= staysMs;
    if (!due) return this.#shown;
    this.#shown = notice;
    this.#sinceMs = nowMs;
    this.#wanted = null;
    return notice;
  }

  /** Nothing is said from now on: whoever looks has changed what they want to see. */
  clear(): null {
    this.#shown = null;
    this.#wanted = null;
    return null;
  }
}
