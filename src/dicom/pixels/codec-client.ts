/** Asks the thread of the codecs, one frame at a time, and ends it when a frame has broken it. Child process of a source. */
import { Worker } from 'node:worker_threads';
import { builtModule } from '../../node/built-module.js';
import type { CodecAnswer, CodecRequest } from './codec-messages.js';
import { DamagedFrame } from './damaged-frame.js';

/** The slowest codec takes a third of a microsecond for a pixel of noise. */
const patienceMs = (pixels: number): number => 5000 + pixels / 1000;
/** Frames that may wait; whoever asks for more of one source at once has lost count. */
const mostWaiting = 16;

export class CodecClient {
  #thread: Worker | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /**
   * @returns samples as `CodecAnswer` describes them
   * @throws DamagedFrame
   */
  async decode(request: CodecRequest): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#waiting >= mostWaiting) throw new Error(`${mostWaiting} frames wait for the codec`);
    this.#waiting += 1;
    const turn = this.#last.then(() => this.#ask(request));
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting -= 1;
    }
  }

  close(): void {
    void this.#thread?.terminate();
    this.#thread = null;
  }

  async #ask(request: CodecRequest): Promise<Uint8Array<ArrayBuffer>> {
    const answer = await this.#answerOf(request);
    if ('samples' in answer) return answer.samples;
    // What a codec leaves behind after an error is not known: the next frame gets a new one.
    this.close();
    throw new DamagedFrame(answer.damage);
  }

  #answerOf(request: CodecRequest): Promise<CodecAnswer> {
    const thread = (this.#thread ??= startThread());
    return new Promise((resolve) => {
      const settle = (answer: CodecAnswer): void => {
        clearTimeout(timer);
        thread.removeAllListeners('message').removeAllListeners('exit').removeAllListeners('error');
        // A thread that is being ended may still have something to say, to nobody.
        thread.on('error', () => undefined);
        resolve(answer);
      };
      const timer = setTimeout(
        () => settle({ damage: 'the codec does not come to an end' }),
        patienceMs(request.width * request.height),
      );
      thread.once('message', settle);
      thread.removeAllListeners('error');
      thread.once('error', (error) => settle({ damage: String(error) }));
      thread.once('exit', () => settle({ damage: 'the codec has ended' }));
      thread.postMessage(request, [request.stream.buffer]);
    });
  }
}

function startThread(): Worker {
  const thread = new Worker(builtModule('src/dicom/pixels/codec-thread'), { name: 'codecs', execArgv: [] });
  // A source that is done does not wait for it.
  thread.unref();
  return thread;
}
