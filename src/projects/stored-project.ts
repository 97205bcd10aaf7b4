/**
 * What is kept of a project on disk (`project.json`): read once through a schema, changed in one place, written whole or not at
 * all. Runs in the main process.
 */
import { basename } from 'node:path';
import { z } from 'zod';
import { echoViews } from '../vocabulary/echo.js';
import { storedFormatSchema } from '../protocol/source-format.js';
import type { WorkFolder } from '../replay/work-folder.js';
import {
  historyFrom,
  historyOfOrder,
  historySchema,
  historyToStore,
  noHistory,
  type ChangeHistory,
} from './change-history.js';
import {
  plannedPromptSchema,
  storedCorrectionSchema,
  storedMarkSchema,
  trackedPlanSchema,
  traitSchema,
  type ProjectDocument,
  type StoredMark,
} from './project-document.js';

/** Who outlines in place of marks. What it finds is kept, so that the project can be shown where the model is not installed. */
const finderSchema = z.object({ name: z.string(), finds: z.array(z.string()), measuresHeart: z.boolean() });
export type StoredFinder = z.infer<typeof finderSchema>;

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
  plan: z.array(
    z.object({
      label: z.string(),
      prompts: z.array(z.union([storedMarkSchema, plannedPromptSchema])).min(1),
    }),
  ),
  /** Of earlier versions: labels in the order in which their prompts were given. */
  order: z.array(z.string()).default([]),
  traits: z.array(traitSchema).default([]),
  /** null: what is marked is followed. Absent in projects of earlier versions. */
  finder: finderSchema.nullable().default(null),
  corrections: z.array(storedCorrectionSchema).default([]),
  /** What can be taken back and done again; absent in projects of earlier versions. */
  history: historySchema.nullable().default(null),
  /** Number of the next mark; those of removed ones are not used again. */
  nextMark: z.int().min(1).default(1),
  /** The recording with the other view, which names this one, and the view of this one. Absent in projects of earlier versions. */
  pair: z
    .object({ partner: z.string(), view: z.enum(echoViews) })
    .nullable()
    .default(null),
  /** Pictures that a person has looked at since they were tracked. */
  seen: z.array(z.int().min(0)).default([]),
  /** What the masks on disk were (or are being) made with; `finder`: name of its model. */
  ran: z
    .object({ plan: trackedPlanSchema, complete: z.boolean(), finder: z.string().nullable().default(null) })
    .nullable(),
});
type OnDisk = z.infer<typeof storedSchema>;

export interface StoredProject extends Omit<
  OnDisk,
  'plan' | 'traits' | 'corrections' | 'order' | 'history' | 'format'
> {
  readonly format: OnDisk['format'];
  readonly document: ProjectDocument;
  readonly history: ChangeHistory;
}

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
      {
        ...project,
        ...{ format: null, read: false, pair: null, ran: null, nextMark: 1, seen: [] },
        document: { plan: [], traits: [], corrections: [] },
        history: noHistory,
      },
      onChange,
    );
  }

  /** null where the folder holds no project that can be read. */
  static async read(work: WorkFolder, onChange: () => void): Promise<ProjectFile | null> {
    const stored = await work.read(fileName, storedSchema);
    // A copy of a project under another name would be a second one with the same id.
    return stored?.id === basename(work.path) ? new ProjectFile(work, fromDisk(stored), onChange) : null;
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
      await this.work.write(fileName, toDisk({ ...this.#value, ...values }));
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

function toDisk({ document, history, ...project }: StoredProject): object {
  return { ...project, ...document, history: historyToStore(history, document) };
}

/** Marks of earlier versions get their numbers in the order in which they stand. */
function fromDisk({ plan, traits, corrections, order, history, ...stored }: OnDisk): StoredProject {
  let { nextMark } = stored;
  const numbered = plan.map(({ label, prompts }) => ({
    label,
    prompts: prompts.map((prompt): StoredMark =>
      'id' in prompt ? prompt : { ...prompt, id: nextMark++, author: 'person', atUnixMs: null },
    ),
  }));
  const document = { plan: numbered, traits, corrections };
  return {
    ...stored,
    nextMark,
    document,
    history: history === null ? historyOfOrder(document, order) : historyFrom(history, document),
  };
}
