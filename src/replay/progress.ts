/** What a person (a terminal line) or a program (JSON lines) is told while a run goes on. */
import { unixNowMs } from '../node/clock.js';
import type { SonoError } from '../vocabulary/errors.js';
import type { InputItem } from './input-item.js';
import type { ReplayEvent } from './run-batch.js';
import { oneLine } from '../vocabulary/one-line.js';
import type { ItemProgress } from './run-item.js';

interface ProgressWriter {
  write(text: string): void;
}

/** Speed over the last seconds, so that a pause or a slow start does not spoil the estimate. */
class RateMeter {
  readonly #samples: { readonly atMs: number; readonly frames: number }[] = [];

  constructor(private readonly windowMs = 5000) {}

  /** Frames per second, null before two samples. `frames`: running total; a smaller one starts again. */
  rate(atMs: number, frames: number): number | null {
    const last = this.#samples.at(-1);
    if (last && frames < last.frames) this.#samples.length = 0;
    this.#samples.push({ atMs, frames });
    while (this.#samples.length > 2 && atMs - (this.#samples[0]?.atMs ?? atMs) > this.windowMs)
      this.#samples.shift();
    const first = this.#samples[0];
    if (!first || atMs <= first.atMs) return null;
    return ((frames - first.frames) * 1000) / (atMs - first.atMs);
  }
}

interface ProgressFigures {
  readonly framesPerSecond: number | null;
  readonly etaSeconds: number | null;
}

function figures(meter: RateMeter, atMs: number, progress: ItemProgress): ProgressFigures {
  const framesPerSecond = meter.rate(atMs, progress.frames);
  const left = progress.totalFrames === null ? null : Math.max(0, progress.totalFrames - progress.frames);
  return {
    framesPerSecond,
    etaSeconds: left !== null && framesPerSecond ? left / framesPerSecond : null,
  };
}

/** `12/125 frames  31.0/s  4 s left  gallbladder 93 % tracking`. */
function progressText(item: InputItem, progress: ItemProgress, figure: ProgressFigures): string {
  const total = progress.totalFrames === null ? '' : `/${progress.totalFrames}`;
  const rate = figure.framesPerSecond === null ? '' : `  ${figure.framesPerSecond.toFixed(1)}/s`;
  const left = figure.etaSeconds === null ? '' : `  ${durationText(figure.etaSeconds)} left`;
  const objects = progress.objects
    .map(({ label, state, confidence }) => `${label} ${Math.round(confidence * 100)} % ${state}`)
    .join(', ');
  const pass = progress.pass === 'backward' ? ' (backwards)' : '';
  return `${item.clip}${pass}: ${progress.frames}${total} frames${rate}${left}${objects ? `  ${objects}` : ''}`;
}

function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${String(whole % 60).padStart(2, '0')} s`
    : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** One line that is written over, for a terminal. */
export function terminalProgress(
  writer: ProgressWriter,
  columns: () => number,
): (event: ReplayEvent) => void {
  const meters = new Map<string, RateMeter>();
  let items = 0;
  let lineLength = 0;
  const show = (text: string): void => {
    const line = oneLine(text).slice(0, Math.max(20, columns() - 1));
    writer.write(`\r${line.padEnd(lineLength)}`);
    lineLength = line.length;
  };
  const end = (text: string): void => {
    writer.write(`\r${oneLine(text).padEnd(lineLength)}\n`);
    lineLength = 0;
  };
  return (event) => {
    switch (event.kind) {
      case 'start':
        items = event.items.length;
        for (const { path, reason } of event.skipped) end(`${path} is left out: ${reason}.`);
        return;
      case 'progress': {
        const meter = meters.get(event.item.clip) ?? new RateMeter();
        meters.set(event.item.clip, meter);
        show(progressText(event.item, event.progress, figures(meter, unixNowMs(), event.progress)));
        return;
      }
      case 'done':
        end(doneText(event));
        return;
      case 'failed':
        // With a single clip the error is the command's, and is said by it.
        if (items > 1) end(`${event.item.clip}: ${coded(event.error)}`);
        else if (lineLength > 0) end('');
        return;
    }
  };
}

function coded(problem: Error | Pick<SonoError, 'code' | 'message'>): string {
  return 'code' in problem ? `${problem.message} [${problem.code}]` : problem.message;
}

function doneText({ item, summary }: Extract<ReplayEvent, { kind: 'done' }>): string {
  const { seconds, framesPerSecond } = summary.timings;
  const cut = summary.cutShort ? ` – the video broke off: ${coded(summary.cutShort)}` : '';
  return `${item.clip}: ${summary.frames} frames in ${seconds.toFixed(1)} s (${framesPerSecond.toFixed(1)}/s)${cut}`;
}

/** Only what went wrong, for logs and scripts. */
export function quietProgress(writer: ProgressWriter): (event: ReplayEvent) => void {
  let items = 0;
  return (event) => {
    if (event.kind === 'start') {
      items = event.items.length;
      for (const { path, reason } of event.skipped)
        writer.write(`sonoscope: ${oneLine(`${path} is left out: ${reason}.`)}\n`);
    }
    if (event.kind === 'failed' && items > 1)
      writer.write(`sonoscope: ${oneLine(`${event.item.uri}: ${coded(event.error)}`)}\n`);
    if (event.kind === 'done' && event.summary.cutShort)
      writer.write(`sonoscope: ${oneLine(`${event.item.uri}: ${coded(event.summary.cutShort)}`)}\n`);
  };
}

/** One JSON object per line: `start`, `progress`, `done`, `failed`. */
export function jsonProgress(writer: ProgressWriter): (event: ReplayEvent) => void {
  const meters = new Map<string, RateMeter>();
  return (event) => {
    const line = (): Record<string, unknown> => {
      switch (event.kind) {
        case 'start':
          return { event: 'start', items: event.items, skipped: event.skipped };
        case 'progress': {
          const meter = meters.get(event.item.clip) ?? new RateMeter();
          meters.set(event.item.clip, meter);
          return {
            event: 'progress',
            clip: event.item.clip,
            ...event.progress,
            ...figures(meter, unixNowMs(), event.progress),
          };
        }
        case 'done': {
          const { clip, frames, files, cutShort, timings } = event.summary;
          return { event: 'done', clip, frames, files, cutShort, timings };
        }
        case 'failed':
          return {
            event: 'failed',
            clip: event.item.clip,
            uri: event.item.uri,
            code: (event.error as SonoError).code ?? null,
            message: event.error.message,
          };
      }
    };
    writer.write(`${JSON.stringify(line())}\n`);
  };
}
