/**
 * An object of an archive that hands out descriptions and single frames, but no whole objects: put together as a file, which then is
 * read like any other. Frames are asked for in lists where the archive takes them, else one by one. Any Node thread.
 */
import { SonoError } from '../../vocabulary/errors.js';
import { dicomError } from '../errors.js';
import { checkPictureSize } from '../memory-limits.js';
import {
  elementHeader,
  encapsulatedStart,
  fileStart,
  fragmentHeader,
  sequenceEnd,
  text,
} from '../write/elements.js';
import { describeInstance, type InstanceTarget } from './description.js';
import { elementsOf, firstCount, firstText, type Described } from './described.js';
import { coloursOf, frameCoding, nativeCoding } from './frame-coding.js';
import type { ArchiveHttp } from './http.js';
import { mediaType, parameter, partsOf } from './parts.js';
import { isNotGiven } from './refused.js';
import type { Piece, Supply } from './spool.js';

const compressed = ['image/jpeg', 'image/jls', 'image/jp2', 'image/jpx', 'image/jphc', 'image/dicom-rle'];
const related = (type: string, more = ''): string => `multipart/related; type="${type}"${more}`;
/** The first is what most archives understand; the stored bytes are asked for before unpacked ones. */
const accepted: readonly string[] = [
  related('application/octet-stream', '; transfer-syntax=*'),
  [...compressed, 'application/octet-stream'].map((type) => related(type, '; transfer-syntax=*')).join(', '),
  [...compressed, 'application/octet-stream'].map((type) => related(type)).join(', '),
  related('application/octet-stream'),
  [...compressed, 'application/octet-stream', '*/*;q=0.1'].join(', '),
];
/** Frames in the first question, so that the first picture comes soon, and in the others. */
const firstList = 8;
const longestList = 64;
/** Questions on the way where frames are asked for one by one. */
const atOnce = 4;
const mostFrames = 1_000_000;

interface Frame {
  /** Transfer syntax. */
  readonly coding: string;
  readonly bytes: Uint8Array;
}

interface Way {
  readonly accept: string;
  /** Whether several are given to one question. */
  readonly inLists: boolean;
}

/** Of the object, as the description has it. */
interface Facts {
  readonly frames: number;
  readonly photometric: string;
  /** Three samples of eight bits. */
  readonly isColour: boolean;
  readonly bits: number;
  /** Of an uncompressed frame; two where chroma may be shared. */
  readonly nativeBytes: readonly number[];
}

export class FrameByFrame implements Supply {
  #way: Way | null = null;
  /** Transfer syntax of all frames, and what stands before them; null before the first frame. */
  #start: { readonly coding: string; readonly header: Buffer } | null = null;
  /** Where each frame that was given ends. */
  readonly #ends: number[] = [];

  private constructor(
    readonly http: ArchiveHttp,
    private readonly target: InstanceTarget,
    private readonly description: Described,
    private readonly bulk: ReadonlyMap<string, Uint8Array>,
    private readonly facts: Facts,
  ) {}

  /**
   * Asks for the description of the object; null where the archive has none, or one without pictures.
   * @throws SONO_ARCHIVE_*, SONO_SOURCE_SIZE, SONO_SOURCE_MEMORY
   */
  static async describe(http: ArchiveHttp, target: InstanceTarget): Promise<FrameByFrame | null> {
    const found = await describeInstance(http, target);
    const facts = found && factsOf(found.description, http.address.location);
    return facts && new FrameByFrame(http, target, found.description, found.bulk, facts);
  }

  /** Goes on with the first frame that was not given as a whole. @throws MultipartError, SONO_ARCHIVE_* */
  async *pieces(have: number, signal: AbortSignal): AsyncGenerator<Piece, void, undefined> {
    const { frames } = this.facts;
    while (this.#ends.length > 0 && (this.#ends.at(-1) ?? 0) > have) this.#ends.pop();
    let at = this.#ends.at(-1) ?? 0;
    const piece = (bytes: Uint8Array): Piece => {
      const given = { at, bytes };
      at += bytes.length;
      return given;
    };
    for await (const { coding, bytes } of this.#frames(this.#ends.length, signal)) {
      this.#start ??= { coding, header: this.#header(coding, bytes) };
      if (coding !== this.#start.coding) throw this.#unusable('its pictures are packed in different ways');
      if (at === 0) yield piece(this.#start.header);
      if (coding !== nativeCoding) yield piece(fragmentHeader(bytes.length + (bytes.length % 2)));
      yield piece(bytes);
      if (coding !== nativeCoding && bytes.length % 2 === 1) yield piece(Buffer.alloc(1));
      this.#ends.push(at);
    }
    // Also without any bytes, so that it is known to end here.
    const isNative = this.#start?.coding === nativeCoding;
    const odd = (at - (this.#start?.header.length ?? 0)) % 2;
    if (this.#start !== null) yield piece(isNative ? Buffer.alloc(odd) : sequenceEnd);
    if (this.#ends.length < frames)
      throw this.#unusable(`it gives ${this.#ends.length} pictures of ${frames}`);
  }

  /** Frames from `first` (counted from 0) on, in order. */
  async *#frames(first: number, signal: AbortSignal): AsyncGenerator<Frame, void, undefined> {
    const { frames } = this.facts;
    let next = first;
    if (next >= frames) return;
    this.#way ??= await this.#findWay(signal);
    for (let most = firstList; this.#way.inLists && next < frames; most = longestList) {
      const numbers = Array.from({ length: Math.min(most, frames - next) }, (_, i) => next + i + 1);
      const before = next;
      try {
        for await (const frame of this.#ask(numbers, this.#way.accept, signal)) {
          next += 1;
          yield frame;
        }
      } catch (error) {
        if (!isNotGiven(error) || next > before) throw error;
      }
      // A list that is too long, or of which nothing comes.
      if (next === before) this.#way = { ...this.#way, inLists: false };
    }
    const { accept } = this.#way;
    const ahead: Promise<Frame>[] = [];
    for (let asked = next; next < frames; next += 1) {
      for (; asked < frames && ahead.length < atOnce; asked += 1)
        ahead.push(this.#one(asked + 1, accept, signal));
      // What fails behind one that fails is of no interest.
      for (const question of ahead) question.catch(() => undefined);
      const frame = await ahead.shift();
      if (frame) yield frame;
    }
  }

  async #one(number: number, accept: string, signal: AbortSignal): Promise<Frame> {
    const missing = (): Error => this.#unusable(`it has no picture ${number} of ${this.facts.frames}`);
    try {
      let found: Frame | null = null;
      for await (const frame of this.#ask([number], accept, signal)) found = frame;
      if (found) return found;
    } catch (error) {
      throw isGone(error) ? missing() : error;
    }
    throw missing();
  }

  /** By trying: the frames that are got so are asked for again. */
  async #findWay(signal: AbortSignal): Promise<Way> {
    let refusal: Error | null = null;
    const several = [1, 2].slice(0, this.facts.frames);
    for (const accept of accepted)
      for (const numbers of several.length > 1 ? [several, [1]] : [several])
        try {
          let given = 0;
          for await (const { bytes } of this.#ask(numbers, accept, signal)) given += bytes.length > 0 ? 1 : 0;
          if (given === numbers.length)
            return { accept, inLists: numbers.length > 1 || this.facts.frames === 1 };
        } catch (error) {
          if (!isNotGiven(error)) throw error;
          refusal ??= error as Error;
        }
    throw refusal ?? this.#unusable('it gives no picture');
  }

  /** @param numbers of frames, counted from 1 */
  async *#ask(
    numbers: readonly number[],
    accept: string,
    signal: AbortSignal,
  ): AsyncGenerator<Frame, void, undefined> {
    const { study, series, instance } = this.target;
    const answer = await this.http.open({
      path: `/studies/${study}/series/${series}/instances/${instance}/frames/${numbers.join(',')}`,
      accept,
      subject: this.http.address.location,
      action: 'open it',
      signal,
    });
    const { nativeBytes } = this.facts;
    const most = 2 * Math.max(...nativeBytes) + 1024 ** 2;
    let headers: ReadonlyMap<string, string> = new Map();
    let pieces: Uint8Array[] = [];
    let length = 0;
    let given = 0;
    for await (const event of partsOf(answer)) {
      if (event.kind === 'part') {
        headers = event.headers;
        pieces = [];
        length = 0;
        if ((given += 1) > numbers.length) throw this.#unusable('it gives more pictures than were asked for');
      } else if (event.kind === 'bytes') {
        pieces.push(event.bytes);
        length += event.bytes.length;
        if (length > most)
          throw this.#unusable(`picture ${numbers[given - 1] ?? 0} is longer than a picture can be`);
      } else yield this.#frame(headers, Buffer.concat(pieces), numbers[given - 1] ?? 0);
    }
  }

  #frame(headers: ReadonlyMap<string, string>, bytes: Uint8Array, number: number): Frame {
    const located = /\/frames\/(\d+)\/?$/.exec(headers.get('content-location') ?? '')?.[1];
    if (located !== undefined && Number(located) !== number)
      throw this.#unusable(`it gives picture ${located} for picture ${number}`);
    if (bytes.length === 0) throw this.#unusable(`picture ${number} is empty`);
    const type = mediaType(headers);
    const coding = frameCoding(type, parameter(headers, 'transfer-syntax'), bytes, this.facts.nativeBytes);
    if (coding === null)
      throw this.#unusable(`it sends ${type || 'something unnamed'} that is no stored picture`);
    if (coding === nativeCoding && bytes.length !== (this.#nativeBytes ??= bytes.length))
      throw this.#unusable('its pictures differ in length');
    return { coding, bytes };
  }

  #nativeBytes: number | null = null;

  /** Everything before the first frame. */
  #header(coding: string, first: Uint8Array): Buffer {
    const { frames, bits, photometric, isColour } = this.facts;
    const { instance } = this.target;
    const instead = [text(0x00280008, 'IS', String(frames))];
    // Unpacked by the archive, whose description is of what it has stored.
    const wasPacked =
      isColour && photometric.startsWith('YBR_') && first.length === Math.max(...this.facts.nativeBytes);
    if (coding === nativeCoding && wasPacked) {
      const colours = /^YBR_(ICT|RCT)$/.test(photometric) ? 'RGB' : coloursOf(first);
      if (colours === null)
        throw this.#unusable('it unpacks the pictures and does not say in which colours they are then');
      instead.push(text(0x00280004, 'CS', colours));
    }
    const bytes = frames * first.length;
    return Buffer.concat([
      fileStart(firstText(this.description, '00080016'), instance, coding),
      elementsOf(this.description, this.bulk, instead),
      coding === nativeCoding
        ? // Lengths have 32 bits; the reader knows that longer ones wrap around.
          elementHeader(0x7fe00010, bits > 8 ? 'OW' : 'OB', (bytes + (bytes % 2)) % 2 ** 32)
        : Buffer.concat([encapsulatedStart(), fragmentHeader(0)]),
    ]);
  }

  #unusable(why: string): SonoError {
    return dicomError('SONO_ARCHIVE_ANSWER', { archive: this.http.name, why });
  }
}

function factsOf(of: Described, uri: string): Facts | null {
  const width = firstCount(of, '00280011');
  const height = firstCount(of, '00280010');
  const bits = firstCount(of, '00280100') ?? 8;
  const samples = firstCount(of, '00280002') ?? 1;
  if (width === null || height === null) return null;
  checkPictureSize(uri, { width, height });
  const frames = firstCount(of, '00280008') ?? 1;
  if (frames < 1 || frames > mostFrames) return null;
  const photometric = firstText(of, '00280004').toUpperCase();
  const full = Math.ceil((width * height * samples * bits) / 8);
  const isColour = samples === 3 && bits === 8;
  const isShared = isColour && /^YBR_(FULL|PARTIAL)_422$/.test(photometric);
  return { frames, photometric, isColour, bits, nativeBytes: isShared ? [width * height * 2, full] : [full] };
}

const isGone = (error: unknown): boolean => error instanceof SonoError && error.code === 'SONO_ARCHIVE_GONE';
