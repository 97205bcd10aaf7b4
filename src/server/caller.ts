/** Whoever asks for something, and what they may do. Runs in the main process. */
import { rights } from '../protocol/operation.js';
import type { Right } from '../protocol/operation.js';

/** What each role may do. A further role is one row here, and a way for `Gate` to tell who has it. */
export const roles = {
  /** No token is asked for: everybody on this computer. */
  local: rights,
  /** Has the one token of the server. */
  token: rights,
} as const satisfies Readonly<Record<string, readonly Right[]>>;

/** For checks and for the log: never holds the secret itself. */
export interface Caller {
  readonly address: string;
  /** The beginning of the token's hash; null where no token is asked for. */
  readonly tokenId: string | null;
  /** Of a viewer's socket. */
  readonly viewer: string | null;
  /** Who it is, as far as that is known: `tokenId`, or `local`. */
  readonly subject: string;
  readonly rights: readonly Right[];
}

/** A caller that came with the server's token, or (`tokenId` null) to a server without one. */
export function callerFrom(address: string | undefined, tokenId: string | null): Caller {
  return {
    address: address ?? 'unknown',
    tokenId,
    viewer: null,
    subject: tokenId ?? 'local',
    rights: roles[tokenId === null ? 'local' : 'token'],
  };
}
