/**
 * For files that have one scale for the whole picture (NIfTI, the shared groups of a DICOM segmentation): whether all that was shown in
 * a run lies where one and the same scale holds. Pure.
 */
import { scaleOfMask } from '../mask/scale.js';
import { isCalibrated, sameSpacing, sharedSpacing, type SpacingMm } from '../vocabulary/calibration.js';
import type { MeasuredSource } from '../vocabulary/frame.js';
import type { ExporterCheckpoint, ExportFrame } from './exporter.js';

export class SharedScale {
  /** null: nothing was shown yet. */
  #spacing: SpacingMm | null = null;
  #mixed = false;

  /** Goes on behind a checkpoint of `state`. */
  constructor(
    private readonly source: MeasuredSource,
    resume: ExporterCheckpoint | null,
  ) {
    this.#mixed = resume?.['scaleMixed'] === 1;
    const [x, y] = [Number(resume?.['scaleX'] ?? 0), Number(resume?.['scaleY'] ?? 0)];
    if (x > 0 && y > 0) this.#spacing = { x, y };
  }

  take({ objects }: Pick<ExportFrame, 'objects'>): void {
    const { size, calibration } = this.source;
    if (this.#mixed || !isCalibrated(calibration)) return;
    for (const { mask } of objects) {
      if (mask.counts.length <= 1) continue;
      const { spacingMm } = scaleOfMask(mask, size, calibration);
      this.#spacing ??= spacingMm;
      if (spacingMm === null || this.#spacing === null || !sameSpacing(spacingMm, this.#spacing))
        this.#mixed = true;
    }
  }

  /** Millimetres per source pixel of everything taken; null where there is none that holds for all of it. */
  get spacingMm(): SpacingMm | null {
    return this.#mixed ? null : (this.#spacing ?? sharedSpacing(this.source.calibration));
  }

  get state(): ExporterCheckpoint {
    const { x, y } = this.#spacing ?? { x: 0, y: 0 };
    return { scaleMixed: this.#mixed ? 1 : 0, scaleX: x, scaleY: y };
  }
}
