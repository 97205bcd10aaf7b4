/** Real Chromium on the real server's dashboard. One browser per test file, one page per test. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { packageRoot } from '../../src/node/built-module.js';
import type { Room } from '../../src/pipeline/room.js';
import { rgbOf } from '../../src/vocabulary/hex-colour.js';
import { colourOf } from '../../src/vocabulary/palette.js';
import { RoomRegistry, startServer } from '../../src/server/index.js';
import type { RunningServer, ServerOptions } from '../../src/server/index.js';
import { blocks } from './numbered-room.js';

export const dashboardDir = join(packageRoot, 'dashboard', 'dist');
const artifactsDir = join(packageRoot, 'artifacts', 'dashboard');

/** Software rendering, nothing fetched or synchronised. */
const flags = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--no-first-run',
  '--disable-component-update',
  '--disable-sync',
];

function chromiumPath(): string {
  const path = process.env['SONO_CHROMIUM'] ?? '/usr/bin/chromium';
  if (!existsSync(path)) throw new Error('Chromium is missing: apt install chromium, or set SONO_CHROMIUM');
  return path;
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath(), args: flags });
}

export interface Served {
  readonly server: RunningServer;
  readonly rooms: RoomRegistry;
  readonly dataDir: string;
  close(): Promise<void>;
}

/** The real server with the built dashboard. */
export async function serveDashboard(
  rooms: readonly Room[],
  options: Partial<ServerOptions> = {},
): Promise<Served> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sonoscope-browser-'));
  const registry = new RoomRegistry(rooms);
  const server = await startServer({
    port: 0,
    logger: pino({ level: 'silent' }),
    version: '9.9.9',
    rooms: registry,
    staticDir: dashboardDir,
    dataDir,
    ...options,
  });
  return {
    server,
    rooms: registry,
    dataDir,
    close: async () => {
      await server.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A page that fails its test on any script error. */
export async function openPage(
  browser: Browser,
  address: string,
  options: BrowserContextOptions & {
    readonly before?: string;
    /** A file that is answered here in place of the server's. */
    readonly route?: { readonly pattern: string; readonly body: string };
  } = {},
): Promise<{ readonly page: Page; readonly problems: string[] }> {
  const { before, route, ...contextOptions } = options;
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, ...contextOptions });
  if (before !== undefined) await context.addInitScript(before);
  if (route)
    await context.route(route.pattern, (asked) =>
      asked.fulfill({ contentType: 'application/json', body: route.body }),
    );
  const page = await context.newPage();
  page.setDefaultTimeout(45_000);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await page.goto(address);
  return { page, problems };
}

/** Kept for people to look at; not part of the repository. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  mkdirSync(artifactsDir, { recursive: true });
  await page.screenshot({ path: join(artifactsDir, `${name}.png`) });
}

export interface ReadBack {
  /** Number in the picture's blocks, null where the blocks are not legible. */
  readonly picture: number | null;
  /** Number in the mask's blocks, null where no overlay is painted. */
  readonly mask: number | null;
}

/**
 * Reads picture and mask numbers from what the canvas shows, inside the page, at every refresh until `pictures` different
 * legible pictures were seen, `masks` of them with a mask. Needs fill at 100 % and the whole picture on the stage.
 * Object 1 has the first colour of the set for endoscopy.
 */
export function readBack(
  page: Page,
  wanted: { readonly pictures: number; readonly masks: number },
  withinMs = 45_000,
): Promise<ReadBack[]> {
  return page.evaluate(
    async ({ pictures, masks, blocks, colour, withinMs }) => {
      const source = document.querySelector<HTMLCanvasElement>('canvas.picture');
      if (!source) throw new Error('no picture on the page');
      const copy = document.createElement('canvas');
      const context = copy.getContext('2d', { willReadFrequently: true });
      if (!context) throw new Error('no 2d context');
      const found: { picture: number | null; mask: number | null }[] = [];
      const seen = new Set<number>();
      const seenWithMask = new Set<number>();
      const aspect = 640 / 360;
      const end = performance.now() + withinMs;
      while ((seen.size < pictures || seenWithMask.size < masks) && performance.now() < end) {
        await new Promise(requestAnimationFrame);
        copy.width = source.width;
        copy.height = source.height;
        // One copy of one committed frame: picture and overlay are read from the same instant.
        context.drawImage(source, 0, 0);
        const width = Math.min(copy.width, copy.height * aspect);
        const height = width / aspect;
        const left = (copy.width - width) / 2;
        const top = (copy.height - height) / 2;
        const row = (share: number): { readonly r: number; readonly g: number; readonly b: number }[] =>
          Array.from({ length: blocks }, (_, block) => {
            const x = Math.round(left + ((block + 0.5) / blocks) * width);
            const y = Math.round(top + share * height);
            const [r = 0, g = 0, b = 0] = context.getImageData(x, y, 1, 1).data;
            return { r, g, b };
          });
        const bits = row(0.0625).map(({ r, g, b }) => r + g + b);
        const number = (list: readonly boolean[]): number =>
          list.slice(1, -1).reduce((value, bit) => value * 2 + (bit ? 1 : 0), 0);
        const legible =
          bits.every((sum) => sum > 600 || sum < 150) && (bits[0] ?? 0) > 600 && (bits.at(-1) ?? 765) < 150;
        const picture = legible ? number(bits.map((sum) => sum > 600)) : null;
        const filled = row(0.1875).map(
          ({ r, g, b }) => Math.abs(r - colour[0]) + Math.abs(g - colour[1]) + Math.abs(b - colour[2]) < 40,
        );
        const mask = filled[0] === true ? number(filled) : null;
        found.push({ picture, mask });
        if (picture !== null) seen.add(picture);
        if (picture !== null && mask !== null) seenWithMask.add(picture);
      }
      return found;
    },
    { ...wanted, blocks, colour: rgbOf(colourOf(0)), withinMs },
  );
}

/** Preferences of the page, set before it loads for the first time. */
export function preferences(values: Readonly<Record<string, unknown>>): string {
  const key = 'sonoscope.preferences';
  return `localStorage.getItem('${key}') ?? localStorage.setItem('${key}', ${JSON.stringify(JSON.stringify(values))});`;
}

/** Resolves once `check` gives something else than null, false or undefined; fails with `what` after a long time. */
export async function until<T>(
  check: () => T | null | undefined | false,
  what: string,
  withinMs = 30_000,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const value = check();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`still waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
