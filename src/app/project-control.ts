/** Recordings that are worked on in the dashboard: where they are kept and what they are analysed with. */
import { join } from 'node:path';
import { findModel } from '../config/pipeline-file.js';
import type { SourcePolicy } from '../ingest/source-policy.js';
import { Projects } from '../projects/projects.js';
import { replayTools } from '../replay/replay-tools.js';
import { replayDefaults } from '../replay/run-batch.js';
import { defaultThreads } from '../replay/run-options.js';
import { DiskReserve } from '../server/index.js';
import { dataFolder, invocationFolder } from './paths.js';
import { programVersion } from './versions.js';

/** Frames between two checkpoints; the preview grows by this number at a time. */
const previewFrames = 25;

/** `policy`: what viewers may open; `diskReserveBytes`: space that stays free for recordings of live rooms. */
export function recordingProjects(
  modelDir: string | null,
  policy: SourcePolicy,
  diskReserveBytes?: number,
): Projects {
  const reserve = new DiskReserve(diskReserveBytes);
  return new Projects(
    join(dataFolder(), 'projects'),
    {
      createSource: replayTools.createSource,
      modelDir: modelDir ?? findModel('compact', invocationFolder()) ?? '',
      provider: 'auto',
      threads: defaultThreads,
      version: programVersion(),
      chunkFrames: previewFrames,
      spoolBytes: replayDefaults.spoolBytes,
      mayWrite: () => reserve.check(dataFolder(), 0),
    },
    (uri) => policy.check(uri),
  );
}

/** Files that projects are made from. */
export async function projectFiles(projects: Projects): Promise<readonly string[]> {
  return (await projects.list()).map(({ uri }) => uri);
}
