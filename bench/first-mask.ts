/** From a click to the first mask: what a person waits for who points at something while the stream runs. */
import { performance } from 'node:perf_hooks';
import WebSocket from 'ws';
import { SonoscopeClient } from '../src/protocol/client.js';
import { ptsFromWireTime } from '../src/protocol/channels.js';
import type { Point } from '../src/vocabulary/prompt.js';

/**
 * Clicks `count` times, each on the newest picture received, at changing moments within the frame interval; the new object is
 * removed before the next click. Gives the milliseconds from sending the click to having the mask, transport included.
 */
export async function measureFirstMask(
  pageUrl: string,
  stream: string,
  points: readonly Point[],
  count: number,
): Promise<readonly number[]> {
  const client = new SonoscopeClient({
    url: new URL('ws', pageUrl.replace(/^http/, 'ws')).href,
    connect: (address, protocols) => new WebSocket(address, [...protocols]),
  });
  try {
    const { streams } = await client.call('streams.list', {});
    const room = streams.find(({ id }) => id === stream);
    if (!room) throw new Error(`there is no stream "${stream}"`);
    let newestPtsNs: number | null = null;
    client.subscribe(stream, 'video', ({ timestampNs }) => {
      newestPtsNs = ptsFromWireTime(BigInt(room.epochUnixNs), timestampNs);
    });
    client.subscribe(stream, 'segmentation', () => undefined);
    const waits: number[] = [];
    for (let click = 0; click < count; click += 1) {
      // A third of a second plus steps of 7 ms, so that clicks fall on every part of the 40 ms frame interval.
      await new Promise((resolve) => setTimeout(resolve, 330 + ((click * 7) % 40)));
      const point = points[click % points.length] as Point;
      const startMs = performance.now();
      const { objectId, segmentation } = await client.call('prompt', {
        stream,
        ptsNs: newestPtsNs,
        prompts: [{ type: 'click', point: [...point], positive: true }],
      });
      waits.push(performance.now() - startMs);
      if (objectId === null || !segmentation?.objects.some(({ id }) => id === objectId))
        throw new Error('a click brought no mask');
      await client.call('remove', { stream, objectId });
    }
    return waits;
  } finally {
    client.close();
  }
}
