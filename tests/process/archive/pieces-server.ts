/** An archive that gives objects only in some of the ways of PS3.18, as real ones do; made of the parts of one file. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { instanceOf, series, study } from './cines.js';

export interface PiecesServer extends AsyncDisposable {
  /** Address of the cine with number 1. */
  readonly uri: string;
  readonly port: number;
  /** Paths behind the root, in the order in which they were asked for. */
  readonly asked: string[];
}

export interface Pieces {
  /** DICOM JSON of the object. */
  readonly metadata: object | null;
  readonly frames: readonly Uint8Array[];
  /** Content-Type of a frame; '' for none. */
  readonly type: string;
  readonly whole?: Uint8Array;
  /** Several frames to one question. Default: they are. */
  readonly lists?: boolean;
  /** A frame alone comes without being a part of something. */
  readonly plain?: boolean;
  /** Answers otherwise; true where it has. */
  readonly first?: ((question: IncomingMessage, answer: ServerResponse, path: string) => boolean) | undefined;
}

export async function piecesServer(pieces: Pieces): Promise<PiecesServer> {
  const { metadata, frames, type, whole, lists = true, plain = false, first } = pieces;
  const asked: string[] = [];
  const object = `/studies/${study}/series/${series}/instances/${instanceOf(1)}`;
  const server = createServer((question, answer) => {
    const path = (question.url ?? '').replace(/^\/root/, '');
    asked.push(path);
    const refuse = (status: number): void =>
      void answer.writeHead(status, { 'content-type': 'text/html' }).end('<p>no');
    if (first?.(question, answer, path) === true) return;
    if (path === object)
      return whole === undefined
        ? refuse(406)
        : void answer.writeHead(200, { 'content-type': 'application/dicom' }).end(whole);
    if (path === `${object}/metadata`)
      return metadata === null
        ? refuse(404)
        : void answer
            .writeHead(200, { 'content-type': 'application/dicom+json' })
            .end(JSON.stringify([metadata]));
    const numbers = /^(.*)\/frames\/([\d,]+)$/.exec(path);
    if (numbers?.[1] !== object) return refuse(404);
    const wanted = (numbers[2] ?? '').split(',').map((number) => frames[Number(number) - 1]);
    if (wanted.includes(undefined)) return refuse(404);
    if (wanted.length > 1 && !lists) return refuse(400);
    if (plain && wanted.length === 1) {
      answer.writeHead(200, type === '' ? {} : { 'content-type': type });
      return void answer.end(wanted[0]);
    }
    answer.writeHead(200, {
      'content-type': `multipart/related; type="${type.split(';')[0]}"; boundary=xyz`,
    });
    for (const frame of wanted) {
      answer.write(`--xyz\r\n${type === '' ? '' : `Content-Type: ${type}\r\n`}\r\n`);
      answer.write(frame);
      answer.write('\r\n');
    }
    answer.end('--xyz--\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    uri: `dicomweb://127.0.0.1:${port}/root${object}`,
    port,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
