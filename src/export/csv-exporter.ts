/** csv: <clip>/objects.csv, one line per frame and object, RFC 4180. */
import { join } from 'node:path';
import { maskArea, maskBox, maskCentroid } from '../mask/rle.js';
import { checkFrame } from './label-map.js';
import type { Exporter, ExporterCheckpoint, ExportFrame, ExportInfo } from './exporter.js';
import { PartialFile } from './partial.js';

/** Times in ns and s, lengths in source pixels (pixel centres at +0.5), area_mm2 empty where the source is not calibrated. */
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
] as const;

/**
 * A text of a person as a field. Spreadsheets run what begins with such a sign as a formula; the apostrophe makes it a text
 * (OWASP, "CSV Injection"). Tab and semicolon divide fields in some countries' settings.
 */
function field(text: string): string {
  const safe = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]/.test(text) ? `'${text}` : text;
  return /[",;\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

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
    if (resume === null) await this.#file.append(`${csvColumns.join(',')}\r\n`);
  }

  async frame(frame: ExportFrame): Promise<void> {
    checkFrame(frame, this.#info, this.format);
    const spacing = this.#info.source.pixelSpacingMm;
    let text = '';
    frame.objects.forEach((object, index) => {
      const area = maskArea(object.mask);
      const centroid = maskCentroid(object.mask);
      text += [
        frame.sourceFrame,
        frame.ptsNs,
        (frame.mediaNs / 1e9).toFixed(6),
        object.id,
        field(this.#info.objects[index]?.label ?? ''),
        object.state,
        object.score.toFixed(6),
        object.confidence.toFixed(6),
        area,
        spacing === null ? '' : (area * spacing.x * spacing.y).toFixed(4),
        ...(area === 0 ? ['', '', '', ''] : maskBox(object.mask)),
        ...(centroid === null ? ['', ''] : centroid.map((value) => value.toFixed(3))),
      ].join(',');
      text += '\r\n';
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
