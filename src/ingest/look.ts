/**
 * Has a path looked at by another process, because the main process must not do it itself: libuv has four threads for files, a
 * share that hangs blocks one of them, and four such looks would block every file of the program and its exit. Main process.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { builtModule } from '../node/built-module.js';
import { ingestError } from './errors.js';
import type { FolderContents } from './folder-contents.js';
import { isSourceCode, sourceError } from './source-codes.js';
import type { LookAnswer } from './look-process.js';

const limitSeconds = 20;

/**
 * Resolves where there is a regular file that can be read.
 * @param signal gives the look up; the promise then rejects with its reason
 * @throws SONO_SOURCE_MISSING, SONO_SOURCE_FORBIDDEN, SONO_SOURCE_EMPTY, SONO_SOURCE_NOT_VIDEO, SONO_SOURCE_NO_PROCESS,
 *   SONO_SOURCE_NO_ANSWER after 20 s
 */
export async function lookAtFile(path: string, signal?: AbortSignal): Promise<void> {
  await look(path, 'file', signal);
}

/**
 * The recordings in a folder and in its folders, as far as a person reads such a list.
 * @param signal gives the look up; the promise then rejects with its reason
 * @throws SONO_SOURCE_NO_FOLDER, SONO_SOURCE_FORBIDDEN, SONO_SOURCE_NO_PROCESS, SONO_SOURCE_NO_ANSWER after 20 s
 */
export async function lookIntoFolder(path: string, signal?: AbortSignal): Promise<FolderContents> {
  const answer = await look(path, 'folder', signal);
  return answer.outcome === 'listed' ? answer : { clips: [], skipped: [], more: false };
}

type Found = Exclude<LookAnswer, { outcome: 'refused' }>;

function look(path: string, what: 'file' | 'folder', signal: AbortSignal | undefined): Promise<Found> {
  return new Promise((resolve, reject) => {
    const noProcess = (cause: unknown): Error => ingestError('SONO_SOURCE_NO_PROCESS', { uri: path }, cause);
    signal?.throwIfAborted();
    let child;
    try {
      child = spawn(process.execPath, [fileURLToPath(builtModule('src/ingest/look-process')), path, what], {
        stdio: ['pipe', 'pipe', 'ignore'],
        env: { ...process.env, NODE_OPTIONS: '' },
      });
    } catch (error) {
      reject(noProcess(error));
      return;
    }
    const { stdin, stdout } = child;
    const said: Buffer[] = [];
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', leave);
      child.kill('SIGKILL');
    };
    const leave = (): void => {
      settle();
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      settle();
      reject(
        ingestError('SONO_SOURCE_NO_ANSWER', {
          uri: path,
          seconds: limitSeconds,
          what: 'the disk or share on which it lies',
        }),
      );
    }, limitSeconds * 1000);
    signal?.addEventListener('abort', leave, { once: true });
    child.on('error', (error) => {
      settle();
      reject(noProcess(error));
    });
    // There is no pipe where no process could be started.
    (stdin as typeof stdin | undefined)?.on('error', () => undefined);
    (stdout as typeof stdout | undefined)?.on('data', (chunk: Buffer) => said.push(chunk));
    child.on('close', () => {
      settle();
      const text = Buffer.concat(said).toString();
      const answer = parseAnswer(text);
      if (answer === null) reject(noProcess(new Error(`it said "${text.slice(0, 200)}"`)));
      else if (answer.outcome !== 'refused') resolve(answer);
      else if (isSourceCode(answer.code)) reject(sourceError(answer.code, answer.details));
      else reject(ingestError('SONO_SOURCE_MISSING', { path }));
    });
  });
}

function parseAnswer(text: string): LookAnswer | null {
  try {
    return JSON.parse(text) as LookAnswer;
  } catch {
    return null;
  }
}
