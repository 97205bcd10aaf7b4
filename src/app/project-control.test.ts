import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { installedModels } from '../config/pipeline-file.js';
import { tinyEchoDir, tinySemanticDir } from '../../tests/tiny-scene.js';
import { knownFinders } from './project-control.js';

it('offers models that lie elsewhere too, each once and under a name of its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sonoscope-finders-'));
  const [taken = ''] = installedModels();
  const [elsewhere, sameName] = [join(folder, 'our-echo'), join(folder, taken)];
  cpSync(tinyEchoDir, elsewhere, { recursive: true });
  cpSync(tinySemanticDir, sameName, { recursive: true });
  try {
    const before = await knownFinders([]);
    const finders = await knownFinders([elsewhere, `${elsewhere}/`, sameName, join(folder, 'missing')]);
    expect(finders.slice(0, before.length)).toEqual(before);
    expect(finders.slice(before.length)).toMatchObject([
      { name: 'our-echo', modelDir: elsewhere, measuresHeart: true },
      { name: `${taken} 2`, modelDir: sameName, finds: ['red tool', 'blue tool'], measuresHeart: false },
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
