/**
 * How long a person waits who opens the page of a server without rooms and wants an object followed in a file of their own.
 *
 *   node dist/bench/own-file.js [--rounds 5] [--file case.mp4] [--json FILE]
 *
 * Each round has a server of its own, so that the first one's choice of the model counts in every one. Without --file the clip of
 * `./sonoscope sample` is sent.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, versions } from '../src/app/versions.js';
import { packageRoot } from '../src/node/built-module.js';
import { writeSample } from '../src/sample/write-sample.js';
import { chromiumPath, launchChromium } from './browser.js';
import { trackInOwnFile, type OwnFileTimes } from './own-file-steps.js';
import { presentCommit, spread } from './results.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    file: { type: 'string' },
    json: { type: 'string' },
  },
});
const chromium = chromiumPath();
if (chromium === null) throw new Error('Chromium is missing: apt install chromium, or set SONO_CHROMIUM');
const folder = await mkdtemp(join(tmpdir(), 'sono-own-file-'));
const load = loadavg()[0];

async function round(number: number, file: string): Promise<OwnFileTimes> {
  const server = spawn(process.execPath, [join(packageRoot, 'dist/src/cli/main.js'), 'run', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '32', SONO_DATA_DIR: join(folder, `data-${number}`) },
  });
  try {
    const address = await new Promise<string>((resolve, reject) => {
      let output = '';
      server.stdout.on('data', (data: Buffer) => {
        output += data.toString();
        const found = /at (http:\/\/\S+)/.exec(output)?.[1];
        if (found !== undefined) resolve(found);
      });
      server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    });
    const browser = await launchChromium(chromium as string);
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
      return await trackInOwnFile(page, address, file, { x: 0.5, y: 0.5 });
    } finally {
      await browser.close();
    }
  } finally {
    server.removeAllListeners('exit');
    server.kill('SIGKILL');
  }
}

try {
  if (values.file === undefined) await writeSample(join(folder, 'sample'));
  const file = values.file ?? join(folder, 'sample', 'case.mp4');
  const rounds: OwnFileTimes[] = [];
  for (let number = 0; number < Number(values.rounds); number += 1) {
    const times = await round(number, file);
    rounds.push(times);
    process.stdout.write(`${JSON.stringify(times)}\n`);
  }
  const result = {
    scenario: 'own-file',
    clip: values.file === undefined ? 'case.mp4 of the sample' : 'a file that was named',
    commit: await presentCommit(),
    ...{ machine: machine(), versions: await versions(), loadBefore: load },
    metrics: {
      pageMs: spread(rounds.map(({ pageMs }) => pageMs)),
      pictureMs: spread(rounds.map(({ pictureMs }) => pictureMs)),
      trackedMs: spread(rounds.map(({ trackedMs }) => trackedMs)),
    },
  };
  process.stdout.write(`${JSON.stringify(result.metrics, null, 2)}\n`);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
