/** Content items of a structured report as bytes (PS3.3 C.17.3, PS3.16 annex A). Pure. */
import { codeSequence, item, itemEnd, itemStart, dataSet, sequence, sequenceEnd, sequenceStart, text, unsignedShort, type Code } from './elements.js'; // prettier-ignore

type Relation = 'CONTAINS' | 'HAS OBS CONTEXT' | 'HAS CONCEPT MOD' | 'INFERRED FROM';

export const dcm = (value: string, meaning: string): Code => ({ value, scheme: 'DCM', meaning });
export const sct = (value: string, meaning: string): Code => ({ value, scheme: 'SCT', meaning });
export const ln = (value: string, meaning: string): Code => ({ value, scheme: 'LN', meaning });
export const ucum = (value: string, meaning: string): Code => ({ value, scheme: 'UCUM', meaning });

const contentSequence = 0x0040a730;

function contentItem(
  relation: Relation,
  valueType: string,
  concept: Code | null,
  value: readonly Buffer[],
  children: readonly Buffer[] = [],
): Buffer {
  return item(
    text(0x0040a010, 'CS', relation),
    text(0x0040a040, 'CS', valueType),
    ...(concept === null ? [] : [codeSequence(0x0040a043, concept)]),
    ...value,
    ...(children.length > 0 ? [sequence(contentSequence, ...children)] : []),
  );
}

export function codeItem(
  relation: Relation,
  concept: Code,
  value: Code,
  children?: readonly Buffer[],
): Buffer {
  return contentItem(relation, 'CODE', concept, [codeSequence(0x0040a168, value)], children);
}

export function textItem(relation: Relation, concept: Code, value: string): Buffer {
  return contentItem(relation, 'TEXT', concept, [text(0x0040a160, 'UT', value)]);
}

export function uidItem(relation: Relation, concept: Code, uid: string): Buffer {
  return contentItem(relation, 'UIDREF', concept, [text(0x0040a124, 'UI', uid)]);
}

/** @param value as it is written, at most 16 characters */
export function numberItem(concept: Code, value: string, unit: Code, children?: readonly Buffer[]): Buffer {
  const measured = sequence(0x0040a300, item(codeSequence(0x004008ea, unit), text(0x0040a30a, 'DS', value)));
  return contentItem('CONTAINS', 'NUM', concept, [measured], children);
}

export interface ImageReference {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  /** From 1; empty: all. */
  readonly frames: readonly number[];
  /** Of a segmentation; null: all, or it has none. */
  readonly segment: number | null;
}

export function imageItem(relation: Relation, concept: Code, image: ImageReference): Buffer {
  const { frames, segment } = image;
  const reference = item(
    text(0x00081150, 'UI', image.sopClassUid),
    text(0x00081155, 'UI', image.sopInstanceUid),
    ...(frames.length > 0 ? [text(0x00081160, 'IS', frames.map(String))] : []),
    ...(segment === null ? [] : [unsignedShort(0x0062000b, segment)]),
  );
  return contentItem(relation, 'IMAGE', concept, [sequence(0x00081199, reference)]);
}

/** Elements of a container up to its first content item; `template` of PS3.16. */
export function containerElements(concept: Code, template: string | null): Buffer[] {
  return [
    text(0x0040a040, 'CS', 'CONTAINER'),
    codeSequence(0x0040a043, concept),
    text(0x0040a050, 'CS', 'SEPARATE'),
    ...(template === null
      ? []
      : [sequence(0x0040a504, item(text(0x00080105, 'CS', 'DCMR'), text(0x0040db00, 'CS', template)))]),
  ];
}

/** Start of the content of a container; its tag is the highest of all that a report has. */
export const contentStart = sequenceStart(contentSequence);
export const contentEnd = sequenceEnd;

/** A container that is written piece by piece: start, content items, `containerEnd`. */
export function containerStart(concept: Code, template: string | null): Buffer {
  return Buffer.concat([
    itemStart,
    dataSet(text(0x0040a010, 'CS', 'CONTAINS'), ...containerElements(concept, template)),
    contentStart,
  ]);
}
export const containerEnd = Buffer.concat([contentEnd, itemEnd]);

export function container(concept: Code, template: string | null, children: readonly Buffer[]): Buffer {
  return Buffer.concat([containerStart(concept, template), ...children, containerEnd]);
}
