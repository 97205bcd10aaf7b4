/** Changes of a file's bytes that no option of ffmpeg makes: edit lists, rotation matrices, telecine flags, damage. Pure. */

export const cutTo = (bytes: Buffer, share: number): Buffer =>
  bytes.subarray(0, Math.floor(bytes.length * share));

export const twice = (bytes: Buffer): Buffer => Buffer.concat([bytes, bytes]);

/** [first millisecond of the shown film or null for nothing, length in milliseconds] */
export type Edit = readonly [number | null, number];

interface Box {
  readonly type: string;
  readonly content: Buffer;
}

/** Boxes of ISO/IEC 14496-12 one after another; only sizes of 32 bits, which is what ffmpeg writes for small files. */
function boxes(bytes: Buffer): Box[] {
  const found: Box[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const size = bytes.readUInt32BE(at);
    if (size < 8 || at + size > bytes.length) throw new Error('not a plain list of boxes');
    found.push({
      type: bytes.toString('latin1', at + 4, at + 8),
      content: bytes.subarray(at + 8, at + size),
    });
    at += size;
  }
  return found;
}

function box({ type, content }: Box): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(content.length + 8);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, content]);
}

/** Replaces the content of the boxes on a path, for example moov, trak, edts. */
function replaced(bytes: Buffer, path: readonly string[], change: (content: Buffer) => Buffer): Buffer {
  const [type, ...rest] = path;
  if (type === undefined) return change(bytes);
  return Buffer.concat(
    boxes(bytes).map((each) =>
      box(each.type === type ? { type, content: replaced(each.content, rest, change) } : each),
    ),
  );
}

function inside(bytes: Buffer, path: readonly string[]): Buffer {
  return path.reduce((content, type) => {
    const found = boxes(content).find((each) => each.type === type);
    if (found === undefined) throw new Error(`no ${type}`);
    return found.content;
  }, bytes);
}

/**
 * Another edit list in an MP4 of one track whose index stands behind its pictures (so that no position of a picture moves).
 * Times of edits are counted from the first picture that the present list shows.
 */
export function editList(bytes: Buffer, edits: readonly Edit[]): Buffer {
  if (boxes(bytes).at(-1)?.type !== 'moov') throw new Error('the index must be the last box');
  const movieTicks = inside(bytes, ['moov', 'mvhd']).readUInt32BE(12);
  const mediaTicks = inside(bytes, ['moov', 'trak', 'mdia', 'mdhd']).readUInt32BE(12);
  const present = inside(bytes, ['moov', 'trak', 'edts', 'elst']);
  const zero = present.readInt32BE(12);
  const list = Buffer.alloc(8 + edits.length * 12);
  list.writeUInt32BE(edits.length, 4);
  edits.forEach(([startMs, lengthMs], index) => {
    list.writeUInt32BE(Math.round((lengthMs * movieTicks) / 1000), 8 + index * 12);
    list.writeInt32BE(
      startMs === null ? -1 : zero + Math.round((startMs * mediaTicks) / 1000),
      12 + index * 12,
    );
    list.writeUInt32BE(0x10000, 16 + index * 12);
  });
  return replaced(bytes, ['moov', 'trak', 'edts', 'elst'], () => list);
}

/** A matrix that turns by 90 degrees clockwise and moves the picture back into view by its stored height. */
export function turnedTag(bytes: Buffer, storedHeight: number): Buffer {
  return replaced(bytes, ['moov', 'trak', 'tkhd'], (content) => {
    const changed = Buffer.from(content);
    [0, 0x10000, 0, -0x10000, 0, 0, storedHeight * 0x10000, 0, 0x40000000].forEach((value, index) =>
      changed.writeInt32BE(value, 40 + index * 4),
    );
    return changed;
  });
}

/**
 * 3:2 pulldown by flags in an MPEG-2 elementary stream: every second picture is to be shown for three fields. The sequence is
 * marked as interlaced, as on discs. ISO/IEC 13818-2, 6.2.2.3 and 6.2.3.1. The height must be a multiple of 32.
 */
export function softTelecine(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  const flags = [
    { topFirst: true, repeat: true },
    { topFirst: false, repeat: false },
    { topFirst: false, repeat: true },
    { topFirst: true, repeat: false },
  ];
  const shown = (picture: number) => flags[picture % flags.length] ?? { topFirst: true, repeat: false };
  let temporalReference = 0;
  for (let at = changed.indexOf('000001', 0, 'hex'); at >= 0; at = changed.indexOf('000001', at + 3, 'hex')) {
    const code = changed[at + 3];
    const first = changed[at + 4] ?? 0;
    // Picture header: its place in the group in the order of showing.
    if (code === 0x00) temporalReference = (first << 2) | ((changed[at + 5] ?? 0) >> 6);
    if (code !== 0xb5) continue;
    if (first >> 4 === 1) changed[at + 5] = (changed[at + 5] ?? 0) & ~0x08;
    if (first >> 4 === 8) {
      const { topFirst, repeat } = shown(temporalReference);
      changed[at + 7] = ((changed[at + 7] ?? 0) & ~0x82) | (topFirst ? 0x80 : 0) | (repeat ? 0x02 : 0);
      changed[at + 8] = (changed[at + 8] ?? 0) | 0x80;
    }
  }
  return changed;
}
