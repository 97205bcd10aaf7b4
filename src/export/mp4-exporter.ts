/**
 * mp4: <clip>/overlay.mp4, the pictures with outlines burnt in, H.264, as many frames as the run has and at the source's
 * times. Pictures are composed here and encoded by a GStreamer child process (x264); each chunk is a closed group of its
 * own with a fresh encoder, so a resumed run makes the same bytes. Odd sizes are padded by one column or row, because
 * 4:2:0 video has none.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { exportError } from './errors.js';
import { checkFrame } from './label-map.js';
import type { Exporter, ExporterCheckpoint, ExportFrame, ExportInfo } from './exporter.js';
import {
  fileTypeBox,
  lengthPrefixed,
  mediaDataHeader,
  movieBox,
  nalUnits,
  type Mp4Sample,
} from './mp4-muxer.js';
import { rgbOf } from '../vocabulary/hex-colour.js';
import { colourOf, slotOfId } from '../vocabulary/palette.js';
import { drawOutline, lineWidth } from './overlay.js';
import { PartialFile } from './partial.js';

const timescale = 90_000;
const sampleRecord = 13;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Constant quality, no look-ahead, one thread: the bytes depend on the pictures only. */
const x264 =
  'x264enc pass=quant quantizer=20 speed-preset=veryfast bframes=0 b-adapt=false rc-lookahead=0 sync-lookahead=0 mb-tree=false threads=1 key-int-max=100000 aud=true';

export class Mp4Exporter implements Exporter {
  readonly format = 'mp4';
  readonly needsPicture = true;
  #info!: ExportInfo;
  #file!: PartialFile;
  /** Per sample: size, key frame, media time. */
  #samples!: PartialFile;
  #width = 0;
  #height = 0;
  #chunk: ChunkEncoder | null = null;
  #parameterSets = '';
  #times: number[] = [];

  async open(info: ExportInfo, resume: ExporterCheckpoint | null): Promise<void> {
    this.#info = info;
    const { width, height } = info.source.size;
    this.#width = width + (width % 2);
    this.#height = height + (height % 2);
    const path = join(info.directory, info.clip, 'overlay.mp4');
    this.#file = await PartialFile.open(path, resume === null ? null : Number(resume['bytes']));
    this.#samples = await PartialFile.open(
      `${path}.samples`,
      resume === null || this.#file.complete ? null : Number(resume['sampleBytes']),
    );
    this.#parameterSets = String(resume?.['parameterSets'] ?? '');
    if (resume === null) {
      await this.#file.append(fileTypeBox());
      await this.#file.append(mediaDataHeader(0));
    }
  }

  async frame(frame: ExportFrame): Promise<void> {
    checkFrame(frame, this.#info, this.format);
    const picture = await this.#compose(frame);
    this.#chunk ??= new ChunkEncoder(this.#width, this.#height, (unit) => this.#accept(unit));
    this.#times.push(frame.mediaNs);
    await this.#chunk.push(picture);
  }

  async checkpoint(): Promise<ExporterCheckpoint> {
    await this.#endChunk();
    return {
      bytes: await this.#file.sync(),
      sampleBytes: await this.#samples.sync(),
      parameterSets: this.#parameterSets,
    };
  }

  async close(): Promise<readonly string[]> {
    await this.#endChunk();
    if (!this.#file.complete) {
      const dataStart = fileTypeBox().length + mediaDataHeader(0).length;
      const dataEnd = this.#file.position;
      const samples = await this.#readSamples();
      const [sps = '', pps = ''] = this.#parameterSets.split('.');
      const rate = this.#info.source.framesPerSecond;
      const before = samples.at(-2);
      const last = samples.at(-1);
      await this.#file.append(
        movieBox(
          {
            width: this.#width,
            height: this.#height,
            timescale,
            sps: Buffer.from(sps, 'base64'),
            pps: Buffer.from(pps, 'base64'),
            lastDuration:
              rate !== null
                ? Math.round(timescale / rate)
                : before && last
                  ? last.time - before.time
                  : timescale / 25,
          },
          samples,
          dataStart,
        ),
      );
      await this.#file.overwrite(mediaDataHeader(dataEnd - fileTypeBox().length), fileTypeBox().length);
    }
    const path = await this.#file.finish();
    await this.#samples.discard();
    return [path];
  }

  async abort(): Promise<void> {
    this.#chunk?.kill();
    await this.#file.close();
    await this.#samples.close();
  }

  /** RGBA of the padded size with outlines. */
  async #compose(frame: ExportFrame): Promise<Uint8Array> {
    const fail = (reason: string, cause?: unknown): Error =>
      exportError('SONO_EXPORT_FRAME', { frame: frame.sourceFrame, format: this.format, reason }, cause);
    if (frame.picture === null) throw fail('its picture is missing');
    const { size, pictureKind } = this.#info.source;
    const { width, height } = size;
    let data: Buffer;
    try {
      const { default: sharp } = await import('sharp');
      const decoded = await sharp(frame.picture)
        .toColourspace('srgb')
        .ensureAlpha()
        .raw({ depth: 'uchar' })
        .toBuffer({ resolveWithObject: true });
      if (decoded.info.width !== width || decoded.info.height !== height)
        throw new Error(`it is ${decoded.info.width}×${decoded.info.height}`);
      data = decoded.data;
    } catch (error) {
      throw fail('its picture cannot be used', error);
    }
    for (const { id, mask, state } of frame.objects)
      drawOutline(data, 4, mask, rgbOf(colourOf(slotOfId(id), pictureKind)), lineWidth(height), state);
    if (width === this.#width && height === this.#height) return data;
    const padded = Buffer.alloc(this.#width * this.#height * 4);
    for (let y = 0; y < this.#height; y++) {
      const row = Math.min(y, height - 1) * width * 4;
      data.copy(padded, y * this.#width * 4, row, row + width * 4);
      if (this.#width > width)
        data.copy(padded, (y * this.#width + width) * 4, row + (width - 1) * 4, row + width * 4);
    }
    return padded;
  }

  /** One access unit from the encoder. */
  async #accept(unit: Buffer): Promise<void> {
    const units = nalUnits(unit);
    const type = (nal: Buffer): number => (nal[0] ?? 0) & 31;
    const sets = [7, 8].map((wanted) => units.find((nal) => type(nal) === wanted)?.toString('base64') ?? '');
    if (sets[0] !== '' && sets[1] !== '') {
      const joined = sets.join('.');
      if (this.#parameterSets !== '' && this.#parameterSets !== joined)
        throw exportError('SONO_EXPORT_ENCODER', { reason: 'its settings changed between two parts' });
      this.#parameterSets = joined;
    }
    // Delimiters and parameter sets live elsewhere in an MP4 file.
    const kept = units.filter((nal) => ![7, 8, 9].includes(type(nal)));
    const data = lengthPrefixed(kept);
    const record = Buffer.alloc(sampleRecord);
    record.writeUInt32BE(data.length, 0);
    record.writeUInt8(kept.some((nal) => type(nal) === 5) ? 1 : 0, 4);
    record.writeDoubleBE(this.#times.shift() as number, 5);
    await this.#file.append(data);
    await this.#samples.append(record);
  }

  async #endChunk(): Promise<void> {
    const chunk = this.#chunk;
    this.#chunk = null;
    await chunk?.end();
  }

  async #readSamples(): Promise<Mp4Sample[]> {
    const records = await this.#samples.read(0, this.#samples.position);
    const samples: Mp4Sample[] = [];
    let firstNs = 0;
    for (let at = 0; at < records.length; at += sampleRecord) {
      const mediaNs = records.readDoubleBE(at + 5);
      if (at === 0) firstNs = mediaNs;
      samples.push({
        bytes: records.readUInt32BE(at),
        keyFrame: records.readUInt8(at + 4) === 1,
        time: Math.round(((mediaNs - firstNs) * timescale) / 1e9),
      });
    }
    return samples;
  }
}

/** One encoder process; pictures go in, access units come out in order. */
class ChunkEncoder {
  readonly #child: Child;
  readonly #reading: Promise<void>;
  #problems = '';
  #pushed = 0;
  #received = 0;
  #failure: Error | null = null;

  constructor(
    width: number,
    height: number,
    private readonly accept: (unit: Buffer) => Promise<void>,
  ) {
    const launch =
      `-q fdsrc fd=0 blocksize=${width * height * 4} ! rawvideoparse format=rgba width=${width} height=${height} framerate=25/1` +
      ` ! videoconvert ! video/x-raw,format=I420 ! ${x264} ! video/x-h264,stream-format=byte-stream,alignment=au,profile=high ! fdsink fd=1 sync=false`;
    this.#child = spawn('gst-launch-1.0', launch.split(' '), { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin.on('error', () => undefined); // Its exit says more.
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#problems += chunk.toString()));
    this.#child.on('error', (error) => (this.#problems += error.message));
    this.#reading = this.#read().catch((error: unknown) => {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#child.kill('SIGKILL');
    });
  }

  async push(picture: Uint8Array): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    this.#pushed++;
    if (!this.#child.stdin.write(picture))
      await Promise.race([
        new Promise((resolve) => this.#child.stdin.once('drain', resolve)),
        this.#reading, // It ends with the child.
      ]);
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#reading;
    if (this.#failure !== null) throw this.#failure;
    if (this.#received !== this.#pushed) {
      const reason = this.#problems.trim().split('\n')[0] ?? '';
      throw exportError('SONO_EXPORT_ENCODER', {
        reason: reason || `it gave ${this.#received} of ${this.#pushed} pictures back`,
      });
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Access units begin with a delimiter (NAL type 9). */
  async #read(): Promise<void> {
    const delimiter = Buffer.from([0, 0, 0, 1, 9]);
    let waiting = Buffer.alloc(0);
    for await (const chunk of this.#child.stdout as AsyncIterable<Buffer>) {
      waiting = Buffer.concat([waiting, chunk]);
      for (let next = waiting.indexOf(delimiter, 5); next >= 0; next = waiting.indexOf(delimiter, 5)) {
        await this.#deliver(waiting.subarray(0, next));
        waiting = waiting.subarray(next);
      }
    }
    if (waiting.length > 0) await this.#deliver(waiting);
  }

  async #deliver(unit: Buffer): Promise<void> {
    this.#received++;
    await this.accept(unit);
  }
}
