import { describe, expect, it } from 'vitest';
import { onFault, type Fault } from '../vocabulary/faults.js';
import { LastResort, originOf } from './last-resort.js';

const withStack = (stack: string): Error => Object.assign(new Error('x'), { stack });

describe('an error that nobody caught', () => {
  it('is attributed to the innermost file of ours, else to the system call', () => {
    const stack = [
      'Error: x',
      '    at f (/opt/s/node_modules/sharp/dist/input.js:3:4)',
      '    at g (file:///opt/s/dist/replay/recording-source.js:77:9)',
      '    at h (file:///opt/s/dist/cli/run.js:1:1)',
    ].join('\n');
    expect(originOf(withStack(stack))).toBe('replay/recording-source');
    expect(originOf(Object.assign(withStack('Error: x'), { syscall: 'spawn tar' }))).toBe('spawn');
    expect(originOf('text')).toBe('unknown');
  });

  it('is reported, and ends the program only where there are too many within a minute', async () => {
    const faults: Fault[] = [];
    const stop = onFault((fault) => faults.push(fault));
    let nowMs = 0;
    const resort = new LastResort(() => nowMs);
    let reason: string | null = null;
    void resort.hopeless.then(({ code }) => (reason = code));
    for (let n = 0; n < 100; n++, nowMs += 3_100) resort.take(new Error('one'));
    await Promise.resolve();
    expect(reason).toBeNull();
    expect(faults).toHaveLength(100);
    expect(faults[0]).toMatchObject({ boundary: 'process', error: { code: 'SONO_UNEXPECTED' } });
    for (let n = 0; n < 21; n++) resort.take(new Error('many'));
    await Promise.resolve();
    expect(reason).toBe('SONO_UNEXPECTED');
    stop();
  });

  it('ends the program where it is one of Node itself', async () => {
    const resort = new LastResort();
    resort.take(Object.assign(new Error('x'), { code: 'ERR_INTERNAL_ASSERTION' }));
    await expect(resort.hopeless).resolves.toMatchObject({ code: 'SONO_UNEXPECTED' });
  });
});
