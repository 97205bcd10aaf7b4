import { describe, expect, it } from 'vitest';
import type { Fault } from '../vocabulary/faults.js';
import { serverError } from './errors.js';
import { FaultLog } from './fault-log.js';

describe('the log of faults', () => {
  it('has a line for each owner, and does not fill up with those of one', () => {
    const lines: { owner: string; leftOut: number }[] = [];
    let nowMs = 0;
    const log = new FaultLog(
      { error: (line: unknown) => void lines.push(line as (typeof lines)[number]) },
      () => nowMs,
    );
    const fault = (owner: string): Fault => ({
      ...{ boundary: 'room', owner, cause: new Error('x') },
      error: serverError('SONO_SERVER_FAULT'),
    });
    for (; nowMs < 10_000; nowMs += 40) log.write(fault('scope'));
    log.write(fault('echo'));
    log.write({ ...fault('echo'), cause: new Error('from another place') });
    log.write(fault('scope'));
    expect(lines.map(({ owner, leftOut }) => [owner, leftOut])).toEqual([
      ['scope', 0],
      ['echo', 0],
      ['echo', 0],
      ['scope', 249],
    ]);
  });
});
