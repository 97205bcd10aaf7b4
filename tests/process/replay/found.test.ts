/** `sonoscope replay` with a model that finds its structures by itself: nothing is marked, every frame is analysed. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { maskBox, maskFromCocoBytes } from '../../../src/mask/rle.js';
import { decodeSegmentation } from '../../../src/protocol/messages.js';
import { McapFileReader } from '../../../src/record/mcap-reader.js';
import { tinySemanticDir } from '../../tiny-scene.js';
import { Cli, runCli } from '../cli/cli.js';
import { clipSize, promptFile, sceneFolder, squareLeft, squareSize, tinyModel } from './fixture.js';

// Every run starts three processes; a loaded machine takes its time.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), 'sono-found-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const frames = 24;
const clip = join(folder, 'clip');
const base = (out: string, ...more: string[]) => [
  ...['replay', clip, '--out', join(folder, out), '--model', tinySemanticDir, '--provider', 'cpu'],
  ...['--chunk-frames', '5', '--format', 'csv,mcap', '--progress', 'json'],
  ...more,
];
beforeAll(() => sceneFolder(clip, frames));

const hash = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
const mcap = (out: string): string => join(folder, out, 'clip', 'clip.mcap');

describe('a replay run without prompts', () => {
  it('has the model’s structures on every frame, at source size', async () => {
    const { code, stderr } = await runCli(base('found'));
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const reader = await McapFileReader.open(mcap('found'));
    let count = 0;
    for await (const { data } of reader.inTimeOrder(new Set(['/clip/segmentation']))) {
      const { objects, sourceFrame, maskSize } = decodeSegmentation(data);
      expect(maskSize).toEqual(clipSize);
      expect(objects.map(({ id, label }) => [id, label])).toEqual([
        [1, 'red tool'],
        [2, 'blue tool'],
      ]);
      expect(objects.map(({ state }) => state)).toEqual(['tracking', 'searching']);
      const [square] = objects;
      const [left = 0, , width = 0] = square
        ? maskBox(maskFromCocoBytes(square.counts, maskSize.width, maskSize.height))
        : [];
      // The tiny model sees cells of eight source pixels.
      expect(Math.abs(left - squareLeft(sourceFrame, clipSize.width))).toBeLessThanOrEqual(8);
      expect(Math.abs(width - squareSize)).toBeLessThanOrEqual(8);
      count += 1;
    }
    await reader.close();
    expect(count).toBe(frames);
    const manifest = JSON.parse(readFileSync(join(folder, 'found', 'manifest.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(manifest).toMatchObject({ model: { name: 'tiny-semantic' }, prompts: [] });
  });

  it('that was killed goes on, and ends with the same bytes', async () => {
    const killed = new Cli(base('killed'));
    const state = join(folder, 'killed', '.replay', 'clip', 'forward.json');
    await vi.waitUntil(() => existsSync(state), { timeout: 60_000, interval: 3 });
    killed.kill('SIGKILL');
    await killed.finished;
    const again = await runCli(base('killed', '--resume'));
    expect([again.stderr, again.code]).toEqual(['', 0]);
    expect(hash(mcap('killed'))).toBe(hash(mcap('found')));
  });

  it.each([
    [
      'a prompt file',
      async () => ['--prompt', await promptFile(join(folder, 'p.json'), [{ label: 'x', frames: [1] }])],
      'marking',
    ],
    ['another direction', () => Promise.resolve(['--direction', 'both']), 'following backwards'],
    ['a memory policy', () => Promise.resolve(['--policy', 'gated']), 'a memory policy'],
  ])('refuses %s in words', async (_, more, what) => {
    const { code, stderr } = await runCli(base('refused', ...(await more())));
    expect(code).toBe(2);
    expect(stderr).toContain(`finds its structures by itself, so ${what} is not possible`);
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });

  it('needs a prompt file where the model follows what is marked', async () => {
    const { code, stderr } = await runCli([
      'replay',
      clip,
      '--out',
      join(folder, 'none'),
      '--model',
      tinyModel,
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain('Say what to follow, with --prompt FILE');
  });
});
