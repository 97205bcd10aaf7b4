/** `sonoscope doctor`: what this machine has, what it lacks, and what that means. Changes nothing; needs no network. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { packageRoot } from '../node/built-module.js';
import { autoModel, installedModels } from '../config/pipeline-file.js';
import { SonoError } from '../vocabulary/errors.js';
import { listProviders, loadModelOf } from '../onnx/choose-provider.js';
import { modelKinds } from '../onnx/manifest.js';
import { editionWords, measureEditions } from '../app/choose-model.js';
import { cliError } from '../app/errors.js';
import { dashboardFolder, dataFolder } from '../app/paths.js';
import { ffmpegVersion, gstreamerVersion, machine, programVersion } from '../app/versions.js';

const run = promisify(execFile);

/** `missing`: nothing works without it; `limited`: one feature does not work; `info`: a fact, neither good nor bad. */
export interface Finding {
  readonly status: 'ok' | 'missing' | 'limited' | 'info';
  readonly what: string;
  readonly detail: string;
}

/** Elements that pipelines are built from, and what does not work without them. */
const elements: readonly (readonly [
  name: string,
  packageName: string,
  purpose: string,
  essential: boolean,
])[] = [
  ['appsink', 'gstreamer1.0-plugins-base', 'every source', true],
  ['appsrc', 'gstreamer1.0-plugins-base', 'recorded files, synthetic scenes, DICOM, image folders', true],
  ['decodebin', 'gstreamer1.0-plugins-base', 'cameras', true],
  ['deinterlace', 'gstreamer1.0-plugins-good', 'interlaced cameras', true],
  ['videoconvert', 'gstreamer1.0-plugins-base', 'every source', true],
  ['videoscale', 'gstreamer1.0-plugins-base', 'every source', true],
  ['jpegenc', 'gstreamer1.0-plugins-good', 'the picture in the browser', true],
  ['gdppay', 'gstreamer1.0-plugins-bad', 'every source', true],
  ['tsdemux', 'gstreamer1.0-plugins-bad', 'SRT', false],
  ['h264parse', 'gstreamer1.0-plugins-bad', 'H.264 cameras', false],
  ['avdec_h264', 'gstreamer1.0-libav', 'H.264 cameras', false],
  ['avdec_h265', 'gstreamer1.0-libav', 'H.265 cameras', false],
  ['x264enc', 'gstreamer1.0-plugins-ugly', 'exported MP4 files', false],
  ['rtspsrc', 'gstreamer1.0-plugins-good', 'RTSP cameras', false],
  ['srtsrc', 'gstreamer1.0-plugins-bad', 'SRT streams', false],
  ['v4l2src', 'gstreamer1.0-plugins-good', 'USB and capture-card video (V4L2)', false],
  ['decklinkvideosrc', 'gstreamer1.0-plugins-bad', 'SDI through DeckLink cards', false],
];

export function configure(command: Command): void {
  command.option('--json', 'the same for programs').action(async ({ json }: { json?: boolean }) => {
    const findings = await examine();
    if (json) process.stdout.write(`${JSON.stringify({ findings }, null, 2)}\n`);
    else process.stdout.write(findings.map(line).join(''));
    const missing = findings.filter(({ status }) => status === 'missing');
    if (missing.length > 0)
      throw cliError('SONO_DOCTOR_MISSING', { missing: missing.map(({ what }) => what).join(', ') });
    if (!json) process.stdout.write('Everything that is needed is there.\n');
  });
}

const marks: Readonly<Record<Finding['status'], string>> = {
  ok: 'present ',
  missing: 'MISSING ',
  limited: 'limited ',
  info: '        ',
};

const line = ({ status, what, detail }: Finding): string =>
  `  ${marks[status]} ${what.padEnd(26)} ${detail}\n`;

/** Every check; none throws. */
async function examine(): Promise<Finding[]> {
  return [
    ...(await machineFindings()),
    ...(await gstreamerFindings()),
    await ffmpegFinding(),
    ...(await modelFindings()),
    ...(await restFindings()),
  ];
}

const gigabytes = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GB`;

async function machineFindings(): Promise<Finding[]> {
  const { cpu, cores, memoryBytes, system } = machine();
  const disk = await statfs(packageRoot);
  const free = disk.bavail * disk.bsize;
  const pool = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
  return [
    {
      status: 'info',
      what: 'sonoscope',
      detail: `${programVersion()}, Node ${process.versions.node}, ${system}`,
    },
    {
      status: cores >= 2 ? 'ok' : 'limited',
      what: 'processor',
      detail: `${cores} core${cores === 1 ? '' : 's'} (${cpu})${cores >= 2 ? '' : ': outlines will run below the source rate'}`,
    },
    {
      status: memoryBytes > 2 * 1024 ** 3 ? 'ok' : 'limited',
      what: 'memory',
      detail: gigabytes(memoryBytes),
    },
    {
      status: free > 2 * 1024 ** 3 ? 'ok' : 'limited',
      what: 'disk',
      detail: `${gigabytes(free)} free${free > 2 * 1024 ** 3 ? '' : ': recordings and reports may fail'}`,
    },
    {
      status: pool >= 8 ? 'ok' : 'limited',
      what: 'thread pool',
      detail:
        pool >= 8
          ? `${pool} threads`
          : `${pool} threads: several streams may block each other; start through ./sonoscope, or set UV_THREADPOOL_SIZE=32`,
    },
  ];
}

async function ffmpegFinding(): Promise<Finding> {
  const version = await ffmpegVersion();
  return version === null
    ? { status: 'missing', what: 'FFmpeg', detail: 'no recorded file can be read: apt-get install ffmpeg' }
    : { status: 'ok', what: 'FFmpeg', detail: `${version}, for recorded files` };
}

async function gstreamerFindings(): Promise<Finding[]> {
  const version = await gstreamerVersion();
  if (version === null)
    return [
      {
        status: 'missing',
        what: 'GStreamer',
        detail: 'apt-get install gstreamer1.0-tools (and the plugin packages)',
      },
    ];
  const missing: Finding[] = [];
  for (const [name, packageName, purpose, essential] of elements) {
    if (await succeeds('gst-inspect-1.0', ['--exists', name])) continue;
    missing.push({
      status: essential ? 'missing' : 'limited',
      what: name,
      detail: `no ${purpose}: apt-get install ${packageName}`,
    });
  }
  // Loaded in a separate process: an addon that was built for another Node version ends the process that loads it.
  const addon = await succeeds(process.execPath, ['-e', "require('gstreamer-superficial'); process.exit(0)"]);
  return [
    {
      status: 'ok',
      what: 'GStreamer',
      detail: `${version}, ${elements.length - missing.length} of ${elements.length} elements`,
    },
    ...missing,
    addon
      ? { status: 'ok', what: 'gstreamer-superficial', detail: 'loads' }
      : {
          status: 'missing',
          what: 'gstreamer-superficial',
          detail: 'does not load: run "npm rebuild gstreamer-superficial"',
        },
  ];
}

async function modelFindings(): Promise<Finding[]> {
  const names = installedModels();
  if (names.length === 0)
    return [{ status: 'missing', what: 'models', detail: 'none is installed below models/' }];
  const findings: Finding[] = [];
  const sound: string[] = [];
  for (const name of names) {
    try {
      const { folder } = await loadModelOf(join(packageRoot, 'models', name), ...modelKinds);
      const { version, input, licence } = folder.manifest;
      sound.push(name);
      findings.push({
        status: 'ok',
        what: `model ${name}`,
        detail: `${version}, ${folder.kind}, ${input.width}×${input.height}, ${folder.sha256.slice(0, 12)}, ${licence}`,
      });
    } catch (error) {
      findings.push({ status: 'missing', what: `model ${name}`, detail: words(error) });
    }
  }
  const [first] = sound;
  if (first === undefined) return findings;
  try {
    for (const { provider, usable, reason } of await listProviders(join(packageRoot, 'models', first)))
      findings.push({
        status: usable ? 'ok' : 'info',
        what: `provider ${provider}`,
        detail: usable
          ? `computes what model ${first} is known to give`
          : `not used: ${reason ?? 'unknown reason'}`,
      });
  } catch (error) {
    findings.push({ status: 'missing', what: 'providers', detail: words(error) });
  }
  try {
    const measured = await measureEditions([{ modelDir: autoModel, provider: 'auto', threads: null }], 25);
    if (measured.length > 0)
      findings.push({
        status: measured.at(-1)?.keepsUp ? 'ok' : 'limited',
        what: 'model for one live stream',
        detail: editionWords(measured, 25),
      });
  } catch {
    // Each model has been reported above.
  }
  return findings;
}

async function restFindings(): Promise<Finding[]> {
  const dashboard = existsSync(join(dashboardFolder(), 'index.html'));
  const browser = await firstThatRuns(['chromium', 'chromium-browser', 'google-chrome'], ['--version']);
  const findings: Finding[] = [
    dashboard
      ? { status: 'ok', what: 'dashboard', detail: 'built' }
      : { status: 'missing', what: 'dashboard', detail: 'not built: run "npm run build"' },
    browser === null
      ? { status: 'info', what: 'chromium', detail: 'not here: needed by browser tests and benchmarks only' }
      : { status: 'ok', what: 'chromium', detail: browser },
  ];
  for (const [name, purpose] of [
    ['test', 'cross-checks by Python readers'],
    ['train', 'training'],
    ['bench', 'the Python peer of the benchmarks'],
  ] as const) {
    const there = existsSync(join(packageRoot, '.sonoscope', `venv-${name}`, 'bin', 'python'));
    findings.push({
      status: there ? 'ok' : 'info',
      what: `Python for ${name}`,
      detail: there ? 'made' : `not made yet: "./sonoscope ${name}" makes it (${purpose})`,
    });
  }
  findings.push({ status: 'info', what: 'data folder', detail: dataFolder() });
  return findings;
}

async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(program, [...args], { timeout: 20_000, cwd: packageRoot });
    return true;
  } catch {
    return false;
  }
}

async function firstThatRuns(programs: readonly string[], args: readonly string[]): Promise<string | null> {
  for (const program of programs) {
    try {
      const { stdout } = await run(program, [...args], { timeout: 20_000 });
      return stdout.trim().split('\n')[0] ?? basename(program);
    } catch {
      // Try the next name.
    }
  }
  return null;
}

function words(error: unknown): string {
  if (error instanceof SonoError) return `${error.message} [${error.code as string}]`;
  return error instanceof Error ? error.message : String(error);
}
