/**
 * The output folder of a run: its lock, the state of an unfinished run, and manifest.json. Main process.
 *
 * While a run is unfinished, `<out>/.replay/` holds its state; it goes when everything is complete.
 */
import { readdir, rm, rmdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { unixNowMs } from '../node/clock.js';
import { makeFolder } from '../node/make-folder.js';
import type { SonoError } from '../vocabulary/errors.js';
import { backwardStateName } from './backward-pass.js';
import { biplaneName, pairResults, type ClipPair } from './biplane-pairs.js';
import { echoSummary } from './echo-summary.js';
import { echoSummaryName } from './summary-names.js';
import type { Outcome } from './outcome.js';
import { replayError } from './errors.js';
import type { SkippedFile } from '../ingest/folder-contents.js';
import { FolderLock } from './folder-lock.js';
import { forwardStateName } from './forward-pass.js';
import type { InputItem } from './input-item.js';
import { doneName, itemSummarySchema } from './item-summary.js';
import type { ReplayOptions } from './run-options.js';
import { differences, planJson } from './run-identity.js';
import type { RunIdentity } from './run-identity.js';
import { WorkFolder, writeFileAtomically, writeProblem } from './work-folder.js';

/** What became of an input: a summary or an error. */
const identitySchema = z.record(z.string(), z.unknown());
const runSchema = z.object({ identity: identitySchema });
/** A finished clip as manifest.json lists it. */
const completedSchema = itemSummarySchema.omit({ engine: true });
export type CompletedItem = z.infer<typeof completedSchema>;
/** Of manifest.json, what a later run asks for. */
const manifestSchema = z.object({ run: identitySchema, items: z.array(completedSchema) });

const workName = '.replay';
const runName = 'run.json';
const lockName = 'lock';
const manifestName = 'manifest.json';

export class RunFolder {
  private constructor(
    /** Absolute. */
    readonly path: string,
    private readonly options: ReplayOptions,
    private readonly items: readonly InputItem[],
    private readonly identity: RunIdentity,
    private readonly lock: FolderLock,
    /** The folder was not there before. */
    private readonly made: boolean,
    /** Items of a run that was already complete; null: there is work to do. */
    readonly finished: readonly CompletedItem[] | null,
  ) {}

  /** Throws SONO_REPLAY_OUT_*, SONO_REPLAY_RESUME_*, SONO_REPLAY_DISK_FULL; the folder is then as it was. */
  static async prepare(
    options: ReplayOptions,
    items: readonly InputItem[],
    identity: RunIdentity,
  ): Promise<RunFolder> {
    const out = resolve(options.outDirectory);
    let made: boolean;
    try {
      made = await makeFolder(out);
    } catch (error) {
      throw writeProblem(out, error);
    }
    // The lock first: what is in a folder that another run is filling says nothing.
    const lock = await FolderLock.acquire(join(out, workName, lockName), options.outDirectory);
    try {
      const finished = await takeOver(out, options, items, identity);
      return new RunFolder(out, options, items, identity, lock, made, finished);
    } catch (error) {
      await lock.release();
      await removeEmpty(out, made);
      throw error;
    }
  }

  /** Where the state of an item lies. */
  workOf({ clip }: InputItem): string {
    // The name of a clip never begins with a dot.
    return join(this.path, workName, [lockName, runName].includes(clip) ? `.${clip}` : clip);
  }

  /** Writes manifest.json, and where beats are exported echo-summary.csv and each pair's biplane.json; the state goes where nothing is left to be done, or nothing was begun. Throws as `prepare`. */
  async finish(
    outcomes: readonly Outcome[],
    skipped: readonly SkippedFile[],
    startedUnixMs: number,
    pairs: readonly ClipPair[],
  ): Promise<void> {
    const begun = outcomes.some(({ summary }) => summary) || (await this.#hasState());
    if (begun)
      await writeFileAtomically(
        join(this.path, manifestName),
        manifest(this.options, this.identity, outcomes, skipped, startedUnixMs),
      );
    const biplane = await pairResults(this.path, outcomes, pairs);
    for (const { pair, text } of biplane)
      if (text !== null) await writeFileAtomically(join(this.path, pair.a4c, biplaneName), text);
    const table = await echoSummary(this.path, outcomes, biplane);
    if (table !== null) await writeFileAtomically(join(this.path, echoSummaryName), table);
    if (!begun || outcomes.every(({ error }) => error === null))
      await rm(join(this.path, workName), { recursive: true, force: true });
    // Nothing was made: after the mistake is mended the same command works.
    if (!begun) for (const { clip } of this.items) await removePartials(join(this.path, clip));
  }

  async release(): Promise<void> {
    await this.lock.release();
    // Where nothing was begun nothing is left.
    await removeEmpty(this.path, this.made);
  }

  /** Whether any item came so far that `--resume` would find something. */
  async #hasState(): Promise<boolean> {
    for (const item of this.items) {
      const names: string[] = await readdir(this.workOf(item)).catch(() => []);
      if ([doneName, forwardStateName, backwardStateName].some((name) => names.includes(name))) return true;
    }
    return false;
  }
}

/** Makes the folder that of this run. Items of a run that was complete already, else null. */
async function takeOver(
  out: string,
  options: ReplayOptions,
  items: readonly InputItem[],
  identity: RunIdentity,
): Promise<readonly CompletedItem[] | null> {
  const path = options.outDirectory;
  const work = await WorkFolder.open(join(out, workName));
  const others = (await readdir(out)).filter((name) => name !== workName);
  const unfinished = await work.read(runName, runSchema);
  if (options.overwrite) {
    await removeResults(out, items, options);
  } else if (options.resume) {
    const complete = unfinished ? null : await readManifest(out);
    const before = unfinished?.identity ?? complete?.run;
    if (!before && others.length > 0) throw replayError('SONO_REPLAY_RESUME_NOTHING', { path });
    const what = before ? differences(identity, before) : [];
    if (what.length > 0) throw replayError('SONO_REPLAY_RESUME_OTHER', { path, what: what.join(', ') });
    // The manifest may be moved with its folder, so it names files from there.
    if (complete)
      return complete.items.map((item) => ({ ...item, files: item.files.map((file) => resolve(out, file)) }));
  } else if (others.length > 0 || unfinished) {
    throw replayError('SONO_REPLAY_OUT_NOT_EMPTY', { path });
  }
  // State without a readable run.json: nobody knows of which run it is.
  if (!unfinished)
    await removeState(work).catch((error: unknown) => {
      throw writeProblem(path, error);
    });
  await work.write(runName, { identity });
  return null;
}

function readManifest(out: string): Promise<z.infer<typeof manifestSchema> | null> {
  return WorkFolder.at(out).read(manifestName, manifestSchema);
}

async function removePartials(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => []))
    if (name.endsWith('.partial')) await rm(join(folder, name), { recursive: true, force: true });
  await rmdir(folder).catch(() => undefined);
}

/** Folders of ours in which nothing was left; the output folder itself only where this run has made it. */
async function removeEmpty(out: string, made: boolean): Promise<void> {
  await rmdir(join(out, workName)).catch(() => undefined);
  if (made) await rmdir(out).catch(() => undefined);
}

/** All that is known of an unfinished run. The lock stays, and so do the files by which others ask for it. */
async function removeState(work: WorkFolder): Promise<void> {
  for (const entry of await readdir(work.path, { withFileTypes: true }))
    if (entry.isDirectory() || !entry.name.startsWith(lockName))
      await rm(work.file(entry.name), { recursive: true, force: true });
}

/** What an earlier run made, as far as it is known, and what this one will make. Nothing else in the folder is touched. */
async function removeResults(
  out: string,
  items: readonly InputItem[],
  options: ReplayOptions,
): Promise<void> {
  const earlier = await readManifest(out);
  const inside = (path: string): boolean => {
    const below = relative(out, path);
    return below !== '' && !below.startsWith('..') && resolve(out, below) === path;
  };
  const paths = [
    ...(earlier?.items ?? []).flatMap((item) => item.files.map((file) => resolve(out, file))),
    ...items.map(({ clip }) => join(out, clip)),
    ...(options.formats.includes('davis') ? [join(out, 'davis')] : []),
    join(out, manifestName),
    join(out, echoSummaryName),
  ];
  try {
    for (const path of paths) if (inside(path)) await rm(path, { recursive: true, force: true });
    await removeState(WorkFolder.at(join(out, workName)));
  } catch (error) {
    throw writeProblem(options.outDirectory, error);
  }
}

/**
 * manifest.json: how the results came about. It alone carries times of day and durations; every other file is the same,
 * byte for byte, in every run.
 */
function manifest(
  options: ReplayOptions,
  identity: RunIdentity,
  outcomes: readonly Outcome[],
  skipped: readonly SkippedFile[],
  startedUnixMs: number,
): string {
  const engine = outcomes.find(({ summary }) => summary)?.summary?.engine ?? null;
  return `${JSON.stringify(
    {
      software: { name: 'sonoscope', version: options.version, node: process.version },
      model: engine && {
        name: engine.modelName,
        version: engine.modelVersion,
        sha256: engine.modelSha256,
        inputSize: engine.inputSize,
      },
      provider: engine?.provider ?? null,
      options: {
        formats: options.formats,
        direction: options.direction,
        range: options.range,
        policy: engine?.policy ?? options.policy,
        threads: options.threads,
      },
      prompts: planJson(options.plan),
      items: outcomes.flatMap(({ summary }) => {
        if (!summary) return [];
        const { clip, input, source, frames, files, cutShort, timings } = summary;
        const made = files.map((file) => relative(resolve(options.outDirectory), resolve(file)));
        return [{ clip, input, source, frames, cutShort, timings, files: made }];
      }),
      failed: outcomes.flatMap(({ item, error }) =>
        error
          ? [
              {
                clip: item.clip,
                uri: item.uri,
                code: (error as SonoError).code ?? null,
                message: error.message,
              },
            ]
          : [],
      ),
      skipped,
      timings: { startedUnixMs, seconds: (unixNowMs() - startedUnixMs) / 1000, jobs: options.jobs },
      run: identity,
    },
    null,
    1,
  )}\n`;
}
