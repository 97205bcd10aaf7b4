/**
 * The life of one pipeline in the child process of a stream: brings it up, sends what its branches deliver to the parent, and says
 * how it ended. It never repairs itself, because pipelines leak and a fresh process does not.
 */
import type { BusMessage } from 'gstreamer-superficial';
import { monotonicNs } from '../node/clock.js';
import {
  classifyBusError,
  failureOf,
  missingPictureCodec,
  noPicture,
  saysNoPicture,
  sourceName,
  type Failure,
} from './bus-errors.js';
import { fedShapeOf, type FrameFeed } from './feed.js';
import { FormatTeller } from './format-teller.js';
import { FrameIndex } from './frame-index.js';
import type { FrameWriter } from './frame-writer.js';
import type { GdpPacket } from './gdp.js';
import { isPaced, launchString } from './launch.js';
import type { ChildMessage, ChildRequest, Damage } from './messages.js';
import { NativePipeline, type SinkName } from './native-pipeline.js';
import { jpegSize, narrowJpeg } from './picture-format.js';
import { Pusher } from './pusher.js';
import { unpadRgb } from './sample-layout.js';
import { isLive } from './source-uri.js';
import type { ClockPlace } from './stream-clock.js';

type Branch = 'display' | 'analysis';

/** Time for a capture card to open. */
const devicePatienceMs = 3000;
/** A camera that plays shows its first whole picture within this time, or a person is told what is waited for. */
const keyPatienceMs = 800;
/** After this time without a frame the parent is told when the next one is due. */
const quietMs = 500;
/** What a recording that broke off still has in its branches is shown within this time. */
const brokenOffMs = 200;

export class Session {
  readonly #request: ChildRequest;
  readonly #writer: FrameWriter;
  readonly #branches: readonly Branch[];
  readonly #onOver: (pipeline: NativePipeline) => void;
  readonly #pipeline: NativePipeline;
  /** Both null for cameras. */
  readonly #feed: FrameFeed | null;
  readonly #pusher: Pusher | null;
  readonly #index: FrameIndex;
  readonly #format: FormatTeller;

  #sinksOpen = 0;
  #busEos = false;
  /** The pipeline has reached PAUSED. */
  #up = false;
  /** Of pictures that were found and cannot be decoded here. */
  #missingCodec: string | null = null;
  #ending = false;
  #over = false;
  #onPrerolled: (() => void) | null = null;
  #toldPositionS = -1;

  /**
   * @param feed of a source that is no camera
   * @param onOver everything has been said: give the pipeline back where that is needed, and end the process
   * @throws LaunchError
   */
  constructor(
    request: ChildRequest,
    feed: FrameFeed | null,
    writer: FrameWriter,
    onOver: (pipeline: NativePipeline) => void,
  ) {
    const { address, mode, loop } = request;
    this.#request = request;
    this.#feed = feed;
    this.#writer = writer;
    this.#onOver = onOver;
    this.#branches = [
      ...(request.displayQuality === null ? [] : (['display'] as const)),
      ...(request.analysisSize === null ? [] : (['analysis'] as const)),
    ];
    const launch = launchString(address, { ...request, fed: feed && fedShapeOf(feed) });
    const pipeline = new NativePipeline(launch, (message) => this.#onBus(message));
    const pusher = feed && new Pusher(feed, loop, pipeline, (error) => this.#fail(failureOf(error, address)));
    this.#pipeline = pipeline;
    this.#pusher = pusher;
    this.#index = new FrameIndex({ mode, paced: isPaced(address, mode) }, pusher && (() => pusher.shift()));
    this.#format = new FormatTeller(request, feed, pipeline, (format) =>
      this.#say({ kind: 'format', format, zeroPtsNs: feed?.zeroPtsNs ?? this.#index.zeroPtsNs }),
    );
  }

  async start(): Promise<void> {
    const { address, mode } = this.#request;
    if (this.#pusher === null) {
      this.#play();
      this.#pullAll();
      if (address.kind === 'v4l2' || address.kind === 'decklink') this.#watchDevice(sourceName(address));
      return;
    }
    const prerolled = new Promise<void>((resolve) => (this.#onPrerolled = resolve));
    this.#pipeline.pause();
    this.#pullAll();
    this.#pusher.more();
    await prerolled;
    await this.#pipeline.filled(() => this.#over);
    this.#play();
    if (isPaced(address, mode)) setInterval(() => this.#tellWait(), quietMs).unref();
  }

  /** The source is in charge of its stream, whose clock stands here. */
  join(place: ClockPlace): void {
    this.#index.join(place);
  }

  /** Nobody wants anything any more. */
  stop(): void {
    this.#over = true;
    this.#pusher?.close();
    this.#onOver(this.#pipeline);
  }

  #play(): void {
    this.#index.ledger.startClock(monotonicNs());
    this.#pipeline.play();
  }

  /**
   * A file may hold a picture for a minute. The pace sink's position is that of the frame which waits there for its time, so
   * the parent learns how long nothing will come, and a pipeline that stands still is not taken for one that waits.
   */
  #tellWait(): void {
    const nowNs = monotonicNs();
    if (this.#over || nowNs - this.#index.lastSeenNs < quietMs * 1e6) return;
    const positionS = this.#pipeline.positionS;
    const dueNs = this.#index.dueNs(positionS);
    if (positionS <= this.#toldPositionS || dueNs === null || dueNs <= nowNs) return;
    this.#toldPositionS = positionS;
    this.#say({ kind: 'waiting', untilNs: Math.round(dueNs) });
  }

  /** A device that cannot be opened stops the pipeline on its way up, often without a word on the bus. */
  #watchDevice(device: string): void {
    setTimeout(() => {
      if (this.#up || this.#index.count > 0) return;
      const cause = 'the device could not be opened';
      this.#fail({ code: 'SONO_SOURCE_DEVICE_ABSENT', details: { device }, cause });
    }, devicePatienceMs);
  }

  /** A camera that plays and has shown nothing yet was joined between two key pictures. */
  #watchForKey(): void {
    setTimeout(() => {
      if (this.#index.count === 0 && !this.#over) this.#say({ kind: 'key-awaited' });
    }, keyPatienceMs);
  }

  // ---------------------------------------------------------------- branches

  #pullAll(): void {
    const sinks: SinkName[] = [
      ...(this.#feed === null ? (['shape'] as const) : []),
      'index',
      ...this.#branches,
    ];
    this.#sinksOpen = sinks.length;
    for (const name of sinks) this.#pull(name);
  }

  #pull(name: SinkName): void {
    this.#pipeline.pull(name, (packet) => {
      if (this.#over) return;
      if (packet === null) {
        this.#sinksOpen -= 1;
        this.#maybeEnd();
      } else if (name === 'shape' || name === 'index') {
        if (name === 'shape') this.#onShape(packet);
        else this.#onIndex(packet);
        this.#pull(name);
      } else if (this.#request.mode === 'live' && this.#index.hasJoined) {
        // The next pull is armed first: it blocks in another thread while this frame is sent.
        this.#pull(name);
        void this.#onFrame(name, packet);
      } else {
        // Until this frame is sent the others wait in the sink, which is bounded: two or four of them.
        void this.#onFrame(name, packet).then(() => this.#pull(name));
      }
    });
  }

  #onShape(packet: GdpPacket): void {
    if (packet.kind === 'buffer') this.#pipeline.setGate(false);
    if (packet.kind === 'caps') this.#format.onCaps(packet.text);
  }

  #onIndex(packet: GdpPacket): void {
    if (packet.kind === 'event') {
      this.#index.onEvent(packet.text);
      this.#format.onTags(packet.text);
    }
    if (packet.kind !== 'buffer') return;
    const isKnown = this.#index.capture(packet.ptsNs, this.#format.framesPerSecond);
    if (!isKnown && this.#request.mode === 'live') this.#say({ kind: 'dropped', stage: 'source', count: 1 });
    this.#format.onFrame();
    this.#pusher?.more();
  }

  async #onFrame(branch: Branch, packet: GdpPacket): Promise<void> {
    if (packet.kind !== 'buffer') return;
    const seenNs = monotonicNs();
    const found = await this.#index.find(branch, packet.ptsNs);
    if (found === null) return;
    const { frame, skipped } = found;
    this.#writer.dropped(branch, skipped);
    if (branch === 'display') {
      const { payload: data } = packet;
      const feed = this.#feed;
      if (feed !== null && feed.layout.paddedWidth !== feed.size.width) narrowJpeg(data, feed.size.width);
      const size = jpegSize(data) ?? this.#format.size;
      if (size === null) return;
      const encodedNs = Math.max(seenNs, frame.decodedNs);
      await this.#writer.frame({
        kind: 'display',
        frame: { ...frame, encoding: 'jpeg', size, data, encodedNs },
      });
      return;
    }
    const size = this.#request.analysisSize;
    if (size === null) return;
    const data = unpadRgb(packet.payload, size);
    // The launch string fixes the caps; a buffer of another length would be torn rows.
    if (data.length !== size.width * size.height * 3) return this.#writer.dropped(branch, 1);
    await this.#writer.frame({ kind: 'analysis', frame: { ...frame, size, data } });
  }

  // ---------------------------------------------------------------- end and failure

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
    if (isLive(address) || this.#index.count === 0) this.#fail(failure);
    // A recording that broke off: what was read is shown, then its end is said clearly.
    else setTimeout(() => this.#end({ kind: 'broke-off', atS: this.#index.lastMediaNs / 1e9 }), brokenOffMs);
  }

  #maybeEnd(): void {
    if (this.#over || !this.#busEos || this.#sinksOpen > 0) return;
    this.#busEos = false;
    const { address } = this.#request;
    const uri = sourceName(address);
    if (isLive(address))
      this.#fail({ code: 'SONO_SOURCE_STOPPED', details: { uri }, cause: 'end of stream' });
    else if (this.#index.count === 0 && this.#request.resume === null)
      this.#fail({ code: 'SONO_SOURCE_NOT_VIDEO', details: { path: uri }, cause: 'no frame' });
    else this.#end(this.#pusher?.damage ?? null);
  }

  #end(damage: Damage | null): void {
    this.#leave({ kind: 'ended', damage });
  }

  #fail(failure: Failure): void {
    this.#leave({ kind: 'failed', ...failure });
  }

  /** Says the last word, behind the frames that wait for their turn in the event loop or for the stream's clock. */
  #leave(verdict: Extract<ChildMessage, { kind: 'ended' | 'failed' }>): void {
    if (this.#ending || this.#over) return;
    this.#ending = true;
    const isAnswered = this.#format.size ? this.#index.joined : Promise.resolve();
    void isAnswered.then(() =>
      setImmediate(() => {
        if (this.#over) return;
        if (this.#request.mode === 'live')
          for (const branch of this.#branches)
            this.#writer.dropped(branch, this.#index.ledger.settle(branch));
        this.#say(verdict);
        this.#over = true;
        this.#pusher?.close();
        void this.#writer.end().then(() => this.#onOver(this.#pipeline));
      }),
    );
  }

  #say(message: ChildMessage): void {
    this.#writer.message(message);
  }
}
