/**
 * Which recording may show the other view of a heart: the names of both, the study or the folder that they lie in. Only proposed: that
 * two recordings are of one patient is for a person to say. Pure.
 */
import { dirname } from 'node:path';
import { isArchiveUri } from '../dicom/web/address.js';
import { viewOfName } from '../replay/biplane-pairs.js';
import type { PartnerNearness } from '../protocol/project-requests.js';
import { partnerNearness } from '../protocol/project-requests.js';
import type { EchoView } from '../vocabulary/echo.js';

interface Placed {
  readonly uri: string;
  /** Of a recording; null: there is one picture for each time. */
  readonly stream: string | null;
}

interface Near {
  readonly near: PartnerNearness;
  /** Of `own`, where the names of both say it. */
  readonly view: EchoView | null;
}

/** What speaks for `other` as the other view of `own`. */
export function nearnessOf(own: Placed, other: Placed): Near {
  const [mine, its] = [viewOfName(own.uri), viewOfName(other.uri)];
  if (mine && its && mine.rest === its.rest && mine.view !== its.view && own.stream === other.stream)
    return { near: 'name', view: mine.view };
  const study = studyOf(own.uri);
  if (study !== null && study === studyOf(other.uri)) return { near: 'study', view: null };
  const inFolder = [own, other].every(({ uri }) => !isArchiveUri(uri));
  return { near: inFolder && dirname(own.uri) === dirname(other.uri) ? 'folder' : 'none', view: null };
}

/** Nearest first; those that are equally near as they came. */
export function byNearness<One extends { readonly near: PartnerNearness }>(partners: readonly One[]): One[] {
  const rank = ({ near }: One): number => partnerNearness.indexOf(near);
  return [...partners].sort((a, b) => rank(a) - rank(b));
}

/** Where an archive has it; null: not in a study of an archive. */
function studyOf(uri: string): string | null {
  return isArchiveUri(uri) ? (/^.+\/studies\/[^/?]+/.exec(uri)?.[0] ?? null) : null;
}
