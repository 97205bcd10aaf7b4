/** Structured logs on stderr: JSON lines for programs, short lines for people on a terminal. */
import { pino, type Logger } from 'pino';
import { oneLine } from '../vocabulary/one-line.js';
import { redactText } from '../node/redact.js';

export type LogFormat = 'json' | 'text';
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export function createLogger({
  format,
  level,
}: { format?: LogFormat | undefined; level?: LogLevel | undefined } = {}): Logger {
  const chosen = format ?? (process.stderr.isTTY ? 'text' : 'json');
  const options = { level: level ?? 'info', base: null };
  // Our own code redacts an address before it logs it. This catches secrets in the messages of libraries.
  if (chosen === 'json') return pino(options, { write: (line) => process.stderr.write(redactText(line)) });
  return pino(options, { write: (line) => process.stderr.write(`${redactText(humanLine(line))}\n`) });
}

const levelWords: Readonly<Record<number, string>> = { 40: 'note: ', 50: 'error: ', 60: 'error: ' };

/** `14:03:07 laparoscopy  signal lost: …` from a line of pino's JSON: one line, whatever is in the texts. */
export function humanLine(line: string): string {
  const record = JSON.parse(line) as {
    level: number;
    time: number;
    msg?: string;
    stream?: string;
    err?: { message?: string };
  };
  const time = new Date(record.time).toTimeString().slice(0, 8);
  const stream = record.stream === undefined ? '' : `${record.stream}  `;
  const cause = record.err?.message === undefined ? '' : ` (${record.err.message})`;
  return oneLine(`${time} ${stream}${levelWords[record.level] ?? ''}${record.msg ?? ''}${cause}`);
}
