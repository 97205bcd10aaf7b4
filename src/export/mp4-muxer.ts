/**
 * The boxes of an MP4 file with one H.264 track (ISO 14496-12 and -15): exact time stamps, no clock, nothing random.
 * GStreamer's muxer writes the time of day, and knows only how long frames last on average. Pure.
 */

export interface Mp4Sample {
  readonly bytes: number;
  readonly keyFrame: boolean;
  /** Ticks of the track's time scale, ascending from 0. */
  readonly time: number;
}

interface Mp4Track {
  readonly width: number;
  readonly height: number;
  readonly timescale: number;
  readonly sps: Uint8Array;
  readonly pps: Uint8Array;
  /** How long the last sample lasts, in ticks. */
  readonly lastDuration: number;
}

function box(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.byteLength, 8);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(size, 0);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, ...parts]);
}

function words(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => buffer.writeUInt32BE(value >>> 0, 4 * index));
  return buffer;
}

function shorts(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(2 * values.length);
  values.forEach((value, index) => buffer.writeUInt16BE(value, 2 * index));
  return buffer;
}

const unityMatrix = words(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

export function fileTypeBox(): Buffer {
  return box('ftyp', Buffer.from('isom'), words(0x200), Buffer.from('isomiso2avc1mp41'));
}

/** Header of the media data box with a 64-bit size (of the box, these 16 bytes included). */
export function mediaDataHeader(size: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32BE(1, 0);
  header.write('mdat', 4, 'latin1');
  header.writeBigUInt64BE(BigInt(size), 8);
  return header;
}

/** `dataOffset`: position of the first sample in the file; the samples lie one behind the other. */
export function movieBox(track: Mp4Track, samples: readonly Mp4Sample[], dataOffset: number): Buffer {
  const { width, height, timescale, sps, pps } = track;
  const durations = samples.map(
    (sample, index) => (samples[index + 1]?.time ?? sample.time + track.lastDuration) - sample.time,
  );
  const total = durations.reduce((sum, duration) => sum + duration, 0);
  const avcConfiguration = box(
    'avcC',
    Uint8Array.of(1, sps[1] ?? 0, sps[2] ?? 0, sps[3] ?? 0, 0xff, 0xe1),
    shorts(sps.byteLength),
    sps,
    Uint8Array.of(1),
    shorts(pps.byteLength),
    pps,
  );
  const sampleEntry = box(
    'avc1',
    words(0),
    shorts(0, 1),
    words(0, 0, 0, 0),
    shorts(width, height),
    words(0x480000, 0x480000, 0),
    shorts(1),
    Buffer.alloc(32),
    shorts(24, 0xffff),
    avcConfiguration,
  );
  const runs: [count: number, duration: number][] = [];
  for (const duration of durations) {
    const last = runs.at(-1);
    if (last?.[1] === duration) last[0]++;
    else runs.push([1, duration]);
  }
  const keyFrames = samples.flatMap((sample, index) => (sample.keyFrame ? [index + 1] : []));
  const offset = Buffer.alloc(8);
  offset.writeBigUInt64BE(BigInt(dataOffset), 0);
  const sampleTable = box(
    'stbl',
    box('stsd', words(0, 1), sampleEntry),
    box('stts', words(0, runs.length), ...runs.map((run) => words(...run))),
    box('stss', words(0, keyFrames.length), words(...keyFrames)),
    // One chunk holds all samples.
    box('stsc', words(0, 1, 1, samples.length, 1)),
    box('stsz', words(0, 0, samples.length), words(...samples.map((sample) => sample.bytes))),
    box('co64', words(0, 1), offset),
  );
  const milliseconds = Math.round((total * 1000) / timescale);
  return box(
    'moov',
    box(
      'mvhd',
      words(0, 0, 0, 1000, milliseconds, 0x10000),
      shorts(0x100, 0),
      words(0, 0),
      unityMatrix,
      Buffer.alloc(24),
      words(2),
    ),
    box(
      'trak',
      box(
        'tkhd',
        words(3, 0, 0, 1, 0, milliseconds, 0, 0),
        shorts(0, 0, 0, 0),
        unityMatrix,
        words(width * 0x10000, height * 0x10000),
      ),
      box(
        'mdia',
        box('mdhd', words(0, 0, 0, timescale, total), shorts(0x55c4, 0)),
        box('hdlr', words(0, 0), Buffer.from('vide'), words(0, 0, 0), Buffer.from('video\0')),
        box(
          'minf',
          box('vmhd', words(1), shorts(0, 0, 0, 0)),
          box('dinf', box('dref', words(0, 1), box('url ', words(1)))),
          sampleTable,
        ),
      ),
    ),
  );
}

const startCode = Buffer.from([0, 0, 1]);

/** NAL units of an Annex B piece, start codes and trailing zeros taken off. */
export function nalUnits(data: Buffer): Buffer[] {
  const units: Buffer[] = [];
  let begin = data.indexOf(startCode);
  while (begin >= 0) {
    const next = data.indexOf(startCode, begin + 3);
    let end = next < 0 ? data.length : next;
    while (end > begin + 3 && data[end - 1] === 0) end--;
    units.push(data.subarray(begin + 3, end));
    begin = next;
  }
  return units;
}

/** NAL units with four-byte lengths in front, as MP4 stores them. */
export function lengthPrefixed(units: readonly Buffer[]): Buffer {
  return Buffer.concat(units.flatMap((unit) => [words(unit.length), unit]));
}
