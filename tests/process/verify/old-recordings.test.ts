/**
 * Recordings of earlier versions play and verify, whatever the program calls things by now. tests/golden/recordings holds one of
 * each version: 40 pictures of the scene of replay/fixture.ts at 25 per second, with a discontinuity before picture 30, a
 * prompt, corrections, a command that fails, and three pictures that were not analysed; the model is tests/golden/tiny-tracker.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FrameResult } from '../../../src/engine/engine.js';
import { packageRoot } from '../../../src/node/built-module.js';
import { PlaybackRoom } from '../../../src/playback/playback-room.js';
import { channelTopic } from '../../../src/protocol/channels.js';
import { decodeSegmentation } from '../../../src/protocol/messages.js';
import { openRecording } from '../../../src/record/recording-streams.js';
import { verifyRecording } from '../../../src/verify/verify.js';
import { tinyModel } from '../replay/fixture.js';

const folder = join(packageRoot, 'tests/golden/recordings');
const analysed = Array.from({ length: 40 }, (_, index) => index).filter(
  (index) => ![7, 8, 21].includes(index),
);

describe.each(readdirSync(folder))('the recording %s', (name) => {
  const path = join(folder, name);

  it('runs again with identical results', async () => {
    const report = await verifyRecording({ path, modelDir: tinyModel });
    expect(report.firstDifference).toBeNull();
    expect(report.complete).toBe(true);
    expect(report.streams).toMatchObject([
      { stream: 'theatre', frames: analysed.length, commands: 5, restarts: 0, sameProcessor: null },
    ]);
  });

  it('says in `pass` where the source began anew', async () => {
    const reader = await openRecording(path);
    const passes: [number, number][] = [];
    for await (const message of reader.inTimeOrder(new Set([channelTopic('theatre', 'segmentation')]))) {
      const { sourceFrame, pass } = decodeSegmentation(message.data);
      passes.push([sourceFrame, pass]);
    }
    await reader.close();
    expect(passes).toEqual(analysed.map((index) => [index, index < 30 ? 0 : 1]));
  });

  it('plays every picture with its own masks', async () => {
    const room = await PlaybackRoom.open(path, null, { paused: true });
    const pictures = new Set<number>();
    const results: FrameResult[] = [];
    room.events$.subscribe((event) => {
      if (event.kind === 'display') pictures.add(Math.round(event.frame.mediaNs / 40e6));
      if (event.kind === 'result') results.push(event.result);
    });
    await room.control({ speed: 4, paused: false, positionMs: 0 });
    await expect.poll(() => room.playback.ended, { timeout: 20_000, interval: 10 }).toBe(true);
    await room.close();
    expect(pictures.size).toBe(40);
    expect(results.some(({ objects }) => objects.some(({ label }) => label === 'red square'))).toBe(true);
  });
});
