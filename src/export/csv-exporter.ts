/** csv: <clip>/objects.csv, one line per frame and object, RFC 4180. */
import { join } from 'node:path';
import { csvField, csvLine } from '../formats/csv-table.js';
import { maskArea, maskBox, maskCentroid } from '../mask/rle.js';
import { areaMm2, scaleOfMask } from '../mask/scale.js';
import { checkFrame } from './label-map.js';
import type { Exporter, ExporterCheckpoint, ExportFrame, ExportInfo } from './exporter.js';
import { PartialFile } from './partial.js';

/** Times in ns and s, lengths in source pixels (pixel centres at +0.5), area_mm2 empty where there is no scale; area_mm2_note says why. */
const csvColumns = [
  'frame',
  'pts_ns',
  'time_s',
  'object',
  'label',
  'state',
  'score',
  'confidence',
  'area_px',
  'area_mm2',
  'box_x',
  'box_y',
  'box_width',
  'box_height',
  'centroid_x',
  'centroid_y',
  'area_mm2_note',
] as const;

export class CsvExporter implements Exporter {
  readonly format = 'csv';
  readonly needsPicture = false;
  #info!: ExportInfo;
  #file!: PartialFile;

  async open(info: ExportInfo, resume: ExporterCheckpoint | null): Promise<void> {
    this.#info = info;
    this.#file = await PartialFile.open(
      join(info.directory, info.clip, 'objects.csv'),
      resume === null ? null : Number(resume['bytes']),
    );
    if (resume === null) await this.#file.append(csvLine(csvColumns));
  }

  async frame(frame: ExportFrame): Promise<void> {
    checkFrame(frame, this.#info, this.format);
    const { size, calibration } = this.#info.source;
    let text = '';
    frame.objects.forEach((object, index) => {
      const area = maskArea(object.mask);
      const centroid = maskCentroid(object.mask);
      const scale = scaleOfMask(object.mask, size, calibration);
      text += csvLine([
        frame.sourceFrame,
        frame.ptsNs,
        (frame.mediaNs / 1e9).toFixed(6),
        object.id,
        csvField(this.#info.objects[index]?.label ?? ''),
        object.state,
        object.score.toFixed(6),
        object.confidence.toFixed(6),
        area,
        scale.spacingMm === null ? '' : areaMm2(area, size, size, scale.spacingMm).toFixed(4),
        ...(area === 0 ? ['', '', '', ''] : maskBox(object.mask)),
        ...(centroid === null ? ['', ''] : centroid.map((value) => value.toFixed(3))),
        area === 0 || scale.spacingMm !== null ? '' : csvField(scale.reason),
      ]);
    });
    await this.#file.append(text);
  }

  async checkpoint(): Promise<ExporterCheckpoint> {
    return { bytes: await this.#file.sync() };
  }

  async close(): Promise<readonly string[]> {
    return [await this.#file.finish()];
  }

  abort(): Promise<void> {
    return this.#file.close();
  }
}
