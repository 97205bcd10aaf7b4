/** Processor time and memory of a process and everything it started, from /proc. Linux only, as the whole bench. */
import { readdirSync, readFileSync } from 'node:fs';

/** Kernel ticks per second: fixed at 100 for user space on every Linux that Node runs on. */
const ticksPerSecond = 100;
const pageBytes = 4096;

interface Usage {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

interface ProcessState extends Usage {
  readonly pid: number;
  readonly parent: number;
}

function readState(pid: number): ProcessState | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold anything, so count from the last bracket: state is field 3.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent] = fields;
    return {
      pid,
      parent: parent ?? 0,
      // utime, stime (14, 15) and those of children that have ended and been waited for (16, 17).
      cpuSeconds: fields.slice(11, 15).reduce((sum, ticks) => sum + ticks, 0) / ticksPerSecond,
      rssBytes: (fields[21] ?? 0) * pageBytes,
    };
  } catch {
    return null;
  }
}

/** The process itself and, apart from it, all its living descendants. */
export function usageOf(pid: number): { readonly own: Usage; readonly descendants: Usage } {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readState(Number(name)) ?? []);
  const family = new Set([pid]);
  // Parents may be listed after their children: repeat until nothing is added.
  for (let grown = true; grown;) {
    grown = false;
    for (const state of all) {
      if (!family.has(state.pid) && family.has(state.parent)) {
        family.add(state.pid);
        grown = true;
      }
    }
  }
  const sum = (states: readonly ProcessState[]): Usage => ({
    cpuSeconds: states.reduce((total, { cpuSeconds }) => total + cpuSeconds, 0),
    rssBytes: states.reduce((total, { rssBytes }) => total + rssBytes, 0),
  });
  return {
    own: sum(all.filter((state) => state.pid === pid)),
    descendants: sum(all.filter((state) => state.pid !== pid && family.has(state.pid))),
  };
}

/** Slope of the least-squares line through (x, y). */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const count = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count;
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const variance = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return variance === 0 ? 0 : covariance / variance;
}
