/** Ctrl-C and friends: the first asks for a clean end, the second ends at once. */

interface StopSignal {
  /** Resolves with the name of the first signal. */
  readonly asked: Promise<NodeJS.Signals>;
  dispose(): void;
}

const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
let listening: StopSignal | null = null;

/** One listener per process: every caller gets the same one, with the signal that may have arrived already. */
export function listenForStop(): StopSignal {
  listening ??= listen();
  return listening;
}

function listen(): StopSignal {
  let dispose = (): void => undefined;
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    let first = true;
    const onSignal = (name: NodeJS.Signals): void => {
      if (first) {
        first = false;
        resolve(name);
        return;
      }
      // The system's default action ends the process at once; process.exit would wait for threads that compute.
      dispose();
      process.kill(process.pid, name);
    };
    for (const name of names) process.on(name, onSignal);
    dispose = () => {
      for (const name of names) process.off(name, onSignal);
      listening = null;
    };
  });
  return { asked, dispose: () => dispose() };
}
