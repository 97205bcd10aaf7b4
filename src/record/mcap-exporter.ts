/**
 * Export as MCAP: the wire's channels (`video`, `segmentation`, `outlines`, `measurements`) of a replayed clip, for Foxglove, Lichtblick and
 * `sonoscope play`. Times are positions in the source behind its modification time, so that the file does not
 * depend on when it was made.
 */
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exportError } from '../export/errors.js';
import type { Exporter, ExporterCheckpoint, ExportFrame, ExportInfo } from '../export/exporter.js';
import { maskArea, maskBox } from '../mask/rle.js';
import { exists } from '../node/files.js';
import { channelTopic } from '../protocol/channels.js';
import { roomMessages, type WireFrameEvent } from '../protocol/room-messages.js';
import { McapFileWriter } from './mcap-writer.js';
import { protobufChannel } from './protobuf-channel.js';

/** In the order of their numbers in the file. */
const exportedChannels = ['video', 'segmentation', 'outlines', 'measurements'] as const;
type Kind = (typeof exportedChannels)[number];

export class McapExporter implements Exporter {
  readonly format = 'mcap';
  readonly needsPicture: boolean;
  #info: ExportInfo | null = null;
  #writer: McapFileWriter | null = null;
  #channels: Readonly<Record<Kind, number>> | null = null;
  /** Wire ids are those of the export; a clip is one stream. */
  #epochNs = 0n;

  /** `pictures` false: masks only. */
  constructor({ pictures }: { readonly pictures: boolean } = { pictures: true }) {
    this.needsPicture = pictures;
  }

  get #final(): string {
    const { directory, clip } = this.#known;
    return join(directory, clip, `${clip}.mcap`);
  }

  get #known(): ExportInfo {
    if (!this.#info) throw new Error('the exporter is not open');
    return this.#info;
  }

  async open(info: ExportInfo, resume: ExporterCheckpoint | null): Promise<void> {
    this.#info = info;
    this.#epochNs = BigInt(Math.round(info.sourceModifiedUnixMs)) * 1_000_000n;
    const partial = `${this.#final}.partial`;
    const done = await exists(this.#final);
    if (done && !(resume && !(await exists(partial))))
      throw exportError('SONO_EXPORT_EXISTS', { path: this.#final });
    const options = {
      library: `sonoscope ${info.software.version}`,
      // Only full chunks and checkpoints end a chunk: time would make two runs differ.
      chunkMs: 2 ** 31 - 1,
    };
    try {
      await mkdir(join(info.directory, info.clip), { recursive: true });
      // Complete already: everything behind the state is cut away and made again.
      if (done) await rename(this.#final, partial);
      if (!resume) await rm(partial, { force: true });
    } catch (error) {
      throw exportError('SONO_EXPORT_NOT_WRITABLE', { path: this.#final }, error);
    }
    try {
      const state = resume?.['state'];
      this.#writer =
        typeof state === 'string'
          ? await McapFileWriter.resume(partial, state, options, () => undefined)
          : await McapFileWriter.create(partial, options, () => undefined);
    } catch (error) {
      throw resume
        ? exportError('SONO_EXPORT_RESUME_BROKEN', { path: this.#final }, error)
        : exportError('SONO_EXPORT_NOT_WRITABLE', { path: this.#final }, error);
    }
    const writer = this.#writer;
    this.#channels = Object.fromEntries(
      exportedChannels.map((kind) => [
        kind,
        writer.addChannel(protobufChannel(channelTopic(info.clip, kind), kind)),
      ]),
    ) as Record<Kind, number>;
  }

  async frame(frame: ExportFrame): Promise<void> {
    const writer = this.#writer;
    const channels = this.#channels;
    if (!writer || !channels) throw new Error('the exporter is not open');
    const info = this.#known;
    const ptsNs = Math.round(frame.mediaNs);
    const { sourceFrame } = frame;
    const identity = {
      streamId: info.clip,
      ptsNs,
      captureNs: 0,
      mediaNs: ptsNs,
      sourceFrame,
      discontinuity: 0,
    };
    const labels = new Map(info.objects.map(({ id, label }) => [id, label]));
    const result = {
      frame: identity,
      maskSize: info.source.size,
      objects: frame.objects.map((object) => ({
        ...object,
        label: labels.get(object.id) ?? '',
        box: maskBox(object.mask),
        areaPx: maskArea(object.mask),
      })),
    };
    const events: WireFrameEvent[] = [
      { kind: 'result', result },
      { kind: 'measurement', frame: identity, measurements: frame.measurements },
    ];
    if (frame.picture && this.needsPicture)
      events.unshift({ kind: 'display', frame: { ...identity, data: frame.picture } });
    const room = { epochUnixNs: this.#epochNs, format: info.source };
    for (const event of events)
      for (const { kind, timestampNs, bytes } of roomMessages(event, room))
        writer.add(channels[kind as Kind], timestampNs, bytes);
    // A batch is quicker than the disk: wait for it rather than overflow.
    if (writer.waitingBytes > 32 * 1024 * 1024) await writer.written();
    this.#check(writer);
  }

  async checkpoint(): Promise<ExporterCheckpoint> {
    const writer = this.#writer;
    if (!writer) return { state: '' };
    try {
      return { state: await writer.checkpoint() };
    } catch (error) {
      this.#check(writer);
      throw error;
    }
  }

  async close(): Promise<readonly string[]> {
    const writer = this.#writer;
    if (writer) {
      try {
        await writer.close();
      } catch (error) {
        this.#check(writer);
        throw error;
      }
      await rename(`${this.#final}.partial`, this.#final);
      this.#writer = null;
    }
    return [this.#final];
  }

  async abort(): Promise<void> {
    await this.#writer?.abandon();
    this.#writer = null;
  }

  #check({ failure }: McapFileWriter): void {
    if (!failure) return;
    throw failure.code === 'SONO_RECORD_DISK_FULL'
      ? exportError('SONO_EXPORT_DISK_FULL', { path: this.#final }, failure)
      : exportError('SONO_EXPORT_NOT_WRITABLE', { path: this.#final }, failure);
  }
}
