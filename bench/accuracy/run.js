/** Makes everything in bench/accuracy/results and the tables of bench/accuracy/README.md; `--help` says how. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const choices = ['natural', 'robotic', 'vocalfolds', 'throughput'];
const usage = `Usage: node bench/accuracy/run.js [--only ${choices.join('|')}] [--variants NAME,…] [--table]

Makes everything in bench/accuracy/results and the tables of bench/accuracy/README.md
(about 15 minutes on two cores; nothing else should be running).

  --only NAME  only the runs on one of the data sets, or only the throughput of replay
  --variants   only these rows of every set: mask, box, click, clicks3, copy, flow, or the folder name of another
               compact model (the baselines do not change with the model)
  --table      no runs: the tables again from the results that are there
  --help       this text

Needs the build (./sonoscope doctor makes it), the sample data beside the repository (../shared/data) and, for
the optical-flow baseline, the test environment (./sonoscope test makes it).
`;

const options = readOptions();

function readOptions() {
  try {
    const { values } = parseArgs({
      options: { only: { type: 'string' }, variants: { type: 'string' }, table: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.only !== undefined && !choices.includes(values.only))
      throw new Error(`--only ${values.only}: choose ${choices.join(', ')}`);
    if (values.help) {
      process.stdout.write(usage);
      process.exit(0);
    }
    return {
      only: values.only ?? null,
      variants: values.variants?.split(',') ?? null,
      table: values.table ?? false,
    };
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const data = join(root, '..', 'shared', 'data');
const results = join(here, 'results');

const sets = [
  { name: 'natural', title: 'natural video (DAVIS validation, 4)', args: ['--dataset', 'folder', '--root', join(data, 'davis')] },
  {
    name: 'robotic',
    title: 'robotic instruments, scene c',
    args: ['--dataset', 'folder', '--root', join(data, 'robotic-instruments', 'scene-c')],
  },
  {
    name: 'vocalfolds',
    title: 'vocal folds, seq4',
    args: ['--dataset', 'vocalfolds', '--root', join(data, 'vocalfolds', 'patient1', 'seq4'), '--labels', 'vocal folds'],
  },
];

const policies = ['gated', 'sam2', 'first'];
/** Other sizes and number formats of the default model, where they are installed. */
const otherModels = readdirSync(join(root, 'models')).filter(
  (name) => name.startsWith('compact-') && existsSync(join(root, 'models', name, 'model.json')),
);
const variants = [
  { name: 'mask', title: 'compact, first mask given', args: ['--policy', policies.join(',')] },
  { name: 'box', title: 'compact, box', args: ['--prompt', 'box'] },
  { name: 'click', title: 'compact, one click', args: ['--prompt', 'click'] },
  { name: 'clicks3', title: 'compact, three clicks', args: ['--prompt', 'clicks:3'] },
  ...otherModels.map((model) => ({ name: model, title: `${model}, first mask given`, args: ['--model', model] })),
  { name: 'copy', title: 'baseline: copy of the first mask', args: ['--baseline', 'copy'] },
  { name: 'flow', title: 'baseline: optical flow (OpenCV DIS)', args: ['--baseline', 'flow'] },
];

function sonoscope(...args) {
  execFileSync(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
  });
}

const unknown = options.variants?.find((wanted) => variants.every(({ name }) => name !== wanted));
if (unknown !== undefined) {
  process.stderr.write(`--variants ${unknown}: choose ${variants.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}

const file = (set, variant) => join(results, `${set.name}-${variant.name}.json`);

function run() {
  if (!existsSync(data)) throw new Error('the sample data is not there (../shared/data beside the repository)');
  mkdirSync(results, { recursive: true });
  for (const set of sets.filter(({ name }) => options.only === null || options.only === name))
    for (const variant of variants.filter(({ name }) => options.variants?.includes(name) ?? true)) {
      process.stderr.write(`${set.name}: ${variant.title}\n`);
      sonoscope('evaluate', ...set.args, ...variant.args, '--provider', 'cpu', '--json', file(set, variant));
      shorten(file(set, variant));
    }
  if ((options.only === null && options.variants === null) || options.only === 'throughput')
    writeFileSync(join(results, 'throughput.json'), `${JSON.stringify(throughput(), null, 1)}\n`);
}

/** Paths of this machine have no place in a committed file; per-frame columns of F and state are not needed again. */
function shorten(path) {
  const result = JSON.parse(readFileSync(path, 'utf8'));
  for (const part of [result, ...(result.policies ?? [])])
    for (const clip of part.clips)
      for (const object of clip.objects) {
        delete object.perFrame.F;
        delete object.perFrame.state;
        delete object.perFrame.counted;
      }
  // The first policy stands at the top already.
  if (result.policies) result.policies = result.policies.slice(1);
  writeFileSync(path, `${JSON.stringify(result)}\n`);
}

/** Frames per second of replay with png and csv, one clip and two side by side, beside plain decoding of the same file. */
function throughput() {
  const clip = join(data, 'clips', 'laparoscopy.mp4');
  const frames = 250;
  const [loadBefore = 0] = loadavg();
  const work = mkdtempSync(join(tmpdir(), 'sonoscope-bench-'));
  const seconds = (call) => {
    const started = performance.now();
    call();
    return (performance.now() - started) / 1000;
  };
  try {
    const prompt = join(work, 'prompt.json');
    writeFileSync(
      prompt,
      JSON.stringify({
        objects: [{ label: 'gallbladder', prompts: [{ frame: 0, type: 'box', box: [575, 40, 870, 655] }] }],
      }),
    );
    const twins = ['a', 'b'].map((name) => join(work, `${name}.mp4`));
    for (const twin of twins) writeFileSync(twin, readFileSync(clip));
    const replay = (inputs, jobs, out, model = 'compact') =>
      seconds(() =>
        sonoscope(
          ...['replay', ...inputs, '--prompt', prompt, '--out', join(work, out), '--format', 'png,csv', '--model', model],
          ...['--provider', 'cpu', '--jobs', String(jobs), '--progress', 'none'],
        ),
      );
    replay([clip], 1, 'warm');
    const decode = seconds(() =>
      spawnSync('gst-launch-1.0', ['-q', 'filesrc', `location=${clip}`, '!', 'decodebin', '!', 'fakesink', 'sync=false']),
    );
    return {
      clip: 'laparoscopy.mp4, 1280x720, 25 fps, 250 frames, one object, png + csv',
      sourceFps: 25,
      decodeOnlyFps: frames / decode,
      replayOneJobFps: frames / replay([clip], 1, 'one'),
      replayTwoJobsFps: (2 * frames) / replay(twins, 2, 'two'),
      ...(otherModels.includes('compact-fast') && {
        replayFastOneJobFps: frames / replay([clip], 1, 'fast-one', 'compact-fast'),
        replayFastTwoJobsFps: (2 * frames) / replay(twins, 2, 'fast-two', 'compact-fast'),
      }),
      machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores`,
      date: new Date().toISOString().slice(0, 10),
      loadBefore: Number(loadBefore.toFixed(1)),
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const digits = (value, places = 3) => (value === null || value === undefined ? '–' : value.toFixed(places));

function table(header, rows) {
  return [header, header.map((_, index) => (index === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

function figureRow(title, result) {
  const { mean, intervals, drift } = result;
  const interval = intervals.JF ? ` (${digits(intervals.JF.low)}–${digits(intervals.JF.high)})` : '';
  return [
    title,
    digits(mean.J),
    digits(mean.F),
    `${digits(mean.JF)}${interval}`,
    digits(mean.dice),
    digits(mean.promptIoU),
    drift.map(({ J }) => digits(J, 2)).join(' / '),
    digits(mean.flicker),
    digits(mean.ece),
  ];
}

function writeTables() {
  const header = ['', 'J', 'F', 'J&F (95 %)', 'Dice', 'first mask', 'J at frames 1–10 / 11–30 / 31–60 / 61+', 'flicker', 'ECE'];
  const parts = [];
  let stamp = '';
  for (const set of sets) {
    const rows = [];
    for (const variant of variants) {
      if (!existsSync(file(set, variant))) continue;
      const result = JSON.parse(readFileSync(file(set, variant), 'utf8'));
      const own = variant.name === 'mask' ? `compact, policy ${result.policy} (default)` : variant.title;
      rows.push(figureRow(own, result));
      for (const other of result.policies ?? []) rows.push(figureRow(`compact, policy ${other.policy}`, other));
      if (variant.name === 'mask') {
        const overhead = result.timing.overhead === null ? '' : `, the network at rest for ${Math.round(100 * result.timing.overhead)} % of its own time`;
        stamp ||= `Model ${result.model.name} ${result.model.version}, sha256 ${result.model.sha256.slice(0, 16)}, ${result.model.provider}; ${result.machine.cpu}, ${result.machine.cores} cores; ${result.createdAt.slice(0, 10)}; ${digits(result.fps, 1)} frames per second${overhead}.`;
      }
    }
    if (rows.length > 0) parts.push(`## ${set.title}\n\n${table(header, rows)}`);
  }
  const speed = join(results, 'throughput.json');
  if (existsSync(speed)) {
    const figures = JSON.parse(readFileSync(speed, 'utf8'));
    parts.push(
      `## Replay, frames per second\n\n${figures.clip}; ${figures.machine}, ${figures.date}, load before ${figures.loadBefore}.\n\n${table(
        ['', 'frames per second', '× real time'],
        [
          ['replay, one job', figures.replayOneJobFps],
          ['replay, two jobs side by side (sum)', figures.replayTwoJobsFps],
          ['replay with compact-fast, one job', figures.replayFastOneJobFps],
          ['replay with compact-fast, two jobs (sum)', figures.replayFastTwoJobsFps],
          ['decoding alone (gst-launch)', figures.decodeOnlyFps],
        ]
          .filter(([, fps]) => fps !== undefined)
          .map(([name, fps]) => [name, digits(fps, 1), digits(fps / figures.sourceFps, 2)]),
      )}`,
    );
  }
  writeFileSync(
    join(here, 'README.md'),
    `# Accuracy on the validation clips

Made by \`node bench/accuracy/run.js\` from the files in \`results/\`; do not edit. Definitions: \`docs/evaluate.md\`. The prompt
is given on the first frame, which is not scored; every other frame is. "first mask" is the IoU on the prompted frame.

${stamp}

${parts.join('\n\n')}
`,
  );
}

process.stderr.write(`${cpus().length} cores\n`);
if (!options.table) run();
writeTables();
