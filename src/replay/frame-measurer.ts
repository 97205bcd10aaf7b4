/**
 * What is measured on the frames of a clip, once for all exporters, so that every file of a run says the same.
 *
 * A heart is measured on the masks that the network gave, at its size, as in a live room: the same pictures give the same ejection
 * fraction there and here. What is measured over time must not depend on where a run was cut: the masks that were measured are kept
 * in a file beside the checkpoints, and measured again when a run goes on. Runs in the item's process.
 */
import { z } from 'zod';
import { hasChambers } from '../analysis/beat-table.js';
import { createMeasurer } from '../analysis/measure.js';
import type { MeasuredResult } from '../analysis/measured.js';
import type { FrameResult } from '../engine/engine.js';
import type { ExportedObject, ExportInfo } from '../export/exporter.js';
import { PartialFile } from '../export/partial.js';
import { maskArea, maskFromCocoString, maskToCocoString } from '../mask/rle.js';
import { sizeSchema } from '../protocol/source-format.js';
import { objectStateSchema } from '../record/journal.js';
import type { FrameIdentity } from '../vocabulary/frame.js';
import { glanceFromText, glanceToText } from '../vocabulary/glance.js';
import type { Measurement } from '../vocabulary/measurement.js';

/** A measurement of an earlier run, of an object by its label; '': of none. */
export interface StoredMeasurement {
  readonly label: string;
  readonly measurement: Measurement;
}

interface FrameToMeasure {
  /** As they are exported. */
  readonly objects: readonly ExportedObject[];
  /** As the engine gave it; null where it was not asked. */
  readonly result: FrameResult | null;
  /** Of the run that made the masks. They are kept as they are. */
  readonly stored: readonly StoredMeasurement[];
}

const keptSchema = z.object({
  frame: z.object({ ptsNs: z.number(), discontinuity: z.number() }),
  maskSize: sizeSchema,
  glance: z.string().optional(),
  several: z.boolean().optional(),
  objects: z.array(
    z.object({
      id: z.int(),
      label: z.string(),
      state: objectStateSchema,
      score: z.number(),
      confidence: z.number(),
      counts: z.string(),
    }),
  ),
});

const readBytes = 1024 * 1024;

export class FrameMeasurer {
  readonly #measure = createMeasurer();

  private constructor(
    private readonly info: ExportInfo,
    /** null: nothing is measured over time. */
    private readonly kept: PartialFile | null,
  ) {}

  /** `bytes`: what `sync` said at the checkpoint from which the run goes on, else null. Throws SONO_EXPORT_*. */
  static async open(path: string, info: ExportInfo, bytes: number | null): Promise<FrameMeasurer> {
    const kept = hasChambers(info.objects) ? await PartialFile.open(path, bytes) : null;
    const measurer = new FrameMeasurer(info, kept);
    if (kept !== null && bytes !== null) await measurer.#measureAgain(kept, bytes);
    return measurer;
  }

  async measure(
    { mediaNs, discontinuity }: FrameIdentity,
    { objects, result, stored }: FrameToMeasure,
  ): Promise<readonly Measurement[]> {
    if (stored.length > 0) return this.#byId(stored);
    const frame = { ptsNs: Math.round(mediaNs), discontinuity };
    const measured =
      (this.kept !== null && result !== null ? this.#ofNetwork(frame, result) : null) ??
      this.#ofExport(frame, objects);
    if (this.kept !== null) await this.kept.append(`${JSON.stringify(keep(measured))}\n`);
    return this.#measure(measured, this.info.source);
  }

  /** Everything measured so far survives a kill; the length of the file, null where there is none. */
  async sync(): Promise<number | null> {
    return (await this.kept?.sync()) ?? null;
  }

  async close(): Promise<void> {
    await this.kept?.close();
  }

  /** null where an object is exported that this result does not have. */
  #ofNetwork(
    frame: MeasuredResult['frame'],
    { maskSize, objects, glance, several }: FrameResult,
  ): MeasuredResult | null {
    const ids = new Map(this.info.objects.map(({ id, label }) => [label, id]));
    const own = objects.flatMap((object) => {
      const id = ids.get(object.label);
      return id === undefined ? [] : [{ ...object, id }];
    });
    return own.length === ids.size ? { frame, maskSize, objects: own, glance, several } : null;
  }

  #ofExport(frame: MeasuredResult['frame'], objects: readonly ExportedObject[]): MeasuredResult {
    const labels = new Map(this.info.objects.map(({ id, label }) => [id, label]));
    return {
      frame,
      maskSize: this.info.source.size,
      objects: objects.map((object) => ({
        ...object,
        label: labels.get(object.id) ?? '',
        areaPx: maskArea(object.mask),
      })),
    };
  }

  /** Objects that this run does not have are left out. */
  #byId(stored: readonly StoredMeasurement[]): Measurement[] {
    const ids = new Map(this.info.objects.map(({ id, label }) => [label, id]));
    return stored.flatMap(({ label, measurement }) => {
      const objectId = label === '' ? 0 : ids.get(label);
      return objectId === undefined ? [] : { ...measurement, objectId };
    });
  }

  async #measureAgain(kept: PartialFile, bytes: number): Promise<void> {
    const text = new TextDecoder();
    let rest = '';
    for (let at = 0; at < bytes;) {
      const piece = await kept.read(at, Math.min(readBytes, bytes - at));
      if (piece.byteLength === 0) return;
      at += piece.byteLength;
      const lines = (rest + text.decode(piece, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#measure(restored(line), this.info.source);
    }
  }
}

function keep({ frame, maskSize, objects, glance, several }: MeasuredResult): z.input<typeof keptSchema> {
  return {
    frame: { ptsNs: frame.ptsNs, discontinuity: frame.discontinuity },
    maskSize: { ...maskSize },
    ...(glance && { glance: glanceToText(glance) }),
    ...(several === true && { several }),
    objects: objects.map(({ id, label, state, score, confidence, mask }) => ({
      ...{ id, label, state, score, confidence },
      counts: maskToCocoString(mask),
    })),
  };
}

function restored(line: string): MeasuredResult {
  const { frame, maskSize, objects, glance, several } = keptSchema.parse(JSON.parse(line));
  return {
    frame,
    maskSize,
    several,
    glance: glance === undefined ? undefined : glanceFromText(glance),
    objects: objects.map(({ counts, ...object }) => {
      const mask = maskFromCocoString(counts, maskSize.width, maskSize.height);
      return { ...object, mask, areaPx: maskArea(mask) };
    }),
  };
}
