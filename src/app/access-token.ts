/** Where the access token of a server comes from. */
import { readFile } from 'node:fs/promises';
import { systemReason } from '../config/prompt-file.js';
import { generateToken, isLoopbackHost } from '../server/index.js';
import { cliError } from './errors.js';
import { fromInvocation } from './paths.js';

interface TokenFlags {
  readonly token?: string;
  readonly tokenFile?: string;
}

interface AccessToken {
  /** Null: no token is needed. Allowed on a loopback address only. */
  readonly text: string | null;
  /** The token was generated here and must be printed, because nobody else knows it. */
  readonly isNew: boolean;
}

/**
 * `--token-file`, `--token` or SONO_TOKEN; where there is none and other computers reach `host`, a new one. The variable is
 * removed from the environment, so that no child process gets it. The server checks whether the text is a usable token.
 * Throws SONO_USAGE, SONO_TOKEN_FILE.
 */
export async function accessToken(host: string, flags: TokenFlags, command: string): Promise<AccessToken> {
  const fromEnvironment = process.env['SONO_TOKEN'];
  delete process.env['SONO_TOKEN'];
  if (flags.token !== undefined && flags.tokenFile !== undefined)
    throw cliError('SONO_USAGE', { problem: 'Give --token-file or --token, not both', command });
  const given =
    flags.tokenFile === undefined
      ? (flags.token ?? fromEnvironment)
      : await readToken(fromInvocation(flags.tokenFile));
  if (given !== undefined) return { text: given, isNew: false };
  return isLoopbackHost(host) ? { text: null, isNew: false } : { text: generateToken(), isNew: true };
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    throw cliError('SONO_TOKEN_FILE', { file, reason: systemReason(error) }, error);
  }
}

/** The address to print. It contains the token only if the token was generated here. */
export function shownAddress(url: string, { text, isNew }: AccessToken): string {
  if (text === null || isNew) return url;
  const { origin } = new URL(url);
  return `${origin}/ (add ?token=… with your access token the first time)`;
}
