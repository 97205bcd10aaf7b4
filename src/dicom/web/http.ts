/**
 * Questions to an archive over HTTP, by undici: bounded in time and size, tried again where that can help, and with a code for
 * everything that can go wrong. No redirect is followed: an archive could otherwise send the program to a host that nobody
 * allowed. Any Node thread.
 */
import { pipeline, Readable, type Duplex } from 'node:stream';
import { rootCertificates } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Agent, request, type Dispatcher } from 'undici';
import { SonoError } from '../../vocabulary/errors.js';
import { dicomError } from '../errors.js';
import type { ArchiveAddress } from './address.js';

/** Time-outs and tries, for tests. */
export interface ArchiveLimits {
  readonly connectMs: number;
  /** To the first byte of an answer: an archive may fetch from tape or transcode first. */
  readonly answerMs: number;
  /** Between two pieces of an answer. */
  readonly pieceMs: number;
  /** Tries of a question that changes nothing. */
  readonly attempts: number;
  /** Before the second try; doubles. */
  readonly pauseMs: number;
}

export const defaultArchiveLimits: ArchiveLimits = {
  connectMs: 10_000,
  answerMs: 60_000,
  pieceMs: 20_000,
  attempts: 3,
  pauseMs: 500,
};

/** Of answers that are text: search results, what became of a file. */
const mostTextBytes = 32 * 1024 ** 2;
const connections = 4;

export interface Question {
  /** Behind `root`, with its query. */
  readonly path: string;
  /** Default: the DICOMweb service. */
  readonly root?: string;
  readonly accept: string;
  /** What is asked for, where a 404 means that it is not there; absent: a 404 means that this is no DICOMweb service. */
  readonly subject?: string;
  /** In words, for a refusal: "search", "store files". */
  readonly action: string;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  /** In small letters; of several of one name the first. */
  readonly headers: ReadonlyMap<string, string>;
  /** Unpacked, where it was packed for the transfer. */
  readonly body: Readable;
}

/** Codings of a transfer. None is asked for; some archives keep what they have packed, and send it so. */
const unpackers: Readonly<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

interface Sending {
  readonly contentType: string;
  readonly bytes: number;
  readonly body: () => AsyncIterable<Uint8Array>;
}

export class ArchiveHttp implements AsyncDisposable {
  readonly #agent: Agent;

  constructor(
    readonly address: ArchiveAddress,
    readonly limits: ArchiveLimits = defaultArchiveLimits,
  ) {
    const { trusted } = address;
    this.#agent = new Agent({
      connections,
      pipelining: 1,
      connect: {
        timeout: limits.connectMs,
        // A list of one's own takes the place of the usual one.
        ...(trusted !== null && { ca: [...rootCertificates, trusted] }),
      },
      headersTimeout: limits.answerMs,
      bodyTimeout: limits.pieceMs,
    });
  }

  /**
   * The answer to a GET, from its first byte; the caller reads or destroys the body. Errors while it is read: `problem`.
   * @throws SONO_ARCHIVE_*
   */
  async open(question: Question): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#ask(question, null);
      } catch (error) {
        if (attempt >= this.limits.attempts || !mayPass(error)) throw error;
        await this.pauseBefore(attempt, question.signal);
      }
    }
  }

  /** Waits before another try. @param attempt that failed, counted from 1 */
  async pauseBefore(attempt: number, signal?: AbortSignal): Promise<void> {
    await delay(this.limits.pauseMs * 2 ** (attempt - 1), undefined, { ...(signal && { signal }) });
  }

  /**
   * The whole answer as JSON; null where there is no content.
   * @param onHeaders called with those of the answer
   * @throws SONO_ARCHIVE_*
   */
  async json(
    question: Question,
    sending: Sending | null = null,
    onHeaders: (headers: Answer['headers']) => void = () => undefined,
  ): Promise<unknown> {
    const { status, headers, body } =
      sending === null ? await this.open(question) : await this.#ask(question, sending);
    onHeaders(headers);
    const text = (await this.#bounded(body)).toString('utf8').replace(/^\uFEFF/, '');
    // Some say 200 where there is nothing to say.
    if (status === 204 || text.trim() === '') return null;
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      const type = headers.get('content-type')?.split(';')[0] ?? 'text of an unknown kind';
      throw this.#error('SONO_ARCHIVE_NOT_DICOMWEB', { why: `it answers with ${type}` }, error);
    }
  }

  /** What broke a transfer, as a coded error. */
  problem(error: unknown): SonoError {
    return error instanceof SonoError ? (error as SonoError) : this.#coded(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #ask(question: Question, sending: Sending | null): Promise<Answer> {
    const { path, root = this.address.service, accept, signal } = question;
    const { login } = this.address;
    let answer: Dispatcher.ResponseData;
    try {
      answer = await request(`${root}${path}`, {
        dispatcher: this.#agent,
        method: sending === null ? 'GET' : 'POST',
        headers: {
          accept,
          ...(login && { authorization: authorization(login) }),
          ...(sending && { 'content-type': sending.contentType, 'content-length': String(sending.bytes) }),
        },
        ...(sending && { body: Readable.from(sending.body()) }),
        ...(signal && { signal }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#coded(error);
    }
    const { statusCode } = answer;
    const headers = headersOf(answer);
    const body = this.#unpacked(answer, headers);
    // 400 and 409 to a file that was sent say in their text which part was refused.
    if (statusCode < 300 || (sending !== null && (statusCode === 400 || statusCode === 409)))
      return { status: statusCode, headers, body };
    const reason = await this.#reason(body);
    throw this.#refusal(statusCode, question, reason, headers.get('location'));
  }

  #unpacked({ body }: Dispatcher.ResponseData, headers: ReadonlyMap<string, string>): Readable {
    const coding = (headers.get('content-encoding') ?? '').trim().toLowerCase();
    if (coding === '' || coding === 'identity') return body;
    const unpacker = unpackers[coding]?.();
    if (unpacker === undefined) {
      body.on('error', () => undefined);
      body.destroy();
      throw this.#error('SONO_ARCHIVE_ANSWER', {
        why: `it is packed in an unknown way (${coding.slice(0, 40)})`,
      });
    }
    return pipeline(body, unpacker, () => undefined);
  }

  #refusal(status: number, { subject, action }: Question, reason: string, location = ''): SonoError {
    if (status === 401)
      return this.address.login === null
        ? this.#error('SONO_ARCHIVE_LOGIN_NEEDED')
        : this.#error('SONO_ARCHIVE_UNAUTHORIZED');
    if (status === 403) return this.#error('SONO_ARCHIVE_FORBIDDEN', { what: action }, reason);
    if (status === 404 || status === 410)
      return subject === undefined
        ? this.#error('SONO_ARCHIVE_NOT_DICOMWEB', { why: 'there is nothing at this path' }, reason)
        : dicomError('SONO_ARCHIVE_GONE', { uri: subject }, reason);
    if (status < 400)
      return this.#error('SONO_ARCHIVE_NOT_DICOMWEB', { why: this.#elsewhere(location) }, reason);
    if (status >= 500) return this.#error('SONO_ARCHIVE_FAILED', { status }, reason);
    const why = `it refuses to ${action}, status ${status}`;
    return this.#error('SONO_ARCHIVE_ANSWER', { why, status }, reason);
  }

  /** Where it points to, without path and query: an address to log in at may hold a secret. */
  #elsewhere(location: string): string {
    const { service, host } = this.address;
    const url = URL.canParse(location, service) ? new URL(location, service) : null;
    if (url === null) return 'it points to another address';
    if (url.hostname.replace(/^\[|\]$/g, '') !== host) return `it points to another address, at ${url.host}`;
    return url.protocol === 'https:' && service.startsWith('http:')
      ? `it wants to be asked over TLS, at ${url.host}: write dicomwebs:// or orthancs://`
      : `it points to another address of its own, at ${url.host}`;
  }

  /** The beginning of what it says about a refusal, for the log. */
  async #reason(body: Readable): Promise<string> {
    try {
      let text = '';
      for await (const piece of body as AsyncIterable<Buffer>) {
        text += String(piece);
        if (text.length > 2000) break;
      }
      return text.slice(0, 2000);
    } catch {
      return '';
    }
  }

  async #bounded(body: Readable): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const piece of body as AsyncIterable<Buffer>) {
        bytes += piece.length;
        if (bytes > mostTextBytes)
          throw this.#error('SONO_ARCHIVE_ANSWER', { why: 'it is longer than 32 megabytes' });
        pieces.push(piece);
      }
    } catch (error) {
      throw this.problem(error);
    }
    return Buffer.concat(pieces);
  }

  #error(
    code: Parameters<typeof dicomError>[0],
    details: Readonly<Record<string, string | number>> = {},
    cause?: unknown,
  ): SonoError {
    return dicomError(code, { archive: this.name, ...details }, cause);
  }

  /** The archive without what is asked of it. */
  get name(): string {
    return this.address.location.replace(/\/(?:studies|series|instances)\/.*$/, '');
  }

  #coded(error: unknown): SonoError {
    const { code, message } = innermost(error);
    const { answerMs, pieceMs } = this.limits;
    switch (code) {
      case 'UND_ERR_HEADERS_TIMEOUT':
        return this.#error('SONO_ARCHIVE_SILENT', { seconds: answerMs / 1000 }, error);
      case 'UND_ERR_BODY_TIMEOUT':
        return this.#error('SONO_ARCHIVE_SILENT', { seconds: pieceMs / 1000 }, error);
      case 'ECONNREFUSED':
      case 'ENOTFOUND':
      case 'EAI_AGAIN':
      case 'EHOSTUNREACH':
      case 'ENETUNREACH':
      case 'ETIMEDOUT':
      case 'UND_ERR_CONNECT_TIMEOUT':
        return this.#error('SONO_ARCHIVE_NO_ANSWER', {}, error);
      case 'Z_DATA_ERROR':
        return this.#error('SONO_ARCHIVE_ANSWER', { why: 'what it has packed is damaged' }, error);
      case 'EPROTO':
      case 'UND_ERR_INFO':
        return this.#error(
          'SONO_ARCHIVE_NOT_DICOMWEB',
          {
            why: this.address.service.startsWith('https')
              ? 'it does not speak TLS'
              : 'it does not speak HTTP',
          },
          error,
        );
      default:
        break;
    }
    if (/^(HPE_|ERR_SSL_)/.test(code))
      return this.#error('SONO_ARCHIVE_NOT_DICOMWEB', { why: 'it does not speak HTTP as it should' }, error);
    if (/CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME/.test(code))
      return this.#error('SONO_ARCHIVE_CERTIFICATE', { reason: message.toLowerCase().slice(0, 200) }, error);
    return this.#error('SONO_ARCHIVE_BROKE_OFF', { attempts: this.limits.attempts }, error);
  }
}

function headersOf({ headers }: Dispatcher.ResponseData): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      (Array.isArray(value) ? value[0] : value) ?? '',
    ]),
  );
}

/** Errors that another try may not meet. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof SonoError)) return false;
  const { status } = error.details;
  return (
    error.code === 'SONO_ARCHIVE_BROKE_OFF' ||
    (error.code === 'SONO_ARCHIVE_FAILED' && (status === 502 || status === 503 || status === 504))
  );
}

function authorization({ user, password }: { readonly user: string; readonly password: string }): string {
  return user === 'Bearer'
    ? `Bearer ${password}`
    : `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;
}

/** undici and Node wrap what the system said, also as one of several addresses that were tried. */
function innermost(error: unknown): { readonly code: string; readonly message: string } {
  let code = '';
  let message = '';
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 6; depth += 1) {
    const known = (at as NodeJS.ErrnoException).code;
    if (typeof known === 'string') code = known;
    message = at.message || message;
    at = at instanceof AggregateError ? (at.errors[0] as unknown) : at.cause;
  }
  return { code, message };
}
