/** A page of the dashboard on the real server with a room made by hand (numbered-room.ts), and what tests do with it. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { launchBrowser, openPage, preferences, readBack, serveDashboard } from './harness.js';
import type { Served } from './harness.js';
import { NumberedRoom } from './numbered-room.js';
import type { RoomPlan } from './numbered-room.js';

let launched: Browser | null = null;
/** What the test that runs has opened; closed after it, the newest first. */
export const closing: (() => Promise<unknown>)[] = [];

/** The browser of this test file. */
export function browser(): Browser {
  if (!launched) throw new Error('useBrowser() was not called');
  return launched;
}

/** One browser for the test file that calls this; whatever a test opens is closed after it. */
export function useBrowser(): void {
  beforeAll(async () => {
    launched = await launchBrowser();
  });
  afterAll(async () => {
    await launched?.close();
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
}

export interface Scene {
  readonly room: NumberedRoom;
  readonly served: Served;
  readonly page: Page;
  readonly problems: string[];
}

export async function open(
  hash: string,
  options: {
    readonly plan?: Partial<RoomPlan>;
    readonly prefer?: Readonly<Record<string, unknown>>;
    readonly viewport?: { readonly width: number; readonly height: number };
    readonly touch?: boolean;
    readonly rooms?: readonly NumberedRoom[];
    /** The language that the browser prefers. */
    readonly locale?: string;
    /** A file that is answered here in place of the server's. */
    readonly route?: { readonly pattern: string; readonly body: string };
  } = {},
): Promise<Scene> {
  const room = new NumberedRoom('scope', options.plan, 'Theatre 2');
  const served = await serveDashboard([room, ...(options.rooms ?? [])]);
  for (const one of [room, ...(options.rooms ?? [])]) one.play();
  const { page, problems } = await openPage(browser(), served.server.url + hash, {
    ...(options.viewport && { viewport: { ...options.viewport } }),
    hasTouch: options.touch ?? false,
    ...(options.locale !== undefined && { locale: options.locale }),
    ...(options.route && { route: options.route }),
    before: preferences({
      fillOpacity: 1,
      labels: false,
      limitMs: 5000,
      slow: 'steady-outlines',
      ...options.prefer,
    }),
  });
  closing.push(
    () => served.close(),
    () => room.close(),
    () => page.context().close(),
  );
  return { room, served, page, problems };
}

/** Waits until the room shows a picture. */
export async function live(page: Page): Promise<void> {
  await readBack(page, { pictures: 1, masks: 0 });
}

/** CSS position of a source pixel with the whole picture (640 × 360) on the stage. */
export async function onStage(page: Page, x: number, y: number): Promise<{ x: number; y: number }> {
  const box = await page.locator('canvas.picture').boundingBox();
  if (!box) throw new Error('no picture on the page');
  const scale = Math.min(box.width / 640, box.height / 360);
  return {
    x: box.x + (box.width - 640 * scale) / 2 + x * scale,
    y: box.y + (box.height - 360 * scale) / 2 + y * scale,
  };
}

/** Stops the room on one picture that the page shows; returns the identity of its frame. */
export async function still({ room, page }: Scene): Promise<{ ptsNs: number; number: number }> {
  room.pause();
  await page.locator('.notice-picture').getByText('Picture frozen').waitFor();
  // A picture may still be under way when the page first says so: what was shown last is asked for each time.
  await expect
    .poll(
      async () => {
        const [seen] = (await readBack(page, { pictures: 1, masks: 0 })).slice(-1);
        return { seen: seen?.picture, behind: (room.lastShown?.sourceFrame ?? NaN) - (seen?.picture ?? NaN) };
      },
      { timeout: 20_000 },
    )
    .toMatchObject({ behind: 0 });
  const shown = room.lastShown;
  if (!shown) throw new Error('nothing was shown');
  return { ptsNs: shown.ptsNs, number: shown.sourceFrame };
}
