/** How an operation is asked for in a shell: with curl, and with `./sonoscope call`. Made from its row. Pure. */
import { exampleOf, fieldsOf } from './fields.js';
import { fileAnswer, takesFile, type OperationShape, type TransferShape } from './operation.js';

export type NamedRow = (OperationShape | TransferShape) & { readonly name: string };

interface Place {
  /** Address of the server, for example `http://127.0.0.1:8080`. */
  readonly server: string;
  /** The server asks for a token; the line takes it from SONO_TOKEN. */
  readonly token: boolean;
  /** Values of fields that are known here, for example the name of a stream. */
  readonly known?: Readonly<Record<string, unknown>>;
}

/** Address below the server, and the fields that go in the body. A part like `:project` is the field of that name. */
export function addressOf(
  row: NamedRow,
  question: Readonly<Record<string, unknown>>,
): { readonly path: string; readonly body: Readonly<Record<string, unknown>> | null } {
  const rest = new Map(Object.entries(question).filter(([, value]) => value !== undefined));
  const path = row.path.replace(/:(\w+)/g, (_, name: string) => {
    const value = rest.get(name);
    rest.delete(name);
    return encodeURIComponent(textOf(value));
  });
  if (row.method === 'POST' && !takesFile(row))
    return { path: `/api${path}`, body: Object.fromEntries(rest) };
  const query = [...rest].map(([name, value]) => `${name}=${encodeURIComponent(textOf(value))}`).join('&');
  return { path: `/api${path}${query === '' ? '' : `?${query}`}`, body: null };
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');

const fileEndings: Readonly<Record<string, string>> = {
  'image/jpeg': 'picture.jpg',
  'text/html': 'report.html',
  'application/x-tar': 'export.tar',
};

export function curlLine(row: NamedRow, { server, token, known = {} }: Place): string {
  const { path, body } = addressOf(row, withKnown(row, known));
  const answer = fileAnswer(row);
  return [
    'curl -s',
    ...(row.method === 'DELETE' ? ['-X DELETE'] : []),
    // In double quotes, so that the shell puts the token in.
    ...(token ? ['-H "Authorization: Bearer $SONO_TOKEN"'] : []),
    ...(takesFile(row) ? [`--data-binary @${textOf(exampleOf(row)['filename'])}`] : []),
    ...(body ? ["-H 'content-type: application/json'", `-d ${quoted(JSON.stringify(body))}`] : []),
    ...(answer === null ? [] : [`-o ${fileEndings[answer] ?? 'answer'}`]),
    quoted(`${server}${path}`),
  ].join(' ');
}

export function callLine(row: NamedRow, { known = {} }: Pick<Place, 'known'>): string {
  const question = withKnown(row, known);
  const answer = fileAnswer(row);
  return [
    `./sonoscope call ${row.name}`,
    ...fieldsOf(row)
      .filter(({ name }) => question[name] !== undefined)
      .flatMap(({ name, option, kinds, format }) => {
        const value = question[name];
        const entries = (Array.isArray(value) ? value : [value]).map((entry) => {
          const kind = kinds.find((one) => one.format(entry) !== null);
          return kind && `--${kind.option} ${quoted(kind.format(entry) ?? '')}`;
        });
        return kinds.length === 0 ? [`--${option} ${quoted(format(value))}`] : entries;
      }),
    ...(takesFile(row) ? [`--file ${textOf(question['filename'])}`] : []),
    ...(answer === null ? [] : [`--out ${fileEndings[answer] ?? 'answer'}`]),
  ].join(' ');
}

function withKnown(
  row: NamedRow,
  known: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const example = exampleOf(row);
  return { ...example, ...Object.fromEntries(Object.entries(known).filter(([name]) => name in example)) };
}

/** Text as one word of a POSIX shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
