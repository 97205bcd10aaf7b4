/** Where tracking goes on after a change of prompts: at the latest checkpoint that the change leaves valid. Runs in the main process. */
import { rm } from 'node:fs/promises';
import { forwardStateName, forwardStateSchema, keptStateNames } from '../replay/forward-pass.js';
import type { ForwardState } from '../replay/forward-pass.js';
import { WorkFolder } from '../replay/work-folder.js';

/**
 * Removes from the folder of a tracking run what a change of prompts has made wrong.
 *
 * @param masksPath final name of the masks; the exporter goes on with what was written of them and still holds
 * @param changedFrame first frame whose masks differ: Infinity where none does, null where all do (see `firstChange`)
 */
export async function rewindToValidCheckpoint(
  workDirectory: string,
  masksPath: string,
  changedFrame: number | null,
): Promise<void> {
  const work = await WorkFolder.open(workDirectory);
  await work.removeFile('done.json');
  // An interrupted run goes on from its last checkpoint.
  if (changedFrame === Infinity) return;
  const removeMasks = async (): Promise<void> => {
    for (const path of [masksPath, `${masksPath}.partial`]) await rm(path, { force: true });
  };
  if (changedFrame === null) {
    await work.remove();
    await removeMasks();
    return;
  }
  let latest: ForwardState | null = null;
  for (const name of await keptStateNames(work)) {
    const state = await work.read(name, forwardStateSchema);
    if (state && state.lastSourceFrame < changedFrame) latest = state;
    else await work.removeFile(name);
  }
  if (latest) await work.write(forwardStateName, latest);
  else {
    await work.removeFile(forwardStateName);
    await removeMasks();
  }
}
