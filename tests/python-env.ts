/** Python of the test environment (`./sonoscope test` makes it from tests/python/requirements.txt) and calls into tests/python/. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Interpreter of .sonoscope/venv-test; throws with the command that makes it. */
export function testPython(): string {
  const path = `${root}.sonoscope/venv-test/bin/python`;
  if (!existsSync(path)) throw new Error(`${path} is missing: run "./sonoscope test" once`);
  return path;
}

/**
 * Runs tests/python/<script> with `input` as JSON on standard input and returns the JSON it prints. A failure of the
 * script carries its traceback.
 */
export function runPython(script: string, input: unknown, args: readonly string[] = []): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = spawn(testPython(), [`${root}tests/python/${script}`, ...args], {
      env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', PYTHONDONTWRITEBYTECODE: '1' },
    });
    const out: Buffer[] = [];
    const problems: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => problems.push(chunk));
    child.on('error', reject);
    child.stdin.on('error', () => undefined); // The exit code says why it stopped reading.
    child.on('close', (code) => {
      if (code !== 0)
        reject(new Error(`${script} ended with ${code}:\n${Buffer.concat(problems).toString()}`));
      else {
        const text = Buffer.concat(out).toString();
        try {
          resolve(JSON.parse(text));
        } catch (error) {
          reject(new Error(`${script} printed no JSON: ${text.slice(0, 200)}`, { cause: error }));
        }
      }
    });
    child.stdin.end(JSON.stringify(input));
  });
}
