import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodeVideo } from '../protocol/messages.js';
import type { McapFileReader, RecordedChannel } from './mcap-reader.js';
import { asJpeg, PictureClock, pictureChannelOf, pictureChannels } from './recorded-pictures.js';

const timestampNs = 1_700_000_000_123_456_789n;
const seconds = Number(timestampNs / 1_000_000_000n);
const nanoseconds = Number(timestampNs % 1_000_000_000n);
const data = Uint8Array.from([0xff, 0xd8, 1, 2, 3, 4, 5]);

/** Fields one behind the other; in CDR each number at a multiple of four behind the four bytes of the header. */
function ros(fields: readonly (number | Uint8Array | string)[], cdr: 'little' | 'big' | null): Buffer {
  let bytes = cdr === null ? Buffer.alloc(0) : Buffer.from([0, cdr === 'little' ? 1 : 0, 0, 0]);
  const number = (value: number): void => {
    if (cdr !== null) bytes = Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
    const four = Buffer.alloc(4);
    if (cdr === 'big') four.writeUInt32BE(value);
    else four.writeUInt32LE(value);
    bytes = Buffer.concat([bytes, four]);
  };
  for (const field of fields) {
    if (typeof field === 'number') {
      number(field);
      continue;
    }
    // Strings of CDR end with a zero that counts.
    const content = typeof field === 'string' ? Buffer.from(cdr === null ? field : `${field}\0`) : field;
    number(content.length);
    bytes = Buffer.concat([bytes, content]);
  }
  return bytes;
}

const stamp = [seconds, nanoseconds];
const messages: readonly (readonly [encoding: string, schema: string, message: Uint8Array])[] = [
  ['protobuf', 'foxglove.CompressedImage', encodeVideo({ streamId: 'camera', data }, timestampNs)],
  [
    'json',
    'foxglove.CompressedImage',
    Buffer.from(
      JSON.stringify({
        timestamp: { sec: seconds, nsec: nanoseconds },
        frame_id: 'camera',
        data: Buffer.from(data).toString('base64'),
        format: 'jpeg',
      }),
    ),
  ],
  ['ros1', 'sensor_msgs/CompressedImage', ros([7, ...stamp, 'camera', 'jpeg', data], null)],
  ['cdr', 'sensor_msgs/msg/CompressedImage', ros([...stamp, 'camera', 'jpeg', data], 'little')],
  [
    'cdr',
    'sensor_msgs/msg/CompressedImage',
    ros([...stamp, 'cam', 'rgb8; jpeg compressed bgr8', data], 'big'),
  ],
  ['ros1', 'foxglove_msgs/CompressedImage', ros([...stamp, 'camera', data, 'jpeg'], null)],
  ['cdr', 'foxglove_msgs/msg/CompressedImage', ros([...stamp, 'camera', data, 'jpeg'], 'little')],
];

const readerOf = (...channels: readonly (readonly [topic: string, encoding: string, schema: string])[]) =>
  ({
    path: 'case.mcap',
    channels: new Map(
      channels.map(([topic, messageEncoding, schemaName], id): [number, RecordedChannel] => [
        id,
        { id, topic, messageEncoding, schemaName, metadata: {} },
      ]),
    ),
  }) as unknown as McapFileReader;

describe('pictures of an MCAP file', () => {
  it.each(messages)('in %s, %s', (encoding, schema, message) => {
    const [channel] = pictureChannels(readerOf(['/camera/image', encoding, schema]));
    const decoded = channel?.decode(message);
    expect(decoded?.timestampNs).toBe(timestampNs);
    expect([...(decoded?.data ?? [])]).toEqual([...data]);
  });

  it.each(messages)(
    'in %s, %s, cut anywhere: an error, never half a picture',
    (encoding, schema, message) => {
      const [channel] = pictureChannels(readerOf(['/camera/image', encoding, schema]));
      // What stands behind the data may be missing where the data is complete.
      for (let length = 0; length < message.length; length++) {
        let decoded: Uint8Array | undefined;
        try {
          decoded = channel?.decode(message.subarray(0, length)).data;
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
        if (decoded !== undefined && decoded.length > 0) expect([...decoded]).toEqual([...data]);
      }
    },
  );

  it('on any topic, each a stream with a name of its own', () => {
    const reader = readerOf(
      ['/theatre/video', 'protobuf', 'foxglove.CompressedImage'],
      ['/theatre/segmentation', 'protobuf', 'sonoscope.Segmentation'],
      // What the network saw of the first one; the second stands alone, whatever it is called.
      ['/theatre/analysis', 'protobuf', 'foxglove.CompressedImage'],
      ['/lab/analysis', 'protobuf', 'foxglove.CompressedImage'],
      ['/camera/left/compressed', 'cdr', 'sensor_msgs/msg/CompressedImage'],
      ['/camera/left/compressedDepth', 'cdr', 'sensor_msgs/msg/CompressedImage'],
      ['theatre', 'json', 'foxglove.CompressedImage'],
      ['/camera/left/compressed', 'cdr', 'sensor_msgs/msg/CompressedImage'],
    );
    expect(pictureChannels(reader).map(({ stream, topic }) => [stream, topic])).toEqual([
      ['theatre', '/theatre/video'],
      ['lab/analysis', '/lab/analysis'],
      ['camera/left/compressed', '/camera/left/compressed'],
      ['theatre-2', 'theatre'],
    ]);
    expect(pictureChannelOf(reader, null).stream).toBe('theatre');
    expect(pictureChannelOf(reader, 'camera/left/compressed').topic).toBe('/camera/left/compressed');
    expect(() => pictureChannelOf(reader, 'elsewhere')).toThrow('holds no pictures of "elsewhere"');
  });

  it('without a time of their own have the one at which they were recorded; what is no picture has a code', () => {
    const [channel] = pictureChannels(readerOf(['/camera', 'json', 'foxglove.CompressedImage']));
    const message = (text: string): Uint8Array => Buffer.from(text);
    for (const timestamp of ['"timestamp":null,', ''])
      expect(channel?.decode(message(`{${timestamp}"data":"/9g="}`))).toMatchObject({ timestampNs: 0n });
    for (const text of ['{{{{', '{"timestamp":7,"data":""}', '{}'])
      expect(() => channel?.decode(message(text))).toThrow(
        expect.objectContaining({ code: 'SONO_RECORDING_MESSAGE' }) as Error,
      );
  });

  it('of kinds that are not read are named', () => {
    const raw = readerOf(
      ['/camera/raw', 'cdr', 'sensor_msgs/msg/Image'],
      ['/imu', 'cdr', 'sensor_msgs/msg/Imu'],
    );
    expect(() => pictureChannelOf(raw, null)).toThrow('/camera/raw (sensor_msgs/msg/Image, cdr)');
    const video = readerOf(['/scope', 'protobuf', 'foxglove.CompressedVideo']);
    expect(() => pictureChannelOf(video, null)).toThrow('foxglove.CompressedVideo');
    expect(() => pictureChannelOf(readerOf(), null)).toThrow('holds no pictures');
  });

  it('leave as JPEG, whatever they were', async () => {
    const png = await sharp({ create: { width: 5, height: 4, channels: 4, background: '#80c0ff' } })
      .png()
      .toBuffer();
    const jpeg = await asJpeg(png);
    expect(await sharp(jpeg).metadata()).toMatchObject({ format: 'jpeg', width: 5, height: 4, channels: 3 });
    const pixel = [...(await sharp(jpeg).raw().toBuffer()).subarray(0, 3)];
    pixel.forEach((level, channel) =>
      expect(Math.abs(level - ([0x80, 0xc0, 0xff][channel] as number))).toBeLessThanOrEqual(3),
    );
    expect(await asJpeg(jpeg)).toEqual(jpeg);
  });
});

describe('the clock of pictures', () => {
  const times = (pictures: readonly (readonly [stamp: bigint, logged: bigint])[]): number[] => {
    const clock = new PictureClock();
    return pictures.map(([timestampNs, timeNs]) =>
      clock.next({ timestampNs, data }, { topic: '', timeNs, sequence: 0, data }),
    );
  };

  it('is what the messages say, else when they were recorded; it always rises', () => {
    // Written out in one go afterwards: the moments of writing mean nothing.
    expect(
      times([
        [1000n, 5n],
        [1040n, 5n],
        [1080n, 6n],
      ]),
    ).toEqual([0, 40, 80]);
    expect(
      times([
        [0n, 500n],
        [0n, 540n],
        [0n, 540n],
      ]),
    ).toEqual([0, 40, 41]);
    // A camera whose clock is set back: from there on by the moments of recording.
    expect(
      times([
        [1000n, 500n],
        [1040n, 540n],
        [20n, 580n],
        [60n, 620n],
      ]),
    ).toEqual([0, 40, 80, 120]);
  });
});
