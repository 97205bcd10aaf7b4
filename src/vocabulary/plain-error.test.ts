import { describe, expect, it } from 'vitest';
import { errorFactory, SonoError } from './errors.js';
import { fromPlainError, toPlainError } from './plain-error.js';

const testError = errorFactory({
  SONO_TEST: { exitCode: 5, httpStatus: 500, sentence: 'It broke at {place}.' },
});

describe('an error sent as plain data', () => {
  it('comes out with code, sentence, details, place and the whole chain of causes', () => {
    const root = new Error('the root');
    const sent = testError('SONO_TEST', { place: 'here' }, new Error('between', { cause: root }));
    const received = fromPlainError(structuredClone(toPlainError(sent)));
    expect(received).toBeInstanceOf(SonoError);
    expect(received).toMatchObject({
      code: 'SONO_TEST',
      message: 'It broke at here.',
      details: { place: 'here' },
      definition: sent.definition,
      stack: sent.stack,
    });
    expect((received.cause as Error).message).toBe('between');
    expect((received.cause as Error).cause).toMatchObject({ message: 'the root', stack: root.stack });
  });

  it('may be anything that can be thrown', () => {
    expect(fromPlainError(toPlainError('gone')).message).toBe('gone');
    expect(fromPlainError(toPlainError(new Error('no', { cause: 'why' }))).cause).toMatchObject({
      message: 'why',
    });
  });
});
