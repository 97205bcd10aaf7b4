/** `sonoscope call`: options from the table of operations, the same request as the curl line of /api, coded refusals. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { configure } from '../../../src/cli/call.js';
import { exampleOf, fieldsOf } from '../../../src/protocol/fields.js';
import { operations, transfers } from '../../../src/protocol/operations.js';
import { promptsSchema } from '../../../src/protocol/prompt-schema.js';
import { callLine, curlLine } from '../../../src/protocol/shell-lines.js';
import { ingestError } from '../../../src/ingest/errors.js';
import { serve, type Served } from '../server/fixture.js';
import { runCli } from './cli.js';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'sono-call-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rows = Object.entries({ ...operations, ...transfers }).map(([name, shape]) => ({ name, ...shape }));

/** Words of a line, as a shell parts them. */
async function words(line: string): Promise<string[]> {
  const { stdout } = await run('bash', ['-c', `printf '%s\\0' ${line}`], { cwd: folder });
  return stdout.split('\0').slice(0, -1);
}

describe('the two lines of every operation', () => {
  const asked: { method: string; url: string; type: string; body: string; token: string }[] = [];
  let server: Server;
  let address: string;
  beforeAll(async () => {
    writeFileSync(join(folder, 'case.mp4'), 'a video');
    writeFileSync(join(folder, '00012.png'), 'a mask');
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (data: Buffer) => (body += data.toString()));
      request.on('end', () => {
        const { authorization: token = '', 'content-type': type = '' } = request.headers;
        asked.push({ method: request.method ?? '', url: request.url ?? '', type, body, token });
        response.setHeader('content-type', 'application/json').end('{"answer":1}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  /** The command in this process: what it sends is what counts here. */
  async function callHere(line: string): Promise<void> {
    const write = process.stdout.write.bind(process.stdout);
    const from = process.env['SONO_INVOKED_FROM'];
    process.env['SONO_INVOKED_FROM'] = folder;
    process.stdout.write = () => true;
    try {
      const command = new Command('call');
      configure(command);
      const [, , ...rest] = await words(line);
      await command.parseAsync([...rest, '--server', address, '--token', 'a-token-of-the-test'], {
        from: 'user',
      });
    } finally {
      process.stdout.write = write;
      if (from === undefined) delete process.env['SONO_INVOKED_FROM'];
      else process.env['SONO_INVOKED_FROM'] = from;
    }
  }

  it.each(rows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const example = exampleOf(row);
    expect(row.request.safeParse(example)).toMatchObject({ success: true });
    asked.length = 0;
    await run('bash', ['-c', curlLine(row, { server: address, token: true })], {
      cwd: folder,
      env: { ...process.env, SONO_TOKEN: 'a-token-of-the-test' },
    });
    await callHere(callLine(row, {}));
    const [byCurl, byCall] = asked;
    expect(asked).toHaveLength(2);
    // The type of a file's bytes says nothing: the server takes every type.
    const plain = (request: typeof byCurl) =>
      request && { ...request, type: row.method === 'POST' && 'takes' in row };
    expect(plain(byCall)).toEqual(plain(byCurl));
    expect(byCall?.token).toBe('Bearer a-token-of-the-test');
    if (row.method === 'POST' && !('takes' in row)) {
      expect(byCall?.type).toBe('application/json');
      const parts = Object.fromEntries(
        Object.entries(example).filter(([name]) => !row.path.includes(`:${name}`)),
      );
      expect(JSON.parse(byCall?.body ?? '')).toEqual(parts);
    }
  });

  it('have every field of the question as an option, each name once', () => {
    for (const row of rows) {
      const command = new Command('call');
      configure(command);
      const own = command.commands.find((one) => one.name() === row.name);
      const names = own?.options.map(({ long }) => long) ?? [];
      expect(new Set(names).size, row.name).toBe(names.length);
      expect(names).toEqual(expect.arrayContaining(fieldsOf(row).map(({ option }) => `--${option}`)));
    }
  });
});

describe('marks on the command line', () => {
  const [field] = fieldsOf({ request: operations.prompt.request }).filter(({ name }) => name === 'prompts');
  const parse = (kind: string, text: string) =>
    field?.kinds.find(({ option }) => option === kind)?.parse(text);
  it.each([
    ['click', '640,360', { type: 'click', point: [640, 360] }],
    ['click', '100.5,80 positive=false', { type: 'click', point: [100.5, 80], positive: false }],
    ['box', '575,40,870,655', { type: 'box', box: [575, 40, 870, 655] }],
    ['scribble', '10,10 20,14 positive=false', { type: 'scribble', points: [[10, 10], [20, 14]], positive: false }], // prettier-ignore
    ['mask', '{"size":[2,2],"counts":"13"}', { type: 'mask', mask: { size: [2, 2], counts: '13' } }],
  ])('--%s %s', (kind, text, mark) => {
    expect(parse(kind, text)).toEqual(mark);
    expect(promptsSchema.safeParse([mark]).success).toBe(true);
  });

  it('that make no sense are left for the schema to refuse', () => {
    for (const [kind, text] of [
      ['click', 'here'],
      ['click', '640'],
      ['box', '1,2,3'],
      ['mask', '{'],
    ] as const)
      expect(promptsSchema.safeParse([parse(kind, text)]).success).toBe(false);
  });
});

describe('a running server', () => {
  let served: Served | null = null;
  afterEach(async () => {
    await served?.server.close();
    served = null;
  });
  const ask = (server: string, ...args: string[]) => runCli(['call', ...args], { SONO_SERVER: server });

  it('does what was asked, and its refusals end the command with their code and exit code', async () => {
    served = await serve();
    const { origin } = new URL(served.server.url);
    const shown = await ask(origin, 'overlay', '--stream', 'scope', '--visible', 'true');
    expect([shown.code, JSON.parse(shown.stdout), shown.stderr]).toEqual([0, { visible: true }, '']);
    expect(served.room.health.overlayVisible).toBe(true);
    const absent = await ask(origin, 'overlay', '--stream', 'absent');
    expect(absent.stderr).toMatch(/^sonoscope: There is no stream "absent" .* \[SONO_STREAM_UNKNOWN\]\n$/);
    expect([absent.code, absent.stdout]).toEqual([2, '']);
    // Exit codes are those of the code, not of the status: this one is 3 as a command and 404 as a request.
    served.room.openSource = () => Promise.reject(ingestError('SONO_SOURCE_MISSING', { uri: 'absent.mp4' }));
    const missing = await ask(origin, 'source.open', '--stream', 'scope', '--uri', 'absent.mp4');
    expect([missing.code, missing.stderr]).toEqual([3, expect.stringContaining('[SONO_SOURCE_MISSING]')]);
  });

  it('takes the token from SONO_TOKEN, a file or the printed address', async () => {
    const token = 'open-sesame-open-sesame';
    served = await serve({ token });
    const { origin } = new URL(served.server.url);
    const file = join(folder, 'token');
    writeFileSync(file, `${token}\n`);
    const none = await ask(origin, 'time');
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('[SONO_TOKEN_WRONG]')]);
    expect((await ask(origin, 'time', '--token-file', file)).code).toBe(0);
    expect((await ask(served.server.url, 'time')).code).toBe(0);
    const { code } = await runCli(['call', 'time', '--server', origin], { SONO_TOKEN: token });
    expect(code).toBe(0);
  });

  it('is asked nothing where the question cannot be right', async () => {
    const nowhere = 'http://127.0.0.1:9';
    for (const [args, code] of [
      [['overlay'], 'SONO_REQUEST_INVALID'],
      [['overlay', '--stream', 'scope', '--visible', 'perhaps'], 'SONO_REQUEST_INVALID'],
      [['overlay', '--strem', 'scope'], 'SONO_USAGE'],
      [['overlai'], 'SONO_USAGE'],
      [[], 'SONO_USAGE'],
      [['time', '--server', 'tower'], 'SONO_USAGE'],
      [['uploads.store', '--file', join(folder, 'absent.mp4')], 'SONO_USAGE'],
    ] as const) {
      const ended = await ask(nowhere, ...args);
      expect([args, ended.code, ended.stdout]).toEqual([args, 2, '']);
      expect(ended.stderr).toMatch(new RegExp(`^sonoscope: [^\\n]+ \\[${code}\\]\\n$`));
    }
    const silent = await ask(nowhere, 'time');
    expect([silent.code, silent.stderr]).toEqual([3, expect.stringContaining('[SONO_CALL_UNREACHABLE]')]);
  });

  it('that is none of ours is said to be so', async () => {
    const other = createServer((_, response) => response.writeHead(500).end('<html>'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const answer = await ask(`http://127.0.0.1:${(other.address() as AddressInfo).port}`, 'time');
    other.close();
    expect([answer.code, answer.stderr]).toEqual([3, expect.stringContaining('[SONO_CALL_FOREIGN]')]);
  });

  it('sends and takes files', async () => {
    served = await serve({ dataDir: join(folder, 'data') });
    const { origin } = new URL(served.server.url);
    const file = join(folder, 'clip.mp4');
    writeFileSync(file, 'bytes of a clip');
    const sent = await ask(origin, 'uploads.store', '--file', file);
    expect(JSON.parse(sent.stdout)).toMatchObject({ name: 'clip.mp4', bytes: 15 });
    expect(readFileSync(join(folder, 'data/uploads/clip.mp4'), 'utf8')).toBe('bytes of a clip');
    const gone = await ask(origin, 'acceptance.page', '--id', 'absent', '--out', join(folder, 'page.html'));
    expect([gone.code, gone.stderr]).toEqual([2, expect.stringContaining('[SONO_REPORT_UNKNOWN]')]);
  });
});
