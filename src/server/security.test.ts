import { describe, expect, it } from 'vitest';
import { checkOrigin, checkTokenText, generateToken, isLoopbackHost, sameSecret } from './security.js';
import type { AccessRules } from './security.js';
import { safeFileName } from './uploads.js';

const open: AccessRules = { token: null, allowedOrigins: ['https://viewer.hospital.example'] };
const guarded: AccessRules = { token: 'a-secret-token-of-28-letters', allowedOrigins: [] };
const origin = (headers: Record<string, string>, rules = open) =>
  checkOrigin({ headers, url: '/ws' }, rules)?.code ?? 'allowed';

describe('Origin', () => {
  it.each([
    ['no browser', { host: '127.0.0.1:8080' }, 'allowed'],
    ['our own page', { host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080' }, 'allowed'],
    ['our own page by name', { host: 'localhost:8080', origin: 'http://localhost:8080' }, 'allowed'],
    ['an allowed site', { host: 'localhost:8080', origin: 'https://viewer.hospital.example' }, 'allowed'],
    ['another website', { host: '127.0.0.1:8080', origin: 'https://evil.example' }, 'SONO_ORIGIN_FOREIGN'],
    ['another port', { host: '127.0.0.1:8080', origin: 'http://127.0.0.1:9999' }, 'SONO_ORIGIN_FOREIGN'],
    ['a file', { host: '127.0.0.1:8080', origin: 'null' }, 'SONO_ORIGIN_FOREIGN'],
    ['nonsense', { host: '127.0.0.1:8080', origin: '::' }, 'SONO_ORIGIN_FOREIGN'],
    [
      'a foreign name pointed at us',
      { host: 'evil.example:8080', origin: 'http://evil.example:8080' },
      'SONO_ORIGIN_FOREIGN',
    ],
    ['a foreign name without Origin', { host: 'evil.example:8080' }, 'SONO_ORIGIN_FOREIGN'],
  ])('of %s', (_, headers, verdict) => {
    expect(origin(headers)).toBe(verdict);
  });

  it('may have any name of ours where a token is asked for', () => {
    const headers = { host: 'tower-3:8080', origin: 'http://tower-3:8080' };
    expect(origin(headers, guarded)).toBe('allowed');
    expect(origin({ ...headers, origin: 'http://evil.example' }, guarded)).toBe('SONO_ORIGIN_FOREIGN');
  });
});

describe('token', () => {
  it.each(['', 'short', 'fifteen-letters', 'sixteen letters!', 'sechzehn-Zeichen-ü', 'sixteen-letters\n'])(
    '"%s" is not fit to be one',
    (text) => {
      expect(() => checkTokenText(text)).toThrow(
        expect.objectContaining({ code: 'SONO_TOKEN_UNUSABLE' }) as Error,
      );
    },
  );

  it('of sixteen plain signs is', () => {
    for (const text of ['sixteen-letters!', generateToken()])
      expect(() => checkTokenText(text)).not.toThrow();
  });

  it('is random and fits in an address', () => {
    expect(generateToken()).toMatch(/^[\w-]{32}$/);
    expect(generateToken()).not.toBe(generateToken());
    expect(sameSecret('a', 'a')).toBe(true);
    expect(sameSecret('a', 'ab')).toBe(false);
  });
});

it.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['localhost', true],
  ['::1', true],
  ['0.0.0.0', false],
  ['192.168.1.5', false],
  ['127.evil.example', false],
])('%s reaches this computer only: %s', (host, verdict) => {
  expect(isLoopbackHost(host)).toBe(verdict);
});

describe('upload names', () => {
  it.each([
    ['case 1.mp4', 'case 1.mp4'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\films\\a.avi', 'a.avi'],
    ['.hidden', 'hidden'],
    ['a\u0000b\n.mp4', 'a_b_.mp4'],
    ['Gallenblase–Ü.mkv', 'Gallenblase–Ü.mkv'],
  ])('%s becomes %s', (asked, name) => {
    expect(safeFileName(asked)).toBe(name);
  });

  it('are bounded', () => {
    expect(safeFileName(`${'x'.repeat(500)}.mp4`)).toBe(`${'x'.repeat(196)}.mp4`);
    expect(safeFileName(`${'Ü'.repeat(500)}.mp4`)).toBe(`${'Ü'.repeat(98)}.mp4`);
  });

  it.each(['', '.', '..', '/', '   ', '...'])('"%s" is refused', (asked) => {
    expect(() => safeFileName(asked)).toThrow(expect.objectContaining({ code: 'SONO_UPLOAD_NAME' }) as Error);
  });
});
