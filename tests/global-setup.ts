/** Threads and child processes always run the build, so it is made once before any test. SONO_SKIP_BUILD=1 keeps the present one. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export default function setup(): void {
  if (process.env['SONO_SKIP_BUILD'] === '1') return;
  execFileSync('npm', ['run', '--silent', 'build'], {
    cwd: fileURLToPath(new URL('../', import.meta.url)),
    stdio: 'inherit',
  });
}
