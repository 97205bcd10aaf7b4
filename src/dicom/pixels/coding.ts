/** Which transfer syntax is decoded how. Pure. DICOM PS3.5 annex A. */

/** `native`: samples as they are; `deflated`: each frame deflated; `video`: one bitstream for all frames. */
type PixelCoding = 'native' | 'deflated' | 'rle' | 'jpeg' | 'jpeg-ls' | 'jpeg-2000' | 'video';

const codings: Readonly<Record<string, PixelCoding>> = {
  '1.2.840.10008.1.2': 'native',
  '1.2.840.10008.1.2.1': 'native',
  '1.2.840.10008.1.2.1.98': 'native',
  '1.2.840.10008.1.2.1.99': 'native',
  '1.2.840.10008.1.2.2': 'native',
  '1.2.840.10008.1.2.8.1': 'deflated',
  '1.2.840.10008.1.2.5': 'rle',
  // What a JPEG is says its own header: baseline, extended, progressive and lossless are told apart there.
  '1.2.840.10008.1.2.4.50': 'jpeg',
  '1.2.840.10008.1.2.4.51': 'jpeg',
  '1.2.840.10008.1.2.4.53': 'jpeg',
  '1.2.840.10008.1.2.4.55': 'jpeg',
  '1.2.840.10008.1.2.4.57': 'jpeg',
  '1.2.840.10008.1.2.4.70': 'jpeg',
  '1.2.840.10008.1.2.4.80': 'jpeg-ls',
  '1.2.840.10008.1.2.4.81': 'jpeg-ls',
  '1.2.840.10008.1.2.4.90': 'jpeg-2000',
  '1.2.840.10008.1.2.4.91': 'jpeg-2000',
  '1.2.840.10008.1.2.4.201': 'jpeg-2000',
  '1.2.840.10008.1.2.4.202': 'jpeg-2000',
  '1.2.840.10008.1.2.4.203': 'jpeg-2000',
  '1.2.840.10008.1.2.4.100': 'video',
  '1.2.840.10008.1.2.4.101': 'video',
  '1.2.840.10008.1.2.4.102': 'video',
  '1.2.840.10008.1.2.4.103': 'video',
  '1.2.840.10008.1.2.4.104': 'video',
  '1.2.840.10008.1.2.4.105': 'video',
  '1.2.840.10008.1.2.4.106': 'video',
  '1.2.840.10008.1.2.4.107': 'video',
  '1.2.840.10008.1.2.4.108': 'video',
};

/** Whether the pixel data are one stream of video, in which no single frame can be found. */
export function isVideo(transferSyntaxUid: string): boolean {
  return codingOf(transferSyntaxUid) === 'video';
}

/** null: not decoded. The fragmentable kinds of a video (1.2.840.10008.1.2.4.100.1 and so on) are the same streams. */
export function codingOf(transferSyntaxUid: string): PixelCoding | null {
  const uid = /^1\.2\.840\.10008\.1\.2\.4\.10[0-6]\.1$/.test(transferSyntaxUid)
    ? transferSyntaxUid.slice(0, -2)
    : transferSyntaxUid;
  return codings[uid] ?? null;
}
