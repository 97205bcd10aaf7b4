import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../node/built-module.js';
import type { SonoError } from '../vocabulary/errors.js';
import { tensorWords } from './kinds/fields.js';
import { readModelFolder } from './manifest.js';

type Json = Record<string, unknown>;
let directory = '';
let text = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sono-manifest-'));
  text = await readFile(join(packageRoot, 'tests/golden/tiny-tracker/model.json'), 'utf8');
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Sets (or, without a value, removes) the key at a dotted path. */
function changed(path: string, value?: unknown): Json {
  const manifest = JSON.parse(text) as Json;
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const parent = keys.reduce((node, key) => node[key] as Json, manifest);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return manifest;
}

async function read(manifest: unknown): Promise<{ code: string; message: string }> {
  await writeFile(
    join(directory, 'model.json'),
    typeof manifest === 'string' ? manifest : JSON.stringify(manifest),
  );
  return readModelFolder(directory).then(
    () => ({ code: 'fine', message: '' }),
    (error: SonoError) => ({ code: error.code, message: error.message }),
  );
}

describe('model.json', () => {
  it('gives the tracker its sizes', async () => {
    await writeFile(join(directory, 'model.json'), text);
    const { tracker, sha256, graphs } = await readModelFolder(directory);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(tracker).toMatchObject({
      inputSize: { width: 64, height: 48 },
      logitsSize: { width: 16, height: 12 },
      slots: 4,
      keyLength: 768,
      valueLength: 384,
      planes: { positive: 0, negative: 1, box: 2, mask: 3 },
      maxObjects: 4,
      candidates: 1,
      policy: { name: 'gated', settings: { gated: { minConfidence: 0.5, every: 1 }, sam2: {}, first: {} } },
    });
    expect(graphs.map(({ name }) => name)).toEqual(['prompt', 'track']);
    expect(graphs[1]?.inputs.map(tensorWords)).toContain('float32[objects, 4, 2, 192]');
  });

  it('may offer several masks per object, which then have an axis of their own', async () => {
    const { code, message } = await read(changed('mask.candidates', 3));
    expect(code).toBe('SONO_MODEL_MANIFEST');
    expect(message).toContain(
      '"logits" is float32[objects, 12, 16] but the sizes above make it float32[objects, 3, 12, 16]',
    );
    const wider = changed('mask.candidates', 3) as {
      graphs: Record<string, { outputs: { name: string; shape: unknown[] }[] }>;
    } & Json;
    for (const { outputs } of Object.values(wider.graphs))
      for (const { name, shape } of outputs)
        if (['logits', 'iou', 'value'].includes(name)) shape.splice(1, 0, 3);
    expect(await read(wider)).toMatchObject({ code: 'fine' });
    expect((await readModelFolder(directory)).tracker.candidates).toBe(3);
  });

  it('may say more than is known', async () => {
    expect(await read(changed('training', { seconds: 4 }))).toMatchObject({ code: 'fine' });
    expect(await read(changed('memory.poolRecent', true))).toMatchObject({ code: 'fine' });
  });

  it.each([
    ['input.width', 0],
    ['input.layout', 'NCHW'],
    ['graphs.track.sha256', 'abc'],
    ['graphs.track.file', '../elsewhere.onnx'],
    ['graphs.track.file', '/etc/passwd'],
    ['graphs.prompt.bytes', -1],
    ['memory.slots', 1000],
    ['memory.keyShape', [4]],
    ['promptChannels', ['positive', 'negative', 'box', 'box']],
    ['objects.max', 0],
    ['policy.default', 'sam3'],
    ['policy.minConfidence', 2],
    ['calibration.confidence.x', [0, 0.5, 1]],
    ['calibration.confidence', { kind: 'isotonic', x: [1, 0], y: [0, 1] }],
    ['calibration.presence.temperature', 0],
    ['golden.tolerance.logits', '0.1'],
    ['licence', ''],
  ] as const)('names the field that is wrong: %s = %j', async (path, value) => {
    const { code, message } = await read(changed(path, value));
    expect(code).toBe('SONO_MODEL_MANIFEST');
    expect(message).toContain(`"${path.replace(/\.x$/, '')}`);
  });

  it.each(['name', 'graphs.track', 'memory.slots', 'calibration.presence', 'golden.file'])(
    'names the field that is missing: %s',
    async (path) => {
      const { code, message } = await read(changed(path));
      expect(code).toBe('SONO_MODEL_MANIFEST');
      expect(message).toContain(`"${path}"`);
    },
  );

  it('shows a field that looks like the missing one', async () => {
    const manifest = changed('clickRadius');
    manifest['click_radius'] = 5;
    expect((await read(manifest)).message).toContain('there is "click_radius": was "clickRadius" meant?');
  });

  it('is refused when it contradicts itself', async () => {
    const { code, message } = await read(changed('memory.slots', 5));
    expect(code).toBe('SONO_MODEL_MANIFEST');
    expect(message).toContain('"memory_key" is float32[objects, 4, 4, 192] but the sizes above make it');
    expect((await read(changed('mask.height', 13))).message).toContain('graphs.prompt.outputs');
  });

  it('of a newer version or another kind says so, whatever else is in it', async () => {
    expect(await read({ schemaVersion: 7, kind: 'tracker', future: true })).toMatchObject({
      code: 'SONO_MODEL_NEWER',
      message: expect.stringContaining('version 7') as string,
    });
    expect(await read({ schemaVersion: 1, kind: 'semantic' })).toMatchObject({ code: 'SONO_MODEL_KIND' });
  });

  it('is refused when cut at any place', async () => {
    for (let length = 0; length < text.trimEnd().length; length += 97)
      expect((await read(text.slice(0, length))).code).toBe('SONO_MODEL_MANIFEST');
  });

  it.each(['null', '[]', '7', '"tracker"', '{}'])('is refused when it is %s', async (json) => {
    expect((await read(json)).code).toBe('SONO_MODEL_MANIFEST');
  });
});
