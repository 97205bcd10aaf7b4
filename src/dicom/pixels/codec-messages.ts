/** What the thread of the codecs is asked and answers. Pure types. */

export type CodecName = 'jpeg' | 'jpeg-ls' | 'jpeg-2000';

export interface CodecRequest {
  readonly codec: CodecName;
  /** A copy: it is handed over to the thread. */
  readonly stream: Uint8Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
  readonly components: 1 | 3;
  /** Of the stream, 1 to 16. */
  readonly bits: number;
}

/** Samples pixel by pixel, as they were before compression; one byte each up to 8 bits, else two, little-endian. */
export type CodecAnswer = { readonly samples: Uint8Array<ArrayBuffer> } | { readonly damage: string };
