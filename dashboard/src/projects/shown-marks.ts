/** The marks of a project as the page places them, and a mask that has come, among those of its picture. Pure. */
import type { ProjectState } from '../../../src/protocol/project-requests.js';
import type { ResponseOf } from '../../../src/protocol/operations.js';
import type { PlacedMark } from '../core/marks.js';
import type { FrameMasks } from './api.js';

type Marked = ResponseOf<'projects.prompt'>;
type Mark = ProjectState['objects'][number]['prompts'][number];

const pair = ([x = 0, y = 0]: readonly number[]): readonly [number, number] => [x, y];

function placed({ id, type, point, box, points, positive }: Mark): PlacedMark {
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = box ?? [];
  return {
    ...{ id, type, positive },
    ...{ point: point && pair(point), points: points?.map(pair), box: box && [x0, y0, x1, y1] },
  };
}

/** Marks of an object on a picture. */
export function marksOn(project: ProjectState | null, label: string | null, frame: number): PlacedMark[] {
  const own = project?.objects.find((object) => object.label === label)?.prompts ?? [];
  return own.filter((mark) => mark.frame === frame).map(placed);
}

/** The masks of a picture with the one that a mark was answered with; those of another picture stay as they are. */
export function withAnswer(masks: FrameMasks, { frame, label, size, object }: Marked): FrameMasks {
  if (masks.frame !== frame) return masks;
  const others = masks.objects.filter((one) => one.label !== label);
  // Without a size there are no masks to stand beside.
  if (
    !object ||
    !size ||
    (masks.size && (masks.size.width !== size.width || masks.size.height !== size.height))
  )
    return { ...masks, objects: object ? masks.objects : others };
  return { frame, size, objects: [...others, object] };
}
