/**
 * The painting worker: holds the one connection to the server, decodes and paints every room of the page. One worker
 * for all rooms: browsers decode JPEG on their own threads, what is left per picture is one drawImage
 * (docs/decisions/0031-one-painting-worker.md has the figures). Nothing here touches the page; see messages.ts.
 */
import '../core/zod-without-eval.js';
import { msg } from '../core/texts.js';
import { SonoscopeClient } from '../../../src/protocol/client.js';
import type { ConnectionState } from '../../../src/protocol/client.js';
import { parseTopic, ptsFromWireTime } from '../../../src/protocol/channels.js';
import type { MeasurementMessage } from '../../../src/protocol/messages.js';
import { promptToWire } from '../../../src/protocol/requests.js';
import type { StreamInfo } from '../../../src/protocol/requests.js';
import { SonoError } from '../../../src/vocabulary/errors.js';
import { GestureLeases } from './gesture-leases.js';
import type { FromWorker, ToWorker } from './messages.js';
import { Surface } from './surface.js';

declare const self: DedicatedWorkerGlobalScope;

const post = (message: FromWorker, transfer: Transferable[] = []): void =>
  self.postMessage(message, transfer);

const surfaces = new Map<number, Surface>();
const watched = new Map<string, readonly (() => void)[]>();
/** What each stream's health said of its source last. With another source its size and scale are asked for again. */
const sources = new Map<string, string>();
/** How many sources each stream had shown by then. */
const shownSources = new Map<string, number>();
/** How to end each topic that the page watches. */
const topics = new Map<string, () => void>();
/** Measurements that the page has not been told of, by stream: one message per refresh, not one per value. */
const measured = new Map<string, MeasurementMessage[]>();
let client: SonoscopeClient | null = null;
const leases = new GestureLeases(() => client);
let infos: readonly StreamInfo[] = [];
/** A new server may have another clock. This number of pings replaces every sample that was taken with the old one. */
const pingsAtStart = 32;
const pingsLater = 4;
const pingEveryMs = 5000;

function connect(url: string): void {
  client?.close();
  client = new SonoscopeClient({
    url,
    connect: (address, protocols) => new WebSocket(address, [...protocols]),
    onState: onLink,
    onChannels: (channels) => {
      const streams = new Set<string>();
      for (const { topic } of channels) {
        const parsed = parseTopic(topic);
        if (parsed?.kind === 'video') streams.add(parsed.streamId);
      }
      watch(streams);
      post({ type: 'streams', streams: [...streams] });
      void refreshInfos();
    },
    onStatus: ({ level, message, code }) => post({ type: 'remark', level, message, code }),
    backOffMs: { first: 250, longest: 3000 },
  });
}

function onLink(state: ConnectionState): void {
  post({
    type: 'link',
    state: state.phase === 'open' ? { phase: 'open', serverName: state.serverName } : state,
  });
  if (state.phase === 'open') void syncClock(pingsAtStart);
  else for (const surface of surfaces.values()) surface.disconnected();
}

async function syncClock(pings: number): Promise<void> {
  try {
    await client?.syncClock(pings);
  } catch {
    // The server does not know this operation, or the connection broke: ages are then not shown.
  }
}

async function refreshInfos(): Promise<void> {
  try {
    const answer = await client?.call('streams.list', {});
    if (!answer) return;
    infos = answer.streams;
    post({ type: 'infos', infos });
  } catch {
    // The server does not know this operation, or the connection broke: then only the ids of its streams are known.
  }
}

/** Health and measurements of every stream, for the grid and the strip. */
function watch(streams: ReadonlySet<string>): void {
  const present = client;
  if (!present) return;
  for (const [stream, ends] of watched)
    if (!streams.has(stream)) {
      for (const end of ends) end();
      watched.delete(stream);
    }
  for (const stream of streams) {
    if (watched.has(stream)) continue;
    watched.set(stream, [
      present.subscribe(stream, 'health', (health) => {
        const source = JSON.stringify([health.sourceUri, health.sourcePhase, health.sourceSize]);
        if (source !== sources.get(stream)) void refreshInfos();
        sources.set(stream, source);
        const shown = health.sources;
        if (shown !== (shownSources.get(stream) ?? shown))
          for (const surface of surfaces.values()) if (surface.stream === stream) surface.sourceChanged();
        shownSources.set(stream, shown);
        post({ type: 'health', stream, health });
      }),
      present.subscribe(stream, 'measurements', (measurement) => {
        const waiting = measured.get(stream);
        if (waiting) waiting.push(measurement);
        else measured.set(stream, [measurement]);
      }),
    ]);
  }
}

/** The code and the sentence of a refused request, as the server wrote them where it wrote some. */
function refusalOf(error: unknown): { readonly code: string; readonly message: string } {
  const known: SonoError | null = error instanceof SonoError ? error : null;
  const serverSays = (part: 'code' | 'message'): string | null => {
    const text = known?.details[part];
    return typeof text === 'string' && text !== '' ? text : null;
  };
  return {
    code: serverSays('code') ?? known?.code ?? 'SONO_REQUEST_FAILED',
    message: serverSays('message') ?? (error instanceof Error ? error.message : String(error)),
  };
}

/** Asks the server and tells the page what it said. */
async function answer(call: number, ask: (present: SonoscopeClient) => Promise<unknown>): Promise<void> {
  try {
    if (!client) throw new Error(msg('There is no connection to the server yet.'));
    post({ type: 'answer', call, body: await ask(client) });
  } catch (error) {
    post({ type: 'refusal', call, ...refusalOf(error) });
  }
}

async function prompt(
  present: SonoscopeClient,
  surface: Surface,
  { gesture, objectId, label, prompts }: Extract<ToWorker, { readonly type: 'prompt' }>,
): Promise<unknown> {
  const { stream } = surface;
  surface.gestureOver(gesture);
  const startMs = performance.now();
  await leases.settled(gesture);
  const ptsNs = await ptsOfGesture(surface, gesture);
  const body = { stream, ptsNs, objectId, label, prompts: prompts.map(promptToWire) };
  const reply = await present.call('prompt', body);
  if (reply.objectId !== null && reply.segmentation)
    surface.showFirstMask(gesture, reply.objectId, reply.segmentation, performance.now() - startMs);
  return reply;
}

/** The picture that a gesture refers to, null where none was on screen. */
async function ptsOfGesture(surface: Surface, gesture: number): Promise<string | null> {
  const timeNs = surface.gestureTimeNs(gesture);
  return timeNs === null ? null : ptsOf(surface.stream, timeNs);
}

/** Wire time → nanoseconds on the stream's clock. The stream's epoch comes with the list of streams. */
async function ptsOf(stream: string, timeNs: bigint): Promise<string | null> {
  if (!infos.some((info) => info.id === stream)) await refreshInfos();
  const info = infos.find((one) => one.id === stream);
  return info ? String(ptsFromWireTime(BigInt(info.epochUnixNs), timeNs)) : null;
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case 'connect':
      connect(data.url);
      return;
    case 'attach':
      if (client) surfaces.set(data.surface, new Surface(data, client, post));
      return;
    case 'resize':
      surfaces.get(data.surface)?.resize(data.size, data.unit);
      return;
    case 'view':
      surfaces.get(data.surface)?.view(data.view);
      return;
    case 'look':
      surfaces.get(data.surface)?.look(data.look);
      return;
    case 'detach':
      surfaces.get(data.surface)?.close();
      surfaces.delete(data.surface);
      return;
    case 'gesture': {
      const surface = surfaces.get(data.surface);
      if (!surface) return;
      surface.gesture(data.gesture, data.atEpochMs, data.stillAfterMs);
      leases.begin(data.gesture, {
        stream: surface.stream,
        ptsNs: () => ptsOfGesture(surface, data.gesture),
        onRefused: (error) => {
          const { code, message } = refusalOf(error);
          post({ type: 'remark', level: 1, message, code });
        },
      });
      return;
    }
    case 'gesture-end':
      surfaces.get(data.surface)?.gestureOver(data.gesture);
      leases.end(data.gesture);
      return;
    case 'prompt':
      void answer(data.call, (present) => {
        const surface = surfaces.get(data.surface);
        if (!surface) throw new Error(msg('This picture is not shown any more.'));
        return prompt(present, surface, data);
      }).finally(() => leases.end(data.gesture));
      return;
    case 'hold':
      surfaces.get(data.surface)?.hold(data.on);
      return;
    case 'pick':
      surfaces.get(data.surface)?.pick(data.x, data.y);
      return;
    case 'watch-topic': {
      const { topic } = data;
      const end = client?.subscribeJson(topic, (value) => post({ type: 'topic', topic, value }));
      if (end) topics.set(topic, end);
      return;
    }
    case 'unwatch-topic':
      topics.get(data.topic)?.();
      topics.delete(data.topic);
      return;
    case 'call':
      void answer(data.call, (present) => present.call(data.name, data.request as never));
      return;
    case 'measure':
      surfaces.get(data.surface)?.startMeasuring(data.kind, data.frames);
      return;
    case 'measure-stop':
      surfaces.get(data.surface)?.stopMeasuring();
      return;
  }
};

const tellMeasurements = (): void => {
  for (const [stream, measurements] of measured) post({ type: 'measurements', stream, measurements });
  measured.clear();
};

const refresh = (): void => {
  tellMeasurements();
  for (const surface of surfaces.values()) surface.refresh();
  self.requestAnimationFrame(refresh);
};
self.requestAnimationFrame(refresh);
setInterval(() => {
  // A hidden page has no refreshes, and still must not miss a heart beat.
  tellMeasurements();
  for (const surface of surfaces.values()) surface.sendStats();
}, 500);
setInterval(() => {
  if (client?.state.phase === 'open') void syncClock(pingsLater);
}, pingEveryMs);
