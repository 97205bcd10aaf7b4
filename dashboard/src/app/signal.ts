/** A value that tells when it changes. */

export class Signal<Value> {
  #value: Value;
  readonly #listeners = new Set<(value: Value) => void>();

  constructor(value: Value) {
    this.#value = value;
  }

  get value(): Value {
    return this.#value;
  }

  set value(value: Value) {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener(value);
  }

  /** Calls at once and at every change; returns the function that ends it. */
  watch(listener: (value: Value) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#value);
    return () => this.#listeners.delete(listener);
  }
}

/** Collects what a view must undo when it goes. */
export class Disposer {
  readonly #ends: (() => void)[] = [];

  add(end: () => void): void {
    this.#ends.push(end);
  }

  listen<Name extends keyof WindowEventMap>(
    name: Name,
    handler: (event: WindowEventMap[Name]) => void,
  ): void {
    window.addEventListener(name, handler);
    this.add(() => window.removeEventListener(name, handler));
  }

  every(ms: number, tick: () => void): void {
    const timer = setInterval(tick, ms);
    this.add(() => clearInterval(timer));
  }

  end(): void {
    for (const end of this.#ends.splice(0).reverse()) end();
  }
}
