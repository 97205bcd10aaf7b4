/**
 * The codecs in WebAssembly. Worker thread of a source's child process: one damaged frame may make a codec run for ever or leave its
 * memory in disorder, and the thread that holds it is then ended. A codec is loaded when a frame first needs it.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import type * as dcmjsCodecs from 'dcmjs-codecs';
import type { CodecAnswer, CodecName, CodecRequest } from './codec-messages.js';

/** `require`: the packages are CommonJS without named exports that a module could see. */
const require = createRequire(import.meta.url);

type Decode = (request: CodecRequest) => Uint8Array;

/** The decoders of @cornerstonejs/codec-openjpeg and -charls, which have no types of their own. */
interface EmbindDecoder {
  getEncodedBuffer(bytes: number): Uint8Array;
  decode(): void;
  /** A view of the codec's memory; empty where nothing could be decoded. */
  getDecodedBuffer(): Uint8Array;
  delete(): void;
}
type EmbindModule = Readonly<Record<string, new () => EmbindDecoder>>;
type EmbindFactory = (options: {
  print: () => void;
  printErr: () => void;
  locateFile: (name: string) => string;
}) => Promise<EmbindModule>;

async function loadEmbind(script: string, className: string): Promise<Decode> {
  const file = require.resolve(script);
  const factory = require(file) as EmbindFactory;
  const quiet = (): void => undefined;
  const codec = await factory({
    print: quiet,
    printErr: quiet,
    locateFile: (name) => join(dirname(file), name),
  });
  const Decoder = codec[className];
  if (Decoder === undefined) throw new Error(`${script} has no ${className}`);
  return ({ stream }) => {
    // One decoder for each frame: one that is used again keeps the last picture, and gives it for a frame that it cannot decode.
    const decoder = new Decoder();
    try {
      decoder.getEncodedBuffer(stream.length).set(stream);
      decoder.decode();
      return Uint8Array.from(decoder.getDecodedBuffer());
    } finally {
      decoder.delete();
    }
  };
}

/** JPEG of 12 bits and all lossless JPEG. */
async function loadJpeg(): Promise<Decode> {
  const { Context, NativeCodecs, log } = require('dcmjs-codecs') as typeof dcmjsCodecs;
  let notes: string[] = [];
  // What libjpeg only warns of, and then paints grey, comes through here alone.
  log.info = (note: unknown) => notes.push(String(note));
  await NativeCodecs.initializeAsync({ logCodecsInfo: true });
  return ({ stream, width, height, components, bits }) => {
    notes = [];
    const decoded = NativeCodecs.decodeJpeg(
      new Context({
        width,
        height,
        bitsAllocated: bits > 8 ? 16 : 8,
        bitsStored: bits,
        samplesPerPixel: components,
        pixelRepresentation: 0,
        planarConfiguration: 0,
        photometricInterpretation: components === 3 ? 'RGB' : 'MONOCHROME2',
        encodedBuffer: stream,
      }),
    ).getDecodedBuffer();
    const warning = notes.find((note) => /premature end|bad huffman/i.test(note));
    if (warning !== undefined) throw new Error(warning);
    return decoded ?? new Uint8Array();
  };
}

const loaders: Readonly<Record<CodecName, () => Promise<Decode>>> = {
  jpeg: loadJpeg,
  'jpeg-ls': () => loadEmbind('@cornerstonejs/codec-charls/decodewasmjs', 'JpegLSDecoder'),
  'jpeg-2000': () => loadEmbind('@cornerstonejs/codec-openjpeg/decodewasmjs', 'J2KDecoder'),
};
const loaded = new Map<CodecName, Promise<Decode>>();

async function answer(request: CodecRequest): Promise<CodecAnswer> {
  try {
    const { codec, width, height, components, bits } = request;
    const decode = loaded.get(codec) ?? loaders[codec]();
    loaded.set(codec, Promise.resolve(decode));
    const samples = (await decode)(request);
    const expected = width * height * components * (bits > 8 ? 2 : 1);
    return samples.length === expected
      ? { samples: Uint8Array.from(samples) }
      : { damage: `${samples.length} bytes decoded, ${expected} expected` };
  } catch (error) {
    return { damage: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on('message', (request: CodecRequest) => {
  void answer(request).then((reply) =>
    parentPort?.postMessage(reply, 'samples' in reply ? [reply.samples.buffer] : []),
  );
});
