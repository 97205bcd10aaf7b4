/** Versions and machine, as reports and results name them. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type as osType, arch } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../node/built-module.js';

const packageVersion = (folder: string): string => {
  const text = readFileSync(join(packageRoot, folder, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
};

export function programVersion(): string {
  return packageVersion('.');
}

export interface Versions {
  readonly sonoscope: string;
  readonly node: string;
  readonly gstreamer: string | null;
  readonly ffmpeg: string | null;
  readonly onnxruntime: string;
}

export async function versions(): Promise<Versions> {
  return {
    sonoscope: programVersion(),
    node: process.versions.node,
    gstreamer: await gstreamerVersion(),
    ffmpeg: await ffmpegVersion(),
    onnxruntime: packageVersion('node_modules/onnxruntime-node'),
  };
}

/** Null where GStreamer's tools are missing. */
export async function gstreamerVersion(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('gst-launch-1.0', ['--version'], { timeout: 10_000 });
    return /GStreamer (\S+)/.exec(stdout)?.[1] ?? null;
  } catch {
    return null;
  }
}

/** Null where one of FFmpeg's two programs is missing. */
export async function ffmpegVersion(): Promise<string | null> {
  try {
    await promisify(execFile)('ffprobe', ['-version'], { timeout: 10_000 });
    const { stdout } = await promisify(execFile)('ffmpeg', ['-version'], { timeout: 10_000 });
    return /^ffmpeg version (\S+)/.exec(stdout)?.[1] ?? null;
  } catch {
    return null;
  }
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
}

export function machine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryBytes: totalmem(),
    system: `${osType()} ${release()} ${arch()}`,
  };
}
