/** Replay runs the cores of live mode: the same sources and the same engine, no second implementation of either. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/node/built-module.js';
import { createSource } from '../../../src/ingest/index.js';
import { replayTools } from '../../../src/replay/replay-tools.js';

const sources = readdirSync(join(packageRoot, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => ({ name, text: readFileSync(join(packageRoot, 'src', name), 'utf8') }));
const filesWith = (expression: RegExp): string[] =>
  sources.filter(({ text }) => expression.test(text)).map(({ name }) => name);

describe('the cores of replay', () => {
  it('are the module instances of live mode', () => {
    const uri = 'clip.mp4';
    const source = replayTools.createSource({ clip: 'clip', uri, kind: 'source', stream: null });
    expect(source.constructor).toBe(createSource(uri).constructor);
    const textOf = (file: string) => sources.find(({ name }) => name === file)?.text ?? '';
    const live = textOf('app/live-session.ts');
    for (const text of [live, textOf('replay/item-process.ts')])
      expect(text).toMatch(
        /import \{[^}]*\bcreateWorkerEngine\b[^}]*\} from '\.\.\/engine\/worker-engine\.js'/,
      );
    expect(textOf('app/live-rooms.ts')).toMatch(
      /import \{[^}]*\bcreateSource\b[^}]*\} from '\.\.\/ingest\/index\.js'/,
    );
  });

  it('exist once: trackers are made by the engine alone, the network is run by the engine alone', () => {
    expect(filesWith(/new Tracker\(/).every((name) => name.startsWith('engine/'))).toBe(true);
    expect(filesWith(/new Tracker\(/).length).toBeGreaterThan(0);
    expect(filesWith(/from 'onnxruntime-node'/).every((name) => !name.startsWith('replay/'))).toBe(true);
    const replayFiles = sources.filter(({ name }) => name.startsWith('replay/'));
    for (const { name, text } of replayFiles)
      expect(/from '\.\.\/(tracking|onnx\/session|engine\/engine-core)/.test(text), name).toBe(false);
  });
});
