/**
 * The end of a process that has threads inside native code. Node ends threads together with the process, and a thread that is
 * ended inside ONNX Runtime takes the whole process down with an abort: so whoever runs such a thread holds the exit here
 * until it is out. Main thread.
 */

interface Held {
  /** Asks the thread to end as soon as it is out of native code. */
  readonly ask: () => void;
  readonly ended: Promise<unknown>;
}

/** The longest wait for a driver that hangs, milliseconds. After it the process is killed, so it has no exit code of its own. */
const patienceMs = 5_000;
const held = new Set<Held>();

/** Keep `exitProcess` waiting until `ended`; `ask` is called when it begins to wait. */
export function holdExit(ask: () => void, ended: Promise<unknown>): void {
  const entry = { ask, ended };
  held.add(entry);
  const release = (): void => void held.delete(entry);
  ended.then(release, release);
}

/** `process.exit` for programs that run models. */
export async function exitProcess(code: number): Promise<never> {
  for (const { ask } of held) ask();
  const patience = setTimeout(() => process.kill(process.pid, 'SIGKILL'), patienceMs);
  while (held.size > 0) await Promise.allSettled([...held].map(({ ended }) => ended));
  clearTimeout(patience);
  process.exit(code);
}
