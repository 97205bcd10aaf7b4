/**
 * A cine that is read while it still arrives: its first pictures are there long before its last byte. What has arrived is looked at
 * like a file that was cut off, again as it grows, so that the one reader decides where each frame lies. The header comes
 * from these bytes too, not from the archive's metadata: those lack the transfer syntax, have palettes and long values elsewhere,
 * and are re-coded. Child process of a source.
 */
import { SonoError } from '../../vocabulary/errors.js';
import type { ByteSource } from '../byte-source.js';
import { cineOf, openImage, type DicomCine, type DicomVideo } from '../cine.js';
import { openDicom, type DicomFile } from '../data-set-file.js';
import type { StoredPixels } from '../image.js';
import { isVideo } from '../pixels/coding.js';
import { indexPixels, type PixelIndex } from '../pixel-index.js';
import type { Spool } from './spool.js';

/** What is waited for before the header is looked for. */
const firstBytes = 4096;
/** The least by which it must grow to be looked at again, and the part of what is there. */
const leastGrowth = 4096;
const growth = 1 / 16;

/**
 * @param path for the sentences
 * @throws the codes of openCine, SONO_ARCHIVE_*
 */
export async function openGrowingCine(spool: Spool, path: string): Promise<DicomCine | DicomVideo> {
  const header = await arrivedHeader(spool, path);
  const promised = header?.set.number(0x00280008, 'DS') ?? 0;
  // A stream of video has no frames of its own, and without their number nothing says where the last one ends.
  const isStream = header !== null && isVideo(header.transferSyntaxUid);
  if (header === null || isStream || !Number.isInteger(promised) || promised < 2)
    return openImage(spool.upTo(await spool.whole()), path);
  return cineOf(header, (pixels) => growingIndex(spool, header, pixels, promised));
}

/**
 * The header as soon as all of it is there; null where it cannot be read before the whole object is there.
 * @throws SONO_ARCHIVE_*
 */
export async function arrivedHeader(spool: Spool, path: string): Promise<DicomFile | null> {
  for (let wanted = firstBytes; ;) {
    const { bytes, isWhole } = await spool.arrived(wanted);
    if (isWhole) return null;
    const source = spool.upTo(bytes);
    const file = await openDicom(source, path).catch((error: unknown) => {
      // Cut off, as far as this part can tell.
      if (error instanceof SonoError) return null;
      throw error;
    });
    // What is deflated is unpacked as a whole.
    if (file !== null && file.source !== source) return null;
    if (file !== null && file.pixels !== null) return file;
    wanted = bytes * 2;
  }
}

async function growingIndex(
  spool: Spool,
  file: DicomFile,
  pixels: StoredPixels,
  promised: number,
): Promise<PixelIndex> {
  let index: PixelIndex | null = null;
  // One state for both: more may arrive while this is looked at.
  let { bytes, isWhole } = spool.state;
  const look = async (): Promise<void> => {
    ({ bytes, isWhole } = spool.state);
    const source: ByteSource = spool.upTo(bytes);
    index = await indexPixels({ ...file, source }, pixels, promised, isWhole).catch((error: unknown) => {
      if (isWhole) throw error;
      return null;
    });
  };
  await look();
  return {
    frameCount: promised,
    get extraFrames() {
      return index?.extraFrames ?? 0;
    },
    // Of what is there so far: that there are any tells encapsulated pixel data.
    fragments: (index as PixelIndex | null)?.fragments ?? null,
    async read(frame) {
      while (!isWhole && frame >= certainFrames(index, promised)) {
        await spool.arrived(bytes + Math.max(leastGrowth, Math.ceil(bytes * growth)));
        await look();
      }
      return index === null ? new Uint8Array(0) : index.read(frame);
    },
  };
}

/**
 * Frames whose place cannot change any more. Of fragments, the last frame may go on; and as many as there are frames may be one
 * for each, or half of two for each.
 */
function certainFrames(index: PixelIndex | null, promised: number): number {
  if (index === null) return 0;
  if (index.fragments === null) return index.frameCount;
  return index.frameCount < promised ? index.frameCount - 1 : 0;
}
