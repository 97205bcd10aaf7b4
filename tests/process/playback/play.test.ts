/** A recording as a room: pictures with their own masks, pause, jumps, steps, speed; served like a live one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { playbackStateSchema } from '../../../src/protocol/playback-requests.js';
import type { PlaybackState } from '../../../src/protocol/playback-requests.js';
import { playbackServices, playbackTopics } from '../../../src/playback/playback-services.js';
import type { FrameResult } from '../../../src/engine/engine.js';
import type { DisplayFrame } from '../../../src/vocabulary/frame.js';
import { PlaybackRoom } from '../../../src/playback/playback-room.js';
import type { RoomEvent } from '../../../src/pipeline/room.js';
import { exampleOf } from '../../../src/protocol/fields.js';
import { operations, transfers } from '../../../src/protocol/operations.js';
import { addressOf } from '../../../src/protocol/shell-lines.js';
import { decodeMeasurement } from '../../../src/protocol/messages.js';
import { McapFileReader } from '../../../src/record/mcap-reader.js';
import { RoomRegistry, startServer } from '../../../src/server/index.js';
import type { RunningServer } from '../../../src/server/index.js';
import { dropped, frames, recordRoom } from '../record/fixture.js';
import { clipSize } from '../replay/fixture.js';
import { clientOf, silent } from '../server/fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'sono-play-'));
const recording = join(folder, 'case.mcap');
const rooms: PlaybackRoom[] = [];
const frameMs = 40;

beforeAll(() => recordRoom(recording));
afterEach(async () => {
  for (const room of rooms.splice(0)) await room.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Seen {
  readonly pictures: DisplayFrame[];
  readonly results: FrameResult[];
  readonly measured: Extract<RoomEvent, { kind: 'measurement' }>[];
}

async function open(paused: boolean, path = recording): Promise<{ room: PlaybackRoom; seen: Seen }> {
  const room = await PlaybackRoom.open(path, null, { paused });
  rooms.push(room);
  const seen: Seen = { pictures: [], results: [], measured: [] };
  room.events$.subscribe((event) => {
    if (event.kind === 'display') seen.pictures.push(event.frame);
    if (event.kind === 'result') seen.results.push(event.result);
    if (event.kind === 'measurement') seen.measured.push(event);
  });
  return { room, seen };
}

/** Number of the recorded frame that a picture shows. */
const numberOf = (frame: { readonly mediaNs: number }): number => Math.round(frame.mediaNs / 1e6 / frameMs);
const shown = (seen: Seen): number => numberOf(seen.pictures.at(-1) ?? { mediaNs: -1e12 });
const wait = { timeout: 20_000, interval: 10 };

describe('a recording as a room', () => {
  it('shows every picture once, in order, each with its own masks, and stands on the last one', async () => {
    const { room, seen } = await open(true);
    await room.control({ speed: 4, paused: false, positionMs: 0 });
    await expect.poll(() => room.playback.ended, wait).toBe(true);
    const played = seen.pictures.filter(
      (picture, index) => index === 0 || picture.mediaNs !== seen.pictures[index - 1]?.mediaNs,
    );
    expect(played.map(numberOf)).toEqual(Array.from({ length: frames }, (_, index) => index));
    const pictures = new Map(seen.pictures.map((picture) => [picture.ptsNs, picture]));
    expect(pictures.size).toBe(seen.pictures.length);
    for (const result of seen.results) {
      expect(pictures.get(result.frame.ptsNs)?.mediaNs).toBe(result.frame.mediaNs);
      expect(dropped.has(numberOf(result.frame))).toBe(false);
      expect(result.frame.sourceFrame).toBe(numberOf(result.frame));
    }
    const analysed = new Set(seen.results.map((result) => numberOf(result.frame)));
    expect(analysed.size).toBe(frames - dropped.size);
    const tracked = seen.results.filter((result) => numberOf(result.frame) > 3);
    expect(tracked.every((result) => result.objects[0]?.mask.counts.length !== 1)).toBe(true);
    expect(room.format.size).toEqual(clipSize);
    expect(room.health.engine?.modelName).toBe('tiny-tracker');
    expect(room.label).toBe('Theatre 1 (recording)');
  });

  it('gives back the measurements that were recorded; those of an older recording are made anew', async () => {
    const reader = await McapFileReader.open(recording);
    const recorded: { at: number; value: number | null; unit: string; objectId: number }[] = [];
    for await (const { data } of reader.inTimeOrder(new Set(['/theatre/measurements']))) {
      const { ptsNs, value, unit, objectId, name } = decodeMeasurement(data);
      expect(name).toBe('area');
      recorded.push({ at: ptsNs / 1e6 / frameMs, value, unit, objectId });
    }
    await reader.close();
    // From the prompt on, on every frame with a result on which the object is shown.
    expect(recorded.length).toBeGreaterThan(20);
    expect(recorded[0]).toMatchObject({ at: 3, unit: 'mm2', objectId: 1 });
    const older = join(folder, 'older.mcap');
    await recordRoom(older, { measured: false });
    for (const path of [recording, older]) {
      const { room, seen } = await open(true, path);
      await room.control({ speed: 16, paused: false, positionMs: 0 });
      await expect.poll(() => room.playback.ended, wait).toBe(true);
      const played = new Map(
        seen.measured.flatMap(({ frame, measurements }) =>
          measurements.map(({ value, unit, objectId }) => [
            numberOf(frame),
            { at: numberOf(frame), value, unit, objectId },
          ]),
        ),
      );
      expect([...played.values()], path).toEqual(recorded);
      const pictures = new Set(seen.pictures.map(({ ptsNs }) => ptsNs));
      expect(seen.measured.every(({ frame }) => pictures.has(frame.ptsNs))).toBe(true);
    }
  });

  it('standing, keeps sending its picture with new time stamps', async () => {
    const { room, seen } = await open(true);
    await expect.poll(() => seen.pictures.length, wait).toBeGreaterThan(4);
    expect(new Set(seen.pictures.map(({ mediaNs }) => mediaNs)).size).toBe(1);
    const times = seen.pictures.map(({ ptsNs }) => ptsNs);
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
    expect(room.playback).toMatchObject({ paused: true, positionMs: 0, durationMs: (frames - 1) * frameMs });
  });

  it('jumps, steps both ways, and stops at the ends', async () => {
    const { room, seen } = await open(true);
    await room.control({ positionMs: 20 * frameMs });
    await expect.poll(() => shown(seen), wait).toBe(20);
    await room.control({ step: 1 });
    await expect.poll(() => shown(seen), wait).toBe(21);
    await room.control({ step: -3 });
    await expect.poll(() => shown(seen), wait).toBe(18);
    await room.control({ step: -100 });
    await expect.poll(() => shown(seen), wait).toBe(0);
    await room.control({ step: 1000 });
    await expect.poll(() => shown(seen), wait).toBe(frames - 1);
    await room.control({ positionMs: 1e9 });
    await expect.poll(() => shown(seen), wait).toBe(frames - 1);
    await room.control({ positionMs: 0 });
    await room.control({ positionMs: Number.MAX_VALUE });
    expect(room.playback.positionMs).toBe(room.playback.durationMs);
  });

  it('goes on playing where it is told to jump while it shows its last picture', async () => {
    const { room } = await open(true);
    let jumped: PlaybackState | null = null;
    room.events$.subscribe((event) => {
      if (event.kind !== 'display' || numberOf(event.frame) !== frames - 1 || room.playback.paused) return;
      if (jumped) return;
      jumped = room.playback;
      void room.control({ positionMs: 0 });
    });
    await room.control({ paused: false, positionMs: (frames - 3) * frameMs });
    await expect.poll(() => jumped, wait).not.toBeNull();
    await expect.poll(() => room.playback.positionMs, wait).toBeLessThan((frames - 1) * frameMs);
    await expect.poll(() => room.playback.positionMs, wait).toBeGreaterThan(0);
    expect(room.playback).toMatchObject({ ended: false, paused: false });
  });

  it('plays again from the beginning when it is told to go on at its end', async () => {
    const { room, seen } = await open(true);
    await room.control({ positionMs: (frames - 2) * frameMs, paused: false });
    await expect.poll(() => room.playback.ended, wait).toBe(true);
    seen.pictures.length = 0;
    await room.control({ paused: false });
    await expect.poll(() => seen.pictures.some((picture) => numberOf(picture) === 0), wait).toBe(true);
  });

  it('refuses to be changed, and speeds that make no sense', async () => {
    const { room } = await open(true);
    await expect(room.command()).rejects.toMatchObject({ code: 'SONO_PLAYBACK_READ_ONLY' });
    await expect(room.openSource()).rejects.toMatchObject({ code: 'SONO_PLAYBACK_READ_ONLY' });
    await expect(room.control({ speed: 0 })).rejects.toMatchObject({ code: 'SONO_PLAYBACK_REQUEST' });
    await expect(PlaybackRoom.open(recording, 'absent')).rejects.toMatchObject({
      code: 'SONO_RECORDING_EMPTY',
    });
  });

  it('is served like a live room, its player over HTTP', async () => {
    const { room } = await open(true);
    const server: RunningServer = await startServer({
      port: 0,
      rooms: new RoomRegistry([room]),
      logger: silent,
      version: '0.0.0-test',
      extraServices: playbackServices([room]),
    });
    try {
      const address = new URL('api/playback', server.url);
      const call = async (body: unknown) => {
        const response = await fetch(address, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
        return { status: response.status, body: (await response.json()) as Record<string, unknown> };
      };
      expect(await call({ stream: 'theatre', positionMs: 400, speed: 2 })).toMatchObject({
        status: 200,
        body: { paused: true, positionMs: 400, speed: 2 },
      });
      const state = await fetch(`${address.href}?stream=theatre`);
      expect(await state.json()).toMatchObject({ speed: 2, durationMs: (frames - 1) * frameMs });
      expect(await call({ stream: 'theatre', speed: 1000 })).toMatchObject({ status: 400 });
      expect(await call({ stream: 'other' })).toMatchObject({
        status: 404,
        body: { code: 'SONO_STREAM_UNKNOWN' },
      });
    } finally {
      await server.close();
    }
  });

  it('lists on /api exactly what can be done with it', async () => {
    const { room } = await open(true);
    const server = await startServer({
      ...{ port: 0, rooms: new RoomRegistry([room]), logger: silent, version: '0.0.0-test', live: false },
      extraServices: playbackServices([room]),
    });
    try {
      const text = async (path: string) => (await fetch(new URL(path, server.url))).text();
      const { paths } = JSON.parse(await text('api/openapi.json')) as {
        paths: Record<string, Record<string, { operationId: string }>>;
      };
      const listed = new Set(
        Object.values(paths).flatMap((item) => Object.values(item).map(({ operationId }) => operationId)),
      );
      const page = await text('api');
      // No reports, uploads or archives here, and of a recording nothing can be changed.
      const refusals = [
        'SONO_PLAYBACK_READ_ONLY',
        'SONO_VIEW_FIXED',
        'SONO_NOT_OFFERED',
        'SONO_PAGE_UNKNOWN',
      ];
      for (const [name, shape] of Object.entries({ ...operations, ...transfers })) {
        const row = { name, ...shape };
        const example = exampleOf(row);
        const { path, body } = addressOf(row, {
          ...example,
          ...('stream' in example && { stream: room.id }),
        });
        const response = await fetch(new URL(path, server.url), {
          method: row.method,
          ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        });
        const { code } = response.ok ? { code: '' } : ((await response.json()) as { code: string });
        expect([name, listed.has(name)]).toEqual([name, !refusals.includes(code)]);
        expect([name, page.includes(`<section id="${name}">`)]).toEqual([name, listed.has(name)]);
      }
      expect([...listed]).toEqual(expect.arrayContaining(['streams.list', 'overlay', 'playback.control']));
      expect([...listed]).not.toEqual(expect.arrayContaining(['record.start']));
    } finally {
      await server.close();
    }
  });

  it('pushes where it is: at once to who subscribes, then at every change, and nothing while it stands', async () => {
    const { room } = await open(true);
    const server = await startServer({
      port: 0,
      rooms: new RoomRegistry([room]),
      logger: silent,
      version: '0.0.0-test',
      extraServices: playbackServices([room]),
      topics: playbackTopics([room]),
    });
    const viewer = clientOf(server);
    const states: PlaybackState[] = [];
    try {
      viewer.subscribeJson('/theatre/playback', (value) => states.push(playbackStateSchema.parse(value)));
      await expect.poll(() => states.at(-1), wait).toMatchObject({ paused: true, positionMs: 0 });
      await viewer.call('playback.control', { stream: 'theatre', positionMs: 400, speed: 2 });
      await expect.poll(() => states.at(-1), wait).toMatchObject({ positionMs: 400, speed: 2 });
      const before = states.length;
      await new Promise((resolve) => setTimeout(resolve, 600));
      expect(states).toHaveLength(before);
      await viewer.call('playback.control', { stream: 'theatre', paused: false });
      await expect.poll(() => states.at(-1)?.ended, wait).toBe(true);
    } finally {
      viewer.close();
      await server.close();
    }
  });
});
