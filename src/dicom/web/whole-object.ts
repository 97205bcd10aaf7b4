/** An object that an archive hands out as a whole, which is one question. Any Node thread. */
import type { ArchiveHttp, Question } from './http.js';
import { MultipartError } from './multipart.js';
import { mediaType, partsOf } from './parts.js';
import { isFormRefused } from './refused.js';
import type { Piece, Supply } from './spool.js';

/**
 * The stored bytes, whatever their transfer syntax: without the star Orthanc unpacks JPEG. The others are for archives that do not
 * know the star, or parts.
 */
const accepted = [
  'multipart/related; type="application/dicom"; transfer-syntax=*',
  'multipart/related; type="application/dicom"',
  'application/dicom',
] as const;

export class WholeObject implements Supply {
  constructor(
    readonly http: ArchiveHttp,
    private readonly question: Omit<Question, 'accept'>,
  ) {}

  /** From the beginning each time, because archives know no ranges. @throws MultipartError, SONO_ARCHIVE_* */
  async *pieces(_have: number, signal: AbortSignal): AsyncGenerator<Piece, void, undefined> {
    let refusal: unknown;
    for (const accept of accepted)
      try {
        const answer = await this.http.open({ ...this.question, accept, signal });
        let at = 0;
        let parts = 0;
        for await (const event of partsOf(answer)) {
          if (event.kind === 'part' && (parts += 1) === 1) checkType(mediaType(event.headers));
          if (event.kind !== 'bytes' || parts !== 1) continue;
          yield { at, bytes: event.bytes };
          at += event.bytes.length;
        }
        return;
      } catch (error) {
        if (!isFormRefused(error)) throw error;
        refusal ??= error;
      }
    throw refusal;
  }
}

function checkType(type: string): void {
  if (!['', 'application/dicom', 'application/octet-stream'].includes(type))
    throw new MultipartError(`it sends ${type} for an object`);
}
