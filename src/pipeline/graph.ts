/**
 * The whole graph of one live stream, readable from top to bottom. Main thread.
 *
 *   source ─┬─ display ──────────────────────────────────────► events ─► server: outbox of each client
 *           ├─ analysis ─► held 2 s ─► latestMap ─► engine ─► measure ─► events
 *           ├─ lost, ended, another format ─► numbers withdrawn ───► events
 *           └─ state, format, drops ─► meters ─► once a second ──► events
 *
 * The display branch passes nothing that can wait. The only queue is latestMap's single place; what it drops is counted.
 */
import { interval, merge, type Observable } from 'rxjs';
import { filter, map, mergeMap, share, tap } from 'rxjs/operators';
import { createMeasurer } from '../analysis/measure.js';
import type { StandingNumbers } from '../analysis/standing-numbers.js';
import type { FrameResult } from '../engine/engine.js';
import type { SourceEvent } from '../ingest/frame-source.js';
import { monotonicNs } from '../node/clock.js';
import type { AnalysisFrame, FrameIdentity, SourceFormat } from '../vocabulary/frame.js';
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
  /** Numbers that have been said and not been withdrawn. */
  readonly standing: StandingNumbers;
  /** Emits when the room is about to close. */
  readonly closing$: Observable<void>;
  /** What is measured with another room, from what was measured on this frame. */
  readonly measureWithOthers: (frame: FrameResult['frame'], own: readonly Measurement[]) => Measurement[];
  /** The source's picture as it is now, for measurements in millimetres. */
  readonly format: () => SourceFormat | null;
  /** Health is sent once a second, and whenever `changed$` emits. */
  readonly health: { readonly changed$: Observable<void>; readonly read: () => RoomHealth };
}

/** Cold; one subscription starts the graph, and everything ends with it. */
export function streamGraph(stages: Stages): Observable<RoomEvent> {
  const { source$, control, meters, held, analyse, standing, closing$, measureWithOthers, format, health } =
    stages;
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
  /** The frame that was measured last. */
  let last: FrameIdentity | null = null;
  /** Why no number stands at present, although late results may still come; null: the source plays. */
  let over: string | null = null;
  const withdraw = (reason: string, atNs: (frame: FrameIdentity) => number): RoomEvent[] => {
    const measurements = standing.withdraw(reason);
    if (last === null || measurements.length === 0) return [];
    const laterNs = atNs(last);
    const frame = { ...last, ptsNs: last.ptsNs + laterNs, captureNs: last.captureNs + laterNs };
    return [{ kind: 'measurement', frame, measurements, withdraws: true }];
  };
  const now = ({ captureNs }: FrameIdentity): number => Math.max(1, monotonicNs() - captureNs);
  const withdrawn$ = frames$.pipe(
    mergeMap((event): RoomEvent[] => {
      // The next picture may have been taken before this moment, so the end stands right behind the last one.
      if (event.kind === 'format') return withdraw('the source has changed', () => 1);
      if (event.kind !== 'state') return [];
      const { phase } = event.state;
      over = phase === 'lost' ? 'the signal is lost' : phase === 'ended' ? 'the source has ended' : null;
      return over === null ? [] : withdraw(over, now);
    }),
  );
  const result$ = frames$.pipe(
    filter((event) => event.kind === 'analysis'),
    tap(({ frame }) => held.push(frame)),
    tap(({ frame }) => meters.waiting(frame)),
    map(({ frame }) => ({ frame, source: format() })),
    latestMap(({ frame, source }) => analysed(frame, source), { onDrop: () => meters.drop('inference') }),
    filter((result) => result !== null),
    mergeMap((result): RoomEvent[] => {
      const own = measure(result, format());
      last = result.frame;
      const measurements = standing.next([...own, ...measureWithOthers(last, own)], result.objects);
      const measured: RoomEvent = { kind: 'measurement', frame: last, measurements };
      return [
        { kind: 'result', result },
        ...(measurements.length > 0 ? [measured] : []),
        ...(over === null ? [] : withdraw(over, now)),
      ];
    }),
  );
  const health$ = merge(interval(healthIntervalMs), health.changed$).pipe(
    map((): RoomEvent => ({ kind: 'health', health: health.read() })),
  );
  const closed$ = closing$.pipe(mergeMap(() => withdraw('the room was closed', now)));
  return merge(display$, result$, withdrawn$, closed$, health$);
}
