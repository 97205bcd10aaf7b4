/** What an MCAP recording holds: its streams, their sources and times. Runs in any Node thread. */
import { McapFileReader } from './mcap-reader.js';
import { recordError } from './errors.js';
import { decodeEntry, journalTopic, recordingFormat, recordingMetadataName } from './journal.js';
import type { JournalEntry } from './journal.js';
import { pictureChannels } from './recorded-pictures.js';

/** Opens a recording. Throws SONO_RECORDING_*; SONO_RECORDING_NEWER where its format is newer than ours. */
export async function openRecording(path: string): Promise<McapFileReader> {
  const reader = await McapFileReader.open(path);
  const found = Number(reader.metadata.get(recordingMetadataName)?.['format'] ?? recordingFormat);
  if (found > recordingFormat) {
    await reader.close();
    throw recordError('SONO_RECORDING_NEWER', { path, found, known: recordingFormat });
  }
  return reader;
}

/** Ids of the streams with pictures, in the order of their channels. */
function streamsOf(reader: McapFileReader): string[] {
  return pictureChannels(reader).map(({ stream }) => stream);
}

export async function recordedStreams(path: string): Promise<string[]> {
  const reader = await openRecording(path);
  try {
    return streamsOf(reader);
  } finally {
    await reader.close();
  }
}

type SourceEntry = Extract<JournalEntry, { op: 'source' }>;

/** The first description of a stream's source that knows its format, null where there is none. */
export async function describedSource(reader: McapFileReader, stream: string): Promise<SourceEntry | null> {
  let last: SourceEntry | null = null;
  let chunksSeen = 0;
  for (const chunk of reader.chunks) {
    for (const message of reader.messagesOf(await reader.readChunk(chunk), new Set([journalTopic(stream)]))) {
      const entry = decodeEntry(message.data);
      if (entry?.op !== 'source') continue;
      last = entry;
      if (entry.format) return entry;
    }
    // It stands at the beginning; a recording without a journal need not be read to its end.
    if (++chunksSeen > 20) break;
  }
  return last;
}
