import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../node/built-module.js';
import { SonoError } from '../vocabulary/errors.js';
import { parseSourceUri } from '../ingest/source-uri.js';
import { defaultPrompts } from '../ingest/synthetic/index.js';
import { nearest } from './nearest.js';
import { findModel, parsePipelineFile, readPipelineFile, resolveSource } from './pipeline-file.js';

const file = join('somewhere', 'case.yaml');
const parse = (text: string) => parsePipelineFile(text, file);

async function refusal(text: string): Promise<SonoError> {
  try {
    await parse(text);
  } catch (error) {
    if (error instanceof SonoError) return error;
    throw error;
  }
  throw new Error('the file was accepted');
}

describe('pipeline file', () => {
  it('fills in defaults, resolves paths from its own folder and is frozen', async () => {
    const config = await parse('streams:\n  - id: or-1\n    source: clips/a.mp4\n    model: none\n');
    expect(config).toEqual({
      server: { host: '127.0.0.1', port: 8080 },
      streams: [
        {
          id: 'or-1',
          label: null,
          source: join(process.cwd(), 'somewhere/clips/a.mp4'),
          prompts: null,
          modelDir: null,
          provider: 'auto',
          policy: null,
          threads: null,
          echo: null,
          loop: false,
          overlayVisible: true,
          overlayLimitMs: 100,
          displayQuality: 85,
        },
      ],
    });
    expect(Object.isFrozen(config.streams[0])).toBe(true);
    expect(() => (config.streams as unknown[]).push(1)).toThrow(TypeError);
  });

  it('takes prompts inline', async () => {
    const { streams } = await parse(
      [
        'streams:',
        '  - id: a',
        '    source: rtsp://camera/1',
        '    model: none',
        '    objects:',
        '      - label: tool',
        '        prompts:',
        '          - { timeMs: 40, type: click, point: [3, 4] }',
      ].join('\n'),
    );
    expect(streams[0]?.source).toBe('rtsp://camera/1');
    expect(streams[0]?.prompts?.objects).toEqual([
      {
        label: 'tool',
        prompts: [
          { moment: { kind: 'time', timeMs: 40 }, prompt: { type: 'click', point: [3, 4], positive: true } },
        ],
      },
    ]);
  });

  it('names the line and the nearest key for a key that it does not know', async () => {
    const error = await refusal('streams:\n  - id: a\n    source: x.mp4\n    overlayLimit: 3\n');
    expect(error.code).toBe('SONO_CONFIG_UNKNOWN_KEY');
    expect(error.details).toMatchObject({ line: 4, key: 'overlayLimit', nearest: 'overlayLimitMs' });
    const top = await refusal('serverr: {}\nstreams: []\n');
    expect(top.details).toMatchObject({ line: 1, key: 'serverr', nearest: 'server' });
    expect(top.definition.exitCode).toBe(2);
  });

  it('blames the mistyped key, not the missing one that it stands for', async () => {
    const error = await refusal('streams:\n  - id: a\n    sorce: x.mp4\n');
    expect(error.details).toMatchObject({ line: 3, key: 'sorce', nearest: 'source' });
  });

  it.each([
    ['streams:\n  - id: a\n    source: x\n    loop: maybe\n', 4, 'streams[0].loop', 'true or false'],
    ['streams:\n  - id: a\n    source: x\n    provider: gpu\n', 4, 'streams[0].provider', 'cuda'],
    [
      'streams:\n  - id: a\n    source: x\n    displayQuality: 101\n',
      4,
      'streams[0].displayQuality',
      'at most 100',
    ],
    [
      'streams:\n  - id: a\n    source: x\n    overlayLimitMs: .nan\n',
      4,
      'streams[0].overlayLimitMs',
      'a number',
    ],
    ['streams:\n  - id: A b\n    source: x\n', 2, 'streams[0].id', 'small letters'],
    ['streams:\n  - id: a\n', 2, 'streams[0].source', 'missing'],
    ['server:\n  port: 99999\nstreams:\n  - {id: a, source: x}\n', 2, 'server.port', 'at most 65535'],
    ['streams: []\n', 1, 'streams', 'at least 1'],
    ['streams: 7\n', 1, 'streams', 'a list'],
    ['', 1, 'the file', 'empty'],
  ])('says what is wrong and where: %j', async (text, line, key, words) => {
    const error = await refusal(text);
    expect(error.code).toBe('SONO_CONFIG_VALUE');
    expect(error.details).toMatchObject({ line, key });
    expect(error.message).toContain(words);
  });

  it('refuses broken YAML, a missing file, a missing model, a repeated id and prompts given twice', async () => {
    expect((await refusal('streams:\n  - id: [a\n')).code).toBe('SONO_CONFIG_SYNTAX');
    const model = await refusal('streams:\n  - id: a\n    source: x\n    model: nne\n');
    expect(model.code).toBe('SONO_CONFIG_MODEL_MISSING');
    expect(model.details).toMatchObject({ line: 4, model: 'nne', nearest: 'none' });
    const twice = await refusal(
      'streams:\n- {id: a, source: x, model: none}\n- {id: a, source: y, model: none}\n',
    );
    expect(twice.details).toMatchObject({ line: 3, id: 'a' });
    expect(twice.code).toBe('SONO_CONFIG_STREAM_TWICE');
    const both = await refusal(
      'streams:\n- id: a\n  source: x\n  model: none\n  prompt: p.json\n  objects: [{label: a, prompts: [{frame: 0, type: click, point: [1, 2]}]}]\n',
    );
    expect(both.code).toBe('SONO_CONFIG_VALUE');
    await expect(readPipelineFile(join(packageRoot, 'absent.yaml'))).rejects.toMatchObject({
      code: 'SONO_CONFIG_MISSING',
    });
  });

  it('survives a file cut at every byte with a coded error or a valid reading', async () => {
    const whole =
      'server: {host: 127.0.0.1, port: 1}\nstreams:\n  - id: a\n    source: "x y"\n    model: none\n';
    for (let end = 0; end <= whole.length; end += 1) {
      const outcome: unknown = await parse(whole.slice(0, end)).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(SonoError);
    }
  });

  it('reads every worked example of the repository', async () => {
    const folder = join(packageRoot, 'pipelines');
    const examples = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
    expect(examples).toEqual(expect.arrayContaining(['demo.yaml', 'echo.yaml', 'laparoscopy.yaml']));
    for (const name of examples) {
      const text = readFileSync(join(folder, name), 'utf8');
      // The default model is a large file that may not be installed where only the sources are.
      const usable =
        findModel('compact', packageRoot) === null ? text.replace(/model: \S+/g, 'model: none') : text;
      const config = await parsePipelineFile(usable, join(folder, name));
      expect(config.streams.length).toBeGreaterThan(0);
      expect(text.startsWith('#')).toBe(true);
    }
  });

  it('points at what is there in the generated scenes of the worked examples', async () => {
    let checked = 0;
    for (const name of ['demo.yaml', 'echo.yaml', 'laparoscopy.yaml']) {
      const path = join(packageRoot, 'pipelines', name);
      const text = readFileSync(path, 'utf8').replace(/model: \S+/g, 'model: none');
      for (const { source, prompts } of (await parsePipelineFile(text, path)).streams) {
        const address = parseSourceUri(source);
        if (address.kind !== 'synthetic') throw new Error(`${name} opens ${source}`);
        const { scene, seed, width, height, framesPerSecond } = address;
        const truth = defaultPrompts(scene, { seed, width, height, framesPerSecond }).objects;
        for (const { label, prompts: steps } of prompts?.objects ?? []) {
          const [own, known] = [steps, truth.find((object) => object.label === label)?.prompts].map(
            (list) => list?.[0]?.prompt,
          );
          if (own?.type !== 'box' || known?.type !== 'box') throw new Error(`${label} has no box`);
          expect(boxIou(own.box, known.box)).toBeGreaterThan(0.6);
          checked += 1;
        }
      }
    }
    expect(checked).toBeGreaterThanOrEqual(3);
  });
});

type Corners = readonly [number, number, number, number];

function boxIou(a: Corners, b: Corners): number {
  const area = ([x0, y0, x1, y1]: Corners): number => Math.max(0, x1 - x0) * Math.max(0, y1 - y0);
  const both = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  return both / (area(a) + area(b) - both);
}

it('keeps URIs and resolves paths', () => {
  expect(resolveSource('synthetic:laparoscopy?seed=1', '/base')).toBe('synthetic:laparoscopy?seed=1');
  expect(resolveSource('v4l2:/dev/video0', '/base')).toBe('v4l2:/dev/video0');
  expect(resolveSource('a/b.mp4', '/base')).toBe('/base/a/b.mp4');
});

it('finds the nearest word', () => {
  expect(nearest('surce', ['source', 'server', 'label'])).toBe('source');
  expect(nearest('threadCount', ['policy', 'threads', 'loop'])).toBe('threads');
});
