/**
 * What a person writes to name an archive, a study, a series or a cine in it, parsed once. Pure.
 *
 * `dicomweb://host[:port]/root/studies/UID[/series/UID[/instances/UID]]` is plain HTTP, `dicomwebs://` is TLS, as `rtsp` and `rtsps`
 * are; what stands before `/studies/` is the root of the service, which every archive has at another place. `orthanc://` (and
 * `orthancs://`) is an Orthanc server with its plug-in at its usual root, and takes Orthanc's own identifiers too, as its
 * explorer page shows them.
 */

export type ArchiveTarget =
  /** The archive itself: searched and stored into, but nothing that plays. */
  | { readonly kind: 'archive' }
  | { readonly kind: 'study'; readonly study: string }
  | { readonly kind: 'series'; readonly study: string; readonly series: string }
  | {
      readonly kind: 'instance';
      readonly study: string;
      readonly series: string;
      readonly instance: string;
    }
  /** By Orthanc's identifier, five groups of eight hexadecimal digits. */
  | { readonly kind: 'orthanc'; readonly level: OrthancLevel; readonly id: string };

type OrthancLevel = 'studies' | 'series' | 'instances';

/** A user name and password; the name `Bearer` says that the password is a bearer token. */
export interface ArchiveLogin {
  readonly user: string;
  readonly password: string;
}

export interface ArchiveAddress {
  /** As it may be shown and kept: without a login. */
  readonly location: string;
  /** Root of the DICOMweb service, http or https, without a slash at its end. */
  readonly service: string;
  /** Root of Orthanc's own interface; null for any other archive. */
  readonly orthanc: string | null;
  /** In small letters, without the brackets of IPv6 and without the port. */
  readonly host: string;
  /** Always with a port: what a login belongs to. */
  readonly hostAndPort: string;
  readonly login: ArchiveLogin | null;
  /** Certificates (PEM) trusted beside those that the system trusts; null: none. */
  readonly trusted: string | null;
  readonly target: ArchiveTarget;
}

const schemes: Readonly<Record<string, { readonly secure: boolean; readonly orthanc: boolean }>> = {
  dicomweb: { secure: false, orthanc: false },
  'dicomweb+http': { secure: false, orthanc: false },
  dicomwebs: { secure: true, orthanc: false },
  'dicomweb+https': { secure: true, orthanc: false },
  orthanc: { secure: false, orthanc: true },
  'orthanc+http': { secure: false, orthanc: true },
  orthancs: { secure: true, orthanc: true },
  'orthanc+https': { secure: true, orthanc: true },
};

/** Orthanc's own port, with TLS too. */
const orthancPort = 8042;
/** Where Orthanc's plug-in answers unless it is configured otherwise. */
const orthancRoot = '/dicom-web';

const uidPattern = /^(?=.{1,64}$)[0-9]+(?:\.[0-9]+)*$/;
const orthancIdPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{8}){4}$/;

export function isArchiveScheme(scheme: string): boolean {
  return Object.hasOwn(schemes, scheme.toLowerCase());
}

/** Whether a text is written as the address of an archive; it may still be a wrong one. */
export function isArchiveUri(text: string): boolean {
  return isArchiveScheme(/^([a-z][a-z0-9+.-]*):\/\//i.exec(text.trim())?.[1] ?? '');
}

/**
 * @param text begins with a scheme of isArchiveScheme
 * @param problem makes the error from why the address cannot be understood
 */
export function parseArchiveUri(text: string, problem: (why: string) => Error): ArchiveAddress {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text.trim()) ?? [];
  const kind = schemes[scheme.toLowerCase()];
  if (kind === undefined) throw problem('it does not begin with dicomweb:// or orthanc://');
  let url: URL;
  try {
    // Without this, a URL takes the first part of the path for the host.
    if (rest === '' || rest.startsWith('/')) throw new Error('no host');
    url = new URL(`${kind.secure ? 'https' : 'http'}://${rest}`);
  } catch {
    throw problem('the host is missing or not valid');
  }
  if (url.hash !== '' || url.search !== '') throw problem('it has options, and an archive has none');
  const standardPort = kind.orthanc ? orthancPort : kind.secure ? 443 : 80;
  const writtenPort = /^(?:[^/]*@)?(?:\[[^\]]*\]|[^:/]*):(\d+)/.exec(rest)?.[1];
  const port = writtenPort === undefined ? standardPort : Number(writtenPort);
  const hostAndPort = `${url.hostname.toLowerCase()}:${port}`;
  const { root, target } = parsePath(url.pathname, kind.orthanc, problem);
  const origin = `${kind.secure ? 'https' : 'http'}://${hostAndPort}`;
  const shownPort = port === standardPort ? '' : `:${port}`;
  const name = `${kind.orthanc ? 'orthanc' : 'dicomweb'}${kind.secure ? 's' : ''}`;
  return {
    location: `${name}://${url.hostname.toLowerCase()}${shownPort}${root}${targetPath(target)}`,
    service: `${origin}${root}${kind.orthanc ? orthancRoot : ''}`,
    orthanc: kind.orthanc ? `${origin}${root}` : null,
    host: url.hostname.toLowerCase().replace(/^\[|\]$/g, ''),
    hostAndPort,
    login:
      url.username === '' && url.password === ''
        ? null
        : { user: plain(url.username), password: plain(url.password) },
    trusted: null,
    target,
  };
}

function parsePath(
  path: string,
  isOrthanc: boolean,
  problem: (why: string) => Error,
): { root: string; target: ArchiveTarget } {
  const parts = path.split('/').filter((part) => part !== '');
  const join = (end: number): string =>
    parts
      .slice(0, end)
      .map((part) => `/${part}`)
      .join('');
  if (isOrthanc) {
    const at = parts.findIndex(
      (part, index) => /^(studies|series|instances)$/.test(part) && index === parts.length - 2,
    );
    const id = parts[at + 1] ?? '';
    if (at >= 0 && orthancIdPattern.test(id))
      return { root: join(at), target: { kind: 'orthanc', level: parts[at] as OrthancLevel, id } };
  }
  // The last one: the root may have such a part too.
  const at = parts.lastIndexOf('studies');
  const root = (end: number): string => {
    const text = join(end);
    // Who names Orthanc's plug-in in the address means the same server.
    return isOrthanc && text.endsWith(orthancRoot) ? text.slice(0, -orthancRoot.length) : text;
  };
  if (at < 0) return { root: root(parts.length), target: { kind: 'archive' } };
  const [study, seriesWord, series, instancesWord, instance, ...more] = parts.slice(at + 1);
  const uid = (text: string): string => {
    if (!uidPattern.test(text)) throw problem(`"${text.slice(0, 80)}" is not a DICOM identifier`);
    return text;
  };
  if (study === undefined) return { root: root(at), target: { kind: 'archive' } };
  if (seriesWord === undefined) return { root: root(at), target: { kind: 'study', study: uid(study) } };
  if (seriesWord !== 'series' || series === undefined)
    throw problem('behind the study it goes on with /series/ and an identifier');
  if (instancesWord === undefined)
    return { root: root(at), target: { kind: 'series', study: uid(study), series: uid(series) } };
  if (instancesWord !== 'instances' || instance === undefined || more.length > 0)
    throw problem('behind the series it goes on with /instances/ and an identifier');
  return {
    root: root(at),
    target: { kind: 'instance', study: uid(study), series: uid(series), instance: uid(instance) },
  };
}

/** Path below the root, as it is written in an address. */
function targetPath(target: ArchiveTarget): string {
  switch (target.kind) {
    case 'archive':
      return '';
    case 'study':
      return `/studies/${target.study}`;
    case 'series':
      return `/studies/${target.study}/series/${target.series}`;
    case 'instance':
      return `/studies/${target.study}/series/${target.series}/instances/${target.instance}`;
    case 'orthanc':
      return `/${target.level}/${target.id}`;
  }
}

/** The same archive with another target. */
export function withTarget(address: ArchiveAddress, target: ArchiveTarget): ArchiveAddress {
  const root = address.location.slice(0, address.location.length - targetPath(address.target).length);
  return { ...address, location: root + targetPath(target), target };
}

function plain(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
