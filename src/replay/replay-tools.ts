/**
 * The live implementations behind a replay: the same sources and exporters as everywhere in the house. What only
 * recordings need is loaded when one is read or written.
 */
import { defer, from, mergeMap } from 'rxjs';
import type { Observable } from 'rxjs';
import { noArchiveAccess, withAccess, type ArchiveAccess } from '../dicom/web/access.js';
import { archiveReference } from '../dicom/web/reference.js';
import { createExporter } from '../export/index.js';
import type { FrameSource, SourceEvent, SourceOptions } from '../ingest/frame-source.js';
import { createSource, lookAtFile, parseSourceUri } from '../ingest/index.js';
import { checkSource } from '../ingest/preflight.js';
import type { SourceAddress } from '../ingest/source-uri.js';
import { readDicomReference, type DicomReference } from '../dicom/reference.js';
import { seriesReference } from '../dicom/series-folder.js';
import type { InputItem } from './input-item.js';
import type { ReplayTools } from './run-item.js';

/** @param archives what the operator gave for DICOM archives */
export function replayToolsFor(archives: ArchiveAccess = noArchiveAccess): ReplayTools {
  return {
    createSource: (item) =>
      item.kind === 'recording' ? new LoadedRecording(item) : createSource(item.uri, {}, archives),
    createExporter: async (format, { mcapPictures }) => {
      if (format !== 'mcap') return createExporter(format);
      const { McapExporter } = await import('../record/mcap-exporter.js');
      return new McapExporter({ pictures: mcapPictures });
    },
    readDicomReference: (uri) => {
      const address = parseSourceUri(uri);
      return address.kind === 'archive'
        ? archiveReference(withAccess(address.archive, archives))
        : referenceAt(address);
    },
  };
}

/** null for what is no DICOM object, or cannot be read: whoever plays it says so. */
async function referenceAt(address: SourceAddress): Promise<DicomReference | null> {
  const found = await checkSource(address).catch(() => null);
  if (found?.kind === 'dicom') return readDicomReference(found.path);
  if (found?.kind !== 'series') return null;
  const reference = await seriesReference(found);
  return typeof reference === 'string' ? readDicomReference(reference) : reference;
}

export const replayTools: ReplayTools = replayToolsFor();

class LoadedRecording implements FrameSource {
  readonly uri: string;
  #source: FrameSource | null = null;
  #held = false;

  constructor(private readonly item: InputItem) {
    this.uri = item.uri;
  }

  open(options: SourceOptions): Observable<SourceEvent> {
    return defer(() => from(this.#load())).pipe(mergeMap((source) => source.open(options)));
  }

  pause(hold: boolean): void {
    this.#held = hold;
    this.#source?.pause(hold);
  }

  async #load(): Promise<FrameSource> {
    // Recordings are read in this process, so it must be known that what lies there can be read at all.
    await lookAtFile(this.item.uri);
    const { RecordingSource } = await import('../record/recording-source.js');
    this.#source ??= new RecordingSource(this.item.uri, this.item.stream);
    this.#source.pause(this.#held);
    return this.#source;
  }
}
