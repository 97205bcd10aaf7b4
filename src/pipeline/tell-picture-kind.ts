/** What kind of picture a live source shows, told with its format as soon as a picture shows it. Main thread. */
import { concatMap, defer, of, type Observable } from 'rxjs';
import type { SourceEvent } from '../ingest/frame-source.js';
import type { SourceFormat } from '../vocabulary/frame.js';
import { pictureKindOf } from '../vocabulary/picture-kind.js';

/**
 * Passes everything on; the format once more, with `pictureKind`, before the first analysis picture of each source that is not dark.
 * A source keeps its kind until it says its format anew: the colours of outlines must not change under them.
 */
export function tellPictureKind(events$: Observable<SourceEvent>): Observable<SourceEvent> {
  return defer(() => {
    let format: SourceFormat | null = null;
    return events$.pipe(
      concatMap((event) => {
        if (event.kind === 'format') format = event.format.pictureKind === undefined ? event.format : null;
        if (event.kind !== 'analysis' || format === null) return of(event);
        const pictureKind = pictureKindOf(event.frame.data);
        if (pictureKind === null) return of(event);
        const told: SourceEvent = { kind: 'format', format: { ...format, pictureKind } };
        format = null;
        return of(told, event);
      }),
    );
  });
}
