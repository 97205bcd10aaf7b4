/**
 * Address of a compiled entry point for worker threads and child processes. Sources run under Vitest (.ts)
 * but threads and children always run the build in dist/, so both find the same file here.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Repository root (the folder with package.json). */
export const packageRoot = fileURLToPath(new URL('../', import.meta.url));

/** `name` is the module's path below src/ without its ending, for example `inference/worker`. */
export function builtModule(name: string): URL {
  const url = new URL(`../dist/${name}.js`, import.meta.url);
  if (!existsSync(url)) throw new Error(`dist/${name}.js is missing: run "npm run build" first`);
  return url;
}
