/** `sonoscope sample DIR`: a small data set to try the examples of the documents on. Needs no network. */
import type { Command } from 'commander';
import { fromInvocation } from '../app/paths.js';
import { writeSample } from '../sample/write-sample.js';

export function configure(command: Command): void {
  command.argument('<DIR>', 'new or empty folder').action(async (folder: string) => {
    const parts = await writeSample(fromInvocation(folder));
    const width = Math.max(...parts.map(({ path }) => path.length));
    for (const { path, about } of parts)
      process.stdout.write(`${folder.replace(/\/$/, '')}/${path.padEnd(width)}  ${about}\n`);
  });
}
