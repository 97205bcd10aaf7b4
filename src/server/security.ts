/** Who may talk to the server: access token, Origin of browser pages, Host names. Pure checks on request headers. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { SonoError } from '../vocabulary/errors.js';
import { serverError } from './errors.js';
import { requestQuery } from './request-address.js';

export interface AccessRules {
  /** Null: no token asked for, which is allowed on a loopback address only. */
  readonly token: string | null;
  /** Origins of other sites that may reach the server, for example `https://app.foxglove.dev`. */
  readonly allowedOrigins: readonly string[];
}

/** The part of a request that is looked at. */
export interface AccessRequest {
  readonly headers: IncomingHttpHeaders;
  /** Path and query. */
  readonly url: string;
}

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

/** True for a bind address that only this computer reaches. */
export function isLoopbackHost(host: string): boolean {
  return loopbackNames.has(host) || /^127(\.\d{1,3}){3}$/.test(host);
}

/** A token of 192 bits that can stand in an address. */
export function generateToken(): string {
  return randomBytes(24).toString('base64url');
}

/** Compares in a time that does not depend on where the two differ, nor on their lengths. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

function hostOfOrigin(origin: string): string | null {
  try {
    return new URL(origin).host;
  } catch {
    return null;
  }
}

/**
 * A browser page may talk to us only from our own address or an allowed one, on loopback too: any website can reach
 * 127.0.0.1 from its visitor's browser. Without a token the Host must be a loopback name or an allowed one, because a
 * foreign name may be pointed at 127.0.0.1 (DNS rebinding), and then its page counts as same-origin.
 */
export function checkOrigin(request: AccessRequest, rules: AccessRules): SonoError | null {
  const { origin, host = '' } = request.headers;
  const allowedHosts = rules.allowedOrigins.flatMap((allowed) => hostOfOrigin(allowed) ?? []);
  if (origin !== undefined && !rules.allowedOrigins.includes(origin)) {
    const originHost = hostOfOrigin(origin);
    if (originHost === null || originHost.toLowerCase() !== host.toLowerCase())
      return serverError('SONO_ORIGIN_FOREIGN', { origin: origin.slice(0, 200) });
  }
  if (rules.token === null && !isLoopbackHost(hostName(host)) && !allowedHosts.includes(host))
    return serverError('SONO_ORIGIN_FOREIGN', { origin: host.slice(0, 200) });
  return null;
}

/** The token comes as `Authorization: Bearer …` or, for links and programs that cannot set headers, as `?token=…`; null: not at all. */
export function offeredToken(request: AccessRequest): string | null {
  const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return bearer ?? requestQuery(request.url).get('token');
}

/** A cookie's value, null where the request has none of that name. */
export function cookieOf(request: AccessRequest, name: string): string | null {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return null;
}

const shortestToken = 16;

/**
 * What a token must be, wherever it comes from: long enough not to be guessed, and of signs that a header and an address take.
 * An empty one is mostly a variable that was not set; it must not open the server. Throws SONO_TOKEN_UNUSABLE.
 */
export function checkTokenText(token: string): void {
  const problem =
    token === ''
      ? 'it is empty'
      : token.length < shortestToken
        ? `it has ${token.length} characters`
        : /^[\x21-\x7e]+$/.test(token)
          ? null
          : 'it holds a space or a letter with an accent';
  if (problem !== null) throw serverError('SONO_TOKEN_UNUSABLE', { problem, shortest: shortestToken });
}
