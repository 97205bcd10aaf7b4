import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rewindToValidCheckpoint } from './checkpoints.js';

/** A whole one, as the forward pass stores it. */
const checkpoint = (lastSourceFrame: number) => ({
  ...{ done: lastSourceFrame + 1, lastSourceFrame, ids: [['a', 1]], snapshot: { any: 'thing' } },
  exporters: { mcap: { state: 'a', bytes: lastSourceFrame } },
});

describe('going back to a checkpoint', () => {
  let folder: string;
  let masks: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sono-checkpoints-'));
    masks = join(folder, 'clip.mcap');
    writeFileSync(masks, 'masks');
    for (const [name, state] of Object.entries({
      'done.json': {},
      'forward.json': checkpoint(19),
      'forward-00000005.json': checkpoint(4),
      'forward-00000010.json': checkpoint(9),
      'forward-00000020.json': checkpoint(19),
    }))
      writeFileSync(join(folder, name), JSON.stringify(state));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const forward = (): unknown => JSON.parse(readFileSync(join(folder, 'forward.json'), 'utf8'));

  it('takes the latest before the change, whole, and removes the later ones', async () => {
    await rewindToValidCheckpoint(folder, masks, 8);
    expect(forward()).toEqual(checkpoint(4));
    expect(readdirSync(folder).sort()).toEqual(['clip.mcap', 'forward-00000005.json', 'forward.json']);
  });

  it.each(['{"lastSourceFrame":"4"}', '{"lastSourceFrame":', '[]', 'null'])(
    'leaves out one that is damaged: %s',
    async (text) => {
      writeFileSync(join(folder, 'forward-00000010.json'), text);
      await rewindToValidCheckpoint(folder, masks, 19);
      expect(forward()).toMatchObject({ lastSourceFrame: 4 });
      expect(existsSync(join(folder, 'forward-00000010.json'))).toBe(false);
    },
  );

  it('keeps everything where nothing has changed, and nothing where everything has', async () => {
    await rewindToValidCheckpoint(folder, masks, Infinity);
    expect(forward()).toMatchObject({ lastSourceFrame: 19 });
    expect(existsSync(masks)).toBe(true);
    const work = mkdtempSync(join(tmpdir(), 'sono-checkpoints-'));
    writeFileSync(join(work, 'forward.json'), JSON.stringify(checkpoint(3)));
    await rewindToValidCheckpoint(work, masks, null);
    expect([existsSync(work), existsSync(masks), existsSync(`${masks}.partial`)]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('begins anew where the change lies before the first checkpoint', async () => {
    await rewindToValidCheckpoint(folder, masks, 2);
    expect(readdirSync(folder)).toEqual([]);
  });
});
