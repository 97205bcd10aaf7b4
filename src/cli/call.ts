/**
 * `sonoscope call OPERATION`: asks a running server for one operation. Every operation of the table is a command of its own, with
 * an option per field of its question; the answer is printed as JSON, or written as the file that it is.
 */
import { createReadStream } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type { Command } from 'commander';
import { nearest } from '../config/nearest.js';
import { writeReason } from '../node/files.js';
import { SonoError } from '../vocabulary/errors.js';
import { protocolError } from '../protocol/errors.js';
import { fieldsOf, type Field } from '../protocol/fields.js';
import { fileAnswer, takesFile } from '../protocol/operation.js';
import { operations, transfers } from '../protocol/operations.js';
import { describeProblem, errorBodySchema } from '../protocol/requests.js';
import { addressOf, type NamedRow } from '../protocol/shell-lines.js';
import { accessToken } from '../app/access-token.js';
import { cliError } from '../app/errors.js';
import { fromInvocation } from '../app/paths.js';
import { collect } from './live-options.js';

interface Flags {
  readonly server: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly file?: string;
  readonly out?: string;
}

const all = { ...operations, ...transfers };
const usualServer = 'http://127.0.0.1:8080';

export function configure(command: Command): void {
  command
    .usage('OPERATION [options]')
    .argument('[OPERATION]')
    .helpCommand(false)
    .action((name: string | undefined) => {
      throw cliError('SONO_USAGE', {
        problem:
          name === undefined
            ? 'Say which operation'
            : `There is no operation "${name}", perhaps "${nearest(name, Object.keys(all))}" is meant`,
        command: 'call',
      });
    });
  command.addHelpText(
    'after',
    '\n"./sonoscope call OPERATION --help" lists the options of one operation. The answer is JSON on standard output; a refusal is one sentence and its code, with the exit code of docs/errors.md.',
  );
  for (const [name, shape] of Object.entries(all))
    configureOperation(command.command(name), { name, ...shape });
}

function configureOperation(command: Command, row: NamedRow): void {
  const fields = fieldsOf(row);
  command.summary(row.summary).description(`${row.summary}. Needs the right "${row.needs}".`);
  for (const { option, type, description, required, kinds } of fields) {
    const words = required && option !== 'filename' ? `${description} (required)`.trim() : description;
    command.option(`--${option} <${type}>`, words);
    for (const kind of kinds) {
      const more = kind.repeats ? 'may be repeated' : '';
      command.option(
        `--${kind.option} <${kind.type}>`,
        [kind.description, more].filter((part) => part !== '').join('; '),
        collect,
        [],
      );
    }
  }
  if (takesFile(row)) command.requiredOption('--file <file>', 'what is sent');
  const answer = fileAnswer(row);
  if (answer !== null) command.requiredOption('--out <file>', `where the answer goes (${answer})`);
  command
    .option('--server <url>', `address of the server; also SONO_SERVER (default: ${usualServer})`)
    .option('--token-file <file>', 'file with the access token; also SONO_TOKEN')
    .option('--token <text>', 'the access token itself; others on this computer may see it for a moment')
    .action(async (flags: Flags & Readonly<Record<string, unknown>>) => {
      await call(row, questionOf(row, fields, flags), flags);
    });
}

/** What was given as options. Throws SONO_REQUEST_INVALID, before anything is sent. */
function questionOf(
  row: NamedRow,
  fields: readonly Field[],
  flags: Flags & Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const question: Record<string, unknown> = {};
  for (const { name, kinds, option, parse } of fields) {
    const text = flags[camelled(option)];
    if (typeof text === 'string') question[name] = parse(text);
    for (const kind of kinds) {
      const texts = flags[camelled(kind.option)] as readonly string[];
      if (texts.length === 0) continue;
      const given = texts.map((one) => kind.parse(one));
      question[name] = kind.repeats
        ? [...((question[name] as unknown[] | undefined) ?? []), ...given]
        : given.at(-1);
    }
  }
  // A file keeps its name unless another one is given.
  if (takesFile(row) && flags.file !== undefined) question['filename'] ??= basename(flags.file);
  const checked = row.request.safeParse(question);
  if (!checked.success)
    throw protocolError('SONO_REQUEST_INVALID', {
      operation: row.name,
      problem: describeProblem(checked.error),
    });
  return question;
}

/** As commander names the value of an option. */
const camelled = (option: string): string =>
  option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

async function call(row: NamedRow, question: Readonly<Record<string, unknown>>, flags: Flags): Promise<void> {
  const server = serverOf(flags.server ?? process.env['SONO_SERVER'] ?? usualServer);
  const { text: token } = await accessToken('127.0.0.1', flags, 'call');
  const { path, body } = addressOf(row, question);
  const file = flags.file === undefined ? null : fromInvocation(flags.file);
  const answer = await ask(new URL(path, server), {
    method: row.method,
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(file !== null && {
        'content-type': 'application/octet-stream',
        'content-length': String(await sizeOf(file)),
      }),
      // What the address holds is what the server printed.
      ...authorisation(token ?? server.searchParams.get('token')),
    },
    ...(body && { body: JSON.stringify(body) }),
    ...(file !== null && { body: Readable.toWeb(createReadStream(file)) as ReadableStream, duplex: 'half' }),
  });
  if (!answer.ok) throw await refusalOf(answer, server);
  if (flags.out === undefined) {
    process.stdout.write(`${JSON.stringify(await jsonOf(answer, server), null, 2)}\n`);
    return;
  }
  const out = fromInvocation(flags.out);
  await writeFile(out, Buffer.from(await answer.arrayBuffer())).catch((error: unknown) => {
    throw cliError('SONO_CALL_UNWRITABLE', { file: flags.out ?? '', reason: writeReason(error) }, error);
  });
}

const authorisation = (token: string | null): Record<string, string> =>
  token === null ? {} : { authorization: `Bearer ${token}` };

function serverOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw cliError('SONO_USAGE', {
    problem: `"${text}" is not the address of a server; write for example ${usualServer}`,
    command: 'call',
  });
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch((error: unknown) => {
    throw cliError('SONO_USAGE', { problem: `There is no file ${file} to send`, command: 'call' }, error);
  });
  if (found.isFile()) return found.size;
  throw cliError('SONO_USAGE', { problem: `${file} is no file that could be sent`, command: 'call' });
}

async function ask(url: URL, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    throw cliError('SONO_CALL_UNREACHABLE', { server: url.origin }, error);
  }
}

async function jsonOf(answer: Response, server: URL): Promise<unknown> {
  try {
    return await answer.json();
  } catch (error) {
    throw cliError('SONO_CALL_FOREIGN', { server: server.origin, status: answer.status }, error);
  }
}

/** The refusal as an error of this command: the server's code and sentence, and the exit code that belongs to them. */
async function refusalOf(answer: Response, server: URL): Promise<SonoError> {
  const refused = errorBodySchema.safeParse(await jsonOf(answer, server));
  if (!refused.success)
    return cliError('SONO_CALL_FOREIGN', { server: server.origin, status: answer.status });
  const { code, message, exitCode } = refused.data;
  const httpStatus = answer.status as SonoError['definition']['httpStatus'];
  // The sentence has been filled in already: braces in it are words of somebody.
  return Object.assign(new SonoError(code, { exitCode, httpStatus, sentence: '' }), { message });
}
