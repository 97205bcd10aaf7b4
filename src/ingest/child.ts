/**
 * The child process of one stream: owns the GStreamer pipeline and everything native, sends records to its parent
 * over file descriptor 3. It lives until its source ends or fails, its parent closes stdin, or it is killed; it
 * never repairs itself, because pipelines leak and a fresh process does not.
 */
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import type { AppSink, AppSrc, BusMessage, Element, Pipeline } from 'gstreamer-superficial';
import type { DropStage, PictureSize } from '../frame.js';
import { SonoError } from '../errors.js';
import {
  classifyBusError,
  classifyLaunchError,
  missingPictureCodec,
  noPicture,
  saysNoPicture,
  sourceName,
  type Failure,
} from './bus-errors.js';
import { isIngestCode } from './errors.js';
import { FrameLedger, type LedgerEntry } from './frame-ledger.js';
import { parseGdp, parseSegment, parseTags, type GdpPacket, type Segment } from './gdp.js';
import { displayCaps, isPaced, launchString } from './launch.js';
import type { ChildMessage, ChildRequest } from './messages.js';
import { Outlet } from './outlet.js';
import { displaySize, isFourToOne, jpegSize, parseCaps, type PictureShape } from './picture-format.js';
import { padRows, unpadRows, type FrameProducer } from './producer.js';
import { createProducer } from './producers.js';
import { resumedFrame } from './resume.js';
import { isLive, isPushed } from './source-uri.js';
import { lowerDecodingAhead } from './thread-priority.js';
import { promisedSeconds, readPictureLength, type PictureLength } from './video-length.js';

type Branch = 'display' | 'analysis';
const dropStages: Record<Branch, DropStage> = { display: 'display-queue', analysis: 'analysis-queue' };

const seekFlags = { flush: 1, segment: 8 } as const;
/** Index entries after which a frame that still has none is given up. */
const pendingTurns = 16;
/** Time for a capture card to open. */
const devicePatienceMs = 3000;
/** A source that cannot seek does not flush either; it is then started afresh. */
const seekPatienceMs = 2000;
/** Without a frame for so long, the parent is told until when the next one is not due. */
const quietMs = 500;

const nowNs = (): number => Number(process.hrtime.bigint());

class Session {
  readonly #request: ChildRequest;
  readonly #outlet: Outlet;
  readonly #ledger: FrameLedger;
  readonly #branches: readonly Branch[];
  #pipeline: Pipeline | null = null;
  readonly #elements = new Map<string, Element>();
  #producer: FrameProducer | null = null;

  #pass: number;
  #nextSourceFrame: number;
  #zeroPtsNs: number | null;
  #segment: Segment = { startNs: 0, baseNs: 0 };
  #lastMediaNs = 0;
  /** Where the last frame ends on the container's own clock, 0 before the first. */
  #lastEndNs = 0;
  /** Of a video file, from its own tables: GStreamer tells the length of the sound where that is longer. */
  #pictureLength: PictureLength | null = null;
  #framesThisPass = 0;
  #framesEver = 0;
  readonly #tags = new Map<string, string>();

  #shape: PictureShape | null = null;
  #displayCaps: keyof typeof displayCaps = 'full';
  #size: PictureSize | null = null;
  #formatSent = false;
  readonly #onFormat: (() => void)[] = [];
  #onEntry: (() => void)[] = [];

  #sinksOpen = 0;
  #busEos = false;
  /** The pipeline has reached PAUSED. */
  #up = false;
  /** Of pictures that were found and cannot be decoded here. */
  #missingCodec: string | null = null;
  #over = false;
  #onPrerolled: (() => void) | null = null;
  #onFlushed: (() => void) | null = null;
  /** From the end of a pass until the source has been flushed for the next. */
  #turning = false;
  /** Passes ended so far: who began to wait in one must not go on in another. */
  #turns = 0;
  #lastFrameNs = 0;
  #toldPositionS = -1;

  /** Frames pushed into appsrc and not yet seen by the index branch, in order. */
  readonly #pushed: { readonly index: number; readonly mediaNs: number; readonly pass: number }[] = [];
  #pushOffsetNs = 0;
  #pushIndex = 0;
  #pushPass: number;
  #pushing = false;
  #pushEnded = false;

  constructor(request: ChildRequest, pipe: Socket) {
    this.#request = request;
    this.#outlet = new Outlet(pipe, request.mode, (type) => this.#dropped(type, 1));
    this.#branches = [
      ...(request.displayQuality === null ? [] : (['display'] as const)),
      ...(request.analysisSize === null ? [] : (['analysis'] as const)),
    ];
    this.#ledger = new FrameLedger({
      mode: request.mode,
      paced: isPaced(request.address, request.mode),
      openedNs: request.openedNs,
      lastPtsNs: request.lastPtsNs,
    });
    this.#pass = request.pass;
    this.#pushPass = request.pass;
    this.#nextSourceFrame = request.resume?.nextSourceFrame ?? 0;
    this.#zeroPtsNs = request.resume?.zeroPtsNs ?? null;
  }

  async start(): Promise<void> {
    const { address, mode, resume } = this.#request;
    if (isPushed(address)) this.#producer = await createProducer(address);
    if (address.kind === 'file') this.#pictureLength = await readPictureLength(address.path);
    const load = createRequire(import.meta.url);
    const { Pipeline: NativePipeline } = load('gstreamer-superficial') as { Pipeline: typeof Pipeline };
    try {
      this.#pipeline = new NativePipeline(
        launchString(address, { ...this.#request, mode, pushed: this.#producer }),
      );
    } catch (error) {
      this.#fail(classifyLaunchError(address, error instanceof Error ? error.message : String(error)));
      return;
    }
    this.#pipeline.pollBus((message) => this.#onBus(message));
    if (isLive(address)) {
      this.#play();
      this.#pullAll();
      if (address.kind === 'v4l2' || address.kind === 'decklink') this.#watchDevice(sourceName(address));
      return;
    }
    if (this.#producer !== null) {
      this.#pushIndex = this.#nextSourceFrame;
      // PTS start at 0 in each life; media time is kept by our own list.
      this.#pushOffsetNs = -this.#producer.mediaNs(this.#pushIndex);
    }
    const prerolled = this.#whenPrerolled();
    this.#pipeline.pause();
    this.#pullAll();
    this.#pushMore();
    await prerolled;
    if (this.#producer === null && this.#request.seekable && (resume !== null || this.#request.loop)) {
      const flags = seekFlags.flush | (this.#request.loop ? seekFlags.segment : 0);
      if (!(await this.#seek(resume?.seekSeconds ?? 0, flags))) {
        this.#outlet.message({ kind: 'unseekable' } satisfies ChildMessage);
        await this.#leave();
        return;
      }
    }
    await this.#filled();
    if (mode === 'live') lowerDecodingAhead();
    this.#play();
    if (isPaced(address, mode)) setInterval(() => this.#tellWait(), quietMs).unref();
  }

  /**
   * A file may hold a picture for a minute. The pace sink's position is that of the frame which waits there for its time, so
   * the parent learns how long nothing will come, and a pipeline that stands still is not taken for one that waits.
   */
  #tellWait(): void {
    if (this.#over || this.#turning || nowNs() - this.#lastFrameNs < quietMs * 1e6) return;
    const positionS = this.#pipeline?.queryPosition() ?? -1;
    const { startNs, baseNs } = this.#segment;
    const dueNs = this.#ledger.dueNs(baseNs + positionS * 1e9 - startNs);
    if (positionS <= this.#toldPositionS || dueNs === null || dueNs <= nowNs()) return;
    this.#toldPositionS = positionS;
    this.#outlet.message({ kind: 'waiting', untilNs: Math.round(dueNs) } satisfies ChildMessage);
  }

  /** A device that cannot be opened stops the pipeline on its way up, often without a word on the bus. */
  #watchDevice(device: string): void {
    setTimeout(() => {
      if (this.#up || this.#framesEver > 0) return;
      this.#fail({
        code: 'SONO_SOURCE_DEVICE_ABSENT',
        details: { device },
        cause: 'the device could not be opened',
      });
    }, devicePatienceMs);
  }

  /** A few decoded frames in hand before the clock starts: the first ones are then on time. */
  async #filled(): Promise<void> {
    const decoded = this.#element('decoded');
    const patienceEndsNs = nowNs() + 1e9;
    while (Number(decoded['current-level-buffers']) < 3 && !this.#over && nowNs() < patienceEndsNs)
      await new Promise((resolve) => setTimeout(resolve, 5));
  }

  #play(): void {
    const baseNs = nowNs();
    this.#ledger.startClock(baseNs);
    this.#pipeline?.play();
  }

  #whenPrerolled(): Promise<void> {
    return new Promise((resolve) => {
      this.#onPrerolled = () => {
        this.#onPrerolled = null;
        resolve();
      };
    });
  }

  /** Each findChild makes a wrapper that is never freed (30 kB), so each element is looked up once. */
  #element(name: string): Element {
    const known = this.#elements.get(name);
    if (known !== undefined) return known;
    const element = this.#pipeline?.findChild(name);
    if (element === undefined) throw new Error(`no element ${name}`);
    this.#elements.set(name, element);
    return element;
  }

  // ---------------------------------------------------------------- sinks

  #pullAll(): void {
    this.#busEos = false;
    const sinks = ['shape', 'index', ...this.#branches] as const;
    this.#sinksOpen = sinks.length;
    for (const name of sinks) this.#pull(name, this.#element(name) as AppSink);
  }

  #pull(name: 'shape' | 'index' | Branch, sink: AppSink): void {
    sink.pull((buffer) => {
      if (this.#over) return;
      if (buffer === null) {
        this.#sinksOpen -= 1;
        this.#maybeEndOfPass();
        return;
      }
      switch (name) {
        case 'shape':
          this.#onShape(parseGdp(buffer));
          this.#pull(name, sink);
          return;
        case 'index':
          this.#onIndex(parseGdp(buffer));
          this.#pull(name, sink);
          return;
        case 'display':
        case 'analysis': {
          const packet = parseGdp(buffer);
          if (this.#request.mode === 'live') {
            // The next pull is armed first: it blocks in another thread while this frame is sent.
            this.#pull(name, sink);
            void this.#onFrame(name, packet);
          } else {
            void this.#onFrame(name, packet).then(() => this.#pull(name, sink));
          }
          return;
        }
      }
    });
  }

  #onShape(packet: GdpPacket): void {
    if (packet.kind === 'buffer') this.#element('gate')['drop'] = true;
    if (packet.kind !== 'caps') return;
    const shape = parseCaps(packet.text);
    if (shape === null) return;
    const before = this.#shape;
    this.#shape = shape;
    this.#chooseDisplayCaps(isFourToOne(shape.pixelFormat) ? 'fourToOne' : 'full');
    if (before === null) {
      // Once a second one whole picture passes, so that a change of size is noticed and said.
      setInterval(() => (this.#element('gate')['drop'] = false), 1000).unref();
      this.#maybeSendFormat();
    } else if (
      before.width !== shape.width ||
      before.height !== shape.height ||
      before.pixelAspect !== shape.pixelAspect
    ) {
      this.#sendFormat();
    }
  }

  #chooseDisplayCaps(kind: keyof typeof displayCaps): void {
    if (this.#request.displayQuality === null || kind === this.#displayCaps) return;
    this.#displayCaps = kind;
    const { through, colour } = displayCaps[kind];
    const steps = [['displaycolour', colour] as const, ['displaythrough', through] as const];
    // The way back in the other order: between the two steps the picture must not lose its way by RGB alone, or it pales.
    if (kind === 'full') steps.reverse();
    for (const [name, caps] of steps) this.#element(name)['caps'] = caps;
  }

  #onIndex(packet: GdpPacket): void {
    if (packet.kind === 'event') {
      const segment = parseSegment(packet.text);
      if (segment !== null) this.#onSegment(segment);
      if (packet.text.startsWith('GstEventSegmentDone')) void this.#nextPass();
      if (packet.text.startsWith('GstEventFlushStop')) this.#turning = false;
      for (const [key, value] of parseTags(packet.text)) this.#tags.set(key, value);
      return;
    }
    if (packet.kind !== 'buffer') return;
    const seenNs = nowNs();
    this.#lastFrameNs = seenNs;
    if (packet.ptsNs !== null)
      this.#lastEndNs = packet.ptsNs + (packet.durationNs ?? 1e9 / (this.#shape?.framesPerSecond ?? 25));
    if (this.#capture(packet.ptsNs, seenNs) === null && this.#request.mode === 'live') {
      this.#outlet.message({ kind: 'dropped', stage: 'source', count: 1 } satisfies ChildMessage);
    }
    this.#maybeSendFormat();
    const waiting = this.#onEntry;
    this.#onEntry = [];
    for (const resolve of waiting) resolve();
    this.#pushMore();
  }

  /** A segment after frames were seen is the next pass of a looping file. */
  #onSegment(segment: Segment): void {
    this.#segment = segment;
    if (this.#framesThisPass === 0 || this.#producer !== null || isLive(this.#request.address)) return;
    this.#pass += 1;
    this.#nextSourceFrame = 0;
    this.#framesThisPass = 0;
    this.#lastMediaNs = 0;
    this.#ledger.startPass();
  }

  /**
   * The last frame of a pass of a looping file is out: back to the beginning. gdppay swallows flushes, so an end
   * of stream could not be undone; a segment's end can.
   */
  async #nextPass(): Promise<void> {
    if (this.#turning) return;
    const patienceEndsNs = nowNs() + 500e6;
    while (!this.#branches.every((branch) => this.#ledger.isSettled(branch)) && nowNs() < patienceEndsNs)
      await new Promise((resolve) => setTimeout(resolve, 2));
    this.#turning = true;
    this.#turns += 1;
    this.#toldPositionS = -1;
    for (const branch of this.#branches) {
      const missing = this.#ledger.settle(branch);
      if (missing > 0) this.#dropped(branch, missing);
    }
    // The last frame keeps its full time on screen; going back takes a few milliseconds itself.
    const dueNs = this.#ledger.lastCaptureNs + 1e9 / (this.#shape?.framesPerSecond ?? 25) - 8e6;
    while (nowNs() < dueNs) await new Promise((resolve) => setTimeout(resolve, (dueNs - nowNs()) / 1e6));
    // Without a pause: a paused appsink would hold the flush that gdppay turns into a packet. The clock starts
    // again by itself when the first frame is there.
    if (!(await this.#seek(0, seekFlags.flush | seekFlags.segment))) return this.#again();
    this.#ledger.startClock(nowNs());
  }

  #capture(rawPtsNs: number | null, seenNs: number): LedgerEntry | null {
    let sourceFrame: number;
    let mediaNs: number;
    if (this.#producer !== null) {
      const frame = this.#pushed.shift();
      if (frame === undefined) return null;
      ({ index: sourceFrame, mediaNs, pass: this.#pass } = frame);
    } else {
      this.#zeroPtsNs ??= rawPtsNs ?? 0;
      const framesPerSecond = this.#shape?.framesPerSecond ?? 25;
      mediaNs =
        rawPtsNs === null || rawPtsNs - this.#zeroPtsNs < 0
          ? this.#lastMediaNs + (this.#framesThisPass === 0 ? 0 : Math.round(1e9 / framesPerSecond))
          : rawPtsNs - this.#zeroPtsNs;
      if (this.#framesThisPass === 0 && this.#request.resume !== null && this.#pass === this.#request.pass)
        [mediaNs, this.#nextSourceFrame] = resumedFrame(this.#request.resume, mediaNs, framesPerSecond);
      sourceFrame = this.#nextSourceFrame;
    }
    const entry = this.#ledger.capture({
      rawPtsNs,
      runningNs: this.#segment.baseNs + (rawPtsNs ?? this.#segment.startNs) - this.#segment.startNs,
      mediaNs,
      sourceFrame,
      pass: this.#pass,
      nowNs: seenNs,
    });
    this.#nextSourceFrame = sourceFrame + 1;
    this.#lastMediaNs = mediaNs;
    this.#framesThisPass += 1;
    this.#framesEver += 1;
    return entry;
  }

  async #onFrame(branch: Branch, packet: GdpPacket): Promise<void> {
    // One that comes after the end of its pass has been counted as missing, and the next pass has the same PTS.
    if (packet.kind !== 'buffer' || this.#turning) return;
    const pass = this.#turns;
    let match = this.#ledger.match(branch, packet.ptsNs);
    for (let turns = 0; match.kind === 'pending' && turns < pendingTurns; turns += 1) {
      await new Promise<void>((resolve) => this.#onEntry.push(resolve));
      if (pass !== this.#turns) return;
      match = this.#ledger.match(branch, packet.ptsNs);
    }
    if (match.kind !== 'frame') return;
    const encodedNs = nowNs();
    if (match.skipped > 0) this.#dropped(branch, match.skipped);
    if (!this.#formatSent) await new Promise<void>((resolve) => this.#onFormat.push(resolve));
    const { entry } = match;
    if (branch === 'display') {
      const size = jpegSize(packet.payload) ?? this.#size;
      if (size === null) return;
      await this.#outlet.frame('display', { ...entry, type: 'display', encodedNs, size }, packet.payload);
      return;
    }
    const size = this.#request.analysisSize;
    if (size === null) return;
    const rgb = unpadRows(packet.payload, size);
    // The launch string fixes the caps; a buffer of another length would be torn rows.
    if (rgb.length !== size.width * size.height * 3) return this.#dropped(branch, 1);
    await this.#outlet.frame('analysis', { ...entry, type: 'analysis', encodedNs: 0, size }, rgb);
  }

  #dropped(branch: Branch, count: number): void {
    this.#outlet.message({ kind: 'dropped', stage: dropStages[branch], count } satisfies ChildMessage);
  }

  // ---------------------------------------------------------------- format

  #maybeSendFormat(): void {
    if (!this.#formatSent && this.#shape !== null && this.#framesEver > 0) this.#sendFormat();
  }

  #sendFormat(): void {
    const shape = this.#shape;
    if (shape === null) return;
    const now = displaySize(shape, shape.pixelAspect);
    const first = this.#size === null;
    const size = (this.#size ??= now);
    const producer = this.#producer;
    const framesPerSecond = producer === null ? shape.framesPerSecond : producer.framesPerSecond;
    const container = this.#tags.get('container-format');
    const codec = this.#tags.get('video-codec');
    const parts = [
      producer?.description ?? [container, codec].filter((part) => part !== undefined).join(', '),
      shape.pixelAspect === '1/1' ? '' : `pixels of ${shape.pixelAspect} made square`,
      now.width === size.width && now.height === size.height
        ? ''
        : `picture changed to ${now.width} × ${now.height}, shown at ${size.width} × ${size.height}`,
    ];
    const message: ChildMessage = {
      kind: 'format',
      zeroPtsNs: this.#zeroPtsNs ?? 0,
      format: {
        size,
        framesPerSecond,
        pixelSpacingMm: producer?.pixelSpacingMm ?? null,
        frameCount: producer === null ? this.#countFrames(framesPerSecond) : producer.frameCount,
        description: parts.filter((part) => part !== '').join('; ') || this.#request.address.kind,
      },
    };
    this.#outlet.message(message);
    if (first && this.#request.displayQuality !== null) {
      // From here on the display keeps this size whatever the source does: prompts and masks stay valid.
      this.#element('displaysize')['caps'] =
        `video/x-raw,width=${size.width},height=${size.height},pixel-aspect-ratio=1/1`;
    }
    this.#formatSent = true;
    for (const resolve of this.#onFormat.splice(0)) resolve();
  }

  /** By the picture's duration; right for constant frame rates, the only case where it is given. */
  #countFrames(framesPerSecond: number | null): number | null {
    if (isLive(this.#request.address) || framesPerSecond === null) return null;
    const seconds = this.#promisedSeconds();
    return seconds === null ? null : Math.round(seconds * framesPerSecond);
  }

  // ---------------------------------------------------------------- pushed frames

  /** Keep appsrc filled with two frames; called whenever one has left. */
  #pushMore(): void {
    if (this.#producer === null || this.#pushing || this.#pushEnded || this.#over) return;
    this.#pushing = true;
    this.#pushWhileRoom(this.#producer)
      .catch((error: unknown) => this.#fail(failureOf(error, sourceName(this.#request.address))))
      .finally(() => (this.#pushing = false));
  }

  async #pushWhileRoom(producer: FrameProducer): Promise<void> {
    const source = this.#element('source') as AppSrc;
    while (!this.#over && Number(source['current-level-buffers']) < 2 && this.#pushed.length < 8) {
      if (producer.frameCount !== null && this.#pushIndex >= producer.frameCount) {
        this.#pushOffsetNs += producer.mediaNs(producer.frameCount);
        this.#pushIndex = 0;
        if (!this.#request.loop || producer.frameCount === 0) {
          this.#pushEnded = true;
          this.#pipeline?.sendEOS();
          return;
        }
        this.#pushPass += 1;
      }
      const index = this.#pushIndex;
      const rgb = await producer.frame(index);
      if (this.#over) return;
      const mediaNs = producer.mediaNs(index);
      const pts = Buffer.alloc(8);
      pts.writeBigUInt64BE(BigInt(Math.round(this.#pushOffsetNs + mediaNs)));
      this.#pushed.push({ index, mediaNs, pass: this.#pushPass });
      source.push(
        producer.pixelFormat === 'RGB' ? padRows(rgb, producer.size) : Buffer.from(rgb.buffer),
        pts,
      );
      this.#pushIndex += 1;
    }
  }

  // ---------------------------------------------------------------- end, loop, failure

  #onBus(message: BusMessage): void {
    if (this.#over) return;
    switch (message.type) {
      case 'async-done':
        this.#onPrerolled?.();
        return;
      case 'reset-time':
        this.#onFlushed?.();
        return;
      case 'eos':
        this.#busEos = true;
        this.#maybeEndOfPass();
        return;
      case 'state-changed':
        if (message._src_element_name?.startsWith('pipeline') === true)
          this.#up ||= ['GST_STATE_PAUSED', 'GST_STATE_PLAYING'].includes(String(message['new-state']));
        return;
      case 'error':
        this.#onBusError(message);
        return;
      case 'warning':
        if (saysNoPicture(message.debug ?? ''))
          this.#fail(noPicture(this.#request.address, this.#missingCodec));
        return;
      case 'decoder':
        // GStreamer's message of a missing plugin, which the addon names by what is missing.
        this.#missingCodec ??= missingPictureCodec({
          name: message.name ?? '',
          detail: String(message['detail']),
        });
        return;
      default:
        return;
    }
  }

  #onBusError(message: BusMessage): void {
    const { address } = this.#request;
    const failure = classifyBusError(address, {
      message: message.message ?? '',
      debug: message.debug ?? '',
      element: message._src_element_name ?? '',
    });
    if (isLive(address) || this.#framesEver === 0) this.#fail(failure);
    // A recording that broke off: what was read is shown, then its end is said clearly.
    else setTimeout(() => void this.#end(this.#lastMediaNs / 1e9), 200);
  }

  #maybeEndOfPass(): void {
    if (this.#over || !this.#busEos || this.#sinksOpen > 0) return;
    this.#busEos = false;
    // Frames of the last pulls may still wait for their turn in the event loop.
    setImmediate(() => void this.#endOfPass());
  }

  async #endOfPass(): Promise<void> {
    const { address, loop } = this.#request;
    if (this.#request.mode === 'live')
      for (const branch of this.#branches) {
        const missing = this.#ledger.settle(branch);
        if (missing > 0) this.#dropped(branch, missing);
      }
    if (isLive(address)) {
      this.#fail({
        code: 'SONO_SOURCE_STOPPED',
        details: { uri: sourceName(address) },
        cause: 'end of stream',
      });
      return;
    }
    if (this.#framesEver === 0) {
      this.#fail({
        code: 'SONO_SOURCE_NOT_VIDEO',
        details: { path: sourceName(address) },
        cause: 'no frame',
      });
      return;
    }
    const damagedAtS = this.#producer === null ? this.#missingTail() : null;
    if (!loop || this.#producer !== null || damagedAtS !== null) return this.#end(damagedAtS);
    // Looping goes by segments without an end of stream; a demuxer that cannot do that is started again.
    return this.#again();
  }

  async #again(): Promise<void> {
    this.#outlet.message({ kind: 'again' } satisfies ChildMessage);
    await this.#leave();
  }

  /**
   * Whether the pipeline stands at `seconds`. The addon's own answer is false whenever one sink refuses, as
   * gdppay does, so the proof is the flush, which comes with the seek or not at all. The preroll that follows takes as long
   * as it takes on a busy machine; one that never comes is the parent's to notice.
   */
  async #seek(seconds: number, flags: number): Promise<boolean> {
    const prerolled = this.#whenPrerolled();
    const flushed = new Promise<boolean>((resolve) => {
      // Where this process got no processor for so long the flush is on the bus: it is read before the immediate.
      const patience = setTimeout(() => setImmediate(() => resolve(false)), seekPatienceMs);
      this.#onFlushed = () => {
        clearTimeout(patience);
        this.#onFlushed = null;
        resolve(true);
      };
    });
    this.#pipeline?.seek(seconds, flags);
    if (!(await flushed)) return false;
    await prerolled;
    return true;
  }

  /** Seconds read of a recording whose container promised clearly more. */
  #missingTail(): number | null {
    const read = this.#lastMediaNs / 1e9;
    if (this.#pictureLength?.cut === true) return read;
    if (this.#pictureLength?.stamped === true) return null;
    const promised = this.#promisedSeconds();
    if (promised === null) return null;
    // Whole frames are missing where the picture's own tables promised them. A file whose first frames cannot be decoded
    // begins later and still comes to its end.
    const framesPerSecond = this.#shape?.framesPerSecond ?? null;
    const exact = (this.#pictureLength?.seconds ?? null) !== null && framesPerSecond !== null;
    const end = Math.max(read + (exact ? 1 / framesPerSecond : 0), this.#lastEndNs / 1e9);
    const tolerance = exact ? Math.max(3 / framesPerSecond, 0.1) : Math.max(1, promised * 0.02);
    return promised - (exact ? end : read) > tolerance ? read : null;
  }

  /** Length of the picture as the container has it, null where it does not. */
  #promisedSeconds(): number | null {
    return promisedSeconds(this.#pictureLength, this.#pipeline?.queryDuration() ?? -1);
  }

  async #end(damagedAtS: number | null): Promise<void> {
    if (this.#over) return;
    this.#outlet.message({ kind: 'ended', damagedAtS } satisfies ChildMessage);
    await this.#leave();
  }

  #fail(failure: Failure): void {
    if (this.#over) return;
    this.#outlet.message({ kind: 'failed', ...failure } satisfies ChildMessage);
    void this.#leave();
  }

  async #leave(): Promise<void> {
    this.#over = true;
    await this.#outlet.end();
    this.#quit();
  }

  stop(): void {
    this.#over = true;
    this.#quit();
  }

  /** A camera's session and a card are given back; a file has nothing of the kind, and stopping may wait for ever. */
  #quit(): void {
    leave(isLive(this.#request.address) ? this.#pipeline : null);
  }
}

/** process.exit hangs after some failed starts of the addon, so the last word is a signal. */
function leave(pipeline: Pipeline | null): void {
  pipeline?.stop();
  process.kill(process.pid, 'SIGKILL');
}

function failureOf(error: unknown, name: string): Failure {
  const code = error instanceof SonoError ? String(error.code) : '';
  if (error instanceof SonoError && isIngestCode(code))
    return { code, details: error.details, cause: error.cause instanceof Error ? error.cause.message : '' };
  const why = error instanceof Error ? error.message : String(error);
  return {
    code: 'SONO_SOURCE_FAILED',
    details: { uri: name, why },
    cause: error instanceof Error ? (error.stack ?? why) : why,
  };
}

/** The first line of standard input, which then stays open for as long as the parent wants this process. */
function readRequest(): Promise<ChildRequest> {
  return new Promise((resolve) => {
    let text = '';
    const giveUp = (): void => leave(null);
    const take = (part: string): void => {
      text += part;
      if (!text.endsWith('\n')) return;
      process.stdin.off('data', take);
      process.stdin.off('close', giveUp);
      resolve(JSON.parse(text) as ChildRequest);
    };
    process.stdin.setEncoding('utf8').on('data', take).once('close', giveUp);
  });
}

const request = await readRequest();
const pipe = new Socket({ fd: 3, readable: false, writable: true });
// The parent is gone or has let go of the pipe: there is nobody to work for.
pipe.on('error', () => process.kill(process.pid, 'SIGKILL'));
const session = new Session(request, pipe);
// Ctrl-C reaches the whole process group; the parent decides when this process ends.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => session.stop());
process.stdin.on('close', () => session.stop());
process.stdin.resume();
session.start().catch((error: unknown) => {
  const outlet = new Outlet(pipe, request.mode, () => undefined);
  outlet.message({
    kind: 'failed',
    ...failureOf(error, sourceName(request.address)),
  } satisfies ChildMessage);
  void outlet.end().then(() => leave(null));
});
