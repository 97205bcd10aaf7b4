/**
 * The child process of one stream: owns everything native, sends records to its parent over file descriptor 3 and hears it on
 * standard input, which stays open for as long as the parent wants this process. It lives until its source ends or fails, its
 * parent closes standard input, or it is killed.
 */
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { failureOf } from './bus-errors.js';
import { FrameWriter } from './frame-writer.js';
import type { ChildRequest, ParentMessage } from './messages.js';
import { openFeed } from './open-feed.js';
import { checkSource } from './preflight.js';
import { Session } from './session.js';
import { isFed, isLive } from './source-uri.js';

let session: Session | null = null;

/** process.exit hangs after some failed starts of the addon, so the last word is a signal. */
function leave(): void {
  process.kill(process.pid, 'SIGKILL');
}

function stop(): void {
  if (session === null) leave();
  else session.stop();
}

async function open(request: ChildRequest, writer: FrameWriter): Promise<void> {
  // Here and not in the main process: a share that hangs holds this process only.
  const address = await checkSource(request.address);
  const feed = isFed(address)
    ? await openFeed(address, request.resume, () => writer.message({ kind: 'opening' }))
    : null;
  session = new Session({ ...request, address }, feed, writer, (pipeline) => {
    // A camera's session and a card are given back; a file has nothing of the kind, and stopping may wait for ever.
    if (isLive(address)) pipeline.stop();
    leave();
  });
  await session.start();
}

function begin(request: ChildRequest): void {
  const pipe = new Socket({ fd: 3, readable: false, writable: true });
  // The parent is gone or has let go of the pipe: there is nobody to work for.
  pipe.on('error', leave);
  const writer = new FrameWriter(pipe, request.mode);
  open(request, writer).catch((error: unknown) => {
    writer.message({ kind: 'failed', ...failureOf(error, request.address) });
    void writer.end().then(leave);
  });
}

// Ctrl-C reaches the whole process group; the parent decides when this process ends.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', stop);
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const message = JSON.parse(line) as ParentMessage;
    if (message.kind === 'open') begin(message.request);
    else session?.join(message.place);
  })
  .on('close', stop);
