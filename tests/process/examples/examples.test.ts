/** Every example of the README and of docs/ runs as it stands; docs/examples.md lists those that are not run, and why. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPromptFile } from '../../../src/config/prompt-file.js';
import { packageRoot } from '../../../src/node/built-module.js';
import { operations } from '../../../src/protocol/operations.js';
import { blocksOf, commandsOf, documents, notRun, textOf, type Block } from './blocks.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-examples-'));
const blocks = documents.flatMap(blocksOf);
const all = blocks.filter(({ language }) => language === 'sh').flatMap(commandsOf);
let port = 0;

beforeAll(async () => {
  // As the root of a clone, but nothing is written into the real one. The entry script, which would install things, has its own tests.
  for (const name of ['pipelines', 'models', 'dist', 'node_modules', 'docs'])
    symlinkSync(join(packageRoot, name), join(folder, name));
  writeFileSync(
    join(folder, 'sonoscope'),
    `#!/bin/sh\nexec "${process.execPath}" "${join(packageRoot, 'dist/src/cli/main.js')}" "$@"\n`,
  );
  chmodSync(join(folder, 'sonoscope'), 0o755);
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  ({ port } = taken.address() as AddressInfo);
  await new Promise((resolve) => taken.close(resolve));
});
afterAll(() => {
  server?.child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** The documents' port is that of whoever tests at the same time. */
const here = (text: string): string => text.replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`);

function start(command: string): ChildProcess {
  return spawn('bash', ['-c', `exec ${command}`], {
    cwd: folder,
    env: {
      ...process.env,
      UV_THREADPOOL_SIZE: '32',
      SONO_INVOKED_FROM: folder,
      SONO_DATA_DIR: join(folder, 'data'),
      SONO_SERVER: `http://127.0.0.1:${port}`,
    },
  });
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function outcome(child: ChildProcess): { readonly said: () => string; readonly ended: Promise<Ended> } {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
  return {
    said: () => stdout,
    ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr }))),
  };
}

let server: {
  readonly child: ChildProcess;
  readonly command: string;
  readonly ended: Promise<Ended>;
} | null = null;

/** Ctrl-C, as a person does; what serves must end well. */
async function stopServer(): Promise<void> {
  if (server === null) return;
  const { child, command, ended } = server;
  server = null;
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  expect({ command, code, ...(code !== 0 && { stderr }) }).toEqual({ command, code: 0 });
}

async function serveUntilAsked(command: string): Promise<void> {
  const child = start(`${here(command)} --port ${port}`);
  const { said, ended } = outcome(child);
  let over: Ended | null = null;
  void ended.then((result) => (over = result));
  await expect
    .poll(() => over !== null || / at http:\/\/\S+/.test(said()), { timeout: 90_000, interval: 50 })
    .toBe(true);
  expect({ command, over }).toEqual({ command, over: null });
  server = { child, command, ended };
  if (command.includes('--record')) await seenFor(10);
}

/** Until this many pictures of every stream have been analysed, so that there is something in a recording. */
async function seenFor(pictures: number): Promise<void> {
  await expect
    .poll(
      async () => {
        const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
        const counts = [...text.matchAll(/^sonoscope_frames_total\{.*kind="analysed".*\} (\d+)$/gm)];
        return counts.length > 0 && counts.every(([, count]) => Number(count) >= pictures);
      },
      { timeout: 60_000, interval: 100 },
    )
    .toBe(true);
}

const serves = (command: string): boolean =>
  /^\.\/sonoscope (demo|play|run)\b/.test(command) && !/--duration|--report/.test(command);
/** Asks the server that the document has started before. */
const asks = (command: string): boolean =>
  /^curl |^\.\/sonoscope call /.test(command) || command.endsWith('.mjs');

const done = new Set<string>();

/** One after the other. What was run in an earlier document is not run again, unless something is asked of it. */
async function runAll(commands: readonly string[]): Promise<void> {
  for (const [index, command] of commands.entries()) {
    const next = commands[index + 1];
    const isAsked = serves(command) && next !== undefined && asks(next);
    if (notRun.has(command) || (done.has(command) && !isAsked && !asks(command))) continue;
    done.add(command);
    if (!asks(command)) await stopServer();
    if (serves(command)) {
      await serveUntilAsked(command);
      continue;
    }
    const { code, stdout, stderr } = await outcome(start(`bash -ec ${quoted(here(command))}`)).ended;
    expect({ command, code, ...(code !== 0 && { stdout, stderr }) }).toEqual({ command, code: 0 });
    // A refusal over HTTP is no failure of curl.
    if (command.startsWith('curl')) expect(stdout).not.toContain('"SONO_');
  }
  await stopServer();
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Commands of a document, a program in a block as one that runs its file. */
function commandsIn(own: readonly Block[]): readonly string[] {
  return own.flatMap((block) => {
    if (block.language === 'sh') return commandsOf(block);
    if (block.language !== 'js') return [];
    const file = `example-${block.document.replace(/\W/g, '-')}-${block.line}.mjs`;
    writeFileSync(join(folder, file), here(block.text));
    return [`node ${file}`];
  });
}

describe.each(
  documents.filter((document) => blocksOf(document).some(({ language }) => /^(sh|js)$/.test(language))),
)('%s', (document) => {
  it('has examples that run as they stand', () => runAll(commandsIn(blocksOf(document))), 600_000);
});

it('what the README promises to write is there', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  for (const name of [
    'sample/case.mp4',
    'out/echo/heart-A4C/beats.csv',
    'out/echo/heart-A4C/biplane.json',
    'out/case/manifest.json',
    'out/dicom/heart-A4C/report.dcm',
    'case.mcap',
    'result.json',
    'report/index.html',
    'report.json',
  ])
    // prettier-ignore
    expect(files).toContain(name);
});

describe('JSON in the documents', () => {
  const json = blocks.filter(({ language }) => language === 'json');
  it.each(json.map((block) => [`${block.document}:${block.line}`, block] as const))(
    '%s',
    async (_, { text }) => {
      const value = JSON.parse(text) as Record<string, unknown>;
      if ('stream' in value) {
        expect(operations.prompt.request.safeParse(value)).toMatchObject({ success: true });
        return;
      }
      const file = join(folder, 'prompts.json');
      writeFileSync(file, text);
      for (const [, path = ''] of text.matchAll(/"path": "([^"]+)"/g))
      await sharp({ create: { width: 1280, height: 720, channels: 3, background: 'white' } }).toFile(join(folder, path)); // prettier-ignore
      expect((await readPromptFile(file)).objects.length).toBeGreaterThan(0);
    },
  );
  it('is looked at', () => expect(json.length).toBeGreaterThan(2));
});

describe('no example escapes', () => {
  it('every block says what it is', () => {
    const known = ['sh', 'js', 'json', 'text'];
    expect(blocks.filter(({ language }) => !known.includes(language))).toEqual([]);
  });

  it('commands stand in blocks for the shell alone, but for lists of options', () => {
    const wrong = documents.flatMap((document) => [
      ...(textOf(document).match(/^ {4,}(\.\/sonoscope|curl|node|npx) .*/gm) ?? []),
      ...blocksOf(document)
        .filter(({ language, text }) => language === 'text' && /^(\.\/sonoscope|curl) /m.test(text))
        .filter(({ text }) => !/\[--/.test(text))
        .map(({ text }) => text),
    ]);
    expect(wrong).toEqual([]);
  });

  it('what is not run is an example, and has a reason', () => {
    expect(notRun.size).toBeGreaterThan(0);
    expect([...notRun].filter(([command, why]) => !all.includes(command) || why.length < 10)).toEqual([]);
    // Everything else was.
    expect(all.filter((command) => !done.has(command) && !notRun.has(command))).toEqual([]);
  });

  it('files that examples read are there or made by an example before', () => {
    expect(existsSync(join(folder, 'sample', 'prompts.json'))).toBe(true);
  });
});
