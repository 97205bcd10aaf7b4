/**
 * The live implementations behind a replay: the same sources and exporters as everywhere in the house. What only
 * recordings need is loaded when one is read or written.
 */
import { defer, from, mergeMap } from 'rxjs';
import type { Observable } from 'rxjs';
import { createExporter } from '../export/index.js';
import type { FrameSource, SourceEvent, SourceOptions } from '../ingest/frame-source.js';
import { createSource, lookAtFile } from '../ingest/index.js';
import { readDicomReference } from './dicom-reference.js';
import type { InputItem } from './input-item.js';
import type { ReplayTools } from './run-item.js';

export const replayTools: ReplayTools = {
  createSource: (item) => (item.kind === 'recording' ? new LoadedRecording(item) : createSource(item.uri)),
  createExporter: async (format, { mcapPictures }) => {
    if (format !== 'mcap') return createExporter(format);
    const { McapExporter } = await import('../record/mcap-exporter.js');
    return new McapExporter({ pictures: mcapPictures });
  },
  readDicomReference,
};

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
