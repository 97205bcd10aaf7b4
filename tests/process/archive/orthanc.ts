/** A real Orthanc with its DICOMweb plug-in: on a free loopback port, with a password, in a folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const plugin = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so';
const program = '/usr/sbin/Orthanc';

/** Where it is not installed, "./sonoscope test" installs it. */
export const hasOrthanc = existsSync(program) && existsSync(plugin);

export const login = { user: 'nurse', password: 'äüß-very:secret/word' };

export interface Orthanc extends AsyncDisposable {
  readonly port: number;
  /** Stores a file; gives Orthanc's own identifier. */
  put(file: Uint8Array): Promise<{ readonly id: string; readonly series: string; readonly study: string }>;
  rest(method: string, path: string, body?: string): Promise<unknown>;
  /** The process is gone at once. */
  kill(): Promise<void>;
}

/** @param more configuration beside that of the test */
export async function startOrthanc(more: Readonly<Record<string, unknown>> = {}): Promise<Orthanc> {
  const folder = await mkdtemp(join(tmpdir(), 'sonoscope-orthanc-'));
  const port = await freePort();
  const file = join(folder, 'orthanc.json');
  await writeFile(
    file,
    JSON.stringify({
      StorageDirectory: folder,
      IndexDirectory: folder,
      HttpPort: port,
      DicomServerEnabled: false,
      RemoteAccessAllowed: false,
      AuthenticationEnabled: true,
      RegisteredUsers: { [login.user]: login.password },
      Plugins: [plugin],
      DicomWeb: { Enable: true, Root: '/dicom-web/' },
      ...more,
    }),
  );
  const child = spawn(program, [file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-4000)));
  const gone = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const headers = {
    authorization: `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`,
  };
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
  };
  await listening(child, () => said);
  return {
    port,
    rest: async (method, path, body) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers,
        ...(body !== undefined && { body }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
      return text === '' ? null : (JSON.parse(text) as unknown);
    },
    put: async (bytes) => {
      const answer = await fetch(`http://127.0.0.1:${port}/instances`, {
        method: 'POST',
        headers,
        body: new Uint8Array(bytes),
      });
      if (!answer.ok) throw new Error(`not stored: ${answer.status} ${await answer.text()}`);
      const { ID, ParentSeries, ParentStudy } = (await answer.json()) as Record<string, string>;
      return { id: ID ?? '', series: ParentSeries ?? '', study: ParentStudy ?? '' };
    },
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function listening(child: ChildProcess, said: () => string): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (said().includes('Orthanc has started')) return;
    if (child.exitCode !== null) break;
    await delay(50);
  }
  child.kill('SIGKILL');
  throw new Error(`Orthanc did not start:\n${said()}`);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
