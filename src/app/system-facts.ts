/** What the server says of this computer, of itself and of its rooms: the operation `system.get`. Main process. */
import { cpus, freemem, totalmem } from 'node:os';
import { installedModels, findModel } from '../config/pipeline-file.js';
import { unixNowMs } from '../node/clock.js';
import { diskRoom } from '../node/disk-room.js';
import { residentBytes } from '../node/process-memory.js';
import { packageRoot } from '../node/built-module.js';
import { modelKinds, readFolderOf } from '../onnx/manifest.js';
import type { Room } from '../pipeline/room.js';
import { systemOperations, type SystemState } from '../protocol/system-requests.js';
import { defineServices, type Row } from '../server/index.js';
import type { RecordingRate } from './recording-control.js';
import { machine, versions, type Versions } from './versions.js';

interface SystemRoom extends Room {
  /** Absent: it reads its source in this process. */
  readonly processes?: readonly number[];
}

interface SystemFactsOptions {
  /** On the disk to which recordings go; it exists. */
  readonly folder: string;
  readonly rooms: () => readonly SystemRoom[];
  /** Why a room has its model, and with how many threads; null: nobody chose. */
  readonly choiceOf: (id: string) => { readonly reason: string; readonly threads: number | null } | null;
  /** null: no rooms can be added. */
  readonly mostRooms: () => number | null;
  readonly recordingRate: () => RecordingRate | null;
  /** What uploads leave free; left out: the usual share of the disk. */
  readonly reserveBytes?: number;
}

/** Processor times shorter apart than this say little. */
const shortestIntervalMs = 900;

interface Times {
  readonly atMs: number;
  readonly busyMs: number;
}

function times(): Times {
  const busyMs = cpus().reduce(
    (sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq,
    0,
  );
  return { atMs: performance.now(), busyMs };
}

/** Cores that were busy between two moments. Pure. */
export function busyCores(before: Times, now: Times, cores: number): number {
  const elapsedMs = now.atMs - before.atMs;
  return elapsedMs <= 0 ? 0 : Math.min(cores, Math.max(0, (now.busyMs - before.busyMs) / elapsedMs));
}

/** Hours until the free bytes are written at this rate; null where no rate is known. Pure. */
export function hoursLeft(freeBytes: number, rate: RecordingRate | null): number | null {
  return rate === null || !(rate.bytesPerSecond > 0) ? null : freeBytes / rate.bytesPerSecond / 3600;
}

export class SystemFacts {
  readonly #startedMs = performance.now();
  #versions: Promise<Versions> | null = null;
  #models: Promise<SystemState['models']> | null = null;
  #before = times();
  #busyCores = 0;

  constructor(private readonly options: SystemFactsOptions) {}

  async read(): Promise<SystemState> {
    // Asked once: programs are started for it, and what is installed does not change under a running server.
    this.#versions ??= versions();
    this.#models ??= models();
    const { cpu, cores, system } = machine();
    const { folder, recordingRate, reserveBytes } = this.options;
    const disk = await diskRoom(folder);
    const rate = recordingRate();
    return {
      atUnixMs: unixNowMs(),
      upSeconds: (performance.now() - this.#startedMs) / 1000,
      mostRooms: this.options.mostRooms(),
      machine: {
        ...{ cpu, cores, system, busyCores: this.#busy(cores) },
        ...{ memoryBytes: totalmem(), freeMemoryBytes: freemem() },
      },
      server: { memoryBytes: process.memoryUsage.rss() },
      disk: {
        folder,
        freeBytes: disk.freeBytes,
        reservedBytes: reserveBytes ?? disk.reservedBytes,
        recording: {
          basis: rate?.basis ?? 'none',
          bytesPerSecond: rate?.bytesPerSecond ?? null,
          overSeconds: rate?.seconds ?? 0,
          recordings: rate?.recordings ?? 0,
          hoursLeft: hoursLeft(disk.freeBytes, rate),
        },
      },
      versions: await this.#versions,
      models: await this.#models,
      rooms: await Promise.all(this.options.rooms().map((room) => this.#room(room))),
    };
  }

  #busy(cores: number): number {
    const now = times();
    if (now.atMs - this.#before.atMs >= shortestIntervalMs) {
      this.#busyCores = busyCores(this.#before, now, cores);
      this.#before = now;
    }
    return this.#busyCores;
  }

  async #room(room: SystemRoom): Promise<SystemState['rooms'][number]> {
    const { engine, source, frames, drops, capturedFps, analysedFps, recording } = room.health;
    const choice = this.options.choiceOf(room.id);
    return {
      ...{ stream: room.id, label: room.label, phase: source.phase, recording },
      model: engine && {
        ...{ name: engine.modelName, version: engine.modelVersion, sha256: engine.modelSha256 },
        licence: engine.licence ?? '',
      },
      reason: choice?.reason ?? '',
      threads: choice?.threads ?? null,
      provider: engine?.provider ?? 'none',
      rejectedProviders: { ...engine?.rejected },
      ...{ capturedFps, analysedFps, captured: frames.captured, drops: { ...drops } },
      sourceMemoryBytes: await residentBytes(room.processes ?? []),
    };
  }
}

/** Installed models that can be read; what is wrong with the others is for `doctor` to say. */
async function models(): Promise<SystemState['models']> {
  const found = await Promise.all(
    installedModels().map(async (name) => {
      const directory = findModel(name, packageRoot);
      const folder =
        directory === null ? null : await readFolderOf(directory, ...modelKinds).catch(() => null);
      if (folder === null) return [];
      const { version, licence } = folder.manifest;
      return [{ name, version, licence, kind: folder.kind, sha256: folder.sha256 }];
    }),
  );
  return found.flat();
}

export function systemServices(facts: SystemFacts): readonly Row[] {
  return defineServices(systemOperations, { 'system.get': () => facts.read() });
}
