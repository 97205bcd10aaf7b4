import { describe, expect, it } from 'vitest';
import { errorFactory } from './errors.js';
import { codedFault, onFault, type Fault } from './faults.js';

const testError = errorFactory({
  SONO_TEST: { exitCode: 5, httpStatus: 500, sentence: 'It broke: {reason}.' },
});

describe('an error at a boundary', () => {
  it('is wrapped and reported once where nobody expected it, and passes where it is coded', () => {
    const seen: Fault[] = [];
    const stop = onFault((fault) => seen.push(fault));
    const cause = new TypeError('x is not a function');
    const coded = codedFault('room', 'scope', cause, (error) =>
      testError('SONO_TEST', { reason: 'a test' }, error),
    );
    expect(coded).toMatchObject({ code: 'SONO_TEST', message: 'It broke: a test.', cause });
    expect(seen).toEqual([{ boundary: 'room', owner: 'scope', error: coded, cause }]);
    expect(codedFault('room', 'scope', coded, () => testError('SONO_TEST'))).toBe(coded);
    expect(seen).toHaveLength(1);
    stop();
    codedFault('room', 'scope', 'thrown text', () => testError('SONO_TEST'));
    expect(seen).toHaveLength(1);
  });
});
