/**
 * Priorities of GStreamer's threads. A paced file is decoded a few frames ahead of its clock, and the decoder starts on the next
 * frame at the very moment at which one comes due: on few cores it then stands in the way of the frame that everybody waits
 * for. The decoder has more than a hundred milliseconds, so it goes behind. Child process; Linux (elsewhere nothing happens).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { framePathElements } from './launch.js';

/** Enough for the scheduler to let a waking thread go first, and still a third of a normal thread's share under full load. */
const aheadNiceness = 5;

/**
 * To be called when the pipeline stands prerolled, so that demultiplexer and decoder have their threads; those that a
 * decoder makes later inherit. Threads carry the name of the element and pad that they serve ("qtdemux0:sink").
 */
export function lowerDecodingAhead(tasks = '/proc/self/task'): void {
  if (process.platform !== 'linux') return;
  let ids: readonly string[];
  try {
    ids = readdirSync(tasks);
  } catch {
    return;
  }
  for (const id of ids) {
    try {
      const name = readFileSync(`${tasks}/${id}/comm`, 'utf8').trim();
      const servesPad = name.includes(':');
      if (servesPad && !framePathElements.some((element) => name.startsWith(`${element}:`)))
        // On top of what the whole program was started with.
        setPriority(
          Number(id),
          Math.min(getPriority(Number(id)) + aheadNiceness, constants.priority.PRIORITY_LOW),
        );
    } catch {
      // A thread may end meanwhile; one that keeps its priority only costs a few milliseconds.
    }
  }
}
