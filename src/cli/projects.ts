/** Recordings that are worked on in the dashboard: where they are kept and what they are analysed with. */
import { join } from 'node:path';
import { findModel } from '../config/pipeline-file.js';
import { Projects } from '../replay/project-routes.js';
import { replayTools } from '../replay/replay-tools.js';
import { replayDefaults } from '../replay/run-batch.js';
import { defaultThreads } from '../replay/run-options.js';
import { dataFolder, invocationFolder } from './paths.js';
import { programVersion } from './versions.js';

/** Frames between two checkpoints: the preview grows by as many at a time. */
const previewFrames = 25;

export function recordingProjects(modelDir: string | null): Projects {
  return new Projects(join(dataFolder(), 'projects'), {
    createSource: replayTools.createSource,
    modelDir: modelDir ?? findModel('compact', invocationFolder()) ?? '',
    provider: 'auto',
    threads: defaultThreads,
    version: programVersion(),
    chunkFrames: previewFrames,
    spoolBytes: replayDefaults.spoolBytes,
  });
}
