/**
 * MP4 and QuickTime: edit list or media duration of the picture track, or the sum of its fragments. Child process; throws on tables
 * that point outside of themselves.
 */
import { mostSteps, type FileBytes } from './file-bytes.js';
import type { PictureLength } from './picture-length.js';

interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}
interface FoundBox extends Box {
  /** As it says itself; `end` is where the file or its parent ends at the latest. */
  readonly declaredEnd: number;
}

export const isMp4 = (head: Buffer): boolean =>
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

export async function mp4Length(bytes: FileBytes): Promise<PictureLength> {
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
