/** One job at a time; urgent jobs (a person's command) pass waiting ordinary ones (the next frame). Pure. */
export class Turnstile {
  readonly #urgent: (() => void)[] = [];
  readonly #ordinary: (() => void)[] = [];
  #busy = false;

  async run<T>(job: () => Promise<T>, { urgent = false } = {}): Promise<T> {
    if (this.#busy)
      await new Promise<void>((admit) => {
        (urgent ? this.#urgent : this.#ordinary).push(admit);
      });
    this.#busy = true;
    try {
      return await job();
    } finally {
      // Handed over while still busy, so that nobody who arrives in between can slip in.
      const next = this.#urgent.shift() ?? this.#ordinary.shift();
      if (next) next();
      else this.#busy = false;
    }
  }
}
