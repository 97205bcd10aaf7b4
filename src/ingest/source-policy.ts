/**
 * Which sources may be named from the page. What stands in a pipeline file or on the command line is the operator's word and does
 * not come here. Main process.
 */
import { readdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { ingestError } from './errors.js';
import { networkHost, parseSourceUri, redact, splitOptions, type SourceAddress } from './source-uri.js';

interface SourcePolicyOptions {
  /** Folders below which files must lie; null: anywhere. */
  readonly mediaRoots: readonly string[] | null;
  /** Hosts that RTSP, SRT and archives may ask, in any case of letters; `*`: any, and SRT may wait to be called. null: any. */
  readonly hosts: readonly string[] | null;
}

/** Reading where a path leads takes moments, or for ever. */
const patienceMs = 5_000;

export class SourcePolicy {
  constructor(private readonly options: SourcePolicyOptions) {}

  /** Rejects with SONO_SOURCE_URI, SONO_SOURCE_OUTSIDE, SONO_SOURCE_HOST, and SONO_SOURCE_NO_ANSWER where a disk or share hangs. */
  async check(uri: string): Promise<void> {
    const address = parseSourceUri(uri);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const problem = { uri: redact(uri), seconds: patienceMs / 1000, what: 'its disk or share' };
      timer = setTimeout(() => reject(ingestError('SONO_SOURCE_NO_ANSWER', problem)), patienceMs);
    });
    await Promise.race([this.#check(uri, address), late]).finally(() => clearTimeout(timer));
  }

  async #check(uri: string, address: SourceAddress): Promise<void> {
    switch (address.kind) {
      case 'rtsp':
      case 'srt':
      case 'archive':
        this.checkHost(networkHost(address) ?? '', uri);
        return;
      case 'file':
      case 'dicom':
      case 'folder':
      case 'series':
        await this.#checkPath(uri, address.path);
        await this.#checkLinks(uri, splitOptions(address.path)?.path ?? address.path);
        return;
      case 'v4l2':
        // A device is no file of a patient, but a path could name one.
        if (this.options.mediaRoots !== null && !isBelow(await resolved(address.device), '/dev'))
          throw outside(uri);
        return;
      case 'decklink':
      case 'synthetic':
        return;
    }
  }

  /** @param host '' for a source that waits for a caller @throws SONO_SOURCE_HOST */
  checkHost(host: string, uri: string): void {
    const { hosts } = this.options;
    if (
      hosts === null ||
      hosts.includes('*') ||
      (host !== '' && hosts.some((name) => name.toLowerCase() === host))
    )
      return;
    throw ingestError('SONO_SOURCE_HOST', {
      uri: redact(uri),
      host: host === '' ? 'waiting for a caller' : host,
    });
  }

  async #checkPath(uri: string, path: string): Promise<void> {
    const { mediaRoots } = this.options;
    if (mediaRoots === null) return;
    const roots = await Promise.all(mediaRoots.map(resolved));
    // What follows a question mark may be options of a folder, or a part of its name.
    for (const candidate of [path, splitOptions(path)?.path ?? path]) {
      const target = await resolved(candidate);
      if (!roots.some((root) => isBelow(target, root))) throw outside(uri);
    }
  }

  /** A picture in a folder may be a link to somewhere else. */
  async #checkLinks(uri: string, folder: string): Promise<void> {
    if (this.options.mediaRoots === null) return;
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries)
      if (entry.isSymbolicLink()) await this.#checkPath(uri, join(folder, entry.name));
  }
}

/** Where a path really leads; as far as its folders exist where it does not. */
async function resolved(path: string): Promise<string> {
  const whole = resolve(path);
  try {
    return await realpath(whole);
  } catch {
    const above = resolve(whole, '..');
    return above === whole ? whole : join(await resolved(above), whole.slice(above.length));
  }
}

function isBelow(path: string, root: string): boolean {
  const way = relative(root, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

function outside(uri: string): Error {
  return ingestError('SONO_SOURCE_OUTSIDE', { uri: redact(uri) });
}
