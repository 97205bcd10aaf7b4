/** What the page may open, as the command line says it. */
import { SourcePolicy } from '../ingest/source-policy.js';
import { networkHost, parseSourceUri, type SourceAddress } from '../ingest/source-uri.js';
import { dataFolder, fromInvocation } from './paths.js';

interface PageSourceFlags {
  readonly mediaRoot: readonly string[];
  readonly allowHost: readonly string[];
}

/**
 * Without a token only people at this computer use the page, with the same rights as the program: anything may be opened unless
 * an option says otherwise. With one, the page opens what lies in the data folder or a `--media-root`, and asks the hosts of
 * `--allow-host`; and the sources that the operator named.
 */
export function pageSources(
  flags: PageSourceFlags,
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
  const address = parsed(source);
  const host = address && networkHost(address);
  return host ? [host] : [];
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
