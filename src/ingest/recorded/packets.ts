/**
 * What the packets of a recorded file tell before its pictures are decoded: how many pictures there will be, and whether their
 * rate is constant. Pure, apart from `scanPackets`, which lets ffprobe list them. Child process.
 */
import { inputArguments, niceness, startTool, type FilePart } from './tools.js';

interface Packet {
  readonly stream: number;
  /** Seconds; null where the container gives none. */
  readonly ptsS: number | null;
  readonly dtsS: number | null;
  readonly bytes: number;
  readonly isKey: boolean;
  /** Decoded, but not part of what is shown (an edit list). */
  readonly isHidden: boolean;
}

/** One line of ffprobe's compact packet list. */
export function parsePacketLine(line: string): Packet | null {
  const fields = line.split(',');
  if (fields.length < 5) return null;
  const [stream, pts, dts, bytes, flags = ''] = fields;
  const number = (text: string | undefined): number | null =>
    text === undefined || text === '' || text === 'N/A' || Number.isNaN(Number(text)) ? null : Number(text);
  return {
    stream: Number(stream),
    ptsS: number(pts),
    dtsS: number(dts),
    bytes: number(bytes) ?? 0,
    isKey: flags.startsWith('K'),
    isHidden: flags.includes('D'),
  };
}

export interface PacketSummary {
  /** Pictures that will be handed out; null where packets do not tell. */
  readonly frameCount: number | null;
  /** Whether all pictures are the same time apart; null: too few to tell. */
  readonly isConstant: boolean | null;
}

/** Matroska and FLV round times to milliseconds, which moves a picture by up to this. */
const clockToleranceS = 1.6e-3;

/**
 * Counts one picture per packet. It gives no number if the decoder may leave a picture out or may find none in a packet. Signs of
 * that are pictures before the first key picture in display order, empty packets, repeated or missing times, and a list that ends
 * with an error (the last packet was cut).
 */
export class PacketCounter {
  #shown = 0;
  #isUncertain = false;
  /** Some pictures have no time of display. */
  #hasNoOrder = false;
  #firstKeyS: number | null = null;
  readonly #timesS: number[] = [];

  add(packet: Packet): void {
    const timeS = packet.ptsS ?? packet.dtsS;
    if (this.#firstKeyS === null) {
      if (!packet.isKey || timeS === null) this.#isUncertain = true;
      this.#firstKeyS = timeS ?? 0;
    } else if (packet.ptsS !== null && packet.ptsS < this.#firstKeyS) this.#isUncertain = true;
    if (packet.bytes === 0) this.#isUncertain = true;
    if (packet.ptsS === null && !packet.isKey) this.#hasNoOrder = true;
    if (packet.isHidden) return;
    this.#shown += 1;
    if (timeS === null) this.#isUncertain = true;
    else this.#timesS.push(timeS);
  }

  /**
   * @param isWhole every packet of the file has been added
   * @param mayReorder pictures may be shown in another order than they are stored: without times of display (AVI with B pictures)
   *   nobody knows then which come before the first key picture
   */
  summary(isWhole: boolean, mayReorder: boolean): PacketSummary {
    const times = [...this.#timesS].sort((a, b) => a - b);
    const steps = times.slice(1).map((time, n) => time - (times[n] ?? 0));
    // Where the list breaks off, pictures near its end may still be missing.
    const usable = isWhole ? steps : steps.slice(0, -8);
    const isUncertain =
      this.#isUncertain || (mayReorder && this.#hasNoOrder) || steps.some((step) => step <= 0);
    const mean = usable.reduce((sum, step) => sum + step, 0) / usable.length;
    return {
      frameCount: isWhole && !isUncertain && this.#shown > 0 ? this.#shown : null,
      isConstant: usable.length < 2 ? null : usable.every((step) => Math.abs(step - mean) <= clockToleranceS),
    };
  }
}

export interface PacketScan {
  /** Resolves when the whole file has been listed. */
  readonly done: Promise<PacketSummary>;
  /** What is known so far. */
  readonly sofar: () => PacketSummary;
  readonly stop: () => void;
}

interface WantedStream {
  /** FFmpeg's number of the stream. */
  readonly stream: number;
  readonly mayReorder: boolean;
}

/** Lists the packets of all picture streams beside the reading; `stream` tells which one is wanted as soon as it is known. */
export function scanPackets(file: string | FilePart, stream: Promise<WantedStream | null>): PacketScan {
  const entries = 'packet=stream_index,pts_time,dts_time,size,flags';
  const child = startTool(
    'ffprobe',
    [
      ...[
        '-loglevel',
        'error',
        '-select_streams',
        'v',
        '-show_entries',
        entries,
        '-of',
        'csv=print_section=0',
      ],
      ...inputArguments(file),
    ],
    0,
    niceness.count,
  );
  const counters = new Map<number, PacketCounter>();
  let rest = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const packet = parsePacketLine(line);
      if (packet === null) continue;
      const counter = counters.get(packet.stream) ?? new PacketCounter();
      counters.set(packet.stream, counter);
      counter.add(packet);
    }
  });
  let isSound = true;
  child.stderr?.on('data', () => (isSound = false));
  let wanted: WantedStream | null = null;
  void stream.then((found) => (wanted = found));
  const sofar = (isWhole: boolean): PacketSummary =>
    (wanted === null ? undefined : counters.get(wanted.stream)?.summary(isWhole, wanted.mayReorder)) ?? {
      frameCount: null,
      isConstant: null,
    };
  const done = new Promise<PacketSummary>((resolve) => {
    child.on('error', () => resolve({ frameCount: null, isConstant: null }));
    child.on('close', (code) => void stream.then(() => resolve(sofar(code === 0 && isSound))));
  });
  return { done, sofar: () => sofar(false), stop: () => child.kill('SIGKILL') };
}
