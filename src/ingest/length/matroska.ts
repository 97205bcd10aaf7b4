/** Matroska and WebM: the last picture block behind the last cue. Child process; throws on tables that point outside of themselves. */
import { mostSteps, type FileBytes } from './file-bytes.js';
import type { PictureLength } from './picture-length.js';

export const isMatroska = (head: Buffer): boolean => head.length >= 4 && head.readUInt32BE(0) === 0x1a45dfa3;
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

export async function matroskaLength(bytes: FileBytes): Promise<PictureLength> {
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
