import { describe, expect, it } from 'vitest';
import { Outbox } from './outbox.js';
import type { Outgoing } from './outbox.js';

/** A socket that keeps what it is given until `take` says that it left. */
function harness(limits = { inFlightBytes: 100, controlBytes: 1000, controlMessages: 10 }) {
  const sent: Outgoing[] = [];
  const done: (() => void)[] = [];
  const dropped: string[] = [];
  let overflows = 0;
  let nowMs = 0;
  const outbox = new Outbox(
    {
      send: (data, finished) => {
        sent.push(data);
        done.push(finished);
      },
    },
    () => {
      overflows += 1;
    },
    limits,
    () => nowMs,
  );
  return {
    outbox,
    sent,
    dropped,
    overflows: () => overflows,
    advance: (ms: number) => {
      nowMs += ms;
    },
    take: () => done.shift()?.(),
    /** Pushes a message of `bytes` bytes that all have the value `mark`. */
    push: (key: string, mark: number, bytes = 60) =>
      outbox.push({
        key,
        parts: () => [new Uint8Array(bytes).fill(mark)],
        onSent: () => undefined,
        onDropped: () => dropped.push(`${key}${mark}`),
      }),
    marks: () => sent.map((data) => (typeof data === 'string' ? data : data[0]?.[0])),
  };
}

describe('outbox', () => {
  it('sends at once while the socket takes it', () => {
    const { push, marks, take } = harness();
    push('a', 1);
    take();
    push('a', 2);
    expect(marks()).toEqual([1, 2]);
  });

  it('keeps the newest message of each channel and counts the others', () => {
    const { push, marks, take, dropped } = harness();
    push('a', 1);
    push('a', 2);
    for (const mark of [3, 4, 5]) push('a', mark);
    push('b', 6);
    push('b', 7);
    expect(marks()).toEqual([1, 2]);
    expect(dropped).toEqual(['a3', 'a4', 'b6']);
    take();
    take();
    expect(marks()).toEqual([1, 2, 5, 7]);
  });

  it('lets a slow channel keep its turn against a fast one', () => {
    const { push, marks, take } = harness();
    push('x', 1, 100);
    push('slow', 2);
    for (let mark = 10; mark < 20; mark++) push('fast', mark);
    take();
    expect(marks()).toEqual([1, 2, 19]);
  });

  it('sends control messages before channel messages and never drops them', () => {
    const { outbox, push, marks, take } = harness();
    push('a', 1, 100);
    push('a', 2, 100);
    outbox.pushControl('first');
    outbox.pushControl('second');
    take();
    expect(marks()).toEqual([1, 'first', 'second', 2]);
  });

  it('encodes nothing that is not sent', () => {
    const { outbox, push } = harness();
    push('x', 1, 100);
    let encoded = 0;
    const message = {
      key: 'a',
      parts: () => {
        encoded += 1;
        return [new Uint8Array(1)];
      },
      onSent: () => undefined,
      onDropped: () => undefined,
    };
    outbox.push(message);
    outbox.push(message);
    expect(encoded).toBe(0);
  });

  it('leaves out a message that turns out to be none and goes on', () => {
    const { outbox, push, marks } = harness();
    outbox.push({ key: 'a', parts: () => null, onSent: () => undefined, onDropped: () => undefined });
    push('b', 2);
    expect(marks()).toEqual([2]);
  });

  it.each([
    ['too many', 'x', 11],
    ['too large', 'x'.repeat(400), 3],
  ])('says when control messages that are %s pile up, once, and takes nothing more', (_, text, count) => {
    const { outbox, push, overflows, sent } = harness();
    push('x', 1, 100);
    for (let index = 0; index < count + 5; index++) outbox.pushControl(text);
    push('y', 2);
    expect(overflows()).toBe(1);
    expect(sent).toHaveLength(1);
    expect(outbox.waiting).toBe(0);
  });

  it('forgets what waits for a channel that ended, without counting it', () => {
    const { outbox, push, marks, take, dropped } = harness();
    push('x', 1, 100);
    push('3 a', 2);
    push('33 a', 3);
    outbox.forget((key) => key.startsWith('3 '));
    take();
    expect(marks()).toEqual([1, 3]);
    expect(dropped).toEqual([]);
  });

  it('measures for how long nothing has left', () => {
    const { outbox, push, advance, take } = harness();
    advance(50);
    expect(outbox.stalledMs).toBe(0);
    push('a', 1);
    advance(30);
    push('b', 2);
    expect(outbox.stalledMs).toBe(30);
    take();
    expect(outbox.stalledMs).toBe(0);
    advance(5);
    expect(outbox.stalledMs).toBe(5);
    take();
    expect(outbox.stalledMs).toBe(0);
  });
});
