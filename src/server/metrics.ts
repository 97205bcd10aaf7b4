/** Everything that /metrics shows. Names are `sonoscope_<what>_<unit>` in base units; docs/grafana-dashboard.json uses them. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Metric } from 'prom-client';
import { boundaries } from '../vocabulary/faults.js';
import type { DisplayFrame } from '../vocabulary/frame.js';
import type { FrameResult } from '../engine/engine.js';
import type { RoomHealth } from '../pipeline/room.js';
import { sourcePhases } from '../protocol/messages.js';
import { objectStates } from '../vocabulary/prompt.js';
import type { ObjectId, ObjectState } from '../vocabulary/prompt.js';
import { monotonicNs } from '../node/clock.js';

const latencyBuckets = [
  0.001, 0.002, 0.004, 0.006, 0.008, 0.012, 0.016, 0.024, 0.033, 0.05, 0.08, 0.1, 0.15, 0.25, 0.5, 1, 2.5,
];

/** The last known state of a room, with which changes are counted. */
interface Seen {
  phase: string | null;
  provider: { stream: string; provider: string; model: string; policy: string } | null;
  readonly objects: Map<ObjectId, ObjectState>;
  readonly offered: Map<string, number>;
}

export class ServerMetrics {
  readonly registry = new Registry();
  readonly #seen = new Map<string, Seen>();
  readonly #stageLatency = new Histogram({
    name: 'sonoscope_stage_latency_seconds',
    help: 'Time per frame in one stage; total: capture to socket; overhead: total without the model',
    labelNames: ['stream', 'stage'],
    buckets: latencyBuckets,
    registers: [this.registry],
  });
  readonly #recentLatency = new Gauge({
    name: 'sonoscope_stage_latency_recent_seconds',
    help: 'Quantiles of the last ten seconds as the room itself measures them',
    labelNames: ['stream', 'stage', 'quantile'],
    registers: [this.registry],
  });
  readonly #frames = new Counter({
    name: 'sonoscope_frames_total',
    help: 'Frames by kind: captured, displayed, analysed',
    labelNames: ['stream', 'kind'],
    registers: [this.registry],
  });
  readonly #frameRate = new Gauge({
    name: 'sonoscope_frame_rate_hertz',
    help: 'Present frames per second by kind',
    labelNames: ['stream', 'kind'],
    registers: [this.registry],
  });
  readonly #dropped = new Counter({
    name: 'sonoscope_frames_dropped_total',
    help: 'Dropped frames by stage; client: messages that slow viewers never got',
    labelNames: ['stream', 'stage'],
    registers: [this.registry],
  });
  readonly #provider = new Gauge({
    name: 'sonoscope_inference_provider_info',
    help: 'Always 1; the execution provider, model and memory policy in use',
    labelNames: ['stream', 'provider', 'model', 'policy'],
    registers: [this.registry],
  });
  readonly #sourceState = new Gauge({
    name: 'sonoscope_source_state',
    help: '1 for the present state of the source, 0 for the others',
    labelNames: ['stream', 'state'],
    registers: [this.registry],
  });
  readonly #sourceChanges = new Counter({
    name: 'sonoscope_source_state_changes_total',
    help: 'How often the source entered a state',
    labelNames: ['stream', 'state'],
    registers: [this.registry],
  });
  readonly #objects = new Gauge({
    name: 'sonoscope_objects',
    help: 'Objects by state on the last analysed frame',
    labelNames: ['stream', 'state'],
    registers: [this.registry],
  });
  readonly #objectChanges = new Counter({
    name: 'sonoscope_object_state_changes_total',
    help: 'How often an object entered a state',
    labelNames: ['stream', 'state'],
    registers: [this.registry],
  });
  readonly #degraded = new Gauge({
    name: 'sonoscope_degraded',
    help: '1 while the stream runs below its source rate or on a fallback provider',
    labelNames: ['stream'],
    registers: [this.registry],
  });
  readonly #recording = new Gauge({
    name: 'sonoscope_recording',
    help: '1 while the stream is being recorded',
    labelNames: ['stream'],
    registers: [this.registry],
  });
  readonly #heldGestures = new Gauge({
    name: 'sonoscope_held_gestures',
    help: 'Pictures that are held because somebody draws on them',
    labelNames: ['stream'],
    registers: [this.registry],
  });
  readonly #gestures = new Counter({
    name: 'sonoscope_gestures_total',
    help: 'Pictures held for somebody who draws, by outcome: begun, ended, left (the viewer), expired, refused',
    labelNames: ['stream', 'outcome'],
    registers: [this.registry],
  });
  readonly viewers = new Gauge({
    name: 'sonoscope_viewers',
    help: 'Connected viewers',
    registers: [this.registry],
  });
  readonly connections = new Counter({
    name: 'sonoscope_viewer_connections_total',
    help: 'Connection attempts by outcome: accepted or the code of the refusal',
    labelNames: ['outcome'],
    registers: [this.registry],
  });
  readonly disconnections = new Counter({
    name: 'sonoscope_viewer_disconnections_total',
    help: 'Ended connections by reason: closed, stalled, overflow, garbage, shutdown',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  readonly socketsDropped = new Counter({
    name: 'sonoscope_connections_dropped_total',
    help: 'Idle connections ended to make room, by the limit that was reached: address, total',
    labelNames: ['limit'],
    registers: [this.registry],
  });
  readonly refusals = new Counter({
    name: 'sonoscope_requests_refused_total',
    help: 'HTTP requests that were not let in, by code',
    labelNames: ['code'],
    registers: [this.registry],
  });
  readonly sentBytes = new Counter({
    name: 'sonoscope_viewer_sent_bytes_total',
    help: 'Bytes of channel messages handed to sockets',
    labelNames: ['stream', 'channel'],
    registers: [this.registry],
  });
  readonly sentMessages = new Counter({
    name: 'sonoscope_viewer_sent_messages_total',
    help: 'Channel messages handed to sockets',
    labelNames: ['stream', 'channel'],
    registers: [this.registry],
  });
  readonly droppedMessages = new Counter({
    name: 'sonoscope_viewer_dropped_messages_total',
    help: 'Channel messages replaced by a newer one before a slow viewer took them',
    labelNames: ['stream', 'channel'],
    registers: [this.registry],
  });
  readonly receivedBytes = new Counter({
    name: 'sonoscope_viewer_received_bytes_total',
    help: 'Bytes received from viewers',
    registers: [this.registry],
  });
  readonly faults = new Counter({
    name: 'sonoscope_faults_total',
    help: 'Errors that nobody expected, by the boundary at which they were caught; each has ended for its owner only',
    labelNames: ['boundary'],
    registers: [this.registry],
  });
  readonly requests = new Counter({
    name: 'sonoscope_requests_total',
    help: 'Requests by operation, way (websocket, http) and outcome (ok or the code of the error)',
    labelNames: ['operation', 'way', 'outcome'],
    registers: [this.registry],
  });
  readonly requestDuration = new Histogram({
    name: 'sonoscope_request_duration_seconds',
    help: 'Time to answer a request',
    labelNames: ['operation'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10],
    registers: [this.registry],
  });

  constructor(version: string) {
    collectDefaultMetrics({ register: this.registry });
    for (const boundary of boundaries) this.faults.inc({ boundary }, 0);
    new Gauge({
      name: 'sonoscope_build_info',
      help: 'Always 1; the version that runs',
      labelNames: ['version'],
      registers: [this.registry],
    }).set({ version }, 1);
  }

  #of(stream: string): Seen {
    let seen = this.#seen.get(stream);
    if (!seen) {
      seen = { phase: null, provider: null, objects: new Map(), offered: new Map() };
      this.#seen.set(stream, seen);
    }
    return seen;
  }

  /** A counter that follows a total kept elsewhere (the room's), also when that one starts again at 0. */
  #follow(counter: Counter, seen: Seen, labels: Record<string, string>, total: number): void {
    const key = Object.values(labels).join(' ');
    const before = seen.offered.get(key) ?? 0;
    counter.inc(labels, Math.max(0, total >= before ? total - before : total));
    seen.offered.set(key, total);
  }

  onDisplay(frame: DisplayFrame): void {
    const stream = frame.streamId;
    this.#stageLatency.observe({ stream, stage: 'decode' }, (frame.decodedNs - frame.captureNs) / 1e9);
    this.#stageLatency.observe({ stream, stage: 'encode' }, (frame.encodedNs - frame.decodedNs) / 1e9);
  }

  onResult(result: FrameResult): void {
    const stream = result.frame.streamId;
    const { inferenceNs, trackingNs } = result.timing;
    const totalNs = monotonicNs() - result.frame.captureNs;
    this.#stageLatency.observe({ stream, stage: 'inference' }, inferenceNs / 1e9);
    this.#stageLatency.observe({ stream, stage: 'tracking' }, trackingNs / 1e9);
    this.#stageLatency.observe({ stream, stage: 'total' }, totalNs / 1e9);
    this.#stageLatency.observe({ stream, stage: 'overhead' }, (totalNs - inferenceNs) / 1e9);
    const { objects } = this.#of(stream);
    const counts = new Map<ObjectState, number>();
    const present = new Set<ObjectId>();
    for (const { id, state } of result.objects) {
      present.add(id);
      counts.set(state, (counts.get(state) ?? 0) + 1);
      if (objects.get(id) !== state) this.#objectChanges.inc({ stream, state });
      objects.set(id, state);
    }
    for (const id of objects.keys()) if (!present.has(id)) objects.delete(id);
    for (const state of objectStates) this.#objects.set({ stream, state }, counts.get(state) ?? 0);
  }

  onHealth(stream: string, health: RoomHealth): void {
    const seen = this.#of(stream);
    for (const kind of ['captured', 'displayed', 'analysed'] as const) {
      this.#follow(this.#frames, seen, { stream, kind }, health.frames[kind]);
      this.#frameRate.set({ stream, kind }, health[`${kind}Fps`]);
    }
    for (const [stage, total] of Object.entries(health.drops))
      this.#follow(this.#dropped, seen, { stream, stage }, total);
    for (const [stage, quantiles] of Object.entries(health.latencyMs ?? {}))
      for (const quantile of ['p50', 'p95', 'p99', 'max'] as const)
        this.#recentLatency.set({ stream, stage, quantile }, quantiles[quantile] / 1000);
    for (const state of sourcePhases)
      this.#sourceState.set({ stream, state }, state === health.source.phase ? 1 : 0);
    if (seen.phase !== health.source.phase) this.#sourceChanges.inc({ stream, state: health.source.phase });
    seen.phase = health.source.phase;
    const provider = {
      stream,
      provider: health.engine?.provider ?? 'none',
      model: health.engine ? `${health.engine.modelName} ${health.engine.modelVersion}` : '',
      policy: health.engine?.policy ?? '',
    };
    if (seen.provider) this.#provider.remove(seen.provider);
    this.#provider.set(provider, 1);
    seen.provider = provider;
    this.#degraded.set({ stream }, health.degraded === null ? 0 : 1);
    this.#recording.set({ stream }, health.recording ? 1 : 0);
    const { held, ...outcomes } = health.gestures ?? { held: 0 };
    this.#heldGestures.set({ stream }, held);
    for (const [outcome, total] of Object.entries(outcomes))
      this.#follow(this.#gestures, seen, { stream, outcome }, total);
  }

  onSent(stream: string, channel: string, byteLength: number): void {
    this.sentBytes.inc({ stream, channel }, byteLength);
    this.sentMessages.inc({ stream, channel });
  }

  /** Ends all series of a stream that is no longer served. */
  async forget(stream: string): Promise<void> {
    this.#seen.delete(stream);
    for (const metric of [
      this.#stageLatency,
      this.#recentLatency,
      this.#frames,
      this.#frameRate,
      this.#dropped,
      this.#provider,
      this.#sourceState,
      this.#sourceChanges,
      this.#objects,
      this.#objectChanges,
      this.#degraded,
      this.#recording,
      this.#heldGestures,
      this.#gestures,
      this.sentBytes,
      this.sentMessages,
      this.droppedMessages,
    ] as readonly Metric[])
      for (const { labels } of (await metric.get()).values)
        if (labels['stream'] === stream) {
          // Buckets of a histogram are listed with the label `le`, which `remove` does not accept.
          const { le, ...own } = labels as Record<string, string>;
          void le;
          metric.remove(own);
        }
  }
}
