/**
 * Looks at one path in a process of its own, says what it found and ends: see look.ts. It ends at once when its parent has
 * gone or asks no more, also while a system call hangs in another thread.
 */
import { SonoError } from '../vocabulary/errors.js';
import { checkSource } from './preflight.js';

/** One line of JSON on stdout. */
export type LookAnswer =
  | { readonly outcome: 'usable' }
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

checkSource({ kind: 'file', deinterlacing: 'auto', path: process.argv[2] ?? '' }).then(
  () => say({ outcome: 'usable' }),
  (error: unknown) => {
    const known = error instanceof SonoError ? (error as SonoError) : null;
    say({ outcome: 'refused', code: known?.code ?? '', details: known?.details ?? {} });
  },
);
