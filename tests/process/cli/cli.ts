/** The program as people start it: a process of its own, its output, its end. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/node/built-module.js';

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Cli {
  static readonly #running = new Set<Cli>();
  readonly process: ChildProcessWithoutNullStreams;
  readonly finished: Promise<Finished>;
  #stdout = '';
  #stderr = '';
  readonly #listeners = new Set<() => void>();

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.process = spawn(process.execPath, [join(packageRoot, 'dist/src/cli/main.js'), ...args], {
      env: { ...process.env, UV_THREADPOOL_SIZE: '32', ...env },
    });
    Cli.#running.add(this);
    this.process.stdout.on('data', (data: Buffer) => {
      this.#stdout += data.toString();
      for (const listener of this.#listeners) listener();
    });
    this.process.stderr.on('data', (data: Buffer) => {
      this.#stderr += data.toString();
    });
    this.finished = new Promise((resolve) => {
      this.process.on('close', (code, signal) => {
        Cli.#running.delete(this);
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
        for (const listener of this.#listeners) listener();
      });
    });
  }

  /** Waits until no signal sent so far is still on its way to the program. */
  async taken(): Promise<void> {
    const pending = (): boolean => {
      try {
        const status = readFileSync(`/proc/${String(this.process.pid)}/status`, 'utf8');
        return /^(?:SigPnd|ShdPnd):\s*0*[1-9a-f]/m.test(status);
      } catch {
        return false; // it has ended already
      }
    };
    do await new Promise((resolve) => setTimeout(resolve, 5));
    while (pending());
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The address that it prints once it serves. Rejects, with what it said, when it ends before. */
  async url(): Promise<string> {
    const address = () => /at (http:\/\/\S+)/.exec(this.#stdout)?.[1];
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (address() !== undefined || this.process.exitCode !== null || this.process.signalCode !== null)
          resolve();
      };
      this.#listeners.add(check);
      check();
    });
    const found = address();
    if (found === undefined) throw new Error(`it ended: ${this.#stderr}`);
    return found;
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  static killAll(): void {
    for (const cli of Cli.#running) cli.kill('SIGKILL');
  }
}

export function runCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return new Cli(args, env).finished;
}
