/** Makes the file of a variant with the installed ffmpeg. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encoders, ffmpeg } from './ffmpeg.js';
import { draw } from './picture.js';
import type { Variant } from './variants.js';

/** Encoders of a variant that the installed ffmpeg lacks. */
export function missingEncoders({ encode, steps }: Variant): string[] {
  const present = encoders();
  return [encode, ...steps.map((step) => ('after' in step ? step.after : []))]
    .flatMap((args) => args.filter((_, index) => /^-c(:[va](:\d)?)?$/.test(args[index - 1] ?? '')))
    .filter((name) => name !== 'copy' && present?.has(name) !== true);
}

function* pictures({ pictures: count, width, height, scan }: Variant): Generator<Uint8Array> {
  for (let number = 0; number < count; number++) yield draw(number, { width, height }, scan);
}

/** Path of the finished file, in `folder`. */
export async function generate(variant: Variant, folder: string): Promise<string> {
  const { name, width, height, rate, soundSeconds, encode, extension, steps } = variant;
  const base = name.replaceAll(/[^a-z0-9]+/gi, '-');
  let path = join(folder, `${base}.${extension}`);
  await ffmpeg(
    [
      ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-r', rate, '-i', 'pipe:0'],
      ...(soundSeconds === null ? [] : ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${soundSeconds}`]),
      ...encode,
      path,
    ],
    pictures(variant),
  );
  for (const [index, step] of steps.entries()) {
    if ('change' in step) {
      writeFileSync(path, step.change(readFileSync(path)));
      continue;
    }
    const next = join(folder, `${base}-${index + 1}.${step.extension}`);
    // A bare stream of pictures has no rate of its own.
    const bare = path.endsWith('.m2v') ? ['-r', rate] : [];
    await ffmpeg([...bare, ...(step.before ?? []), '-i', path, ...step.after, next]);
    path = next;
  }
  return path;
}
