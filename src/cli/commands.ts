/**
 * Every command of the program, in the order of the help: one line and one file each. A file exports `configure`, which
 * adds arguments, options and action to its command; it is loaded only when its command is asked for, so that nothing
 * waits for libraries that it does not use.
 */
import type { Command } from 'commander';

interface CommandModule {
  configure(command: Command): void;
}

interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** The command ends cleanly on Ctrl-C, also on one that arrives while its file is still being loaded. */
  readonly stops?: true;
  load(): Promise<CommandModule>;
}

export const commands: readonly CommandEntry[] = [
  {
    name: 'demo',
    summary: 'two synthetic rooms in the browser',
    stops: true,
    load: () => import('./demo.js'),
  },
  {
    name: 'run',
    summary: 'open the streams of a pipeline file',
    stops: true,
    load: () => import('./run.js'),
  },
  {
    name: 'replay',
    summary: 'analyse recorded material, every frame of it; verify a recording',
    load: () => import('./replay.js'),
  },
  {
    name: 'play',
    summary: 'show a recording in the dashboard',
    load: () => import('./play.js'),
  },
  {
    name: 'call',
    summary: 'ask a running server: every operation, with its fields as options',
    load: () => import('./call.js'),
  },
  {
    name: 'sample',
    summary: 'write a small data set to try everything on: clips, masks, DICOM cines',
    load: () => import('./sample.js'),
  },
  {
    name: 'evaluate',
    summary: 'exact numbers for the tracker on annotated clips',
    load: () => import('./evaluate.js'),
  },
  { name: 'bench', summary: 'measure this machine', load: () => import('./bench.js') },
  {
    name: 'doctor',
    summary: 'what is there, what is missing, and what that means',
    load: () => import('./doctor.js'),
  },
];
