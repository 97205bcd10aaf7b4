/** docs/third-party-licences.md lists what is installed for production, and nothing has a licence that cannot be shipped. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/node/built-module.js';

const page = join(packageRoot, 'docs/third-party-licences.md');

interface LockEntry {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
}

const lock = JSON.parse(readFileSync(join(packageRoot, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, LockEntry>;
};

/** Optional packages are other platforms' binaries of packages that are listed anyway. */
const shipped = Object.entries(lock.packages)
  .filter(([path, entry]) => path !== '' && entry.dev !== true && entry.optional !== true)
  .map(([path, entry]) => ({
    name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
    version: entry.version ?? '?',
    licence: entry.license ?? '?',
  }))
  .sort((a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version))
  .filter(
    (entry, index, all) => entry.name !== all[index - 1]?.name || entry.version !== all[index - 1]?.version,
  );

const permissive =
  /^\(?(MIT|ISC|BSD-2-Clause|BSD-3-Clause|Apache-2\.0|0BSD|BlueOak-1\.0\.0|CC0-1\.0|Unlicense|Python-2\.0)\b/;

function render(): string {
  return [
    '# Third-party licences',
    '',
    'npm packages that sonoscope installs for use (development tools left out), from `package-lock.json`. GStreamer (LGPL; some plug-ins',
    'GPL) is installed by the system and called through its public interface. uPlot (MIT) and the protobuf runtime are part of the',
    'built dashboard. sharp loads libvips (LGPL-3.0-or-later) as a shared library. The weights in `models/compact` are our own, started from EfficientNet-Lite0 ImageNet weights (Apache-2.0).',
    'The weights in `models/echo-lv` are **CC BY-NC-SA 4.0**: trained on CAMUS (Leclerc et al., IEEE TMI 2019), whose licence they inherit; leave the folder out where that is no option. Nothing else depends on it.',
    '',
    '| package | version | licence |',
    '| --- | --- | --- |',
    ...shipped.map((entry) => `| ${entry.name} | ${entry.version} | ${entry.licence} |`),
    '',
  ].join('\n');
}

describe('third-party licences', () => {
  it('are permissive', () => {
    expect(shipped.length).toBeGreaterThan(10);
    expect(shipped.filter((entry) => !permissive.test(entry.licence))).toEqual([]);
  });

  it('are listed in the documentation', () => {
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, render());
    expect(readFileSync(page, 'utf8')).toBe(render());
  });
});
