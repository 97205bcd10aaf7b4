/** Recordings that other programs wrote, through replay to the end: every picture, its time, its pixels. */
import { mkdtempSync, rmSync, truncateSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FrameReader } from '../../../src/replay/frame-reader.js';
import { expandInputs } from '../../../src/replay/input-item.js';
import { PlaybackRoom } from '../../../src/playback/playback-room.js';
import { RecordingSource } from '../../../src/record/recording-source.js';
import { runPython } from '../../python-env.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-others-'));
const path = (name: string): string => join(folder, `${name}.mcap`);
let names: readonly string[] = [];
beforeAll(async () => {
  ({ names } = (await runPython('write_mcap.py', { folder })) as { names: readonly string[] });
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** First red column and time of each picture, of the analysis picture and of the displayed one. */
async function pictures(file: string, stream: string | null): Promise<number[][]> {
  const reader = new FrameReader(new RecordingSource(file, stream), {
    streamId: 'test',
    analysisSize: { width: 64, height: 48 },
    displayQuality: 90,
  });
  const firstRed = (rgb: Uint8Array): number =>
    Array.from({ length: 64 }, (_, x) => rgb[3 * (16 * 64 + x)] as number).findIndex((red) => red > 127);
  const seen: number[][] = [];
  try {
    for (let frame = await reader.next(); frame !== null; frame = await reader.next()) {
      const shown = await sharp(frame.picture ?? Buffer.of())
        .raw()
        .toBuffer();
      seen.push([frame.analysis.mediaNs / 1e6, firstRed(frame.analysis.data), firstRed(shown)]);
    }
  } catch (error) {
    // What was cut off ends behind its last picture.
    expect(error).toMatchObject({ code: 'SONO_SOURCE_DAMAGED' });
  } finally {
    reader.close();
  }
  return seen;
}

const expected = Array.from({ length: 8 }, (_, n) => [40 * n, 8 + 3 * n, 8 + 3 * n]);

describe('recordings of other programs', () => {
  it('give eight pictures on each of their streams', async () => {
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) {
      const items = await expandInputs([path(name)]);
      expect(
        items.map(({ stream }) => stream),
        name,
      ).toEqual(
        name === 'two-topics'
          ? ['left/image', 'right/image']
          : [
              name === 'other-topic'
                ? 'camera/image'
                : name.match(/ros|json/)
                  ? 'scope/compressed'
                  : 'camera',
            ],
      );
      for (const { stream } of items) expect(await pictures(path(name), stream), name).toEqual(expected);
    }
  }, 60_000);

  it('cut in the middle give the pictures before the cut', async () => {
    for (const name of ['sdk-zstd', 'sdk-lz4', 'ros2', 'no-chunks', 'no-channels']) {
      const cut = path(`${name}-cut`);
      const whole = readFileSync(path(name));
      writeFileSync(cut, whole);
      truncateSync(cut, Math.floor(whole.length * (name === 'no-channels' ? 0.95 : 0.6)));
      const seen = await pictures(cut, null);
      expect(seen, name).toEqual(expected.slice(0, seen.length));
      // Without its summary the last one still has its only chunk, and the channels in it.
      expect(seen.length, name).toBeGreaterThan(name === 'no-channels' ? 7 : 1);
    }
  }, 60_000);

  it('can be played, those with other pictures than JPEG too', async () => {
    const room = await PlaybackRoom.open(path('ros1-png'), null, { paused: true });
    expect(room.format.size).toEqual({ width: 64, height: 48 });
    expect(room.playback.durationMs).toBe(280);
    const shown = await new Promise<Uint8Array>((resolve) => {
      const subscription = room.events$.subscribe((event) => {
        if (event.kind !== 'display') return;
        subscription.unsubscribe();
        resolve(event.frame.data);
      });
    });
    await room.close();
    expect(await sharp(shown).metadata()).toMatchObject({ format: 'jpeg', width: 64, height: 48 });
  }, 30_000);
});
