/**
 * Masks of marks that have not been tracked yet, by picture: made once, then kept in `marked.jsonl`, one line each, under what they
 * follow from (model, picture, marks), so that taking a change back or renaming an object makes none of them wrong. Runs in the main process.
 */
import { createHash } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { maskFromCocoString, maskToCocoString } from '../mask/rle.js';
import { promptFromWire, type WirePrompt } from '../protocol/prompt-schema.js';
import { objectStateSchema } from '../record/journal.js';
import { givenMask, objectOfMask, type MarkedObject } from '../replay/marked-object.js';
import { writeFileAtomically, type WorkFolder } from '../replay/work-folder.js';
import type { PictureSize } from '../vocabulary/frame.js';
import type { Prompt } from '../vocabulary/prompt.js';

const fileName = 'marked.jsonl';
/** Beyond, the oldest are made again when they are asked for. */
const mostKept = 2000;

const lineSchema = z.object({
  key: z.string(),
  size: z.tuple([z.int().min(1), z.int().min(1)]),
  state: objectStateSchema,
  score: z.number(),
  confidence: z.number(),
  counts: z.string(),
});
type Line = z.infer<typeof lineSchema>;

/** Asks the network about a picture. */
type Outline = (frame: number, prompts: readonly Prompt[]) => Promise<MarkedObject | null>;

export class MarkedMasks {
  #lines: Promise<Map<string, Line>> | null = null;

  constructor(
    private readonly work: WorkFolder,
    /** Hash of the model. Rejects with SONO_MODEL_…. */
    private readonly model: () => Promise<string>,
    private readonly outline: Outline,
  ) {}

  /** Rejects with what the network's engine and the picture's source throw. */
  async find(frame: number, marks: readonly WirePrompt[], size: PictureSize): Promise<MarkedObject | null> {
    const prompts = marks.map((mark) => promptFromWire(mark));
    const given = givenMask(prompts);
    if (given !== null) return objectOfMask(given);
    const key = createHash('sha256')
      .update(JSON.stringify([await this.model(), frame, marks]))
      .digest('hex');
    const lines = await this.#read();
    const known = lines.get(key);
    if (known?.size[0] === size.width && known.size[1] === size.height) {
      const { state, score, confidence, counts } = known;
      return { state, score, confidence, mask: maskFromCocoString(counts, size.width, size.height) };
    }
    const made = await this.outline(frame, prompts);
    if (made === null) return null;
    const { mask, ...told } = made;
    await this.#keep({ key, size: [size.width, size.height], ...told, counts: maskToCocoString(mask) });
    return made;
  }

  #read(): Promise<Map<string, Line>> {
    this.#lines ??= this.#readFile();
    return this.#lines;
  }

  async #readFile(): Promise<Map<string, Line>> {
    const path = this.work.file(fileName);
    const written = (await readFile(path, 'utf8').catch(() => '')).split('\n');
    const lines = new Map(written.flatMap(lineOf).slice(-mostKept));
    if (written.length > 2 * mostKept)
      await writeFileAtomically(path, [...lines.values()].map(asLine).join('')).catch(() => undefined);
    return lines;
  }

  async #keep(line: Line): Promise<void> {
    const lines = await this.#read();
    lines.set(line.key, line);
    for (const key of lines.keys()) if (lines.size > mostKept) lines.delete(key);
    // Without it the mask is made again: a full disk must not refuse the mark.
    await appendFile(this.work.file(fileName), asLine(line)).catch(() => undefined);
  }
}

const asLine = (line: Line): string => `${JSON.stringify(line)}\n`;

/** The last line may be cut off. */
function lineOf(text: string): [string, Line][] {
  try {
    const line = lineSchema.parse(JSON.parse(text));
    maskFromCocoString(line.counts, line.size[0], line.size[1]);
    return [[line.key, line]];
  } catch {
    return [];
  }
}
