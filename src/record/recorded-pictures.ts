/**
 * The picture channels of an MCAP file, ours or another program's: on any topic, as `foxglove.CompressedImage` (protobuf or
 * JSON) or as CompressedImage of ROS 1 and ROS 2. Each channel is a stream. Pure but for the JPEG that is made of PNG and WebP.
 */
import { base64Decode } from '@bufbuild/protobuf/wire';
import sharp from 'sharp';
import { z } from 'zod';
import { decodeVideo } from '../protocol/messages.js';
import type { McapFileReader, RecordedChannel, RecordedMessage } from './mcap-reader.js';
import { recordError } from './errors.js';

interface RecordedPicture {
  /** What the message says about when the picture was taken, Unix ns; 0 where it says nothing. */
  readonly timestampNs: bigint;
  /** A picture file, JPEG as a rule; a view into the message. */
  readonly data: Uint8Array;
}

export interface PictureChannel {
  /** Id of the stream: of `/theatre/video` "theatre", of another topic all of it without the leading slash. */
  readonly stream: string;
  readonly topic: string;
  /** Of the recording. */
  readonly path: string;
  /** Throws SONO_RECORDING_MESSAGE for a message that is none. */
  readonly decode: (message: Uint8Array) => RecordedPicture;
}

const jsonPicture = z.object({
  timestamp: z
    .object({ sec: z.number().int().nonnegative(), nsec: z.number().int().nonnegative() })
    .nullish(),
  data: z.string(),
});

const nsOf = (seconds: number, nanoseconds: number): bigint =>
  BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);

function decodeJson(message: Uint8Array): RecordedPicture {
  const { timestamp, data } = jsonPicture.parse(JSON.parse(Buffer.from(message).toString('utf8')));
  // Without a time of its own a picture has the one at which it was recorded.
  return { timestampNs: timestamp ? nsOf(timestamp.sec, timestamp.nsec) : 0n, data: base64Decode(data) };
}

/** Fields of ROS messages one after the other; RangeError where the message ends too early. */
class RosReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #little: boolean;
  /** CDR (ROS 2) puts each number at a multiple of its size, counted from behind its four bytes of header. */
  readonly #cdr: boolean;
  #at: number;

  constructor(message: Uint8Array, cdr: boolean) {
    this.#bytes = message;
    this.#view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    this.#cdr = cdr;
    // The second byte of the header names the encoding; odd ones are little-endian.
    this.#little = cdr ? this.#view.getUint8(1) % 2 === 1 : true;
    this.#at = cdr ? 4 : 0;
  }

  uint32(): number {
    if (this.#cdr) this.#at = 4 + Math.ceil((this.#at - 4) / 4) * 4;
    const value = this.#view.getUint32(this.#at, this.#little);
    this.#at += 4;
    return value;
  }

  /** A string or an array of bytes: its length, then that many bytes. */
  bytes(): Uint8Array {
    const length = this.uint32();
    if (this.#at + length > this.#bytes.byteLength) throw new RangeError('the message ends too early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** sensor_msgs/CompressedImage: header (ROS 1 with a sequence number; stamp, frame_id), format, data. */
function decodeSensorMessage(message: Uint8Array, cdr: boolean): RecordedPicture {
  const reader = new RosReader(message, cdr);
  if (!cdr) reader.uint32();
  const timestampNs = nsOf(reader.uint32(), reader.uint32());
  reader.bytes();
  reader.bytes();
  return { timestampNs, data: reader.bytes() };
}

/** foxglove_msgs/CompressedImage: timestamp, frame_id, data, format. */
function decodeFoxgloveMessage(message: Uint8Array, cdr: boolean): RecordedPicture {
  const reader = new RosReader(message, cdr);
  const timestampNs = nsOf(reader.uint32(), reader.uint32());
  reader.bytes();
  return { timestampNs, data: reader.bytes() };
}

/** "message encoding, schema" → decoder. */
const decoders: ReadonlyMap<string, PictureChannel['decode']> = new Map<string, PictureChannel['decode']>([
  ['protobuf foxglove.CompressedImage', decodeVideo],
  ['json foxglove.CompressedImage', decodeJson],
  ['ros1 sensor_msgs/CompressedImage', (message) => decodeSensorMessage(message, false)],
  ['cdr sensor_msgs/msg/CompressedImage', (message) => decodeSensorMessage(message, true)],
  ['ros1 foxglove_msgs/CompressedImage', (message) => decodeFoxgloveMessage(message, false)],
  ['cdr foxglove_msgs/msg/CompressedImage', (message) => decodeFoxgloveMessage(message, true)],
]);

const decoderOf = ({ messageEncoding, schemaName }: RecordedChannel): PictureChannel['decode'] | null =>
  decoders.get(`${messageEncoding} ${schemaName}`) ?? null;

/** In the order of their channels. Depth pictures of ROS are no pictures: their bytes begin with a header of their own. */
export function pictureChannels(reader: McapFileReader): PictureChannel[] {
  const found: PictureChannel[] = [];
  const topics = new Set([...reader.channels.values()].map(({ topic }) => topic));
  for (const channel of reader.channels.values()) {
    const { topic } = channel;
    // What the network saw of a stream of ours is no stream of its own.
    const room = /^(\/.+)\/analysis$/.exec(topic)?.[1];
    if (room !== undefined && topics.has(`${room}/video`)) continue;
    const decode = decoderOf(channel);
    // Two writers may have had a channel each for one topic: one stream.
    if (decode === null || topic.endsWith('/compressedDepth') || found.some((other) => other.topic === topic))
      continue;
    const name = /^\/(.+)\/video$/.exec(topic)?.[1] ?? topic.replace(/^\//, '');
    let stream = name;
    for (let number = 2; found.some((other) => other.stream === stream); number++)
      stream = `${name}-${number}`;
    found.push({
      stream,
      topic,
      path: reader.path,
      decode: (message) => {
        try {
          return decode(message);
        } catch (error) {
          throw recordError('SONO_RECORDING_MESSAGE', { path: reader.path, topic }, error);
        }
      },
    });
  }
  return found;
}

/**
 * The channel of a stream, of the first one where `stream` is null. Throws SONO_RECORDING_EMPTY; where there are pictures of
 * kinds that are not read, SONO_RECORDING_PICTURES names them.
 */
export function pictureChannelOf(reader: McapFileReader, stream: string | null): PictureChannel {
  const channels = pictureChannels(reader);
  const wanted = stream === null ? channels[0] : channels.find((channel) => channel.stream === stream);
  if (wanted !== undefined) return wanted;
  if (channels.length === 0) refuseOtherPictures(reader);
  throw recordError('SONO_RECORDING_EMPTY', {
    path: reader.path,
    stream: stream === null ? '' : ` of "${stream}"`,
  });
}

function refuseOtherPictures(reader: McapFileReader): void {
  const others = [...reader.channels.values()].filter(({ schemaName }) => /(Image|Video)$/.test(schemaName));
  if (others.length === 0) return;
  throw recordError('SONO_RECORDING_PICTURES', {
    path: reader.path,
    topics: others
      .slice(0, 5)
      .map(({ topic, schemaName, messageEncoding }) => `${topic} (${schemaName}, ${messageEncoding})`)
      .join(', '),
  });
}

/** The picture of a message as JPEG. Throws SONO_RECORDING_MESSAGE. */
export async function jpegOf(
  { decode, topic, path }: PictureChannel,
  message: Uint8Array,
): Promise<Uint8Array> {
  const { data } = decode(message);
  return asJpeg(data).catch((error: unknown) => {
    throw recordError('SONO_RECORDING_MESSAGE', { path, topic }, error);
  });
}

/** A picture file as JPEG, which is what displays and exports take; PNG, WebP and others are converted. */
export async function asJpeg(file: Uint8Array): Promise<Uint8Array> {
  if (file[0] === 0xff && file[1] === 0xd8) return Uint8Array.from(file);
  const jpeg = await sharp(file)
    .removeAlpha()
    .toColourspace('srgb')
    .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
    .toBuffer();
  return new Uint8Array(jpeg);
}

/** Nanoseconds since the first picture of a stream, from messages in the order of the file's clock. */
export class PictureClock {
  #first: bigint | null = null;
  #stamped = false;
  #last = { ptsNs: -1n, timeNs: 0n };

  /**
   * By what the messages say about themselves, as long as that exists and rises; from where it does not, by the moments at
   * which they were recorded. Strictly rising.
   */
  next({ timestampNs }: RecordedPicture, { timeNs }: RecordedMessage): number {
    if (this.#first === null) {
      this.#first = timestampNs;
      this.#stamped = timestampNs > 0n;
      this.#last = { ptsNs: 0n, timeNs };
      return 0;
    }
    const { ptsNs, timeNs: lastNs } = this.#last;
    const stamped = timestampNs - this.#first;
    this.#stamped &&= stamped > ptsNs;
    const passed = timeNs > lastNs ? timeNs - lastNs : 1n;
    this.#last = { ptsNs: this.#stamped ? stamped : ptsNs + passed, timeNs };
    return Number(this.#last.ptsNs);
  }
}
