/**
 * Who is let in: Origin, rate, and token of every request and every socket, decided here and nowhere else. Holds what must be
 * remembered between requests; the checks themselves are in security.ts. Runs in the main process.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { SonoError } from '../vocabulary/errors.js';
import { errnoOf } from '../node/files.js';
import { callerFrom } from './caller.js';
import type { Caller } from './caller.js';
import { serverError } from './errors.js';
import { addressKey, RateLimits } from './rate-limits.js';
import type { RateLimit } from './rate-limits.js';
import { checkOrigin, cookieOf, offeredToken, sameSecret } from './security.js';
import type { AccessRequest, AccessRules } from './security.js';

export interface GateLimits {
  /** Wrong tokens from one address. */
  readonly wrongTokens: RateLimit;
  /** Requests and calls from one address. */
  readonly requests: RateLimit;
}

export const defaultGateLimits: GateLimits = {
  wrongTokens: { burst: 10, perSecond: 1 / 10 },
  requests: { burst: 2000, perSecond: 400 },
};

export type Verdict =
  | { readonly caller: Caller; readonly refusal: null }
  | { readonly caller: Caller; readonly refusal: SonoError };

export class Gate {
  readonly #requests: RateLimits;
  readonly #wrongTokens: RateLimits;
  readonly #tokenId: string | null;
  /** The value that the cookie must have; null if no token is needed. */
  readonly #cookie: string | null;

  constructor(
    private readonly rules: AccessRules,
    cookieKey: Buffer,
    limits: GateLimits = defaultGateLimits,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#requests = new RateLimits(limits.requests, nowMs);
    this.#wrongTokens = new RateLimits(limits.wrongTokens, nowMs);
    const { token } = rules;
    this.#tokenId = token === null ? null : createHash('sha256').update(token).digest('hex').slice(0, 8);
    // The cookie is not the token itself: who finds it learns nothing about the token, and guessing one does not help to guess the other.
    this.#cookie = token === null ? null : createHmac('sha256', cookieKey).update(token).digest('base64url');
  }

  /** Counts one more request from this address; false: too many. */
  countRequest(address: string | undefined): boolean {
    return this.#requests.take(addressKey(address));
  }

  get asksForToken(): boolean {
    return this.rules.token !== null;
  }

  /** Whether this request carries the token or the cookie. Does not count the request. */
  judge(request: AccessRequest, address: string | undefined, port: number | undefined): Verdict {
    return {
      caller: callerFrom(address, this.#tokenId),
      refusal: checkOrigin(request, this.rules) ?? this.#checkToken(request, address, port),
    };
  }

  /** The `Set-Cookie` header for a right token in the address; null if the token is missing, wrong or not needed. */
  cookieFor(request: AccessRequest, address: string | undefined, port: number | undefined): string | null {
    if (this.#cookie === null || offeredToken(request) === null) return null;
    if (this.judge(request, address, port).refusal !== null) return null;
    return `${cookieName(port)}=${this.#cookie}; HttpOnly; SameSite=Strict`;
  }

  #checkToken(
    request: AccessRequest,
    address: string | undefined,
    port: number | undefined,
  ): SonoError | null {
    const { token } = this.rules;
    if (token === null || this.#cookie === null) return null;
    const offered = offeredToken(request);
    // A wrong cookie is not counted as a guess: a cookie cannot be guessed, and a display with an old one must not be locked out.
    if (offered === null)
      return sameSecret(cookieOf(request, cookieName(port)) ?? '', this.#cookie)
        ? null
        : serverError('SONO_TOKEN_WRONG');
    const key = addressKey(address);
    // From here on even the right token is refused: otherwise one could go on guessing at any rate.
    if (!this.#wrongTokens.has(key))
      return serverError('SONO_TOKEN_TOO_OFTEN', { seconds: this.#wrongTokens.waitSeconds(key) });
    if (sameSecret(offered, token)) return null;
    this.#wrongTokens.take(key);
    return serverError('SONO_TOKEN_WRONG');
  }
}

/** Browsers send a cookie to all ports of a host, so the name of the cookie contains the port. */
function cookieName(port: number | undefined): string {
  return `sonoscope-${port ?? 0}`;
}

/**
 * The key that cookies are made with, kept in a file that only this user reads, so that displays stay logged in over a restart
 * with the same token. Without a file (or where it cannot be written) a new one for this run.
 */
export function cookieKey(file: string | null): Buffer {
  const made = randomBytes(32);
  if (file === null) return made;
  try {
    writeFileSync(file, made, { flag: 'wx', mode: 0o600 });
    return made;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') return made;
    try {
      const kept = readFileSync(file);
      return kept.byteLength === made.byteLength ? kept : made;
    } catch {
      return made;
    }
  }
}
