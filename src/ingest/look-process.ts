/**
 * Looks at one path, or at all that is in a folder, in a process of its own, says what it found and ends: see look.ts. It ends at once when its parent has
 * gone or asks no more, also while a system call hangs in another thread.
 */
import { SonoError } from '../vocabulary/errors.js';
import { ingestError } from './errors.js';
import { readFolderContents, type FolderContents } from './folder-contents.js';
import { checkSource } from './preflight.js';

/** One line of JSON on stdout. */
export type LookAnswer =
  | { readonly outcome: 'usable' }
  | ({ readonly outcome: 'listed' } & FolderContents)
  | {
      readonly outcome: 'refused';
      readonly code: string;
      readonly details: Readonly<Record<string, string | number>>;
    };

const end = (): void => void process.kill(process.pid, 'SIGKILL');

const say = (answer: LookAnswer): void => {
  // process.exit would wait for a thread that hangs.
  process.stdout.write(`${JSON.stringify(answer)}\n`, end);
};

process.stdin.on('close', end);
process.stdin.resume();
// Ctrl-C reaches the whole process group; the parent decides.
process.on('SIGINT', () => undefined);

const [path = '', what = 'file'] = process.argv.slice(2);
/** Files and folders that are looked at for a list, how deep, and for how long: less than whoever asks waits. */
const listed = { entries: 20_000, depth: 8, untilMs: performance.now() + 12_000, links: false };
/** Lines that a person reads. */
const mostLines = 1000;

async function look(): Promise<LookAnswer> {
  if (what !== 'folder') {
    await checkSource({ kind: 'file', deinterlacing: 'auto', path });
    return { outcome: 'usable' };
  }
  const { clips, skipped, more } = await readFolderContents(path, listed).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'EACCES' || code === 'EPERM'
      ? ingestError('SONO_SOURCE_FORBIDDEN', { path }, error)
      : ingestError('SONO_SOURCE_NO_FOLDER', { path }, error);
  });
  const isCut = clips.length > mostLines || skipped.length > mostLines;
  return {
    ...{ outcome: 'listed', more: more || isCut },
    ...{ clips: clips.slice(0, mostLines), skipped: skipped.slice(0, mostLines) },
  };
}

look().then(say, (error: unknown) => {
  const known = error instanceof SonoError ? (error as SonoError) : null;
  say({ outcome: 'refused', code: known?.code ?? '', details: known?.details ?? {} });
});
