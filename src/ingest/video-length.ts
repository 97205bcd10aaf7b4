/**
 * How long the picture of a video file is, and whether the file was cut off. GStreamer tells the length of the whole file, which
 * the sound may exceed. Read from the container's own tables, some kilobytes of it. Never throws on a bad file. Child process.
 *
 * MP4 and QuickTime: edit list or media duration of the picture track, or the sum of its fragments. Matroska and WebM: the last
 * picture block behind the last cue. FLV: the last picture tag. MPEG-TS: first and last time stamp of the picture's packets.
 * AVI: GStreamer tells its length right.
 */
import { open, type FileHandle } from 'node:fs/promises';

export interface PictureLength {
  /** From the first picture to the end of the last; null where the tables do not say. */
  readonly seconds: number | null;
  /** Whether the file is shorter than it says; null: it was, if fewer seconds can be read than it promises. */
  readonly cut: boolean | null;
  /** From time stamps, which may begin again in the middle of the file: right only near to what GStreamer says. */
  readonly stamped?: true;
}

/**
 * Seconds of picture that the file promises, null where nothing can be relied on. `own` is null for containers that are not
 * read here, where GStreamer's word is taken; `whole` is that word, not positive where there is none.
 */
export function promisedSeconds(own: PictureLength | null, whole: number): number | null {
  const told = whole > 0 ? whole : null;
  if (own === null || (own.seconds === null && own.cut === null)) return told;
  if (own.seconds === null || told === null) return own.seconds;
  if (own.stamped) return Math.abs(own.seconds - told) <= Math.max(1.5, told * 0.1) ? own.seconds : null;
  return Math.min(own.seconds, told);
}

/** null for containers that are not read here, and for what is no file at all. */
export async function readPictureLength(path: string): Promise<PictureLength | null> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch {
    return null;
  }
  try {
    const bytes = new FileBytes(file, (await file.stat()).size);
    const head = await bytes.read(0, 188 * 3);
    const read = isMp4(head)
      ? mp4Length
      : isMatroska(head)
        ? matroskaLength
        : isFlashVideo(head)
          ? flashLength
          : isTransportStream(head)
            ? transportLength
            : isAvi(head)
              ? aviLength
              : null;
    const length = (await read?.(bytes)) ?? null;
    const usable =
      length?.seconds !== null && Number.isFinite(length?.seconds) && Number(length?.seconds) > 0;
    return length && { ...length, seconds: usable ? length.seconds : null };
  } catch {
    // A table that points outside of itself: whatever it is, it does not tell the length.
    return null;
  } finally {
    await file.close();
  }
}

const windowBytes = 1 << 16;

/** Reads at any place, through one window. Beyond the end there is nothing: reads come back shorter. */
class FileBytes {
  #window = Buffer.alloc(0);
  #start = 0;

  constructor(
    private readonly file: FileHandle,
    readonly size: number,
  ) {}

  async read(offset: number, length: number): Promise<Buffer> {
    if (!(offset >= 0) || offset >= this.size) return Buffer.alloc(0);
    if (offset < this.#start || offset + length > this.#start + this.#window.length) {
      const window = Buffer.alloc(Math.min(Math.max(length, windowBytes), this.size - offset));
      const { bytesRead } = await this.file.read(window, 0, window.length, offset);
      this.#window = window.subarray(0, bytesRead);
      this.#start = offset;
    }
    return this.#window.subarray(offset - this.#start, offset - this.#start + length);
  }
}

/** Elements looked at before a file is given up: tables that lead in circles end here. */
const mostSteps = 500_000;

// ------------------------------------------------------------------------------------------------ MP4, QuickTime

interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}
interface FoundBox extends Box {
  /** As it says itself; `end` is where the file or its parent ends at the latest. */
  readonly declaredEnd: number;
}

const isMp4 = (head: Buffer): boolean =>
  ['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip'].includes(head.toString('latin1', 4, 8));

async function* boxes(bytes: FileBytes, start: number, end: number): AsyncGenerator<FoundBox> {
  for (let at = start, steps = 0; at + 8 <= end && steps < mostSteps; steps += 1) {
    const header = await bytes.read(at, 16);
    if (header.length < 8) return;
    const type = header.toString('latin1', 4, 8);
    const short = header.readUInt32BE(0);
    if (short === 1 && header.length < 16) return;
    const size = short === 1 ? Number(header.readBigUInt64BE(8)) : short === 0 ? end - at : short;
    const headerBytes = short === 1 ? 16 : 8;
    if (size < headerBytes) return;
    yield { type, start: at + headerBytes, end: Math.min(at + size, end), declaredEnd: at + size };
    at += size;
  }
}

async function box(bytes: FileBytes, parent: Box, type: string): Promise<Box | null> {
  for await (const child of boxes(bytes, parent.start, parent.end)) if (child.type === type) return child;
  return null;
}

/** Time scale and duration of `mvhd` and `mdhd`, which begin alike. */
async function timing(bytes: FileBytes, { start }: Box): Promise<{ scale: number; duration: number }> {
  const data = await bytes.read(start, 32);
  return data[0] === 1
    ? { scale: data.readUInt32BE(20), duration: Number(data.readBigUInt64BE(24)) }
    : { scale: data.readUInt32BE(12), duration: data.readUInt32BE(16) };
}

async function mp4Length(bytes: FileBytes): Promise<PictureLength> {
  const unknown = { seconds: null, cut: null };
  const file = { type: '', start: 0, end: bytes.size };
  const moov = await box(bytes, file, 'moov');
  const mvhd = moov && (await box(bytes, moov, 'mvhd'));
  if (!moov || !mvhd) return unknown;
  const { scale: movieScale } = await timing(bytes, mvhd);
  const tracks = new Map<number, FragmentedTrack>();
  let longest: number | null = null;
  for await (const trak of boxes(bytes, moov.start, moov.end)) {
    if (trak.type !== 'trak') continue;
    const tkhd = await box(bytes, trak, 'tkhd');
    const mdia = await box(bytes, trak, 'mdia');
    const hdlr = mdia && (await box(bytes, mdia, 'hdlr'));
    const mdhd = mdia && (await box(bytes, mdia, 'mdhd'));
    if (!tkhd || !hdlr || !mdhd) continue;
    if ((await bytes.read(hdlr.start + 8, 4)).toString('latin1') !== 'vide') continue;
    const { scale, duration } = await timing(bytes, mdhd);
    const header = await bytes.read(tkhd.start, 24);
    tracks.set(header.readUInt32BE(header[0] === 1 ? 20 : 12), {
      scale,
      defaultDuration: 0,
      units: duration,
    });
    const seconds = (await editedSeconds(bytes, trak, movieScale)) ?? duration / scale;
    if (seconds > 0) longest = Math.max(longest ?? 0, seconds);
  }
  let end = 0;
  for await (const top of boxes(bytes, 0, bytes.size)) end = top.declaredEnd;
  const cut = end > bytes.size;
  const mvex = await box(bytes, moov, 'mvex');
  // Without fragments the tables promise what is not there any more.
  if (!mvex) return { seconds: longest, cut: cut ? true : null };
  for await (const trex of boxes(bytes, mvex.start, mvex.end)) {
    if (trex.type !== 'trex') continue;
    const data = await bytes.read(trex.start, 24);
    const track = tracks.get(data.readUInt32BE(4));
    if (track) track.defaultDuration = data.readUInt32BE(12);
  }
  for await (const top of boxes(bytes, 0, bytes.size))
    if (top.type === 'moof') await addFragment(bytes, top, tracks);
  const seconds = Math.max(0, ...[...tracks.values()].map(({ scale, units }) => units / scale));
  return { seconds, cut };
}

interface FragmentedTrack {
  readonly scale: number;
  defaultDuration: number;
  units: number;
}

/** The durations of one fragment's samples. */
async function addFragment(
  bytes: FileBytes,
  moof: Box,
  tracks: ReadonlyMap<number, FragmentedTrack>,
): Promise<void> {
  for await (const traf of boxes(bytes, moof.start, moof.end)) {
    const tfhd = traf.type === 'traf' ? await box(bytes, traf, 'tfhd') : null;
    if (!tfhd) continue;
    const head = await bytes.read(tfhd.start, 24);
    const track = tracks.get(head.readUInt32BE(4));
    if (!track) continue;
    const tfhdFlags = head.readUIntBE(1, 3);
    const durationAt = 8 + (tfhdFlags & 0x1 ? 8 : 0) + (tfhdFlags & 0x2 ? 4 : 0);
    const duration = tfhdFlags & 0x8 ? head.readUInt32BE(durationAt) : track.defaultDuration;
    for await (const trun of boxes(bytes, traf.start, traf.end)) {
      if (trun.type !== 'trun') continue;
      const run = await bytes.read(trun.start, 8);
      const flags = run.readUIntBE(1, 3);
      const count = run.readUInt32BE(4);
      if (!(flags & 0x100)) {
        track.units += count * duration;
        continue;
      }
      const entryBytes = 4 * [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length;
      const first = trun.start + 8 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0);
      for (let n = 0; n < count && first + (n + 1) * entryBytes <= trun.end; n += 1)
        track.units += (await bytes.read(first + n * entryBytes, 4)).readUInt32BE(0);
    }
  }
}

/** Sum of what an edit list shows of the media; null without one. */
async function editedSeconds(bytes: FileBytes, trak: Box, movieScale: number): Promise<number | null> {
  const edts = await box(bytes, trak, 'edts');
  const elst = edts && (await box(bytes, edts, 'elst'));
  if (!elst) return null;
  const [version = 0] = await bytes.read(elst.start, 1);
  const count = (await bytes.read(elst.start + 4, 4)).readUInt32BE(0);
  const entryBytes = version === 1 ? 20 : 12;
  let units = 0;
  for (let n = 0; n < Math.min(count, 10_000); n += 1) {
    const entry = await bytes.read(elst.start + 8 + n * entryBytes, entryBytes);
    if (entry.length < entryBytes) return null;
    const duration = version === 1 ? Number(entry.readBigUInt64BE(0)) : entry.readUInt32BE(0);
    const mediaTime = version === 1 ? Number(entry.readBigInt64BE(8)) : entry.readInt32BE(4);
    // A media time of -1 is a pause before the first picture.
    if (mediaTime !== -1) units += duration;
  }
  return units > 0 ? units / movieScale : null;
}

// ------------------------------------------------------------------------------------------------ Matroska, WebM

const isMatroska = (head: Buffer): boolean => head.length >= 4 && head.readUInt32BE(0) === 0x1a45dfa3;
const matroska = {
  segment: 0x18538067,
  seekHead: 0x114d9b74,
  seek: 0x4dbb,
  seekId: 0x53ab,
  seekPosition: 0x53ac,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackType: 0x83,
  defaultDuration: 0x23e383,
  cues: 0x1c53bb6b,
  cuePoint: 0xbb,
  cueTrackPositions: 0xb7,
  cueTrack: 0xf7,
  cueClusterPosition: 0xf1,
  cluster: 0x1f43b675,
  clusterTimestamp: 0xe7,
  simpleBlock: 0xa3,
  blockGroup: 0xa0,
  block: 0xa1,
} as const;

interface Element {
  readonly id: number;
  /** Where it begins, and where its content does. */
  readonly at: number;
  readonly start: number;
  /** That of its parent where it does not say how long it is, as a live muxer's clusters do not. */
  readonly end: number;
  /** As it says itself. */
  readonly declaredEnd: number;
}

/** Value and length of a variable-length integer; `marked` keeps the length bits, as identifiers do. */
function variableInt(data: Buffer, at: number, marked: boolean): [value: number, bytes: number] | null {
  const first = data[at];
  if (first === undefined || first === 0) return null;
  const length = Math.clz32(first) - 23;
  if (at + length > data.length) return null;
  let value = marked ? first : first & (0xff >> length);
  let ones = value === 0xff >> length;
  for (let n = 1; n < length; n += 1) {
    const byte = data[at + n] as number;
    ones &&= byte === 0xff;
    value = value * 256 + byte;
  }
  return [!marked && ones ? -1 : value, length];
}

async function element(bytes: FileBytes, at: number, limit: number): Promise<Element | null> {
  const header = await bytes.read(at, 12);
  const id = variableInt(header, 0, true);
  const size = id && variableInt(header, id[1], false);
  if (!id || !size) return null;
  const start = at + id[1] + size[1];
  const end = size[0] < 0 ? limit : start + size[0];
  return { id: id[0], at, start, end: Math.min(end, limit), declaredEnd: end };
}

async function* elements(bytes: FileBytes, { start, end }: Pick<Element, 'start' | 'end'>) {
  for (let at = start, steps = 0; at < end && steps < mostSteps; steps += 1) {
    const found = await element(bytes, at, end);
    if (found === null) return;
    yield found;
    at = found.end;
  }
}

async function unsigned(bytes: FileBytes, { start, end }: Element): Promise<number> {
  const data = await bytes.read(start, Math.min(8, end - start));
  return data.reduce((value, byte) => value * 256 + byte, 0);
}

async function matroskaLength(bytes: FileBytes): Promise<PictureLength> {
  let segment: Element | null = null;
  for await (const found of elements(bytes, { start: 0, end: bytes.size }))
    if (found.id === matroska.segment) {
      segment = found;
      break;
    }
  if (segment === null) return { seconds: null, cut: null };
  const cut = segment.declaredEnd > bytes.size;
  let timestampScale = 1_000_000;
  let cuesAt: number | null = null;
  let firstCluster: Element | null = null;
  const video = new Map<number, { defaultDurationNs: number }>();
  for await (const child of elements(bytes, segment)) {
    if (child.id === matroska.cluster) {
      firstCluster = child;
      break;
    }
    if (child.id === matroska.seekHead) cuesAt ??= await seekedTo(bytes, segment, child, matroska.cues);
    else if (child.id === matroska.cues) cuesAt = child.at;
    else if (child.id === matroska.info) {
      for await (const entry of elements(bytes, child))
        if (entry.id === matroska.timestampScale) timestampScale = await unsigned(bytes, entry);
    } else if (child.id === matroska.tracks) {
      for await (const track of elements(bytes, child))
        if (track.id === matroska.trackEntry) await addVideoTrack(bytes, track, video);
    }
  }
  if (firstCluster === null || cuesAt === null || video.size === 0) return { seconds: null, cut };
  const lastClusterAt = await lastCued(bytes, segment, cuesAt, new Set(video.keys()));
  if (lastClusterAt === null) return { seconds: null, cut };
  const wanted = new Set(video.keys());
  const first = await blockTimes(bytes, firstCluster.at, segment.end, wanted, true);
  const last = await blockTimes(bytes, lastClusterAt, segment.end, wanted, false);
  if (first === null || last === null || last.latest < first.earliest) return { seconds: null, cut };
  const frameNs = video.get(last.track)?.defaultDurationNs ?? 0;
  return { seconds: ((last.latest - first.earliest) * timestampScale + frameNs) / 1e9, cut };
}

async function seekedTo(
  bytes: FileBytes,
  segment: Element,
  seekHead: Element,
  wanted: number,
): Promise<number | null> {
  for await (const seek of elements(bytes, seekHead)) {
    if (seek.id !== matroska.seek) continue;
    let id = 0;
    let position = -1;
    for await (const field of elements(bytes, seek)) {
      if (field.id === matroska.seekId) id = await unsigned(bytes, field);
      else if (field.id === matroska.seekPosition) position = await unsigned(bytes, field);
    }
    if (id === wanted && position >= 0) return segment.start + position;
  }
  return null;
}

async function addVideoTrack(
  bytes: FileBytes,
  track: Element,
  video: Map<number, { defaultDurationNs: number }>,
): Promise<void> {
  let number = 0;
  let type = 0;
  let defaultDurationNs = 0;
  for await (const field of elements(bytes, track)) {
    if (field.id === matroska.trackNumber) number = await unsigned(bytes, field);
    else if (field.id === matroska.trackType) type = await unsigned(bytes, field);
    else if (field.id === matroska.defaultDuration) defaultDurationNs = await unsigned(bytes, field);
  }
  if (type === 1) video.set(number, { defaultDurationNs });
}

/** Place of the last cluster that the cues name for one of the tracks. */
async function lastCued(
  bytes: FileBytes,
  segment: Element,
  cuesAt: number,
  tracks: ReadonlySet<number>,
): Promise<number | null> {
  const cues = await element(bytes, cuesAt, segment.end);
  if (cues?.id !== matroska.cues) return null;
  let last: number | null = null;
  for await (const point of elements(bytes, cues)) {
    if (point.id !== matroska.cuePoint) continue;
    for await (const positions of elements(bytes, point)) {
      if (positions.id !== matroska.cueTrackPositions) continue;
      let track = 0;
      let cluster = -1;
      for await (const field of elements(bytes, positions)) {
        if (field.id === matroska.cueTrack) track = await unsigned(bytes, field);
        else if (field.id === matroska.cueClusterPosition) cluster = await unsigned(bytes, field);
      }
      if (tracks.has(track) && cluster >= 0) last = Math.max(last ?? 0, segment.start + cluster);
    }
  }
  return last;
}

interface BlockTimes {
  readonly earliest: number;
  readonly latest: number;
  readonly track: number;
}

/** Times of picture blocks from the cluster at `at` on, in units of the time scale; of the first one, or of all. */
async function blockTimes(
  bytes: FileBytes,
  at: number,
  end: number,
  tracks: ReadonlySet<number>,
  firstOnly: boolean,
): Promise<BlockTimes | null> {
  let earliest = Infinity;
  let latest = -Infinity;
  let lastTrack = 0;
  let clusterTime = 0;
  // Flat: a cluster without a size ends where the next element of its level begins.
  for (let steps = 0; at < end && steps < mostSteps; steps += 1) {
    const found = await element(bytes, at, end);
    if (found === null) break;
    at = found.end;
    if (found.id === matroska.cluster || found.id === matroska.blockGroup) {
      at = found.start;
    } else if (found.id === matroska.clusterTimestamp) {
      clusterTime = await unsigned(bytes, found);
    } else if (found.id === matroska.simpleBlock || found.id === matroska.block) {
      const head = await bytes.read(found.start, 12);
      const track = variableInt(head, 0, false);
      if (track === null || !tracks.has(track[0]) || head.length < track[1] + 2) continue;
      const time = clusterTime + head.readInt16BE(track[1]);
      earliest = Math.min(earliest, time);
      if (time > latest) [latest, lastTrack] = [time, track[0]];
      if (firstOnly) break;
    }
  }
  return latest === -Infinity ? null : { earliest, latest, track: lastTrack };
}

// ------------------------------------------------------------------------------------------------ AVI

const isAvi = (head: Buffer): boolean =>
  head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'AVI ';

/** Its length GStreamer tells right; but not that it was cut off. */
async function aviLength(bytes: FileBytes): Promise<PictureLength> {
  const declared = (await bytes.read(4, 4)).readUInt32LE(0);
  const cut = declared !== 0xffffffff && declared + 8 > bytes.size;
  return { seconds: null, cut: cut ? true : null };
}

// ------------------------------------------------------------------------------------------------ FLV

const isFlashVideo = (head: Buffer): boolean => head.toString('latin1', 0, 3) === 'FLV';
const tagBytes = 11;

/** Tags can be walked from either end: each is followed by its own length. */
async function flashLength(bytes: FileBytes): Promise<PictureLength> {
  /** Not the tables and end marks of H.264, which come as pictures too. */
  const isPicture = (tag: Buffer): boolean =>
    ((tag[0] ?? 0) & 0x1f) === 9 && (((tag[11] ?? 0) & 0x0f) !== 7 || tag[12] === 1);
  const timeMs = (tag: Buffer): number => {
    const decodedMs = tag.readUIntBE(4, 3) + (tag[7] as number) * 2 ** 24;
    return ((tag[11] as number) & 0x0f) === 7 ? decodedMs + tag.readIntBE(13, 3) : decodedMs;
  };
  let firstMs = -1;
  const head = await bytes.read(0, 9);
  for (let at = head.readUInt32BE(5) + 4, steps = 0; firstMs < 0 && steps < 1000; steps += 1) {
    const tag = await bytes.read(at, tagBytes + 5);
    if (tag.length < tagBytes) break;
    if (isPicture(tag)) firstMs = timeMs(tag);
    at += tagBytes + tag.readUIntBE(1, 3) + 4;
  }
  const times: number[] = [];
  let cut = true;
  for (let end = bytes.size, steps = 0; end > 9 && times.length < 8 && steps < 100_000; steps += 1) {
    const trailer = await readBackwards(bytes, end - 4, 4);
    const at = end - 4 - trailer.readUInt32BE(0);
    const tag = await readBackwards(bytes, at, tagBytes + 5);
    if (tag.length < tagBytes || at + tagBytes + tag.readUIntBE(1, 3) !== end - 4) break;
    cut = false;
    if (isPicture(tag)) times.push(timeMs(tag));
    end = at;
  }
  times.sort((a, b) => b - a);
  const [latest, before] = times;
  if (firstMs < 0 || latest === undefined) return { seconds: null, cut };
  return { seconds: (latest - firstMs + (before === undefined ? 0 : latest - before)) / 1000, cut };
}

// ------------------------------------------------------------------------------------------------ MPEG-TS

const packetBytes = 188;
const isTransportStream = (head: Buffer): boolean =>
  head.length >= packetBytes * 2 + 1 && head[0] === 0x47 && head[packetBytes] === 0x47;
/** Stream types of a programme table that are pictures: MPEG-1, MPEG-2, MPEG-4, H.264, H.265, JPEG 2000. */
const pictureTypes: ReadonlySet<number> = new Set([0x01, 0x02, 0x10, 0x1b, 0x21, 0x24]);
/** The tables and the first picture stand within this; the last picture this near to the end, or it is not found. */
const headBytes = packetBytes * 20_000;
const tailBytes = packetBytes * 100_000;
const ptsWrap = 2 ** 33;

async function transportLength(bytes: FileBytes): Promise<PictureLength> {
  const seconds = await transportSeconds(bytes);
  // A stream promises nothing: it may end anywhere.
  return { seconds, cut: false, stamped: true };
}

async function transportSeconds(bytes: FileBytes): Promise<number | null> {
  let pmtPid = -1;
  let picturePid = -1;
  let first = Infinity;
  for (let at = 0; at < Math.min(bytes.size, headBytes); at += packetBytes) {
    const packet = parsePacket(await bytes.read(at, packetBytes));
    if (packet === null) return null;
    if (packet.pid === 0 && packet.starts) pmtPid = programmePid(packet.payload) ?? pmtPid;
    else if (packet.pid === pmtPid && packet.starts) picturePid = picturePidOf(packet.payload) ?? picturePid;
    else if (packet.pid === picturePid && packet.starts) {
      const pts = presentationTime(packet.payload);
      if (pts === null) continue;
      first = Math.min(first, pts);
      break;
    }
  }
  if (first === Infinity) return null;
  const whole = Math.floor(bytes.size / packetBytes);
  const times: number[] = [];
  // Backwards; pictures may be stored out of order, so that the latest is among the last few.
  for (let n = whole - 1, seen = 0; n >= 0 && seen * packetBytes < tailBytes && times.length < 32; n -= 1) {
    seen += 1;
    const packet = parsePacket(await readBackwards(bytes, n * packetBytes, packetBytes));
    if (packet === null) return null;
    if (packet.pid !== picturePid || !packet.starts) continue;
    const pts = presentationTime(packet.payload);
    if (pts !== null) times.push(pts < first ? pts + ptsWrap : pts);
  }
  times.sort((a, b) => b - a);
  const [latest, before] = times;
  if (latest === undefined) return null;
  return (latest - first + (before === undefined ? 0 : latest - before)) / 90_000;
}

/** For steps towards the beginning: the window read lies before the place instead of behind it. */
async function readBackwards(bytes: FileBytes, at: number, length: number): Promise<Buffer> {
  const start = Math.max(0, Math.floor((at + length - windowBytes) / 4096 + 1) * 4096);
  if (at < start) return bytes.read(at, length);
  const window = await bytes.read(Math.min(start, at), Math.min(windowBytes, bytes.size - start));
  return window.subarray(at - start, at - start + length);
}

function parsePacket(data: Buffer): { pid: number; starts: boolean; payload: Buffer } | null {
  if (data.length < packetBytes || data[0] !== 0x47) return null;
  const flags = data.readUInt16BE(1);
  const control = (data[3] as number) & 0x30;
  const payloadAt = control === 0x20 ? packetBytes : control === 0x30 ? 5 + (data[4] as number) : 4;
  return {
    pid: flags & 0x1fff,
    starts: (flags & 0x4000) !== 0,
    payload: data.subarray(Math.min(payloadAt, packetBytes)),
  };
}

/** The section behind the pointer at the start of a table's payload. */
function section(payload: Buffer): Buffer {
  return payload.subarray(1 + (payload[0] ?? 0));
}

function programmePid(payload: Buffer): number | null {
  const table = section(payload);
  for (let at = 8; at + 4 <= table.length; at += 4)
    if (table.readUInt16BE(at) !== 0) return table.readUInt16BE(at + 2) & 0x1fff;
  return null;
}

function picturePidOf(payload: Buffer): number | null {
  const table = section(payload);
  if (table.length < 12) return null;
  const end = Math.min(table.length, 3 + (table.readUInt16BE(1) & 0x0fff) - 4);
  for (let at = 12 + (table.readUInt16BE(10) & 0x0fff); at + 5 <= end;) {
    if (pictureTypes.has(table[at] as number)) return table.readUInt16BE(at + 1) & 0x1fff;
    at += 5 + (table.readUInt16BE(at + 3) & 0x0fff);
  }
  return null;
}

/** PTS of a packetised elementary stream's header, 90 kHz. */
function presentationTime(payload: Buffer): number | null {
  if (payload.length < 14 || payload.readUIntBE(0, 3) !== 1 || ((payload[7] as number) & 0x80) === 0)
    return null;
  const [a, b, c] = [payload[9] as number, payload.readUInt16BE(10), payload.readUInt16BE(12)];
  return ((a >> 1) & 7) * 2 ** 30 + (b >> 1) * 2 ** 15 + (c >> 1);
}
