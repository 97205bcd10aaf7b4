/**
 * Masks of an earlier run with those that a person has drawn since in their places: exported without tracking again. Other than the
 * structures of a heart, marked objects may overlap: the others stay as they are. Any Node thread.
 */
import { measureDrawn, sizeNames } from '../analysis/drawn-outline.js';
import { maskArea } from '../mask/rle.js';
import type { Correction } from '../protocol/project-requests.js';
import type { FrameIdentity, MeasuredSource, PictureSize } from '../vocabulary/frame.js';
import type { LabelledObject } from './clip-result.js';
import { drawnByFrame, type DrawnOutlines } from './corrected-clip.js';
import type { EarlierMasks } from './forward-pass.js';
import type { StoredMeasurement } from './frame-measurer.js';
import { objectOfMask } from './marked-object.js';

export class RepairedMasks implements EarlierMasks {
  readonly #drawn: ReadonlyMap<number, DrawnOutlines>;
  #shown: readonly LabelledObject[] = [];
  #size: PictureSize = { width: 0, height: 0 };

  constructor(
    private readonly masks: EarlierMasks,
    repairs: readonly Correction[],
    private readonly source: MeasuredSource,
  ) {
    this.#drawn = drawnByFrame(repairs);
  }

  async at(frame: FrameIdentity, size: PictureSize): Promise<readonly LabelledObject[]> {
    const objects = await this.masks.at(frame, size);
    const drawn = this.#drawn.get(frame.sourceFrame);
    this.#size = size;
    this.#shown = objects.map((object) => {
      const own = drawn?.get(object.label);
      return own === undefined ? object : { label: object.label, ...objectOfMask(own) };
    });
    return this.#shown;
  }

  /** Sizes of what was drawn are measured anew; what else was measured stays. */
  async measurements(frame: FrameIdentity): Promise<readonly StoredMeasurement[]> {
    const stored = (await this.masks.measurements?.(frame)) ?? [];
    const drawn = this.#drawn.get(frame.sourceFrame);
    if (drawn === undefined) return stored;
    const objects = this.#shown.map((object, index) => ({
      ...object,
      ...{ id: index + 1, areaPx: maskArea(object.mask) },
    }));
    const own = measureDrawn({ frame, maskSize: this.#size, objects }, new Map(), this.source).flatMap(
      (measurement) => {
        const label = objects.find(({ id }) => id === measurement.objectId)?.label;
        return label !== undefined && drawn.has(label) ? [{ label, measurement }] : [];
      },
    );
    return [
      ...stored.filter(({ label, measurement }) => !(drawn.has(label) && sizeNames.has(measurement.name))),
      ...own,
    ];
  }
}
