/** Runs the scenarios in interleaved rounds and gathers a result. */
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../src/node/built-module.js';
import { machine, versions } from '../src/app/versions.js';
import { chromiumPath } from './browser.js';
import { echo, laparoscopy1080, laparoscopy720 } from './media.js';
import { presentCommit, spread, type BenchResult } from './results.js';
import { scenarios, type BenchContext, type Metrics } from './scenarios.js';

interface BenchOptions {
  readonly quick: boolean;
  readonly rounds: number;
  readonly modelDir?: string;
  /** Only scenarios whose id contains one of these; empty: all. */
  readonly only: readonly string[];
  readonly memoryMinutes: number | null;
  readonly say: (line: string) => void;
}

export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const { say, rounds } = options;
  const date = new Date().toISOString();
  const [loadBefore = 0] = loadavg();
  if (loadBefore > 1)
    say(
      `Other work is going on (load ${loadBefore.toFixed(1)}): figures will be worse than on a quiet machine.`,
    );
  say('preparing clips');
  const [p720, p1080, echoClip] = [await laparoscopy720(), await laparoscopy1080(), await echo()];
  const chromium = chromiumPath();
  if (chromium === null) say('Chromium is not here: capture to paint is left out.');

  let model: BenchResult['model'] = null;
  let peerVersions: Readonly<Record<string, string>> | null = null;
  const { cores } = machine();
  const context: BenchContext = {
    clips: { p720, p1080, echo: echoClip },
    modelDir: options.modelDir ?? join(packageRoot, 'models', 'compact'),
    cores,
    quick: options.quick,
    chromium,
    memoryMinutes: options.memoryMinutes,
    onModel: (found) => {
      model = found;
    },
    onPeer: (found) => {
      peerVersions = found;
    },
  };
  const chosen = scenarios(context).filter(
    ({ id }) => options.only.length === 0 || options.only.some((part) => id.includes(part)),
  );
  const gathered = new Map<string, { metrics: Metrics[]; failures: string[] }>(
    chosen.map(({ id }) => [id, { metrics: [], failures: [] }]),
  );
  // Scenarios take turns, so that other work on the machine affects all of them alike.
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, scenario] of chosen.entries()) {
      // The memory scenario runs once: it needs minutes, and repeating it tells nothing new.
      if (scenario.id === 'memory' && round > 1) continue;
      const startMs = performance.now();
      const kept = gathered.get(scenario.id);
      try {
        const metrics = await scenario.run();
        kept?.metrics.push(metrics);
        const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
        say(
          `round ${round}/${rounds}, ${index + 1}/${chosen.length} ${scenario.id} (${seconds} s): ${summary(metrics)}`,
        );
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        kept?.failures.push(reason);
        say(`round ${round}/${rounds}, ${index + 1}/${chosen.length} ${scenario.id} FAILED: ${reason}`);
      }
    }
  }
  return {
    schema: 'sonoscope.bench/1',
    date,
    mode: options.quick ? 'quick' : 'full',
    rounds,
    commit: await presentCommit(),
    machine: machine(),
    versions: {
      ...(await versions()),
      chromium: chromium === null ? null : await chromiumVersion(chromium),
      peer: peerVersions,
    },
    model,
    clips: [p720.name, p1080.name, echoClip.name],
    loadBefore,
    scenarios: chosen.map(({ id, title }) => {
      const { metrics = [], failures = [] } = gathered.get(id) ?? {};
      const names = [...new Set(metrics.flatMap((values) => Object.keys(values)))];
      return {
        id,
        title,
        metrics: Object.fromEntries(
          names.map((name) => [
            name,
            spread(metrics.flatMap((values) => (values[name] === undefined ? [] : [round3(values[name])]))),
          ]),
        ),
        failures,
      };
    }),
  };
}

const round3 = (value: number): number => Number(value.toPrecision(6));

const shown = [
  'overlayP95Ms',
  'pictureP95Ms',
  'overheadP50Ms',
  'firstMaskP50Ms',
  'firstMaskP95Ms',
  'openMs',
  'scrubP95Ms',
  'totalP95Ms',
  'ageP95Ms',
  'displayedShare',
  'analysedFps',
  'framesPerSecond',
  'memorySlopeMbPerMinute',
];

const summary = (metrics: Metrics): string =>
  shown
    .flatMap((name) =>
      metrics[name] === undefined ? [] : [`${name} ${Number(metrics[name].toPrecision(3))}`],
    )
    .join(', ');

async function chromiumVersion(path: string): Promise<string> {
  const { execFile } = await import('node:child_process');
  const { promisify } = await import('node:util');
  const { stdout } = await promisify(execFile)(path, ['--version']);
  return stdout.trim();
}
