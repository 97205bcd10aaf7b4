import { describe, expect, it } from 'vitest';
import type { TrackerCommand } from '../engine/engine.js';
import { commandFromJournal, decodeEntry, encodeEntry, journalCommand } from './journal.js';

const there = (command: TrackerCommand): TrackerCommand | null => {
  const entry = decodeEntry(
    encodeEntry({
      op: 'command',
      command: journalCommand(command),
      frame: null,
      objectId: 1,
      objects: null,
      error: null,
    }),
  );
  return entry?.op === 'command' ? commandFromJournal(entry.command) : null;
};
const click = { type: 'click', point: [4, 5], positive: true } as const;

describe('the journal', () => {
  it.each(['person', 'plan', 'detector'] as const)('keeps that a mark came from a %s', (author) => {
    const command: TrackerCommand = { kind: 'prompt', objectId: 2, label: null, prompts: [click], author };
    expect(there(command)).toEqual(command);
  });

  it('of an earlier version, without authors, is read as it is', () => {
    const command: TrackerCommand = { kind: 'prompt', objectId: null, label: 'a', prompts: [click] };
    expect(there(command)).toEqual(command);
  });

  it('keeps every mark that the tracker takes: the longest scribble of a prompt file too', () => {
    const points = Array.from({ length: 10_000 }, (_, index) => [index % 640, 7] as const);
    const command: TrackerCommand = {
      kind: 'prompt',
      objectId: null,
      label: 'a',
      prompts: [{ type: 'scribble', points, positive: true }],
    };
    expect(there(command)).toEqual(command);
  });
});
