/** The live implementations behind a replay: the same sources, engine and exporters as everywhere in the house. */
import { createExporter } from '../export/index.js';
import { createWorkerEngine } from '../inference/worker-engine.js';
import { createSource } from '../ingest/index.js';
import { readDicomReference } from './dicom-reference.js';
import { McapExporter } from './mcap-exporter.js';
import { RecordingSource } from './recording-source.js';
import type { ReplayTools } from './run-item.js';

export const replayTools: ReplayTools = {
  createSource: (item) =>
    item.kind === 'recording' ? new RecordingSource(item.uri, item.stream) : createSource(item.uri),
  createEngine: createWorkerEngine,
  createExporter: (format, { mcapPictures }) =>
    format === 'mcap' ? new McapExporter({ pictures: mcapPictures }) : createExporter(format),
  readDicomReference,
};
