/** Whoever asks for something, for the log: never the secret itself. */
export interface Caller {
  readonly address: string;
  /** The beginning of the token's hash; null where no token is asked for. */
  readonly tokenId: string | null;
  /** Of a viewer's socket. */
  readonly viewer: string | null;
}
