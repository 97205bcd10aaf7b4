/** Whoever sent a request, as a signal that is aborted when they leave before the answer has gone out. Main process. */
import type { ServerResponse } from 'node:http';

export function askerOf(response: ServerResponse): AbortSignal {
  const asker = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) asker.abort();
  });
  return asker.signal;
}
