/** Recordings that a person starts and ends in the browser, however quickly. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { Subject } from 'rxjs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { LiveRoom } from '../pipeline/room.js';
import type { RoomEvent } from '../pipeline/room.js';
import { McapFileReader } from '../record/mcap-reader.js';
import { Recordings } from './recording-control.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-recordings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function setUp(name: string) {
  const events = new Subject<RoomEvent>();
  const recording: boolean[] = [];
  const room = {
    ...{ id: 'r', label: 'R', epochUnixNs: BigInt(Date.now()) * 1_000_000n, sourceUri: 'x', format: null },
    ...{ events$: events, setRecording: (on: boolean) => recording.push(on) },
  } as unknown as LiveRoom;
  const recordings = new Recordings({
    ...{ folder: join(folder, name), version: '0', log: pino({ level: 'silent' }) },
    roomById: () => room,
  });
  return { room, events, recordings, recording };
}

describe('recordings from the browser', () => {
  it('begun again within the same second each have a file of their own', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-29T10:00:00.100Z') });
    try {
      const { room, recordings } = setUp('again');
      const paths: string[] = [];
      for (let n = 0; n < 3; n++) {
        const { path } = await recordings.start(room);
        expect(await recordings.stop(room)).toMatchObject({ path });
        paths.push(path);
      }
      expect(new Set(paths).size).toBe(3);
      expect(readdirSync(join(folder, 'again')).sort()).toEqual([
        'r-2026-11-29T10-00-00Z-1.mcap',
        'r-2026-11-29T10-00-00Z-2.mcap',
        'r-2026-11-29T10-00-00Z.mcap',
      ]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('begun twice at once are one, and ended twice at once end once', async () => {
    const { room, events, recordings, recording } = setUp('twice');
    const started = await Promise.all([recordings.start(room), recordings.start(room)]);
    expect(started[0]).toEqual(started[1]);
    expect(readdirSync(join(folder, 'twice'))).toHaveLength(1);
    expect(recording).toEqual([true]);
    const stopped = await Promise.all([recordings.stop(room), recordings.stop(room)]);
    expect(stopped.map(({ path }) => path).sort()).toEqual(['', started[0]?.path]);
    expect(recording).toEqual([true, false]);
    expect(events.observed).toBe(false);
    // Begun while the last one is still being ended.
    await recordings.start(room);
    const [, next] = await Promise.all([recordings.stop(room), recordings.start(room)]);
    expect(next.path).not.toBe(started[0]?.path);
    await recordings.close();
  });

  it('keep their time when the clock of the computer is put right', async () => {
    const { room, events, recordings } = setUp('clock');
    const { path } = await recordings.start(room);
    const health = (): void =>
      events.next({
        kind: 'health',
        health: {
          ...{
            source: { phase: 'playing' },
            sinceUnixMs: 0,
            capturedFps: 0,
            displayedFps: 0,
            analysedFps: 0,
          },
          ...{
            latencyMs: null,
            frames: { captured: 0, displayed: 0, analysed: 0 },
            engine: null,
            degraded: null,
          },
          drops: { source: 0, 'analysis-queue': 0, 'display-queue': 0, inference: 0, client: 0 },
          ...{ overlayVisible: true, overlayLimitMs: 100, recording: true },
        },
      });
    health();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    try {
      health();
    } finally {
      vi.useRealTimers();
    }
    await recordings.stop(room);
    const reader = await McapFileReader.open(path);
    const times: bigint[] = [];
    for await (const { timeNs } of reader.inFileOrder(new Set(['/r/health']))) times.push(timeNs);
    await reader.close();
    expect(times).toHaveLength(2);
    expect(times[1]).toBeGreaterThanOrEqual(times[0] as bigint);
  });
});
