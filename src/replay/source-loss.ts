/**
 * Whether the pictures of a source lost detail when they were compressed, as a DICOM SEG must say of what it was made from
 * (PS3.3 C.8.20.2 and C.7.6.1.1.5). Pure.
 */
import { extname } from 'node:path';
import type { DicomReference } from '../dicom/reference.js';
import type { SourceLoss } from '../export/exporter.js';
import { isPictureName } from '../ingest/picture-order.js';
import type { SourceFormat } from '../vocabulary/frame.js';
import type { InputIdentity } from './input-item.js';

/** Transfer syntaxes that lose detail: the standard each one uses, by PS3.3's name. */
const lossySyntaxes: Readonly<Record<string, string>> = {
  '1.2.840.10008.1.2.4.50': 'ISO_10918_1',
  '1.2.840.10008.1.2.4.51': 'ISO_10918_1',
  '1.2.840.10008.1.2.4.81': 'ISO_14495_1',
  '1.2.840.10008.1.2.4.91': 'ISO_15444_1',
  '1.2.840.10008.1.2.4.203': 'ISO_15444_15',
  ...named(['100', '100.1', '101', '101.1'], 'ISO_13818_2'),
  ...named(['102', '102.1', '103', '103.1', '104', '104.1', '105', '105.1', '106', '106.1'], 'ISO_14496_10'),
  ...named(['107', '108'], 'ISO_23008_2'),
};
/** Behind 1.2.840.10008.1.2.4. */
function named(syntaxes: readonly string[], method: string): Record<string, string> {
  return Object.fromEntries(syntaxes.map((syntax) => [`1.2.840.10008.1.2.4.${syntax}`, method]));
}
/** Codecs by the words of FFmpeg's names. */
const methods: readonly (readonly [RegExp, string])[] = [
  [/\bH\.264\b/, 'ISO_14496_10'],
  [/\b(H\.265|HEVC)\b/, 'ISO_23008_2'],
  [/\bMPEG-2 video\b/, 'ISO_13818_2'],
  [/\bJPEG 2000\b/, 'ISO_15444_1'],
  [/\bJPEG\b/, 'ISO_10918_1'],
];
const lossless =
  /FFmpeg video codec #1|huffyuv|HuffYUV|MagicYUV|Ut Video|Animation \(RLE\)|raw video|Uncompressed|PNG/;
const jpegEnding = /^\.(jpe?g|jpe|jfif)$/i;
const lossyEnding = /^\.(jpe?g|jpe|jfif|webp|avif|heic|heif|jp2)$/i;

/** null: no detail was lost as far as the file says. A video of an unknown codec counts as lossy. */
export function sourceLoss(
  uri: string,
  { size, frameCount, description }: SourceFormat,
  input: Pick<InputIdentity, 'sha256' | 'bytes' | 'names'>,
  dicom: DicomReference | null,
): SourceLoss | null {
  // Synthetic scenes are no files.
  if (input.sha256 === null) return null;
  const samples = /\b(MONOCHROME\d|PALETTE COLOR)\b/.test(description) ? 1 : 3;
  const ratio = (samples * size.width * size.height * (frameCount ?? 0)) / input.bytes;
  const loss = (method: string | undefined): SourceLoss => ({
    ratios: ratio > 0 ? [ratio.toFixed(2)] : [],
    methods: method === undefined ? [] : [method],
  });
  if (dicom !== null) {
    const { attributes } = dicom;
    const method = lossySyntaxes[attributes['TransferSyntaxUID'] ?? ''];
    if (attributes['LossyImageCompression'] !== '01') return method === undefined ? null : loss(method);
    const listed = (keyword: string): string[] => attributes[keyword]?.split('\\') ?? [];
    const found = {
      ratios: listed('LossyImageCompressionRatio'),
      methods: listed('LossyImageCompressionMethod'),
    };
    return found.ratios.length + found.methods.length > 0 ? found : loss(method);
  }
  // The pictures of our own recordings are JPEG.
  if (extname(uri).toLowerCase() === '.mcap') return { ratios: [], methods: ['ISO_10918_1'] };
  const endings = input.names.filter(isPictureName).map((name) => extname(name));
  if (endings.length > 0) {
    if (!endings.some((ending) => lossyEnding.test(ending))) return null;
    return loss(endings.some((ending) => jpegEnding.test(ending)) ? 'ISO_10918_1' : undefined);
  }
  if (lossless.test(description)) return null;
  return loss(methods.find(([words]) => words.test(description))?.[1]);
}
