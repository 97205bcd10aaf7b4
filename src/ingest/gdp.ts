/** Reading GStreamer Data Protocol 1.0 packets (gdppay), whose header carries the PTS that the addon hides. Pure. */

export type GdpPacket =
  | {
      readonly kind: 'buffer';
      /** null where the buffer had no PTS. */
      readonly ptsNs: number | null;
      /** Shares memory with the packet. */
      readonly payload: Buffer;
    }
  | { readonly kind: 'caps' | 'event'; readonly text: string }
  | { readonly kind: 'broken' };

const headerBytes = 62;
const noTime = 0xffffffffffffffffn;

/** @param packet one appsink sample after gdppay: header (big-endian) and payload */
export function parseGdp(packet: Buffer): GdpPacket {
  if (packet.length < headerBytes || packet.readUInt32BE(6) !== packet.length - headerBytes)
    return { kind: 'broken' };
  const type = packet.readUInt16BE(4);
  const payload = packet.subarray(headerBytes);
  if (type === 1) {
    const time = (at: number): number | null => {
      const value = packet.readBigUInt64BE(at);
      return value === noTime ? null : Number(value);
    };
    return { kind: 'buffer', ptsNs: time(10), payload };
  }
  return { kind: type === 2 ? 'caps' : 'event', text: payload.toString('utf8') };
}

/** Running time of a PTS = baseNs + PTS − startNs. */
export interface Segment {
  readonly startNs: number;
  readonly baseNs: number;
}

/** A time segment event, or null for any other event. */
export function parseSegment(text: string): Segment | null {
  if (!text.startsWith('GstEventSegment,') || !/format=\(GstFormat\)time/i.test(text)) return null;
  const number = (name: string): number =>
    Number(new RegExp(` ${name}=\\(guint64\\)(\\d+)`).exec(text)?.[1] ?? 0);
  return { startNs: number('start'), baseNs: number('base') };
}

/** Container and codec names of a tag event. */
export function parseTags(text: string): [string, string][] {
  if (!text.startsWith('GstTagList')) return [];
  const plain = text.replace(/\\/g, '');
  return ['container-format', 'video-codec'].flatMap((key): [string, string][] => {
    const value = new RegExp(`${key}=\\(string\\)(?:"([^"]*)"|([^,;"]+))`).exec(plain);
    const name = value?.[1] ?? value?.[2];
    return name === undefined ? [] : [[key, name.trim()]];
  });
}
