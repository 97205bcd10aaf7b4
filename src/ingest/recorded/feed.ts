/**
 * A recorded file as FFmpeg hands out its pictures. One ffprobe says what the file is, one ffmpeg decodes it, one more ffprobe counts its
 * packets. Their processes stand behind pipes: a decoder that crashes on a damaged file takes nothing with it. Child process.
 */
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { uncalibrated } from '../../vocabulary/calibration.js';
import type { PictureSize } from '../../vocabulary/frame.js';
import { dicomError } from '../../dicom/errors.js';
import { ingestError } from '../errors.js';
import type { FedPicture, FeedFormat, FrameFeed } from '../feed.js';
import type { Damage, ResumePoint } from '../messages.js';
import { layoutOf, PictureAssembler, type PixelFormat, type SampleLayout } from '../sample-layout.js';
import type { Deinterlacing } from '../source-uri.js';
import type { PictureLength } from '../length/picture-length.js';
import { promisedSeconds, readPictureLength } from '../video-length.js';
import { readReport, type RecordedPicture, type SampleFormat } from './about.js';
import {
  parseScalerLine,
  parseTimeLine,
  picturePipe,
  readingArguments,
  timesPipe,
  type PictureTime,
} from './arguments.js';
import { scanPackets, type PacketScan, type PacketSummary } from './packets.js';
import { inputArguments, niceness, startTool, type FilePart } from './tools.js';

const pixelFormats: Record<SampleFormat, PixelFormat> = {
  gray: 'GRAY8',
  yuv420p: 'I420',
  yuvj420p: 'I420',
  yuv422p: 'Y42B',
  yuvj422p: 'Y42B',
  yuv444p: 'Y444',
  yuvj444p: 'Y444',
  rgb24: 'RGB',
};

/** Number of pictures that are read ahead. When it is reached, ffmpeg waits at its pipe. */
const pictureLimit = 2;
/** A file about which ffprobe has said nothing by then is given up. */
const probePatienceMs = 20_000;
/** How long the format waits for the number of pictures. Longer files get their number later. */
const countPatienceMs = 1_000;
const keptLogChars = 4_000;

/** What is read, and how. */
interface RecordedSource {
  /** For the sentences. */
  readonly path: string;
  /** Where it lies; usually at `path`. */
  readonly file: string | FilePart;
  readonly deinterlacing: Deinterlacing;
}

/**
 * @param shownAs the picture as it is to be shown, where another one than the file knows better
 * @throws SONO_SOURCE_*
 */
export async function openRecordedFile(
  source: RecordedSource,
  resume: ResumePoint | null,
  shownAs: (picture: RecordedPicture) => RecordedPicture = (picture) => picture,
): Promise<RecordedFeed> {
  const { file } = source;
  let tellStream = (_stream: RecordedPicture | null): void => undefined;
  const scan = scanPackets(file, new Promise((resolve) => (tellStream = resolve)));
  try {
    const length = await readPictureLength(file);
    const picture = shownAs(await probe(source, length !== null));
    tellStream(picture);
    const packets = await Promise.race([scan.done, after(countPatienceMs).then(() => scan.sofar())]);
    return new RecordedFeed(source, picture, length, packets, scan, resume);
  } catch (error) {
    tellStream(null);
    scan.stop();
    throw error;
  }
}

const after = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });

async function probe(source: RecordedSource, isContainer: boolean): Promise<RecordedPicture> {
  const { path } = source;
  const { stdout, stderr } = await runProbe(source);
  let report: unknown;
  try {
    report = JSON.parse(stdout);
  } catch {
    report = {};
  }
  if (/^\s*\{\s*\}\s*$/.test(stdout) || stdout === '') throw unopenable(path, stderr, isContainer);
  const about = readReport(report);
  switch (about.kind) {
    case 'picture':
      return about.picture;
    case 'no-picture':
      throw ingestError('SONO_SOURCE_NO_PICTURE', { path });
    case 'unknown-codec':
      throw ingestError('SONO_SOURCE_CODEC', { path, codec: about.codec });
    case 'too-large':
      throw dicomError('SONO_SOURCE_SIZE', { path, ...about.size });
    case 'unreadable': {
      const claimed = /Picture size (\d+)x(\d+) is invalid/.exec(stderr);
      if (claimed !== null)
        throw dicomError('SONO_SOURCE_SIZE', {
          path,
          width: Number(claimed[1]),
          height: Number(claimed[2]),
        });
      throw ingestError('SONO_SOURCE_DAMAGED', { path, seconds: 0 }, stderr);
    }
  }
}

function unopenable(path: string, stderr: string, isContainer: boolean): Error {
  if (/permission denied/i.test(stderr)) return ingestError('SONO_SOURCE_FORBIDDEN', { path }, stderr);
  if (/no such file/i.test(stderr)) return ingestError('SONO_SOURCE_MISSING', { path }, stderr);
  // The content is that of a container, and it cannot be opened. (The name alone also leads to a demuxer and proves nothing.)
  if (isContainer) return ingestError('SONO_SOURCE_DAMAGED', { path, seconds: 0 }, stderr);
  return ingestError('SONO_SOURCE_NOT_VIDEO', { path }, stderr);
}

function runProbe({ path, file }: RecordedSource): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = startTool(
      'ffprobe',
      [
        ...['-loglevel', 'error', '-of', 'json', '-show_format', '-show_streams', '-show_frames'],
        // Decodes the first packets, because only the decoder knows the colours of some files.
        ...['-select_streams', 'v', '-read_intervals', '%+#4'],
        ...inputArguments(file),
      ],
      0,
      0,
    );
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(
        ingestError('SONO_SOURCE_NO_ANSWER', {
          uri: path,
          seconds: probePatienceMs / 1000,
          what: 'the beginning of the file',
        }),
      );
    }, probePatienceMs);
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-keptLogChars)));
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(missingTool(path, 'ffprobe', error));
    });
    child.on('close', () => {
      clearTimeout(timer);
      resolve({ stdout, stderr });
    });
  });
}

function missingTool(path: string, element: string, error: unknown): Error {
  return ingestError('SONO_SOURCE_PLUGIN', { uri: path, element }, error);
}

/** One ffmpeg process: pictures and their times, which arrive on two pipes and are joined by their order. */
class Reading {
  readonly #child: ChildProcess;
  readonly #pictures: Buffer[] = [];
  readonly #times: PictureTime[] = [];
  readonly #assembler: PictureAssembler;
  readonly #samples: Readable;
  #closed = false;
  #how: string | null = null;
  #log = '';
  #wake: () => void = () => undefined;

  constructor(
    args: readonly string[],
    layout: SampleLayout,
    onLogLine: (line: string) => void,
    onMissing: (error: Error) => void,
  ) {
    this.#assembler = new PictureAssembler(layout);
    this.#child = startTool('ffmpeg', args, 2, niceness.decode);
    this.#samples = this.#child.stdio[picturePipe] as Readable;
    this.#samples.on('data', (chunk: Buffer) => {
      for (let offset = 0; offset < chunk.length;) {
        const { taken, picture } = this.#assembler.take(chunk, offset);
        offset += taken;
        if (picture !== null) this.#pictures.push(picture);
      }
      if (this.#pictures.length >= pictureLimit) this.#samples.pause();
      this.#wake();
    });
    lines(this.#child.stdio[timesPipe] as Readable, (line) => {
      const time = parseTimeLine(line);
      if (time === null) return;
      this.#times.push(time);
      this.#wake();
    });
    lines(this.#child.stderr as Readable, (line) => {
      if (/\[(error|fatal|panic)\]/.test(line)) this.#log = (this.#log + line + '\n').slice(-keptLogChars);
      onLogLine(line);
    });
    this.#child.stdout?.resume();
    this.#child.on('error', onMissing);
    // `close` comes when the process is gone and every pipe has been read.
    this.#child.on('close', (code, signal) => {
      this.#closed = true;
      this.#how = signal ?? (code === 0 ? null : `exit code ${code}`);
      this.#wake();
    });
  }

  /** What went wrong; null after a normal end. Asked at the end. */
  get how(): string | null {
    return this.#how;
  }

  get log(): string {
    return this.#log;
  }

  async next(): Promise<{ readonly picture: Buffer; readonly time: PictureTime } | null> {
    for (;;) {
      const [picture] = this.#pictures;
      const [time] = this.#times;
      if (picture !== undefined && time !== undefined) {
        this.#pictures.shift();
        this.#times.shift();
        if (this.#pictures.length < pictureLimit) this.#samples.resume();
        return { picture, time };
      }
      if (this.#closed) return null;
      // Read on while there is room: behind a paused pipe ffmpeg would wait and never end.
      if (this.#pictures.length < pictureLimit) this.#samples.resume();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}

function lines(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString('utf8')).split('\n');
    rest = (parts.pop() ?? '').slice(-keptLogChars);
    for (const part of parts) onLine(part);
  });
  stream.on('error', () => undefined);
}

export class RecordedFeed implements FrameFeed {
  readonly size: PictureSize;
  readonly pixelFormat: PixelFormat;
  readonly layout: SampleLayout;
  readonly colorimetry: string;
  onNews = (): void => undefined;
  /** Called for each picture that an earlier process has delivered: none may be due for minutes, and it goes on. */
  onPassedOver = (): void => undefined;
  readonly picture: RecordedPicture;
  readonly #source: RecordedSource;
  readonly #length: PictureLength | null;
  readonly #scan: PacketScan;
  #packets: PacketSummary;
  /** Size of the first stored picture, and the size that it has changed to since. */
  #storedSize: string | null = null;
  #changedTo: string | null = null;

  #reading: Reading;
  #failure: Error | null = null;
  #zeroPtsNs: number | null;
  #index = 0;
  #endNs = 0;
  /** Where in the file this reading began. */
  #seekNs = 0;
  /** Times and numbers of pictures that are known from before; null when the place in the file has been found again. */
  #known: ResumePoint['seen'] | null = null;
  /** Pictures before this one were delivered by an earlier process and are passed over. */
  #from: number;
  #isClosed = false;

  constructor(
    source: RecordedSource,
    picture: RecordedPicture,
    length: PictureLength | null,
    packets: PacketSummary,
    scan: PacketScan,
    resume: ResumePoint | null,
  ) {
    this.#source = source;
    this.picture = picture;
    this.#length = length;
    this.#packets = packets;
    this.#scan = scan;
    this.size = picture.size;
    this.pixelFormat = pixelFormats[picture.samples];
    this.layout = layoutOf(picture.size, this.pixelFormat);
    this.colorimetry = picture.colorimetry;
    this.#from = resume?.nextSourceFrame ?? 0;
    this.#zeroPtsNs = resume?.zeroPtsNs ?? null;
    if (resume !== null && resume.seekSeconds > 0) {
      this.#known = resume.seen;
      this.#seekNs = resume.seekSeconds * 1e9;
    }
    this.#reading = this.#start();
    void scan.done.then((summary) => {
      if (this.#isClosed || JSON.stringify(summary) === JSON.stringify(this.#packets)) return;
      this.#packets = summary;
      this.onNews();
    });
  }

  /** Size that the coded pictures have had since it changed in their midst; null while it has not. */
  get changedTo(): string | null {
    return this.#changedTo;
  }

  get format(): FeedFormat {
    const { framesPerSecond, description } = this.picture;
    const changed = `picture changed to ${this.#changedTo}, shown at ${this.size.width} × ${this.size.height}`;
    return {
      framesPerSecond: this.#packets.isConstant === false ? null : framesPerSecond,
      calibration: uncalibrated,
      frameCount: this.#packets.frameCount,
      description: this.#changedTo === null ? description : `${description}; ${changed}`,
    };
  }

  /** Pictures that FFmpeg has handed out in this reading, those passed over included. */
  get readCount(): number {
    return this.#index;
  }

  get zeroPtsNs(): number {
    return this.#zeroPtsNs ?? 0;
  }

  get endNs(): number {
    return this.#endNs;
  }

  async next(): Promise<FedPicture | null> {
    for (;;) {
      const read = await this.#reading.next();
      if (this.#failure !== null) throw this.#failure;
      if (read === null && this.#known === null) {
        this.#checkEnd();
        return null;
      }
      if (read === null || !this.#findsPlace(read.time)) {
        this.#readFromBeginning();
        continue;
      }
      this.#zeroPtsNs ??= read.time.ptsNs;
      const mediaNs = read.time.ptsNs + this.#seekNs - this.#zeroPtsNs;
      const index = this.#index;
      this.#index += 1;
      this.#endNs = mediaNs + read.time.durationNs;
      if (index >= this.#from) return { index, mediaNs, data: read.picture };
      this.onPassedOver();
    }
  }

  rewind(): void {
    this.#from = 0;
    this.#readFromBeginning();
  }

  damage(): Damage | null {
    const atS = this.#missingTail();
    return atS === null ? null : { kind: 'broke-off', atS };
  }

  /**
   * Seconds that could be read if whole pictures are missing at the end, else null. A file whose first pictures cannot be decoded
   * begins later and still reaches its end.
   */
  #missingTail(): number | null {
    const readS = this.#endNs / 1e9;
    if (this.#reading.how !== null || this.#length?.cut === true) return readS;
    const promisedS = promisedSeconds(this.#length, this.picture.promisedSeconds ?? -1);
    if (promisedS === null) return null;
    const { framesPerSecond } = this.picture;
    const isExact = (this.#length?.seconds ?? null) !== null;
    const toleranceS =
      isExact && framesPerSecond !== null
        ? Math.max(3 / framesPerSecond, 0.1)
        : Math.max(1, promisedS * 0.02);
    return promisedS - readS > toleranceS ? readS : null;
  }

  close(): void {
    this.#isClosed = true;
    this.#scan.stop();
    this.#reading.close();
  }

  /**
   * Whether this picture can be numbered. After a seek, the times of known pictures must agree one by one first, because in some
   * containers a seek lands at another place.
   */
  #findsPlace(time: PictureTime): boolean {
    if (this.#known === null) return true;
    const mediaNs = time.ptsNs + this.#seekNs - (this.#zeroPtsNs ?? 0);
    const match = this.#known.find(([knownNs]) => Math.abs(knownNs - mediaNs) < sameTimeNs);
    const isFirst = this.#index === 0;
    if (match === undefined || !(isFirst || match[1] === this.#index)) return false;
    this.#index = match[1];
    // The next picture is a new one. Two known pictures in front of it prove that the place is right.
    if (this.#index + 1 >= this.#from) {
      if (isFirst) return false;
      this.#known = null;
    }
    return true;
  }

  #readFromBeginning(): void {
    this.#reading.close();
    this.#known = null;
    this.#seekNs = 0;
    this.#index = 0;
    this.#reading = this.#start();
  }

  #start(): Reading {
    const { path, file, deinterlacing } = this.#source;
    const args = readingArguments(file, this.picture, deinterlacing, this.#seekNs / 1e9);
    const reading: Reading = new Reading(
      args,
      this.layout,
      (line) => this.#onLogLine(line),
      (error) => (this.#failure = missingTool(path, 'ffmpeg', error)),
    );
    return reading;
  }

  #onLogLine(line: string): void {
    const size = parseScalerLine(line);
    if (size === null) return;
    const text = `${size.width} × ${size.height}`;
    this.#storedSize ??= text;
    if (text === (this.#changedTo ?? this.#storedSize)) return;
    this.#changedTo = text;
    this.onNews();
  }

  /** @throws SONO_SOURCE_* where ffmpeg stopped before the end of the file */
  #checkEnd(): void {
    const { how, log } = this.#reading;
    const { path } = this.#source;
    const missing = /Decoder \(codec ([^)]+)\) not found/.exec(log)?.[1];
    if (missing !== undefined) throw ingestError('SONO_SOURCE_CODEC', { path, codec: missing }, log);
    // The decoder crashed: the parent starts a new process at this place, and gives up after a few attempts.
    if (how !== null && /^SIG/.test(how)) throw ingestError('SONO_SOURCE_CRASHED', { uri: path, how }, log);
    if (this.#index === 0) throw ingestError('SONO_SOURCE_DAMAGED', { path, seconds: 0 }, log);
  }
}

/** Two readings of one picture give times that differ by less than this, because FFmpeg seeks in microseconds. */
const sameTimeNs = 0.5e6;
