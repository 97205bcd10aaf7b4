/** Frames of a video by GStreamer's own command, to check what we wrote with a program that is not ours. */
import { spawn } from 'node:child_process';
import type { PictureSize } from '../src/vocabulary/frame.js';

/** Frames of a video file in order, RGB at `size`; decoded as fast as they are taken. */
export async function* videoFrames(path: string, size: PictureSize): AsyncGenerator<Uint8Array> {
  const quoted = `"${path.replace(/["\\]/g, '\\$&')}"`;
  const child = spawn(
    'gst-launch-1.0',
    // RGBA because GStreamer pads the rows of RGB to four bytes.
    `-q filesrc location=${quoted} ! decodebin ! videoconvert ! videoscale add-borders=false ! video/x-raw,format=RGBA,width=${size.width},height=${size.height},pixel-aspect-ratio=1/1 ! fdsink fd=1 sync=false`.match(
      /"(?:[^"\\]|\\.)*"|\S+="(?:[^"\\]|\\.)*"|\S+/g,
    ) ?? [],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const problems: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => problems.push(chunk));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  ended.catch(() => undefined);
  const frameBytes = size.width * size.height * 4;
  let waiting: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      waiting.push(chunk);
      length += chunk.length;
      if (length < frameBytes) continue;
      const all = Buffer.concat(waiting);
      let at = 0;
      for (; at + frameBytes <= all.length; at += frameBytes) {
        const rgb = new Uint8Array(size.width * size.height * 3);
        for (let from = at, to = 0; to < rgb.length; from += 4) {
          rgb[to++] = all[from] as number;
          rgb[to++] = all[from + 1] as number;
          rgb[to++] = all[from + 2] as number;
        }
        yield rgb;
      }
      waiting = [all.subarray(at)];
      length = all.length - at;
    }
    const code = await ended;
    if (code !== 0)
      throw new Error(Buffer.concat(problems).toString().trim().split('\n')[0] ?? `exit ${code}`);
  } finally {
    child.kill('SIGKILL');
  }
}
