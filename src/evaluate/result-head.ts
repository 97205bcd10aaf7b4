/** The head of every result file of an evaluation. Types only. */

/** Where a result comes from, whatever was judged. */
export interface ResultHead {
  readonly createdAt: string;
  readonly sonoscope: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly system: string };
  readonly model: {
    readonly name: string;
    readonly version: string;
    readonly sha256: string;
    readonly provider: string;
  } | null;
  readonly dataset: {
    readonly kind: string;
    readonly name: string;
    /** Clips with figures. Those without are in `unscored`. */
    readonly clips: number;
    /** Frames that are never scored besides the prompted one. */
    readonly leftOut: 'first and last frame' | 'none';
  };
  readonly seed: number;
}
