/** State that is pushed on topics of no stream: a slow viewer gets the newest value of each slot, and what it missed is counted. */
import { Subject } from 'rxjs';
import { afterEach, expect, it } from 'vitest';
import { z } from 'zod';
import type { Topic, TopicValue } from '../../../src/server/index.js';
import { clientOf, serve, until } from './fixture.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Large enough that a few fill what a socket may hold. */
const ballast = 'x'.repeat(64 * 1024);
const valueSchema = z.object({ about: z.string(), number: z.number(), ballast: z.string() });

async function served(latest: Topic['latest'] = () => []) {
  const changes = new Subject<TopicValue>();
  const { server } = await serve({
    topics: [{ topic: '/state', schemaName: 'test.State', schema: valueSchema, changes$: changes, latest }],
  });
  closing.push(() => server.close());
  const viewer = clientOf(server);
  closing.push(() => viewer.close());
  const seen: z.infer<typeof valueSchema>[] = [];
  viewer.subscribeJson('/state', (value) => seen.push(valueSchema.parse(value)));
  return { changes, server, viewer, seen };
}

it('is advertised with its JSON schema, and a new subscriber gets what there is', async () => {
  const value = { about: 'a', number: 7, ballast: '' };
  const { viewer, seen } = await served(() => [{ slot: 'a', value: () => value }]);
  await until(() => seen.length > 0, 'the first value');
  expect(seen).toEqual([value]);
  const channel = viewer.channels.find(({ topic }) => topic === '/state');
  expect(channel).toMatchObject({ encoding: 'json', schemaEncoding: 'jsonschema', schemaName: 'test.State' });
  expect(JSON.parse(channel?.schema ?? '')).toMatchObject({ required: ['about', 'number', 'ballast'] });
});

it('leaves out steps for who is slow, never the last state of anything', async () => {
  const { changes, server, seen } = await served(() => [
    { slot: 'start', value: () => ({ about: 'start', number: 0, ballast: '' }) },
  ]);
  await until(() => seen.length > 0, 'the subscription');
  const rounds = 200;
  for (let number = 1; number <= rounds; number++)
    for (const about of ['a', 'b']) changes.next({ slot: about, value: () => ({ about, number, ballast }) });
  const last = (about: string) => seen.filter((value) => value.about === about).at(-1)?.number;
  await until(() => last('a') === rounds && last('b') === rounds, 'the last state of both');
  expect(seen.length).toBeLessThan(rounds);
  const dropped = (await server.metrics.droppedMessages.get()).values.find(
    ({ labels }) => labels.channel === '/state',
  );
  // Every value was sent or counted.
  expect((dropped?.value ?? 0) + seen.length - 1).toBe(2 * rounds);
});
