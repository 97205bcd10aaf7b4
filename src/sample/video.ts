/** Pictures as an H.264 file, by FFmpeg's program. The same pictures give the same bytes with the same FFmpeg. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { SyntheticScene } from '../ingest/synthetic/index.js';
import { sampleError } from './errors.js';

/** The first `frames` pictures of a scene, into `path`. Throws SONO_SAMPLE_ENCODER. */
export async function writeVideo(path: string, scene: SyntheticScene, frames: number): Promise<void> {
  const { size, framesPerSecond } = scene;
  const child = spawn(
    'ffmpeg',
    [
      ...['-v', 'error', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${size.width}x${size.height}`],
      ...['-r', String(framesPerSecond), '-i', '-', '-c:v', 'libx264', '-crf', '18', '-preset', 'veryfast'],
      ...['-pix_fmt', 'yuv420p', '-threads', '1', '-fflags', '+bitexact', '-flags:v', '+bitexact'],
      ...['-movflags', '+faststart', '-y', `file:${path}`],
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  // It may end before it has taken everything; its own words tell why.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  ended.catch(() => undefined);
  for (let index = 0; index < frames && child.stdin.writable; index += 1)
    if (!child.stdin.write(scene.frame(index).rgb))
      // Where it has ended, its own words say why.
      await Promise.race([once(child.stdin, 'drain'), ended]).catch(() => undefined);
  child.stdin.end();
  const code = await ended.catch((error: unknown) => {
    throw sampleError('SONO_SAMPLE_ENCODER', { reason: 'it cannot be started' }, error);
  });
  if (code !== 0)
    throw sampleError('SONO_SAMPLE_ENCODER', { reason: said.trim().split('\n').at(-1) ?? `status ${code}` });
}
