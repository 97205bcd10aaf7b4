/**
 * The graph of one stream under scripted sources and engines, in virtual time: what a real camera and a real network cannot
 * be made to do on demand (fail now, take exactly 200 ms, lose frame 3). The real chain is in tests/process.
 */
import { uncalibrated } from '../vocabulary/calibration.js';
import { Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { unixNowMs } from '../node/clock.js';
import { errorFactory } from '../vocabulary/errors.js';
import type { AnalysisFrame, DisplayFrame, PictureSize, SourceFormat } from '../vocabulary/frame.js';
import type {
  CommandResult,
  Engine,
  EngineHooks,
  EngineInfo,
  FrameResult,
  TrackerCommand,
} from '../engine/engine.js';
import type { FrameSource, SourceEvent, SourceOptions } from '../ingest/frame-source.js';
import type { PromptScript } from '../vocabulary/prompt-script.js';
import { trackingError } from '../tracking/errors.js';
import { checkPrompts } from '../tracking/prompt-check.js';
import { openRoom, type RoomOptions } from './open-room.js';
import type { LiveRoom, RoomEvent, RoomHealth } from './room.js';

const testError = errorFactory({
  SONO_TEST_MISSING: { exitCode: 3, httpStatus: 404, sentence: 'There is no such test source.' },
  SONO_TEST_UNPLUGGED: { exitCode: 3, httpStatus: 503, sentence: 'The test cable was pulled.' },
});

const nowNs = () => Number(process.hrtime.bigint());
const frameMs = 40;
const format = (
  size: PictureSize = { width: 640, height: 360 },
  frameCount: number | null = null,
): SourceFormat => ({
  size,
  framesPerSecond: 25,
  calibration: uncalibrated,
  frameCount,
  description: 'scripted',
});

interface Script {
  readonly size?: PictureSize;
  readonly frameCount?: number;
  /** Source frames whose analysis copy never leaves the source's process. */
  readonly lostToAnalysis?: readonly number[];
  readonly framesPerPass?: number;
  readonly failsWith?: Error;
  readonly lostAt?: number;
  readonly endsAt?: number;
  /** The first frame comes in the same breath as the format. */
  readonly atOnce?: boolean;
}

/** A camera with a frame every 40 ms: its picture after 5 ms of decoding and 5 ms of encoding. */
class ScriptedSource implements FrameSource {
  static opened: ScriptedSource[] = [];
  subscribed = 0;
  constructor(
    readonly uri: string,
    private readonly script: Script,
  ) {
    ScriptedSource.opened.push(this);
  }
  pause(): void {}
  open({ streamId, clock }: SourceOptions): Observable<SourceEvent> {
    if (clock === undefined) throw new Error('a room has a clock');
    return new Observable((subscriber) => {
      this.subscribed += 1;
      const { script } = this;
      if (script.failsWith) {
        const failure = script.failsWith;
        setTimeout(() => subscriber.error(failure), 10);
        return;
      }
      const startNs = nowNs();
      let frame = 0;
      subscriber.next({ kind: 'state', state: { phase: 'starting' } });
      subscriber.next({ kind: 'format', format: format(script.size, script.frameCount ?? null) });
      subscriber.next({ kind: 'state', state: { phase: 'playing' } });
      const place = clock.place(true);
      const next = (): void => {
        const repetition = Math.floor(frame / (script.framesPerPass ?? Number.POSITIVE_INFINITY));
        const sourceFrame =
          frame - repetition * ((script.framesPerPass ?? 0) ? (script.framesPerPass as number) : 0);
        const captureNs = nowNs() - 10e6;
        const identity = {
          streamId,
          ptsNs: Math.max(captureNs - place.zeroNs, place.lastPtsNs + 1),
          captureNs,
          mediaNs: sourceFrame * frameMs * 1e6,
          sourceFrame,
          discontinuity: place.discontinuity + repetition,
        };
        if (frame === script.lostAt) {
          subscriber.next({
            kind: 'state',
            state: { phase: 'lost', reason: testError('SONO_TEST_UNPLUGGED'), sinceNs: startNs, attempt: 1 },
          });
          clearInterval(timer);
          return;
        }
        if (frame === script.endsAt) {
          subscriber.next({ kind: 'state', state: { phase: 'ended' } });
          clearInterval(timer);
          return;
        }
        frame += 1;
        clock.passed(identity);
        const decodedNs = identity.captureNs + 5e6;
        if (script.lostToAnalysis?.includes(sourceFrame))
          subscriber.next({ kind: 'dropped', stage: 'analysis-queue', count: 1 });
        else
          subscriber.next({
            kind: 'analysis',
            frame: { ...identity, size: { width: 4, height: 4 }, data: new Uint8Array(48), decodedNs },
          });
        subscriber.next({
          kind: 'display',
          frame: {
            ...identity,
            encoding: 'jpeg',
            size: script.size ?? { width: 640, height: 360 },
            data: new Uint8Array(8),
            decodedNs,
            encodedNs: decodedNs + 5e6,
          },
        });
      };
      const timer = setInterval(next, frameMs);
      if (script.atOnce) next();
      return () => {
        this.subscribed -= 1;
        clearInterval(timer);
      };
    });
  }
}

/** An engine that takes a given time and remembers what it was asked. */
class ScriptedEngine implements Engine {
  readonly asked: { what: string; frame: AnalysisFrame | null }[] = [];
  readonly commands: TrackerCommand[] = [];
  sourceSize: PictureSize | null = null;
  closed = false;
  running = 0;
  failing = false;
  info: EngineInfo = {
    kind: 'tracker',
    modelName: 'scripted',
    modelVersion: '1',
    modelSha256: '0',
    provider: 'cpu',
    rejected: {},
    inputSize: { width: 4, height: 4 },
    policy: 'sam2',
  };
  #objects: { id: number; label: string }[] = [];
  #nextId = 1;
  constructor(
    readonly trackMs: number,
    readonly hooks: EngineHooks,
  ) {}
  get objectIds(): readonly number[] {
    return this.#objects.map(({ id }) => id);
  }
  setSourceSize(size: PictureSize): Promise<void> {
    this.sourceSize = size;
    return Promise.resolve();
  }
  async #busy(what: string, frame: AnalysisFrame | null, milliseconds: number): Promise<void> {
    this.running += 1;
    expect(this.running).toBe(1);
    this.asked.push({ what, frame });
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    this.running -= 1;
    if (this.failing) throw new Error('the device is gone');
  }
  async track(frame: AnalysisFrame): Promise<FrameResult> {
    const startedNs = nowNs();
    await this.#busy('track', frame, this.trackMs);
    const empty = { width: 4, height: 4, counts: Uint32Array.of(16) };
    return {
      frame,
      maskSize: { width: 4, height: 4 },
      logitsSize: { width: 4, height: 4 },
      objects: this.#objects.map(({ id, label }) => ({
        id,
        label,
        state: 'tracking',
        score: 1,
        confidence: 1,
        mask: empty,
        box: [0, 0, 0, 0],
        areaPx: 0,
      })),
      timing: { startedNs, inferenceNs: this.trackMs * 1e6, trackingNs: 0 },
    };
  }
  async command(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult> {
    this.commands.push(command);
    await this.#busy(command.kind, frame, 1);
    if (command.kind === 'prompt') {
      checkPrompts(command.prompts, this.sourceSize ?? { width: 0, height: 0 });
      if (command.objectId !== null && !this.#objects.some(({ id }) => id === command.objectId))
        throw trackingError('SONO_OBJECT_UNKNOWN', { objectId: command.objectId });
      const id = command.objectId ?? this.#nextId++;
      if (command.objectId === null) this.#objects.push({ id, label: command.label ?? '' });
      return { objectId: id, result: null };
    }
    if (command.kind === 'remove') this.#objects = this.#objects.filter(({ id }) => id !== command.objectId);
    if (command.kind === 'reset') this.#objects = [];
    return { objectId: null, result: null };
  }
  snapshot(): Promise<unknown> {
    return Promise.reject(new Error('not in this test'));
  }
  restore(): Promise<void> {
    return Promise.reject(new Error('not in this test'));
  }
  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

interface Setup {
  readonly room: LiveRoom;
  readonly engines: ScriptedEngine[];
  readonly events: { atNs: number; event: RoomEvent }[];
}

const rooms: LiveRoom[] = [];

async function open(
  scripts: Readonly<Record<string, Script>>,
  {
    trackMs = 10,
    plan = null,
    analysis = true,
    engines = [],
    warnings = [],
    label = 'Room',
  }: {
    trackMs?: number;
    plan?: PromptScript | null;
    analysis?: boolean;
    engines?: ScriptedEngine[];
    warnings?: string[];
    label?: string | null;
  } = {},
): Promise<Setup> {
  const options: RoomOptions = {
    id: 'room',
    label,
    sourceUri: 'first',
    createSource: (uri) =>
      new ScriptedSource(uri, scripts[uri] ?? { failsWith: testError('SONO_TEST_MISSING') }),
    analysis: analysis
      ? {
          createEngine: (_, hooks) => {
            const engine = new ScriptedEngine(trackMs, hooks);
            engines.push(engine);
            return Promise.resolve(engine);
          },
          engine: { modelDir: 'model', provider: 'auto', policy: null, threads: 1 },
          plan,
        }
      : null,
    loop: false,
    displayQuality: 85,
    overlayLimitMs: 100,
    overlayVisible: true,
    log: { info: () => undefined, warn: (_, message) => warnings.push(message) },
  };
  const room = await openRoom(options);
  rooms.push(room);
  const events: Setup['events'] = [];
  room.events$.subscribe((event) => events.push({ atNs: nowNs(), event }));
  return { room, engines, events };
}

const results = (events: Setup['events']) =>
  events.flatMap(({ atNs, event }) => (event.kind === 'result' ? [{ atNs, result: event.result }] : []));
const displays = (events: Setup['events']): { atNs: number; frame: DisplayFrame }[] =>
  events.flatMap(({ atNs, event }) => (event.kind === 'display' ? [{ atNs, frame: event.frame }] : []));
const healths = (events: Setup['events']): RoomHealth[] =>
  events.flatMap(({ event }) => (event.kind === 'health' ? [event.health] : []));
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const click = (x: number, y: number) => ({ type: 'click', point: [x, y], positive: true }) as const;

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'hrtime'],
  });
  // The monotonic clock of a machine does not read 0.
  vi.setSystemTime(new Date('2026-01-01T00:00:00Z'));
  ScriptedSource.opened = [];
});
afterEach(async () => {
  await Promise.all(rooms.splice(0).map((room) => room.close()));
  vi.useRealTimers();
});

describe('a room', () => {
  it('shows every frame and analyses every frame when the engine keeps up', async () => {
    const { room, engines, events } = await open({ first: {} });
    await pass(10_000);
    const frames = displays(events);
    expect(frames).toHaveLength(250);
    expect(results(events).length).toBeGreaterThanOrEqual(249);
    expect(engines[0]?.sourceSize).toEqual({ width: 640, height: 360 });
    const { health } = room;
    expect(health.frames).toEqual({ captured: 250, displayed: 250, analysed: results(events).length });
    expect(health.degraded).toBeNull();
    expect(health.analysedFps).toBeCloseTo(25, 0);
    expect(health.latencyMs).toMatchObject({
      decode: { p50: 5 },
      encode: { p50: 5 },
      inference: { p50: 10 },
      queue: { p50: 5 },
      total: { p50: 20 },
      overhead: { p50: 10 },
    });
    // Picture and mask of one frame carry the same time.
    const shown = new Set(frames.map(({ frame }) => frame.ptsNs));
    expect(results(events).every(({ result }) => shown.has(result.frame.ptsNs))).toBe(true);
    expect(healths(events).length).toBeGreaterThanOrEqual(10);
  });

  it('says what is measured behind each result on which an object is shown', async () => {
    const { room, events } = await open({ first: {} });
    await pass(1_000);
    expect(events.some(({ event }) => event.kind === 'measurement')).toBe(false);
    await Promise.all([
      room.command({ kind: 'prompt', objectId: null, label: 'a', prompts: [click(1, 1)] }, null),
      pass(1_000),
    ]);
    const since = events.length;
    await pass(1_000);
    const after = events.slice(since).map(({ event }) => event);
    const measured = after.filter((event) => event.kind === 'measurement');
    expect(measured.length).toBeGreaterThan(20);
    for (const event of measured) {
      const before = after[after.indexOf(event) - 1];
      expect(before?.kind === 'result' && before.result.frame).toBe(event.frame);
      expect(event.measurements).toEqual([
        {
          ...{ name: 'area', value: 0, unit: 'px', interval: null, quality: 'good', note: '', objectId: 1 },
        },
      ]);
    }
  });

  describe('no number outlives its object or its source', () => {
    const patient = async (work: Promise<unknown>): Promise<void> => {
      await Promise.all([work, pass(1_000)]);
    };
    const ways: readonly (readonly [string, Script, (room: LiveRoom) => Promise<unknown>, string])[] = [
      [
        'removed',
        {},
        (room) => patient(room.command({ kind: 'remove', objectId: 1 }, null)),
        'the object is not followed any more',
      ],
      [
        'forgotten with all others',
        {},
        (room) => patient(room.command({ kind: 'reset' }, null)),
        'the object is not followed any more',
      ],
      ['the signal lost', { lostAt: 60 }, () => pass(2_000), 'the signal is lost'],
      ['the source at its end', { endsAt: 60 }, () => pass(2_000), 'the source has ended'],
      ['another source', {}, (room) => patient(room.openSource('second')), 'the source has changed'],
      ['the room closed', {}, (room) => patient(room.close()), 'the room was closed'],
    ];
    it.each(ways)('%s', async (_, script, end, reason) => {
      const { room, events } = await open({ first: script, second: { size: { width: 320, height: 240 } } });
      await pass(1_000);
      await patient(
        room.command({ kind: 'prompt', objectId: null, label: 'a', prompts: [click(1, 1)] }, null),
      );
      const said = () =>
        events.flatMap(({ event }) =>
          event.kind === 'measurement'
            ? event.measurements.map(({ value, note }) => ({ value, note, frame: event.frame }))
            : [],
        );
      expect(said().at(-1)?.value).toBe(0);
      await end(room);
      await pass(1_000);
      const all = said();
      expect(all.at(-1)).toMatchObject({ value: null, note: reason });
      // Withdrawn once, and never said of a later picture.
      expect(all.filter(({ value }) => value === null)).toHaveLength(1);
      const times = all.map(({ frame }) => frame.ptsNs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      const second = displays(events).find(({ frame }) => frame.size.width === 320)?.frame.ptsNs ?? Infinity;
      expect(times.at(-1)).toBeLessThan(second);
    });

    it('the result of a picture that was still with the engine when the source ended', async () => {
      const { room, events } = await open({ first: { endsAt: 60 } }, { trackMs: 200 });
      await pass(1_000);
      await patient(
        room.command({ kind: 'prompt', objectId: null, label: 'a', prompts: [click(1, 1)] }, null),
      );
      await pass(3_000);
      const last = events.findLast(({ event }) => event.kind === 'measurement')?.event;
      expect(last?.kind === 'measurement' && last.measurements[0]?.value).toBeNull();
    });
  });

  it('holds the picture of a gesture for ten seconds, with what was outlined on it', async () => {
    const { room, engines, events } = await open({ first: {} });
    await pass(2_000);
    const seen = displays(events).at(-3)?.frame as DisplayFrame;
    const begun = room.gestures?.begin(seen.ptsNs, 'a page');
    expect(room.health.gestures).toMatchObject({ held: 1, begun: 1 });
    await pass(10_000);
    const prompt = () =>
      room.command({ kind: 'prompt', objectId: null, label: 'tool', prompts: [click(1, 1)] }, seen.ptsNs);
    await Promise.all([prompt(), pass(100)]);
    expect(engines[0]?.asked.findLast(({ what }) => what === 'prompt')?.frame?.ptsNs).toBe(seen.ptsNs);
    expect(engines[0]?.commands).toContainEqual({ kind: 'keep', ptsNs: seen.ptsNs });
    room.gestures?.end(begun?.gesture ?? 0, 'a page');
    expect(room.health.gestures).toMatchObject({ held: 0, ended: 1 });
    await expect(Promise.all([prompt(), pass(100)])).rejects.toMatchObject({
      code: 'SONO_PROMPT_FRAME_GONE',
    });
  });

  it('counts its sources, and a mark on a picture of the one before is refused', async () => {
    const { room, events } = await open({ first: {}, second: {} });
    await pass(1_000);
    expect(room.health.sources).toBe(1);
    room.gestures?.begin(null, 'a page');
    await Promise.all([room.openSource('second'), pass(100)]);
    const before = displays(events)
      .filter(({ frame }) => frame.discontinuity === 0)
      .at(-1)?.frame as DisplayFrame;
    expect(room.health).toMatchObject({ sources: 2, gestures: { held: 0 } });
    await expect(
      Promise.all([
        room.command({ kind: 'prompt', objectId: null, label: 'x', prompts: [click(1, 1)] }, before.ptsNs),
        pass(100),
      ]),
    ).rejects.toMatchObject({ code: 'SONO_PROMPT_FRAME_GONE' });
  });

  it('keeps frame age flat for a minute with an engine slowed to 200 ms, and the picture untouched', async () => {
    const { room, events } = await open({ first: {} }, { trackMs: 200 });
    await pass(60_000);
    const ages = results(events).map(({ atNs, result }) => (atNs - result.frame.captureNs) / 1e6);
    expect(ages.length).toBeGreaterThan(280);
    // Waiting for the job before (200), the job itself (200), decoding (10): never more, from first to last.
    expect(Math.max(...ages)).toBeLessThanOrEqual(420);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(ages.slice(-50))).toBeLessThanOrEqual(mean(ages.slice(5, 55)) + 40);
    const shown = displays(events);
    expect(shown).toHaveLength(1500);
    expect(Math.max(...shown.map(({ atNs, frame }) => atNs - frame.captureNs))).toBeLessThanOrEqual(10e6);
    const { frames, drops, degraded } = room.health;
    expect(drops.inference).toBeGreaterThan(1100);
    // Every captured frame is analysed, dropped, or one of the two in the room's hands.
    const open_ = frames.captured - frames.analysed - drops.inference;
    expect(open_).toBeGreaterThanOrEqual(0);
    expect(open_).toBeLessThanOrEqual(2);
    expect(degraded).toMatch(/Outlines at [45]\.\d of 25 pictures per second/);
  });

  it('lets a command pass waiting frames, on the frame that the person saw', async () => {
    const { room, engines, events } = await open({ first: {} }, { trackMs: 200 });
    await pass(3000);
    const seen = displays(events).at(-20)?.frame as DisplayFrame;
    const before = engines[0]?.asked.length ?? 0;
    const reply = room.command(
      { kind: 'prompt', objectId: null, label: 'tool', prompts: [click(10, 10)] },
      seen.ptsNs,
    );
    await pass(400);
    await expect(reply).resolves.toMatchObject({ objectId: 1 });
    const next = engines[0]?.asked[before];
    expect(next?.what).toBe('prompt');
    expect(next?.frame?.ptsNs).toBe(seen.ptsNs);
  });

  it('answers clearly when a prompt cannot be applied', async () => {
    const { room, events } = await open({ first: {} });
    await pass(4000);
    const prompt = (x: number, ptsNs: number | null) =>
      Promise.all([
        room.command({ kind: 'prompt', objectId: null, label: 'tool', prompts: [click(x, 10)] }, ptsNs),
        pass(100),
      ]);
    const old = displays(events)[3]?.frame as DisplayFrame;
    await expect(prompt(10, old.ptsNs)).rejects.toMatchObject({ code: 'SONO_PROMPT_FRAME_GONE' });
    await expect(prompt(10, Number.NaN)).rejects.toMatchObject({ code: 'SONO_PROMPT_FRAME_GONE' });
    await expect(prompt(641, null)).rejects.toMatchObject({ code: 'SONO_PROMPT_OUTSIDE' });
    await expect(prompt(Number.NaN, null)).rejects.toMatchObject({ code: 'SONO_PROMPT_INVALID' });
  });

  it('shows the picture alone without a model, and says so when asked for more', async () => {
    const { room, events } = await open({ first: {} }, { analysis: false });
    await pass(1000);
    expect(displays(events)).toHaveLength(25);
    expect(room.health.engine).toBeNull();
    expect(room.health.degraded).toBeNull();
    await expect(room.command({ kind: 'reset' }, null)).rejects.toMatchObject({ code: 'SONO_ANALYSIS_OFF' });
  });

  it('says so at once when something changes, and ends everything when it is closed', async () => {
    const { room, engines, events } = await open({ first: {} });
    let completed = false;
    room.events$.subscribe({ complete: () => (completed = true) });
    room.setOverlayVisible(false);
    expect(healths(events).at(-1)?.overlayVisible).toBe(false);
    room.setRecording(true);
    expect(healths(events).at(-1)?.recording).toBe(true);
    room.setRecording(false, 'The recording stopped: the disk is full.');
    expect(healths(events).at(-1)?.degraded).toContain('disk is full');
    await room.close();
    await room.close();
    expect(completed).toBe(true);
    expect(engines[0]?.closed).toBe(true);
    expect(ScriptedSource.opened[0]?.subscribed).toBe(0);
    const count = events.length;
    await pass(3000);
    expect(events).toHaveLength(count);
  });
});

describe('planned prompts', () => {
  const plan = (frame: number): PromptScript => ({
    objects: [{ label: 'tool', prompts: [{ moment: { kind: 'frame', frame }, prompt: click(10, 10) }] }],
  });
  const prompted = (engine: ScriptedEngine | undefined) =>
    engine?.asked.flatMap(({ what, frame }) =>
      what === 'prompt' && frame ? [[frame.discontinuity, frame.sourceFrame]] : [],
    );

  it('apply at their frame on every pass, before that frame is tracked', async () => {
    const { engines, events } = await open({ first: { framesPerPass: 50 } }, { plan: plan(0) });
    await pass(5000);
    expect(prompted(engines[0])).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
    ]);
    // What was followed at the end of a pass is not there at its start: same object, new memory.
    const given = engines[0]?.commands.flatMap((command) =>
      command.kind === 'prompt' ? [[command.objectId, command.label, command.fresh ?? false]] : [],
    );
    expect(given).toEqual([
      [null, 'tool', false],
      [1, null, true],
      [1, null, true],
    ]);
    const first = results(events)[0]?.result;
    expect(first?.frame.sourceFrame).toBe(0);
    expect(first?.objects.map(({ label }) => label)).toEqual(['tool']);
    expect(results(events).every(({ result }) => result.objects.length === 1)).toBe(true);
  });

  it('come back on the next pass when somebody has removed their object, not before', async () => {
    const plan: PromptScript = {
      objects: [
        {
          label: 'tool',
          prompts: [0, 30].map((frame) => ({ moment: { kind: 'frame', frame }, prompt: click(10, 10) })),
        },
      ],
    };
    const { room, engines } = await open({ first: { framesPerPass: 50 } }, { plan });
    await pass(800);
    const removed = room.command({ kind: 'remove', objectId: 1 }, null);
    await pass(100);
    await removed;
    await pass(1000);
    expect(engines[0]?.objectIds).toEqual([]);
    await pass(500);
    expect(engines[0]?.objectIds).toEqual([2]);
    expect(room.report().notes).toEqual([]);
  });

  it('find their own frame although the engine was too slow to track it', async () => {
    const { room, engines } = await open({ first: {} }, { plan: plan(7), trackMs: 200 });
    await pass(2000);
    expect(prompted(engines[0])).toEqual([[0, 7]]);
    expect(room.report().notes).toEqual([]);
  });

  it('take the nearest following frame when theirs was dropped, and say so', async () => {
    const { room, engines } = await open({ first: { lostToAnalysis: [7, 8] } }, { plan: plan(7) });
    await pass(2000);
    expect(prompted(engines[0])).toEqual([[0, 9]]);
    expect(room.report().notes).toEqual([
      'the prompt for "tool" at frame 7 was applied at frame 9: frame 7 was not received.',
    ]);
    expect(room.report().frames.dropped['analysis-queue']).toBe(2);
  });

  it('are refused before the room opens when they cannot fit the source', async () => {
    await expect(open({ first: { frameCount: 5 } }, { plan: plan(5) })).rejects.toMatchObject({
      code: 'SONO_PROMPT_FRAME_UNKNOWN',
    });
    await expect(
      open({ first: { size: { width: 9, height: 99 } } }, { plan: plan(0) }),
    ).rejects.toMatchObject({
      code: 'SONO_PROMPT_UNFIT',
    });
    expect(ScriptedSource.opened.every(({ subscribed }) => subscribed === 0)).toBe(true);
  });

  it('that cannot fit are refused once, not tried on a first frame that is already there', async () => {
    const [engines, warnings]: [ScriptedEngine[], string[]] = [[], []];
    await expect(
      open({ first: { size: { width: 9, height: 99 }, atOnce: true } }, { plan: plan(0), engines, warnings }),
    ).rejects.toMatchObject({ code: 'SONO_PROMPT_UNFIT' });
    await pass(500);
    expect(warnings).toEqual([]);
    expect(engines[0]?.commands).toEqual([]);
  });
});

describe('sources', () => {
  it('that can never work keep a room from opening', async () => {
    const opening = open({}).catch((error: unknown) => error);
    await pass(100);
    expect(await opening).toMatchObject({ code: 'SONO_TEST_MISSING' });
  });

  it('that are lost leave the room open, and say why and since when', async () => {
    const { room, events } = await open({ first: { lostAt: 25 } });
    await pass(3000);
    expect(room.health.source).toMatchObject({ phase: 'lost', reason: { code: 'SONO_TEST_UNPLUGGED' } });
    expect(unixNowMs() - room.health.sinceUnixMs).toBeGreaterThan(1500);
    expect(healths(events).some(({ source }) => source.phase === 'lost')).toBe(true);
    expect(room.report().notes).toEqual(['Signal lost: The test cable was pulled.']);
  });

  it('are replaced in place: same clock, new scene, old objects gone', async () => {
    const { room, engines, events } = await open({ first: {}, second: { size: { width: 80, height: 60 } } });
    await pass(1000);
    const replaced = room.openSource('second');
    await pass(100);
    await replaced;
    await pass(1000);
    expect(room.sourceUri).toBe('second');
    expect(room.format?.size).toEqual({ width: 80, height: 60 });
    expect(engines[0]?.sourceSize).toEqual({ width: 80, height: 60 });
    expect(engines[0]?.commands.map(({ kind }) => kind)).toContain('reset');
    expect(ScriptedSource.opened.map(({ subscribed }) => subscribed)).toEqual([0, 1]);
    const times = displays(events).map(({ frame }) => frame.ptsNs);
    expect(times.every((time, index) => index === 0 || time > (times[index - 1] as number))).toBe(true);
    expect(displays(events).at(-1)?.frame.discontinuity).toBe(1);
  });

  it('name a room that nobody has named, at once for every viewer; a given name stays', async () => {
    const uris = { first: {}, '/data/second.mp4': {} };
    const { room, events } = await open(uris, { label: null });
    expect(room.label).toBe('first');
    const replaced = room.openSource('/data/second.mp4');
    await pass(100);
    await replaced;
    expect(room.label).toBe('second.mp4');
    expect(room.report().label).toBe('second.mp4');
    await pass(2000);
    const before = healths(events).length;
    room.rename('Theatre 2');
    await pass(1);
    expect(healths(events).length).toBeGreaterThan(before);
    expect(room.label).toBe('Theatre 2');
    const again = room.openSource('first');
    await pass(100);
    await again;
    expect(room.label).toBe('Theatre 2');
  });

  it('leave no result behind that would be measured with the size of the next one', async () => {
    const second = { width: 80, height: 60 };
    const { room } = await open({ first: {}, second: { size: second } }, { trackMs: 200 });
    const sizes: (readonly [number, PictureSize | undefined])[] = [];
    room.events$.subscribe((event) => {
      if (event.kind === 'result') sizes.push([event.result.frame.discontinuity, room.format?.size]);
    });
    await pass(1000);
    const dropped = room.health.drops.inference;
    const replaced = room.openSource('second');
    await pass(10);
    await replaced;
    // The frame that was in the engine, and the one that waited for it.
    await pass(420);
    expect(room.health.drops.inference).toBeGreaterThanOrEqual(dropped + 2);
    await pass(1000);
    expect(new Set(sizes.map(([turn]) => turn))).toEqual(new Set([0, 1]));
    for (const [turn, size] of sizes) expect(size).toEqual(turn === 0 ? format().size : second);
  });

  it('stay when the new one cannot be opened', async () => {
    const { room, events } = await open({ first: {} });
    await pass(1000);
    const replaced = room.openSource('absent').catch((error: unknown) => error);
    await pass(1000);
    expect(await replaced).toMatchObject({ code: 'SONO_TEST_MISSING' });
    expect(room.sourceUri).toBe('first');
    expect(displays(events)).toHaveLength(50);
  });
});

describe('an engine', () => {
  it('that fails says so while the picture goes on, and says when it works again', async () => {
    const { room, engines, events } = await open({ first: {} });
    await pass(1000);
    const engine = engines[0] as ScriptedEngine;
    engine.failing = true;
    engine.hooks.onFailure?.(testError('SONO_TEST_UNPLUGGED'));
    await pass(400);
    expect(room.health.degraded).toContain('There are no outlines at present');
    expect(room.health.degraded).toContain('The test cable was pulled.');
    engine.failing = false;
    engine.hooks.onRecovered?.(engine.info);
    expect(healths(events).at(-1)?.degraded).toBeNull();
    await pass(600);
    expect(displays(events)).toHaveLength(50);
    const { frames, drops } = room.health;
    expect(drops.inference).toBeGreaterThanOrEqual(9);
    expect(frames.captured - frames.analysed - drops.inference).toBeLessThanOrEqual(1);
    expect(results(events).at(-1)?.result.frame.sourceFrame).toBeGreaterThan(45);
    expect(room.report().notes).toEqual(['The test cable was pulled.', 'Outlining works again.']);
  });

  it('that cannot analyse one picture costs one picture', async () => {
    const { room, engines, events } = await open({ first: {} });
    await pass(1000);
    const engine = engines[0] as ScriptedEngine;
    engine.failing = true;
    await pass(40);
    engine.failing = false;
    await pass(1000);
    expect(room.health.drops.inference).toBe(1);
    expect(room.report().notes).toEqual(['A picture could not be analysed: the device is gone']);
    expect(results(events).length).toBeGreaterThanOrEqual(49);
  });

  it('that moves to another provider says so', async () => {
    const { room, engines } = await open({ first: {} });
    await pass(1000);
    const engine = engines[0] as ScriptedEngine;
    engine.info = { ...engine.info, provider: 'webgpu', rejected: { cpu: 'it was lost' } };
    await pass(100);
    expect(room.health.degraded).toBe('Outlines are computed on "webgpu" instead of "cpu" (it was lost).');
    expect(room.report().notes).toEqual(['Outlines are computed on "webgpu" now, before on "cpu".']);
  });
});
