/** What an archive says of one object, with the long values that it keeps elsewhere. WADO-RS, PS3.18 section 10.4. Any Node thread. */
import { SonoError } from '../../vocabulary/errors.js';
import { dicomError } from '../errors.js';
import type { ArchiveTarget } from './address.js';
import { bulkAddresses, described, firstText, type Described } from './described.js';
import type { ArchiveHttp } from './http.js';
import { partsOf } from './parts.js';
import { isNotGiven } from './refused.js';

export type InstanceTarget = Extract<ArchiveTarget, { kind: 'instance' }>;

/** Tables of three colours, of grey values and of times. */
const mostBulk = 32;
const mostBulkBytes = 32 * 1024 ** 2;

/** null where there is none. @throws SONO_ARCHIVE_* */
export async function describeInstance(
  http: ArchiveHttp,
  { study, series, instance }: InstanceTarget,
): Promise<{ readonly description: Described; readonly bulk: ReadonlyMap<string, Uint8Array> } | null> {
  const ofSeries = `/studies/${study}/series/${series}`;
  for (const path of [`${ofSeries}/instances/${instance}/metadata`, `${ofSeries}/metadata`]) {
    const all = await metadata(http, path);
    const description = all.find((one) => firstText(one, '00080018') === instance);
    if (description === undefined) continue;
    const bulk = new Map<string, Uint8Array>();
    for (const uri of bulkAddresses(description, mostBulk)) bulk.set(uri, await bulkValue(http, path, uri));
    return { description, bulk };
  }
  return null;
}

async function metadata(http: ArchiveHttp, path: string): Promise<readonly Described[]> {
  try {
    const answer = await http.json({
      path,
      accept: 'application/dicom+json, application/json;q=0.9',
      subject: http.address.location,
      action: 'open it',
    });
    return (Array.isArray(answer) ? answer : [answer]).map(described).filter((one) => one !== null);
  } catch (error) {
    if (isNotGiven(error) || (error instanceof SonoError && error.code === 'SONO_ARCHIVE_NOT_DICOMWEB'))
      return [];
    throw error;
  }
}

async function bulkValue(http: ArchiveHttp, metadataPath: string, uri: string): Promise<Uint8Array> {
  const answer = await http.open({
    path: bulkPath(http, metadataPath, uri),
    accept: 'multipart/related; type="application/octet-stream", application/octet-stream;q=0.5',
    subject: http.address.location,
    action: 'open it',
  });
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  let parts = 0;
  try {
    for await (const event of partsOf(answer)) {
      if (event.kind === 'part') parts += 1;
      if (event.kind !== 'bytes' || parts !== 1) continue;
      pieces.push(event.bytes);
      if ((bytes += event.bytes.length) > mostBulkBytes)
        throw dicomError('SONO_ARCHIVE_ANSWER', {
          archive: http.name,
          why: 'a value is longer than 32 megabytes',
        });
    }
  } catch (error) {
    throw http.problem(error);
  }
  return Buffer.concat(pieces);
}

/**
 * Below the root of the service, whatever the address says in front of it: archives behind another server name the host and the path that
 * they know themselves, and a login is for this host alone.
 */
function bulkPath(http: ArchiveHttp, metadataPath: string, uri: string): string {
  const { service } = http.address;
  const url = URL.canParse(uri, `${service}${metadataPath}`)
    ? new URL(uri, `${service}${metadataPath}`)
    : null;
  const root = new URL(service).pathname.replace(/\/$/, '');
  const path = url === null ? '' : `${url.pathname}${url.search}`;
  const at = path.lastIndexOf('/studies/');
  if (url !== null && url.origin === new URL(service).origin && path.startsWith(`${root}/`))
    return path.slice(root.length);
  if (at >= 0) return path.slice(at);
  throw dicomError('SONO_ARCHIVE_ANSWER', { archive: http.name, why: 'a value lies at another address' });
}
