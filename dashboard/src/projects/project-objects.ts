/** The objects of a recording beside the picture: state and confidence on the picture that is shown, and what can be done with each. */
import { colourOf } from '../../../src/vocabulary/palette.js';
import type { PictureKind } from '../../../src/vocabulary/picture-kind.js';
import { h } from '../app/dom.js';
import { drawThumbnail, hasThumbnail, objectRow } from '../editor/object-row.js';
import type { DrawnObject } from '../worker/overlay-drawing.js';
import type { FrameMasks } from './api.js';
import { t } from '../core/texts.js';

interface ObjectActions {
  readonly select: (label: string | null) => void;
  readonly rename: (label: string, name: string) => void;
  readonly remove: (label: string) => void;
  readonly hide: (label: string, hidden: boolean) => void;
  readonly lock: (label: string, locked: boolean) => void;
}

interface ListedObjects {
  /** Of the picture that is shown, null where none is. */
  readonly masks: FrameMasks | null;
  readonly selected: string | null;
  readonly hidden: readonly string[];
  readonly locked: readonly string[];
  /** Of the recording: which set of colours. */
  readonly kind: PictureKind | undefined;
  /** They can be renamed and removed: a person has marked them. */
  readonly editable: boolean;
}

interface ProjectObjects {
  readonly element: HTMLElement;
  update(labels: readonly string[], shown: ListedObjects): void;
  /** Small pictures of what is outlined on this picture. */
  showThumbnails(picture: ImageBitmap, outlines: readonly DrawnObject[]): void;
  startRename(label: string): void;
}

export function projectObjects(actions: ObjectActions): ProjectObjects {
  const list = h('ul', { class: 'objects project-objects' });
  const rows = new Map<string, ReturnType<typeof objectRow>>();
  let chosen: string | null = null;
  const rowOf = (label: string): ReturnType<typeof objectRow> => {
    const known = rows.get(label);
    if (known) return known;
    const row = objectRow(
      {
        select: () => actions.select(chosen === label ? null : label),
        rename: (name) => actions.rename(label, name),
        remove: () => actions.remove(label),
        undo: null,
        hide: (hidden) => actions.hide(label, hidden),
        lock: (locked) => actions.lock(label, locked),
      },
      { 'data-label': label },
    );
    rows.set(label, row);
    return row;
  };
  return {
    element: list,
    update: (labels, { masks, selected, hidden, locked, kind, editable }) => {
      chosen = selected;
      for (const label of [...rows.keys()]) if (!labels.includes(label)) rows.delete(label);
      const elements = labels.map((label) => rowOf(label).element);
      // A row that stays where it is keeps its focus.
      if (elements.length !== list.children.length || elements.some((one, at) => list.children[at] !== one))
        list.replaceChildren(...elements);
      for (const [index, label] of labels.entries()) {
        const found = masks?.objects.find((object) => object.label === label);
        rowOf(label).update({
          ...{ number: index + 1, colour: colourOf(index, kind), name: label, editable },
          ...{ state: found?.state ?? null, confidence: found?.confidence ?? 0 },
          remark: found?.corrected
            ? t('Corrected by hand')
            : found?.marked
              ? t('Marked, not tracked yet')
              : '',
          ...{ selected: label === selected, hidden: hidden.includes(label), locked: locked.includes(label) },
        });
      }
    },
    showThumbnails: (picture, outlines) => {
      for (const one of outlines)
        if (hasThumbnail(one.state))
          drawThumbnail(rows.get(one.label)?.thumbnail ?? null, picture, one, {
            path: one.path,
            colour: one.colour,
          });
    },
    startRename: (label) => rows.get(label)?.startRename(),
  };
}
