/** Where paths on the command line start, and where the program keeps its own files. */
import { join, resolve } from 'node:path';
import { packageRoot } from '../node/built-module.js';

/** The folder in which the person typed the command. */
export function invocationFolder(): string {
  return process.env['SONO_INVOKED_FROM'] ?? process.cwd();
}

export function fromInvocation(path: string): string {
  return resolve(invocationFolder(), path);
}

/** Acceptance reports, uploads and recordings started in the browser. */
export function dataFolder(): string {
  return process.env['SONO_DATA_DIR'] ?? join(packageRoot, '.sonoscope', 'data');
}

/** The built dashboard. */
export function dashboardFolder(): string {
  return join(packageRoot, 'dashboard', 'dist');
}
