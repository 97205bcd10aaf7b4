/**
 * The one gate in front of an engine that several callers share, which is that of a live room. It lets in one call at a time,
 * commands before a waiting frame, and it repeats calls that no caller would repeat. It stands in front of the journal, so
 * that the journal has the calls in the order in which the engine got them. Any thread; throws what the engine throws.
 */
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import { SonoError } from '../vocabulary/errors.js';
import type { CommandResult, Engine, EngineInfo, FrameResult, TrackerCommand } from './engine.js';

/** Marks that fall due with a frame, given within its turn: no other call comes between them and the frame. */
type GiveDue = (engine: Pick<Engine, 'command'>) => Promise<void>;

export class EngineGate implements Engine {
  // Bounded by the callers, who wait for their answers: a room has one frame at a time (latestMap), a client of the server
  // 32 calls at most.
  readonly #commands: (() => void)[] = [];
  readonly #frames: (() => void)[] = [];
  #busy = false;

  constructor(private readonly engine: Engine) {}

  get info(): EngineInfo {
    return this.engine.info;
  }

  setSourceSize(size: PictureSize): Promise<void> {
    return this.#turn(this.#commands, () => insist(() => this.engine.setSourceSize(size)));
  }

  track(frame: AnalysisFrame, giveDue?: GiveDue): Promise<FrameResult> {
    return this.#turn(this.#frames, async () => {
      await giveDue?.({ command: (command, on) => this.#command(command, on) });
      return this.engine.track(frame);
    });
  }

  command(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult> {
    return this.#turn(this.#commands, () => this.#command(command, frame));
  }

  snapshot(): Promise<unknown> {
    return this.#turn(this.#commands, () => this.engine.snapshot());
  }

  restore(snapshot: unknown): Promise<void> {
    return this.#turn(this.#commands, () => this.engine.restore(snapshot));
  }

  /** Not a turn: it ends the call under way, and a closed engine refuses those that wait. */
  close(): Promise<void> {
    return this.engine.close();
  }

  /** A person is told of the failure and can point again. Marks of a prompter and a reset would be missing for good. */
  #command(command: TrackerCommand, frame: AnalysisFrame | null): Promise<CommandResult> {
    const call = (): Promise<CommandResult> => this.engine.command(command, frame);
    const prompted = command.kind === 'prompt' && command.author !== undefined && command.author !== 'person';
    return prompted || command.kind === 'reset' ? insist(call) : call();
  }

  async #turn<Result>(line: (() => void)[], call: () => Promise<Result>): Promise<Result> {
    if (this.#busy) await new Promise<void>((admit) => line.push(admit));
    this.#busy = true;
    try {
      return await call();
    } finally {
      // The gate stays busy while it hands over, so that no new call can come in between.
      const next = this.#commands.shift() ?? this.#frames.shift();
      if (next) next();
      else this.#busy = false;
    }
  }
}

/**
 * Repeats a call under which the engine was replaced; the next try waits for the new engine. That is safe: the lost call
 * has not changed anything, or the engine has forgotten it. Tries: once per provider, and once more on the last.
 */
export async function insist<Result>(call: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof SonoError) || !engineReplaced.has(String(error.code)) || tries === mostTries)
        throw error;
    }
  }
}
const engineReplaced: ReadonlySet<string> = new Set(['SONO_ENGINE_LOST', 'SONO_INFERENCE_FAILED']);
const mostTries = 5;
