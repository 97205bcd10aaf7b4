/** The installed `ffmpeg` and `ffprobe` programs: what they can encode, and one run with bytes in and bytes out. */
import { execFileSync, spawn } from 'node:child_process';
import { Readable } from 'node:stream';

let known: ReadonlySet<string> | null = null;

/** Names of the encoders that the installed ffmpeg has; null where there is no ffmpeg. */
export function encoders(): ReadonlySet<string> | null {
  if (known !== null) return known;
  try {
    const listed = execFileSync('ffmpeg', ['-hide_banner', '-encoders'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    known = new Set(listed.split('\n').flatMap((line) => /^ [VAS][A-Z.]{5} (\S+)/.exec(line)?.[1] ?? []));
    return known;
  } catch {
    return null;
  }
}

/** Runs ffmpeg to its end and returns what it wrote to its output. Throws with its last words when it fails. */
export function ffmpeg(args: readonly string[], input: Iterable<Uint8Array> = []): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', '-y', ...args]);
    const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
    const output: Buffer[] = [];
    let said = '';
    child.stdout.on('data', (data: Buffer) => output.push(data));
    child.stderr.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-2000)));
    // It may end before it has read everything, for example with -frames:v.
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(Buffer.concat(output));
      else reject(new Error(`ffmpeg ${args.join(' ')} ended with ${String(code)}: ${said.trim()}`));
    });
    Readable.from(input).pipe(child.stdin);
  });
}
