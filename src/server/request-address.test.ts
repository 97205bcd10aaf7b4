import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestPath, requestQuery } from './request-address.js';

describe('the address of a request', () => {
  it.each([
    ['/ws', '/ws', null],
    ['/ws?token=a%20b', '/ws', 'a b'],
    ['/ws?x=1&token=secret#token=other', '/ws', 'secret'],
    ['http://127.0.0.1:8080/ws?token=t', '/ws', 't'],
    ['http://[/ws?token=t', '/ws', 't'],
    ['//', '//', null],
    ['//host/ws', '//host/ws', null],
    ['http://', '', null],
    ['*', '*', null],
    ['', '', null],
  ])('%s', (address, path, token) => {
    expect(requestPath(address)).toBe(path);
    expect(requestQuery(address).get('token')).toBe(token);
  });

  it('is taken apart whatever it is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('', '/', '//', 'http://', '\\', '/%'),
        (rest, start) => {
          requestPath(start + rest);
          requestQuery(start + rest);
        },
      ),
    );
  });
});
