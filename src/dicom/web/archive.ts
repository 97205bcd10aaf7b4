/** One archive to be asked, with everything that is done there. Any Node thread; `openObject` in the process of a source. */
import { dicomError } from '../errors.js';
import type { ArchiveAddress } from './address.js';
import { FrameByFrame } from './frame-by-frame.js';
import { ArchiveHttp, type ArchiveLimits } from './http.js';
import { cinesOf } from './query.js';
import { isNotGiven } from './refused.js';
import { Spool } from './spool.js';
import { WholeObject } from './whole-object.js';

/**
 * Begins to take over the cine that an address stands for.
 * @param onProgress called as bytes arrive
 * @throws SONO_ARCHIVE_CHOOSE where a study or series has several, SONO_ARCHIVE_*
 */
export async function openObject(
  address: ArchiveAddress,
  onProgress: () => void,
  limits?: ArchiveLimits,
): Promise<AsyncDisposable & { readonly spool: Spool; readonly address: ArchiveAddress }> {
  const first = new ArchiveHttp(address, limits);
  let http = first;
  try {
    const cines = await cinesOf(first);
    const [cine] = cines;
    if (cine === undefined || cines.length > 1)
      throw dicomError('SONO_ARCHIVE_CHOOSE', { uri: address.location, count: cines.length });
    http = new ArchiveHttp(cine, limits);
    const spool = await takeOver(http, onProgress);
    return {
      spool,
      address: cine,
      async [Symbol.asyncDispose]() {
        await spool[Symbol.asyncDispose]();
        await http[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    if (http !== first) await http[Symbol.asyncDispose]();
    throw error;
  } finally {
    await first[Symbol.asyncDispose]();
  }
}

/** As a whole where the archive gives that; else by its description and its frames. */
async function takeOver(http: ArchiveHttp, onProgress: () => void): Promise<Spool> {
  const { target, orthanc, location } = http.address;
  const asked = { subject: location, action: 'open it' };
  // Orthanc gives its own file as it is, which is a third faster than through the plug-in.
  if (target.kind === 'orthanc') {
    const path = `/instances/${target.id}/file`;
    return Spool.open(new WholeObject(http, { ...asked, root: orthanc ?? '', path }), onProgress);
  }
  if (target.kind !== 'instance') throw dicomError('SONO_ARCHIVE_CHOOSE', { uri: location, count: 0 });
  const { study, series, instance } = target;
  const path = `/studies/${study}/series/${series}/instances/${instance}`;
  try {
    return await Spool.open(new WholeObject(http, { ...asked, path }), onProgress);
  } catch (error) {
    // Where it may be there in pieces: what an archive does not know, it refuses in its own way.
    if (!isNotGiven(error)) throw error;
    const frames = await FrameByFrame.describe(http, target);
    // Neither: what was said first is the plainer.
    if (frames === null) throw error;
    return Spool.open(frames, onProgress);
  }
}
