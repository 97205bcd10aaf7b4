/** One server with something of everything, and how to reach every view of the page by its address and its keys. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { SystemFacts, systemServices } from '../../src/app/system-facts.js';
import { listFolder } from '../../src/ingest/index.js';
import { projectServices, projectsTopicOf } from '../../src/projects/project-services.js';
import { Projects } from '../../src/projects/projects.js';
import { replayTools } from '../../src/replay/replay-tools.js';
import type { RoomRegistry } from '../../src/server/index.js';
import { sceneFolder, squareBox, tinyModel } from '../process/replay/fixture.js';
import { EchoRoom } from './echo-scene.js';
import { serveDashboard, type Served } from './harness.js';
import { NumberedRoom } from './numbered-room.js';

export interface EveryView {
  readonly served: Served;
  /** A server without any room. */
  readonly empty: Served;
  readonly views: readonly View[];
  close(): Promise<void>;
}

export interface View {
  readonly name: string;
  readonly address: string;
  /** From the loaded page to the view. */
  readonly reach: (page: Page) => Promise<void>;
}

const seen = (selector: string) => async (page: Page) => {
  await page.locator(selector).first().waitFor();
};

export async function everyView(): Promise<EveryView> {
  const folder = mkdtempSync(join(tmpdir(), 'sono-every-view-'));
  const rooms = [new NumberedRoom('scope', {}, 'Theatre 2'), new EchoRoom('echo', {}, 'Echo lab')] as const;
  const projects = new Projects(join(folder, 'projects'), {
    createSource: replayTools.createSource,
    ...{ modelDir: tinyModel, provider: 'cpu', threads: 1, version: '9.9.9' },
    ...{ chunkFrames: 5, spoolBytes: 1e8 },
  });
  let openRooms: RoomRegistry | null = null;
  const facts = new SystemFacts({
    folder,
    rooms: () => openRooms?.rooms ?? [],
    choiceOf: () => ({ reason: 'named when the server was started', threads: 1 }),
    mostRooms: () => 4,
    recordingRate: () => ({ basis: 'now', bytesPerSecond: 2e6, seconds: 90, recordings: 1 }),
  });
  const options = {
    listFolder: (uri: string, asker: AbortSignal) => listFolder(uri, asker),
    extraServices: [...projectServices(projects), ...systemServices(facts)],
    topics: [projectsTopicOf(projects)],
  };
  const served = await serveDashboard(rooms, options);
  openRooms = served.rooms;
  const empty = await serveDashboard([], { extraServices: systemServices(facts) });
  for (const room of rooms) room.play();
  const clip = await sceneFolder(join(folder, 'case'), 20);
  const project = await projects.open(clip, null, null, new AbortController().signal);
  const eventually = async (look: () => boolean | Promise<boolean>): Promise<void> => {
    for (let tries = 0; tries < 1200 && !(await look()); tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
  };
  await eventually(() => project.state.pictures.complete);
  await project.prompt(0, 'square', [{ type: 'box', box: squareBox(0) }]);
  // Only what has been tracked can be exported.
  await project.propagate();
  await eventually(() => project.state.run.phase !== 'running');
  const { url } = served.server;
  const at = (hash: string): string => new URL(hash, url).href;
  const recording = at(`#/recordings/${project.id}`);
  const room = at('#/room/scope');
  const dialog = seen('dialog[open]');
  const keyed = (key: string) => async (page: Page) => {
    await seen('.objects-panel, .panel, .strip')(page);
    await page.keyboard.press(key);
    await dialog(page);
  };
  const views: readonly View[] = [
    { name: 'all rooms', address: url, reach: seen('.tile:nth-of-type(2)') },
    { name: 'a room', address: room, reach: seen('.object') },
    { name: 'an echo room', address: at('#/room/echo'), reach: seen('.echo-now[data-known="true"]') },
    { name: 'recordings', address: at('#/recordings'), reach: seen('.recordings-list img') },
    { name: 'a recording', address: recording, reach: seen('.project-stage[data-frame="0"]') },
    { name: 'the acceptance test', address: at('#/room/scope/acceptance'), reach: seen('main h1') },
    { name: 'the system page', address: at('#/system'), reach: seen('.system-facts meter') },
    { name: 'settings', address: room, reach: keyed('Control+,') },
    { name: 'the list of keys', address: room, reach: keyed('?') },
    {
      name: 'the source of a room',
      address: room,
      reach: async (page) => {
        await seen('.object')(page);
        await page
          .getByRole('button', { name: /source/i })
          .first()
          .click();
        await dialog(page);
      },
    },
    {
      name: 'adding a room',
      address: url,
      reach: async (page) => {
        await page.getByRole('button', { name: 'Add a room' }).click();
        await page.locator('dialog[open] option').nth(2).waitFor({ state: 'attached' });
      },
    },
    {
      name: 'closing a room',
      address: url,
      reach: async (page) => {
        await page.getByRole('button', { name: 'Close Theatre 2' }).click();
        await dialog(page);
      },
    },
    {
      name: 'an export',
      address: recording,
      reach: async (page) => {
        await seen('.project-stage[data-frame="0"]')(page);
        await page.getByRole('button', { name: /^Export/ }).click();
        await seen('dialog[open] .export-format')(page);
      },
    },
    { name: 'the clean feed', address: `${url}?clean=1&room=scope`, reach: seen('canvas.picture') },
    { name: 'a room that is not there', address: at('#/room/nowhere'), reach: seen('.empty h1') },
    { name: 'a wrong address', address: at('#/nonsense'), reach: seen('main h1') },
    { name: 'a server without rooms', address: empty.server.url, reach: seen('.empty .button') },
  ];
  return {
    served,
    empty,
    views,
    close: async () => {
      await served.close();
      await empty.close();
      await Promise.all(rooms.map((one) => one.close()));
      await projects.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
