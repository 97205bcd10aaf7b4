/**
 * What is kept of a project on disk (`project.json`): read once through a schema, changed in one place, written whole or not at
 * all. Runs in the main process.
 */
import { basename } from 'node:path';
import { z } from 'zod';
import { echoViews } from '../vocabulary/echo.js';
import { storedPromptSchema } from '../protocol/prompt-schema.js';
import { correctionSchema } from '../protocol/project-requests.js';
import { storedFormatSchema } from '../protocol/source-format.js';
import type { WorkFolder } from '../replay/work-folder.js';

const plannedPrompt = z.object({ frame: z.int().min(0), prompt: storedPromptSchema });
const planSchema = z.array(z.object({ label: z.string(), prompts: z.array(plannedPrompt).min(1) }));
/** Objects in the order in which they were first pointed at, each with its prompts in the order in which they were given. */
export type StoredPlan = z.infer<typeof planSchema>;

/** Who outlines in place of marks. What it finds is kept, so that the project can be shown where the model is not installed. */
const finderSchema = z.object({ name: z.string(), finds: z.array(z.string()), measuresHeart: z.boolean() });
export type StoredFinder = z.infer<typeof finderSchema>;

const storedCorrectionSchema = z.object({
  correction: correctionSchema,
  author: z.literal('person'),
  atUnixMs: z.number(),
});
export type StoredCorrection = z.infer<typeof storedCorrectionSchema>;

const storedSchema = z.object({
  id: z.string(),
  name: z.string(),
  uri: z.string(),
  kind: z.enum(['source', 'recording']),
  stream: z.string().nullable(),
  createdUnixMs: z.number(),
  format: storedFormatSchema.nullable(),
  /** All pictures have been read. */
  read: z.boolean(),
  plan: planSchema,
  /** Labels in the order in which their prompts were given: for undo. */
  order: z.array(z.string()),
  /** null: what is marked is followed. Absent in projects of earlier versions. */
  finder: finderSchema.nullable().default(null),
  /** In the order in which they were given. */
  corrections: z.array(storedCorrectionSchema).default([]),
  /** The recording with the other view, which names this one, and the view of this one. Absent in projects of earlier versions. */
  pair: z
    .object({ partner: z.string(), view: z.enum(echoViews) })
    .nullable()
    .default(null),
  /** What the masks on disk were (or are being) made with; `finder`: name of its model. */
  ran: z
    .object({ plan: planSchema, complete: z.boolean(), finder: z.string().nullable().default(null) })
    .nullable(),
});
export type StoredProject = z.infer<typeof storedSchema>;

/** What is known of a project before its source has been opened. */
export type NewProject = Pick<
  StoredProject,
  'id' | 'name' | 'uri' | 'kind' | 'stream' | 'createdUnixMs' | 'finder'
>;

const fileName = 'project.json';

export class ProjectFile {
  #value: StoredProject;
  #saves: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly work: WorkFolder,
    value: StoredProject,
    private readonly onChange: () => void,
  ) {
    this.#value = value;
  }

  /** Nothing is written before the first `keep`. */
  static made(work: WorkFolder, project: NewProject, onChange: () => void): ProjectFile {
    return new ProjectFile(
      work,
      { ...project, format: null, read: false, plan: [], order: [], corrections: [], pair: null, ran: null },
      onChange,
    );
  }

  /** null where the folder holds no project that can be read. */
  static async read(work: WorkFolder, onChange: () => void): Promise<ProjectFile | null> {
    const stored = await work.read(fileName, storedSchema);
    // A copy of a project under another name would be a second one with the same id.
    return stored?.id === basename(work.path) ? new ProjectFile(work, stored, onChange) : null;
  }

  get value(): StoredProject {
    return this.#value;
  }

  /** For what the next `keep` stores along. */
  note(values: Partial<StoredProject>): void {
    this.#value = { ...this.#value, ...values };
    this.onChange();
  }

  /**
   * Takes new values over, on disk and then here: what could not be stored is not shown either. One after the other, because
   * the end of a run and of the reading come at any time. Throws SONO_REPLAY_DISK_FULL, SONO_REPLAY_OUT_NOT_WRITABLE.
   */
  keep(values: Partial<StoredProject>): Promise<void> {
    const kept = this.#saves.then(async () => {
      await this.work.write(fileName, { ...this.#value, ...values });
      this.note(values);
    });
    this.#saves = kept.catch(() => undefined);
    return kept;
  }

  /** Resolves when what was kept so far has been written. */
  async settled(): Promise<void> {
    await this.#saves;
  }
}
