/** How long an engine works on frames and prompts. */
import type { Engine } from '../engine/engine.js';

export class EngineTimer {
  /** The engine, its calls timed. */
  readonly engine: Engine;
  #nanoseconds = 0n;

  constructor(engine: Engine) {
    const timed = async <T>(call: () => Promise<T>): Promise<T> => {
      const started = process.hrtime.bigint();
      try {
        return await call();
      } finally {
        this.#nanoseconds += process.hrtime.bigint() - started;
      }
    };
    this.engine = {
      info: engine.info,
      setSourceSize: (size) => engine.setSourceSize(size),
      track: (frame) => timed(() => engine.track(frame)),
      command: (command, frame) => timed(() => engine.command(command, frame)),
      snapshot: () => engine.snapshot(),
      restore: (snapshot) => engine.restore(snapshot),
      close: () => engine.close(),
    };
  }

  get seconds(): number {
    return Number(this.#nanoseconds) / 1e9;
  }
}
