/**
 * Takes secrets out of source addresses and out of texts that repeat them: what may be shown to a viewer or written to a log, a
 * report or a recording. Pure.
 *
 * It shows what is known to be harmless and hides the rest, because secrets have more forms than a list of them could name:
 * user names and passwords (also with @ : / # ? in them, where people forgot to write %40), every query value whose key is not on the
 * list below, parts of the path that look random or are named like a secret. Where an address can be read in two ways, what
 * is secret in either of them is hidden.
 */

const hiddenMark = '***';

/** Query and fragment keys whose values are settings of a camera or of SRT, never secrets. */
const harmlessKeys = new Set(
  (
    'channel channelno subtype stream streamtype real_stream profile codec videocodec resolution camera fps width height unicast proto ' +
    'transport latency latencyms mode rcvlatency peerlatency tlpktdrop pbkeylen transtype conntimeo maxbw mss ' +
    'encoding connection seed duration deinterlace'
  ).split(' '),
);

/** A part of a path with such a name is followed by a secret: `/live/token/abc`. */
const secretNames =
  /^(pass(word|wd|phrase|code)?|pwd?|pin|secret|token|auth(orization)?|(api)?key|sig(nature)?|session(id)?|login|user(name)?)$/i;

/** Schemes whose addresses name something on this computer: what stands behind them is a path, in which @ is a letter like any other. */
const localSchemes = new Set(['file', 'v4l2', 'decklink', 'synthetic']);

const networkSchemes = /^(rtsp[a-z]?|srt|rtmps?|https?|ftp)$/i;

interface Redaction {
  readonly shown: string;
  /** The parts that were left out, as written. */
  readonly hidden: readonly string[];
}

/**
 * One address as a person wrote it, fit to be shown. Paths of files come back as they are.
 * `rtsp://nurse:secret@cam/live?token=x` → `rtsp://***@cam/live?token=***`.
 */
export function redact(uri: string): string {
  return redaction(uri).shown;
}

/**
 * Any text, for example an error of a library, fit to be shown: every address in it is redacted, and what is secret in
 * `uris` (those that the text may be about) is left out wherever it stands, also decoded, encoded or as a login in base64.
 */
export function redactText(text: string, uris: readonly string[] = []): string {
  let shown = text;
  for (const uri of uris) {
    if (uri.length > 0) shown = shown.replaceAll(uri, () => redact(uri));
    for (const secret of spellings(redaction(uri).hidden)) shown = withoutSecret(shown, secret);
  }
  shown = shown.replace(/(authorization:\s*\w+\s+)[^\r\n"']+/gi, `$1${hiddenMark}`);
  // What follows a scheme up to a space, a quotation mark or a bracket.
  // A scheme alone is no address, with whatever ends the words around it: "Give rtsp://, srt:// or a file."
  return shown.replace(/(?:[a-z][a-z0-9+.-]*:\/|(?:rtsp[a-z]?|srt):)\/[^\s"'<>\\`]+/gi, (address) =>
    /:\/+[.,;:)\]]+$/.test(address) ? address : redact(address),
  );
}

/** True where the address holds something that must not be shown. */
export function holdsSecret(uri: string): boolean {
  return redaction(uri).hidden.length > 0;
}

function redaction(uri: string): Redaction {
  const text = uri.trim();
  const hidden: string[] = [];
  const [, scheme = '', slashes = '', rest = ''] = /^([a-z][a-z0-9+.-]+):(\/*)(.*)$/is.exec(text) ?? [];
  const isLocal = localSchemes.has(scheme.toLowerCase());
  if (!isLocal && slashes.length < 2 && !networkSchemes.test(scheme)) {
    // "room=rtsp://…", also after it was taken for a path.
    const [, before, inside] = /^(.*?)((?:rtsp[a-z]?|srt):\/.*)$/is.exec(text) ?? [];
    if (before && inside !== undefined) {
      const { shown, hidden: within } = redaction(inside);
      return { shown: before + shown, hidden: within };
    }
    // "//name:password@camera/live" and "name:password@camera" are addresses whose beginning was forgotten; the rest are files.
    const [, start = '', address] = /^((?:\/\/+)?)([^/]+:.*@.*)$/s.exec(text) ?? [];
    return { shown: address === undefined ? text : start + network(address, hidden), hidden };
  }
  // Of these only "file://name:password@server/share" can have a login.
  if (isLocal && !(slashes.length === 2 && /^[^/?#]*@/.test(rest))) return { shown: text, hidden };
  return { shown: `${scheme}:${slashes}${network(rest, hidden)}`, hidden };
}

/** What stands behind `scheme://`. */
function network(rest: string, hidden: string[]): string {
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const lastAt = rest.lastIndexOf('@');
  if (lastAt < 0) return host(authority, hidden) + behindHost(rest.slice(authority.length), hidden);

  const login = rest.slice(0, lastAt);
  const behind = rest.slice(lastAt + 1);
  hidden.push(login);
  const loginEnd = login.indexOf(':');
  if (loginEnd >= 0) hidden.push(login.slice(loginEnd + 1));
  if (lastAt >= authority.length) {
    // The last @ lies behind the first / ? or #: it belongs to a password that holds such a sign, or to path, query or fragment.
    const strictAt = authority.lastIndexOf('@');
    if (strictAt >= 0) hidden.push(authority.slice(0, strictAt), ...passwordOf(authority.slice(0, strictAt)));
    const isHost = hostPattern.test(authority.slice(strictAt + 1));
    // Read as a query or fragment, what follows the @ may be the rest of a secret.
    if (isHost && /[?#]/.test(rest.slice(authority.length, lastAt))) {
      hidden.push(rest.slice(authority.length), ...passwordOf(authority));
      behindHost(rest.slice(authority.length), hidden);
      return hiddenMark;
    }
  }
  const hostEnd = behind.search(/[/?#]/);
  const name = hostEnd < 0 ? behind : behind.slice(0, hostEnd);
  return `${hiddenMark}@${host(name, hidden)}${behindHost(behind.slice(name.length), hidden)}`;
}

const passwordOf = (login: string): readonly string[] =>
  login.includes(':') ? [login.slice(login.indexOf(':') + 1)] : [];

/** Identifier of an object in an Orthanc archive: a hash of its DICOM identifiers, which opens nothing without a login. */
const orthancId = /^[0-9a-f]{8}(?:-[0-9a-f]{8}){4}$/;

const hostPattern = /^(\[[0-9a-f:.]+(%[\w.-]+)?\]|[\p{L}\p{N}._-]*)(:\d{0,5})?$/iu;

/** Host and port; anything else in their place may be a login whose @ was forgotten. */
function host(text: string, hidden: string[]): string {
  if (hostPattern.test(text)) return text;
  hidden.push(text);
  return hiddenMark;
}

function behindHost(text: string, hidden: string[]): string {
  const [, path = '', query, fragment] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text) ?? [];
  return (
    pathParts(path, hidden) +
    (query === undefined ? '' : `?${options(query, hidden)}`) +
    (fragment === undefined ? '' : `#${options(fragment, hidden)}`)
  );
}

function pathParts(path: string, hidden: string[]): string {
  let secretFollows = false;
  return path
    .split('/')
    .map((part) => {
      const plain = decoded(part);
      const isSecret = secretFollows && part !== '';
      secretFollows = secretNames.test(plain);
      if (!isSecret && part.includes('=')) return options(part, hidden);
      if (!isSecret && orthancId.test(part)) return part;
      if (!isSecret && !/[@?&=;:#/\\]/.test(plain) && !looksRandom(plain)) return part;
      hidden.push(part);
      return hiddenMark;
    })
    .join('/');
}

/** `a=1&b=2`, also with ; and , between, as some cameras have it in their path. */
function options(text: string, hidden: string[]): string {
  return text
    .split(/([&;,])/)
    .map((part) => {
      if (part === '' || /^[&;,]$/.test(part)) return part;
      const at = part.indexOf('=');
      const key = at < 0 ? part : part.slice(0, at);
      const value = at < 0 ? '' : part.slice(at + 1);
      const isHarmless =
        harmlessKeys.has(decoded(key).toLowerCase()) && /^[\w.:-]{0,24}$/.test(value) && !looksRandom(value);
      if (at >= 0 && isHarmless) return part;
      if (at >= 0 && value === '') return part;
      const isName = at >= 0 && /^[a-z_][\w.-]{0,23}$/i.test(key) && !looksRandom(key);
      hidden.push(isName ? value : part);
      return isName ? `${key}=${hiddenMark}` : hiddenMark;
    })
    .join('');
}

/** Keys and hashes change between small letters, capitals and digits much more often than words do. */
function looksRandom(text: string): boolean {
  const signs = text.replace(/[^\p{L}\p{N}]/gu, '');
  if (signs.length < 16) return false;
  const kinds = [...signs].map((sign) =>
    /\p{N}/u.test(sign) ? 'digit' : /\p{Lu}/u.test(sign) ? 'capital' : 'small',
  );
  const changes = kinds.filter((kind, index) => index > 0 && kind !== kinds[index - 1]).length;
  return changes >= signs.length / 3;
}

/** With %-codes decoded, also where somebody encoded twice; unchanged where a % is only a %. */
function decoded(text: string): string {
  let plain = text;
  for (let round = 0; round < 3; round++) {
    try {
      const next = decodeURIComponent(plain);
      if (next === plain) break;
      plain = next;
    } catch {
      break;
    }
  }
  return plain;
}

/** How a secret may stand in a text, the longest first. */
function spellings(hidden: readonly string[]): readonly string[] {
  const all = new Set<string>();
  for (const secret of hidden)
    for (const form of [secret, decoded(secret)]) {
      all.add(form);
      all.add(encodeURIComponent(form));
      all.add(form.replace(/[\\"]/g, '\\$&'));
      // As "Authorization: Basic …" has it.
      if (form.includes(':')) all.add(Buffer.from(form).toString('base64').replace(/=+$/, ''));
    }
  return [...all].filter((text) => text.length >= 3).sort((a, b) => b.length - a.length);
}

/** A short secret may be part of a word ("sec" of "seconds"): it is left out where it stands alone, or behind an encoded sign. */
function withoutSecret(text: string, secret: string): string {
  if (secret.length >= 8) return text.replaceAll(secret, hiddenMark);
  const escaped = secret.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const alone = `(?:(?<![\\p{L}\\p{N}])|(?<=%[\\da-f]{2}))${escaped}(?![\\p{L}\\p{N}])`;
  return text.replace(new RegExp(alone, 'giu'), () => hiddenMark);
}
