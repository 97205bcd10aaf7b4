/** Stored bytes of a frame to its samples, by the codec of the transfer syntax. Child process of a source. */
import { inflateRawSync } from 'node:zlib';
import type { StoredPixels } from '../image.js';
import { CodecClient } from './codec-client.js';
import type { CodecName } from './codec-messages.js';
import {
  hasJpegEnd,
  readJpeg2000Header,
  readJpegHeader,
  withJpegEnd,
  type Codestream,
} from './codestream.js';
import type { codingOf } from './coding.js';
import { colourSpaceOf, type ColourSpace } from './colour.js';
import { DamagedFrame } from './damaged-frame.js';
import { decodeLossyJpeg, jpegColours } from './jpeg.js';
import { decodeRle } from './rle.js';
import {
  containers,
  interleaved,
  layoutOf,
  nativeSamples,
  type Samples,
  type SampleLayout,
} from './samples.js';

export interface DecodedFrame {
  readonly samples: Samples;
  /** Of three samples per pixel. */
  readonly space: ColourSpace;
}

type FrameCoding = Exclude<ReturnType<typeof codingOf>, null | 'video'>;

export class SampleDecoder {
  readonly #client = new CodecClient();

  constructor(
    private readonly pixels: StoredPixels,
    private readonly coding: FrameCoding,
  ) {}

  /** @throws DamagedFrame */
  async decode(stored: Uint8Array): Promise<DecodedFrame> {
    const { pixels } = this;
    const space = colourSpaceOf(pixels.photometric) ?? 'rgb';
    switch (this.coding) {
      case 'native':
        return { samples: nativeSamples(stored, pixels), space };
      case 'deflated':
        return { samples: nativeSamples(inflated(stored, pixels), pixels), space };
      case 'rle':
        return { samples: rleSamples(stored, pixels), space };
      case 'jpeg':
        return this.#jpeg(stored);
      case 'jpeg-ls': {
        const stream = this.#checked(readJpegHeader(stored));
        // The codec would look for the end for ever.
        if (!hasJpegEnd(stored)) throw new DamagedFrame('a JPEG-LS picture without end');
        return { samples: await this.#ask('jpeg-ls', stored, stream, pixels.signed), space };
      }
      case 'jpeg-2000': {
        const stream = readJpeg2000Header(stored);
        const samples = await this.#ask(
          'jpeg-2000',
          stored,
          this.#checked(stream),
          stream.signed || pixels.signed,
        );
        return { samples, space: stream.isTransformed ? 'rgb' : space };
      }
    }
  }

  close(): void {
    this.#client.close();
  }

  async #jpeg(stored: Uint8Array): Promise<DecodedFrame> {
    const { photometric, signed } = this.pixels;
    const stream = readJpegHeader(stored);
    const checked = this.#checked(stream);
    const space = jpegColours(stream, photometric);
    if (stream.isLossless || stream.bits !== 8)
      return { samples: await this.#ask('jpeg', withJpegEnd(stored), checked, signed), space };
    const values = await decodeLossyJpeg(stored, stream, space);
    const layout = this.#layout(8, signed);
    return { samples: { values, perPixel: checked.components, layout }, space: 'rgb' };
  }

  async #ask(
    codec: CodecName,
    bytes: Uint8Array,
    { size, components, bits }: CheckedStream,
    signed: boolean,
  ): Promise<Samples> {
    const stream = Uint8Array.from(bytes);
    const samples = await this.#client.decode({ codec, stream, ...size, components, bits });
    const values = containers(samples, bits > 8 ? 2 : 1);
    return { values, perPixel: components, layout: this.#layout(bits, signed) };
  }

  /** Nothing is decoded that is not what the header of the file promises. */
  #checked(stream: Codestream): CheckedStream {
    const { width, height } = this.pixels.size;
    const { size, components, bits } = stream;
    if (size.width !== width || size.height !== height)
      throw new DamagedFrame(`frame of ${size.width} × ${size.height}`);
    if (components !== 1 && components !== 3) throw new DamagedFrame(`${components} components`);
    if (bits < 1 || bits > 16) throw new DamagedFrame(`samples of ${bits} bits`);
    return { size, components, bits };
  }

  /** The stream may have fewer bits than the header says, and more only as padding. */
  #layout(streamBits: number, signed: boolean): SampleLayout {
    const { bitsStored, shift } = layoutOf(this.pixels);
    return {
      bitsStored: Math.min(bitsStored, streamBits),
      shift: bitsStored + shift <= streamBits ? shift : 0,
      signed,
    };
  }
}

interface CheckedStream extends Codestream {
  readonly components: 1 | 3;
}

function rleSamples(stored: Uint8Array, pixels: StoredPixels): Samples {
  const { size, samplesPerPixel, bitsAllocated } = pixels;
  if (bitsAllocated === 1) throw new DamagedFrame('RLE of single bits');
  const count = size.width * size.height;
  const bytesPerSample = bitsAllocated / 8;
  const planes = containers(decodeRle(stored, count, samplesPerPixel, bytesPerSample), bytesPerSample);
  return {
    values: samplesPerPixel === 3 ? interleaved(planes, count) : planes,
    perPixel: samplesPerPixel,
    layout: layoutOf(pixels),
  };
}

/** A frame that is deflated by itself (PS3.5 annex A.4.13), unpacked up to what the header promises. */
function inflated(stored: Uint8Array, { size, samplesPerPixel, bitsAllocated }: StoredPixels): Uint8Array {
  const most = Math.ceil((size.width * size.height * samplesPerPixel * bitsAllocated) / 8) + 1;
  try {
    return inflateRawSync(stored, { maxOutputLength: most });
  } catch (error) {
    throw new DamagedFrame(String(error));
  }
}
