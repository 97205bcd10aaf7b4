/** A viewer without a screen: subscribes to every channel of every room and counts what it gets. */
import WebSocket from 'ws';
import { SonoscopeClient } from '../src/protocol/client.js';

interface Viewer {
  /** Pictures received. */
  readonly frames: number;
  close(): void;
}

export function openViewer(pageUrl: string): Promise<Viewer> {
  const url = new URL('ws', pageUrl.replace(/^http/, 'ws')).href;
  let frames = 0;
  return new Promise((resolve) => {
    const seen = new Set<string>();
    const client = new SonoscopeClient({
      url,
      connect: (address, protocols) => new WebSocket(address, [...protocols]),
      onChannels: (channels) => {
        for (const { topic } of channels) {
          if (seen.has(topic)) continue;
          seen.add(topic);
          client.subscribeRaw(topic, () => {
            if (topic.endsWith('/video')) frames += 1;
          });
        }
        if (channels.length > 0)
          resolve({
            get frames() {
              return frames;
            },
            close: () => client.close(),
          });
      },
    });
  });
}
