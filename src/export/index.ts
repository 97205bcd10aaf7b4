/** Makes the exporter of a format. */
import { CocoExporter } from './coco-exporter.js';
import { CsvExporter } from './csv-exporter.js';
import { DicomScExporter } from './dicom-sc-exporter.js';
import { DicomSegExporter } from './dicom-seg-exporter.js';
import { DicomSrExporter } from './dicom-sr-exporter.js';
import { EchoExporter } from './echo-exporter.js';
import type { Exporter, ExportFormat } from './exporter.js';
import { Mp4Exporter } from './mp4-exporter.js';
import { NiftiExporter } from './nifti-exporter.js';
import { DavisExporter, IndexedPngExporter, PngExporter } from './png-exporters.js';

/** `mcap` is made by the recorder's layer, which knows the wire. */
export function createExporter(format: Exclude<ExportFormat, 'mcap'>): Exporter {
  switch (format) {
    case 'png':
      return new PngExporter();
    case 'png-indexed':
      return new IndexedPngExporter();
    case 'coco':
      return new CocoExporter();
    case 'davis':
      return new DavisExporter();
    case 'nifti':
      return new NiftiExporter();
    case 'dicom-seg':
      return new DicomSegExporter();
    case 'dicom-sr':
      return new DicomSrExporter();
    case 'dicom-sc':
      return new DicomScExporter();
    case 'csv':
      return new CsvExporter();
    case 'echo':
      return new EchoExporter();
    case 'mp4':
      return new Mp4Exporter();
  }
}
