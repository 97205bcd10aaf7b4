/** What the process tests of sources share: clips made by GStreamer, and a subscriber that remembers. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { promisify } from 'node:util';
import type { ArchiveAccess } from '../../../src/dicom/web/access.js';
import { createSource, type SupervisionOptions } from '../../../src/ingest/index.js';
import type { AnalysisFrame, DisplayFrame, DropStage, SourceFormat } from '../../../src/vocabulary/frame.js';
import type { FrameSource, SourceOptions, SourceState } from '../../../src/ingest/frame-source.js';

const run = promisify(execFile);

/** Run gst-launch-1.0 to its end. */
export async function gst(launch: string): Promise<void> {
  await run('gst-launch-1.0', ['-q', ...launch.split(' ')], { timeout: 60_000 });
}

/** A test picture as H.264 in the given muxer. */
export function clip(
  path: string,
  frames: number,
  caps: string,
  mux = 'mp4mux faststart=true',
): Promise<void> {
  return gst(
    `videotestsrc num-buffers=${frames} ! video/x-raw,format=I420,${caps} ! x264enc key-int-max=5 speed-preset=ultrafast ! ${mux} ! filesink location=${path}`,
  );
}

export const defaults: SourceOptions = {
  streamId: 'test',
  analysisSize: { width: 64, height: 48 },
  displayQuality: 80,
  mode: 'live',
  loop: false,
};

/** An opened source and everything it has said. */
export class Recording {
  readonly source: FrameSource;
  readonly display: DisplayFrame[] = [];
  readonly analysis: AnalysisFrame[] = [];
  readonly states: SourceState[] = [];
  readonly formats: SourceFormat[] = [];
  readonly dropped = new Map<DropStage, number>();
  outcome: 'open' | 'complete' | { readonly error: unknown } = 'open';
  readonly #subscription: { unsubscribe(): void };
  readonly #watchers = new Set<() => void>();

  constructor(
    uri: string,
    options: Partial<SourceOptions> = {},
    supervision: Partial<SupervisionOptions> = {},
    archives?: ArchiveAccess,
  ) {
    this.source = createSource(uri, supervision, archives);
    this.#subscription = this.source.open({ ...defaults, ...options }).subscribe({
      next: (event) => {
        switch (event.kind) {
          case 'display':
            this.display.push(event.frame);
            break;
          case 'analysis':
            this.analysis.push(event.frame);
            break;
          case 'format':
            this.formats.push(event.format);
            break;
          case 'state':
            this.states.push(event.state);
            break;
          case 'dropped':
            this.dropped.set(event.stage, (this.dropped.get(event.stage) ?? 0) + event.count);
            break;
        }
        this.#look();
      },
      error: (error: unknown) => {
        this.outcome = { error };
        this.#look();
      },
      complete: () => {
        this.outcome = 'complete';
        this.#look();
      },
    });
  }

  /** Resolves when the condition holds; rejects after a generous time or when the source is over without it. */
  until(what: string, condition: () => boolean, timeoutMs = 45_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => fail('in time'), timeoutMs);
      const fail = (how: string): void => {
        clearTimeout(timer);
        this.#watchers.delete(watch);
        reject(new Error(`not ${what} ${how}: ${this.summary()}`));
      };
      const watch = (): void => {
        if (!condition()) {
          if (this.outcome !== 'open') fail('before the end');
          return;
        }
        clearTimeout(timer);
        this.#watchers.delete(watch);
        resolve();
      };
      this.#watchers.add(watch);
      watch();
    });
  }

  over(timeoutMs?: number): Promise<void> {
    return this.until('over', () => this.outcome !== 'open', timeoutMs);
  }

  get errorCode(): string | null {
    return typeof this.outcome === 'object' ? (this.outcome.error as { code: string }).code : null;
  }

  get lost(): Extract<SourceState, { phase: 'lost' }>[] {
    return this.states.filter((state) => state.phase === 'lost');
  }

  summary(): string {
    return JSON.stringify({
      outcome: typeof this.outcome === 'object' ? String(this.outcome.error) : this.outcome,
      display: this.display.length,
      analysis: this.analysis.length,
      dropped: [...this.dropped],
      states: this.states.map((state) => (state.phase === 'lost' ? state.reason.code : state.phase)),
    });
  }

  close(): void {
    this.#subscription.unsubscribe();
  }

  #look(): void {
    for (const watch of [...this.#watchers]) watch();
  }
}

/** Process ids of the children that read sources for a process, by default this one. */
export async function sourceChildren(parent = process.pid): Promise<number[]> {
  const { stdout } = await run('ps', ['-o', 'pid=,args=', '--ppid', String(parent)]).catch(() => ({
    stdout: '',
  }));
  return stdout
    .split('\n')
    .filter((line) => /ingest[/\\]child\.js/.test(line))
    .map((line) => Number.parseInt(line, 10));
}

/** Niceness of the FFmpeg processes that a source's process has started. */
export async function decodersOf(parent: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-o', 'ni=,comm=', '--ppid', String(parent)]).catch(() => ({
    stdout: '',
  }));
  return stdout
    .split('\n')
    .filter((line) => /\bff(mpeg|probe)\b/.test(line))
    .map((line) => Number.parseInt(line, 10));
}

/** Whether a process exists and is more than an entry waiting to be cleared. */
export async function isRunning(pid: number): Promise<boolean> {
  const { stdout } = await run('ps', ['-o', 'stat=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z');
}

export async function eventually(
  what: string,
  condition: () => Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`never ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Threads of a process by name, with their niceness. Linux. */
export function namedThreads(pid: number): { readonly name: string; readonly niceness: number }[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((id) => {
    try {
      const name = readFileSync(`/proc/${pid}/task/${id}/comm`, 'utf8').trim();
      return [{ name, niceness: getPriority(Number(id)) }];
    } catch {
      // Ended meanwhile.
      return [];
    }
  });
}
