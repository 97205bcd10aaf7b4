/**
 * Address of a compiled entry point for worker threads and child processes. Sources run under Vitest (.ts)
 * but threads and children always run the build in dist/, so both find the same file here.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Repository root (the folder with package.json), ending in a slash: this file runs from src/node and from dist/src/node. */
export const packageRoot = rootAbove(dirname(fileURLToPath(import.meta.url)));

function rootAbove(folder: string): string {
  return existsSync(`${folder}/package.json`) ? `${folder}/` : rootAbove(dirname(folder));
}

/** `name` is the module's path below the repository's root without its ending, for example `src/engine/worker`. */
export function builtModule(name: string): URL {
  const url = pathToFileURL(`${packageRoot}dist/${name}.js`);
  if (!existsSync(url)) throw new Error(`dist/${name}.js is missing: run "npm run build" first`);
  return url;
}
