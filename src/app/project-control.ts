/** Recordings that are worked on in the dashboard: where they are kept and what they are analysed with. */
import { basename, join, resolve } from 'node:path';
import type { ArchiveAccess } from '../dicom/web/access.js';
import { findModel, installedModels } from '../config/pipeline-file.js';
import type { SourcePolicy } from '../ingest/source-policy.js';
import { Projects } from '../projects/projects.js';
import { readFinder, type Finder } from '../replay/model-facts.js';
import { replayToolsFor } from '../replay/replay-tools.js';
import { replayDefaults } from '../replay/run-batch.js';
import { defaultThreads } from '../replay/run-options.js';
import { DiskReserve } from '../server/index.js';
import { freeLabel } from '../vocabulary/free-label.js';
import { dataFolder, invocationFolder } from './paths.js';
import { programVersion } from './versions.js';

/** Frames between two checkpoints; the preview grows by this number at a time. */
const previewFrames = 25;

/**
 * `modelDir`: the tracker of what is marked; null: the most accurate edition. `given`: folders of models that the rooms use, wherever
 * they lie. `policy`: what viewers may open; `diskReserveBytes`: space that stays free for recordings of live rooms.
 */
export function recordingProjects(
  models: { readonly modelDir: string | null; readonly given: readonly string[] },
  policy: SourcePolicy,
  diskReserveBytes?: number,
  archives?: ArchiveAccess,
): Projects {
  const reserve = new DiskReserve(diskReserveBytes);
  return new Projects(
    join(dataFolder(), 'projects'),
    {
      createSource: replayToolsFor(archives).createSource,
      ...(archives && { archives }),
      modelDir: models.modelDir ?? findModel('compact', invocationFolder()) ?? '',
      provider: 'auto',
      threads: defaultThreads,
      version: programVersion(),
      chunkFrames: previewFrames,
      spoolBytes: replayDefaults.spoolBytes,
      finders: () => knownFinders(models.given),
      mayWrite: () => reserve.check(dataFolder(), 0),
    },
    (uri) => policy.check(uri),
  );
}

/**
 * Models that find their structures by themselves: the installed ones, then those in the folders that were given. One that cannot be
 * read is for `doctor` to tell. A name means one model: where a given folder is called like another model, it gets a number.
 */
export async function knownFinders(given: readonly string[]): Promise<readonly Finder[]> {
  const installed = installedModels().flatMap((name) => findModel(name, invocationFolder()) ?? []);
  const folders = [...new Set([...installed, ...given].map((folder) => resolve(folder)))];
  const names = new Set<string>();
  const named = folders.map((folder) => {
    const own = basename(folder);
    const name = names.has(own)
      ? freeLabel(
          own,
          2,
          [...names].map((label) => ({ label })),
        )
      : own;
    names.add(name);
    return { name, folder };
  });
  const found = await Promise.all(
    named.map(({ name, folder }) => readFinder(name, folder).catch(() => null)),
  );
  return found.filter((finder) => finder !== null);
}

/** Files that projects are made from. */
export async function projectFiles(projects: Projects): Promise<readonly string[]> {
  return (await projects.list()).map(({ uri }) => uri);
}
