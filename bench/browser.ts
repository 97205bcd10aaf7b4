/** Capture-to-paint: the dashboard's own acceptance test in headless Chromium, as a person would start it. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import type { StoredAcceptance } from '../src/protocol/requests.js';
import type { AcceptanceSummary } from '../src/protocol/acceptance.js';

export function chromiumPath(): string | null {
  const path = process.env['SONO_CHROMIUM'] ?? '/usr/bin/chromium';
  return existsSync(path) ? path : null;
}

export function launchChromium(path: string): Promise<Browser> {
  return chromium.launch({
    executablePath: path,
    args: [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--no-first-run',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

interface PaintMeasurement {
  readonly browser: string;
  /** Null if no picture was painted with its outlines within the limit. */
  readonly overlay: AcceptanceSummary | null;
  readonly picture: AcceptanceSummary | null;
}

/** Measures `frames` pictures with outlines and as many without. */
export async function measurePaint(
  browser: Browser,
  pageUrl: string,
  stream: string,
  frames: number,
  framesPerSecond: number,
): Promise<PaintMeasurement> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(`${pageUrl}#/room/${stream}/acceptance`);
    await page.locator('#acceptance-frames').fill(String(frames));
    await page.locator('#acceptance-frames').dispatchEvent('change');
    const start = page.getByRole('button', { name: 'Start the test' });
    const known = new Set((await listed(pageUrl)).map(({ id }) => id));
    // The button is enabled when an object is outlined and the clocks are synchronised.
    await start.click({ timeout: 60_000 });
    const stop = page.getByRole('button', { name: 'Stop and evaluate' });
    // Time of both parts at the source's rate; the deadline allows three times that, because outlines may come late.
    const limitMs = ((2 * frames) / framesPerSecond) * 1000;
    const deadline = Date.now() + limitMs * 3 + 20_000;
    let stopped = 0;
    for (;;) {
      await page.waitForTimeout(500);
      const stored = (await listed(pageUrl)).find(({ id }) => !known.has(id));
      if (stored) {
        const response = await fetch(new URL(`api/acceptance/${stored.id}`, pageUrl));
        const { overlay, picture } = (await response.json()) as StoredAcceptance;
        return { browser: browser.version(), overlay, picture };
      }
      if (await start.isVisible()) return { browser: browser.version(), overlay: null, picture: null };
      if (Date.now() > deadline) {
        if (stopped === 4) throw new Error('the acceptance test did not end');
        stopped += 1;
        if (await stop.isVisible()) await stop.click();
      }
    }
  } finally {
    await context.close();
  }
}

async function listed(pageUrl: string): Promise<readonly { readonly id: string }[]> {
  const response = await fetch(new URL('api/acceptance', pageUrl));
  return ((await response.json()) as { reports: { id: string }[] }).reports;
}
