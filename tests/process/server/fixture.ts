/** A room made by hand, with real JPEG pictures and real masks, so that the server can be tested without GStreamer and models. */
import { uniformCalibration } from '../../../src/vocabulary/calibration.js';
import pino from 'pino';
import { Subject } from 'rxjs';
import sharp from 'sharp';
import { WebSocket } from 'ws';
import type { DisplayFrame, DropStage, FrameIdentity, SourceFormat } from '../../../src/vocabulary/frame.js';
import type { CommandResult, FrameResult, TrackerCommand } from '../../../src/engine/engine.js';
import { createMeasurer } from '../../../src/analysis/measure.js';
import { maskArea, maskBox, maskFromBitmap } from '../../../src/mask/rle.js';
import { ingestError } from '../../../src/ingest/errors.js';
import { pipelineError } from '../../../src/pipeline/errors.js';
import type { Room, RoomEvent, RoomHealth } from '../../../src/pipeline/room.js';
import { SonoscopeClient } from '../../../src/protocol/client.js';
import type { ClientOptions } from '../../../src/protocol/client.js';
import { RoomRegistry, startServer } from '../../../src/server/index.js';
import type { RunningServer, ServerOptions } from '../../../src/server/index.js';

export const sourceSize = { width: 320, height: 240 };
export const maskSize = { width: 80, height: 60 };

export const silent = pino({ level: 'silent' });

/** JPEG of one flat colour; `bytesAtLeast` adds noise until it is that large. */
export async function jpeg(size = sourceSize, noisy = false): Promise<Uint8Array> {
  const background = { r: 200, g: 40, b: 40 };
  const image = noisy
    ? sharp({
        create: { ...size, channels: 3, background, noise: { type: 'gaussian', mean: 128, sigma: 60 } },
      })
    : sharp({ create: { ...size, channels: 3, background } });
  return new Uint8Array(await image.jpeg({ quality: 90, chromaSubsampling: '4:4:4' }).toBuffer());
}

/** A filled rectangle in mask pixels, one per object. */
function rectangle(x: number, y: number, width: number, height: number) {
  const bitmap = new Uint8Array(maskSize.width * maskSize.height);
  for (let row = y; row < y + height; row++)
    bitmap.fill(1, row * maskSize.width + x, row * maskSize.width + x + width);
  return maskFromBitmap(bitmap, maskSize.width, maskSize.height);
}

export class HandMadeRoom implements Room {
  readonly label: string;
  readonly epochUnixNs: bigint = 1_700_000_000_123_456_789n;
  readonly #measure = createMeasurer();
  readonly events = new Subject<RoomEvent>();
  readonly events$ = this.events.asObservable();
  readonly commands: { readonly command: TrackerCommand; readonly ptsNs: number | null }[] = [];
  format: SourceFormat | null = {
    size: sourceSize,
    framesPerSecond: 25,
    calibration: uniformCalibration({ x: 0.5, y: 0.25 }),
    frameCount: null,
    description: 'made by hand',
  };
  sourceUri = 'hand:made';
  clientDrops = 0;
  closed = false;
  health: RoomHealth;
  #frame = 0;

  constructor(
    readonly id: string,
    readonly picture: Uint8Array,
  ) {
    this.label = `Room ${id}`;
    this.health = {
      source: { phase: 'playing' },
      sinceUnixMs: Date.now(),
      capturedFps: 25,
      displayedFps: 25,
      analysedFps: 24.5,
      latencyMs: Object.fromEntries(
        ['decode', 'queue', 'inference', 'tracking', 'encode', 'overhead', 'total'].map((stage, index) => [
          stage,
          { p50: index + 1, p95: index + 2, p99: index + 3, max: index + 4 },
        ]),
      ) as NonNullable<RoomHealth['latencyMs']>,
      frames: { captured: 100, displayed: 100, analysed: 98 },
      drops: Object.fromEntries(
        (['source', 'analysis-queue', 'display-queue', 'inference', 'client'] as DropStage[]).map((stage) => [
          stage,
          stage === 'inference' ? 2 : 0,
        ]),
      ) as Record<DropStage, number>,
      engine: {
        kind: 'tracker',
        modelName: 'compact',
        modelVersion: '1.0.0',
        modelSha256: '0'.repeat(64),
        provider: 'cpu',
        rejected: { cuda: 'no such device' },
        inputSize: { width: 256, height: 256 },
        policy: 'sam2',
      },
      degraded: null,
      overlayVisible: false,
      overlayLimitMs: 100,
      recording: false,
    };
  }

  identity(): FrameIdentity {
    const sourceFrame = this.#frame++;
    return {
      streamId: this.id,
      ptsNs: sourceFrame * 40_000_000,
      captureNs: Number(process.hrtime.bigint()) - 5_000_000,
      mediaNs: sourceFrame * 40_000_000,
      sourceFrame,
      discontinuity: 0,
    };
  }

  show(identity = this.identity(), data = this.picture): DisplayFrame {
    const frame: DisplayFrame = {
      ...identity,
      encoding: 'jpeg',
      size: sourceSize,
      data,
      decodedNs: identity.captureNs + 2_000_000,
      encodedNs: identity.captureNs + 4_000_000,
    };
    this.events.next({ kind: 'display', frame });
    return frame;
  }

  /** Two objects: a tracked instrument and a lost one without a mask. */
  resultOf(identity: FrameIdentity): FrameResult {
    const mask = rectangle(10, 20, 16, 12);
    const empty = rectangle(0, 0, 0, 0);
    return {
      frame: identity,
      maskSize,
      logitsSize: maskSize,
      objects: [
        {
          id: 1,
          label: 'grasper',
          state: 'tracking',
          score: 0.875,
          confidence: 0.9375,
          mask,
          box: maskBox(mask),
          areaPx: maskArea(mask),
        },
        {
          id: 2,
          label: 'hook',
          state: 'lost',
          score: 0.125,
          confidence: 0.0625,
          mask: empty,
          box: [0, 0, 0, 0],
          areaPx: 0,
        },
      ],
      timing: {
        startedNs: identity.captureNs + 2_500_000,
        inferenceNs: 1_500_000,
        trackingNs: 400_000,
      },
    };
  }

  analyse(identity = this.identity()): FrameResult {
    const result = this.resultOf(identity);
    this.events.next({ kind: 'result', result });
    const measurements = this.#measure(result, this.format);
    if (measurements.length > 0) this.events.next({ kind: 'measurement', frame: result.frame, measurements });
    return result;
  }

  change(health: Partial<RoomHealth>): void {
    this.health = { ...this.health, ...health };
    this.events.next({ kind: 'health', health: this.health });
  }

  command(command: TrackerCommand, ptsNs: number | null): Promise<CommandResult> {
    this.commands.push({ command, ptsNs });
    if (ptsNs !== null && ptsNs < 0) throw new Error('no such time');
    if (ptsNs === 1) return Promise.reject(pipelineError('SONO_PROMPT_FRAME_GONE'));
    if (command.kind === 'rename' && command.objectId > 2)
      return Promise.reject(pipelineError('SONO_ANALYSIS_OFF', { reason: 'made by hand' }));
    if (command.kind === 'policy') return Promise.reject(new Error('a fault with /a/secret/path'));
    return Promise.resolve(
      command.kind === 'prompt'
        ? {
            objectId: command.objectId ?? 1,
            result: this.resultOf({ ...this.identity(), ptsNs: ptsNs ?? 0 }),
          }
        : { objectId: null, result: null },
    );
  }

  setOverlayVisible(visible: boolean): void {
    this.change({ overlayVisible: visible });
  }

  openSource(uri: string): Promise<void> {
    if (uri.startsWith('missing'))
      return Promise.reject(ingestError('SONO_SOURCE_NO_ANSWER', { uri, seconds: 10, what: 'x' }));
    this.sourceUri = uri;
    return Promise.resolve();
  }

  countClientDrop(count: number): void {
    this.clientDrops += count;
  }

  close(): Promise<void> {
    this.closed = true;
    this.events.complete();
    return Promise.resolve();
  }
}

export interface Served {
  readonly server: RunningServer;
  readonly rooms: RoomRegistry;
  readonly room: HandMadeRoom;
}

/** A server with one hand-made room `scope` on a free port. */
export async function serve(options: Partial<ServerOptions> = {}): Promise<Served> {
  const room = new HandMadeRoom('scope', await jpeg());
  const rooms = new RoomRegistry([room]);
  const server = await startServer({ port: 0, logger: silent, version: '9.9.9', rooms, ...options });
  return { server, rooms, room };
}

export function wsUrl(server: RunningServer): string {
  return `ws://127.0.0.1:${server.port}/ws`;
}

export function clientOf(
  server: RunningServer,
  options: Partial<ClientOptions> = {},
  protocols?: readonly string[],
): SonoscopeClient {
  return new SonoscopeClient({
    url: wsUrl(server),
    connect: (url, ours) => new WebSocket(url, [...(protocols ?? ours)]),
    backOffMs: { first: 20, longest: 200 },
    ...options,
  });
}

/** Resolves once `check` gives something else than null, false or undefined; fails with `what` after a long time. */
export async function until<T>(
  check: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  what: string,
  withinMs = 30_000,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const value = await check();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`still waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
