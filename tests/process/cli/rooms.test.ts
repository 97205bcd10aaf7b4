/**
 * Rooms that come and go while the program runs: added, named and closed over HTTP, as the page does. Real sources, the real engine, a
 * process of its own.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RunReport } from '../../../src/app/report.js';
import { operations, type OperationName, type ResponseOf } from '../../../src/protocol/operations.js';
import { McapFileReader } from '../../../src/record/mcap-reader.js';
import { tinyModelDir } from '../../tiny-scene.js';
import { Cli } from './cli.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rooms-'));
});
afterEach(() => Cli.killAll());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface House {
  readonly cli: Cli;
  readonly call: <Name extends OperationName>(
    name: Name,
    body?: Readonly<Record<string, unknown>>,
  ) => Promise<ResponseOf<Name>>;
  /** Code of the refusal. */
  readonly refused: (name: OperationName, body: Readonly<Record<string, unknown>>) => Promise<string>;
}

async function house(args: readonly string[]): Promise<House> {
  const cli = new Cli(['run', ...args, '--port', '0'], { SONO_DATA_DIR: join(folder, 'data') });
  const url = await cli.url();
  const ask = async (name: OperationName, body: Readonly<Record<string, unknown>>): Promise<Response> => {
    const { method, path } = operations[name];
    const address = path.replace(/:(\w+)/g, (_, key: string) => encodeURIComponent(String(body[key])));
    return fetch(`${url}api${address}`, {
      method,
      ...(method === 'POST' && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(
          Object.fromEntries(Object.entries(body).filter(([key]) => !path.includes(`:${key}`))),
        ),
      }),
    });
  };
  return {
    cli,
    call: async (name, body = {}) => {
      const response = await ask(name, body);
      const text = await response.text();
      if (!response.ok) throw new Error(text);
      return operations[name].response.parse(JSON.parse(text)) as never;
    },
    refused: async (name, body) => {
      const response = await ask(name, body);
      expect(response.ok).toBe(false);
      return ((await response.json()) as { code: string }).code;
    },
  };
}

async function eventually<T>(look: () => Promise<T | null>, what: string): Promise<T> {
  for (let end = Date.now() + 30_000; Date.now() < end;) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`still waiting for ${what}`);
}

/** Processes that the program has started and that live. */
const children = (pid: number | undefined): readonly string[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);

describe('a house without rooms', () => {
  it('takes rooms, names them after what they show, and lets them go, with their recordings complete', async () => {
    const report = join(folder, 'report.json');
    const { cli, call, refused } = await house(['--model', tinyModelDir, '--report', report]);
    expect((await call('streams.list')).streams).toEqual([]);
    expect(children(cli.process.pid)).toEqual([]);

    const { stream: first } = await call('room.add', { uri: 'synthetic:counter?fps=10' });
    const { stream: second } = await call('room.add', {
      uri: 'synthetic:echo?fps=10',
      label: 'Bed 4',
      model: 'none',
    });
    expect([first, second]).toEqual(['counter-scene', 'bed-4']);
    const listed = (await call('streams.list')).streams;
    expect(listed.map(({ id, label }) => [id, label])).toEqual([
      ['counter-scene', 'Counter scene'],
      ['bed-4', 'Bed 4'],
    ]);
    expect(listed.map(({ model }) => model !== '')).toEqual([true, false]);

    // A name that nobody gave follows what is shown; one that somebody gave stays.
    await call('source.open', { stream: second, uri: 'synthetic:counter?fps=10&seed=2' });
    await call('source.open', { stream: first, uri: 'synthetic:laparoscopy?fps=10' });
    await call('room.rename', { stream: second, label: 'Bed 5' });
    expect((await call('streams.list')).streams.map(({ label }) => label)).toEqual([
      'Laparoscopy scene',
      'Bed 5',
    ]);

    const system = await call('system.get');
    expect(system.mostRooms).toBeGreaterThanOrEqual(2);
    expect(system.machine.cores).toBeGreaterThan(0);
    expect(system.disk.freeBytes).toBeGreaterThan(0);
    expect(system.disk.recording).toMatchObject({ basis: 'none', hoursLeft: null });
    expect(system.rooms.map(({ stream, reason }) => [stream, reason])).toEqual([
      [first, 'as the server was started with'],
      [second, 'no model was wanted: the picture alone'],
    ]);
    expect(system.rooms[0]?.model?.sha256).toMatch(/^[0-9a-f]{64}$/);
    // Two processes of a source each hold tens of megabytes.
    for (const { sourceMemoryBytes } of system.rooms) expect(sourceMemoryBytes).toBeGreaterThan(10e6);

    const { path } = await call('record.start', { stream: first });
    const captured = async (stream: string): Promise<number> =>
      (await call('system.get')).rooms.find((room) => room.stream === stream)?.captured ?? -1;
    const before = await captured(first);
    await eventually(async () => ((await captured(first)) > before + 5 ? true : null), 'recorded pictures');
    const otherBefore = await captured(second);
    const processes = children(cli.process.pid).length;
    await call('room.close', { stream: first });
    expect((await call('streams.list')).streams.map(({ id }) => id)).toEqual([second]);
    expect(await refused('room.close', { stream: first })).toBe('SONO_STREAM_UNKNOWN');
    expect(await refused('record.start', { stream: first })).toBe('SONO_STREAM_UNKNOWN');
    // The source's process ends; the other room goes on.
    await eventually(
      () => Promise.resolve(children(cli.process.pid).length < processes ? true : null),
      'its end',
    );
    await eventually(
      async () => ((await captured(second)) > otherBefore ? true : null),
      'pictures of the other',
    );
    const reader = await McapFileReader.open(path);
    try {
      expect(reader.complete).toBe(true);
      expect([...reader.channels.values()].some(({ topic }) => topic === `/${first}/video`)).toBe(true);
    } finally {
      await reader.close();
    }

    await call('room.close', { stream: second });
    expect((await call('streams.list')).streams).toEqual([]);
    // An id that is free again may be taken again.
    expect(await call('room.add', { uri: 'synthetic:counter?fps=5' })).toEqual({ stream: 'counter-scene' });
    cli.kill('SIGINT');
    expect((await cli.finished).code).toBe(0);
    const written = JSON.parse(readFileSync(report, 'utf8')) as RunReport;
    expect(written.streams.map(({ id, label }) => [id, label])).toEqual([
      [first, 'Laparoscopy scene'],
      [second, 'Bed 5'],
      ['counter-scene', 'Counter scene'],
    ]);
  });

  it('leaves nothing of a room that cannot be opened, and refuses more than the machine carries', async () => {
    const { cli, call, refused } = await house(['--model', 'none']);
    expect(await refused('room.add', { uri: join(folder, 'nothing.mp4') })).toBe('SONO_SOURCE_MISSING');
    expect(await refused('room.add', { uri: 'synthetic:counter', model: 'no-such-model' })).toBe(
      'SONO_ROOM_MODEL',
    );
    // A path is no name: nobody loads a model from anywhere on the disk.
    expect(await refused('room.add', { uri: 'synthetic:counter', model: tinyModelDir })).toBe(
      'SONO_ROOM_MODEL',
    );
    expect((await call('streams.list')).streams).toEqual([]);
    const { mostRooms } = await call('system.get');
    const add = () => call('room.add', { uri: 'synthetic:counter?fps=1&width=64&height=64' });
    const ids = new Set<string>();
    for (let count = 0; count < (mostRooms ?? 0); count++) ids.add((await add()).stream);
    expect(ids.size).toBe(mostRooms);
    expect(await refused('room.add', { uri: 'synthetic:counter' })).toBe('SONO_ROOMS_FULL');
    const [one] = ids;
    await call('room.close', { stream: one });
    await add();
    cli.kill('SIGTERM');
    expect((await cli.finished).code).toBe(0);
  });
});

describe('a room of the command line', () => {
  it('is called like its file, or as --label says', async () => {
    const clip = join(folder, 'Gall bladder.avi');
    execFileSync('gst-launch-1.0', [
      ...['-q', 'videotestsrc', 'num-buffers=20', '!', 'video/x-raw,width=320,height=240', '!', 'jpegenc'],
      ...['!', 'avimux', '!', 'filesink', `location=${clip}`],
    ]);
    expect(existsSync(clip)).toBe(true);
    const plain = await house(['--source', clip, '--loop', '--model', 'none']);
    expect((await plain.call('streams.list')).streams.map(({ label }) => label)).toEqual([
      'Gall bladder.avi',
    ]);
    plain.cli.kill('SIGINT');
    const named = await house(['--source', clip, '--label', 'Theatre 2', '--loop', '--model', 'none']);
    expect((await named.call('streams.list')).streams.map(({ label }) => label)).toEqual(['Theatre 2']);
    named.cli.kill('SIGINT');
    await Promise.all([plain.cli.finished, named.cli.finished]);
  });

  it('is not named where there is none', async () => {
    const cli = new Cli(['run', '--label', 'Theatre 2', '--port', '0']);
    const { code, stderr } = await cli.finished;
    expect(code).toBe(2);
    expect(stderr).toContain('--label needs a room');
  });
});
