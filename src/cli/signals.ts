/** Ctrl-C and friends: the first asks for a clean end, the second ends at once. */

export interface StopSignal {
  /** Resolves with the name of the first signal. */
  readonly asked: Promise<NodeJS.Signals>;
  dispose(): void;
}

const signalNumbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

export function listenForStop(): StopSignal {
  let dispose = (): void => undefined;
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    let first = true;
    const onSignal = (name: NodeJS.Signals): void => {
      if (!first) process.exit(128 + (signalNumbers[name as keyof typeof signalNumbers] ?? 0));
      first = false;
      resolve(name);
    };
    const names = Object.keys(signalNumbers) as (keyof typeof signalNumbers)[];
    for (const name of names) process.on(name, onSignal);
    dispose = () => {
      for (const name of names) process.off(name, onSignal);
    };
  });
  return { asked, dispose };
}
