/**
 * What one picture costs the server: processor time of the main process from the source's pipe to the viewer's socket. Real
 * parser, room, server and socket; a child process writes ready pictures into the pipe, another one is the viewer.
 *
 *   node dist/bench/picture-cost.js [rounds]            this build
 *   node dist/bench/picture-cost.js [rounds] DIST …     and other builds in turn with it, round by round
 *
 * A build that is older than this file gets a copy of it: it imports what stands beside it. Prints one line per size of a picture
 * and build: microseconds per picture, the median of the rounds, and each round. The builds take turns, so that other work on the
 * machine meets all of them.
 */
import { execFile, fork, spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pino from 'pino';
import { Observable } from 'rxjs';
import { WebSocket } from 'ws';
import type { FrameSource, SourceEvent } from '../src/ingest/frame-source.js';
import { encodeHeader, RecordParser } from '../src/ingest/records.js';
import { uncalibrated } from '../src/vocabulary/calibration.js';
import { openRoom } from '../src/pipeline/open-room.js';
import { SonoscopeClient } from '../src/protocol/client.js';
import { RoomRegistry, startServer } from '../src/server/index.js';

const self = fileURLToPath(import.meta.url);
const picturesPerSecond = 200;
const warmUpMs = 1500;
const measuredMs = 5000;
/** A picture of 1280 × 720 and one of 1920 × 1080 at the display's quality. */
const pictureBytes = [90_000, 220_000];
const size = { width: 1280, height: 720 };

/** Writes pictures to descriptor 3 at a steady rate. */
function writer(bytes: number): void {
  const pipe = createWriteStream('', { fd: 3 });
  const payload = randomFillSync(new Uint8Array(bytes));
  let frame = 0;
  const startMs = performance.now();
  setInterval(() => {
    const due = ((performance.now() - startMs) / 1000) * picturesPerSecond;
    for (; frame < due && pipe.writableLength === 0; frame += 1) {
      const ns = frame * 4e6;
      const captureNs = Number(process.hrtime.bigint());
      const times = { ptsNs: ns, captureNs, mediaNs: ns, decodedNs: captureNs, encodedNs: captureNs };
      const rest = { sourceFrame: frame, discontinuity: 0, size, encoding: 'jpeg', data: payload } as const;
      pipe.cork();
      pipe.write(encodeHeader({ kind: 'display', frame: { ...times, ...rest } }));
      pipe.write(payload);
      pipe.uncork();
    }
    // What could not be written in time is left out rather than sent in a burst.
    frame = Math.max(frame, Math.floor(due));
  }, 2);
  process.on('disconnect', () => process.exit(0));
}

/** Receives the pictures and says how many when asked. */
function viewer(url: string): void {
  let pictures = 0;
  const client = new SonoscopeClient({
    url,
    connect: (address, names) => new WebSocket(address, [...names]),
  });
  client.subscribeRaw('/bench/video', () => {
    pictures += 1;
  });
  process.on('message', () => process.send?.(pictures));
  process.on('disconnect', () => process.exit(0));
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((done) => {
    setTimeout(done, milliseconds);
  });

function piped(bytes: number): FrameSource {
  return {
    uri: 'bench',
    pause: () => undefined,
    open: ({ streamId }) =>
      new Observable<SourceEvent>((subscriber) => {
        const child = spawn(process.execPath, [self, 'writer', String(bytes)], {
          stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'ipc'],
        });
        const format = {
          size,
          framesPerSecond: null,
          calibration: uncalibrated,
          frameCount: null,
          description: '',
        };
        subscriber.next({ kind: 'format', format });
        subscriber.next({ kind: 'state', state: { phase: 'playing' } });
        const parser = new RecordParser(streamId);
        const pipe = child.stdio[3] as NodeJS.ReadableStream;
        pipe.on('data', (chunk: Buffer) => {
          parser.push(chunk);
          for (let record = parser.take(); record; record = parser.take())
            if (record.kind === 'display') subscriber.next(record);
        });
        return () => child.kill();
      }),
  };
}

/** Microseconds of processor time per picture that reached the viewer. */
async function measure(bytes: number): Promise<number> {
  const room = await openRoom({
    ...{ id: 'bench', label: 'Bench', sourceUri: 'bench', createSource: () => piped(bytes), analysis: null },
    ...{ loop: false, displayQuality: 85, overlayLimitMs: 100, overlayVisible: false },
    log: { info: () => undefined, warn: () => undefined },
  });
  const server = await startServer({
    ...{ port: 0, version: '0', rooms: new RoomRegistry([room]), logger: pino({ level: 'silent' }) },
  });
  const receiver = fork(self, ['viewer', `ws://127.0.0.1:${server.port}/ws`]);
  const received = (): Promise<number> => {
    receiver.send('count');
    return new Promise((done) => receiver.once('message', (count) => done(Number(count))));
  };
  await pause(warmUpMs);
  const before = await received();
  const cpu = process.cpuUsage();
  await pause(measuredMs);
  const { user, system } = process.cpuUsage(cpu);
  const pictures = (await received()) - before;
  if (pictures < (picturesPerSecond * measuredMs) / 1000 / 4)
    throw new Error(`only ${pictures} pictures reached the viewer`);
  receiver.disconnect();
  await server.close();
  await room.close();
  return (user + system) / pictures;
}

async function compare(rounds: number, builds: readonly string[]): Promise<void> {
  for (const bytes of pictureBytes) {
    const costs = new Map<string, number[]>(builds.map((build) => [build, []]));
    for (let round = 0; round < rounds; round += 1)
      for (const build of builds) {
        const script = join(build, 'bench', 'picture-cost.js');
        const { stdout } = await promisify(execFile)(process.execPath, [script, 'measure', String(bytes)]);
        costs.get(build)?.push(Number(stdout));
      }
    for (const [build, values] of costs) {
      const median = [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
      const each = values.map((value) => value.toFixed(0)).join(' ');
      process.stdout.write(`${bytes} bytes: ${median.toFixed(0)} µs per picture (${each}) ${build}\n`);
    }
  }
}

const [role, value, ...builds] = process.argv.slice(2);
if (role === 'writer') writer(Number(value));
else if (role === 'viewer') viewer(value ?? '');
else if (role === 'measure') {
  process.stdout.write(`${await measure(Number(value))}\n`);
  process.exit(0);
} else
  await compare(Number(role ?? 3), [
    resolve(self, '../..'),
    ...(value === undefined ? [] : [value, ...builds].map((build) => resolve(build))),
  ]);
