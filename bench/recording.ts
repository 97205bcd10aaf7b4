/** How quickly a recording of an hour answers in the dashboard: until its first picture, and from the slider to the picture wanted. */
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { z } from 'zod';
import { gst, type Clip } from './media.js';

/** The clip is joined this many times, then the result again, without encoding: 10 s become more than an hour. */
const repeats = 20;

/** Runs `use` with a file of at least an hour, which is gone afterwards. */
export async function withHourOf<Value>(clip: Clip, use: (path: string) => Promise<Value>): Promise<Value> {
  const folder = await mkdtemp(join(tmpdir(), 'sonoscope-hour-'));
  try {
    let path = clip.path;
    for (const name of ['minutes', 'hour']) {
      const parts = join(folder, name);
      await mkdir(parts);
      const number = (index: number): string => String(index).padStart(3, '0');
      for (let index = 0; index < repeats; index += 1)
        await symlink(path, join(parts, `${number(index)}.mp4`));
      path = join(folder, `${name}.mp4`);
      await gst(
        ...['splitmuxsrc', `location=${join(parts, '*.mp4')}`, '!', 'h264parse', '!'],
        ...['mp4mux', '!', 'filesink', `location=${path}`],
      );
    }
    return await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface RecordingMeasurement {
  /** From the button to the first picture on the screen. */
  readonly openMs: number;
  /** From the slider's new value to that picture on the screen, one per jump. */
  readonly jumpsMs: readonly number[];
}

/** Milliseconds from `action` (a statement) until the stage shows `frame`. Timed inside the page, without the delay of this automation. */
function untilShown(page: Page, frame: number, action: string): Promise<number> {
  return page.evaluate<number>(`(async () => {
    const started = performance.now();
    ${action}
    while (document.querySelector('.project-stage[data-frame="${frame}"]') === null)
      await new Promise(requestAnimationFrame);
    return performance.now() - started;
  })()`);
}

const projectList = z.object({
  projects: z.array(z.object({ id: z.string(), pictures: z.object({ frames: z.number() }) })),
});

/** Opens `path` in a page and jumps through what has been read so far, while the rest is still being read. */
export async function measureRecording(
  browser: Browser,
  pageUrl: string,
  path: string,
  jumps: number,
): Promise<RecordingMeasurement> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(`${pageUrl}#/recordings`);
    await page.getByLabel('Path on the server').fill(path);
    const openMs = await untilShown(
      page,
      0,
      `[...document.querySelectorAll('button')].find((button) => button.textContent.includes('Open recording')).click();`,
    );

    const read = async () => {
      const { projects } = projectList.parse(await (await fetch(new URL('api/projects', pageUrl))).json());
      const [project] = projects;
      if (!project) throw new Error('the recording is not listed');
      return project;
    };
    const wanted = 1500;
    const limit = Date.now() + 180_000;
    let project = await read();
    while (project.pictures.frames < wanted) {
      if (Date.now() > limit) throw new Error(`only ${project.pictures.frames} pictures read in 3 minutes`);
      await page.waitForTimeout(250);
      project = await read();
    }
    const jumpsMs: number[] = [];
    for (let jump = 0; jump < jumps; jump += 1) {
      // The jumps are far apart and never repeat, so no picture is in the page's cache.
      const target = 1 + ((jump * 617) % (wanted - 1));
      const move = `const slider = document.querySelector('input[aria-label="Picture"]'); slider.value = "${target}";
        slider.dispatchEvent(new Event("input", { bubbles: true }));`;
      jumpsMs.push(await untilShown(page, target, move));
    }
    const removed = await fetch(new URL(`api/projects/${project.id}`, pageUrl), { method: 'DELETE' });
    if (!removed.ok) throw new Error('the project could not be removed');
    return { openMs, jumpsMs };
  } finally {
    await context.close();
  }
}
