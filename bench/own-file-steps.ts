/**
 * From opening the page to the first tracked object of an own file, doing only what a person sees: buttons by their names, the browser's
 * dialog for files, a click on the picture. Used by the bench and, without a clock, by a test.
 */
import type { Page } from 'playwright-core';

/** Milliseconds since the page was opened, when each was on the screen. */
export interface OwnFileTimes {
  readonly pageMs: number;
  /** The file has been sent and the room shows its first picture. */
  readonly pictureMs: number;
  readonly trackedMs: number;
}

/**
 * @param address of a server without rooms
 * @param point on the picture, as shares of its width and height
 */
export async function trackInOwnFile(
  page: Page,
  address: string,
  file: string,
  point: { readonly x: number; readonly y: number },
): Promise<OwnFileTimes> {
  const startMs = performance.now();
  const since = (): number => performance.now() - startMs;
  await page.goto(address);
  await page.getByRole('button', { name: 'Add a room' }).click();
  const pageMs = since();
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.getByRole('button', { name: 'From this computer' }).click(),
  ]);
  await chooser.setFiles(file);
  // The tools come with the room; without a picture there is nothing to point at.
  await page.getByRole('radio', { name: /^Add/ }).click();
  const picture = page.locator('canvas.picture');
  await painted(page);
  const pictureMs = since();
  const box = await picture.boundingBox();
  if (!box) throw new Error('there is no picture on the page');
  await page.mouse.click(box.x + point.x * box.width, box.y + point.y * box.height);
  await page.locator('.object').getByText('Tracking').first().waitFor();
  return { pageMs, pictureMs, trackedMs: since() };
}

/** Resolves once the room has painted a picture. Asked from outside: the page's policy evaluates no text. */
async function painted(page: Page): Promise<void> {
  const strip = page.locator('.strip');
  for (;;) {
    const stats = await strip.getAttribute('data-stats');
    if (stats !== null && (JSON.parse(stats) as { counts: { painted: number } }).counts.painted > 0) return;
    await page.waitForTimeout(20);
  }
}
