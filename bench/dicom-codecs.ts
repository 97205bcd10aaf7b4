/**
 * Frames per second of every still codec of DICOM, as a source decodes them: from stored bytes to RGB, one frame at a time. Pictures of
 * the procedural heart, 800 × 600 in colour, compressed here.
 *
 *   node dist/bench/dicom-codecs.js [--frames 40] [--json FILE]
 *
 * Frames per second are those of one core, by processor time of the process, its threads included: that is what other work leaves alone.
 * Each kind is decoded in three rounds that take turns; the best counts, since other work on the machine only ever adds. Lossless kinds
 * must give back every byte. The encoder of the lossless kinds is dcmjs-codecs, that of JPEG sharp.
 */
import { createRequire } from 'node:module';
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type * as dcmjsCodecs from 'dcmjs-codecs';
import sharp from 'sharp';
import { machine, versions } from '../src/app/versions.js';
import type { StoredPixels } from '../src/dicom/image.js';
import { createFrameDecoder } from '../src/dicom/pixels/frame-decoder.js';
import { packRgb, syntheticScene } from '../src/ingest/synthetic/index.js';
import { presentCommit } from './results.js';

const size = { width: 800, height: 600 };
const rounds = 3;
const { values } = parseArgs({
  options: { frames: { type: 'string', default: '40' }, json: { type: 'string' } },
});
const frameCount = Number(values.frames);
const require = createRequire(import.meta.url);
const { Context, NativeCodecs } = require('dcmjs-codecs') as typeof dcmjsCodecs;

type Encoder = 'encodeJpeg' | 'encodeJpegLs' | 'encodeJpeg2000' | 'encodeHtJpeg2000';
interface Kind {
  readonly name: string;
  readonly syntax: string;
  readonly isLossless: boolean;
  readonly encode: (rgb: Uint8Array) => Uint8Array | Promise<Uint8Array>;
}

const by =
  (encoder: Encoder, parameters = {}) =>
  (rgb: Uint8Array): Uint8Array => {
    const context = new Context({
      ...size,
      bitsAllocated: 8,
      bitsStored: 8,
      samplesPerPixel: 3,
      pixelRepresentation: 0,
      planarConfiguration: 0,
      photometricInterpretation: 'RGB',
      decodedBuffer: rgb,
    });
    return NativeCodecs[encoder](context, parameters).getEncodedBuffer() ?? new Uint8Array();
  };
const uid = '1.2.840.10008.1.2';
const kinds: readonly Kind[] = [
  { name: 'uncompressed', syntax: `${uid}.1`, isLossless: true, encode: (rgb) => rgb },
  {
    name: 'JPEG baseline 4:2:0',
    syntax: `${uid}.4.50`,
    isLossless: false,
    encode: (rgb) =>
      sharp(rgb, { raw: { ...size, channels: 3 } })
        .jpeg({ quality: 90, chromaSubsampling: '4:2:0' })
        .toBuffer(),
  },
  {
    name: 'JPEG lossless',
    syntax: `${uid}.4.70`,
    isLossless: true,
    encode: by('encodeJpeg', { lossy: false }),
  },
  { name: 'JPEG-LS', syntax: `${uid}.4.80`, isLossless: true, encode: by('encodeJpegLs') },
  { name: 'JPEG 2000 lossless', syntax: `${uid}.4.90`, isLossless: true, encode: by('encodeJpeg2000') },
  {
    name: 'JPEG 2000, 20 : 1',
    syntax: `${uid}.4.91`,
    isLossless: false,
    encode: by('encodeJpeg2000', { lossy: true, rate: 20 }),
  },
  { name: 'HTJ2K lossless', syntax: `${uid}.4.201`, isLossless: true, encode: by('encodeHtJpeg2000') },
];

const stored = (transferSyntaxUid: string): StoredPixels => ({
  size,
  transferSyntaxUid,
  photometric: transferSyntaxUid.endsWith('.50') ? 'YBR_FULL_422' : 'RGB',
  samplesPerPixel: 3,
  bitsAllocated: 8,
  bitsStored: 8,
  highBit: 7,
  signed: false,
  planar: false,
  bigEndian: false,
  pixelVr: 'OB',
  palette: null,
  modality: null,
  voi: null,
  extremes: null,
  pixelAspect: null,
});

/** RGB pictures of the heart. */
function pictures(): Uint8Array[] {
  const scene = syntheticScene('echo', { seed: 1, ...size, framesPerSecond: 30 });
  return Array.from({ length: 8 }, (_, index) => {
    const pixels = new Uint32Array(size.width * size.height);
    scene.render(index, pixels);
    return packRgb(pixels);
  });
}

async function main(): Promise<void> {
  await NativeCodecs.initializeAsync();
  const clip = pictures();
  const prepared = [];
  for (const kind of kinds) {
    const frames: Uint8Array[] = [];
    for (const rgb of clip) frames.push(await kind.encode(rgb));
    const readFrame = (index: number): Promise<Uint8Array> =>
      Promise.resolve(frames[index] ?? new Uint8Array());
    const decoder = await createFrameDecoder(stored(kind.syntax), {
      path: kind.name,
      frameCount: frames.length,
      readFrame,
    });
    for (const [index, frame] of frames.entries()) {
      const shown = await decoder.decode(frame);
      if (kind.isLossless && Buffer.compare(shown, clip[index] ?? new Uint8Array()) !== 0)
        throw new Error(`${kind.name}: frame ${index} is not what it was`);
    }
    prepared.push({ kind, frames, decoder, best: Infinity, bestCpu: Infinity });
  }
  for (let round = 0; round < rounds; round += 1)
    for (const each of prepared) {
      const cpu = process.cpuUsage();
      const started = performance.now();
      for (let i = 0; i < frameCount; i += 1)
        await each.decoder.decode(each.frames[i % each.frames.length] ?? new Uint8Array());
      each.best = Math.min(each.best, (performance.now() - started) / frameCount);
      const used = process.cpuUsage(cpu);
      each.bestCpu = Math.min(each.bestCpu, (used.user + used.system) / 1000 / frameCount);
    }
  const table = prepared.map(({ kind, frames, best, bestCpu }) => ({
    codec: kind.name,
    syntax: kind.syntax,
    kilobytesPerFrame: Math.round(frames.reduce((sum, { length }) => sum + length, 0) / frames.length / 1000),
    msPerFrame: Number(best.toFixed(1)),
    cpuMsPerFrame: Number(bestCpu.toFixed(1)),
    framesPerSecondOfOneCore: Math.round(1000 / bestCpu),
  }));
  console.table(table);
  if (values.json !== undefined)
    await writeFile(
      values.json,
      `${JSON.stringify({ commit: await presentCommit(), machine: machine(), versions: await versions(), load: loadavg(), size, table }, null, 2)}\n`,
    );
  for (const { decoder } of prepared) decoder.close();
}

await main();
