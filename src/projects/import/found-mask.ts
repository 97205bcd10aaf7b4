/** A mask of a file that is imported, and which picture of the recording it belongs to. Pure. */
import { basename, extname } from 'node:path';
import type { Mask } from '../../vocabulary/mask.js';

/** How a file says which picture a mask is of. */
export type PictureReference =
  /** Counted from 0. */
  | { readonly kind: 'number'; readonly frame: number }
  /** Name of the picture, or of the file of the mask; `number` is the last one in it, null: there is none. */
  | { readonly kind: 'name'; readonly name: string; readonly number: number | null }
  /** DICOM object, and the frame in it from 1; null: it has one. */
  | { readonly kind: 'instance'; readonly uid: string; readonly frame: number | null };

export interface FoundMask {
  readonly label: string;
  /** #rrggbb; null: the file has none. */
  readonly color: string | null;
  readonly picture: PictureReference;
  readonly mask: Mask;
}

/** What is known of the pictures of a recording. */
export interface RecordingPictures {
  readonly frames: number;
  /** Names of the files that the pictures were, in their order; null: they are no files. */
  readonly names: readonly string[] | null;
  /** DICOM object that all frames are in, or the object of each; null: it is no DICOM. */
  readonly instances: { readonly all: string } | { readonly each: readonly string[] } | null;
}

/** A name without its folders and its ending. */
const stemOf = (name: string): string => {
  const base = basename(name.replaceAll('\\', '/'));
  return base.slice(0, base.length - extname(base).length).toLowerCase();
};

export function referenceByName(name: string): PictureReference {
  const digits = /(\d{1,9})\D*$/.exec(stemOf(name))?.[1];
  return { kind: 'name', name, number: digits === undefined ? null : Number(digits) };
}

/** Finds the frame of a mask; null where the recording has no such picture. */
export function pictureFinder({
  frames,
  names,
  instances,
}: RecordingPictures): (picture: PictureReference) => number | null {
  const byStem = new Map(names?.map((name, frame) => [stemOf(name), frame]));
  const byUid = new Map(instances && 'each' in instances ? instances.each.map((uid, i) => [uid, i]) : []);
  const within = (frame: number | null | undefined): number | null =>
    typeof frame === 'number' && frame >= 0 && frame < frames ? frame : null;
  return (picture) => {
    switch (picture.kind) {
      case 'number':
        return within(picture.frame);
      case 'name':
        return within(byStem.get(stemOf(picture.name)) ?? picture.number);
      case 'instance':
        if (instances === null) return within(picture.frame === null ? null : picture.frame - 1);
        if ('each' in instances) return within(byUid.get(picture.uid));
        return instances.all === picture.uid ? within((picture.frame ?? 1) - 1) : null;
    }
  };
}
