/** Objects and marks as the state of a project lists them. It is asked for at every change: what a mark says is worked out once. Pure. */
import { maskBox, maskFromCocoString } from '../mask/rle.js';
import type { ProjectState } from '../protocol/project-requests.js';
import { markGroup, promptsOn, traitOf } from './plan-edits.js';
import type { ProjectDocument, StoredMark, StoredPlan } from './project-document.js';

type ListedObject = ProjectState['objects'][number];
type ListedMark = Omit<ListedObject['prompts'][number], 'tracked'>;

const listed = new WeakMap<StoredMark, ListedMark>();

function listedMark(mark: StoredMark): ListedMark {
  const known = listed.get(mark);
  if (known) return known;
  const { id, frame, author, atUnixMs, prompt } = mark;
  const made = { id, frame, type: prompt.type, author, atUnixMs, ...placeOf(prompt) };
  listed.set(mark, made);
  return made;
}

function placeOf(prompt: StoredMark['prompt']): Partial<ListedMark> {
  switch (prompt.type) {
    case 'click':
      return { point: prompt.point, positive: prompt.positive };
    case 'box':
      return { box: prompt.box };
    case 'scribble':
      return { points: prompt.points, positive: prompt.positive };
    case 'mask': {
      const [height, width] = prompt.mask.size;
      const [x, y, across, down] = maskBox(maskFromCocoString(prompt.mask.counts, width, height));
      return { box: [x, y, x + across, y + down] };
    }
  }
}

const grouped = new WeakMap<StoredPlan, ReadonlyMap<StoredMark, string>>();

/** The group that each mark belongs to, see `markGroup`. */
function groupsOf(plan: StoredPlan): ReadonlyMap<StoredMark, string> {
  const known = grouped.get(plan);
  if (known) return known;
  const made = new Map<StoredMark, string>();
  for (const { label, prompts } of plan) {
    const byFrame = new Map<number, string>();
    for (const mark of prompts) {
      const { frame } = mark;
      const group = byFrame.get(frame) ?? markGroup(label, frame, promptsOn(plan, label, frame));
      byFrame.set(frame, group);
      made.set(mark, group);
    }
  }
  grouped.set(plan, made);
  return made;
}

/**
 * @param found labels of what a model finds by itself; null: the objects are those that were marked
 * @param tracked groups of marks that the masks on disk follow
 */
export function listedObjects(
  document: ProjectDocument,
  found: readonly string[] | null,
  tracked: ReadonlySet<string>,
): ListedObject[] {
  if (found !== null) return found.map((label) => ({ label, ...traits(document, label), prompts: [] }));
  const groups = groupsOf(document.plan);
  return document.plan.map(({ label, prompts }) => ({
    label,
    ...traits(document, label),
    prompts: prompts.map((mark) => ({
      ...listedMark(mark),
      tracked: tracked.has(groups.get(mark) ?? ''),
    })),
  }));
}

function traits(document: ProjectDocument, label: string): Omit<ListedObject, 'label' | 'prompts'> {
  const { hidden, locked, color } = traitOf(document, label);
  return { hidden, locked, color };
}
