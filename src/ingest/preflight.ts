/**
 * What can be said about a source before anything is started for it. It looks at files, which may take for ever on a share that
 * hangs, so it runs in the source's own process or in look-process.ts, never in the main process.
 */
import { constants } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { looksLikeDicom, tellingBytes } from '../dicom/data-set-file.js';
import { holdsDicom } from '../dicom/series-folder.js';
import { ingestError } from './errors.js';
import { pictureNames } from './picture-order.js';
import { fileAddress, folderAddress, splitOptions, type SourceAddress } from './source-uri.js';

type PathAddress = Extract<SourceAddress, { kind: 'file' | 'dicom' }>;

/**
 * @returns the address, with a folder of pictures, one of a DICOM series and a file that is DICOM by its content named so
 * @throws SONO_SOURCE_MISSING, SONO_SOURCE_FORBIDDEN, SONO_SOURCE_EMPTY, SONO_SOURCE_NOT_VIDEO, SONO_SOURCE_URI (options of
 *   a folder), SONO_SOURCE_DEVICE_ABSENT
 */
export async function checkSource(address: SourceAddress): Promise<SourceAddress> {
  switch (address.kind) {
    case 'v4l2':
      await stat(address.device).catch((error: unknown) => {
        throw ingestError('SONO_SOURCE_DEVICE_ABSENT', { device: address.device }, error);
      });
      return address;
    case 'folder':
    case 'series':
      await stat(address.path).catch((error: unknown) => {
        throw ingestError('SONO_SOURCE_MISSING', { path: address.path }, error);
      });
      return address;
    case 'file':
    case 'dicom':
      return checkPath(address);
    default:
      return address;
  }
}

/** A path is taken literally; only where nothing is there may "?fps=" or "?deinterlace=" be options. */
async function checkPath(address: PathAddress): Promise<SourceAddress> {
  const { path } = address;
  const about = await stat(path).catch((error: unknown) => notThere(path, error));
  if (about instanceof Error) {
    const split = splitOptions(path);
    const found = split && (await stat(split.path).catch(() => null));
    if (split === null || found === null) throw about;
    if (found.isDirectory()) return checkFolder(folderAddress(split.path, split.options));
    return checkPath(fileAddress(split.path, split.options));
  }
  if (about.isDirectory()) return checkFolder(folderAddress(path, ''));
  // A pipe, a socket or a device would be waited for without an end, and has no pictures that can be found again.
  if (!about.isFile()) throw ingestError('SONO_SOURCE_NOT_VIDEO', { path });
  return checkFile(address);
}

/** Where there are no pictures, but DICOM files, these are meant. */
async function checkFolder(
  address: Extract<SourceAddress, { kind: 'folder' | 'series' }>,
): Promise<SourceAddress> {
  const { path, kind } = address;
  const names = await readdir(path).catch((error: unknown) => {
    throw notThere(path, error);
  });
  if (kind === 'series' || pictureNames(names).length > 0 || !(await holdsDicom(path))) return address;
  return { kind: 'series', path, series: null, part: 1 };
}

function notThere(path: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'EACCES' || code === 'EPERM'
    ? ingestError('SONO_SOURCE_FORBIDDEN', { path }, error)
    : ingestError('SONO_SOURCE_MISSING', { path }, error);
}

async function checkFile(address: PathAddress): Promise<SourceAddress> {
  const { path } = address;
  // Opened without waiting, because the file may have become a pipe since it was looked at.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw notThere(path, error);
  });
  try {
    if ((await file.stat()).size === 0) throw ingestError('SONO_SOURCE_EMPTY', { path });
    const { buffer, bytesRead } = await file.read(Buffer.alloc(tellingBytes), 0, tellingBytes, 0);
    return looksLikeDicom(buffer.subarray(0, bytesRead)) ? { kind: 'dicom', path } : address;
  } finally {
    await file.close();
  }
}
