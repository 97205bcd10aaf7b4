/**
 * Live = replay, shown: feeds the journal of a recording (same pictures, same prompts, same order, same gaps) to the same
 * engine and compares every result with what was recorded live. Stops at the first difference.
 */
import type { AnalysisFrame } from '../vocabulary/frame.js';
import { createLocalEngine } from '../engine/local-engine.js';
import type { Engine } from '../engine/engine.js';
import { processorName } from '../node/processor.js';
import { SonoError } from '../vocabulary/errors.js';
import { maskFromCocoBytes } from '../mask/rle.js';
import { channelTopic } from '../protocol/channels.js';
import { decodeSegmentation } from '../protocol/messages.js';
import type { SegmentationMessage } from '../protocol/messages.js';
import { decodeAnalysisPicture } from '../record/analysis-picture.js';
import {
  analysisTopic,
  commandFromJournal,
  decodeEntry,
  journalObjects,
  journalTopic,
  maskHash,
} from '../record/journal.js';
import type { JournalEntry, JournalFrame, JournalObject } from '../record/journal.js';
import type { McapFileReader } from '../record/mcap-reader.js';
import { recordError } from '../record/errors.js';
import { replayError } from '../replay/errors.js';
import { openRecording } from '../record/recording-streams.js';

interface VerifyOptions {
  readonly path: string;
  /** Folder of the model, or how to find it by what the recording says of it (streams may have different ones). */
  readonly modelDir: string | ((recorded: RecordedModel) => Promise<string>);
}

export interface RecordedModel {
  readonly modelName: string;
  readonly modelSha256: string;
}

interface Difference {
  readonly stream: string;
  readonly ptsNs: number | null;
  readonly sourceFrame: number | null;
  /** In words, recorded value first. */
  readonly what: string;
}

export interface VerifyReport {
  readonly path: string;
  /** False where the end of the recording is missing; it was checked up to its last complete chunk. */
  readonly complete: boolean;
  readonly streams: readonly {
    readonly stream: string;
    readonly frames: number;
    readonly commands: number;
    /** How often the engine was replaced while it was recorded; each time the check went on from its recorded state. */
    readonly restarts: number;
    /** Whether this machine's processor computed the recording; null where it does not say. */
    readonly sameProcessor: boolean | null;
    /** By how much a score or confidence differs at most: 0 on the same processor, `roundingOfOthers` on another. */
    readonly largestRounding: number;
  }[];
  readonly firstDifference: Difference | null;
}

/** Throws SONO_RECORDING_*, SONO_VERIFY_NO_JOURNAL, SONO_VERIFY_MODEL, SONO_VERIFY_PROVIDER, and what the engine throws. */
export async function verifyRecording(options: VerifyOptions): Promise<VerifyReport> {
  const reader = await openRecording(options.path);
  try {
    const journaled = [...reader.channels.values()].flatMap(({ topic }) => {
      const match = /^\/(.+)\/journal$/.exec(topic);
      return match?.[1] === undefined ? [] : [match[1]];
    });
    const streams: VerifyReport['streams'][number][] = [];
    let firstDifference: Difference | null = null;
    for (const stream of journaled) {
      const verifier = new StreamVerifier(options, stream);
      firstDifference = await verifier.run(reader);
      const { frames, commands, restarts, sameProcessor, largestRounding } = verifier;
      streams.push({ stream, frames, commands, restarts, sameProcessor, largestRounding });
      if (firstDifference) break;
    }
    // What lies behind was recorded, and has not been compared.
    if (firstDifference === null && reader.brokenAt !== null)
      throw recordError('SONO_RECORDING_DAMAGED', {
        path: options.path,
        position: reader.brokenAt,
        reason: 'there are zeros, and the rest was not compared',
      });
    if (streams.every(({ frames, commands }) => frames + commands === 0))
      throw replayError('SONO_VERIFY_NO_JOURNAL', { path: options.path });
    return { path: options.path, complete: reader.complete, streams, firstDifference };
  } finally {
    await reader.close();
  }
}

/** Pictures kept for commands that refer to an earlier frame: the pipeline holds two seconds, 240 at most. */
const keptPictures = 512;
/** Results kept until their message on the segmentation channel has been read. */
const keptResults = 1024;
/** Messages that may wait for their result. */
const keptMessages = 256;
/**
 * Another processor has other kernels, which add up the same numbers in another order: the float32 results of a network then
 * differ in their last digits. What follows from them in whole (mask, state, area, label, order) is compared exactly everywhere.
 */
const roundingOfOthers = 1e-5;
/** What a lost device or thread leaves behind cannot be repeated; the state it went on from is in the next entry. */
const unrepeatable = new Set(['SONO_INFERENCE_FAILED', 'SONO_ENGINE_LOST', 'SONO_ENGINE_CLOSED', 'unknown']);

interface WaitingMessage {
  readonly timeNs: bigint;
  readonly digest: string;
  readonly ptsNs: number;
}

class StreamVerifier {
  frames = 0;
  commands = 0;
  restarts = 0;
  sameProcessor: boolean | null = null;
  largestRounding = 0;
  #engine: Engine | null = null;
  readonly #pictures = new Map<bigint, Uint8Array>();
  /** Digests of the recorded results by time stamp, and messages whose result has not been read yet. */
  readonly #results = new Map<bigint, string[]>();
  #messages: WaitingMessage[] = [];

  constructor(
    private readonly options: VerifyOptions,
    private readonly stream: string,
  ) {}

  async run(reader: McapFileReader): Promise<Difference | null> {
    const topics = {
      journal: journalTopic(this.stream),
      analysis: analysisTopic(this.stream),
      segmentation: channelTopic(this.stream, 'segmentation'),
    };
    try {
      for await (const { topic, timeNs, data } of reader.inFileOrder(new Set(Object.values(topics)))) {
        let difference: Difference | null = null;
        if (topic === topics.analysis) keep(this.#pictures, timeNs, Uint8Array.from(data), keptPictures);
        else if (topic === topics.segmentation)
          difference = this.#takeMessage(timeNs, decodeSegmentation(data));
        else {
          const entry = decodeEntry(data);
          if (entry) difference = await this.#step(entry, timeNs);
        }
        if (difference) return difference;
      }
      // Where the end is missing, so may be the entry of a message.
      if (reader.complete)
        for (const message of this.#messages) {
          const difference = this.#judgeMessage(message);
          if (difference) return difference;
        }
      return null;
    } finally {
      await this.#engine?.close();
    }
  }

  async #step(entry: JournalEntry, timeNs: bigint): Promise<Difference | null> {
    switch (entry.op) {
      case 'source':
      case 'drops':
      case 'held':
        return null;
      case 'engine':
        await this.#startEngine(entry);
        return null;
      case 'sourceSize':
        await this.#engine?.setSourceSize(entry.size);
        return null;
      case 'restore':
        await this.#engine?.restore(entry.snapshot);
        return null;
      case 'track': {
        if (entry.error !== null && unrepeatable.has(entry.error)) {
          this.#takeResult(timeNs, entry.objects);
          return null;
        }
        const frame = await this.#frame(entry.frame, timeNs);
        if (!frame || !this.#engine) return this.#noPicture();
        this.frames += 1;
        const outcome = await settle(this.#engine.track(frame));
        const found = 'value' in outcome ? journalObjects(outcome.value) : [];
        this.#takeResult(timeNs, entry.objects);
        return this.#compare(entry.frame, entry.error, outcome.code, entry.objects, found);
      }
      case 'command': {
        if (entry.error !== null && unrepeatable.has(entry.error)) {
          if (entry.objects) this.#takeResult(timeNs, entry.objects);
          return null;
        }
        const frame = entry.frame && (await this.#frame(entry.frame, timeNs));
        if ((entry.frame && !frame) || !this.#engine) return this.#noPicture();
        this.commands += 1;
        const outcome = await settle(this.#engine.command(commandFromJournal(entry.command), frame));
        const result = 'value' in outcome ? outcome.value.result : null;
        const difference = this.#compare(
          entry.frame,
          entry.error,
          outcome.code,
          entry.objects ?? [],
          result ? journalObjects(result) : [],
        );
        if (difference) return difference;
        const objectId = 'value' in outcome ? outcome.value.objectId : null;
        if (objectId !== entry.objectId)
          return this.#difference(
            entry.frame,
            `a command concerned object ${entry.objectId}, now ${objectId}`,
          );
        if (entry.objects) this.#takeResult(timeNs, entry.objects);
        return null;
      }
    }
  }

  async #startEngine(entry: Extract<JournalEntry, { op: 'engine' }>): Promise<void> {
    if (this.#engine) {
      this.restarts += 1;
      await this.#engine.close();
    }
    const { info, threads, sourceSize, snapshot, processor } = entry;
    this.sameProcessor = processor === null ? null : processor === processorName();
    const { modelDir } = this.options;
    const engine = await createLocalEngine({
      modelDir: typeof modelDir === 'string' ? modelDir : await modelDir(info),
      provider: info.provider,
      policy: info.policy,
      threads,
      sourceSize: sourceSize ?? { width: 1, height: 1 },
      keepLogits: false,
    });
    this.#engine = engine;
    if (engine.info.modelSha256 !== info.modelSha256)
      throw replayError('SONO_VERIFY_MODEL', {
        path: this.options.path,
        recorded: `${info.modelName} ${info.modelVersion} (${info.modelSha256.slice(0, 12)})`,
        present: `${engine.info.modelName} ${engine.info.modelVersion} (${engine.info.modelSha256.slice(0, 12)})`,
      });
    if (engine.info.provider !== info.provider)
      throw replayError('SONO_VERIFY_PROVIDER', {
        path: this.options.path,
        recorded: info.provider,
        present: engine.info.provider,
      });
    if (snapshot !== null && snapshot !== undefined) await engine.restore(snapshot);
  }

  async #frame(frame: JournalFrame, timeNs: bigint): Promise<AnalysisFrame | null> {
    const message = this.#pictures.get(timeNs);
    const { pass: discontinuity, ...rest } = frame;
    return message ? { ...rest, discontinuity, ...(await decodeAnalysisPicture(message)) } : null;
  }

  #noPicture(): never {
    throw replayError('SONO_VERIFY_NO_JOURNAL', { path: this.options.path });
  }

  #compare(
    frame: JournalFrame | null,
    recordedError: string | null,
    error: string | null,
    recorded: readonly JournalObject[],
    found: readonly JournalObject[],
  ): Difference | null {
    if (recordedError !== error)
      return this.#difference(
        frame,
        `it ended with ${recordedError ?? 'success'}, now with ${error ?? 'success'}`,
      );
    if (recorded.length !== found.length)
      return this.#difference(frame, `${recorded.length} objects were followed, now ${found.length}`);
    for (const [index, was] of recorded.entries()) {
      const is = found[index] as JournalObject;
      for (const key of ['id', 'label', 'state', 'score', 'confidence', 'areaPx', 'mask'] as const)
        if (was[key] !== is[key] && !this.#isRounding(was, is, key))
          return this.#difference(
            frame,
            `object ${was.id} "${was.label}": ${key} was ${was[key]}, now ${is[key]}`,
          );
    }
    return null;
  }

  #isRounding(was: JournalObject, is: JournalObject, key: keyof JournalObject): boolean {
    if (this.sameProcessor === true || (key !== 'score' && key !== 'confidence')) return false;
    const difference = Math.abs(was[key] - is[key]);
    if (!(difference <= roundingOfOthers)) return false;
    this.largestRounding = Math.max(this.largestRounding, difference);
    return true;
  }

  // The overlay that went out on the wire must be a result of the engine. Message and journal entry of a frame come in
  // either order, and a prompted frame has two results.

  #takeResult(timeNs: bigint, objects: readonly JournalObject[]): void {
    const results = this.#results.get(timeNs) ?? [];
    results.push(digest(objects));
    keep(this.#results, timeNs, results, keptResults);
    this.#messages = this.#messages.filter(
      (message) => message.timeNs !== timeNs || !results.includes(message.digest),
    );
  }

  #takeMessage(timeNs: bigint, message: SegmentationMessage): Difference | null {
    const { width, height } = message.maskSize;
    const text = digest(
      message.objects.map((object) => ({
        ...object,
        mask: maskHash(maskFromCocoBytes(object.counts, width, height)),
      })),
    );
    if (this.#results.get(timeNs)?.includes(text)) return null;
    this.#messages.push({ timeNs, digest: text, ptsNs: message.ptsNs });
    return this.#messages.length > keptMessages ? this.#judgeMessage(this.#messages.shift()) : null;
  }

  /** A message without any result belongs to a frame before the journal began. */
  #judgeMessage(message: WaitingMessage | undefined): Difference | null {
    return message && this.#results.has(message.timeNs)
      ? {
          stream: this.stream,
          ptsNs: message.ptsNs,
          sourceFrame: null,
          what: 'the recorded overlay is not what the engine had found',
        }
      : null;
  }

  #difference(frame: JournalFrame | null, what: string): Difference {
    return {
      stream: this.stream,
      ptsNs: frame?.ptsNs ?? null,
      sourceFrame: frame?.sourceFrame ?? null,
      what,
    };
  }
}

function digest(
  objects: readonly Pick<JournalObject, 'id' | 'label' | 'state' | 'areaPx' | 'mask'>[],
): string {
  return JSON.stringify(
    objects.map(({ id, label, state, areaPx, mask }) => [id, label, state, areaPx, mask]),
  );
}

/** Insert as the newest; the oldest goes when there are more than `limit`. */
function keep<Value>(map: Map<bigint, Value>, key: bigint, value: Value, limit: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > limit) for (const oldest of map.keys()) return void map.delete(oldest);
}

type Outcome<Value> = { readonly value: Value; readonly code: null } | { readonly code: string };

async function settle<Value>(call: Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { value: await call, code: null };
  } catch (error) {
    return { code: error instanceof SonoError ? String(error.code) : 'unknown' };
  }
}
