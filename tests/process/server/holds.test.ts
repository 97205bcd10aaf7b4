/** Holding the measurement of a heart over both ways in, with its pictures over HTTP. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RoomEcho } from '../../../src/pipeline/room-echo.js';
import { monotonicNs } from '../../../src/node/clock.js';
import { RoomRegistry, startServer } from '../../../src/server/index.js';
import type { RunningServer } from '../../../src/server/index.js';
import { echoMeasures } from '../../../src/vocabulary/echo.js';
import type { Measurement } from '../../../src/vocabulary/measurement.js';
import { HandMadeRoom, clientOf, jpeg, silent, sourceSize } from './fixture.js';

class HeartRoom extends HandMadeRoom {
  readonly echo = new RoomEcho({
    ...{ id: this.id, label: 'Echo', epochUnixNs: this.epochUnixNs },
    ...{ sourceUri: () => 'x', format: () => this.format, engine: () => this.health.engine },
    onHeld: (held) => this.events.next({ kind: 'held', held }),
  });
}

let picture: Uint8Array;
let room: HeartRoom;
let server: RunningServer;
beforeEach(async () => {
  picture = await jpeg();
  room = new HeartRoom('echo', picture);
  room.events$.subscribe((event) => room.echo.take(event));
  const plain = new HandMadeRoom('scope', picture);
  server = await startServer({
    ...{ port: 0, logger: silent, version: '0', rooms: new RoomRegistry([room, plain]) },
  });
});
afterEach(() => server.close());

const value = (name: string, more: Partial<Measurement> = {}): Measurement => ({
  ...{ name, value: 54, unit: '%', interval: { low: 48, high: 60 }, quality: 'good' },
  ...{ note: 'single-plane, 3 beats', objectId: 1, ...more },
});

/** One beat in a moment: its picture, its end-diastole, and the number. */
function beat(): void {
  const times = { ptsNs: 40e6, captureNs: monotonicNs(), mediaNs: 40e6 };
  const frame = { ...times, streamId: 'echo', sourceFrame: 1, discontinuity: 0 };
  const measured = (measurements: readonly Measurement[]): void =>
    room.events.next({ kind: 'measurement', frame, measurements });
  measured([value(echoMeasures.ejectionFraction)]);
  room.events.next({
    kind: 'display',
    frame: { ...frame, encoding: 'jpeg', size: sourceSize, data: picture, decodedNs: 0, encodedNs: 0 },
  });
  measured([
    value(echoMeasures.ejectionFraction),
    value(echoMeasures.endDiastole, { beat: 1, atPtsNs: 40e6 }),
    value(echoMeasures.beatEjectionFraction, { beat: 1 }),
  ]);
}

const ask = (path: string, method = 'GET'): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}${path}`, { method });
const codeOf = async (answer: Response): Promise<unknown> =>
  ((await answer.json()) as { code: unknown }).code;

it('holds over HTTP and as a service, and hands the picture out as it was shown', async () => {
  beat();
  const first = await ask('/api/rooms/echo/holds', 'POST');
  expect(first.status).toBe(200);
  const { held, dropped } = (await first.json()) as {
    held: { pictures: { endDiastole: { path: string } } };
  } & {
    dropped: number[];
  };
  expect(dropped).toEqual([]);
  expect(held).toMatchObject({
    ...{ id: 1, stream: 'echo', ejectionFraction: { value: 54, interval: { low: 48, high: 60 } } },
    ...{ beats: [{ number: 1, accepted: true }], pictures: { beat: 1, endSystole: null } },
  });
  const shown = await ask(held.pictures.endDiastole.path);
  expect(shown.headers.get('content-type')).toContain('image/jpeg');
  expect(new Uint8Array(await shown.arrayBuffer())).toEqual(picture);

  const client = clientOf(server);
  try {
    const second = await client.call('echo.hold', { stream: 'echo' });
    expect(second.held.id).toBe(2);
    expect((await client.call('echo.holds', { stream: 'echo' })).holds).toEqual([held, second.held]);
  } finally {
    client.close();
  }
  expect(await (await ask('/api/rooms/echo/holds/2')).json()).toMatchObject({ id: 2 });
});

it('says in words why it cannot', async () => {
  expect(await codeOf(await ask('/api/rooms/echo/holds', 'POST'))).toBe('SONO_HOLD_NO_NUMBER');
  expect(await codeOf(await ask('/api/rooms/scope/holds', 'POST'))).toBe('SONO_NOT_OFFERED');
  expect(await codeOf(await ask('/api/rooms/nowhere/holds', 'POST'))).toBe('SONO_STREAM_UNKNOWN');
  beat();
  expect((await ask('/api/rooms/echo/holds', 'POST')).status).toBe(200);
  expect(await codeOf(await ask('/api/rooms/echo/holds/7'))).toBe('SONO_HOLD_UNKNOWN');
  expect(await codeOf(await ask('/api/rooms/echo/holds/1/end-systole'))).toBe('SONO_HOLD_NO_PICTURE');
  expect(await codeOf(await ask('/api/rooms/echo/holds/1/diastasis'))).toBe('SONO_REQUEST_INVALID');
  expect(await codeOf(await ask('/api/rooms/echo/holds/one'))).toBe('SONO_REQUEST_INVALID');
});
