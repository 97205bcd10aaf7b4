/** Memory of processes of this machine, from /proc. Linux only; elsewhere nothing is known. Runs in any Node thread. */
import { readFile } from 'node:fs/promises';

/** Of every Linux that Node runs on here; a machine with larger pages is told too little, never too much. */
const pageBytes = 4096;
/** A source has two or three processes; more would be a fault, not something to count. */
const mostProcesses = 64;

/** Resident bytes of these processes and all that they have started; null where none of them can be read. */
export async function residentBytes(processes: readonly number[]): Promise<number | null> {
  const waiting = [...processes];
  const seen = new Set<number>();
  let bytes: number | null = null;
  for (let pid = waiting.pop(); pid !== undefined && seen.size < mostProcesses; pid = waiting.pop()) {
    if (seen.has(pid)) continue;
    seen.add(pid);
    const pages = Number((await textOf(`/proc/${pid}/statm`)).split(' ')[1]);
    if (!(pages > 0)) continue;
    bytes = (bytes ?? 0) + pages * pageBytes;
    // Node starts other programs from its first thread.
    waiting.push(...numbersIn(await textOf(`/proc/${pid}/task/${pid}/children`)));
  }
  return bytes;
}

/** '' for a process that has just ended. */
const textOf = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
const numbersIn = (text: string): number[] => text.split(' ').filter(Boolean).map(Number);
