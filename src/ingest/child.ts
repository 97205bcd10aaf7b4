/**
 * The child process of one stream: owns the GStreamer pipeline and everything native, sends records to its parent
 * over file descriptor 3. It lives until its source ends or fails, its parent closes stdin, or it is killed; it
 * never repairs itself, because pipelines leak and a fresh process does not.
 */
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import type { AppSink, AppSrc, BusMessage, Element, Pipeline } from 'gstreamer-superficial';
import type { DropStage, PictureSize } from '../vocabulary/frame.js';
import { SonoError } from '../vocabulary/errors.js';
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
import { displayCaps, isPaced, launchString, type FedShape } from './launch.js';
import type { ChildMessage, ChildRequest } from './messages.js';
import { Outlet } from './outlet.js';
import type { FrameFeed } from './feed.js';
import { openFeed } from './open-feed.js';
import {
  displaySize,
  isFourToOne,
  jpegSize,
  narrowJpeg,
  parseCaps,
  type PictureShape,
} from './picture-format.js';
import { checkSource } from './preflight.js';
import { unpadRgb } from './sample-layout.js';
import { isFed, isLive } from './source-uri.js';

type Branch = 'display' | 'analysis';
const dropStages: Record<Branch, DropStage> = { display: 'display-queue', analysis: 'analysis-queue' };

/** Index entries after which a frame that still has none is given up. */
const pendingTurns = 16;
/** Time for a capture card to open. */
const devicePatienceMs = 3000;
/** Pictures that wait in appsrc; the pipeline's first queue holds three more. */
const fedAhead = 2;
/** A camera that plays shows its first whole picture within this time, or a person is told what is waited for. */
const keyPatienceMs = 800;
/** Without a frame for so long, the parent is told until when the next one is not due. */
const quietMs = 500;

const nowNs = (): number => Number(process.hrtime.bigint());

/** Which picture of its source a frame is. */
interface FrameOrigin {
  readonly sourceFrame: number;
  readonly mediaNs: number;
  readonly pass: number;
}

class Session {
  readonly #request: ChildRequest;
  readonly #outlet: Outlet;
  readonly #ledger: FrameLedger;
  readonly #branches: readonly Branch[];
  #pipeline: Pipeline | null = null;
  readonly #elements = new Map<string, Element>();
  /** null for cameras. */
  #feed: FrameFeed | null = null;

  /** Of cameras; a feed numbers its pictures itself. */
  #nextSourceFrame = 0;
  #zeroPtsNs: number | null = null;
  #segment: Segment = { startNs: 0, baseNs: 0 };
  #lastMediaNs = 0;
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
  #lastFrameNs = 0;
  #toldPositionS = -1;

  /** Frames pushed into appsrc and not yet seen by the index branch, in order. */
  readonly #pushed: FrameOrigin[] = [];
  #pushOffsetNs = 0;
  #fedThisPass = 0;
  /** Media time at which this life began within its pass. */
  #pushStartNs: number | null = null;
  /** Of a recording that broke off, once all of it has been read. */
  #damagedAtS: number | null = null;
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
    this.#pushPass = request.pass;
  }

  async start(): Promise<void> {
    const { address, mode, resume } = this.#request;
    if (isFed(address)) {
      this.#feed = await openFeed(address, resume, () =>
        this.#outlet.message({ kind: 'opening' } satisfies ChildMessage),
      );
      if (this.#over) return this.#feed.close();
      this.#learnShape(this.#feed);
    }
    const load = createRequire(import.meta.url);
    const { Pipeline: NativePipeline } = load('gstreamer-superficial') as { Pipeline: typeof Pipeline };
    try {
      this.#pipeline = new NativePipeline(
        launchString(address, { ...this.#request, mode, fed: this.#fedShape() }),
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
    const prerolled = this.#whenPrerolled();
    this.#pipeline.pause();
    this.#pullAll();
    this.#pushMore();
    await prerolled;
    await this.#filled();
    this.#play();
    if (isPaced(address, mode)) setInterval(() => this.#tellWait(), quietMs).unref();
  }

  /**
   * A file may hold a picture for a minute. The pace sink's position is that of the frame which waits there for its time, so
   * the parent learns how long nothing will come, and a pipeline that stands still is not taken for one that waits.
   */
  #tellWait(): void {
    if (this.#over || nowNs() - this.#lastFrameNs < quietMs * 1e6) return;
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
    const sinks = [...(this.#feed === null ? (['shape'] as const) : []), 'index', ...this.#branches] as const;
    this.#sinksOpen = sinks.length;
    for (const name of sinks) this.#pull(name, this.#element(name) as AppSink);
  }

  #pull(name: 'shape' | 'index' | Branch, sink: AppSink): void {
    sink.pull((buffer) => {
      if (this.#over) return;
      if (buffer === null) {
        this.#sinksOpen -= 1;
        this.#maybeEnd();
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

  /** A camera that plays and has shown nothing yet was joined between two key pictures. */
  #watchForKey(): void {
    setTimeout(() => {
      if (this.#framesEver === 0 && !this.#over)
        this.#outlet.message({ kind: 'key-awaited' } satisfies ChildMessage);
    }, keyPatienceMs);
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
      if (segment !== null) this.#segment = segment;
      for (const [key, value] of parseTags(packet.text)) this.#tags.set(key, value);
      return;
    }
    if (packet.kind !== 'buffer') return;
    const seenNs = nowNs();
    this.#lastFrameNs = seenNs;
    const entry = this.#capture(packet.ptsNs, seenNs);
    if (entry === null && this.#request.mode === 'live')
      this.#outlet.message({ kind: 'dropped', stage: 'source', count: 1 } satisfies ChildMessage);
    this.#maybeSendFormat();
    const waiting = this.#onEntry;
    this.#onEntry = [];
    for (const resolve of waiting) resolve();
    this.#pushMore();
  }

  #capture(rawPtsNs: number | null, seenNs: number): LedgerEntry | null {
    const { sourceFrame, mediaNs, pass } =
      this.#feed === null ? this.#cameraFrame(rawPtsNs) : this.#fedFrame();
    const entry = this.#ledger.capture({
      rawPtsNs,
      runningNs: this.#segment.baseNs + (rawPtsNs ?? this.#segment.startNs) - this.#segment.startNs,
      mediaNs,
      sourceFrame,
      pass,
      nowNs: seenNs,
    });
    this.#nextSourceFrame = sourceFrame + 1;
    this.#lastMediaNs = mediaNs;
    this.#framesEver += 1;
    return entry;
  }

  #cameraFrame(rawPtsNs: number | null): FrameOrigin {
    this.#zeroPtsNs ??= rawPtsNs ?? 0;
    const stepNs = Math.round(1e9 / (this.#shape?.framesPerSecond ?? 25));
    const mediaNs =
      rawPtsNs === null || rawPtsNs < this.#zeroPtsNs
        ? this.#lastMediaNs + (this.#framesEver === 0 ? 0 : stepNs)
        : rawPtsNs - this.#zeroPtsNs;
    return { sourceFrame: this.#nextSourceFrame, mediaNs, pass: this.#request.pass };
  }

  /** Nothing between appsrc and the index branch drops, so the order says which picture this is. */
  #fedFrame(): FrameOrigin {
    const frame = this.#pushed.shift();
    if (frame === undefined) throw new Error('a picture came out that was never put in');
    return frame;
  }

  async #onFrame(branch: Branch, packet: GdpPacket): Promise<void> {
    if (packet.kind !== 'buffer') return;
    let match = this.#ledger.match(branch, packet.ptsNs);
    for (let turns = 0; match.kind === 'pending' && turns < pendingTurns; turns += 1) {
      await new Promise<void>((resolve) => this.#onEntry.push(resolve));
      match = this.#ledger.match(branch, packet.ptsNs);
    }
    if (match.kind !== 'frame') return;
    const encodedNs = nowNs();
    if (match.skipped > 0) this.#dropped(branch, match.skipped);
    if (!this.#formatSent) await new Promise<void>((resolve) => this.#onFormat.push(resolve));
    const { entry } = match;
    if (branch === 'display') {
      if (this.#feed !== null && this.#feed.layout.paddedWidth !== this.#feed.size.width)
        narrowJpeg(packet.payload, this.#feed.size.width);
      const size = jpegSize(packet.payload) ?? this.#size;
      if (size === null) return;
      await this.#outlet.frame('display', { ...entry, type: 'display', encodedNs, size }, packet.payload);
      return;
    }
    const size = this.#request.analysisSize;
    if (size === null) return;
    const rgb = unpadRgb(packet.payload, size);
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
    const feed = this.#feed;
    const container = this.#tags.get('container-format');
    const codec = this.#tags.get('video-codec');
    const parts = [
      feed?.format.description ?? [container, codec].filter((part) => part !== undefined).join(', '),
      shape.pixelAspect === '1/1' ? '' : `pixels of ${shape.pixelAspect} made square`,
      now.width === size.width && now.height === size.height
        ? ''
        : `picture changed to ${now.width} × ${now.height}, shown at ${size.width} × ${size.height}`,
    ];
    const message: ChildMessage = {
      kind: 'format',
      zeroPtsNs: feed?.zeroPtsNs ?? this.#zeroPtsNs ?? 0,
      format: {
        size,
        framesPerSecond: feed === null ? shape.framesPerSecond : feed.format.framesPerSecond,
        pixelSpacingMm: feed?.format.pixelSpacingMm ?? null,
        frameCount: feed?.format.frameCount ?? null,
        description: parts.filter((part) => part !== '').join('; ') || this.#request.address.kind,
      },
    };
    this.#outlet.message(message);
    if (first && feed === null && this.#request.displayQuality !== null) {
      // From here on the display keeps this size whatever the source does: prompts and masks stay valid.
      this.#element('displaysize')['caps'] =
        `video/x-raw,width=${size.width},height=${size.height},pixel-aspect-ratio=1/1`;
    }
    this.#formatSent = true;
    for (const resolve of this.#onFormat.splice(0)) resolve();
  }

  /** A feed's shape is known before its first picture and stays; what it learns later is told as news. */
  #learnShape(feed: FrameFeed): void {
    this.#shape = {
      ...feed.size,
      pixelAspect: '1/1',
      framesPerSecond: feed.format.framesPerSecond,
      pixelFormat: feed.pixelFormat,
    };
    feed.onNews = () => {
      if (this.#formatSent) this.#sendFormat();
    };
  }

  #fedShape(): FedShape | null {
    const feed = this.#feed;
    if (feed === null) return null;
    const { size, layout, pixelFormat, colorimetry, format } = feed;
    return {
      size,
      paddedWidth: layout.paddedWidth,
      pixelFormat,
      colorimetry,
      framesPerSecond: format.framesPerSecond,
    };
  }

  // ---------------------------------------------------------------- pushed frames

  /** Keep appsrc filled; called whenever a picture has left. */
  #pushMore(): void {
    if (this.#feed === null || this.#pushing || this.#pushEnded || this.#over) return;
    this.#pushing = true;
    this.#pushWhileRoom(this.#feed)
      .catch((error: unknown) => this.#fail(failureOf(error, sourceName(this.#request.address))))
      .finally(() => (this.#pushing = false));
  }

  async #pushWhileRoom(feed: FrameFeed): Promise<void> {
    const source = this.#element('source') as AppSrc;
    while (!this.#over && Number(source['current-level-buffers']) < fedAhead && this.#pushed.length < 8) {
      const picture = await feed.next();
      if (this.#over) return;
      if (picture === null) {
        this.#damagedAtS = feed.missingTail();
        // A recording that breaks off is said to, before it begins again; a source without a picture never ends.
        if (!this.#request.loop || this.#damagedAtS !== null || this.#fedThisPass === 0) {
          this.#pushEnded = true;
          this.#pipeline?.sendEOS();
          return;
        }
        this.#pushOffsetNs += feed.endNs - (this.#pushStartNs ?? 0);
        this.#pushStartNs = 0;
        this.#pushPass += 1;
        this.#fedThisPass = 0;
        feed.rewind();
        continue;
      }
      this.#fedThisPass += 1;
      // PTS start at 0 in each life; media time is kept by our own list.
      this.#pushStartNs ??= picture.mediaNs;
      const pts = Buffer.alloc(8);
      pts.writeBigUInt64BE(BigInt(Math.round(this.#pushOffsetNs + picture.mediaNs - this.#pushStartNs)));
      this.#pushed.push({ sourceFrame: picture.index, mediaNs: picture.mediaNs, pass: this.#pushPass });
      source.push(picture.data, pts);
    }
  }

  // ---------------------------------------------------------------- end, loop, failure

  #onBus(message: BusMessage): void {
    if (this.#over) return;
    switch (message.type) {
      case 'async-done':
        this.#onPrerolled?.();
        return;
      case 'eos':
        this.#busEos = true;
        this.#maybeEnd();
        return;
      case 'GST_PROGRESS_TYPE_COMPLETE':
        // rtspsrc's word that the camera has agreed to play; the addon gives the kind of progress as the type.
        if (message['code'] === 'request') this.#watchForKey();
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

  #maybeEnd(): void {
    if (this.#over || !this.#busEos || this.#sinksOpen > 0) return;
    this.#busEos = false;
    // Frames of the last pulls may still wait for their turn in the event loop.
    setImmediate(() => this.#onEnd());
  }

  #onEnd(): void {
    const { address } = this.#request;
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
    void this.#end(this.#damagedAtS);
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
    this.#feed?.close();
    await this.#outlet.end();
    this.#quit();
  }

  stop(): void {
    this.#over = true;
    this.#feed?.close();
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
let session: Session | null = null;
const stop = (): void => {
  if (session === null) leave(null);
  else session.stop();
};
// Ctrl-C reaches the whole process group; the parent decides when this process ends.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', stop);
process.stdin.on('close', stop);
process.stdin.resume();

async function begin(): Promise<void> {
  // Here and not in the main process: a share that hangs holds this process only.
  const address = await checkSource(request.address);
  session = new Session({ ...request, address }, pipe);
  await session.start();
}

begin().catch((error: unknown) => {
  const outlet = new Outlet(pipe, request.mode, () => undefined);
  outlet.message({
    kind: 'failed',
    ...failureOf(error, sourceName(request.address)),
  } satisfies ChildMessage);
  void outlet.end().then(() => leave(null));
});
