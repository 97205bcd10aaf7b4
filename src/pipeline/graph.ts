/**
 * The whole graph of one live stream, readable from top to bottom. Main thread.
 *
 *   source ─┬─ display ──────────────────────────────────────► events ─► server: outbox of each client
 *           ├─ analysis ─► held 2 s ─► latestMap ─► engine ─► measure ─► events
 *           └─ state, format, drops ─► meters ─► once a second ──► events
 *
 * The display branch passes nothing that can wait. The only queue is latestMap's single place; what it drops is counted.
 */
import { interval, merge, type Observable } from 'rxjs';
import { filter, map, mergeMap, share, tap } from 'rxjs/operators';
import { createMeasurer } from '../analysis/measure.js';
import type { FrameResult } from '../engine/engine.js';
import type { SourceEvent } from '../ingest/frame-source.js';
import type { AnalysisFrame, SourceFormat } from '../vocabulary/frame.js';
import type { Measurement } from '../vocabulary/measurement.js';
import type { HeldFrames } from './held-frames.js';
import { latestMap } from './latest-map.js';
import type { RoomMeters } from './room-meters.js';
import type { RoomEvent, RoomHealth } from './room.js';

const healthIntervalMs = 1000;

/** The stages, each by the name it has in the graph. */
interface Stages {
  readonly source$: Observable<SourceEvent>;
  /** Told of format and state of the source before anything else happens. */
  readonly control: (event: Extract<SourceEvent, { kind: 'format' | 'state' }>) => void;
  readonly meters: RoomMeters;
  readonly held: HeldFrames;
  /** Result of a frame, null where there is none; absent: nothing is analysed. Never rejects. */
  readonly analyse: ((frame: AnalysisFrame) => Promise<FrameResult | null>) | null;
  /** What is measured with another room, from what was measured on this frame. */
  readonly measureWithOthers: (frame: FrameResult['frame'], own: readonly Measurement[]) => Measurement[];
  /** The source's picture as it is now, for measurements in millimetres. */
  readonly format: () => SourceFormat | null;
  /** Health is sent once a second, and whenever `changed$` emits. */
  readonly health: { readonly changed$: Observable<void>; readonly read: () => RoomHealth };
}

/** Cold; one subscription starts the graph, and everything ends with it. */
export function streamGraph(stages: Stages): Observable<RoomEvent> {
  const { source$, control, meters, held, analyse, measureWithOthers, format, health } = stages;
  const frames$ = source$.pipe(
    tap((event) => {
      if (event.kind === 'dropped') meters.drop(event.stage, event.count);
      else if (event.kind === 'format' || event.kind === 'state') control(event);
      else meters.seen(event.frame);
    }),
    share(),
  );
  const display$ = frames$.pipe(filter((event) => event.kind === 'display'));
  /** No result where another source has come meanwhile: its size and millimetres would be taken for this frame's. */
  const analysed = async (frame: AnalysisFrame, source: SourceFormat | null): Promise<FrameResult | null> => {
    const result = (await analyse?.(frame)) ?? null;
    if (result === null || source === format()) return result;
    meters.drop('inference');
    return null;
  };
  const measure = createMeasurer();
  const result$ = frames$.pipe(
    filter((event) => event.kind === 'analysis'),
    tap(({ frame }) => held.push(frame)),
    tap(({ frame }) => meters.waiting(frame)),
    map(({ frame }) => ({ frame, source: format() })),
    latestMap(({ frame, source }) => analysed(frame, source), { onDrop: () => meters.drop('inference') }),
    filter((result) => result !== null),
    mergeMap((result): RoomEvent[] => {
      const own = measure(result, format());
      const measurements = [...own, ...measureWithOthers(result.frame, own)];
      const measured: RoomEvent = { kind: 'measurement', frame: result.frame, measurements };
      return [{ kind: 'result', result }, ...(measurements.length > 0 ? [measured] : [])];
    }),
  );
  const health$ = merge(interval(healthIntervalMs), health.changed$).pipe(
    map((): RoomEvent => ({ kind: 'health', health: health.read() })),
  );
  return merge(display$, result$, health$);
}
