/** What can be said about a source before a process is started for it. Main process. */
import { open, stat } from 'node:fs/promises';
import { ingestError } from './errors.js';
import type { SourceAddress } from './source-uri.js';

/**
 * @returns the address, with a file that is DICOM by its content named so
 * @throws SONO_SOURCE_MISSING, SONO_SOURCE_FORBIDDEN, SONO_SOURCE_EMPTY
 */
export async function checkSource(address: SourceAddress): Promise<SourceAddress> {
  switch (address.kind) {
    case 'rtsp':
    case 'srt':
    case 'decklink':
    case 'synthetic':
      return address;
    case 'v4l2':
      await stat(address.device).catch((error: unknown) => {
        throw ingestError('SONO_SOURCE_DEVICE_ABSENT', { device: address.device }, error);
      });
      return address;
    case 'folder':
      await stat(address.path).catch((error: unknown) => {
        throw ingestError('SONO_SOURCE_MISSING', { path: address.path }, error);
      });
      return address;
    case 'file':
    case 'dicom':
      return checkFile(address);
  }
}

async function checkFile(
  address: Extract<SourceAddress, { kind: 'file' | 'dicom' }>,
): Promise<SourceAddress> {
  const { path } = address;
  const file = await open(path, 'r').catch((error: unknown) => {
    const code = (error as NodeJS.ErrnoException).code;
    throw code === 'EACCES' || code === 'EPERM'
      ? ingestError('SONO_SOURCE_FORBIDDEN', { path }, error)
      : ingestError('SONO_SOURCE_MISSING', { path }, error);
  });
  try {
    const about = await file.stat();
    if (about.isFile() && about.size === 0) throw ingestError('SONO_SOURCE_EMPTY', { path });
    if (!about.isFile()) return address;
    const head = Buffer.alloc(132);
    const { bytesRead } = await file.read(head, 0, 132, 0);
    const isDicom = bytesRead === 132 && head.toString('latin1', 128) === 'DICM';
    return isDicom ? { kind: 'dicom', path } : address;
  } finally {
    await file.close();
  }
}
