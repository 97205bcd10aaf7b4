/** Where tracking goes on after a change of prompts: at the latest checkpoint that the change leaves valid. Runs in the main process. */
import { rename, rm, stat } from 'node:fs/promises';
import { z } from 'zod';
import { forwardStateName, keptStateNames } from '../replay/forward-pass.js';
import { WorkFolder } from '../replay/work-folder.js';

/** Of a checkpoint only its place matters here; the rest is passed on as it was read, and is checked where it is used. */
const checkpointSchema = z.looseObject({ lastSourceFrame: z.number() });

/**
 * Removes from the folder of a tracking run what a change of prompts has made wrong.
 *
 * @param masksPath final name of the masks; what was written of them and still holds is continued under its unfinished name
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
  const unfinished = `${masksPath}.partial`;
  if (await stat(masksPath).catch(() => null)) await rename(masksPath, unfinished);
  if (changedFrame === null) {
    await work.remove();
    await rm(unfinished, { force: true });
    return;
  }
  let latest: z.infer<typeof checkpointSchema> | null = null;
  for (const name of await keptStateNames(work)) {
    const state = checkpointSchema.safeParse(await work.read(name));
    if (state.success && state.data.lastSourceFrame < changedFrame) latest = state.data;
    else await work.removeFile(name);
  }
  if (latest) await work.write(forwardStateName, latest);
  else {
    await work.removeFile(forwardStateName);
    await rm(unfinished, { force: true });
  }
}
