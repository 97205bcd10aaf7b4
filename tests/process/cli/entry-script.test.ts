/** `./sonoscope` itself: what it answers without installing anything, on a fresh checkout and on a built one. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/node/built-module.js';
import { commands } from '../../../src/cli/commands.js';

let folder: string;
let checkout: string;
let installers: string;
let called: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'entry-script-'));
  checkout = join(folder, 'checkout');
  installers = join(folder, 'bin');
  called = join(folder, 'called');
  for (const path of [checkout, installers]) mkdirSync(path);
  copyFileSync(join(packageRoot, 'sonoscope'), join(checkout, 'sonoscope'));
  copyFileSync(join(packageRoot, 'package.json'), join(checkout, 'package.json'));
  copyFileSync(join(packageRoot, 'package-lock.json'), join(checkout, 'package-lock.json'));
  // Whatever could install something says so instead.
  for (const name of ['apt-get', 'sudo', 'npm', 'npx', 'pip', 'python3']) {
    writeFileSync(join(installers, name), `#!/bin/sh\necho "${name} $*" >>${called}\nexit 1\n`);
    chmodSync(join(installers, name), 0o755);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function entry(root: string, ...args: string[]) {
  rmSync(called, { force: true });
  const { status, stdout, stderr } = spawnSync(join(root, 'sonoscope'), args, {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${installers}:${process.env['PATH']}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect(existsSync(called) ? readFileSync(called, 'utf8') : '').toBe('');
  return { code: status, stdout, stderr };
}

const all = [...commands.map(({ name }) => name), 'train', 'test'];

describe.each([
  ['on a fresh checkout', () => checkout],
  ['where it is built', () => packageRoot],
])('%s, without installing anything', (_, root) => {
  it.each(['', 'help', '--help', '-h'])('"%s" lists every command', (argument) => {
    const { code, stdout } = entry(root(), ...(argument === '' ? [] : [argument]));
    for (const name of all) expect(stdout).toMatch(new RegExp(`^ +(\\./sonoscope )?${name}\\b`, 'm'));
    expect(stdout).toContain('Research use only');
    expect(code).toBe(0);
  });

  it.each(all)('%s --help says what it does', (name) => {
    for (const args of [
      [name, '--help'],
      ['help', name],
    ]) {
      const { code, stdout, stderr } = entry(root(), ...args);
      expect(stdout).toMatch(new RegExp(`^Usage: (\\./)?sonoscope ${name}\\b`));
      expect(stdout.trim().split('\n').length).toBeGreaterThan(2);
      expect(stderr).toBe('');
      expect(code).toBe(0);
    }
  });

  it.each(['frobnicate', 'runn', 'help nothing', 'nothing --help', '--nothing'])(
    '"%s" is refused with exit code 2',
    (line) => {
      const { code, stdout, stderr } = entry(root(), ...line.split(' '));
      expect(stderr).toMatch(/^sonoscope: unknown (command|option)[^\n]* \[SONO_USAGE\]\n$/);
      expect(stdout).toBe('');
      expect(code).toBe(2);
    },
  );

  it('tells its version', () => {
    const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
      version: string;
    };
    for (const flag of ['-V', '--version'])
      expect(entry(root(), flag)).toMatchObject({ code: 0, stdout: `${version}\n` });
  });
});

it('says of what cannot be installed that, with a code', () => {
  // Of what is missing here the first installer fails.
  const { status, stderr } = spawnSync(join(checkout, 'sonoscope'), ['run', '--yes'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${installers}:${process.env['PATH']}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect(readFileSync(called, 'utf8')).not.toBe('');
  expect([status, stderr]).toEqual([5, expect.stringMatching(/ \[SONO_SETUP\]\n$/)]);
});

it('shows the options of one operation', () => {
  for (const args of [
    ['call', 'overlay', '--help'],
    ['help', 'call', 'overlay'],
  ])
    expect(entry(packageRoot, ...args)).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: expect.stringContaining('--visible <true|false|null>') as string,
    });
});

it('hints at the command that was meant', () => {
  expect(entry(packageRoot, 'runn').stderr).toContain('Did you mean run?');
});
