/**
 * The stream of video in a DICOM image where other programs can read it: in the image itself, or, where it is in several fragments,
 * put together in a file without a name. Child process.
 */
import { tmpdir } from 'node:os';
import type { ByteSource } from '../dicom/byte-source.js';
import type { DicomVideo } from '../dicom/cine.js';
import { dicomError } from '../dicom/errors.js';
import { diskRoom } from '../node/disk-room.js';
import { isDiskFull } from '../node/files.js';
import { namelessFile } from '../node/nameless-file.js';
import type { FilePart } from './recorded/tools.js';

export interface VideoFile {
  readonly part: FilePart;
  close(): Promise<void>;
}

const pieceBytes = 4 * 1024 ** 2;

/**
 * The standard has all of a stream in one fragment, up to 4 GB: those are read where they are, without a copy.
 * @param path for the sentences
 * @param onProgress called as bytes are written
 * @throws SONO_DICOM_DISK, SONO_DICOM_DAMAGED
 */
export async function videoFile(
  { source, stream }: Pick<DicomVideo, 'source' | 'stream'>,
  path: string,
  onProgress: () => void,
): Promise<VideoFile> {
  const [first] = stream.parts;
  if (stream.parts.length === 1 && first !== undefined && source.fd !== null)
    return {
      part: { path: openPath(source.fd), start: first.at, end: first.at + first.length },
      close: () => Promise.resolve(),
    };
  const bytes = stream.parts.reduce((sum, part) => sum + part.length, 0);
  const folder = tmpdir();
  const noRoom = (cause?: unknown): Error =>
    dicomError('SONO_DICOM_DISK', { path, folder, megabytes: Math.ceil(bytes / 1024 ** 2) }, cause);
  const { freeBytes, reservedBytes } = await diskRoom(folder);
  if (freeBytes - bytes < reservedBytes) throw noRoom();
  const file = await namelessFile('video');
  try {
    for await (const piece of pieces(source, stream.parts, path)) {
      await file.appendFile(piece);
      onProgress();
    }
  } catch (error) {
    await file.close();
    throw isDiskFull(error) ? noRoom(error) : error;
  }
  return { part: { path: openPath(file.fd), start: 0, end: bytes }, close: () => file.close() };
}

/** Under this name programs of the same user open an open file of this process again, also where it has no other name (Linux). */
const openPath = (fd: number): string => `/proc/${process.pid}/fd/${fd}`;

async function* pieces(
  source: ByteSource,
  parts: DicomVideo['stream']['parts'],
  path: string,
): AsyncGenerator<Uint8Array> {
  for (const { at, length } of parts)
    for (let done = 0; done < length; done += pieceBytes) {
      const wanted = Math.min(pieceBytes, length - done);
      const piece = await source.read(at + done, wanted);
      if (piece.length < wanted)
        throw dicomError('SONO_DICOM_DAMAGED', { path }, 'the file has become shorter');
      yield piece;
    }
}
