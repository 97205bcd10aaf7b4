/** docs/foxglove-layout.json against the rooms, channels and schemas that there really are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readPipelineFile } from '../../src/config/pipeline-file.js';
import { packageRoot } from '../../src/node/built-module.js';
import { channelSchemas, parseTopic } from '../../src/protocol/channels.js';
import { echoMeasures } from '../../src/vocabulary/echo.js';

interface Panel {
  readonly imageMode?: {
    readonly imageTopic: string;
    readonly annotations: Readonly<Record<string, { readonly visible: boolean }>>;
  };
  readonly paths?: readonly { readonly value: string }[];
  readonly topicPath?: string;
}
const text = readFileSync(join(packageRoot, 'docs/foxglove-layout.json'), 'utf8');
const layout = JSON.parse(text) as {
  readonly configById: Readonly<Record<string, Panel>>;
  readonly layout: unknown;
};
const panels = Object.entries(layout.configById);

/** Schema of a topic of the demo; fails where there is no such room or channel. */
async function schemaOf(topic: string) {
  const { streams } = await readPipelineFile(join(packageRoot, 'pipelines/demo.yaml'));
  const parsed = parseTopic(topic);
  expect(streams.map(({ id }) => id)).toContain(parsed?.streamId);
  if (parsed === null) throw new Error(`${topic} is no channel`);
  return channelSchemas[parsed.kind];
}

it('shows every panel that it describes, and no other', () => {
  const shown = JSON.stringify(layout.layout).match(/"\w+!\w+"/g) ?? [];
  expect(shown.map((id) => JSON.parse(id) as string).sort()).toEqual(panels.map(([id]) => id).sort());
});

it('has pictures and outlines of the same room, in the schemas that the panel takes', async () => {
  const images = panels.filter(([id]) => id.startsWith('Image!'));
  expect(images.length).toBe(2);
  for (const [, { imageMode }] of images) {
    const { imageTopic = '', annotations = {} } = imageMode ?? {};
    expect((await schemaOf(imageTopic)).typeName).toBe('foxglove.CompressedImage');
    const [outlines = ''] = Object.keys(annotations);
    expect((await schemaOf(outlines)).typeName).toBe('foxglove.ImageAnnotations');
    expect(parseTopic(outlines)?.streamId).toBe(parseTopic(imageTopic)?.streamId);
    expect(annotations[outlines]?.visible).toBe(true);
  }
});

it('plots values that are measured, from fields that the messages have', async () => {
  const values = panels.flatMap(([, { paths = [] }]) => paths.map(({ value }) => value));
  expect(values.length).toBeGreaterThan(0);
  for (const value of values) {
    const [, topic = '', filter = '', wanted = '', field = ''] =
      /^(\/[\w-]+\/\w+)\{(\w+)=="(\w+)"\}\.(\w+)$/.exec(value) ?? [];
    const names = (await schemaOf(topic)).fields.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([filter, field]));
    expect(Object.values(echoMeasures)).toContain(wanted);
  }
});

it('shows whole messages of channels that are there', async () => {
  const raw = panels.flatMap(([, { topicPath }]) => (topicPath === undefined ? [] : [topicPath]));
  expect(raw.length).toBeGreaterThan(0);
  for (const topic of raw) await schemaOf(topic);
});

it('is what docs/foxglove.md says', () => {
  const page = readFileSync(join(packageRoot, 'docs/foxglove.md'), 'utf8');
  expect(page).toContain('(foxglove-layout.json)');
  for (const word of ['/video', '/outlines', '/echo/measurements{name=="lv_volume"}.value', '/health'])
    expect([page.includes(word), text.replaceAll('\\"', '"').includes(word)]).toEqual([true, true]);
});
