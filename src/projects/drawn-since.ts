/** What of the marks of a project is tracked, and what can be exported beside the masks of a run without tracking again. Pure. */
import type { Correction } from '../protocol/project-requests.js';
import { markGroup, markGroups, promptsOn, traitOf, trackedPlan } from './plan-edits.js';
import type { ProjectDocument, StoredPlan, TrackedPlan } from './project-document.js';

const plans = new WeakMap<
  StoredPlan,
  { readonly key: unknown; readonly ran: TrackedPlan; readonly plan: TrackedPlan }
>();

/**
 * The plan of the next run: a locked object that has been tracked stays what it was tracked with.
 *
 * @param ran plan of the run whose masks are on disk, or are being made; empty: there is none
 */
export function trackable(document: ProjectDocument, ran: TrackedPlan): TrackedPlan {
  const known = plans.get(document.plan);
  if (known?.key === document.traits && known.ran === ran) return known.plan;
  const plan = trackedPlan(document.plan).map(
    (object) =>
      (traitOf(document, object.label).locked && ran.find(({ label }) => label === object.label)) || object,
  );
  plans.set(document.plan, { key: document.traits, ran, plan });
  return plan;
}

/**
 * Masks drawn since a run, of its objects; null where anything else has changed. A mask that was drawn on a picture takes the place of
 * whatever was marked there.
 */
export function drawnSince(ran: TrackedPlan, now: TrackedPlan): Correction[] | null {
  if (ran.length !== now.length) return null;
  const before = markGroups(ran);
  const drawn: Correction[] = [];
  for (const [index, { label, prompts }] of now.entries()) {
    const old = ran[index];
    if (old?.label !== label) return null;
    for (const frame of new Set([...old.prompts, ...prompts].map((mark) => mark.frame))) {
      const own = promptsOn([{ label, prompts }], label, frame);
      if (before.has(markGroup(label, frame, own))) continue;
      const last = own.at(-1);
      if (last?.type !== 'mask' || own.some(({ type }) => type !== 'mask')) return null;
      drawn.push({ kind: 'contour', frame, label, mask: last.mask });
    }
  }
  return drawn;
}
