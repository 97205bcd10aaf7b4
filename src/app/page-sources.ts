/** What the page may do and open, as the command line says it: one for `run`, `demo` and `play`. */
import type { ArchiveAccess } from '../dicom/web/access.js';
import { SourcePolicy } from '../ingest/source-policy.js';
import { isArchiveUri } from '../dicom/web/address.js';
import { networkHost, parseSourceUri, type SourceAddress } from '../ingest/source-uri.js';
import { archivesOf, parseArchive, type ArchiveFlags } from './archives.js';
import { dataFolder, fromInvocation } from './paths.js';

export interface PageFlags extends ArchiveFlags {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly allowOrigin: readonly string[];
  readonly mediaRoot: readonly string[];
  readonly allowHost: readonly string[];
  /** In gigabytes. */
  readonly diskReserve?: number;
}

interface Page {
  /** Of the server. */
  readonly options: {
    readonly allowedOrigins: readonly string[];
    readonly policy: SourcePolicy;
    /** Addresses of archives that the page may search, without logins. */
    readonly archives: readonly string[];
    readonly diskReserveBytes?: number;
  };
  /** What the operator gave for archives. */
  readonly access: ArchiveAccess;
  /** Those that were given, without the logins of archives. */
  readonly sources: readonly string[];
}

/**
 * @param given sources that the operator named
 * @throws SONO_ARCHIVE_ADDRESS, SONO_ARCHIVE_LOGINS, SONO_ARCHIVE_CA
 */
export async function pageOf(flags: PageFlags, hasToken: boolean, given: readonly string[]): Promise<Page> {
  const { access, archives, sources } = await archivesOf(flags, given);
  return {
    options: {
      allowedOrigins: flags.allowOrigin,
      policy: pageSources(flags, hasToken, [...sources, ...archives]),
      archives,
      ...(flags.diskReserve !== undefined && { diskReserveBytes: flags.diskReserve * 1024 ** 3 }),
    },
    access,
    sources,
  };
}

/**
 * Without a token only people at this computer use the page, with the same rights as the program: anything may be opened unless
 * an option says otherwise. With one, the page opens what lies in the data folder or a `--media-root`, and asks the hosts of
 * `--allow-host`; and the sources that the operator named.
 */
function pageSources(
  flags: Pick<PageFlags, 'mediaRoot' | 'allowHost'>,
  hasToken: boolean,
  operatorSources: readonly string[],
): SourcePolicy {
  const roots = flags.mediaRoot.map(fromInvocation);
  return new SourcePolicy({
    mediaRoots:
      hasToken || roots.length > 0
        ? [dataFolder(), ...roots, ...operatorSources.flatMap((source) => pathOf(source))]
        : null,
    hosts:
      hasToken || flags.allowHost.length > 0
        ? [...flags.allowHost, ...operatorSources.flatMap((source) => hostOf(source))]
        : null,
  });
}

function hostOf(source: string): readonly string[] {
  // An archive that is only searched plays nothing, so it is no source.
  if (isArchiveUri(source)) return archiveHost(source);
  const address = parsed(source);
  const host = address && networkHost(address);
  return host ? [host] : [];
}

function archiveHost(source: string): readonly string[] {
  try {
    return [parseArchive(source).host];
  } catch {
    return [];
  }
}

/** A file or folder that the operator opened may be opened again. */
function pathOf(source: string): readonly string[] {
  const address = parsed(source);
  return address && 'path' in address ? [address.path] : [];
}

function parsed(source: string): SourceAddress | null {
  try {
    return parseSourceUri(source);
  } catch {
    // A source that cannot be used is reported when it is opened.
    return null;
  }
}
