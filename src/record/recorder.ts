/**
 * Records rooms into one MCAP file: the channels of the wire (`/<stream>/video`, `segmentation`, `outlines`, `measurements`, `health`) plus
 * `/<stream>/journal` and `/<stream>/analysis`, from which the run can be repeated exactly. Runs in the main process.
 *
 *   const recorder = await Recorder.create(path, { version, onFailure });
 *   const stream = recorder.open(room);                 // subscribes to the room's events
 *   journaledEngine.attach(stream);                     // the engine's calls, see engine-journal.ts
 *   …
 *   await recorder.close();                             // summary; throws what went wrong
 *
 * Nothing is left out silently: what waits (pictures being packed, chunks on their way to the disk) is bounded, and
 * when a bound is reached the recording ends with a coded error through `onFailure`, so that the room says so.
 */
import type { Subscription } from 'rxjs';
import { unixNowNs } from '../node/clock.js';
import type { SonoError } from '../vocabulary/errors.js';
import { codedFault, reasonOf } from '../vocabulary/faults.js';
import type { AnalysisFrame, SourceFormat } from '../vocabulary/frame.js';
import { wireTimeNs } from '../protocol/channels.js';
import type { ChannelKind } from '../protocol/channels.js';
import { healthMessage, roomMessages } from '../protocol/room-messages.js';
import type { RoomMessage, WireEvent } from '../protocol/room-messages.js';
import { wireFormat } from '../protocol/source-format.js';
import type { OutputRoom, RoomFeed, RoomOutput } from '../outputs/output.js';
import { encodeAnalysisPicture } from './analysis-picture.js';
import { recordError } from './errors.js';
import { encodeEntry, journalJsonSchema, recordingFormat, recordingMetadataName } from './journal.js';
import type { JournalEntry } from './journal.js';
import type { JournalSink } from './engine-journal.js';
import { McapFileWriter } from './mcap-writer.js';
import type { McapWriterOptions } from './mcap-writer.js';
import { protobufChannel } from './protobuf-channel.js';

/** A room that can be recorded: its whole format goes into the journal. */
interface RecordableRoom extends OutputRoom {
  readonly format: SourceFormat | null;
}

interface RecorderOptions extends Partial<McapWriterOptions> {
  /** Version of sonoscope. */
  readonly version: string;
  /**
   * Keep the pictures that the network saw, without loss, so that the run can be repeated exactly. About as large
   * as the display pictures. Default true.
   */
  readonly exact?: boolean;
  /** Most analysed frames that may wait to be packed. */
  readonly pendingFrames?: number;
  /** Called once, when the recording has to end early. */
  readonly onFailure: (error: SonoError) => void;
}

/** About four seconds at 25 frames per second, 35 MB of 448×256 pictures. */
const defaultPendingFrames = 100;

export class Recorder implements RoomOutput<RecordableRoom> {
  readonly name = 'recording';
  readonly #writer: McapFileWriter;
  readonly #options: RecorderOptions;
  readonly #streams: StreamRecorder[] = [];
  #failure: SonoError | null = null;
  #closed: Promise<RecordingSummary> | null = null;

  private constructor(writer: McapFileWriter, options: RecorderOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  /** Throws SONO_RECORD_EXISTS, SONO_RECORD_NOT_WRITABLE, SONO_RECORD_DISK_FULL. */
  static async create(path: string, options: RecorderOptions): Promise<Recorder> {
    // The writer may fail at any time after its creation, hence the way round.
    let recorder: Recorder | null = null;
    const { version, onFailure } = options;
    const writer = await McapFileWriter.create(
      path,
      { ...options, library: `sonoscope ${version}` },
      (error) => (recorder ? recorder.#fail(error) : onFailure(error)),
    );
    recorder = new Recorder(writer, options);
    writer.addMetadata(recordingMetadataName, {
      format: String(recordingFormat),
      version,
      exact: String(options.exact ?? true),
    });
    return recorder;
  }

  get path(): string {
    return this.#writer.path;
  }

  get bytes(): number {
    return this.#writer.bytes;
  }

  /** Why the recording ended early; null while all is well. */
  get failure(): SonoError | null {
    return this.#failure ?? this.#writer.failure;
  }

  get recording(): boolean {
    return this.failure === null && this.#closed === null;
  }

  /** Record a room from now on. */
  open(room: RecordableRoom): StreamRecorder {
    const stream = new StreamRecorder(room, this.#writer, {
      exact: this.#options.exact ?? true,
      pendingFrames: this.#options.pendingFrames ?? defaultPendingFrames,
      onOverflow: () => this.#fail(recordError('SONO_RECORD_OVERFLOW', { path: this.path })),
      onFault: (error) =>
        this.#fail(
          codedFault('recorder', room.id, error, (cause) =>
            recordError('SONO_RECORD_FAILED', { path: this.path, reason: reasonOf(cause) }, cause),
          ),
        ),
    });
    this.#streams.push(stream);
    return stream;
  }

  /** End the recording: pack what waits, write the summary. Throws the failure that ended it early, if any. */
  close(): Promise<RecordingSummary> {
    this.#closed ??= (async () => {
      for (const stream of this.#streams) await stream.close();
      await this.#writer.close();
      if (this.#failure) throw this.#failure;
      return { path: this.path, bytes: this.bytes };
    })();
    return this.#closed;
  }

  #fail(error: SonoError): void {
    if (this.#failure) return;
    this.#failure = error;
    for (const stream of this.#streams) stream.stop();
    this.#options.onFailure(error);
  }
}

interface RecordingSummary {
  readonly path: string;
  readonly bytes: number;
}

interface StreamRecorderOptions {
  readonly exact: boolean;
  readonly pendingFrames: number;
  readonly onOverflow: () => void;
  /** Something unexpected: the recording ends, because a gap in it could not be seen later. */
  readonly onFault: (error: unknown) => void;
}

/** One room of a recording. */
class StreamRecorder implements JournalSink, RoomFeed {
  readonly #room: RecordableRoom;
  readonly #writer: McapFileWriter;
  readonly #options: StreamRecorderOptions;
  readonly #subscription: Subscription;
  readonly #channels: Readonly<Record<RecordedChannel, number>>;
  /** PTS of pictures already on the analysis channel, newest last. */
  #written: number[] = [];
  #tail: Promise<void> = Promise.resolve();
  #pending = 0;
  #stopped = false;
  #source = '';
  #drops: Readonly<Record<string, number>> = {};

  constructor(room: RecordableRoom, writer: McapFileWriter, options: StreamRecorderOptions) {
    this.#room = room;
    this.#writer = writer;
    this.#options = options;
    // All channels exist from the first chunk on, so that a viewer of a cut file knows them.
    this.#channels = Object.fromEntries(
      recordedChannels.map((kind) => [kind, addChannel(writer, room.id, kind)]),
    ) as Record<RecordedChannel, number>;
    this.#subscription = room.events$.subscribe((event) => {
      if (this.#stopped) return;
      try {
        this.#take(event);
      } catch (error) {
        this.#options.onFault(error);
      }
    });
  }

  entry(entry: JournalEntry, frame: AnalysisFrame | null): void {
    if (this.#stopped) return;
    if (this.#pending >= this.#options.pendingFrames) {
      this.#options.onOverflow();
      return;
    }
    this.#describeSource();
    const ptsNs = frame?.ptsNs ?? this.#written.at(-1) ?? 0;
    const needsPicture = frame !== null && this.#options.exact && !this.#written.includes(frame.ptsNs);
    if (needsPicture) {
      this.#written.push(frame.ptsNs);
      if (this.#written.length > 512) this.#written = this.#written.slice(-256);
    }
    // Packed by the thread pool while the chain keeps the order: a picture stands before the entry that names it.
    const packed = needsPicture ? encodeAnalysisPicture(frame, this.#time(ptsNs)) : null;
    this.#pending += 1;
    packed?.catch(() => undefined);
    this.#tail = this.#tail.then(async () => {
      try {
        const picture = await packed;
        if (picture) this.#add('analysis', this.#time(ptsNs), picture);
        this.#add('journal', this.#time(ptsNs), encodeEntry(entry));
      } catch (error) {
        this.#options.onFault(error);
      } finally {
        this.#pending -= 1;
      }
    });
  }

  /** Take no more; what waits is still written. */
  stop(): void {
    this.#stopped = true;
    this.#subscription.unsubscribe();
  }

  async close(): Promise<void> {
    this.stop();
    await this.#tail;
  }

  #take(event: WireEvent): void {
    this.#describeSource();
    if (event.kind === 'held') {
      this.entry({ op: 'held', held: event.held }, null);
      return;
    }
    if (event.kind !== 'health') {
      roomMessages(event, this.#room).forEach((message) => this.#keep(message));
      return;
    }
    const { drops } = event.health;
    this.#keep(healthMessage(event.health, this.#room, unixNowNs(), 0));
    const more = Object.entries(drops)
      .map(([stage, count]) => [stage, count - (this.#drops[stage] ?? 0)] as const)
      .filter(([, count]) => count !== 0);
    if (more.length > 0) this.entry({ op: 'drops', drops: Object.fromEntries(more) }, null);
    this.#drops = { ...drops };
  }

  #keep({ kind, timestampNs, bytes }: RoomMessage): void {
    this.#add(kind, timestampNs, bytes);
  }

  /** Says what the stream shows whenever that has changed. */
  #describeSource(): void {
    const { sourceUri, label, epochUnixNs, format } = this.#room;
    const entry: JournalEntry = {
      op: 'source',
      uri: sourceUri,
      label,
      epochUnixNs: String(epochUnixNs),
      format: format && wireFormat(format),
    };
    const text = JSON.stringify(entry);
    if (text === this.#source) return;
    this.#source = text;
    this.entry(entry, null);
  }

  #time(ptsNs: number): bigint {
    return wireTimeNs(this.#room.epochUnixNs, ptsNs);
  }

  #add(kind: RecordedChannel, timeNs: bigint, data: Uint8Array): void {
    this.#writer.add(this.#channels[kind], timeNs, data);
  }
}

function addChannel(writer: McapFileWriter, streamId: string, kind: RecordedChannel): number {
  const topic = `/${streamId}/${kind}`;
  if (kind === 'journal') {
    const data = Buffer.from(JSON.stringify(journalJsonSchema));
    const schema = { name: journalJsonSchema.title, encoding: 'jsonschema', data };
    return writer.addChannel({ topic, messageEncoding: 'json', schema });
  }
  return writer.addChannel(protobufChannel(topic, kind === 'analysis' ? 'video' : kind));
}

type RecordedChannel = ChannelKind | 'journal' | 'analysis';
const recordedChannels = [
  'video',
  'segmentation',
  'outlines',
  'measurements',
  'health',
  'analysis',
  'journal',
] as const satisfies readonly RecordedChannel[];
