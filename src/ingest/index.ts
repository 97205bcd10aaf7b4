/** The way into this layer: an address becomes a FrameSource. Main process; nothing native is loaded here. */
import { firstValueFrom, map, mergeMap, of, takeUntil, throwError, EMPTY, fromEvent } from 'rxjs';
import type { SourceFormat } from '../vocabulary/frame.js';
import { noArchiveAccess, withAccess, type ArchiveAccess } from '../dicom/web/access.js';
import { ingestError } from './errors.js';
import type { FrameSource } from './frame-source.js';
import type { FolderContents } from './folder-contents.js';
import { lookIntoFolder } from './look.js';
import { parseSourceUri, redact } from './source-uri.js';
import { defaultSupervision, type SupervisionOptions } from './child-supervisor.js';
import { SupervisedSource } from './supervised-source.js';
import { sourceTrials, type SourceTrials } from './trials.js';

export { ingestError } from './errors.js';
export type { FrameSource, SourceEvent, SourceOptions, SourceState } from './frame-source.js';
export { parseSourceUri, redact } from './source-uri.js';
export { lookAtFile } from './look.js';
export type { SupervisionOptions } from './child-supervisor.js';
export { firstPicture, SourceTrials, sourceTrials } from './trials.js';

/**
 * @param uri file path or file://, folder of pictures, *.dcm, rtsp(s)://, srt://, dicomweb(s)://, orthanc(s)://, v4l2:///dev/video0,
 *   decklink://0, synthetic:laparoscopy, synthetic:echo, synthetic:counter; options in docs/sources.md
 * @param supervision watchdog and back-off, for tests
 * @param archives what the operator gave for DICOM archives
 * @throws SONO_SOURCE_URI when the address cannot be understood; everything else comes as an event of `open`
 */
export function createSource(
  uri: string,
  supervision: Partial<SupervisionOptions> = {},
  archives: ArchiveAccess = noArchiveAccess,
): FrameSource {
  const parsed = parseSourceUri(uri);
  const address =
    parsed.kind === 'archive' ? { ...parsed, archive: withAccess(parsed.archive, archives) } : parsed;
  return new SupervisedSource(uri, address, { ...defaultSupervision, ...supervision });
}

/**
 * Open a source, see its first frame, close it: what a source picker or the command line asks before it
 * commits to an address.
 * @param asker aborted when whoever asked has left: the source is then closed
 * @throws SonoError the coded reason, also for failures that a running room would wait out; those of SourceTrials.run
 */
export function probeSource(
  uri: string,
  asker?: AbortSignal,
  supervision: Partial<SupervisionOptions> = {},
  trials: SourceTrials = sourceTrials,
  archives: ArchiveAccess = noArchiveAccess,
): Promise<SourceFormat> {
  return trials.run(uri, asker, (signal) => firstFormat(uri, signal, supervision, archives));
}

/**
 * What a folder on this machine holds, for a list to choose from.
 * @param asker aborted when whoever asked has left
 * @throws SONO_SOURCE_URI for what is no path, and as lookIntoFolder and SourceTrials.run
 */
export function listFolder(
  uri: string,
  asker?: AbortSignal,
  trials: SourceTrials = sourceTrials,
): Promise<FolderContents & { readonly folder: string }> {
  const address = parseSourceUri(uri);
  if (address.kind !== 'file' && address.kind !== 'dicom')
    throw ingestError('SONO_SOURCE_URI', { uri: redact(uri), why: 'it is no folder on this machine' });
  const folder = address.path;
  return trials.run(uri, asker, async (signal) => ({ folder, ...(await lookIntoFolder(folder, signal)) }));
}

async function firstFormat(
  uri: string,
  signal: AbortSignal,
  supervision: Partial<SupervisionOptions>,
  archives: ArchiveAccess,
): Promise<SourceFormat> {
  const events = createSource(uri, supervision, archives).open({
    streamId: 'probe',
    analysisSize: null,
    displayQuality: 50,
    mode: 'live',
    loop: false,
  });
  const format = await firstValueFrom(
    events.pipe(
      mergeMap((event) => {
        if (event.kind === 'format') return of(event);
        if (
          event.kind === 'state' &&
          event.state.phase === 'lost' &&
          event.state.reason.code !== 'SONO_SOURCE_KEY_AWAITED'
        )
          return throwError(() => lostReason(event.state));
        return EMPTY;
      }),
      map((event) => event.format),
      takeUntil(fromEvent(signal, 'abort')),
    ),
    { defaultValue: null },
  );
  if (format === null)
    throw ingestError('SONO_SOURCE_FAILED', { uri: redact(uri), why: 'it ended before its first picture.' });
  return format;
}

function lostReason(state: { readonly phase: string; readonly reason?: unknown }): unknown {
  return state.reason;
}
