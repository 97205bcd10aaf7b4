/** One life of a source's child process: its start, its pipes, its last words and its end. Main process; loads nothing native. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { builtModule } from '../node/built-module.js';
import type { ParentMessage } from './messages.js';

/** A process that has closed its pipe and is still there after this time is ended. */
const lingerMs = 2_000;
/** Time to give a device or a session back. */
const farewellMs = 1_000;
/** What is kept of its standard error. */
const lastWordsLength = 4_000;

interface SourceProcessEvents {
  readonly onChunk: (chunk: Buffer) => void;
  /** It could not be started: no process or no descriptor is left. */
  readonly onNotStarted: (cause: unknown) => void;
  /** It is gone and everything it has written has been read. `how`: the signal or exit code, in words. */
  readonly onGone: (how: string) => void;
}

/** After `end` no event comes any more. */
export class SourceProcess {
  readonly #events: SourceProcessEvents;
  #child: ChildProcess | null = null;
  #pipe: Readable | null = null;
  #lastWords = '';
  #ended = false;

  constructor(events: SourceProcessEvents) {
    this.#events = events;
    let child: ChildProcess;
    try {
      child = spawn(process.execPath, [fileURLToPath(builtModule('src/ingest/child'))], {
        stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          // Up to four sinks and the bus each block one thread of libuv's pool; sharp needs some too.
          UV_THREADPOOL_SIZE: '16',
          // glibc keeps freed pictures in one arena per thread: with two for all, a process of a cine peaks at .8 × the memory at the same
          // processor time.
          MALLOC_ARENA_MAX: '2',
          LC_ALL: 'C',
          NODE_OPTIONS: '',
        },
      });
    } catch (error) {
      // Later, like a failure that the system reports later: nobody has to expect it from inside a call.
      setImmediate(() => this.#notStarted(error));
      return;
    }
    this.#child = child;
    child.on('error', (error) => {
      // With a number it has run, and the error is of something else, such as a signal that could not be sent.
      if (child.pid === undefined) this.#notStarted(error);
    });
    const pipe = (child.stdio as ChildProcess['stdio'] | undefined)?.[3] as Readable | undefined;
    // Without descriptors there are no pipes; the error that says so comes next.
    if (!pipe) return;
    this.#pipe = pipe;
    pipe.on('data', (chunk: Buffer) => {
      if (!this.#ended) events.onChunk(chunk);
    });
    pipe.on('end', () => {
      const timer = setTimeout(() => child.kill('SIGKILL'), lingerMs);
      child.once('exit', () => clearTimeout(timer));
    });
    pipe.on('error', () => undefined);
    child.stdin?.on('error', () => undefined);
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#lastWords = (this.#lastWords + chunk.toString()).slice(-lastWordsLength);
    });
    child.on('close', (code, signal) => {
      if (this.#ended) return;
      this.#ended = true;
      events.onGone(signal ?? `exit code ${code}`);
    });
  }

  /** null: it could not be started. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** The end of its standard error. */
  get lastWords(): string {
    return this.#lastWords;
  }

  /** Not as an argument or in the environment: other programs can read those, and an address may hold a password. */
  send(message: ParentMessage): void {
    this.#child?.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  /** While held nothing is read from its pipe, which fills and holds it back. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#pipe?.pause();
    else this.#pipe?.resume();
  }

  kill(): void {
    if (!this.#ended) this.#child?.kill('SIGKILL');
  }

  /** Closing its standard input lets it give its device or session back; a second later it is killed. */
  end(): void {
    const child = this.#child;
    const isGone = this.#ended;
    this.#ended = true;
    if (child === null || isGone) return;
    this.#pipe?.resume();
    child.stdin?.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), farewellMs);
    timer.unref();
    child.once('exit', () => clearTimeout(timer));
  }

  #notStarted(cause: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#events.onNotStarted(cause);
  }
}
