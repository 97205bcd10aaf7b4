/** `sonoscope bench`: measures this machine and compares with the last committed result of the same kind of machine. */
import type { Command } from 'commander';
import { findModel } from '../config/pipeline-file.js';
import { runBench } from '../../bench/run-bench.js';
import { lastCommitted, regressions, writeResult } from '../../bench/results.js';
import { writeTables } from '../../bench/table.js';
import { cliError } from '../app/errors.js';
import { positiveNumber, wholeNumber } from './option-values.js';
import { fromInvocation, invocationFolder } from '../app/paths.js';

interface Flags {
  readonly quick: boolean;
  readonly rounds?: number;
  readonly only: readonly string[];
  readonly memory?: number;
  readonly model?: string;
  readonly table: boolean;
  readonly check: boolean;
}

export function configure(command: Command): void {
  command
    .option('--quick', 'a few minutes: fewer frames, streams and rounds', false)
    .option('--rounds <n>', 'interleaved rounds (default 3, with --quick 1)', wholeNumber(1, 20))
    .option('--only <parts...>', 'only scenarios whose name contains one of these', [])
    .option('--memory <minutes>', 'also watch memory for this long', positiveNumber)
    .option('--model <name|dir>', 'model to measure')
    .option('--table', 'write the tables of figures from committed results, measure nothing', false)
    .option('--check', 'fail when something has become worse', false)
    .action(bench);
}

async function bench(flags: Flags): Promise<void> {
  if (flags.table) {
    if (!(await writeTables())) throw cliError('SONO_BENCH_NO_RESULT');
    return;
  }
  const folder = invocationFolder();
  const result = await runBench({
    quick: flags.quick,
    rounds: flags.rounds ?? (flags.quick ? 1 : 3),
    only: flags.only,
    memoryMinutes: flags.memory ?? null,
    ...(flags.model !== undefined && {
      modelDir: findModel(flags.model, folder) ?? fromInvocation(flags.model),
    }),
    say: (line) => process.stderr.write(`${line}\n`),
  });
  const before = await lastCommitted(result);
  // Only a run of all scenarios is kept as a result.
  if (flags.only.length === 0) {
    const file = await writeResult(result);
    process.stdout.write(`written: ${file}\n`);
    if (result.mode === 'full') await writeTables();
  } else {
    process.stdout.write(`${JSON.stringify(result, null, 1)}\n`);
  }
  const failed = result.scenarios.filter(({ failures }) => failures.length > 0);
  for (const { id, failures } of failed) process.stderr.write(`${id} failed: ${failures.join('; ')}\n`);
  if (before === null) {
    process.stderr.write('no committed result of this kind of machine to compare with\n');
  } else {
    const worse = regressions(before, result);
    for (const { scenario, metric, before: then, after: now, ratio } of worse)
      process.stderr.write(
        `WORSE ${scenario} ${metric}: ${then.median} → ${now.median} (× ${ratio.toFixed(2)}) since ${before.date.slice(0, 10)}\n`,
      );
    if (worse.length === 0)
      process.stderr.write(`nothing has become worse since ${before.date.slice(0, 10)}\n`);
    if (worse.length > 0 && flags.check) throw cliError('SONO_BENCH_REGRESSION', { count: worse.length });
  }
  if (failed.length > 0) throw cliError('SONO_BENCH_FAILED', { count: failed.length });
}
