/**
 * An echo room with its browser on the same machine: how late outlines are on the screen, whether every picture is analysed, and what an
 * analysed picture costs beside the same room with a tracker.
 *
 *   node dist/bench/echo-room.js [--rounds 2] [--frames 500] [--models models/echo-lv] [--json FILE]
 *
 * Generated heart of 25 pictures per second. Rooms take turns. Outlines may be 250 ms late here, so that late ones are counted and not hidden.
 */
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, versions } from '../src/app/versions.js';
import { chromiumPath, launchChromium, measurePaint } from './browser.js';
import { liveRun, streamOf } from './live-run.js';
import { generatedEcho25 } from './media.js';
import { presentCommit } from './results.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '2' },
    frames: { type: 'string', default: '500' },
    models: { type: 'string', default: 'models/echo-lv' },
    json: { type: 'string' },
  },
});
const frames = Number(values.frames);
const chromium = chromiumPath();
if (chromium === null) throw new Error('Chromium is missing: apt install chromium, or set SONO_CHROMIUM');
const clip = await generatedEcho25();

async function room(modelDir: string): Promise<Record<string, number>> {
  const stream = streamOf('s1', clip, modelDir);
  const findsByItself = basename(modelDir).startsWith('echo');
  const browser = await launchChromium(chromium as string);
  try {
    let painted: Awaited<ReturnType<typeof measurePaint>> | null = null;
    const { streams, cpuCores } = await liveRun({
      streams: [{ ...stream, overlayLimitMs: 250, ...(findsByItself && { prompts: { objects: [] } }) }],
      viewer: false,
      seconds: 0,
      during: async (url) => {
        painted = await measurePaint(browser, url, 's1', frames, clip.framesPerSecond);
      },
    });
    const { overlay, picture } = painted as unknown as Awaited<ReturnType<typeof measurePaint>>;
    const [only] = streams;
    if (!only || only.analysed === 0 || !overlay || !only.latencyMs)
      throw new Error(`nothing was outlined: ${JSON.stringify({ only, overlay })}`);
    const { inference, tracking, total } = only.latencyMs;
    return {
      outlinesP50Ms: overlay.p50Ms,
      outlinesP95Ms: overlay.p95Ms,
      outlinesPainted: overlay.frames,
      ...(picture && { pictureP95Ms: picture.p95Ms }),
      analysedShare: Math.min(1, (only.analysed + 1) / only.captured),
      analysedPicture50Ms: inference.p50 + tracking.p50,
      resultAgeP95Ms: total.p95,
      cores: cpuCores.main + cpuCores.sources,
    };
  } finally {
    await browser.close();
  }
}

const rooms: Record<string, Record<string, number>[]> = {};
for (let round = 0; round < Number(values.rounds); round += 1)
  for (const model of values.models.split(',')) (rooms[basename(model)] ??= []).push(await room(model));

const report = {
  date: new Date().toISOString(),
  commit: await presentCommit(),
  machine: machine(),
  versions: await versions(),
  load: loadavg(),
  clip: clip.name,
  rooms,
};
console.log(JSON.stringify(report, null, 2));
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
