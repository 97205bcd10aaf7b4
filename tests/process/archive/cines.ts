/** Small cines as an echo room keeps them in its archive, and a stretch of wire between archive and program that can be cut. */
import { connect, createServer, type Socket } from 'node:net';
import { clipSize, scene, sceneJpeg } from '../replay/fixture.js';
import {
  dicomFile,
  encapsulated,
  explicitLittleEndian,
  jpegBaseline,
  native,
  picture,
  type Fields,
} from '../dicom/fixture.js';

export const study = '1.2.826.0.1.1';
export const series = '1.2.826.0.1.1.2';
export const instanceOf = (number: number): string => `${series}.${number}`;

export function about(number: number, more: Fields): Fields {
  return {
    '00080005': ['CS', 'ISO_IR 100'],
    '00080016': ['UI', uid('1.2.840.10008.5.1.4.1.1.3.1')],
    '00080018': ['UI', uid(instanceOf(number))],
    '00080020': ['DA', '20260102'],
    '00080060': ['CS', 'US'],
    '00081030': ['LO', 'Echo TTE'],
    '0008103e': ['LO', 'A4C'],
    // Latin-1, as the character set says.
    '00100010': ['PN', 'M\u00fcller^\u00c4nne'],
    '00100020': ['LO', 'P-17'],
    '00181063': ['DS', '40'],
    '0020000d': ['UI', uid(study)],
    '0020000e': ['UI', uid(series)],
    '00200011': ['IS', '1'],
    '00200013': ['IS', String(number)],
    ...more,
  };
}

/** Identifiers of odd length end with a zero. */
const uid = (text: string): string => text + (text.length % 2 === 0 ? '' : '\0');

const { width, height } = clipSize;

export async function jpegCine(number: number, frames: number, more: Fields = {}): Promise<Buffer> {
  const pictures = await Promise.all(Array.from({ length: frames }, (_, index) => sceneJpeg(index)));
  return dicomFile(
    jpegBaseline,
    picture(width, height, 'YBR_FULL_422', about(number, { '00280008': ['IS', String(frames)], ...more })),
    encapsulated(pictures),
  );
}

export function rawCine(number: number, frames: number, more: Fields = {}): Buffer {
  const samples = Array.from({ length: frames }, (_, index) => scene(index, clipSize));
  return dicomFile(
    explicitLittleEndian,
    picture(width, height, 'RGB', about(number, { '00280008': ['IS', String(frames)], ...more })),
    native(Buffer.concat(samples)),
  );
}

/** A stream of video of `clipSize`. @param pieces fragments */
export function videoCine(
  number: number,
  syntax: string,
  pieces: readonly Uint8Array[],
  more: Fields,
): Buffer {
  const fields = about(number, { '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.77.1.1.1'], ...more });
  return dicomFile(syntax, picture(width, height, 'YBR_PARTIAL_420', fields), encapsulated(pieces));
}

/** A still picture, which is no cine. */
export const still = (number: number, more: Fields = {}): Buffer => rawCine(number, 1, more);

export interface Wire extends AsyncDisposable {
  readonly port: number;
  /** Connections so far. */
  readonly connections: number;
}

/** @param passes bytes that the n-th connection (from 1) lets through from the archive before it is cut; a promise holds the rest back, or cuts where it becomes 'cut' */
export async function wire(
  to: number,
  passes: (connection: number) => { readonly bytes: number; readonly then?: 'cut' | Promise<unknown> },
): Promise<Wire> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((near) => {
    const { bytes, then = 'cut' } = passes(++connections);
    const far = connect(to, '127.0.0.1');
    sockets.add(near).add(far);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    near.pipe(far);
    let left = bytes;
    void (async () => {
      try {
        for await (const piece of far as AsyncIterable<Buffer>) {
          const part = piece.subarray(0, left);
          left -= part.length;
          near.write(part);
          if (part.length === piece.length) continue;
          if ((await then) === 'cut') {
            // What was let through arrives; a reset would take it back.
            near.destroySoon();
            return;
          }
          left = Infinity;
          near.write(piece.subarray(part.length));
        }
        near.end();
      } catch {
        near.destroy();
      }
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
