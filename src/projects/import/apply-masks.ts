/** Masks that were found, as marks of a project: what is taken, and what is left and why. Pure. */
import { isLabel, promptLimits } from '../../vocabulary/prompt.js';
import type { PictureSize } from '../../vocabulary/frame.js';
import { maskToCocoString } from '../../mask/rle.js';
import { addMarks, traitOf, withTrait } from '../plan-edits.js';
import type { ProjectDocument } from '../project-document.js';
import type { FoundMask, PictureReference } from './found-mask.js';

/** Masks that were not taken, by the reason. */
interface LeftOut {
  otherSize: number;
  unknownPicture: number;
  empty: number;
  locked: number;
}

interface Applied {
  readonly document: ProjectDocument;
  readonly labels: readonly string[];
  readonly frames: ReadonlySet<number>;
  readonly taken: number;
  readonly left: LeftOut;
}

/** A name that an object may have. */
function plainLabel(label: string): string {
  const plain = label
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, promptLimits.labelCharacters)
    .trim();
  return isLabel(plain) ? plain : 'object';
}

/** Takes found masks in, one after the other. */
export class MaskTaker {
  #document: ProjectDocument;
  readonly #labels = new Set<string>();
  readonly #frames = new Set<number>();
  #taken = 0;
  readonly #left: LeftOut = { otherSize: 0, unknownPicture: 0, empty: 0, locked: 0 };

  constructor(
    document: ProjectDocument,
    private readonly context: {
      readonly size: PictureSize;
      readonly frameOf: (picture: PictureReference) => number | null;
      readonly firstMark: number;
      readonly atUnixMs: number;
    },
  ) {
    this.#document = document;
  }

  get taken(): number {
    return this.#taken;
  }

  take({ label: given, color, picture, mask }: FoundMask): void {
    const { size, frameOf, firstMark, atUnixMs } = this.context;
    const label = plainLabel(given);
    const frame = frameOf(picture);
    if (mask.counts.length <= 1) this.#left.empty += 1;
    else if (mask.width !== size.width || mask.height !== size.height) this.#left.otherSize += 1;
    else if (frame === null) this.#left.unknownPicture += 1;
    else if (traitOf(this.#document, label).locked) this.#left.locked += 1;
    else {
      const isNew = !this.#document.plan.some((object) => object.label === label);
      const prompt = {
        type: 'mask' as const,
        mask: { size: [mask.height, mask.width] as [number, number], counts: maskToCocoString(mask) },
      };
      this.#document = addMarks(this.#document, label, [
        { id: firstMark + this.#taken, frame, prompt, author: 'import', atUnixMs },
      ]).document;
      if (isNew && color !== null) this.#document = withTrait(this.#document, label, { color });
      this.#labels.add(label);
      this.#frames.add(frame);
      this.#taken += 1;
    }
  }

  get applied(): Applied {
    return {
      ...{ document: this.#document, labels: [...this.#labels], frames: this.#frames },
      ...{ taken: this.#taken, left: this.#left },
    };
  }
}

/** Why nothing was taken, for the end of a sentence. */
export function nothingTaken(
  { otherSize, unknownPicture, empty, locked }: LeftOut,
  size: PictureSize,
): string {
  const reasons = [
    otherSize > 0 && `${otherSize} of another size than ${size.width} × ${size.height}`,
    unknownPicture > 0 && `${unknownPicture} of pictures that the recording does not have`,
    empty > 0 && `${empty} empty`,
    locked > 0 && `${locked} of locked objects`,
  ].filter((reason) => reason !== false);
  return reasons.length === 0 ? 'it holds no masks' : `none of its masks can be used: ${reasons.join(', ')}`;
}
