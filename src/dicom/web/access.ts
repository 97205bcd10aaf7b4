/**
 * Who may ask an archive, and whose certificate is believed: what the operator gave, kept apart from addresses so that no recording,
 * page or manifest can repeat it. Pure but for the reading of the two files. Any Node thread.
 */
import { readFile } from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import { dicomError } from '../errors.js';
import { isArchiveUri, parseArchiveUri, type ArchiveAddress, type ArchiveLogin } from './address.js';

/** Plain data: it goes to the processes of clips and sources. */
export interface ArchiveAccess {
  readonly logins: readonly {
    /** `host` for every port, or `host:port`. */
    readonly machine: string;
    readonly login: ArchiveLogin;
  }[];
  /** PEM, null: only what the system trusts. */
  readonly trusted: string | null;
}

export const noArchiveAccess: ArchiveAccess = { logins: [], trusted: null };

/** The address with what the operator gave for its host; a login in the address itself comes first. */
export function withAccess(address: ArchiveAddress, access: ArchiveAccess): ArchiveAddress {
  const known =
    access.logins.find(({ machine }) => machine === address.hostAndPort) ??
    access.logins.find(({ machine }) => machine === bracketed(address.host));
  return { ...address, login: address.login ?? known?.login ?? null, trusted: access.trusted };
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/**
 * Takes the login out of an address, for whoever keeps and shows addresses. Anything but an archive's address comes back as it is.
 * @throws `problem` for an archive's address that cannot be understood
 */
export function splitLogin(
  uri: string,
  problem: (why: string) => Error,
): { readonly uri: string; readonly logins: ArchiveAccess['logins'] } {
  if (!isArchiveUri(uri)) return { uri, logins: [] };
  const { location, login, hostAndPort } = parseArchiveUri(uri, problem);
  return { uri: location, logins: login === null ? [] : [{ machine: hostAndPort, login }] };
}

/**
 * A file in the form of curl's `.netrc`: `machine HOST[:PORT] login USER password SECRET`, in any number of lines. `login Bearer`
 * sends the password as a bearer token. `default` is not taken, because it would hand a password to any host.
 * @throws SONO_ARCHIVE_LOGINS
 */
export async function readLogins(file: string): Promise<ArchiveAccess['logins']> {
  const wrong = (reason: string, cause?: unknown): Error =>
    dicomError('SONO_ARCHIVE_LOGINS', { file, reason }, cause);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw wrong('it cannot be read', error);
  });
  const words = text
    .split(/\r?\n/)
    .filter((line) => !line.trim().startsWith('#'))
    .join(' ')
    .split(/\s+/)
    .filter((word) => word !== '');
  const logins: { machine: string; login: ArchiveLogin }[] = [];
  for (let at = 0; at < words.length;) {
    if (words[at] !== 'machine') throw wrong(`an entry does not begin with "machine"`);
    const machine = (words[at + 1] ?? '').toLowerCase();
    const fields: Partial<Record<'login' | 'password', string>> = {};
    for (at += 2; at < words.length && words[at] !== 'machine'; at += 2) {
      const key = words[at];
      const value = words[at + 1];
      if ((key !== 'login' && key !== 'password') || value === undefined)
        throw wrong(`the entry of "${machine}" has something other than login and password`);
      fields[key] = value;
    }
    if (machine === '' || fields.login === undefined || fields.password === undefined)
      throw wrong('an entry has no machine, login or password');
    logins.push({ machine, login: { user: fields.login, password: fields.password } });
  }
  return logins;
}

/** Certificates of authorities (PEM) to be trusted beside those of the system. @throws SONO_ARCHIVE_CA */
export async function readTrusted(file: string): Promise<string> {
  try {
    const text = await readFile(file, 'utf8');
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
    if (blocks.length === 0) throw new Error('it holds no certificate in PEM form');
    for (const block of blocks) new X509Certificate(block);
    return blocks.join('\n');
  } catch (error) {
    throw dicomError('SONO_ARCHIVE_CA', { file }, error);
  }
}
